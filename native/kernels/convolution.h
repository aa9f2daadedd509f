// A convolution stage for one group: forwards with its activation and fused pooling, backwards to
// its weights and its input.
//
// Limits (multiply-adds a group; every one is a whole vector):
//   forward        O * P * Q * K
//   weights        O * P * Q * K, two operands loaded a tile row, no broadcast
//   input gradient O * P * Q * K needed; the tiles at the map's sides also multiply a few zeros
#pragma once

#include "activation.h"
#include "correlate.h"
#include "pool.h"

namespace lenet::LENET_ISA {

// Rows [begin, end) of the linear map for one block of output channels.
inline void conv_rows(const Stage& stage, const float* packed, const float* bias, const float* in,
                      int block, int begin, int end, float* out, ptrdiff_t out_row,
                      ptrdiff_t out_channel) {
    const Window& w = stage.window;
    const Map& from = stage.input;
    const int first = stage.forward_blocks.begin(block), channels = stage.forward_blocks.size(block);
    Row row{};
    row.in_step = ptrdiff_t(w.stride_x) * L;
    row.out_step = L;
    row.out_channel = out_channel;
    row.positions = stage.linear.width;
    row.rows = stage.forward_rows;
    row.row_count = from.channels * w.height;
    row.taps = w.width;
    row.tap_step = L;
    row.weights = packed + stage.packed_forward + int64_t(first) * stage.inputs;
    row.weight_step = channels;
    row.weight_row = ptrdiff_t(w.width) * channels;
    row.bias = bias + first;
    for (int y = begin; y < end; y++) {
        row.in = in + y * w.stride_y * from.row();
        row.out = out + (y - begin) * out_row;
        correlate(channels, row);
    }
}

template <typename Code>
inline void conv_pool_block(const Stage& stage, const float* packed, const float* bias,
                            const float* in, int block, float* out, Code* codes, float* scratch) {
    const Window& pool = stage.pool;
    const Map &linear = stage.linear, &to = stage.output;
    const bool plain = plain_2x2(pool, linear.height, linear.width, to.height, to.width);
    const int first = stage.forward_blocks.begin(block), channels = stage.forward_blocks.size(block);
    for (int band = 0; band < to.height; band += stage.band) {
        int last = band + stage.band < to.height ? band + stage.band : to.height;
        int begin = band * pool.stride_y - pool.top;
        int end = (last - 1) * pool.stride_y - pool.top + pool.height;
        if (begin < 0) begin = 0;
        if (end > linear.height) end = linear.height;
        const ptrdiff_t scratch_channel = (end - begin) * linear.row();
        conv_rows(stage, packed, bias, in, block, begin, end, scratch, linear.row(),
                  scratch_channel);
        for (int c = 0; c < channels; c++)
            for (int p = band; p < last; p++) {
                int origin = p * pool.stride_y - pool.top;
                const float* row = scratch + c * scratch_channel + (origin - begin) * linear.row();
                float* pooled = out + to.at(first + c, p, 0);
                Code* at = codes
                    ? codes + ((int64_t(first) + c) * to.height + p) * to.width * L : nullptr;
                if (plain) max_pool_row_2x2(row, linear.row(), to.width, pooled, at);
                else max_pool_row(pool, row, linear.row(), linear.height, linear.width, origin,
                                  to.width, pooled, at);
                activate(stage.activation, to.width, pooled, nullptr);
            }
    }
}

inline void conv_forward(const Stage& stage, const float* packed, const float* bias,
                         const float* in, float* out, void* positions, float* kept,
                         float* scratch) {
    const Map& to = stage.output;
    for (int block = 0; block < stage.forward_blocks.count; block++) {
        if (stage.pooled) {
            if (stage.wide_positions)
                conv_pool_block(stage, packed, bias, in, block, out,
                                static_cast<uint16_t*>(positions), scratch);
            else
                conv_pool_block(stage, packed, bias, in, block, out,
                                static_cast<uint8_t*>(positions), scratch);
            continue;
        }
        const int first = stage.forward_blocks.begin(block);
        conv_rows(stage, packed, bias, in, block, 0, to.height, out + to.at(first, 0, 0), to.row(),
                  to.channel());
        for (int c = first; c < first + stage.forward_blocks.size(block); c++)
            for (int y = 0; y < to.height; y++)
                activate(stage.activation, to.width, out + to.at(c, y, 0),
                         kept ? kept + (int64_t(c) * to.height + y) * to.width * L : nullptr);
    }
}

// The gradient of a pooled row, back to the linear map.
template <typename Code>
inline void conv_unpool(const Stage& stage, const float* gradient, const Code* codes,
                        float* linear_gradient) {
    const Window& pool = stage.pool;
    const Map &to = stage.linear_gradient, &from = stage.output;
    const bool plain = plain_2x2(pool, to.height, to.width, from.height, from.width);
    for (int p = 0; p < from.height; p++) {
        int origin = p * pool.stride_y - pool.top;
        const int64_t at = int64_t(p) * from.width * L;
        float* row = linear_gradient + origin * to.row();
        if (plain) max_unpool_row_2x2(row, to.row(), from.width, gradient + at, codes + at);
        else max_unpool_row(pool, row, to.row(), to.height, to.width, origin, from.width,
                            gradient + at, codes + at);
    }
}

// Does every position of the linear map get written by plain 2x2 windows?
inline bool covered(const Stage& stage) {
    const Map &linear = stage.linear, &to = stage.output;
    return plain_2x2(stage.pool, linear.height, linear.width, to.height, to.width) &&
           to.height * 2 == linear.height && to.width * 2 == linear.width;
}

// C outputs x T taps of the weight gradient over `rows` rows: sums of products of two vectors.
template <int C, int T>
[[gnu::noinline]] void weight_tile(const Stage& stage, const float* gradient, const float* in,
                                   const int32_t* taps, int rows, float* sums) {
    const Map &to = stage.linear_gradient;
    const ptrdiff_t channel = to.channel(), gradient_row = to.row();
    const ptrdiff_t in_row = stage.window.stride_y * stage.input.row();
    const ptrdiff_t in_step = ptrdiff_t(stage.window.stride_x) * L;
    const ptrdiff_t output = ptrdiff_t(stage.inputs + 1) * L;
    const int width = to.width;
    const float* x[T];
#pragma GCC unroll 8
    for (int t = 0; t < T; t++) x[t] = in + taps[t];
    vec total[C][T];
#pragma GCC unroll 8
    for (int c = 0; c < C; c++)
#pragma GCC unroll 8
        for (int t = 0; t < T; t++) total[c][t] = load(sums + c * output + t * L);
    for (int y = 0; y < rows; y++) {
        const float* g = gradient + y * gradient_row;
        ptrdiff_t at = y * in_row;
        for (int q = 0; q < width; q++) {
            multiply_add<C, T>(total, [&](int c) { return load(g + c * channel); },
                               [&](int t) { return load(x[t] + at); });
            g += L;
            at += in_step;
        }
    }
#pragma GCC unroll 8
    for (int c = 0; c < C; c++)
#pragma GCC unroll 8
        for (int t = 0; t < T; t++) store(sums + c * output + t * L, total[c][t]);
}

template <int C, int T = tile_positions(C, accumulators)>
inline void weight_tile_of(int size, const Stage& stage, const float* gradient, const float* in,
                           const int32_t* taps, int rows, float* sums) {
    if constexpr (T > 1) {
        if (size < T)
            return weight_tile_of<C, T - 1>(size, stage, gradient, in, taps, rows, sums);
    }
    weight_tile<C, T>(stage, gradient, in, taps, rows, sums);
}

template <int C>
inline void weight_taps(const Stage& stage, const float* gradient, const float* in, int rows,
                        float* sums) {
    constexpr int most = tile_positions(C, accumulators);
    const Split parts{stage.inputs, (stage.inputs + most - 1) / most};
    for (int part = 0; part < parts.count; part++) {
        int first = parts.begin(part);
        weight_tile_of<C>(parts.size(part), stage, gradient, in, stage.taps + first, rows,
                          sums + ptrdiff_t(first) * L);
    }
}

inline void conv_weight_gradient(const Stage& stage, const float* linear_gradient,
                                 const float* in, float* lane_sums) {
    const Map& to = stage.linear_gradient;
    for (int block = 0; block < stage.gradient_blocks.count; block++) {
        const int first = stage.gradient_blocks.begin(block);
        const int channels = stage.gradient_blocks.size(block);
        // As many rows of the gradient as stay in the first-level cache while all taps pass.
        int band = int(4096 / (channels * to.row()));
        if (band < 1) band = 1;
        float* sums = lane_sums + int64_t(first) * (stage.inputs + 1) * L;
        for (int y = 0; y < to.height; y += band) {
            int rows = y + band < to.height ? band : to.height - y;
            const float* gradient = linear_gradient + to.at(first, y, 0);
            const float* from = in + y * stage.window.stride_y * stage.input.row();
            switch (channels) {
                case 1: weight_taps<1>(stage, gradient, from, rows, sums); break;
                case 2: weight_taps<2>(stage, gradient, from, rows, sums); break;
                case 3: weight_taps<3>(stage, gradient, from, rows, sums); break;
                case 4: weight_taps<4>(stage, gradient, from, rows, sums); break;
                case 5: weight_taps<5>(stage, gradient, from, rows, sums); break;
                default: weight_taps<6>(stage, gradient, from, rows, sums); break;
            }
        }
    }
}

inline void conv_backward(const Stage& stage, const float* out_gradient, const float* out,
                          const void* positions, const float* kept, const float* in,
                          float* linear_gradient, float* lane_sums) {
    const Map &to = stage.linear_gradient, &from = stage.output;
    const int64_t area = int64_t(from.height) * from.width * L;
    float* pooled = linear_gradient + to.size();  // work space for one channel, behind the map
    for (int c = 0; c < to.channels; c++) {
        vec total{};
        float* target = linear_gradient + to.at(c, 0, 0);
        if (stage.pooled && !covered(stage))
            for (int y = 0; y < to.height; y++)
                for (int64_t x = 0; x < int64_t(to.width) * L; x += L)
                    store(target + y * to.row() + x, vec{});
        for (int y = 0; y < from.height; y++) {
            const int64_t at = c * area + int64_t(y) * from.width * L;
            float* row = stage.pooled ? pooled + int64_t(y) * from.width * L
                                      : linear_gradient + to.at(c, y, 0);
            total += chain(stage.activation, from.width, out_gradient + at,
                           out + from.at(c, y, 0), kept ? kept + at : nullptr, row);
        }
        if (stage.pooled) {
            if (stage.wide_positions)
                conv_unpool(stage, pooled, static_cast<const uint16_t*>(positions) + c * area,
                            target);
            else
                conv_unpool(stage, pooled, static_cast<const uint8_t*>(positions) + c * area,
                            target);
        }
        float* bias = lane_sums + ((int64_t(c) + 1) * (stage.inputs + 1) - 1) * L;
        store(bias, load(bias) + total);
    }
    conv_weight_gradient(stage, linear_gradient, in, lane_sums);
}

// in_gradient has the input's size without border, and is written whole. An input row of phase r
// (its distance to the grid of windows) meets kernel rows r, r + stride, ...: no multiplication by
// the zeros between strides, and none by rows that are only padding.
inline void conv_input_gradient(const Stage& stage, const float* packed,
                                const float* linear_gradient, float* in_gradient) {
    const Window& w = stage.window;
    const Map &from = stage.linear_gradient, &to = stage.input;
    const ptrdiff_t out_row = ptrdiff_t(to.width) * L;
    const float* weights = packed + stage.packed_input;
    for (int phase_y = 0; phase_y < w.stride_y; phase_y++)
        for (int phase_x = 0; phase_x < w.stride_x; phase_x++) {
            const int tap_rows = phase_taps(w.height, w.stride_y, phase_y);
            const int tap_columns = phase_taps(w.width, w.stride_x, phase_x);
            const int first_x = (w.stride_x + phase_x - w.left % w.stride_x) % w.stride_x;
            if (first_x >= to.width) {
                weights += int64_t(tap_rows) * tap_columns * from.channels * to.channels;
                continue;
            }
            Row row{};
            row.in_step = L;
            row.out_step = ptrdiff_t(w.stride_x) * L;
            row.out_channel = out_row * to.height;
            row.positions = (to.width - first_x + w.stride_x - 1) / w.stride_x;
            row.taps = tap_columns;
            row.tap_step = -L;
            row.clip_first = (first_x + w.left) / w.stride_x;
            row.clip_width = from.width;
            for (int block = 0; block < stage.input_blocks.count; block++) {
                const int first = stage.input_blocks.begin(block);
                const int channels = stage.input_blocks.size(block);
                row.weight_step = channels;
                row.weight_row = ptrdiff_t(tap_columns) * channels;
                for (int y = 0; y < to.height; y++) {
                    if ((y + w.top) % w.stride_y != phase_y) continue;
                    const int p = (y + w.top) / w.stride_y;  // tap row 0 reads this row
                    const int low = p < from.height ? 0 : p - from.height + 1;
                    const int high = p + 1 < tap_rows ? p + 1 : tap_rows;
                    row.rows = stage.input_rows + int64_t(low) * from.channels;
                    row.row_count = high > low ? (high - low) * from.channels : 0;
                    row.weights = weights + int64_t(low) * from.channels * row.weight_row;
                    row.in = linear_gradient + from.at(0, p, row.clip_first);
                    row.out = in_gradient + first * row.out_channel + y * out_row + first_x * L;
                    correlate(channels, row);
                }
                weights += int64_t(tap_rows) * tap_columns * from.channels * channels;
            }
        }
}

inline void reduce_lanes(const float* lane_sums, int64_t count, float* sums, bool accumulate) {
    for (int64_t i = 0; i < count; i++) {
        float total = sum(load(lane_sums + i * L));
        sums[i] = accumulate ? sums[i] + total : total;
    }
}

}  // namespace lenet::LENET_ISA
