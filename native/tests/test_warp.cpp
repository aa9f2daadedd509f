// Distorted images against plain loops in 64 bits: every byte is the same, whatever the shape, the
// instruction set and the threads.
#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include "augment.h"
#include "check.h"
#include "engine.h"

namespace lenet::test {
namespace {

constexpr int G = warp_nodes, reach = 4;

// Everything a Warp points to, drawn at random.
struct Case {
    Warp warp{};
    std::vector<uint8_t> images, nodes, fill;
    std::vector<int32_t> order, affine, rows, columns, corners, tones, blurs;

    Case(int count, int size, int channels, int height, int width, uint32_t seed, bool wild = false)
        : random_(seed) {
        const auto bytes = [this](int64_t n) {
            std::vector<uint8_t> drawn(static_cast<size_t>(n));
            for (uint8_t& byte : drawn) byte = uint8_t(random_() & 255);
            return drawn;
        };
        images = bytes(int64_t(count) * channels * height * width);
        nodes = bytes(int64_t(size) * 2 * G * G);
        fill = bytes(channels);
        rows = weights(height);
        columns = weights(width);
        const int far = wild ? std::numeric_limits<int32_t>::max() : 3 << 16;
        for (int b = 0; b < size; b++) {
            order.push_back(int32_t(random_() % uint32_t(count)));
            const int turn = wild ? far : 20'000;
            for (int centre : {65536, 0, 0, 0, 65536, 0}) {
                const bool shift = affine.size() % 3 == 2;
                affine.push_back((wild ? 0 : centre) + within(shift ? far : turn));
            }
            corners.push_back(wild ? within(far) : within(height));
            corners.push_back(wild ? within(far) : within(width));
            for (int i = 0; i < tone_numbers(channels); i++)
                tones.push_back(within(wild ? far : 100'000));
            int32_t left = 256;  // of two sides: what a pixel itself counts comes first
            blurs.push_back(0);
            for (int away = 1; away <= reach; away++) {
                const int32_t side = int32_t(random_() % uint32_t(left / 2 + 1));
                blurs.push_back(wild ? within(far) : side);
                left -= 2 * side;
            }
            blurs[blurs.size() - reach - 1] = wild ? within(far) : left;
        }
        warp = {images.data(), count, channels, height, width, order.data(), size, affine.data(),
                nullptr, 0, rows.data(), columns.data(), random_(), 0, corners.data(), 0,
                fill.data(), nullptr, nullptr, 0};
    }

    void blur() {
        warp.blurs = blurs.data();
        warp.reach = reach;
    }

    int32_t within(int32_t most) {
        return int32_t(int64_t(random_() % (2 * uint64_t(most) + 1)) - most);
    }

    std::vector<uint8_t> run(const char* isa, int threads) const {
        std::vector<uint8_t> out(size_t(warp.size) * size_t(warp.channels) * size_t(warp.height) *
                                 size_t(warp.width));
        warp_images(warp, isa, threads, out.data());
        return out;
    }

private:
    // Four weights a pixel, at the nodes of its cell, which add up to 256.
    std::vector<int32_t> weights(int size) {
        std::vector<int32_t> all(size_t(G * size), 0);
        for (int x = 0; x < size; x++) {
            int left = 256;
            for (int tap = 0; tap < 4; tap++) {
                const int32_t part = tap < 3 ? int32_t(random_() % uint32_t(left + 1)) : left;
                all[size_t(((2 * x + 1) * 2 / size + tap) * size + x)] = part;
                left -= part;
            }
        }
        return all;
    }

    std::mt19937_64 random_;
};

uint64_t random_word(uint64_t key, uint64_t index) {
    uint64_t z = key + (index + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

int64_t displacement(const Case& c, int64_t b, int axis, int y, int x) {
    const Warp& w = c.warp;
    int64_t moved = 0;
    for (int g = 0; g < G; g++)
        for (int h = 0; h < G; h++) {
            const int64_t byte = w.nodes[((b * 2 + axis) * G + g) * G + h];
            const int64_t node = ((2 * byte - 255) * w.elastic + 128) >> 8;
            moved += node * c.rows[size_t(g * w.height + y)] * c.columns[size_t(h * w.width + x)];
        }
    return moved >> 8;
}

int64_t sampled(const Case& c, int64_t b, int channel, int y, int x) {
    const Warp& w = c.warp;
    const int32_t* a = w.affine + 6 * b;
    const int H = w.height, W = w.width;
    const int64_t image = w.order[b];
    int64_t u = int64_t(a[0]) * x + int64_t(a[1]) * y + a[2];
    int64_t v = int64_t(a[3]) * x + int64_t(a[4]) * y + a[5];
    if (w.nodes) {
        u += displacement(c, b, 0, y, x);
        v += displacement(c, b, 1, y, x);
    }
    u = std::clamp<int64_t>(u, -65536, int64_t(W) << 16);
    v = std::clamp<int64_t>(v, -65536, int64_t(H) << 16);
    const auto at = [&](int64_t row, int64_t column) -> int64_t {
        if (row < 0 || row >= H || column < 0 || column >= W) return w.fill[channel];
        return w.images[((image * w.channels + channel) * H + row) * W + column];
    };
    const int64_t row = v >> 16, column = u >> 16, down = v >> 8 & 255, right = u >> 8 & 255;
    const int64_t left = at(row, column) * (256 - down) + at(row + 1, column) * down;
    const int64_t other = at(row, column + 1) * (256 - down) + at(row + 1, column + 1) * down;
    return (left * (256 - right) + other * right + 32768) >> 16;
}

using Plane = std::vector<int64_t>;  // (C, H, W)

size_t place(const Warp& w, int channel, int y, int x) {
    return size_t((channel * w.height + y) * w.width + x);
}

template <typename Of>
Plane plane_of(const Warp& w, const Of& of) {
    Plane plane;
    for (int channel = 0; channel < w.channels; channel++)
        for (int y = 0; y < w.height; y++)
            for (int x = 0; x < w.width; x++) plane.push_back(of(channel, y, x));
    return plane;
}

Plane blurred(const Case& c, int64_t b, const Plane& from) {
    const Warp& w = c.warp;
    const int32_t* weights = w.blurs + b * (w.reach + 1);
    const auto mean = [&](const Plane& plane, bool along_rows) {
        return plane_of(w, [&](int channel, int y, int x) {
            int64_t sum = 0;
            for (int away = -w.reach; away <= w.reach; away++) {
                const int row = along_rows ? y : std::clamp(y + away, 0, w.height - 1);
                const int column = along_rows ? std::clamp(x + away, 0, w.width - 1) : x;
                sum += weights[std::abs(away)] * plane[place(w, channel, row, column)];
            }
            return sum;
        });
    };
    Plane both = mean(mean(from, true), false);
    for (int64_t& value : both) value = (value + 32768) >> 16;
    return both;
}

int64_t toned(const Case& c, int64_t b, const Plane& from, int channel, int y, int x) {
    const Warp& w = c.warp;
    const int32_t* t = w.tones + b * tone_numbers(w.channels);
    const int64_t own = from[place(w, channel, y, x)];
    int64_t value = w.channels == 3 ? t[4 * channel + 3] : t[0] * own + t[1];
    for (int other = 0; w.channels == 3 && other < 3; other++)
        value += t[4 * channel + other] * from[place(w, other, y, x)];
    return std::clamp<int64_t>((value + 32768) >> 16, 0, 255);
}

int64_t plain_pixel(const Case& c, int64_t b, const Plane& from, int channel, int y, int x) {
    const Warp& w = c.warp;
    const int64_t image = w.order[b], pixels = int64_t(w.channels) * w.height * w.width;
    if (w.side && y >= c.corners[size_t(2 * b)] && y < int64_t(c.corners[size_t(2 * b)]) + w.side &&
        x >= c.corners[size_t(2 * b + 1)] && x < int64_t(c.corners[size_t(2 * b + 1)]) + w.side)
        return w.fill[channel];
    const size_t pixel = place(w, channel, y, x);
    int64_t value = w.tones ? toned(c, b, from, channel, y, x) : from[pixel];
    if (w.noise) {
        const uint64_t word =
            random_word(w.noise_key, uint64_t(image * ((pixels + 1) / 2)) + pixel / 2) >>
            (pixel % 2 ? 32 : 0);
        int64_t sum = -510;
        for (int byte = 0; byte < 4; byte++) sum += int64_t(word >> (8 * byte) & 255);
        value = std::clamp<int64_t>(value + ((sum * w.noise + 32768) >> 16), 0, 255);
    }
    return value;
}

std::vector<uint8_t> plain(const Case& c) {
    std::vector<uint8_t> out;
    for (int64_t b = 0; b < c.warp.size; b++) {
        Plane read = plane_of(c.warp, [&](int channel, int y, int x) {
            return sampled(c, b, channel, y, x);
        });
        if (c.warp.blurs) read = blurred(c, b, read);
        for (int64_t value : plane_of(c.warp, [&](int channel, int y, int x) {
                 return plain_pixel(c, b, read, channel, y, x);
             }))
            out.push_back(uint8_t(value));
    }
    return out;
}

struct Size {
    int channels, height, width;
};
const Size sizes[] = {{1, 1, 1},   {1, 1, 40},  {2, 40, 1},  {3, 5, 7},    {1, 28, 28},
                      {3, 32, 32}, {1, 15, 16}, {1, 17, 33}, {2, 3, 1100}, {1, 70, 64}};

void check_case(const Case& c) {
    const std::vector<uint8_t> expected = plain(c);
    for (const char* const* isa = available_isas(); *isa; isa++) {
        Scope scope(*isa);
        CHECK(c.run(*isa, 1) == expected);
    }
}

LENET_TEST(warp, every_kind_at_every_size) {
    uint32_t seed = 1;
    for (const Size& size : sizes)
        for (int kinds = 0; kinds < 32; kinds++) {
            Scope scope(std::to_string(size.channels) + "x" + std::to_string(size.height) + "x" +
                        std::to_string(size.width) + ", kinds " + std::to_string(kinds));
            Case c(3, 4, size.channels, size.height, size.width, seed++);
            if (kinds & 1) {
                c.warp.nodes = c.nodes.data();
                c.warp.elastic = 300;
            }
            if (kinds & 2) c.warp.noise = 9'000;
            if (kinds & 4) c.warp.side = std::max(1, size.height / 3);
            if (kinds & 8) c.warp.tones = c.tones.data();
            if (kinds & 16) c.blur();
            check_case(c);
        }
}

// Whole pixels and mirrors are copied; they must be what interpolation gives.
LENET_TEST(warp, copies) {
    for (const Size& size : sizes) {
        Case c(2, 60, size.channels, size.height, size.width, 7);
        for (int b = 0; b < 60; b++) {
            int32_t* a = c.affine.data() + 6 * b;
            const int sign = b % 2 ? 1 : -1, most = b < 40 ? 4 : 40;
            const int32_t centre = sign < 0 ? size.width - 1 : 0;
            const int32_t moved[] = {sign * 65536, 0, (centre + c.within(most)) * 65536,
                                     0, 65536, c.within(most) * 65536};
            std::copy_n(moved, 6, a);
        }
        check_case(c);
    }
}

LENET_TEST(warp, the_identity_keeps_every_byte) {
    Case c(5, 5, 3, 11, 13, 3);
    for (int b = 0; b < 5; b++) {
        c.order[size_t(b)] = b;
        const int32_t same[] = {65536, 0, 0, 0, 65536, 0};
        std::copy_n(same, 6, c.affine.data() + 6 * b);
    }
    CHECK(c.run("auto", 1) == c.images);
    c.warp.nodes = c.nodes.data();  // interpolated, by nothing
    CHECK(c.run("auto", 1) == c.images);
}

LENET_TEST(warp, threads_change_nothing) {
    for (int size : {0, 1, 127, 128, 129, 500, 1000}) {
        Case c(9, size, 1, 9, 10, 5);
        c.warp.nodes = c.nodes.data();
        c.warp.elastic = 200;
        c.warp.noise = 5'000;
        c.warp.side = 3;
        c.blur();
        const std::vector<uint8_t> alone = c.run("auto", 1);
        for (int threads : {2, 3, 8, 40}) CHECK(c.run("auto", threads) == alone);
    }
}

// Coordinates that no setting gives wrap around; nothing is read from outside (the sanitizer looks).
LENET_TEST(warp, whatever_is_asked_for_is_defined) {
    for (const Size& size : sizes) {
        Case c(2, 20, size.channels, size.height, size.width, 11, true);
        c.warp.nodes = c.nodes.data();
        c.warp.elastic = 1 << 14;
        c.warp.noise = std::numeric_limits<int32_t>::max();
        c.warp.side = std::numeric_limits<int32_t>::max();
        c.warp.tones = c.tones.data();
        c.blur();
        const std::vector<uint8_t> baseline = c.run("baseline", 1);
        for (const char* const* isa = available_isas(); *isa; isa++)
            CHECK(c.run(*isa, 2) == baseline);
        c.warp.nodes = nullptr;
        CHECK(c.run("auto", 1).size() == baseline.size());
    }
}

LENET_TEST(warp, refusals) {
    const auto refused = [](auto change, const char* words, const char* isa = "auto",
                            int threads = 1) {
        Case c(2, 3, 1, 4, 4, 1);
        change(c);
        CHECK_REFUSED(c.run(isa, threads), words);
    };
    const auto nothing = [](Case&) {};
    refused([](Case& c) { c.order[1] = 2; }, "outside the images");
    refused([](Case& c) { c.order[2] = -1; }, "outside the images");
    refused([](Case& c) { c.warp.elastic = (1 << 14) + 1; }, "elastic");
    refused([](Case& c) { c.warp.elastic = -1; }, "elastic");
    refused([](Case& c) { c.warp.reach = 13; }, "a blur must reach");
    refused([](Case& c) { c.warp.reach = -1; }, "a blur must reach");
    refused([](Case& c) { c.warp.side = -1; }, "side of the square");
    refused([](Case& c) { c.warp.height = 4097; c.warp.size = 0; }, "from 1 to 4,096 pixels");
    refused([](Case& c) { c.warp.width = 0; c.warp.size = 0; }, "from 1 to 4,096 pixels");
    refused([](Case& c) { c.warp.channels = 0; c.warp.size = 0; }, "channels");
    refused([](Case& c) {
        c.warp.channels = c.warp.height = c.warp.width = 4096;
        c.warp.size = 0;
    }, "fewer than 2^30");
    refused(nothing, "'mmx' is unknown", "mmx");
    for (int threads : {0, -1, 1025}) refused(nothing, "threads must be", "auto", threads);
}

}  // namespace
}  // namespace lenet::test
