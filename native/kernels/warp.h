// One image distorted. Plain loops over rows of whole numbers: the compiler makes vectors of them.
#pragma once

#include <string.h>

#include "../src/random.h"
#include "../simd/vec.h"
#include "../src/warp.h"

namespace lenet::LENET_ISA {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "bytes of a word are taken apart in order");

inline int32_t clamp(int32_t x, int32_t low, int32_t high) {
    x = x < low ? low : x;
    return x > high ? high : x;
}

// Sums in 16.16 go through unsigned numbers: whatever is asked for, they wrap around, defined.
inline int32_t product(int32_t a, int32_t b) { return int32_t(uint32_t(a) * uint32_t(b)); }
inline int32_t sum(int32_t a, int32_t b) { return int32_t(uint32_t(a) + uint32_t(b)); }

// Whole pixels and a mirror need no interpolation.
inline bool is_copy(const Warp& w, const int32_t* a) {
    return !w.nodes && (a[0] == 65536 || a[0] == -65536) && a[1] == 0 && a[3] == 0 &&
           a[4] == 65536 && !(a[2] & 65535) && !(a[5] & 65535);
}

inline void copy(const Warp& w, const int32_t* a, const uint8_t* in, uint8_t* out) {
    const int H = w.height, W = w.width, dx = a[2] >> 16, dy = a[5] >> 16;
    const bool mirrored = a[0] < 0;
    // Columns whose source, x + dx or dx - x, lies inside; rows likewise.
    const int first = clamp(mirrored ? dx - W + 1 : -dx, 0, W);
    const int last = clamp(mirrored ? dx + 1 : W - dx, first, W);
    const int top = clamp(-dy, 0, H), bottom = first < last ? clamp(H - dy, top, H) : top;
    for (int c = 0; c < w.channels; c++, in += H * W, out += H * W) {
        memset(out, w.fill[c], size_t(H) * size_t(W));
        for (int y = top; y < bottom; y++) {
            const uint8_t* from = in + (y + dy) * W;
            uint8_t* to = out + y * W;
            if (!mirrored) memcpy(to + first, from + first + dx, size_t(last - first));
            else for (int x = first; x < last; x++) to[x] = from[dx - x];
        }
    }
}

// Rows are worked on in whole vectors: what lies behind a row's end is written and not used.
inline int whole_vectors(int width) { return (width + warp_slack - 1) & -warp_slack; }

// Every pixel with the one below it, and a border of `fill` around.
inline void make_pairs(const uint8_t* image, int H, int W, uint8_t fill, const WarpScratch& s,
                       uint16_t* pairs) {
    const int wide = whole_vectors(W);
    memcpy(s.image, image, size_t(H) * size_t(W));
    memset(s.blank, fill, size_t(W));
    const uint16_t outside = uint16_t(fill * 257);
    for (int y = -1; y <= H; y++, pairs += W + 3) {
        const uint8_t* upper = y >= 0 && y < H ? s.image + y * W : s.blank;
        const uint8_t* lower = y + 1 < H ? s.image + (y + 1) * W : s.blank;
        uint16_t* __restrict inside = pairs + 1;
        for (int x = 0; x < wide; x++) inside[x] = uint16_t(upper[x] | lower[x] << 8);
        pairs[0] = pairs[W + 1] = pairs[W + 2] = outside;
    }
}

// Nodes to displacements (2, 7, wide): the sums over the columns of nodes, in 2^-16 pixels.
inline void make_bends(const Warp& w, const uint8_t* nodes, const WarpScratch& s) {
    constexpr int G = warp_nodes;
    const int wide = whole_vectors(w.width);
    int32_t* __restrict bends = s.bends;
    for (int row = 0; row < 2 * G; row++, nodes += G, bends += wide) {
        int32_t node[G];
        for (int g = 0; g < G; g++) node[g] = ((2 * nodes[g] - 255) * w.elastic + 128) >> 8;
        const int32_t* weights = s.column_weights;
        for (int x = 0; x < wide; x++) {
            int32_t moved = 0;
#pragma GCC unroll 7
            for (int g = 0; g < G; g++) moved = sum(moved, product(node[g], weights[g * wide + x]));
            bends[x] = moved;
        }
    }
}

// Row y of one axis of the displacements, added to `coordinates`.
inline void bend(const Warp& w, int y, const int32_t* bends, int32_t* __restrict coordinates) {
    const int H = w.height, wide = whole_vectors(w.width);
    const int first = (2 * y + 1) * 2 / H;  // of four nodes: their cells are a quarter of the height
    const int32_t* row = bends + first * wide;
    const int32_t* weights = w.row_weights + first * H + y;
    const int32_t w0 = weights[0], w1 = weights[H], w2 = weights[2 * H], w3 = weights[3 * H];
    for (int x = 0; x < wide; x++) {
        const int32_t upper = sum(product(w0, row[x]), product(w1, row[wide + x]));
        const int32_t lower = sum(product(w2, row[2 * wide + x]), product(w3, row[3 * wide + x]));
        coordinates[x] = sum(coordinates[x], sum(upper, lower) >> 8);
    }
}

