// Radial basis functions: how near the input is to each target, minus the squared distance. The
// targets never change, so that only the input has a gradient.
//
// Limit: a subtraction and a multiply-add for each input and target, once a sample.
#pragma once

#include "../simd/vec.h"
#include "../src/layout.h"

namespace lenet::LENET_ISA {

// in: [input][lane], a sample a lane; targets: (O, I).
inline void rbf_forward(const Stage& stage, const float* targets, const float* in, float* out) {
    const int inputs = stage.inputs;
    for (int o = 0; o < stage.output.channels; o++, targets += inputs) {
        vec total{};
        for (int i = 0; i < inputs; i++) {
            const vec apart = load(in + i * L) - targets[i];
            total -= apart * apart;
        }
        store(out + o * L, total);
    }
}

inline void rbf_backward(const Stage& stage, const float* targets, const float* in,
                         const float* out_gradient, float* in_gradient) {
    const int inputs = stage.inputs;
    for (int i = 0; i < inputs; i++) {
        const vec x = load(in + i * L);
        vec total{};
        for (int o = 0; o < stage.output.channels; o++)
            total += load(out_gradient + o * L) * (targets[int64_t(o) * inputs + i] - x);
        store(in_gradient + i * L, total + total);
    }
}

// The same for one image alone, [input]: whole vectors of inputs, then what is left.
inline void single_rbf(const Stage& stage, const float* targets, const float* in, float* out) {
    const int inputs = stage.inputs;
    for (int o = 0; o < stage.output.channels; o++, targets += inputs) {
        vec parts{};
        int i = 0;
        for (; i + L <= inputs; i += L) {
            const vec apart = load_loose(in + i) - load_loose(targets + i);
            parts -= apart * apart;
        }
        float total = sum(parts);
        for (; i < inputs; i++) total -= (in[i] - targets[i]) * (in[i] - targets[i]);
        out[o] = total;
    }
}

inline void single_rbf_backward(const Stage& stage, const float* targets, const float* in,
                                const float* out_gradient, float* in_gradient) {
    const int inputs = stage.inputs, outputs = stage.output.channels;
    int i = 0;
    for (; i + L <= inputs; i += L) {
        const vec x = load_loose(in + i);
        vec total{};
        for (int o = 0; o < outputs; o++)
            total += out_gradient[o] * (load_loose(targets + int64_t(o) * inputs + i) - x);
        store_loose(in_gradient + i, total + total);
    }
    for (; i < inputs; i++) {
        float total = 0;
        for (int o = 0; o < outputs; o++)
            total += out_gradient[o] * (targets[int64_t(o) * inputs + i] - in[i]);
        in_gradient[i] = total + total;
    }
}

}  // namespace lenet::LENET_ISA
