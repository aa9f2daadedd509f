// The tile of a convolution's weight gradient: sums of products of two vectors, the gradient's and
// the input's, over the positions of a map. The samples stay in the lanes; they are added up once
// for all groups of a shard.
//
// Limit: C * T multiply-adds for C + T loads, and no broadcast.
#pragma once

#include "correlate.h"

namespace lenet::LENET_ISA {

// What a tile of the weight gradient runs over: outputs x taps, summed over positions.
struct Pairs {
    const float* gradient;  // [output][row][position]
    ptrdiff_t gradient_channel, gradient_row;
    const float* in;
    ptrdiff_t in_row, in_step;
    int rows, positions;
    const int32_t* taps;  // where each tap's input begins
    int tap_count;
    float* sums;  // [output][tap][lane]
    ptrdiff_t sums_output;
};

// C outputs x T taps of the weight gradient: sums of products of two vectors.
template <int C, int T>
[[gnu::noinline]] void weight_tile(const Pairs& pairs, int first) {
    const float* x[T];
    float* sums = pairs.sums + ptrdiff_t(first) * L;
    const ptrdiff_t channel = pairs.gradient_channel, in_step = pairs.in_step;
    const int positions = pairs.positions;
#pragma GCC unroll 8
    for (int t = 0; t < T; t++) x[t] = pairs.in + pairs.taps[first + t];
    vec total[C][T];
#pragma GCC unroll 8
    for (int c = 0; c < C; c++)
#pragma GCC unroll 8
        for (int t = 0; t < T; t++) total[c][t] = load(sums + c * pairs.sums_output + t * L);
    for (int y = 0; y < pairs.rows; y++) {
        const float* g = pairs.gradient + y * pairs.gradient_row;
        ptrdiff_t at = y * pairs.in_row;
        for (int q = 0; q < positions; q++) {
            multiply_add<C, T>(total, [&](int c) { return load(g + c * channel); },
                               [&](int t) { return load(x[t] + at); });
            g += L;
            at += in_step;
        }
    }
#pragma GCC unroll 8
    for (int c = 0; c < C; c++)
#pragma GCC unroll 8
        for (int t = 0; t < T; t++) store(sums + c * pairs.sums_output + t * L, total[c][t]);
}

template <int C, int T = tile_positions(C, accumulators)>
inline void weight_tile_of(int size, const Pairs& pairs, int first) {
    if constexpr (T > 1) {
        if (size < T) return weight_tile_of<C, T - 1>(size, pairs, first);
    }
    weight_tile<C, T>(pairs, first);
}

template <int C>
inline void weight_taps(const Pairs& pairs) {
    constexpr int most = tile_positions(C, accumulators);
    const Split parts{pairs.tap_count, (pairs.tap_count + most - 1) / most};
    for (int part = 0; part < parts.count; part++)
        weight_tile_of<C>(parts.size(part), pairs, parts.begin(part));
}

inline void weight_gradient(int outputs, const Pairs& pairs) {
    switch (outputs) {
        case 1: return weight_taps<1>(pairs);
        case 2: return weight_taps<2>(pairs);
        case 3: return weight_taps<3>(pairs);
        case 4: return weight_taps<4>(pairs);
        case 5: return weight_taps<5>(pairs);
        default: return weight_taps<6>(pairs);
    }
}

}  // namespace lenet::LENET_ISA
