// One image alone: the lanes hold neighbouring columns of a map, or neighbouring inputs of a dense
// layer, instead of samples. Weights are read where they lie in the table; nothing is packed.
//
// Limits: a convolution's tile of C x P does C * P multiply-adds for C broadcasts and P loads, as
// ever, but a row that is no multiple of L wide computes columns that nobody reads. A dense layer
// loads a vector of weights for each multiply-add: the second-level cache is the limit.
#pragma once

#include "activation.h"
#include "correlate.h"
#include "pool.h"

namespace lenet::LENET_ISA {

typedef float loose __attribute__((vector_size(L * 4), may_alias, aligned(4)));
inline vec load_loose(const float* p) { return *reinterpret_cast<const loose*>(p); }
inline void store_loose(float* p, vec v) { *reinterpret_cast<loose*>(p) = v; }

constexpr int vectors(int count) { return (count + L - 1) / L; }

// A row of a map, `count` floats and rubbish up to a whole vector, to where the next stage reads it.
inline void place(const Flat& to, int c, int y, const float* row, int count, float* memory) {
    float* out = memory + to.at + (int64_t(c) * to.rows + to.top + y) * to.pitch;
    if (to.step > 1) {  // columns lie apart by their place in the stride: each tap reads neighbours
        for (int x = 0; x < count; x++)
            out[(to.left + x) % to.step * (to.pitch / to.step) + (to.left + x) / to.step] = row[x];
        return;
    }
    out += to.left;
    for (int x = 0; x < count; x += L) store_loose(out + x, load(row + x));
    for (int x = count; x < count + to.right; x++) out[x] = 0;
}

// C outputs at P vectors of positions.
template <int C, int P>
[[gnu::noinline]] void single_tile(const Stage& stage, const float* weights, const float* bias,
                                   const float* const* in, float* const* out,
                                   int64_t out_channel) {
    const float* x[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; p++) x[p] = in[p];
    const int taps = stage.inputs;
    const int32_t* offsets = stage.single.taps;
    vec sums[C][P];
#pragma GCC unroll 8
    for (int c = 0; c < C; c++)
#pragma GCC unroll 8
        for (int p = 0; p < P; p++) sums[c][p] = broadcast(bias[c]);
    for (int t = 0; t < taps; t++) {
        const int64_t at = offsets[t];
        multiply_add<C, P>(sums, [&](int c) { return broadcast(weights[int64_t(c) * taps + t]); },
                           [&](int p) { return load_loose(x[p] + at); });
    }
#pragma GCC unroll 8
    for (int c = 0; c < C; c++)
#pragma GCC unroll 8
        for (int p = 0; p < P; p++) store(out[p] + c * out_channel, sums[c][p]);
}

template <int C, int P>
inline void single_tile_of(int size, const Stage& stage, const float* weights, const float* bias,
                           const float* const* in, float* const* out, int64_t out_channel) {
    if constexpr (P > 1) {
        if (size < P)
            return single_tile_of<C, P - 1>(size, stage, weights, bias, in, out, out_channel);
    }
    single_tile<C, P>(stage, weights, bias, in, out, out_channel);
}

// C outputs of the linear map, [row][vector of columns], at all positions.
template <int C>
inline void single_channels(const Stage& stage, const float* weights, const float* bias,
                            const float* in, float* out) {
    constexpr int most = tile_positions(C, accumulators);
    const Map& to = stage.linear;
    const int wide = vectors(to.width), positions = to.height * wide;
    const int64_t in_row = int64_t(stage.window.stride_y) * stage.single.input.pitch;
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
        single_tile_of<C, most>(size, stage, weights, bias, from, at, int64_t(positions) * L);
    }
}

inline void single_linear(const Stage& stage, const float* weights, const float* bias,
                          const float* in, float* out) {
    const Split& blocks = stage.single.blocks;
    const int64_t channel = int64_t(stage.linear.height) * vectors(stage.linear.width) * L;
    for (int b = 0; b < blocks.count; b++) {
        const int first = blocks.begin(b);
        const float* w = weights + int64_t(first) * stage.inputs;
        float* to = out + first * channel;
        switch (blocks.size(b)) {
            case 1: single_channels<1>(stage, w, bias + first, in, to); break;
            case 2: single_channels<2>(stage, w, bias + first, in, to); break;
            case 3: single_channels<3>(stage, w, bias + first, in, to); break;
            case 4: single_channels<4>(stage, w, bias + first, in, to); break;
            case 5: single_channels<5>(stage, w, bias + first, in, to); break;
            default: single_channels<6>(stage, w, bias + first, in, to); break;
        }
    }
}

// The larger of two, a NaN if either is one.
inline vec larger_of(vec a, vec b) { return larger(b, a) ? b : a; }

