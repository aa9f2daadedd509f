// Random words as a function of their place: SplitMix64 (Steele, Lea and Flood 2014). The twin is
// randomness.py.
#pragma once

#include <cstdint>

#include "layout.h"

namespace lenet {

constexpr uint64_t golden = 0x9E3779B97F4A7C15u;

LENET_INLINE uint64_t mix(uint64_t word) {
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9u;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBu;
    return word ^ (word >> 31);
}

// Word number `index` of a stream.
LENET_INLINE uint64_t random_word(uint64_t key, uint64_t index) {
    return mix(key + (index + 1) * golden);
}

}  // namespace lenet