// Where a row's pixels are read: `right` and `down` hold x' and y' before, fractions after.
inline void place(int n, int H, int W, int32_t* __restrict right, int32_t* __restrict down,
                  int32_t* __restrict places) {
    for (int x = 0; x < n; x++) {
        const int32_t u = clamp(right[x], -65536, W << 16), v = clamp(down[x], -65536, H << 16);
        places[x] = ((v >> 16) + 1) * (W + 3) + (u >> 16) + 1;
        right[x] = u >> 8 & 255;
        down[x] = v >> 8 & 255;
    }
}

inline void gather(int n, const uint16_t* pairs, const int32_t* __restrict places,
                   uint32_t* __restrict quads) {
    typedef uint32_t word __attribute__((may_alias, aligned(2)));
#pragma GCC unroll 8
    for (int i = 0; i < n; i++) quads[i] = *reinterpret_cast<const word*>(pairs + places[i]);
}

// Bilinear, two columns in the halves of a word: each stays below 2^16.
inline void blend(int n, const uint32_t* __restrict quads, const int32_t* __restrict right,
                  const int32_t* __restrict down, uint8_t* __restrict out) {
    for (int i = 0; i < n; i++) {
        const uint32_t upper = quads[i] & 0x00ff00ff, lower = quads[i] >> 8 & 0x00ff00ff;
        const uint32_t both = (upper << 8) + (lower - upper) * uint32_t(down[i]);
        const uint32_t left = both & 0xffff;
        const uint32_t value = (left << 8) + ((both >> 16) - left) * uint32_t(right[i]);
        out[i] = uint8_t((value + 32768) >> 16);
    }
}

inline void resample(const Warp& w, int64_t at, const uint8_t* in, uint8_t* out,
                     const WarpScratch& s) {
    const int C = w.channels, H = w.height, W = w.width, table = (H + 2) * (W + 3);
    const int32_t* a = w.affine + 6 * at;
    for (int c = 0; c < C; c++)
        make_pairs(in + c * H * W, H, W, w.fill[c], s, s.pairs + c * table);
    if (w.nodes) make_bends(w, w.nodes + at * 2 * warp_nodes * warp_nodes, s);
    const int wide = whole_vectors(W);
    int32_t *__restrict across = s.columns, *__restrict along = s.columns + wide;
    for (int x = 0; x < wide; x++) {
        across[x] = sum(product(a[0], x), a[2]);
        along[x] = sum(product(a[3], x), a[5]);
    }
    const int rows = clamp(warp_strip / W, 1, H);
    for (int begin = 0; begin < H; begin += rows) {
        const int end = clamp(begin + rows, 0, H), n = (end - begin) * W;
        for (int y = begin; y < end; y++) {
            int32_t* __restrict right = s.right + (y - begin) * W;
            int32_t* __restrict down = s.down + (y - begin) * W;
            const int32_t base_x = product(a[1], y), base_y = product(a[4], y);
            for (int x = 0; x < wide; x++) {
                right[x] = sum(across[x], base_x);
                down[x] = sum(along[x], base_y);
            }
            if (!w.nodes) continue;
            bend(w, y, s.bends, right);
            bend(w, y, s.bends + warp_nodes * wide, down);
        }
        place(n, H, W, s.right, s.down, s.places);
        for (int c = 0; c < C; c++) {
            gather(n, s.pairs + c * table, s.places, s.quads);
            blend(n, s.quads, s.right, s.down, out + (c * H + begin) * W);
        }
    }
}

// Nearly normal: the sum of four random bytes, two sums a word.
inline void add_noise(const Warp& w, int64_t image, uint8_t* out, uint32_t* sums) {
    const int n = w.channels * w.height * w.width;
    const uint64_t first = uint64_t(image) * uint64_t((n + 1) / 2);
    for (int begin = 0; begin < n; begin += warp_strip) {
        const int count = clamp(n - begin, 0, warp_strip);
        for (int i = 0; i < (count + 1) / 2; i++) {
            const uint64_t word = random_word(w.noise_key, first + uint64_t(begin / 2 + i));
            const uint64_t twos = (word & 0x00ff00ff00ff00ff) + (word >> 8 & 0x00ff00ff00ff00ff);
            const uint64_t fours = twos + (twos >> 16);
            sums[2 * i] = uint32_t(fours & 0xffff);
            sums[2 * i + 1] = uint32_t(fours >> 32 & 0xffff);
        }
        for (int i = 0; i < count; i++) {
            const int32_t level = product(int32_t(sums[i]) - 510, w.noise);
            out[begin + i] = uint8_t(clamp(out[begin + i] + (sum(level, 32768) >> 16), 0, 255));
        }
    }
}

