// Every instantiation of the kernels that this processor executes, and buffers for them.
#pragma once

#include <string>
#include <vector>

#include "functions.h"
#include "kernels.h"
#include "plain.h"
#include "worker.h"

namespace lenet::test {

struct Table {
    const Kernels* kernels;
    const Functions* functions;
};

// One for each of available_isas(), and "wide": vectors of 16 lanes without an instruction set for
// them, so that the code for that width is tested on every machine.
const std::vector<Table>& tables();

// The lanes that plain loops are run for: both ends and the middle.
inline std::vector<int> some_lanes(int lanes) { return {0, lanes / 2, lanes - 1}; }

inline void fill(Buffer& buffer, Random& random, double low = -1, double high = 1) {
    for (int64_t i = 0; i < buffer.size(); i++) buffer.data()[i] = float(random.uniform(low, high));
}

inline void fill(Buffer& buffer, float value) {
    for (int64_t i = 0; i < buffer.size(); i++) buffer.data()[i] = value;
}

// Cross-entropy and nothing more.
inline constexpr Objective plain_objective{0, 0, 0, nullptr};

// A table of floats as the engine wants it.
inline Buffer floats(const Values& values) {
    Buffer buffer(int64_t(values.size()));
    for (size_t i = 0; i < values.size(); i++) buffer.data()[i] = float(values[i]);
    return buffer;
}

}  // namespace lenet::test

namespace lenet::wide { const Kernels& kernels(); }
