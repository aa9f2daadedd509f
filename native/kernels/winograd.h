// Convolutions in steps of one with fewer multiplications (Winograd 1980; Lavin & Gray 2016), along
// the rows alone: R taps and M = 7 - R neighbouring outputs take 6 products instead of M * R.
//
//     out = A^T [(G w) * (B^T in)]        w: R weights, in: 6 inputs, out: M outputs
//
// Its two derivatives are the same products with the transforms transposed, so that three
// transformed things, U = G w, V = B^T in and Y = A dout, serve all three directions:
//
//     forward  A^T (U * V)      weights  G^T (Y * V)      input  B (U * Y)
//
// The five finite points are 0, +-3/4 and +-3/2: with them a float32 result is as exact as the
// plain sum of products (with 0, +-1 and +-2 it would be less so; tests/test_convolution.cpp holds
// it). An infinity in the input makes its whole tile NaN.
//
// Each of the 6 products is a matrix product over channels and kernel rows, with the map's tiles,
// all rows one after the other, for positions.
//
//     V: [product][channel][row][tile][lane], Y and the products: [product][output][row][tile][lane]
#pragma once

#include "../simd/vec.h"
#include "../src/layout.h"
#include "correlate.h"
#include "weights.h"

namespace lenet::LENET_ISA {

// a, b: the points' distances from zero.
constexpr float a1 = winograd_a, a2 = a1 * a1, a3 = a2 * a1;
constexpr float b1 = winograd_b, b2 = b1 * b1, b3 = b2 * b1;

// V = B^T in for one tile; `to` steps by `plane` floats from product to product.
inline void transform_input(const vec (&in)[6], float* to, int64_t plane) {
    const vec even_a = in[4] - b2 * in[2], odd_a = a1 * (in[3] - b2 * in[1]);
    const vec even_b = in[4] - a2 * in[2], odd_b = b1 * (in[3] - a2 * in[1]);
    store(to, a2 * b2 * in[0] - (a2 + b2) * in[2] + in[4]);
    store(to + plane, even_a + odd_a);
    store(to + 2 * plane, even_a - odd_a);
    store(to + 3 * plane, even_b + odd_b);
    store(to + 4 * plane, even_b - odd_b);
    store(to + 5 * plane, a2 * b2 * in[1] - (a2 + b2) * in[3] + in[5]);
}

// B v: what one tile adds to the gradient of its 6 inputs.
inline void transform_input_back(const float* from, int64_t plane, vec (&out)[6]) {
    const vec first = load(from), last = load(from + 5 * plane);
    const vec pa = load(from + plane), na = load(from + 2 * plane);
    const vec pb = load(from + 3 * plane), nb = load(from + 4 * plane);
    const vec even_a = pa + na, odd_a = a1 * (pa - na), even_b = pb + nb, odd_b = b1 * (pb - nb);
    out[0] = a2 * b2 * first;
    out[1] = a2 * b2 * last - b2 * odd_a - a2 * odd_b;
    out[2] = -(a2 + b2) * first - b2 * even_a - a2 * even_b;
    out[3] = odd_a + odd_b - (a2 + b2) * last;
    out[4] = first + even_a + even_b;
    out[5] = last;
}

// out = A^T products for one tile.
template <int M>
inline void transform_output(const float* from, int64_t plane, vec (&out)[M]) {
    const vec first = load(from), last = load(from + 5 * plane);
    const vec pa = load(from + plane), na = load(from + 2 * plane);
    const vec pb = load(from + 3 * plane), nb = load(from + 4 * plane);
    const vec even_a = pa + na, odd_a = pa - na, even_b = pb + nb, odd_b = pb - nb;
    out[0] = first + even_a + even_b;
    if constexpr (M > 1) out[1] = a1 * odd_a + b1 * odd_b;
    if constexpr (M > 2) out[2] = a2 * even_a + b2 * even_b;
    if constexpr (M > 3) out[3] = a3 * odd_a + b3 * odd_b;
    if constexpr (M > 4) out[4] = a2 * a2 * even_a + b2 * b2 * even_b;
    out[M - 1] += last;
}

// Y = A gradient for one tile.
template <int M>
inline void transform_output_back(const float* gradient, float* to, int64_t plane) {
    vec g[5]{};
#pragma GCC unroll 8
    for (int i = 0; i < M; i++) g[i] = load(gradient + i * L);
    const vec even_a = g[0] + a2 * (g[2] + a2 * g[4]), odd_a = a1 * (g[1] + a2 * g[3]);
    const vec even_b = g[0] + b2 * (g[2] + b2 * g[4]), odd_b = b1 * (g[1] + b2 * g[3]);
    store(to, g[0]);
    store(to + plane, even_a + odd_a);
    store(to + 2 * plane, even_a - odd_a);
    store(to + 3 * plane, even_b + odd_b);
    store(to + 4 * plane, even_b - odd_b);
    store(to + 5 * plane, g[M - 1]);
}

// Calls f with M, the outputs of a tile, as a compile-time constant.
template <typename F>
inline void with_tile(int outputs, F f) {
    switch (outputs) {
        case 2: return f.template operator()<2>();
        case 3: return f.template operator()<3>();
        case 4: return f.template operator()<4>();
        default: return f.template operator()<5>();
    }
}

// The input of rows [begin, end) of the linear map to V, whose first row is `begin`.
inline void winograd_input(const Stage& stage, const float* in, int begin, int end, float* v) {
    const Map& from = stage.input;
    const Winograd& w = stage.winograd;
    const int rows = end - begin + stage.window.height - 1;
    for (int c = 0; c < from.channels; c++)
        for (int y = 0; y < rows; y++) {
            const float* x = in + c * from.channel() + (begin + y) * from.row();
            float* to = v + w.row(int64_t(c) * w.in_rows + y);
            for (int t = 0; t < w.tiles; t++, x += w.outputs * L, to += L) {
                vec tile[6];
#pragma GCC unroll 8
                for (int i = 0; i < 6; i++) tile[i] = load(x + i * L);
                transform_input(tile, to, w.in_plane);
            }
        }
}

// The products of `rows` rows of the linear map, from their V.
inline void winograd_products(const Stage& stage, Part part, const float* packed, const float* v,
                              int rows, float* products) {
    const Winograd& w = stage.winograd;
    const int64_t plane = w.row(int64_t(stage.linear.channels) * rows);
    Row row{};
    row.in_step = row.out_step = L;
    row.out_channel = w.row(rows);
    row.positions = rows * w.tiles;
    row.rows = stage.forward_rows;
    row.row_count = stage.input.channels;
    row.taps = stage.window.height;
    row.tap_step = w.row(1);
    for (int i = 0; i < 6; i++)
        for (int block = part.begin(stage.forward_blocks); block < part.end(stage.forward_blocks);
             block++) {
            const int first = stage.forward_blocks.begin(block);
            const int channels = stage.forward_blocks.size(block);
            row.in = v + i * w.in_plane;
            row.out = products + i * plane + first * row.out_channel;
            row.weights = packed + stage.packed_forward + i * w.weights + int64_t(first) * w.taps;
            row.weight_step = channels;
            row.weight_row = int64_t(row.taps) * channels;
            correlate(channels, row);
        }
}

// Rows [begin, end) of the linear map for one block of output channels, from their products.
inline void winograd_output(const Stage& stage, const float* bias, const float* products,
                            int block, int begin, int end, float* out, int64_t out_row,
                            int64_t out_channel) {
    const Winograd& w = stage.winograd;
    const int rows = end - begin, width = stage.linear.width;
    const int64_t plane = w.row(int64_t(stage.linear.channels) * rows);
    const int first = stage.forward_blocks.begin(block), channels = stage.forward_blocks.size(block);
    with_tile(w.outputs, [&]<int M>() {
        for (int c = 0; c < channels; c++) {
            const vec start = broadcast(bias[first + c]);
            for (int y = 0; y < rows; y++) {
                const float* from = products + w.row(int64_t(first + c) * rows + y);
                float* to = out + c * out_channel + y * out_row;
                for (int x = 0; x < width; x += M, from += L) {
                    vec tile[M];
                    transform_output<M>(from, plane, tile);
                    const int live = width - x < M ? width - x : M;
                    if (live == M) {
#pragma GCC unroll 8
                        for (int i = 0; i < M; i++) store(to + (x + i) * L, tile[i] + start);
                    } else {
                        for (int i = 0; i < live; i++) store(to + (x + i) * L, tile[i] + start);
                    }
                }
            }
        }
    });
}

// The gradient of channels [begin, end) of the linear map to Y. Beyond the map's width it is zero.
inline void winograd_gradient(const Stage& stage, int begin, int end, const float* linear_gradient,
                              float* y) {
    const Winograd& w = stage.winograd;
    const Map& from = stage.linear_gradient;
    with_tile(w.outputs, [&]<int M>() {
        for (int64_t row = int64_t(begin) * from.height; row < int64_t(end) * from.height; row++) {
            const float* gradient = linear_gradient + row * from.row();
            float* to = y + w.row(row);
            for (int t = 0; t < w.tiles; t++, gradient += M * L, to += L)
                transform_output_back<M>(gradient, to, w.out_plane);
        }
    });
}

// What rows [begin, end) of the linear map add to the gradient of U, from Y and the rows' V: sums
// of tiles, [product][tile].
inline void winograd_weight_gradient(const Stage& stage, Part part, const float* y, const float* v,
                                     int begin, int end, float* sums) {
    const Winograd& w = stage.winograd;
    Pairs pairs{};
    pairs.gradient_channel = w.row(stage.linear.height);
    pairs.in_step = L;
    pairs.rows = 1;
    pairs.positions = (end - begin) * w.tiles;
    pairs.taps = stage.taps;
    pairs.tap_count = w.taps;
    pairs.slot = stage.slot;
    for (int i = 0; i < 6; i++)
        for (int block = part.begin(stage.gradient_blocks);
             block < part.end(stage.gradient_blocks); block++) {
            const int first = stage.gradient_blocks.begin(block);
            pairs.gradient = y + i * w.out_plane + w.row(begin) + first * pairs.gradient_channel;
            pairs.in = v + i * w.in_plane;
            pairs.sums = sums + i * stage.product_sums + block * stage.block_sums;
            weight_gradient(stage.gradient_blocks.size(block), pairs);
        }
}

// The input's gradient, from Y: the products first, row after row of the input, into `products`;
// then overlapping tiles are added up.
inline void winograd_input_gradient(const Stage& stage, Part part, const float* packed,
                                    const float* y, float* in_gradient, float* products) {
    const Winograd& w = stage.winograd;
    const Map &to = stage.input, &linear = stage.linear;
    const int kernel = stage.window.height;
    const int64_t channel = w.row(to.height), plane = channel * to.channels;
    Row row{};
    row.in_step = row.out_step = L;
    row.out_channel = channel;
    row.taps = linear.channels;
    row.tap_step = w.row(linear.height);
    row.rows = stage.input_rows;
    // Neighbouring rows that meet all kernel rows, and whole runs of those that meet the same ones,
    // are one long row of positions.
    for (int first_row = 0, next; first_row < to.height; first_row = next) {
        const auto low = [&](int p) { return p < linear.height ? 0 : p - linear.height + 1; };
        const auto high = [&](int p) { return p + 1 < kernel ? p + 1 : kernel; };
        const int p = first_row + to.top;
        for (next = first_row + 1; next < to.height; next++)
            if (low(next + to.top) != low(p) || high(next + to.top) != high(p)) break;
        row.positions = (next - first_row) * w.tiles;
        row.rows = stage.input_rows + low(p);
        row.row_count = high(p) > low(p) ? high(p) - low(p) : 0;
        for (int i = 0; i < 6; i++)
            for (int block = part.begin(stage.input_blocks); block < part.end(stage.input_blocks);
                 block++) {
                const int first = stage.input_blocks.begin(block);
                const int channels = stage.input_blocks.size(block);
                row.weight_step = channels;
                row.weight_row = int64_t(linear.channels) * channels;
                row.weights = packed + stage.packed_input + i * w.weights +
                              int64_t(first) * kernel * linear.channels + low(p) * row.weight_row;
                row.in = y + i * w.out_plane + w.row(p);
                row.out = products + i * plane + first * channel + w.row(first_row);
                correlate(channels, row);
            }
    }
    with_tile(w.outputs, [&]<int M>() {
        const int64_t begin = stage.input_blocks.begin(part.begin(stage.input_blocks));
        const int64_t end = stage.input_blocks.begin(part.end(stage.input_blocks));
        for (int64_t at = begin * to.height; at < end * to.height; at++) {
            const float* from = products + w.row(at);
            float* out = in_gradient + at * to.width * L;
            vec open[6]{};  // what is not yet complete: sums for columns x .. x + 5
            int x = -to.left;
            const auto emit = [&](vec value) {
                if (x >= 0 && x < to.width) store(out + x * L, value);
                x++;
            };
            for (int t = 0; t < w.tiles; t++, from += L) {
                vec more[6];
                transform_input_back(from, plane, more);
#pragma GCC unroll 8
                for (int i = 0; i < 6; i++) open[i] += more[i];
#pragma GCC unroll 8
                for (int i = 0; i < M; i++) emit(open[i]);
#pragma GCC unroll 8
                for (int i = 0; i < 6; i++) open[i] = i + M < 6 ? open[i + M] : vec{};
            }
            for (int i = 0; x < to.width; i++) emit(i < 6 - M ? open[i] : vec{});
        }
    });
}

}  // namespace lenet::LENET_ISA
