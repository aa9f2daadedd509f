// Activations and their derivatives, a vector at a time.
#pragma once

#include "../simd/vec.h"
#include "../src/layout.h"

namespace lenet::LENET_ISA {

// Below -88 a sigmoid ends at 4e-39 where the true one goes on to zero: times a huge x that shows.
inline vec silu_input(vec x) { return x < -88.0f ? broadcast(-88.0f) : x; }

template <Activation A>
inline vec activated(vec x) {
    if constexpr (A == Activation::sigmoid) return sigmoid(x);
    if constexpr (A == Activation::tanh) return tanh(x);
    if constexpr (A == Activation::relu) return x < 0.0f ? vec{} : x;  // a NaN stays one
    if constexpr (A == Activation::leaky_relu) return x < 0.0f ? x * leaky_slope : x;
    if constexpr (A == Activation::silu) return silu_input(x) * sigmoid(x);
    if constexpr (A == Activation::scaled_tanh) return tanh(x * tanh_slope) * tanh_height;
    if constexpr (A == Activation::identity) return x;
}

// silu's derivative, from its input and that one's sigmoid. From 32 on 1 - s is zero but for a
// rounding, which a large x would make large.
inline vec silu_derivative(vec x, vec s) {
    x = x > 32.0f ? broadcast(32.0f) : x;
    return s * (1.0f + x * (1.0f - s));
}

// The derivative from what came out (y), and for silu from what went in (x) too: y / x is the
// sigmoid, without another exponential.
template <Activation A>
inline vec derivative(vec y, vec x) {
    if constexpr (A == Activation::sigmoid) return y * (1.0f - y);
    if constexpr (A == Activation::tanh) return 1.0f - y * y;
    if constexpr (A == Activation::relu) return y > 0.0f ? broadcast(1.0f) : vec{};
    if constexpr (A == Activation::leaky_relu)
        return y > 0.0f ? broadcast(1.0f) : broadcast(leaky_slope);
    if constexpr (A == Activation::silu) {
        x = silu_input(x);
        return silu_derivative(x, x == 0.0f ? broadcast(0.5f) : y / x);
    }
    if constexpr (A == Activation::scaled_tanh)
        return (tanh_height * tanh_height - y * y) * (tanh_slope / tanh_height);
    if constexpr (A == Activation::identity) return broadcast(1.0f);
}

// The derivative from what went in alone.
template <Activation A>
inline vec derivative_from_input(vec x) {
    if constexpr (A == Activation::silu) {
        x = silu_input(x);
        return silu_derivative(x, sigmoid(x));
    }
    return derivative<A>(activated<A>(x), x);
}

// Calls f with the activation as a compile-time constant.
template <typename F>
inline void with_activation(Activation activation, F f) {
    switch (activation) {
        case Activation::identity: return f.template operator()<Activation::identity>();
        case Activation::sigmoid: return f.template operator()<Activation::sigmoid>();
        case Activation::tanh: return f.template operator()<Activation::tanh>();
        case Activation::relu: return f.template operator()<Activation::relu>();
        case Activation::leaky_relu: return f.template operator()<Activation::leaky_relu>();
        case Activation::silu: return f.template operator()<Activation::silu>();
        case Activation::scaled_tanh: return f.template operator()<Activation::scaled_tanh>();
    }
}

// values (count vectors) in place; kept, if not null, receives what came in.
inline void activate(Activation activation, int count, float* values, float* kept) {
    if (kept)
        for (int i = 0; i < count; i++) store(kept + i * L, load(values + i * L));
    if (activation == Activation::identity) return;
    with_activation(activation, [&]<Activation A>() {
        for (int i = 0; i < count; i++) store(values + i * L, activated<A>(load(values + i * L)));
    });
}

// out = gradient * f'(.) over count vectors; returns the sum of out. kept may be null.
inline vec chain(Activation activation, int count, const float* gradient, const float* values,
                 const float* kept, float* out) {
    vec total{};
    with_activation(activation, [&]<Activation A>() {
        for (int i = 0; i < count; i++) {
            vec x = kept ? load(kept + i * L) : vec{};
            vec g = load(gradient + i * L) * derivative<A>(load(values + i * L), x);
            store(out + i * L, g);
            total += g;
        }
    });
    return total;
}

}  // namespace lenet::LENET_ISA
