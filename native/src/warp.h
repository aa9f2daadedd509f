// What one thread needs to distort images, beside them.
#pragma once

#include "augment.h"

namespace lenet {

// Rows are taken together up to this many pixels: their coordinates stay in the nearest cache.
constexpr int warp_strip = 1024;

// A vector of the widest instruction set, in words: rows may be written that far behind their end.
constexpr int warp_slack = 16;

// Lengths in brackets, `wide` is W up to whole vectors; all but `out` have such slack behind them.
struct WarpScratch {
    uint8_t* out;             // (B, C, H, W), the whole result
    uint8_t* image;           // (H, W): one channel
    uint8_t* blank;           // (W): a row outside the image
    uint8_t* row;             // (W + 2 reach): one row, and its ends repeated
    uint16_t* pairs;          // (C, H + 2, W + 3): each pixel and the one below it; a blur's rows
    int32_t* column_weights;  // (7, wide)
    int32_t* columns;         // (2, wide): a column's share of x' and y'
    int32_t* bends;           // (2, 7, wide): displacements by rows of nodes
    int32_t* places;          // (strip): where a pixel's four neighbours lie in `pairs`
    int32_t* right;           // (strip): how far towards the right ones, of 256
    int32_t* down;            // (strip): how far towards the lower ones
    uint32_t* quads;          // (strip): the four, a byte each; sums of a blur
};

}  // namespace lenet