// A pooled row from a map of one channel: `pitch` floats from row to row.
inline void single_pool_row(const Window& window, bool mean, const float* map, int pitch,
                            int height, int width, int p, int count, float* out) {
    const int origin = p * window.stride_y - window.top;
    const Span ys = inside(origin, window.height, height);
    for (int q = 0; q < count; q++) {
        const int x0 = q * window.stride_x - window.left;
        const Span xs = inside(x0, window.width, width);
        const float* at = map + int64_t(origin) * pitch + x0;
        float best = mean ? 0 : at[ys.begin * pitch + xs.begin];
        for (int y = ys.begin; y < ys.end; y++)
            for (int x = xs.begin; x < xs.end; x++) {
                const float value = at[y * pitch + x];
                if (mean) best += value;
                else if (value > best || value != value) best = value;
            }
        out[q] = mean ? best / float(window.height * window.width) : best;
    }
}

// The same for plain 2x2 windows: whole vectors of two rows become one half as wide.
inline void single_pool_row_2x2(const float* in, int pitch, int count, float* out) {
    ivec even, odd;
    for (int l = 0; l < L; l++) even[l] = 2 * l, odd[l] = 2 * l + 1;
    for (int q = 0; q < count; q += L) {
        const float* at = in + 2 * q;
        const vec left = larger_of(load(at), load(at + pitch));
        const vec right = larger_of(load(at + L), load(at + pitch + L));
        store(out + q, larger_of(__builtin_shuffle(left, right, even),
                                 __builtin_shuffle(left, right, odd)));
    }
}

inline void single_conv(const Stage& stage, const float* table, const Flat& next, float* memory) {
    const Map &linear = stage.linear, &to = stage.output;
    const Single& one = stage.single;
    const int pitch = vectors(linear.width) * L, rows = to.channels * to.height;
    const int out_pitch = vectors(to.width) * L;
    float *maps = memory + one.linear, *out = maps;
    single_linear(stage, table + stage.weights, table + stage.bias, memory + one.input.at, maps);
    if (stage.pooled) {
        out = memory + one.pooled;
        for (int c = 0; c < to.channels; c++)
            for (int y = 0; y < to.height; y++) {
                const float* map = maps + int64_t(c) * linear.height * pitch;
                float* row = out + (int64_t(c) * to.height + y) * out_pitch;
                if (stage.plain_pool)
                    single_pool_row_2x2(map + int64_t(y) * 2 * pitch, pitch, to.width, row);
                else
                    single_pool_row(stage.pool, false, map, pitch, linear.height, linear.width, y,
                                    to.width, row);
            }
    }
    // All rows in one go: an activation takes longer to come out than the next to go in.
    activate(stage.activation, rows * (out_pitch / L), out, nullptr);
    for (int c = 0; c < to.channels; c++)
        for (int y = 0; y < to.height; y++, out += out_pitch)
            place(next, c, y, out, to.width, memory);
}

inline void single_pool(const Stage& stage, const Flat& next, float* memory) {
    const Map &from = stage.input, &to = stage.output;
    const Flat& in = stage.single.input;
    float* row = memory + stage.single.row;
    for (int c = 0; c < to.channels; c++)
        for (int y = 0; y < to.height; y++) {
            single_pool_row(stage.window, stage.kind == Kind::avgpool,
                            memory + in.at + int64_t(c) * in.rows * in.pitch, in.pitch,
                            from.height, from.width, y, to.width, row);
            place(next, c, y, row, to.width, memory);
        }
}

// L outputs at a time: their sums are turned, so that adding the vectors adds up the lanes.
inline void single_dense(const Stage& stage, const float* table, const float* in, float* out) {
    const int inputs = stage.inputs, outputs = stage.output.channels, whole = inputs / L * L;
    const float* bias = table + stage.bias;
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
        transpose(sums);
#pragma GCC unroll 16
        for (int l = 1; l < L; l++) sums[0] += sums[l];
        vec total = sums[0];
        for (int o = 0; o < L && first + o < outputs; o++) {
            float rest = bias[first + o];
            for (int i = whole; i < inputs; i++) rest += weights[o][i] * in[i];
            total[o] += rest;
        }
        store(out + first, total);
    }
    activate(stage.activation, vectors(outputs), out, nullptr);
}

// pixels: (C, H, W) bytes of one image; memory: as large as Program::single, zero before the first.
inline void single(const Stage* stages, int count, const float* table, const uint8_t* pixels,
                   const float* scale, const float* shift, float* memory, float* scores) {
    const Map& image = stages[0].input;
    float* row = memory + stages[0].single.row;
    for (int c = 0; c < image.channels; c++)
        for (int y = 0; y < image.height; y++, pixels += image.width) {
            for (int x = 0; x < image.width; x++) row[x] = float(pixels[x]) * scale[c] + shift[c];
            place(stages[0].single.input, c, y, row, image.width, memory);
        }
    for (int s = 0; s < count; s++) {
        const Stage& stage = stages[s];
        const Flat& next = stage.single.output;
        if (stage.kind == Kind::conv) single_conv(stage, table, next, memory);
        else if (stage.kind == Kind::dense)
            single_dense(stage, table, memory + stage.single.input.at, memory + next.at);
        else single_pool(stage, next, memory);
    }
    const Stage& last = stages[count - 1];
    const int64_t classes = int64_t(last.output.channels) * last.output.height * last.output.width;
    for (int64_t k = 0; k < classes; k++) scores[k] = memory[last.single.output.at + k];
}

}  // namespace lenet::LENET_ISA
