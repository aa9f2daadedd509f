// Pooling. The window is clipped at the map's edge: padding is never the largest value, and counts
// as zero in a mean. A maximum's position inside its window, row by row, is kept for the backward pass
// as a byte (windows of up to 256 values) or two.
//
// Limit: a load and a comparison a window value, a few percent of the convolution before it.
#pragma once

#include "../simd/vec.h"
#include "../src/layout.h"

namespace lenet::LENET_ISA {

struct Span {
    int begin, end;  // kernel rows or columns that lie inside the map
};

inline Span inside(int origin, int kernel, int size) {
    return {origin < 0 ? -origin : 0, origin + kernel > size ? size - origin : kernel};
}

// A NaN wins and stays: divergence must not go unseen.
inline ivec larger(vec value, vec best) { return (value > best) | (value != value); }

// Positions are kept side by side in a lane's word, Bits (8 or 16) each: no lane meets another, on
// the way in or out. `code` of position q of a row comes from, or goes to, its word.
template <int Bits>
struct Codes {
    static constexpr int in_word = 32 / Bits;

    // Calls code(q) for all positions and keeps what it returns; words may be null.
    template <typename F>
    [[gnu::always_inline]] static void keep(int count, int32_t* words, F code) {
        int q = 0;
        for (; q + in_word <= count; q += in_word) {
            ivec word{};
#pragma GCC unroll 4
            for (int k = 0; k < in_word; k++) word |= code(q + k) << (Bits * k);
            if (words) store_word(words + q / in_word * L, word);
        }
        if (q == count) return;
        ivec word{};
        for (int k = 0; q + k < count; k++) word |= code(q + k) << (Bits * k);
        if (words) store_word(words + q / in_word * L, word);
    }

