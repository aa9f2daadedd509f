// The backward pass of one image alone: the same maps, and beside each of them its gradient at the same
// place. A convolution's linear gradient ("flow") lies between zeros, one long row a channel, so
// that the weights' and the input's gradient are sums over whole vectors:
//
//     weights[o][t] = sum over i   flow[o][i] * in[tap t + i]
//     input[c][i]   = sum over o,k weight[o][c][k] * flow[o][i - tap k]
//
// A dense layer's weight gradient is an outer product. It is never written down: the update makes
// each row of it anew from its two factors, and what is read and written is the weights alone.
//
// Limits: O * K multiply-adds for each vector of a flow, C * O * k for each of an input; a dense
// layer reads its weights once here and reads and writes them once in the update.
#pragma once

#include "single.h"
#include "weights.h"

namespace lenet::LENET_ISA {

// As `chain`, for rows that lie anywhere; behind `count` zeros are written up to a whole vector.
inline vec single_chain(Activation activation, int count, const float* gradient,
                        const float* values, const float* kept, float* out) {
    vec total{};
    with_activation(activation, [&]<Activation A>() {
        for (int x = 0; x < count; x += L) {
            const vec before = kept ? load_loose(kept + x) : vec{};
            vec g = load_loose(gradient + x) * derivative<A>(load_loose(values + x), before);
            if (x + L > count) g = first_lanes(g, count - x);
            store_loose(out + x, g);
            total += g;
        }
    });
    return total;
}

// Where the largest of a window's values lies, the first of equals, by the place of the map's first
// value in `values`.
inline int64_t single_winner(const float* values, int64_t pitch, int top, int left, Span ys, Span xs) {
    int64_t winner = int64_t(top + ys.begin) * pitch + left + xs.begin;
    for (int y = top + ys.begin; y < top + ys.end; y++)
        for (int x = left + xs.begin; x < left + xs.end; x++) {
            const float value = values[y * pitch + x];
            if (value > values[winner] || value != value) winner = y * pitch + x;
        }
    return winner;
}

// Adds one pooled row's gradient to where its maxima lay in the linear map.
inline void single_unpool_row(const Stage& stage, const float* map, int p, const float* gradient,
                              float* flow) {
    const Window& w = stage.pool;
    const int pitch = stage.single.pitch, below = stage.single.below;
    const int top = p * w.stride_y - w.top;
    const Span ys = inside(top, w.height, stage.linear.height);
    for (int q = 0; q < stage.output.width; q++) {
        const int left = q * w.stride_x - w.left;
        const Span xs = inside(left, w.width, stage.linear.width);
        const int64_t winner = single_winner(map, pitch, top, left, ys, xs);
        flow[pitch == below ? winner : winner / pitch * below + winner % pitch] += gradient[q];
    }
}

// The linear map's gradient; the biases' go to the gradient's rows.
inline void single_flow(const Stage& stage, const float* memory, float* gradients, float* flows,
                        float* gradient) {
    const Single& one = stage.single;
    const Flat& from = one.output;
    const Map& to = stage.output;
    const int64_t channel = int64_t(one.rows) * one.wide * L;
    for (int c = 0; c < to.channels; c++) {
        float* flow = flows + one.flow + c * one.flow_channel;
        if (stage.pooled)
            for (int i = 0; i < one.flow_size; i += L) store(flow + i, vec{});
        vec total{};
        for (int y = 0; y < to.height; y++) {
            const int64_t at =
                from.at + (int64_t(c) * from.rows + from.top + y) * from.pitch + from.left;
            const float* kept =
                stage.keeps_input ? memory + one.kept + c * channel + y * one.pitch : nullptr;
            float* row = stage.pooled ? gradients + one.row : flow + int64_t(y) * one.below;
            total += single_chain(stage.activation, to.width, gradients + at, memory + at, kept, row);
            if (stage.pooled)
                single_unpool_row(stage, memory + one.linear + c * channel, y, row, flow);
        }
        gradient[int64_t(c) * stage.gradient_row + stage.inputs] = sum(total);
    }
}

// C outputs x T taps of the weights' gradient.
template <int C, int T>
[[gnu::noinline]] void single_weight_tile(const Stage& stage, const float* flow, const float* in,
                                          int first, float* gradient) {
    const float* x[T];
#pragma GCC unroll 8
    for (int t = 0; t < T; t++) x[t] = in + stage.single.taps[first + t];
    const int64_t channel = stage.single.flow_channel;
    const int size = stage.single.flow_size;
    vec total[C][T]{};
    for (int i = 0; i < size; i += L)
        multiply_add<C, T>(total, [&](int c) { return load(flow + c * channel + i); },
                           [&](int t) { return load_loose(x[t] + i); });
    gradient += first;
#pragma GCC unroll 8
    for (int from = 0; from < C * T; from += L) {
        const vec sums = lane_sums<C, T>(total, from);
#pragma GCC unroll 16
        for (int i = 0; i < L; i++)
            if (from + i < C * T)
                gradient[int64_t((from + i) / T) * stage.gradient_row + (from + i) % T] = sums[i];
    }
}

template <int C, int T = tile_positions(C, accumulators)>
inline void single_weight_tile_of(int size, const Stage& stage, const float* flow, const float* in,
                                  int first, float* gradient) {
    if constexpr (T > 1) {
        if (size < T)
            return single_weight_tile_of<C, T - 1>(size, stage, flow, in, first, gradient);
    }
    single_weight_tile<C, T>(stage, flow, in, first, gradient);
}

// C inputs' gradient at P vectors, that begin at at[p].
template <int C, int P>
[[gnu::noinline]] void single_back_tile(const Stage& stage, const float* weights,
                                        const float* flow, const int* at, float* out) {
    const Single& one = stage.single;
    const int height = stage.window.height, width = stage.window.width, area = height * width;
    const int64_t channel = one.input.channel();
    const float* x[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; p++) x[p] = flow + at[p];
    vec sums[C][P]{};
    for (int o = 0; o < stage.group_outputs(); o++) {
        const float* w = weights + int64_t(o) * stage.inputs;
        for (int y = 0; y < height; y++)
            for (int k = 0; k < width; k++, w++) {
                const int64_t back = o * one.flow_channel - y * one.below - k;
                multiply_add<C, P>(sums, [&](int c) { return broadcast(w[c * area]); },
                                   [&](int p) { return load_loose(x[p] + back); });
            }
    }
#pragma GCC unroll 8
    for (int c = 0; c < C; c++)
#pragma GCC unroll 8
        for (int p = 0; p < P; p++) {
            float* to = out + c * channel + at[p];
            if (channel >= L) store_loose(to, sums[c][p]);
            else
                for (int i = 0; i < channel; i++) to[i] = sums[c][p][i];
        }
}

template <int C, int P>
inline void single_back_tile_of(int size, const Stage& stage, const float* weights,
                                const float* flow, const int* at, float* out) {
    if constexpr (P > 1) {
        if (size < P) return single_back_tile_of<C, P - 1>(size, stage, weights, flow, at, out);
    }
    single_back_tile<C, P>(stage, weights, flow, at, out);
}

// C inputs at all positions; the last vector ends with the map, and may overlap the one before.
template <int C>
inline void single_back_channels(const Stage& stage, const float* weights, const float* flow,
                                 float* out) {
    constexpr int most = tile_positions(C, accumulators);
    const int size = stage.single.input.rows * stage.single.input.pitch;
    const Split tiles{vectors(size), (vectors(size) + most - 1) / most};
    for (int t = 0; t < tiles.count; t++) {
        int at[most];
        for (int p = 0; p < tiles.size(t); p++) {
            at[p] = (tiles.begin(t) + p) * L;
            if (at[p] + L > size) at[p] = size > L ? size - L : 0;
        }
        single_back_tile_of<C, most>(tiles.size(t), stage, weights, flow, at, out);
    }
}

inline void single_conv_backward(const Stage& stage, const float* table, const float* memory,
                                 float* gradients, float* flows, float* gradient) {
    const Single& one = stage.single;
    single_flow(stage, memory, gradients, flows, gradient);
    for (int b = 0; b < stage.gradient_blocks.count; b++) {
        const int first = stage.gradient_blocks.begin(b);
        const float* flow = flows + one.flow + first * one.flow_channel;
        const float* in = memory + one.input.at + stage.first_input(first) * one.input.channel();
        with_channels(stage.gradient_blocks.size(b), [&]<int C>() {
            const Split parts = tap_parts(C, stage.inputs, accumulators);
            for (int part = 0; part < parts.count; part++)
                single_weight_tile_of<C>(parts.size(part), stage, flow, in, parts.begin(part),
                                         gradient + int64_t(first) * stage.gradient_row);
        });
    }
    if (stage.first) return;
    for (int b = 0; b < stage.input_blocks.count; b++) {
        const int first = stage.input_blocks.begin(b), output = stage.first_output(first);
        const int area = stage.window.height * stage.window.width;
        const float* weights = table + stage.weights + int64_t(output) * stage.inputs +
                               int64_t(first - stage.first_input(output)) * area;
        const float* flow = flows + one.flow + output * one.flow_channel;
        float* out = gradients + one.input.at + first * one.input.channel();
        with_channels(stage.input_blocks.size(b), [&]<int C>() {
            single_back_channels<C>(stage, weights, flow, out);
        });
    }
}

// Plain 2x2 windows that cover the whole map: a value goes to two of each of two rows. Rows come in
// order: what reaches over the end of one is written by the next.
inline void single_mean_back_2x2(const Stage& stage, float* gradients) {
    const Map& to = stage.output;
    const Flat &in = stage.single.input, &out = stage.single.output;
    const float share = 1.0f / stage.divisor;
    ivec lower, upper;
    for (int l = 0; l < L; l++) lower[l] = l / 2, upper[l] = L / 2 + l / 2;
    float* row = gradients + in.at;
    for (int c = 0; c < to.channels; c++)
        for (int p = 0; p < to.height; p++)
            for (int twice = 0; twice < 2; twice++, row += in.pitch) {
                const float* from =
                    gradients + out.at + (int64_t(c) * out.rows + out.top + p) * out.pitch + out.left;
                for (int q = 0; q < to.width; q += L) {
                    const vec g = load_loose(from + q) * share;
                    store_loose(row + 2 * q, shuffle(g, g, lower));
                    store_loose(row + 2 * q + L, shuffle(g, g, upper));
                }
            }
}

inline void single_pool_backward(const Stage& stage, const float* memory, float* gradients) {
    if (stage.kind == Kind::avgpool && covered(stage, stage.input.height, stage.input.width))
        return single_mean_back_2x2(stage, gradients);
    const Window& w = stage.window;
    const Map &from = stage.input, &to = stage.output;
    const Flat &in = stage.single.input, &out = stage.single.output;
    const float share = 1.0f / stage.divisor;
    for (int64_t i = 0; i < int64_t(from.channels) * from.height * from.width; i++)
        gradients[in.at + i] = 0;
    for (int c = 0; c < to.channels; c++)
        for (int p = 0; p < to.height; p++)
            for (int q = 0; q < to.width; q++) {
                const int top = p * w.stride_y - w.top, left = q * w.stride_x - w.left;
                const Span ys = inside(top, w.height, from.height);
                const Span xs = inside(left, w.width, from.width);
                const int64_t map = in.at + int64_t(c) * from.height * from.width;
                const int64_t row = (int64_t(c) * out.rows + out.top + p) * out.pitch;
                const float g = gradients[out.at + row + out.left + q];
                if (stage.kind == Kind::maxpool) {
                    gradients[map + single_winner(memory + map, from.width, top, left, ys, xs)] += g;
                    continue;
                }
                for (int y = top + ys.begin; y < top + ys.end; y++)
                    for (int x = left + xs.begin; x < left + xs.end; x++)
                        gradients[map + int64_t(y) * from.width + x] += g * share;
            }
}

// P vectors of the input's gradient: rows of weights, times what each output's gradient is.
template <int P>
inline void single_dense_back(const float* weights, int inputs, int outputs, const float* g, float* out) {
    vec sums[P]{};
    for (int o = 0; o < outputs; o++, weights += inputs) {
        const vec each = broadcast(g[o]);
#pragma GCC unroll 16
        for (int p = 0; p < P; p++) sums[p] += load_loose(weights + p * L) * each;
    }
#pragma GCC unroll 16
    for (int p = 0; p < P; p++) store_loose(out + p * L, sums[p]);
}

// The two factors of the weights' gradient, what went in and what comes back, and the input's.
inline void single_dense_backward(const Stage& stage, const float* table, const float* memory,
                                  float* gradients, float* gradient) {
    const int inputs = stage.inputs, outputs = stage.output.channels;
    const float* kept = stage.keeps_input ? memory + stage.single.kept : nullptr;
    float* g = gradients + stage.single.output.at;
    single_chain(stage.activation, outputs, g, memory + stage.single.output.at, kept, g);
    const float* in = memory + stage.single.input.at;
    for (int i = 0; i < inputs; i++) gradient[i] = in[i];
    for (int o = 0; o < outputs; o++) gradient[inputs + o] = g[o];
    if (stage.first) return;
    const float* weights = table + stage.weights;
    float* out = gradients + stage.single.input.at;
    int i = 0;
    for (; i + 16 * L <= inputs; i += 16 * L)
        single_dense_back<16>(weights + i, inputs, outputs, g, out + i);
    for (; i + 4 * L <= inputs; i += 4 * L)
        single_dense_back<4>(weights + i, inputs, outputs, g, out + i);
    for (; i + L <= inputs; i += L) single_dense_back<1>(weights + i, inputs, outputs, g, out + i);
    for (; i < inputs; i++) {
        out[i] = 0;
        for (int o = 0; o < outputs; o++) out[i] += weights[int64_t(o) * inputs + i] * g[o];
    }
}

inline float single_row(const Stage& stage, int shards, const float* const* factors, int output,
                        float* row) {
    const int inputs = stage.inputs;
    float bias = 0;
    for (int s = 0; s < shards; s++) {
        const float* in = factors[s];
        const float g = in[inputs + output];
        bias += g;
        for (int i = 0; i < inputs; i++) row[i] = s ? row[i] + g * in[i] : g * in[i];
    }
    return bias;
}

inline void single_backward(const Stage* stages, int count, const float* table,
                            const float* memory, float* gradients, float* flows, float* gradient) {
    for (int s = count; s-- > 0;) {
        const Stage& stage = stages[s];
        float* to = gradient + stage.gradient;
        switch (stage.kind) {
            case Kind::conv:
                single_conv_backward(stage, table, memory, gradients, flows, to);
                break;
            case Kind::maxpool:
            case Kind::avgpool:
                if (!stage.first) single_pool_backward(stage, memory, gradients);
                break;
            case Kind::dense:
                single_dense_backward(stage, table, memory, gradients, to);
                break;
            case Kind::rbf:
                if (!stage.first)
                    single_rbf_backward(stage, table + stage.weights,
                                        memory + stage.single.input.at,
                                        gradients + stage.single.output.at,
                                        gradients + stage.single.input.at);
                break;
            case Kind::norm: break;  // see single
        }
    }
}

}  // namespace lenet::LENET_ISA
