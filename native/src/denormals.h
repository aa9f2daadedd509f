// Numbers below 1.2e-38 count as zero while one of these lives: on many processors each of them
// would cost as much as fifty others, and saturated sigmoids and decayed averages are full of them.
#pragma once

#include <cstdint>

namespace lenet {

class DenormalsAreZero {
public:
#if defined(__x86_64__)
    DenormalsAreZero() : before_(__builtin_ia32_stmxcsr()) {
        __builtin_ia32_ldmxcsr(before_ | 0x8040);  // flush to zero, and read as zero
    }
    ~DenormalsAreZero() { __builtin_ia32_ldmxcsr(before_); }

private:
    uint32_t before_;
#elif defined(__aarch64__)
    DenormalsAreZero() {
        asm volatile("mrs %0, fpcr" : "=r"(before_));
        asm volatile("msr fpcr, %0" : : "r"(before_ | (uint64_t(1) << 24)));
    }
    ~DenormalsAreZero() { asm volatile("msr fpcr, %0" : : "r"(before_)); }

private:
    uint64_t before_;
#endif

public:
    DenormalsAreZero(const DenormalsAreZero&) = delete;
    DenormalsAreZero& operator=(const DenormalsAreZero&) = delete;
};

}  // namespace lenet
