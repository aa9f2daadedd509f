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
#include "weights.h"
#include "winograd.h"

namespace lenet::LENET_ISA {

// Rows [begin, end) of the linear map for one block of output channels.
inline void conv_rows(const Stage& stage, const float* packed, const float* bias, const float* in,
                      int block, int begin, int end, float* out, int64_t out_row,
                      int64_t out_channel) {
    const Window& w = stage.window;
    const Map& from = stage.input;
    const int first = stage.forward_blocks.begin(block), channels = stage.forward_blocks.size(block);
    Row row{};
    row.in_step = int64_t(w.stride_x) * L;
    row.out_step = L;
    row.out_channel = out_channel;
    row.positions = stage.linear.width;
    row.rows = stage.forward_rows;
    row.row_count = stage.group_inputs() * w.height;
    row.taps = w.width;
    row.tap_step = L;
    row.weights = packed + stage.packed_forward + int64_t(first) * stage.inputs;
    row.weight_step = channels;
    row.weight_row = int64_t(w.width) * channels;
    row.bias = bias + first;
    if (stage.inputs == stage.group_inputs()) {  // 1x1: the taps are the channels
        row.rows = nullptr;
        row.row_count = 1;
        row.taps = stage.inputs;
        row.tap_step = from.channel();
    }
    in += stage.first_input(first) * from.channel();
    for (int y = begin; y < end; y++) {
        row.in = in + y * w.stride_y * from.row();
        row.out = out + (y - begin) * out_row;
        correlate(channels, row);
    }
}

// Rows [band, last) of the pooled map for one block of channels, from rows of the linear map that
// begin with row `begin`.
inline void pool_rows(const Stage& stage, int block, int band, int last, const float* rows,
                      int64_t rows_channel, int begin, float* out, int32_t* positions) {
    const Window& pool = stage.pool;
    const Map &linear = stage.linear, &to = stage.output;
    const int first = stage.forward_blocks.begin(block);
    for (int c = 0; c < stage.forward_blocks.size(block); c++)
        for (int p = band; p < last; p++) {
            int origin = p * pool.stride_y - pool.top;
            const float* row = rows + c * rows_channel + (origin - begin) * linear.row();
            float* pooled = out + to.at(first + c, p, 0);
            int32_t* codes = positions ? positions + stage.positions_of(first + c, p) : nullptr;
            max_row(stage, pool, linear, row, origin, to.width, pooled, codes);
            activate(stage.activation, to.width, pooled, nullptr);
        }
}

// A row of C channels, pooled by plain 2x2 windows as it is made: a tile is C channels at the four
// positions of one window, and they never leave the registers.
template <int C>
[[gnu::noinline]] void conv_pool_row(const Stage& stage, const float* weights, const float* bias,
                                     const float* in, float* out, int32_t* codes) {
    const Window& w = stage.window;
    const int64_t step = int64_t(w.stride_x) * L;
    const int64_t below = w.stride_y * stage.input.row(), channel = stage.output.channel();
    const int rows = stage.group_inputs() * w.height, taps = w.width;
    const int64_t codes_channel = int64_t(stage.output.height) * stage.position_row;
    for (int q = 0; q < stage.output.width; q += 4) {  // four positions fill a word of codes
        const int count = stage.output.width - q < 4 ? stage.output.width - q : 4;
        ivec words[C]{};
        for (int k = 0; k < count; k++) {
            const float* first = in + 2 * (q + k) * step;
            const float* weight = weights;
            vec sums[C][4];
#pragma GCC unroll 8
            for (int c = 0; c < C; c++)
#pragma GCC unroll 4
                for (int p = 0; p < 4; p++) sums[c][p] = broadcast(bias[c]);
            for (int r = 0; r < rows; r++) {
                const float* x = first + stage.forward_rows[r];
                for (int t = 0; t < taps; t++, x += L, weight += C)
                    multiply_add<C, 4>(
                        sums, [&](int c) { return broadcast(weight[c]); },
                        [&](int p) { return load(x + p / 2 * below + p % 2 * step); });
            }
#pragma GCC unroll 8
            for (int c = 0; c < C; c++)
                words[c] |= max_of_2x2(sums[c][0], sums[c][1], sums[c][2], sums[c][3],
                                       out + c * channel + (q + k) * L)
                            << (8 * k);
        }
        if (codes)
            for (int c = 0; c < C; c++)
                *reinterpret_cast<ivec*>(codes + c * codes_channel + q / 4 * L) = words[c];
    }
}

template <int C = accumulators / 4>
inline auto conv_pool_row_of(int channels) {
    if constexpr (C > 1) {
        if (channels < C) return conv_pool_row_of<C - 1>(channels);
    }
    return conv_pool_row<C>;
}

inline void conv_pool_forward(const Stage& stage, Part part, const float* packed,
                              const float* bias, const float* in, float* out,
                              int32_t* positions) {
    const Map& to = stage.output;
    const int first_block = part.begin(stage.forward_blocks), end = part.end(stage.forward_blocks);
    for (int block = first_block; block < end; block++) {
        const int first = stage.forward_blocks.begin(block);
        const int channels = stage.forward_blocks.size(block);
        const float* weights = packed + stage.packed_forward + int64_t(first) * stage.inputs;
        const auto make_row = conv_pool_row_of(channels);
        const float* seen = in + stage.first_input(first) * stage.input.channel();
        for (int y = 0; y < to.height; y++) {
            const float* from = seen + 2 * y * stage.window.stride_y * stage.input.row();
            float* row = out + to.at(first, y, 0);
            int32_t* codes = positions ? positions + stage.positions_of(first, y) : nullptr;
            make_row(stage, weights, bias + first, from, row, codes);
            for (int c = 0; c < channels; c++)
                activate(stage.activation, to.width, row + c * to.channel(), nullptr);
        }
    }
}

inline void conv_forward(const Stage& stage, Part part, const float* packed, const float* bias,
                         const float* in, float* out, int32_t* positions, float* kept,
                         float* scratch) {
    const Window& pool = stage.pool;
    const Map &linear = stage.linear, &to = stage.output;
    const bool winograd = stage.winograd.outputs > 0;
    if (stage.plain_pool && !winograd)
        return conv_pool_forward(stage, part, packed, bias, in, out, positions);
    const int first_block = part.begin(stage.forward_blocks);
    const int end_block = part.end(stage.forward_blocks);
    float* v = scratch;
    float* products = v + (winograd ? 6 * stage.winograd.in_plane : 0);
    float* rows = products + stage.products;
    for (int band = 0; band < to.height; band += stage.band) {
        const int last = band + stage.band < to.height ? band + stage.band : to.height;
        int begin = band, end = last;  // rows of the linear map
        if (stage.pooled) {
            begin = band * pool.stride_y - pool.top;
            end = (last - 1) * pool.stride_y - pool.top + pool.height;
            if (begin < 0) begin = 0;
            if (end > linear.height) end = linear.height;
        }
        if (winograd) {
            winograd_input(stage, in, begin, end, v);
            winograd_products(stage, part, packed, v, end - begin, products);
        }
        for (int block = first_block; block < end_block; block++) {
            const int first = stage.forward_blocks.begin(block);
            float* at = stage.pooled ? rows : out + to.at(first, begin, 0);
            const int64_t pitch = stage.pooled ? linear.row() : to.row();
            const int64_t channel = stage.pooled ? (end - begin) * linear.row() : to.channel();
            if (winograd)
                winograd_output(stage, bias, products, block, begin, end, at, pitch, channel);
            else
                conv_rows(stage, packed, bias, in, block, begin, end, at, pitch, channel);
            if (stage.pooled) {
                pool_rows(stage, block, band, last, rows, channel, begin, out, positions);
                continue;
            }
            for (int c = first; c < first + stage.forward_blocks.size(block); c++)
                for (int y = begin; y < end; y++)
                    activate(stage.activation, to.width, out + to.at(c, y, 0),
                             kept ? kept + (int64_t(c) * to.height + y) * to.width * L : nullptr);
        }
    }
}

inline void conv_weight_gradient(const Stage& stage, Part part, const float* linear_gradient,
                                 const float* in, float* sums) {
    const Map& to = stage.linear_gradient;
    Pairs pairs{};
    pairs.gradient_channel = to.channel();
    pairs.gradient_row = to.row();
    pairs.in_row = stage.window.stride_y * stage.input.row();
    pairs.in_step = int64_t(stage.window.stride_x) * L;
    pairs.positions = to.width;
    pairs.taps = stage.taps;
    pairs.tap_count = stage.inputs;
    pairs.slot = stage.slot;
    for (int block = part.begin(stage.gradient_blocks); block < part.end(stage.gradient_blocks);
         block++) {
        const int first = stage.gradient_blocks.begin(block);
        const int channels = stage.gradient_blocks.size(block);
        // As many rows of the gradient as stay in the first-level cache while all taps pass.
        int band = int(4096 / (channels * to.row()));
        if (band < 1) band = 1;
        pairs.sums = sums + block * stage.block_sums;
        const float* seen = in + stage.first_input(first) * stage.input.channel();
        for (int y = 0; y < to.height; y += band) {
            pairs.rows = y + band < to.height ? band : to.height - y;
            pairs.gradient = linear_gradient + to.at(first, y, 0);
            pairs.in = seen + y * pairs.in_row;
            weight_gradient(channels, pairs);
        }
    }
}

// One channel's gradient of the output, through activation and pooling, to that of the linear map;
// returns its sum.
inline vec linear_gradient_of(const Stage& stage, int c, const float* out_gradient,
                              const float* out, const int32_t* positions, const float* kept,
                              float* linear_gradient, float* pooled_row) {
    const Window& pool = stage.pool;
    const Map &to = stage.linear_gradient, &from = stage.output;
    if (stage.pooled && !covered(stage, to.height, to.width))
        for (int y = 0; y < to.height; y++)
            for (int x = 0; x < to.width; x++) store(linear_gradient + to.at(c, y, x), vec{});
    vec total{};
    for (int y = 0; y < from.height; y++) {
        const int64_t at = (int64_t(c) * from.height + y) * from.width * L;
        float* row = stage.pooled ? pooled_row : linear_gradient + to.at(c, y, 0);
        total += chain(stage.activation, from.width, out_gradient + at, out + from.at(c, y, 0),
                       kept ? kept + at : nullptr, row);
        if (!stage.pooled) continue;
        const int origin = y * pool.stride_y - pool.top;
        float* target = linear_gradient + to.at(c, 0, 0) + origin * to.row();
        const int32_t* codes = positions + stage.positions_of(c, y);
        max_row_back(stage, pool, to.row(), to.height, to.width, origin, from.width, row, codes,
                     target);
    }
    return total;
}

inline void conv_backward(const Stage& stage, Part part, const float* out_gradient,
                          const float* out, const int32_t* positions, const float* kept,
                          const float* in, float* linear_gradient, float* sums, float* scratch) {
    float* biases = sums + stage.bias_sums;
    const int first = stage.gradient_blocks.begin(part.begin(stage.gradient_blocks));
    const int last = stage.gradient_blocks.begin(part.end(stage.gradient_blocks));
    for (int c = first; c < last; c++) {
        const vec total =
            linear_gradient_of(stage, c, out_gradient, out, positions, kept, linear_gradient, scratch);
        store(biases + c * L, load(biases + c * L) + total);
    }
    if (!stage.winograd.outputs)
        return conv_weight_gradient(stage, part, linear_gradient, in, sums);
    float* transformed = linear_gradient + stage.transformed_at;
    winograd_gradient(stage, first, last, linear_gradient, transformed);
    const int height = stage.linear.height;
    for (int begin = 0, end; begin < height; begin = end) {
        end = begin + stage.winograd.band < height ? begin + stage.winograd.band : height;
        winograd_input(stage, in, begin, end, scratch);
        winograd_weight_gradient(stage, part, transformed, scratch, begin, end, sums);
    }
}

// in_gradient has the input's size without border, and is written whole. An input row of phase r
// (its distance to the grid of windows) meets kernel rows r, r + stride, ...: no multiplication by
// the zeros between strides, and none by rows that are only padding.
inline void conv_input_gradient(const Stage& stage, Part part, const float* packed,
                                const float* linear_gradient, float* in_gradient,
                                float* scratch) {
    if (stage.winograd.outputs)
        return winograd_input_gradient(stage, part, packed, linear_gradient + stage.transformed_at,
                                       in_gradient, scratch);
    const Window& w = stage.window;
    const Map &from = stage.linear_gradient, &to = stage.input;
    const int64_t out_row = int64_t(to.width) * L;
    const int outputs = stage.group_outputs();
    const float* weights = packed + stage.packed_input;
    for (int phase_y = 0; phase_y < w.stride_y; phase_y++)
        for (int phase_x = 0; phase_x < w.stride_x; phase_x++) {
            const int tap_rows = phase_taps(w.height, w.stride_y, phase_y);
            const int tap_columns = phase_taps(w.width, w.stride_x, phase_x);
            const int first_x = (w.stride_x + phase_x - w.left % w.stride_x) % w.stride_x;
            if (first_x >= to.width) {
                weights += int64_t(tap_rows) * tap_columns * outputs * to.channels;
                continue;
            }
            Row row{};
            row.in_step = L;
            row.out_step = int64_t(w.stride_x) * L;
            row.out_channel = out_row * to.height;
            row.positions = (to.width - first_x + w.stride_x - 1) / w.stride_x;
            row.taps = tap_columns;
            row.tap_step = -L;
            row.clip_first = (first_x + w.left) / w.stride_x;
            row.clip_width = from.width;
            for (int block = part.begin(stage.input_blocks); block < part.end(stage.input_blocks);
                 block++) {
                const int first = stage.input_blocks.begin(block);
                const int channels = stage.input_blocks.size(block);
                const float* packed_block =
                    weights + int64_t(tap_rows) * tap_columns * outputs * first;
                row.weight_step = channels;
                row.weight_row = int64_t(tap_columns) * channels;
                const bool pointwise =
                    stage.inputs == stage.group_inputs() && tap_rows > 0 && tap_columns > 0;
                if (pointwise) {  // 1x1: the taps are the outputs
                    row.taps = outputs;
                    row.tap_step = from.channel();
                    row.clip_width = 0;
                }
                for (int y = 0; y < to.height; y++) {
                    if ((y + w.top) % w.stride_y != phase_y) continue;
                    const int p = (y + w.top) / w.stride_y;  // tap row 0 reads this row
                    const int low = p < from.height ? 0 : p - from.height + 1;
                    const int high = p + 1 < tap_rows ? p + 1 : tap_rows;
                    row.rows = stage.input_rows + int64_t(low) * outputs;
                    row.row_count = high > low ? (high - low) * outputs : 0;
                    if (pointwise && row.row_count) row.row_count = 1;
                    row.weights = packed_block + int64_t(low) * outputs * row.weight_row;
                    row.in = linear_gradient + from.at(stage.first_output(first), p, row.clip_first);
                    row.out = in_gradient + first * row.out_channel + y * out_row + first_x * L;
                    correlate(channels, row);
                }
            }
            weights += int64_t(tap_rows) * tap_columns * outputs * to.channels;
        }
}

// The gradient rows [output][K weights, bias] from the tiles' sums; Winograd's are G^T sums.
inline void conv_weight_sums(const Stage& stage, const float* sums, float* gradient) {
    const bool winograd = stage.winograd.outputs > 0;
    const int width = winograd ? stage.window.width : 1;  // weights of a tap
    const WinogradWeights transform(width);
    for (int block = 0; block < stage.gradient_blocks.count; block++) {
        const int first = stage.gradient_blocks.begin(block);
        const int channels = stage.gradient_blocks.size(block);
        const Split parts = tap_parts(channels, stage.inputs / width, accumulators);
        for (int part = 0; part < parts.count; part++) {
            const float* from = sums + block * stage.block_sums + part * int64_t(stage.slot);
            for (int c = 0; c < channels; c++) {
                float* row = gradient + int64_t(first + c) * stage.gradient_row;
                for (int t = parts.begin(part); t < parts.begin(part + 1); t++, from++)
                    for (int k = 0; k < width; k++) {
                        float total = winograd ? 0 : *from;
                        for (int i = 0; winograd && i < 6; i++)
                            total += transform.g[i][k] * from[i * stage.product_sums];
                        row[t * width + k] = total;
                    }
            }
        }
    }
    for (int o = 0; o < stage.linear.channels; o++)
        gradient[int64_t(o) * stage.gradient_row + stage.inputs] =
            sum(load(sums + stage.bias_sums + o * L));
}

}  // namespace lenet::LENET_ISA
