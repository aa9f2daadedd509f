// simd/vec.h as a table of functions. Without the standard library, as simd/vec.h itself: this is
// compiled for instruction sets that the processor may not have.
#pragma once

#include <cstdint>

namespace lenet::test {

// On arrays of `count` floats, whole vectors, aligned to 64 bytes.
struct Functions {
    int lanes;
    void (*exp)(int64_t count, const float* in, float* out);
    void (*sigmoid)(int64_t count, const float* in, float* out);
    void (*tanh)(int64_t count, const float* in, float* out);
    float (*sum)(const float* in);
};

}  // namespace lenet::test

namespace lenet::baseline { const test::Functions& functions(); }
namespace lenet::avx2 { const test::Functions& functions(); }
namespace lenet::avx512 { const test::Functions& functions(); }
namespace lenet::wide { const test::Functions& functions(); }
