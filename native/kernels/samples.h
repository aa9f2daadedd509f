// What surrounds the layers: images in, loss out, parameters moved.
#pragma once

#include "../simd/vec.h"
#include "../src/layout.h"

namespace lenet::LENET_ISA {

// A row of pixels of L images, four at a time: a lane's word has those of its image. Pixel x has
// scale[x * step].
inline void load_row(const uint8_t* const* samples, int64_t at, int width, const float* scale,
                     const float* shift, int step, float* out) {
    typedef int32_t word __attribute__((may_alias, aligned(1)));
    const auto keep = [&](int x, ivec pixel) {
        store(out + x * L, __builtin_convertvector(pixel, vec) * scale[x * step] + shift[x * step]);
    };
    int x = 0;
    for (; x + 4 <= width; x += 4) {
        ivec words;
#pragma GCC unroll 16
        for (int l = 0; l < L; l++) words[l] = *reinterpret_cast<const word*>(samples[l] + at + x);
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) keep(x + i, (words >> (8 * i)) & 255);
    }
    for (; x < width; x++) {
        ivec pixel;
        for (int l = 0; l < L; l++) pixel[l] = samples[l][at + x];
        keep(x, pixel);
    }
}

// Bytes of L images become one group's map: byte * scale + shift, in the load.
inline void load_images(const Map& map, const uint8_t* const* samples, const float* scale,
                        const float* shift, float* out) {
    if (map.rows * map.pitch == 1)  // a dense layer's: every pixel is a channel
        return load_row(samples, 0, map.channels, scale, shift, 1, out);
    int64_t at = 0;
    for (int c = 0; c < map.channels; c++)
        for (int y = 0; y < map.height; y++, at += map.width)
            load_row(samples, at, map.width, scale + c, shift + c, 0, out + map.at(c, y, 0));
}

// Softmax and cross-entropy: loss = log(sum(exp(s - max))) + max - s[label], its gradient the
// probabilities less the one-hot label. Lanes from `live` on get a zero gradient.
inline int loss(int classes, int live, const float* scores, const int32_t* labels, double* losses,
                float* gradient) {
    vec best = load(scores);
    ivec winner{};
    for (int k = 1; k < classes; k++) {
        vec score = load(scores + k * L);
        ivec better = score > best;
        best = better ? score : best;
        winner = better ? ivec{} + k : winner;
    }
    vec total{};
    for (int k = 0; k < classes; k++) {
        vec e = exp(load(scores + k * L) - best);
        store(gradient + k * L, e);
        total += e;
    }
    vec alive{};
    for (int l = 0; l < live; l++) alive[l] = 1.0f;
    for (int k = 0; k < classes; k++) {
        vec p = load(gradient + k * L) / total * alive;
        store(gradient + k * L, p);
    }
    int correct = 0;
    for (int l = 0; l < live; l++) {
        const int label = labels[l];
        losses[l] = __builtin_log(double(total[l])) + double(best[l]) - double(scores[label * L + l]);
        gradient[label * L + l] -= 1.0f;
        correct += winner[l] == label;
    }
    return correct;
}

// PyTorch's SGD, momentum (no dampening) and AdamW (decoupled decay), element by element; the
// shards' gradients are added in their order, so the result does not depend on the threads.
template <Rule R>
inline void update_as(const Optimizer& o, float rate, int64_t step, float mean, int shards,
                      const float* const* gradients, int count, float* __restrict values,
                      float* __restrict state1, float* __restrict state2) {
    const float correction1 = float(1.0 - __builtin_pow(double(o.beta1), double(step)));
    const float correction2 = float(__builtin_sqrt(1.0 - __builtin_pow(double(o.beta2), double(step))));
    const float decay = 1.0f - rate * o.weight_decay, size = rate / correction1;
    for (int i = 0; i < count; i++) {
        float g = gradients[0][i];
        for (int s = 1; s < shards; s++) g += gradients[s][i];
        g *= mean;
        if constexpr (R == Rule::adamw) {
            state1[i] = o.beta1 * state1[i] + (1.0f - o.beta1) * g;
            state2[i] = o.beta2 * state2[i] + (1.0f - o.beta2) * g * g;
            float root = __builtin_sqrtf(state2[i]) / correction2 + o.epsilon;
            values[i] = values[i] * decay - size * state1[i] / root;
        } else {
            g += o.weight_decay * values[i];
            if constexpr (R == Rule::momentum) g = state1[i] = o.momentum * state1[i] + g;
            values[i] -= rate * g;
        }
    }
}

inline void update(const Optimizer& o, float rate, int64_t step, float mean, int shards,
                   const float* const* gradients, int count, float* values, float* state1,
                   float* state2) {
    auto as = [&]<Rule R>() {
        update_as<R>(o, rate, step, mean, shards, gradients, count, values, state1, state2);
    };
    switch (o.rule) {
        case Rule::sgd: return as.template operator()<Rule::sgd>();
        case Rule::momentum: return as.template operator()<Rule::momentum>();
        case Rule::adamw: return as.template operator()<Rule::adamw>();
    }
}

// Twelve (twenty-four) independent chains of multiply-adds: nothing but the units is in the way.
inline double spin(int64_t rounds, float* sink) {
    vec sums[accumulators];
    vec a = broadcast(sink[0]), b = broadcast(sink[1]);
    for (int i = 0; i < accumulators; i++) sums[i] = broadcast(float(i));
    for (int64_t r = 0; r < rounds; r++)
#pragma GCC unroll 32
        for (int i = 0; i < accumulators; i++) sums[i] = sums[i] * a + b;
    vec total{};
    for (int i = 0; i < accumulators; i++) total += sums[i];
    sink[2] = sum(total);
    return double(rounds) * accumulators * L;
}

}  // namespace lenet::LENET_ISA
