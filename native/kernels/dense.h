// Dense layers: matrix products over all groups of samples at once, on the one microkernel.
//
// Limits (multiply-adds, every one a whole vector): forward and input gradient G * O * I each;
// weight gradient N * O * I / L over whole vectors of inputs.
#pragma once

#include "activation.h"
#include "correlate.h"

namespace lenet::LENET_ISA {

// out[c][p] over all channel blocks; a tile of positions stays in cache while the blocks pass.
// weights advance by block_step for every channel of a block before.
inline void product(const Split& blocks, Row row, int64_t block_step) {
    const Row whole = row;
    int widest = 1;
    for (int b = 0; b < blocks.count; b++)
        if (blocks.size(b) > widest) widest = blocks.size(b);
    const int most = tile_positions(widest, accumulators);
    const Split tiles{whole.positions, (whole.positions + most - 1) / most};
    const bool packed = block_step != 1;  // packed blocks hold their channels side by side
    for (int t = 0; t < tiles.count; t++)
        for (int b = 0; b < blocks.count; b++) {
            const int first = blocks.begin(b);
            row.in = whole.in + tiles.begin(t) * whole.in_step;
            row.positions = tiles.size(t);
            row.out = whole.out + tiles.begin(t) * whole.out_step + first * whole.out_channel;
            row.weights = whole.weights + first * block_step;
            if (packed) row.weight_step = blocks.size(b);
            row.bias = whole.bias ? whole.bias + first : nullptr;
            correlate(blocks.size(b), row);
        }
}

inline Row one_row(const float* in, int64_t in_step, float* out, int64_t out_step,
                   int64_t out_channel, int positions, int taps, int64_t tap_step,
                   const float* weights) {
    Row row{};
    row.in = in;
    row.in_step = in_step;
    row.out = out;
    row.out_step = out_step;
    row.out_channel = out_channel;
    row.positions = positions;
    row.row_count = 1;
    row.taps = taps;
    row.tap_step = tap_step;
    row.weights = weights;
    return row;
}

inline void dense_forward(const Stage& stage, const float* packed, const float* bias, int groups,
                          const float* in, int64_t in_stride, float* out, int64_t out_stride,
                          float* kept, int64_t kept_stride) {
    Row row = one_row(in, in_stride, out, out_stride, L, groups, stage.inputs, L,
                      packed + stage.packed_forward);
    row.bias = bias;
    product(stage.forward_blocks, row, stage.inputs);
    for (int g = 0; g < groups; g++)
        activate(stage.activation, stage.output.channels, out + g * out_stride,
                 kept ? kept + g * kept_stride : nullptr);
}

// groups of [feature][lane] to samples of [feature], padded with zeros to `row` floats.
inline void to_samples(int groups, int features, const float* in, int64_t in_stride, int row,
                       float* out) {
    for (int g = 0; g < groups; g++)
        for (int first = 0; first < row; first += L) {
            const float* from = in + g * in_stride + int64_t(first) * L;
            float* to = out + int64_t(g) * L * row + first;
            vec rows[L];
            if (first + L <= features) {
#pragma GCC unroll 16
                for (int f = 0; f < L; f++) rows[f] = load(from + f * L);
            } else {
                for (int f = 0; f < L; f++) rows[f] = first + f < features ? load(from + f * L) : vec{};
            }
            transpose(rows);
#pragma GCC unroll 16
            for (int l = 0; l < L; l++) store(to + int64_t(l) * row, rows[l]);
        }
}

inline void dense_backward(const Stage& stage, const float* weights, int groups, const float* in,
                           int64_t in_stride, const float* out, int64_t out_stride,
                           const float* kept, int64_t kept_stride, float* out_gradient,
                           float* in_gradient, float* gradient, bool accumulate,
                           float* transposed) {
    const int outputs = stage.output.channels, inputs = stage.inputs, samples = groups * L;
    const int64_t out_group = int64_t(outputs) * L, in_group = int64_t(inputs) * L;
    for (int g = 0; g < groups; g++)
        chain(stage.activation, outputs, out_gradient + g * out_group, out + g * out_stride,
              kept ? kept + g * kept_stride : nullptr, out_gradient + g * out_group);

    // Weight gradient: samples are the taps. A column of ones behind the inputs yields the bias.
    const int in_row = stage.gradient_row, out_row = (outputs + L - 1) / L * L;
    float* in_samples = transposed;
    float* out_samples = transposed + int64_t(samples) * in_row;
    to_samples(groups, inputs, in, in_stride, in_row, in_samples);
    to_samples(groups, outputs, out_gradient, out_group, out_row, out_samples);
    for (int n = 0; n < samples; n++) in_samples[int64_t(n) * in_row + inputs] = 1.0f;
    Row row = one_row(in_samples, L, gradient, L, in_row, in_row / L, samples, in_row,
                      out_samples);
    row.weight_step = out_row;
    row.accumulate = accumulate;
    product(stage.gradient_blocks, row, 1);

    if (in_gradient) {
        row = one_row(out_gradient, out_group, in_gradient, in_group, L, groups, outputs, L, weights);
        row.weight_step = inputs;  // inputs lie side by side as they are: nothing need be packed
        // With few groups a tile needs many inputs, or its sums are too few to keep the units busy.
        const Split widest{inputs, (inputs + max_channels - 1) / max_channels};
        product(groups <= 2 ? widest : stage.input_blocks, row, 1);
    }
}

}  // namespace lenet::LENET_ISA
