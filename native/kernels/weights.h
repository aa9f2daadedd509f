// The tile of a convolution's weight gradient: sums of products of two vectors, the gradient's and
// the input's, over the positions of a map, and then over the lanes. A tile's sums lie side by side
// in a slot of its own: [block][part of the taps][output in block][tap in part].
//
// Limit: C * T multiply-adds for C + T loads, and no broadcast.
#pragma once

#include "correlate.h"

namespace lenet::LENET_ISA {

// What a tile of the weight gradient runs over: outputs x taps, summed over positions.
struct Pairs {
    const float* gradient;  // [output][row][position]
    int64_t gradient_channel, gradient_row;
    const float* in;
    int64_t in_row, in_step;
    int rows, positions;
    const int32_t* taps;  // where each tap's input begins
    int tap_count;
    float* sums;  // of one block
    int64_t slot;
};

// The sums over the lanes of L of a tile's totals, from the one at `from` on; zeros behind the last.
template <int C, int T>
[[gnu::always_inline]] inline vec lane_sums(const vec (&total)[C][T], int from) {
    vec rows[L];
#pragma GCC unroll 16
    for (int i = 0; i < L; i++)
        rows[i] = from + i < C * T ? total[(from + i) / T][(from + i) % T] : vec{};
    return sums_of(rows);
}

// C outputs x T taps, added to `sums`.
template <int C, int T>
[[gnu::noinline]] void weight_tile(const Pairs& pairs, int first, float* sums) {
    const float* x[T];
    const int64_t channel = pairs.gradient_channel, in_step = pairs.in_step;
    const int positions = pairs.positions;
#pragma GCC unroll 8
    for (int t = 0; t < T; t++) x[t] = pairs.in + pairs.taps[first + t];
    vec total[C][T]{};
    for (int y = 0; y < pairs.rows; y++) {
        const float* g = pairs.gradient + y * pairs.gradient_row;
        int64_t at = y * pairs.in_row;
        for (int q = 0; q < positions; q++) {
            multiply_add<C, T>(total, [&](int c) { return load(g + c * channel); },
                               [&](int t) { return load(x[t] + at); });
            g += L;
            at += in_step;
        }
    }
#pragma GCC unroll 8
    for (int from = 0; from < C * T; from += L)
        store(sums + from, load(sums + from) + lane_sums<C, T>(total, from));
}

template <int C, int T = tile_positions(C, accumulators)>
inline void weight_tile_of(int size, const Pairs& pairs, int first, float* sums) {
    if constexpr (T > 1) {
        if (size < T) return weight_tile_of<C, T - 1>(size, pairs, first, sums);
    }
    weight_tile<C, T>(pairs, first, sums);
}

template <int C>
inline void weight_taps(const Pairs& pairs) {
    const Split parts = tap_parts(C, pairs.tap_count, accumulators);
    for (int part = 0; part < parts.count; part++)
        weight_tile_of<C>(parts.size(part), pairs, parts.begin(part), pairs.sums + part * pairs.slot);
}

inline void weight_gradient(int outputs, const Pairs& pairs) {
    with_channels(outputs, [&]<int C>() { weight_taps<C>(pairs); });
}

}  // namespace lenet::LENET_ISA
