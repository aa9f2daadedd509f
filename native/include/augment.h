// Distorting images for training: bytes in, bytes out, in whole numbers only, so that every machine
// and the NumPy twin (src/lenet/engine/warp.py, which has the formulas) write the same bytes.
#pragma once

#include <cstdint>

#include "constants.h"

namespace lenet {

// B images are read from N, each is moved, bent, blurred, toned, made noisy and cut.
struct Warp {
    const uint8_t* images;  // (N, C, H, W)
    int64_t count;
    int32_t channels, height, width;
    const int32_t* order;  // (B,): which images
    int64_t size;
    // (B, 6), 16.16: pixel (y, x) is read at x' = a[0] x + a[1] y + a[2], y' = a[3] x + a[4] y + a[5].
    const int32_t* affine;
    const uint8_t* nodes;  // (B, 2, 7, 7): displacements along x, along y; null without
    int32_t elastic;       // 2^-16 pixels a unit of (2 node - 255), at most 2^14
    const int32_t* row_weights;     // (7, H), of 256
    const int32_t* column_weights;  // (7, W)
    uint64_t noise_key;             // of the stream of random words
    int32_t noise;                  // 2^-16 levels a unit of the sum of four bytes; 0 without
    const int32_t* corners;         // (B, 2): top and left of the square that is cut out
    int32_t side;                   // its side; 0 without
    const uint8_t* fill;  // (C,): what lies around an image, and in the square
    // 16.16: of three channels (B, 3, 4), each as a sum of all three and a constant; of others
    // (B, 2), a factor and a constant. Null without.
    const int32_t* tones = nullptr;
    // (B, reach + 1), of 256: what a pixel counts, and those 1 to `reach` away on either side, along
    // rows and along columns. Null without.
    const int32_t* blurs = nullptr;
    int32_t reach = 0;  // at most warp_reach
};

constexpr int tone_numbers(int channels) { return channels == 3 ? 12 : 2; }

// Writes (B, C, H, W). The result does not depend on isa or threads. Throws std::invalid_argument.
void warp_images(const Warp& warp, const char* isa, int threads, uint8_t* out);

}  // namespace lenet
