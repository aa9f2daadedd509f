// Numbers below 1.2e-38 count as zero while one of these lives: on many processors each of them
// would cost as much as fifty others, and saturated sigmoids and decayed averages are full of them.
#pragma once

#include <cstdint>

namespace lenet {

class DenormalsAreZero {
#if defined(__SSE2__)
    using Word = uint32_t;
    static constexpr Word zero = 0x8040;  // flush to zero, and read as zero
    static Word control() { return __builtin_ia32_stmxcsr(); }
    static void set_control(Word word) { __builtin_ia32_ldmxcsr(word); }
#elif defined(__aarch64__)
    using Word = uint64_t;
    static constexpr Word zero = 1 << 24;
    static Word control() {
        Word word;
        asm volatile("mrs %0, fpcr" : "=r"(word));
        return word;
    }
    static void set_control(Word word) { asm volatile("msr fpcr, %0" : : "r"(word)); }
#elif defined(__ARM_FP)
    using Word = uint32_t;
    static constexpr Word zero = 1 << 24;
    static Word control() {
        Word word;
        asm volatile("vmrs %0, fpscr" : "=r"(word));
        return word;
    }
    static void set_control(Word word) { asm volatile("vmsr fpscr, %0" : : "r"(word)); }
#else  // no such switch (RISC-V), or none that is known here: they are numbers like all others
    using Word = uint32_t;
    static constexpr Word zero = 0;
    static Word control() { return 0; }
    static void set_control(Word) {}
#endif

public:
    static constexpr bool possible = zero != 0;
    DenormalsAreZero() : before_(control()) { set_control(before_ | zero); }
    ~DenormalsAreZero() { set_control(before_); }
    DenormalsAreZero(const DenormalsAreZero&) = delete;
    DenormalsAreZero& operator=(const DenormalsAreZero&) = delete;

private:
    Word before_;
};

}  // namespace lenet
