// The one microkernel: C outputs at P positions, accumulated in registers over a list of taps.
//
//     out[c][p] = bias[c] + sum over taps t of weight[t][c] * in[t][p]
//
// Convolutions use it forwards (taps: channel, kernel row, kernel column) and for the input
// gradient (taps: kernel row, output channel, kernel column, backwards); dense layers use it
// forwards and backwards (taps: inputs; positions: groups of samples) and for the weight gradient
// (taps: samples; positions: vectors of inputs).
//
// Limit: one multiply-add a weight and position; a tile of C x P does C * P of them for C + P
// loads, so with C * P >= 8 (two units, four cycles deep) the units, not the loads, are the limit.
#pragma once

#include "../simd/vec.h"
#include "../src/layout.h"

namespace lenet::LENET_ISA {

// One row of positions and its taps. Steps and offsets are in floats.
struct Row {
    const float* in;
    int64_t in_step;
    float* out;
    int64_t out_step, out_channel;
    int positions;

    const int32_t* rows;  // (row_count,): where a row of taps begins; null: one row at 0
    int row_count;
    int taps;  // in a row
    int64_t tap_step;

    const float* weights;
    int64_t weight_step, weight_row;
    const float* bias;  // null: start at zero
    bool accumulate;    // start at what is in out

    // The input gradient's taps run off the map at its sides. Tap j of position p reads column
    // clip_first + p - j of clip_width columns; taps that no position of a tile needs are skipped.
    int clip_first, clip_width;  // clip_width 0: nothing is skipped
};

// sums[c][p] += left(c) * right(p). The shorter side stays in registers, so that a tile of 12
// (24) sums needs no more than 16 (32) of them.
template <int C, int P, typename Left, typename Right>
[[gnu::always_inline]] inline void multiply_add(vec (&sums)[C][P], Left left, Right right) {
    if constexpr (C <= P) {
        vec held[C];
#pragma GCC unroll 8
        for (int c = 0; c < C; c++) held[c] = left(c);
#pragma GCC unroll 8
        for (int p = 0; p < P; p++) {
            vec value = in_register(right(p));
#pragma GCC unroll 8
            for (int c = 0; c < C; c++) sums[c][p] += held[c] * value;
        }
    } else {
        vec held[P];
#pragma GCC unroll 8
        for (int p = 0; p < P; p++) held[p] = right(p);
#pragma GCC unroll 8
        for (int c = 0; c < C; c++) {
            vec value = in_register(left(c));
#pragma GCC unroll 8
            for (int p = 0; p < P; p++) sums[c][p] += value * held[p];
        }
    }
}

template <int C, int P>
[[gnu::always_inline]] inline void tile(const Row& row, int first) {
    const float* in = row.in + first * row.in_step;
    float* out = row.out + first * row.out_step;
    const int64_t in_step = row.in_step, tap_step = row.tap_step;
    const int64_t weight_step = row.weight_step;
    vec sums[C][P];
#pragma GCC unroll 8
    for (int c = 0; c < C; c++)
#pragma GCC unroll 8
        for (int p = 0; p < P; p++)
            sums[c][p] = row.accumulate ? load(out + c * row.out_channel + p * row.out_step)
                                        : broadcast(row.bias ? row.bias[c] : 0.0f);
    int begin = 0, end = row.taps;
    if (row.clip_width) {
        int left = row.clip_first + first;  // tap 0's column at the tile's first position
        if (left >= row.clip_width) begin = left - row.clip_width + 1;
        if (left + P < end) end = left + P;
    }
    for (int r = 0; r < row.row_count; r++) {
        const float* x = in + (row.rows ? row.rows[r] : 0) + begin * tap_step;
        const float* w = row.weights + r * row.weight_row + begin * weight_step;
        for (int t = begin; t < end; t++) {
            multiply_add<C, P>(sums, [&](int c) { return broadcast(w[c]); },
                               [&](int p) { return load(x + p * in_step); });
            x += tap_step;
            w += weight_step;
        }
    }
#pragma GCC unroll 8
    for (int c = 0; c < C; c++)
#pragma GCC unroll 8
        for (int p = 0; p < P; p++)
            store(out + c * row.out_channel + p * row.out_step, sums[c][p]);
}

template <int C, int P>
[[gnu::noinline]] void tiles(const Row& row, int first, int count) {
    for (int i = 0; i < count; i++) tile<C, P>(row, first + i * P);
}

// A row's positions are split into tiles that differ by one position at most.
template <int C, int P = tile_positions(C, accumulators)>
inline void tiles_of(const Row& row, int size, int first, int count) {
    if constexpr (P > 1) {
        if (size < P) return tiles_of<C, P - 1>(row, size, first, count);
    }
    tiles<C, P>(row, first, count);
}

template <int C>
inline void correlate_channels(const Row& row) {
    constexpr int most = tile_positions(C, accumulators);
    int count = (row.positions + most - 1) / most;
    int size = row.positions / count, larger = row.positions % count;
    if (larger) tiles_of<C>(row, size + 1, 0, larger);
    tiles_of<C>(row, size, larger * (size + 1), count - larger);
}

// Calls f with a block's channels, 1 to 6, as a compile-time constant.
template <typename F>
inline void with_channels(int channels, F f) {
    switch (channels) {
        case 1: return f.template operator()<1>();
        case 2: return f.template operator()<2>();
        case 3: return f.template operator()<3>();
        case 4: return f.template operator()<4>();
        case 5: return f.template operator()<5>();
        default: return f.template operator()<6>();
    }
}

inline void correlate(int channels, const Row& row) {
    with_channels(channels, [&]<int C>() { correlate_channels<C>(row); });
}

}  // namespace lenet::LENET_ISA
