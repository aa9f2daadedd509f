// One image alone: the lanes hold neighbouring columns of a map, or neighbouring inputs of a dense
// layer, instead of samples. Weights are read where they lie in the table; nothing is packed.
//
// Limits: a convolution's tile of C x P does C * P multiply-adds for C broadcasts and P loads, as
// ever, but the ends of rows are computed that nobody reads: the fewest of three ways (Single in
// src/layout.h). A dense layer loads a vector of weights for each multiply-add: the second-level
// cache is the limit.
#pragma once

#include "activation.h"
#include "correlate.h"
#include "pool.h"
#include "rbf.h"

namespace lenet::LENET_ISA {

typedef float half __attribute__((vector_size(L * 2), may_alias, aligned(4)));

inline vec load_halves(const float* low, const float* high) {
    const half a = *reinterpret_cast<const half*>(low), b = *reinterpret_cast<const half*>(high);
#if !__has_builtin(__builtin_shufflevector)  // GCC before 12
    vec both;
    for (int l = 0; l < L; l++) both[l] = l < L / 2 ? a[l] : b[l - L / 2];
    return both;
#elif LENET_LANES == 16
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#elif LENET_LANES == 8
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
#else
    return __builtin_shufflevector(a, b, 0, 1, 2, 3);
#endif
}

constexpr int vectors(int count) { return (count + L - 1) / L; }

// `v` where the lane is below `count`, or zero.
inline vec first_lanes(vec v, int count) {
    ivec lane;
    for (int l = 0; l < L; l++) lane[l] = l;
    return lane < count ? v : vec{};
}

// `count` floats of a row, and zeros up to whole vectors, to where the next stage reads them. Rows
// come in order: what reaches over the end of one is written by the next, or is border.
inline void place(const Flat& to, int c, int y, const float* row, int count, float* memory) {
    float* out = memory + to.at + (int64_t(c) * to.rows + to.top + y) * to.pitch;
    if (to.step > 1) {  // columns lie apart by their place in the stride: each tap reads neighbours
        for (int x = 0; x < count; x++)
            out[(to.left + x) % to.step * (to.pitch / to.step) + (to.left + x) / to.step] = row[x];
        return;
    }
    out += to.left;
    int x = 0;
    for (; x + L <= count; x += L) store_loose(out + x, load_loose(row + x));
    if (x < count) store_loose(out + x, first_lanes(load_loose(row + x), count - x));
}

// C outputs at P vectors of positions.
template <bool Pairs, int C, int P>
[[gnu::noinline]] void single_tile(const Stage& stage, const float* weights, const float* bias,
                                   const float* const* in, float* const* out,
                                   int64_t out_channel) {
    const float* x[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; p++) x[p] = in[p];
    const int taps = stage.inputs;
    const int32_t* offsets = stage.single.taps;
    const int64_t below = stage.single.below;
    vec sums[C][P];
#pragma GCC unroll 8
    for (int c = 0; c < C; c++)
#pragma GCC unroll 8
        for (int p = 0; p < P; p++) sums[c][p] = broadcast(bias[c]);
    for (int t = 0; t < taps; t++) {
        const int64_t at = offsets[t];
        multiply_add<C, P>(sums, [&](int c) { return broadcast(weights[int64_t(c) * taps + t]); },
                           [&](int p) {
                               return Pairs ? load_halves(x[p] + at, x[p] + below + at)
                                            : load_loose(x[p] + at);
                           });
    }
#pragma GCC unroll 8
    for (int c = 0; c < C; c++)
#pragma GCC unroll 8
        for (int p = 0; p < P; p++) store(out[p] + c * out_channel, sums[c][p]);
}

template <bool Pairs, int C, int P>
inline void single_tile_of(int size, const Stage& stage, const float* weights, const float* bias,
                           const float* const* in, float* const* out, int64_t out_channel) {
    if constexpr (P > 1) {
        if (size < P)
            return single_tile_of<Pairs, C, P - 1>(size, stage, weights, bias, in, out, out_channel);
    }
    single_tile<Pairs, C, P>(stage, weights, bias, in, out, out_channel);
}

// C outputs of the linear map, [row][vector], at all positions.
template <bool Pairs, int C>
inline void single_channels(const Stage& stage, const float* weights, const float* bias,
                            const float* in, float* out) {
    constexpr int most = tile_positions(C, accumulators);
    const Single& one = stage.single;
    const int wide = one.wide, positions = one.rows * wide;
    const int64_t in_row = int64_t(one.below) * (Pairs ? 2 : 1);
    const int tiles = (positions + most - 1) / most, small = positions / tiles;
    const int larger = positions % tiles;  // tiles with one position more
    int x = 0;
    for (int t = 0; t < tiles; t++) {
        const int size = small + (t < larger);
        const float* from[most];
        float* at[most];
        for (int p = 0; p < size; p++, out += L) {
            from[p] = in + x * L;
            at[p] = out;
            if (++x == wide) {
                x = 0;
                in += in_row;
            }
        }
        single_tile_of<Pairs, C, most>(size, stage, weights, bias, from, at, int64_t(positions) * L);
    }
}

template <bool Pairs>
inline void single_linear(const Stage& stage, const float* weights, const float* bias,
                          const float* in, float* out) {
    const Split& blocks = stage.single.blocks;
    const int64_t channel = int64_t(stage.single.rows) * stage.single.wide * L;
    for (int b = 0; b < blocks.count; b++) {
        const int first = blocks.begin(b);
        const float* w = weights + int64_t(first) * stage.inputs;
        const float* from = in + stage.first_input(first) * stage.single.input.channel();
        float* to = out + first * channel;
        with_channels(blocks.size(b), [&]<int C>() {
            single_channels<Pairs, C>(stage, w, bias + first, from, to);
        });
    }
}

// The larger of two, a NaN if either is one.
inline vec larger_of(vec a, vec b) { return larger(b, a) ? b : a; }

// A pooled row from a map of one channel: `pitch` floats from row to row.
inline void single_pool_row(const Window& window, float divisor, const float* map, int pitch,
                            int height, int width, int p, int count, float* out) {
    const int origin = p * window.stride_y - window.top;
    const Span ys = inside(origin, window.height, height);
    for (int q = 0; q < count; q++) {
        const int x0 = q * window.stride_x - window.left;
        const Span xs = inside(x0, window.width, width);
        const float* at = map + int64_t(origin) * pitch + x0;
        float best = divisor > 0 ? 0 : at[ys.begin * pitch + xs.begin];
        for (int y = ys.begin; y < ys.end; y++)
            for (int x = xs.begin; x < xs.end; x++) {
                const float value = at[y * pitch + x];
                if (divisor > 0) best += value;
                else if (value > best || value != value) best = value;
            }
        out[q] = divisor > 0 ? best / divisor : best;
    }
}

// The same for plain 2x2 windows: whole vectors of two rows become one half as wide. Sums, or maxima.
template <bool Sums>
inline void single_pool_row_2x2(const float* in, int pitch, int count, float factor, float* out) {
    const auto joined = [](vec a, vec b) { return Sums ? a + b : larger_of(a, b); };
    ivec even, odd;
    for (int l = 0; l < L; l++) even[l] = 2 * l, odd[l] = 2 * l + 1;
    for (int q = 0; q < count; q += L) {
        const float* at = in + 2 * q;
        const vec left = joined(load_loose(at), load_loose(at + pitch));
        const vec right = joined(load_loose(at + L), load_loose(at + pitch + L));
        const vec all = joined(shuffle(left, right, even), shuffle(left, right, odd));
        store_loose(out + q, Sums ? all * factor : all);
    }
}

// keeps: what a silu is applied to, for the backward pass.
inline void single_conv(const Stage& stage, const float* table, const Flat& next, float* memory,
                        bool keeps) {
    const Map &linear = stage.linear, &to = stage.output;
    const Single& one = stage.single;
    const int64_t channel = int64_t(one.rows) * one.wide * L;
    const bool flows_on = stage.pooled && one.flows_on(to);
    float *maps = memory + one.linear, *out = maps;
    const auto linearly = one.pairs ? single_linear<true> : single_linear<false>;
    linearly(stage, table + stage.weights, table + stage.bias, memory + one.input.at, maps);
    int64_t out_channel = channel;
    int out_pitch = one.pitch;
    if (stage.pooled) {  // without gaps: the activation has the less to do
        out = memory + (flows_on ? next.at : one.pooled);
        out_channel = int64_t(to.height) * to.width;
        out_pitch = to.width;
        float* row = out;
        for (int c = 0; c < to.channels; c++)
            for (int y = 0; y < to.height; y++, row += to.width) {
                const float* map = maps + c * channel;
                if (stage.plain_pool)
                    single_pool_row_2x2<false>(map + int64_t(y) * 2 * one.pitch, one.pitch, to.width, 1,
                                               row);
                else
                    single_pool_row(stage.pool, 0, map, one.pitch, linear.height, linear.width,
                                    y, to.width, row);
            }
    }
    // All rows in one go: an activation takes longer to come out than the next to go in.
    float* kept = keeps && stage.keeps_input ? memory + one.kept : nullptr;
    activate(stage.activation, vectors(int(to.channels * out_channel)), out, kept);
    if (flows_on) return;
    for (int c = 0; c < to.channels; c++)
        for (int y = 0; y < to.height; y++)
            place(next, c, y, out + c * out_channel + int64_t(y) * out_pitch, to.width, memory);
}

inline void single_pool(const Stage& stage, const Flat& next, float* memory) {
    const Map &from = stage.input, &to = stage.output;
    const Flat& in = stage.single.input;
    float* row = memory + stage.single.row;
    const bool sums = stage.kind == Kind::avgpool;
    const auto plain = sums ? single_pool_row_2x2<true> : single_pool_row_2x2<false>;
    for (int c = 0; c < to.channels; c++)
        for (int y = 0; y < to.height; y++) {
            const float* map = memory + in.at + int64_t(c) * in.rows * in.pitch;
            if (stage.plain_pool)
                plain(map + int64_t(y) * 2 * in.pitch, in.pitch, to.width, 1 / stage.divisor, row);
            else
                single_pool_row(stage.window, sums ? stage.divisor : 0, map, in.pitch, from.height,
                                from.width, y, to.width, row);
            place(next, c, y, row, to.width, memory);
        }
}

// L outputs at a time. Inputs that fill no vector are the last lanes of one more, which the others'
// are masked out of: a row of weights is never read beyond its ends.
inline void single_dense(const Stage& stage, const float* table, const float* in, float* out,
                         float* kept) {
    const int inputs = stage.inputs, outputs = stage.output.channels, whole = inputs / L * L;
    const bool over = inputs > whole && whole > 0;
    const float* bias = table + stage.bias;
    vec last{};
    for (int l = 0; over && l < L; l++)
        if (l >= whole + L - inputs) last[l] = in[inputs - L + l];
    for (int first = 0; first < outputs; first += L) {
        const float* weights[L];
        vec sums[L];
#pragma GCC unroll 16
        for (int o = 0; o < L; o++) {
            const int at = first + o < outputs ? first + o : outputs - 1;
            weights[o] = table + stage.weights + int64_t(at) * inputs;
            sums[o] = vec{};
        }
        for (int i = 0; i < whole; i += L) {
            const vec x = load(in + i);
#pragma GCC unroll 16
            for (int o = 0; o < L; o++) sums[o] += load_loose(weights[o] + i) * x;
        }
        if (over) {
#pragma GCC unroll 16
            for (int o = 0; o < L; o++) sums[o] += load_loose(weights[o] + inputs - L) * last;
        }
        vec total = sums_of(sums);
        for (int o = 0; o < L && first + o < outputs; o++) {
            float rest = bias[first + o];
            for (int i = whole; !over && i < inputs; i++) rest += weights[o][i] * in[i];
            total[o] += rest;
        }
        store(out + first, total);
    }
    activate(stage.activation, vectors(outputs), out, kept);
}

// A row of pixels to floats, by vectors of which the last two may overlap.
inline void single_pixels(const uint8_t* pixels, int count, float scale, float shift, float* row) {
    typedef uint8_t bytes __attribute__((vector_size(L), aligned(1)));
    const auto convert = [&](int x) {
        const ivec words =
            __builtin_convertvector(*reinterpret_cast<const bytes*>(pixels + x), ivec);
        store_loose(row + x, __builtin_convertvector(words, vec) * scale + shift);
    };
    int x = 0;
    for (; x + L <= count; x += L) convert(x);
    if (x < count && count >= L) return convert(count - L);
    for (; x < count; x++) row[x] = float(pixels[x]) * scale + shift;
}

// pixels: (C, H, W) bytes of one image; memory: as large as Program::single, zero before the first.
// keeps: all that the backward pass needs. Returns the scores.
inline const float* single(const Stage* stages, int count, const float* table,
                           const uint8_t* pixels, const float* scale, const float* shift,
                           float* memory, bool keeps) {
    const Map& image = stages[0].input;
    const Flat& first = stages[0].single.input;
    float* row = memory + stages[0].single.row;
    for (int c = 0; c < image.channels; c++)
        for (int y = 0; y < image.height; y++, pixels += image.width) {
            if (first.step == 1) {
                const int64_t at = (int64_t(c) * first.rows + first.top + y) * first.pitch;
                single_pixels(pixels, image.width, scale[c], shift[c],
                              memory + first.at + at + first.left);
                continue;
            }
            single_pixels(pixels, image.width, scale[c], shift[c], row);
            place(first, c, y, row, image.width, memory);
        }
    for (int s = 0; s < count; s++) {
        const Stage& stage = stages[s];
        const Flat& next = stage.single.output;
        switch (stage.kind) {
            case Kind::conv: single_conv(stage, table, next, memory, keeps); break;
            case Kind::maxpool:
            case Kind::avgpool: single_pool(stage, next, memory); break;
            case Kind::dense:
                single_dense(stage, table, memory + stage.single.input.at, memory + next.at,
                             keeps && stage.keeps_input ? memory + stage.single.kept : nullptr);
                break;
            case Kind::rbf:
                single_rbf(stage, table + stage.weights, memory + stage.single.input.at,
                           memory + next.at);
                break;
            case Kind::norm: break;  // normalised networks score folded, and train in groups
        }
    }
    return memory + stages[count - 1].single.output.at;
}

}  // namespace lenet::LENET_ISA
