// What surrounds the layers: images in, loss out, parameters moved.
#pragma once

#include "../simd/vec.h"
#include "../src/kernels.h"

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

// Softmax and cross-entropy: loss = log(sum(exp(s - max))) + max - target . s, its gradient the
// probabilities less the target, both times the sample's weight. Lanes from `live` on get a zero
// gradient. The nearest target is wanted: the loss is minus the label's score, without the rest.
inline int loss(int classes, int live, const Objective& objective, const float* scores,
                const int32_t* labels, const float* weights, double* losses, float* gradient) {
    const float smoothing = objective.label_smoothing, rubbish = objective.rubbish;
    const bool has_rubbish = rubbish > -std::numeric_limits<float>::infinity();
    vec best = load(scores), all{};
    ivec winner{};
    for (int k = 0; k < classes; k++) {
        vec score = load(scores + k * L);
        ivec better = score > best;
        best = better ? score : best;
        winner = better ? ivec{} + k : winner;
        all += score;
    }
    vec total{};
    if (has_rubbish) {
        best = best < rubbish ? broadcast(rubbish) : best;
        total = exp(rubbish - best);
    }
    for (int k = 0; k < classes; k++) {
        vec e = exp(load(scores + k * L) - best);
        store(gradient + k * L, e);
        total += e;
    }
    vec weight{};
    for (int l = 0; l < live; l++) weight[l] = weights[l];
    const float everywhere = smoothing / float(classes), there = 1.0f - smoothing;
    for (int k = 0; k < classes; k++) {
        vec p = load(gradient + k * L) / total - everywhere;
        store(gradient + k * L, weight == 0.0f || objective.nearest ? vec{} : p * weight);
    }
    int correct = 0;
    for (int l = 0; l < live; l++) {
        const int label = labels[l];
        double target = double(scores[label * L + l]);
        if (smoothing > 0)
            target += double(smoothing) * (double(all[l]) / classes - target);
        const double level =
            objective.nearest ? 0.0 : __builtin_log(double(total[l])) + double(best[l]);
        losses[l] = double(weights[l]) * (level - target);
        gradient[label * L + l] -= there * weights[l];
        correct += winner[l] == label;
    }
    return correct;
}

typedef uint32_t uvec __attribute__((vector_size(L * 4), may_alias));

// MurmurHash3's finaliser over the place of each output; the twin is randomness.py.
inline void drop(const Drop& drop, int units, float scale, float* values) {
    uvec rows;
    for (int l = 0; l < L; l++) rows[l] = (drop.row + uint32_t(l)) * dropout_row + drop.key;
    for (int u = 0; u < units; u++, values += L) {
        uvec word = rows + uint32_t(u) * dropout_unit;
        word ^= word >> 16;
        word *= murmur_mix[0];
        word ^= word >> 13;
        word *= murmur_mix[1];
        word ^= word >> 16;
        store(values, word >= drop.threshold ? load(values) * scale : vec{});
    }
}

// PyTorch's SGD, momentum (no dampening), Nesterov and AdamW (decoupled decay), element by element;
// and steps by what the state says of each parameter's own rate (LeCun et al. 1998, appendix C).
// `sums` are the shards' gradients, added up.
template <OptimizerKind K>
inline void update_as(const Update& u, const float* sums, int count, float* __restrict values,
                      float* __restrict state1, float* __restrict state2) {
    const Optimizer& o = u.optimizer;
    for (int i = 0; i < count; i++) {
        float g = sums[i] * u.mean;
        if constexpr (K == OptimizerKind::adamw) {
            state1[i] = o.beta1 * state1[i] + (1.0f - o.beta1) * g;
            state2[i] = o.beta2 * state2[i] + (1.0f - o.beta2) * g * g;
            float root = __builtin_sqrtf(state2[i]) / u.correction2 + o.epsilon;
            values[i] = values[i] * u.decay - u.size * state1[i] / root;
        } else if constexpr (K == OptimizerKind::levenberg_marquardt) {
            values[i] -= u.rate * state1[i] * g;
        } else {
            g += o.weight_decay * values[i];
            if constexpr (K != OptimizerKind::sgd) {
                state1[i] = o.momentum * state1[i] + g;
                g = K == OptimizerKind::nesterov ? g + o.momentum * state1[i] : state1[i];
            }
            values[i] -= u.rate * g;
        }
    }
}

// A stretch of parameters at a time, whose sum stays in the first-level cache. The shards are added in
// their order, so the result does not depend on the threads.
//
// Limit: memory, a read for each shard and a read and a write for each table.
inline void update(const Update& u, int shards, const float* const* gradients, int count,
                   float* values, float* const* states) {
    constexpr int most = 512;
    const int rows = u.optimizer.state_rows();
    const float keep = u.optimizer.ema_decay;
    for (int begin = 0; begin < count; begin += most) {
        const int size = count - begin < most ? count - begin : most;
        alignas(64) float sums[most];
        int whole = 0;
        for (; whole + L <= size; whole += L) {
            vec sum = load_loose(gradients[0] + begin + whole);
            for (int s = 1; s < shards; s++) sum += load_loose(gradients[s] + begin + whole);
            store(sums + whole, sum);
        }
        for (int i = whole; i < size; i++) {
            float sum = gradients[0][begin + i];
            for (int s = 1; s < shards; s++) sum += gradients[s][begin + i];
            sums[i] = sum;
        }
        float* state[3]{};
        for (int r = 0; r < rows; r++) state[r] = states[r] + begin;
        float* here = values + begin;
        using enum OptimizerKind;
        switch (u.optimizer.kind) {
            case sgd: update_as<sgd>(u, sums, size, here, nullptr, nullptr); break;
            case momentum: update_as<momentum>(u, sums, size, here, state[0], nullptr); break;
            case nesterov: update_as<nesterov>(u, sums, size, here, state[0], nullptr); break;
            case adamw: update_as<adamw>(u, sums, size, here, state[0], state[1]); break;
            case levenberg_marquardt:
                update_as<levenberg_marquardt>(u, sums, size, here, state[0], nullptr);
                break;
        }
        if (keep <= 0) continue;
        float* __restrict average = state[rows - 1];
        for (int i = 0; i < size; i++) average[i] = keep * average[i] + (1.0f - keep) * here[i];
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