    // Calls use(q, code) for all positions.
    template <typename F>
    [[gnu::always_inline]] static void use(int count, const int32_t* words, F use) {
        int q = 0;
        for (; q + in_word <= count; q += in_word) {
            const ivec word = load_word(words + q / in_word * L);
#pragma GCC unroll 4
            for (int k = 0; k < in_word; k++) use(q + k, code(word, k));
        }
        for (int k = 0; q + k < count; k++)
            use(q + k, code(load_word(words + q / in_word * L), k));
    }

private:
    static ivec load_word(const int32_t* p) { return *reinterpret_cast<const ivec*>(p); }
    static void store_word(int32_t* p, ivec word) { *reinterpret_cast<ivec*>(p) = word; }
    static ivec code(ivec word, int k) { return (word >> (Bits * k)) & ((1 << Bits) - 1); }
};

// One row of one channel: in points at the map's row `origin` (may be outside), column 0.
template <int Bits>
inline void max_pool_row(const Window& window, const float* in, int64_t pitch, int height,
                         int width, int origin, int count, float* out, int32_t* codes) {
    Span ys = inside(origin, window.height, height);
    Codes<Bits>::keep(count, codes, [&](int q) {
        int x0 = q * window.stride_x - window.left;
        Span xs = inside(x0, window.width, width);
        const float* at = in + ys.begin * pitch + int64_t(x0) * L;
        vec best = load(at + xs.begin * L);
        ivec code = ivec{} + (ys.begin * window.width + xs.begin);
        for (int y = ys.begin; y < ys.end; y++, at += pitch)
            for (int x = xs.begin; x < xs.end; x++) {
                vec value = load(at + x * L);
                ivec better = larger(value, best);
                best = better ? value : best;
                code = better ? ivec{} + (y * window.width + x) : code;
            }
        store(out + q * L, best);
        return code;
    });
}

// The largest of a window's four values, row by row, and its position.
inline ivec max_of_2x2(vec a, vec b, vec c, vec d, float* out) {
    ivec right = larger(b, a), low_right = larger(d, c);
    vec top = right ? b : a, bottom = low_right ? d : c;
    ivec low = larger(bottom, top);
    store(out, low ? bottom : top);
    return low ? 2 - low_right : -right;
}

// The commonest window, 2x2 in steps of 2 and never clipped, without loops or spans.
inline void max_pool_row_2x2(const float* in, int64_t pitch, int count, float* out,
                             int32_t* codes) {
    Codes<8>::keep(count, codes, [&](int q) {
        const float* at = in + q * 2 * L;
        return max_of_2x2(load(at), load(at + L), load(at + pitch), load(at + pitch + L),
                          out + q * L);
    });
}

// Adds the gradient of one pooled row to where its maxima lay.
template <int Bits>
inline void max_unpool_row(const Window& window, float* out, int64_t pitch, int height,
                           int width, int origin, int count, const float* gradient,
                           const int32_t* codes) {
    Span ys = inside(origin, window.height, height);
    Codes<Bits>::use(count, codes, [&](int q, ivec code) {
        int x0 = q * window.stride_x - window.left;
        Span xs = inside(x0, window.width, width);
        vec g = load(gradient + q * L);
        for (int y = ys.begin; y < ys.end; y++)
            for (int x = xs.begin; x < xs.end; x++) {
                float* at = out + y * pitch + int64_t(x0 + x) * L;
                store(at, load(at) + (code == y * window.width + x ? g : vec{}));
            }
    });
}

// The same for plain 2x2 windows: every position is written once, nothing need be zero before.
inline void max_unpool_row_2x2(float* out, int64_t pitch, int count, const float* gradient,
                               const int32_t* codes) {
    Codes<8>::use(count, codes, [&](int q, ivec code) {
        float* at = out + q * 2 * L;
        vec g = load(gradient + q * L);
        store(at, code == 0 ? g : vec{});
        store(at + L, code == 1 ? g : vec{});
        store(at + pitch, code == 2 ? g : vec{});
        store(at + pitch + L, code == 3 ? g : vec{});
    });
}

// A row of maxima by the stage's window, from row `origin` of one channel's map.
inline void max_row(const Stage& stage, const Window& window, const Map& from, const float* in,
                    int origin, int count, float* out, int32_t* codes) {
    if (stage.plain_pool) return max_pool_row_2x2(in, from.row(), count, out, codes);
    const auto general = stage.wide_positions ? max_pool_row<16> : max_pool_row<8>;
    general(window, in, from.row(), from.height, from.width, origin, count, out, codes);
}

// Its backward pass, into one channel's gradient.
inline void max_row_back(const Stage& stage, const Window& window, int64_t pitch, int height,
                         int width, int origin, int count, const float* gradient,
                         const int32_t* codes, float* out) {
    if (stage.plain_pool) return max_unpool_row_2x2(out, pitch, count, gradient, codes);
    const auto general = stage.wide_positions ? max_unpool_row<16> : max_unpool_row<8>;
    general(window, out, pitch, height, width, origin, count, gradient, codes);
}

// Does every position of a map lie in one of the plain 2x2 windows over it?
inline bool covered(const Stage& stage, int height, int width) {
    return stage.plain_pool && stage.output.height * 2 == height && stage.output.width * 2 == width;
}

inline void pool_forward(const Stage& stage, const float* in, float* out, int32_t* positions) {
    const Window& w = stage.window;
    const Map &from = stage.input, &to = stage.output;
    const float share = 1.0f / stage.divisor;
    int32_t* codes = positions;
    for (int c = 0; c < to.channels; c++)
        for (int p = 0; p < to.height; p++) {
            int origin = p * w.stride_y - w.top;
            const float* row = in + from.at(c, 0, 0) + origin * from.row();
            float* sums = out + to.at(c, p, 0);
            if (stage.kind == Kind::maxpool) {
                max_row(stage, w, from, row, origin, to.width, sums, codes);
                if (codes) codes += stage.position_row;
                continue;
            }
            Span ys = inside(origin, w.height, from.height);
            for (int q = 0; q < to.width; q++) {
                int x0 = q * w.stride_x - w.left;
                Span xs = inside(x0, w.width, from.width);
                vec total{};
                for (int y = ys.begin; y < ys.end; y++)
                    for (int x = xs.begin; x < xs.end; x++)
                        total += load(row + y * from.row() + int64_t(x0 + x) * L);
                store(sums + q * L, total * share);
            }
        }
}

// in_gradient has the input's size without border, and is written whole.
inline void pool_backward(const Stage& stage, const float* out_gradient,
                          const int32_t* positions, float* in_gradient) {
    const Window& w = stage.window;
    const int height = stage.input.height, width = stage.input.width;
    const int64_t pitch = int64_t(width) * L;
    const float share = 1.0f / stage.divisor;
    const bool once = covered(stage, height, width);  // each position is written once
    if (!once)
        for (int64_t i = 0; i < stage.input.channels * height * pitch; i += L)
            store(in_gradient + i, vec{});
    int64_t at = 0;
    for (int c = 0; c < stage.output.channels; c++)
        for (int p = 0; p < stage.output.height; p++, at += int64_t(stage.output.width) * L) {
            int origin = p * w.stride_y - w.top;
            float* row = in_gradient + (int64_t(c) * height + origin) * pitch;
            if (stage.kind == Kind::maxpool) {
                max_row_back(stage, w, pitch, height, width, origin, stage.output.width,
                             out_gradient + at, positions, row);
                positions += stage.position_row;
                continue;
            }
            Span ys = inside(origin, w.height, height);
            for (int q = 0; q < stage.output.width; q++) {
                int x0 = q * w.stride_x - w.left;
                Span xs = inside(x0, w.width, width);
                vec g = load(out_gradient + at + q * L) * share;
                for (int y = ys.begin; y < ys.end; y++)
                    for (int x = xs.begin; x < xs.end; x++) {
                        float* to = row + y * pitch + int64_t(x0 + x) * L;
                        store(to, once ? g : load(to) + g);
                    }
            }
        }
}

}  // namespace lenet::LENET_ISA
