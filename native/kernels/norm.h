// Batch normalisation in training: moments of a group, the normalised map, and the backward pass. z is
// the convolution's output, a = scale / deviation; statistics are merged between groups by the
// worker, in double. What is large and nearly equal is subtracted before a multiplies it: where the
// variance is nearly 0, a is up to 316 times the scale.
//
// Limit: a few operations a value: memory. z is all that is kept of a group, and what follows from
// it is made again in the backward pass.
#pragma once

#include "activation.h"

namespace lenet::LENET_ISA {

// Sums in four parts, as exact as they are quick.
struct Sums {
    vec part[4]{};

    vec all() const { return (part[0] + part[1]) + (part[2] + part[3]); }
};

// Calls add(i, k) for i from 0 to count - 1: i belongs to part k of a sum.
template <typename F>
inline void in_parts(int count, F add) {
    int i = 0;
    for (; i + 4 <= count; i += 4)
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) add(i + k, k);
    for (; i < count; i++) add(i, 0);
}

inline vec living(int live) {
    vec alive{};
    for (int l = 0; l < live; l++) alive[l] = 1.0f;
    return alive;
}

// moments[c]: the mean of a channel's values of the first `live` lanes, and the sum of their
// squared distances from it.
inline void norm_moments(const Stage& stage, int live, const float* in, double* moments) {
    const int count = stage.input.height * stage.input.width;
    const vec alive = living(live);
    for (int c = 0; c < stage.input.channels; c++, in += int64_t(count) * L) {
        Sums values, rest, squares;
        in_parts(count, [&](int i, int k) { values.part[k] += load(in + i * L); });
        const float mean = sum(alive * values.all()) / float(int64_t(count) * live);
        in_parts(count, [&](int i, int k) {
            const vec far = load(in + i * L) - mean;
            rest.part[k] += far;
            squares.part[k] += far * far;
        });
        // What rounding left of the mean.
        const double apart = double(sum(alive * rest.all())) / (double(count) * live);
        moments[2 * c] = double(mean) + apart;
        moments[2 * c + 1] = double(sum(alive * squares.all())) - apart * apart * count * live;
    }
}

// out = f((z - mean) * a + b); factors[c] is a, b and the mean.
inline void norm_forward(const Stage& stage, const float* factors, const float* in, float* out) {
    const Map& to = stage.output;
    with_activation(stage.activation, [&]<Activation A>() {
        for (int c = 0; c < to.channels; c++) {
            const float a = factors[3 * c], b = factors[3 * c + 1], mean = factors[3 * c + 2];
            for (int y = 0; y < to.height; y++) {
                float* row = out + to.at(c, y, 0);
                for (int x = 0; x < to.width; x++, in += L)
                    store(row + x * L, activated<A>((load(in) - mean) * a + b));
            }
        }
    });
}

// gradient *= f'; sums[c]: what it then adds up to, and what it adds up to times z - mean.
inline void norm_chain(const Stage& stage, const float* factors, const float* in, float* gradient,
                       double* sums) {
    const int count = stage.input.height * stage.input.width;
    with_activation(stage.activation, [&]<Activation A>() {
        for (int c = 0; c < stage.input.channels; c++) {
            const float a = factors[3 * c], b = factors[3 * c + 1], mean = factors[3 * c + 2];
            vec total{}, product{};
            for (int i = 0; i < count; i++, in += L, gradient += L) {
                const vec far = load(in) - mean;
                const vec g = load(gradient) * derivative_from_input<A>(far * a + b);
                store(gradient, g);
                total += g;
                product += g * far;
            }
            sums[2 * c] += double(sum(total));
            sums[2 * c + 1] += double(sum(product));
        }
    });
}

// gradient = a * (gradient - q + p * (z - mean)) in the first `live` lanes, zero in the others;
// back[c] is a, p, q and the mean.
inline void norm_backward(const Stage& stage, int live, const float* back, const float* in,
                          float* gradient) {
    const int count = stage.input.height * stage.input.width;
    const vec alive = living(live);
    for (int c = 0; c < stage.input.channels; c++, back += 4) {
        const vec a = alive * back[0];
        const float p = back[1], q = back[2], mean = back[3];
        for (int i = 0; i < count; i++, in += L, gradient += L)
            store(gradient, a * ((load(gradient) - q) + (load(in) - mean) * p));
    }
}

}  // namespace lenet::LENET_ISA
