// Random words as a function of their place: SplitMix64. The twin is randomness.py.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "layout.h"

namespace lenet {

LENET_INLINE uint64_t mix(uint64_t word) {
    word = (word ^ (word >> 30)) * split_mix[0];
    word = (word ^ (word >> 27)) * split_mix[1];
    return word ^ (word >> 31);
}

// Where the counter of a stream starts: its seed, then what names it.
inline uint64_t stream_key(std::initializer_list<uint64_t> stream) {
    uint64_t key = 0;
    for (uint64_t number : stream) key = mix((key ^ number) + golden_ratio);
    return key;
}

// Word number `index` of a stream.
LENET_INLINE uint64_t random_word(uint64_t key, uint64_t index) {
    return mix(key + (index + 1) * golden_ratio);
}

}  // namespace lenet
