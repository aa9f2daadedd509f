// A vector of LENET_LANES floats, by the compiler's own vector types (GCC, Clang): the kernels are
// written once over this header and compiled once an instruction set (isa/*.cpp).
//
// Everything lives in a namespace of its own instruction set, and nothing here or in the kernels
// uses the standard library's templates: an inline function shared between two instruction sets
// could be linked from the wrong one and stop an older processor.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lenet::LENET_ISA {

constexpr int L = LENET_LANES;

// How many accumulators a tile may keep in registers beside its operands.
constexpr int accumulators = LENET_ACCUMULATORS;

typedef float vec __attribute__((vector_size(L * 4), may_alias));
typedef int32_t ivec __attribute__((vector_size(L * 4), may_alias));

inline vec load(const float* p) { return *reinterpret_cast<const vec*>(p); }
inline void store(float* p, vec v) { *reinterpret_cast<vec*>(p) = v; }

// The same where nothing is known of the address.
typedef float loose __attribute__((vector_size(L * 4), may_alias, aligned(4)));
inline vec load_loose(const float* p) { return *reinterpret_cast<const loose*>(p); }
inline void store_loose(float* p, vec v) { *reinterpret_cast<loose*>(p) = v; }

inline vec broadcast(float x) { return x - vec{}; }

// Keeps the compiler from folding one load into several instructions as their memory operand:
// it would be loaded as often, and loads would be the limit. A vector wider than the registers (in
// the tests) is in none.
inline vec in_register(vec v) {
#if (LENET_LANES == 16 && defined(__AVX512F__)) || (LENET_LANES == 8 && defined(__AVX__)) || \
    (LENET_LANES == 4 && defined(__x86_64__))
    asm("" : "+v"(v));
#elif LENET_LANES == 4 && defined(__aarch64__)
    asm("" : "+w"(v));
#endif
    return v;
}

inline float sum(vec v) {
    // By halves, not lane after lane: shorter, and the rounding error grows with log2(L).
    float part[L];
    for (int i = 0; i < L; i++) part[i] = v[i];
    for (int width = L / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++) part[i] += part[i + width];
    return part[0];
}

// Lane l: lane from[l] of `a` or, from L on, of `b`. The compiler knows what stands in `from`.
[[gnu::always_inline]] inline vec shuffle(vec a, vec b, ivec from) {
#if defined(__clang__)  // has no such function, and makes the same instructions of this loop
    vec out;
    for (int l = 0; l < L; l++) out[l] = from[l] < L ? a[from[l]] : b[from[l] - L];
    return out;
#else
    return __builtin_shuffle(a, b, from);
#endif
}

// rows[i][l] and rows[l][i] change places, in log2(L) rounds of swapping blocks.
template <int S = L / 2>
[[gnu::always_inline]] inline void transpose(vec (&rows)[L]) {
    ivec lower, upper;  // what a row of the upper, of the lower half of a pair is made of
    for (int l = 0; l < L; l++) {
        lower[l] = l & S ? L + l - S : l;
        upper[l] = l & S ? L + l : l + S;
    }
#pragma GCC unroll 16
    for (int i = 0; i < L; i++)
        if (!(i & S)) {
            const vec a = rows[i], b = rows[i + S];
            rows[i] = shuffle(a, b, lower);
            rows[i + S] = shuffle(a, b, upper);
        }
    if constexpr (S > 1) transpose<S / 2>(rows);
}

// Lane i: the sum of rows[i]. The rows are lost.
template <int S = L / 2>
[[gnu::always_inline]] inline vec sums_of(vec (&rows)[L]) {
    ivec lower, upper;  // as in transpose
    for (int l = 0; l < L; l++) {
        lower[l] = l & S ? L + l - S : l;
        upper[l] = l & S ? L + l : l + S;
    }
#pragma GCC unroll 16
    for (int i = 0; i < S; i++)
        rows[i] = shuffle(rows[i], rows[i + S], lower) + shuffle(rows[i], rows[i + S], upper);
    if constexpr (S > 1) return sums_of<S / 2>(rows);
    return rows[0];
}

inline vec clamp(vec x, float low, float high) {  // a NaN stays one
    x = x < low ? broadcast(low) : x;
    return x > high ? broadcast(high) : x;
}

// e^x within 2 ulp: x = n ln 2 + r, a polynomial for e^r (Cephes' expf), and n into the exponent.
inline vec exp(vec x) {
    x = clamp(x, -87.33654f, 88.37626f);
    const float round = 12582912.0f;  // 1.5 * 2^23: adding it leaves no room for a fraction
    vec n = (x * 1.44269504f + round) - round;
    vec r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    vec p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    ivec exponent = (__builtin_convertvector(n, ivec) + 127) << 23;
    return p * reinterpret_cast<vec&>(exponent);
}

inline vec sigmoid(vec x) { return 1.0f / (1.0f + exp(-x)); }

// Near zero 1 - 2 / (e^2x + 1) would cancel: there Cephes' tanhf polynomial takes over.
inline vec tanh(vec x) {
    vec far = 1.0f - 2.0f / (exp(x + x) + 1.0f);
    vec z = x * x;
    vec p = z * -5.70498872745e-3f + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    vec near = p * z * x + x;
    return z < 0.390625f ? near : far;
}

}  // namespace lenet::LENET_ISA