// Each value becomes a mean of those around it, along rows and then along columns. Weights add up
// to 256, so that a row's sums fit 16 bits; the edge goes on beyond the edge.
inline void blur(const Warp& w, const int32_t* weights, uint8_t* out, const WarpScratch& s) {
    const int H = w.height, W = w.width, R = w.reach;
    for (int c = 0; c < w.channels; c++, out += H * W) {
        for (int y = 0; y < H; y++) {
            const uint8_t* from = out + y * W;
            memset(s.row, from[0], size_t(R));
            memcpy(s.row + R, from, size_t(W));
            memset(s.row + R + W, from[W - 1], size_t(R));
            const uint8_t* __restrict row = s.row + R;
            uint16_t* __restrict sums = s.pairs + y * W;
            const uint16_t middle = uint16_t(weights[0]);
            for (int x = 0; x < W; x++) sums[x] = uint16_t(middle * row[x]);
            for (int r = 1; r <= R; r++)
                if (const uint16_t side = uint16_t(weights[r]))
                    for (int x = 0; x < W; x++)
                        sums[x] = uint16_t(sums[x] + side * (row[x - r] + row[x + r]));
        }
        for (int y = 0; y < H; y++) {
            uint32_t* __restrict sums = s.quads;
            const uint16_t* middle = s.pairs + y * W;
            for (int x = 0; x < W; x++) sums[x] = uint32_t(weights[0]) * middle[x] + 32768;
            for (int r = 1; r <= R; r++) {
                const uint32_t side = uint32_t(weights[r]);
                if (!side) continue;
                const uint16_t* above = s.pairs + clamp(y - r, 0, H - 1) * W;
                const uint16_t* below = s.pairs + clamp(y + r, 0, H - 1) * W;
                for (int x = 0; x < W; x++) sums[x] += side * (uint32_t(above[x]) + below[x]);
            }
            for (int x = 0; x < W; x++) out[y * W + x] = uint8_t(sums[x] >> 16);
        }
    }
}

inline int32_t level(int32_t sum16) { return clamp(sum(sum16, 32768) >> 16, 0, 255); }

// Brightness, contrast and colours: each value is a sum of its pixel's and a constant.
inline void tone(const Warp& w, const int32_t* t, uint8_t* out) {
    const int n = w.height * w.width;
    if (w.channels != 3) {
        const int32_t factor = t[0], constant = t[1];
        for (int i = 0; i < w.channels * n; i++)
            out[i] = uint8_t(level(sum(product(factor, out[i]), constant)));
        return;
    }
    uint8_t *__restrict red = out, *__restrict green = out + n, *__restrict blue = out + 2 * n;
    for (int i = 0; i < n; i++) {
        const int32_t r = red[i], g = green[i], b = blue[i];
        const auto mixed = [&](const int32_t* m) {
            const int32_t both = sum(product(m[0], r), product(m[1], g));
            return uint8_t(level(sum(both, sum(product(m[2], b), m[3]))));
        };
        red[i] = mixed(t);
        green[i] = mixed(t + 4);
        blue[i] = mixed(t + 8);
    }
}

inline void cut_out(const Warp& w, const int32_t* corner, uint8_t* out) {
    const int H = w.height, W = w.width;
    const int top = clamp(corner[0], 0, H), bottom = clamp(sum(corner[0], w.side), top, H);
    const int left = clamp(corner[1], 0, W), right = clamp(sum(corner[1], w.side), left, W);
    for (int c = 0; c < w.channels; c++)
        for (int y = top; y < bottom; y++)
            memset(out + (c * H + y) * W + left, w.fill[c], size_t(right - left));
}

inline void warp(const Warp& w, int64_t at, const WarpScratch& s) {
    const int64_t image = w.order[at], size = int64_t(w.channels) * w.height * w.width;
    const uint8_t* in = w.images + image * size;
    uint8_t* out = s.out + at * size;
    if (is_copy(w, w.affine + 6 * at)) copy(w, w.affine + 6 * at, in, out);
    else resample(w, at, in, out, s);
    if (w.blurs) blur(w, w.blurs + at * (w.reach + 1), out, s);
    if (w.tones) tone(w, w.tones + at * tone_numbers(w.channels), out);
    if (w.noise) add_noise(w, image, out, s.quads);
    if (w.side) cut_out(w, w.corners + 2 * at, out);
}

}  // namespace lenet::LENET_ISA
