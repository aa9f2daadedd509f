// Where things lie in memory: maps with their borders, tiles, and the stages of a program. Plain
// sizes, the same for every instruction set but for the number of lanes.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine.h"

// What several instruction sets' files share must not exist as a function of its own: the linker
// keeps one copy, and it could be one that an older processor cannot run.
#define LENET_INLINE [[gnu::always_inline]] inline

namespace lenet {

LENET_INLINE constexpr int64_t round_up(int64_t value, int64_t unit) {
    return (value + unit - 1) / unit * unit;
}

// A feature map of one group, [channel][row][column][lane], inside a border that holds the zeros
// the next convolution pads with. Offsets are in floats.
struct Map {
    int channels, height, width;
    int top, left;    // where the map begins inside its border
    int rows, pitch;  // rows and columns, border included
    int lanes;

    LENET_INLINE int64_t row() const { return int64_t(pitch) * lanes; }
    LENET_INLINE int64_t channel() const { return row() * rows; }
    LENET_INLINE int64_t size() const { return channel() * channels; }
    LENET_INLINE int64_t at(int c, int y, int x) const {
        return channel() * c + row() * (y + top) + int64_t(x + left) * lanes;
    }
};

// `total` things in `count` parts whose sizes differ by one at most: 10 in 3 is 4, 3, 3. With
// `runs`, so many equal runs of things each are split like that, and no part is of two of them.
struct Split {
    int total, count, runs = 1;

    LENET_INLINE int begin(int part) const {
        const int things = total / runs, parts = count / runs;
        const int run = part / parts, size = things / parts, more = things % parts;
        part %= parts;
        return run * things + part * size + (part < more ? part : more);
    }
    LENET_INLINE int size(int part) const { return begin(part + 1) - begin(part); }
};

// What one of `count` workers does of a stage's blocks, where they work on it together.
struct Part {
    int index, count;

    LENET_INLINE int begin(const Split& blocks) const { return Split{blocks.count, count}.begin(index); }
    LENET_INLINE int end(const Split& blocks) const { return Split{blocks.count, count}.begin(index + 1); }
};
constexpr Part undivided{0, 1};

// A window that slides over a map.
struct Window {
    int height, width, stride_y, stride_x, top, left;
};

// How a convolution is computed: by whichever is faster, or as told (LENET_CONVOLUTION).
enum class Method { fastest, direct, winograd };

// The points of the transforms are 0, +-a, +-b and infinity; see kernels/winograd.h.
constexpr float winograd_a = 0.75f, winograd_b = 1.5f;

// G: what kernel column k counts in product i. Row i is the powers of point i, over its distances
// from the other points multiplied.
struct WinogradWeights {
    float g[6][5];

    LENET_INLINE explicit WinogradWeights(int width) {
        const double a = winograd_a, b = winograd_b, near = 2 * a * a * (a * a - b * b);
        const double far = 2 * b * b * (b * b - a * a);
        const double points[] = {0, a, -a, b, -b};
        const double over[] = {a * a * b * b, near, near, far, far};
        for (int i = 0; i < 5; i++) {
            double power = 1;
            for (int k = 0; k < width; k++, power *= points[i]) g[i][k] = float(power / over[i]);
        }
        for (int k = 0; k < width; k++) g[5][k] = k == width - 1;
    }
};

// A convolution by tiles of a few outputs along a row, 6 products each.
struct Winograd {
    int outputs;  // of a tile, M = 7 - kernel width; 0: the convolution is computed directly
    int tiles;    // in a row of the linear map
    int lanes;
    int band;     // rows of the linear map whose V is made at a time for the weights' gradient
    int in_rows;  // most rows of V at a time: with those around them that the kernel needs
    int taps;     // C * kh: terms of one product
    int64_t in_plane, out_plane;  // floats from one of the 6 products to the next in V, in Y
    int64_t weights;              // the same in the packed weights

    LENET_INLINE int64_t row(int64_t rows) const { return rows * tiles * lanes; }
};

// A map of one image alone, [channel][row][column], inside a border of zeros; where the next
// convolution steps by more than one column, [channel][row][column % step][column / step].
struct Flat {
    int rows, pitch, top, left, step;
    int64_t at;

    LENET_INLINE int64_t channel() const { return int64_t(rows) * pitch; }
};

// How one image passes a stage, its neighbouring columns in the lanes. A convolution takes its map
// in whichever way fills the fewest vectors: row by row; as one long row, which runs on over the
// columns between two rows' ends; or, where a row fits half a vector, by pairs of rows.
struct Single {
    Flat input, output;
    Split blocks;
    bool pairs;
    int rows, wide, pitch;  // of the linear map: how many, vectors in each, floats from y to y + 1
    int below;              // floats of the input from what is read for y to what is for y + 1
    const int32_t* taps;  // (K): where each tap of the first position lies
    int64_t linear, kept;  // the map before pooling; what a silu is applied to
    int64_t pooled, row;   // work space: before placing, one row

    // The backward pass: the gradient of the linear map, [channel][y * below + x], zero in between and
    // around, so that it too is one long row a channel.
    int64_t flow, flow_channel;
    int flow_size;  // floats from the first to the last, in whole vectors

    // Does what comes out, without gaps, lie as the next stage reads it?
    LENET_INLINE bool flows_on(const Map& out) const {
        return output.step == 1 && output.pitch == out.width && output.rows == out.height;
    }
};

// A convolution or dense step with the max pooling fused into it, or a pooling alone.
struct Stage {
    Kind kind;
    Activation activation;
    bool first;   // reads the images: needs no input gradient
    bool pooled;  // kind conv: followed by a fused max pooling
    bool keeps_input;  // the activation's derivative needs what came in
    bool normalised;   // kind conv: the next stage normalises, and has the shift for a bias
    bool passing;      // kind norm: its output is not kept, but made again in the backward pass
    int step;          // which step of the plan it is, or begins with
    bool never_drops;  // kind dense: dropout does not follow
    float divisor;     // kind avgpool: of the window's sum
    const uint8_t* links;  // (O, C): which channels see which; null for all

    Map input, output;  // of one group
    Map linear;         // kind conv: the convolution's own output, before pooling, no border
    Window window;      // the convolution's or the pooling's
    Window pool;        // the fused pooling's
    bool plain_pool;    // it is 2x2 in steps of 2, and no window is clipped

    int groups;             // of channels: a group's outputs see its inputs alone
    int inputs;             // K: weights of one output
    int64_t weights, bias;          // offsets in the table; kind norm: the bias is its shift
    int64_t scale, mean, variance;  // kind norm: the same
    int64_t moments;                // kind norm: where a worker keeps those of its channels

    // Packed weights: [block][tap][output in block], and for the input gradient
    // [phase y][phase x][block][tap row][output][tap column][input in block].
    Split forward_blocks, input_blocks, gradient_blocks;
    int64_t packed_forward, packed_input;
    const int32_t* forward_rows;  // (C / g * kh): where a row of taps begins
    const int32_t* input_rows;    // (tap row, output): the same, backwards
    const int32_t* taps;          // (K): where each tap's input begins
    Map linear_gradient;          // with a border for the input gradient's tiles
    int band;                     // rows of the output computed at a time
    Winograd winograd;
    // Sums of the weights' gradient: a slot a tile, tiles a block, blocks a product; then of the
    // biases', a vector each. In floats.
    int slot;
    int64_t block_sums, product_sums, bias_sums;
    int64_t products;             // floats of a band's products

    Single single;

    // The gradient of a shard: row o holds K weights, then the bias. Kind norm: four rows of
    // channels: scale, shift, and the shard's own mean and unbiased variance.
    int64_t gradient;
    int gradient_row;

    // Where a worker keeps things of one group, in floats (positions: words).
    int64_t output_at, input_kept_at, positions_at, linear_at, sums_at;
    int64_t transformed_at;  // behind the linear gradient: Y
    bool wide_positions;  // windows of more than 256 values
    int position_row;     // words that a row of maxima's positions takes

    // How many channels of a group come in and go out, and where the group of a channel begins in
    // what it reads: of an output among the inputs, of an input among the outputs.
    LENET_INLINE int group_inputs() const { return input.channels / groups; }
    LENET_INLINE int group_outputs() const { return linear.channels / groups; }
    LENET_INLINE int first_input(int outgoing) const {
        return outgoing / group_outputs() * group_inputs();
    }
    LENET_INLINE int first_output(int incoming) const {
        return incoming / group_inputs() * group_outputs();
    }

    LENET_INLINE int64_t positions_of(int c, int y) const {
        return (int64_t(c) * output.height + y) * position_row;
    }
    bool linear_step() const { return kind == Kind::conv || kind == Kind::dense; }
};

// How many kernel rows (columns) meet an input whose distance to the windows' grid is `phase`.
LENET_INLINE constexpr int phase_taps(int kernel, int stride, int phase) {
    return phase < kernel ? (kernel - phase + stride - 1) / stride : 0;
}

// The tile's other side: at most this many positions beside `channels`.
constexpr int max_channels = 6, max_positions = 8;
LENET_INLINE constexpr int tile_positions(int channels, int accumulators) {
    int fit = accumulators / channels;
    return fit < max_positions ? fit : max_positions;
}

// How a block of the weights' gradient cuts its taps into tiles.
LENET_INLINE constexpr Split tap_parts(int channels, int taps, int accumulators) {
    const int most = tile_positions(channels, accumulators);
    return {taps, (taps + most - 1) / most};
}

// A network compiled for a number of lanes.
struct Program {
    int lanes = 0, groups = 0;  // groups of samples a worker holds at a time
    std::vector<Stage> stages;
    Map images;
    int first_dense = 0;  // stages from here on are dense
    bool normalised = false;
    int classes = 0;
    int64_t table = 0, packed = 0, gradient = 0;

    // A worker's memory: a group's activations and positions, and work space.
    int64_t kept = 0, passing = 0, positions = 0;
    int64_t flow = 0;  // the largest gradient of a map, without border
    int64_t linear = 0, sums = 0, scratch = 0, transposed = 0;
    int64_t single = 0;  // floats for one image alone
    int64_t single_flow = 0;  // and for the gradients of its linear maps, in the backward pass
    int alone = 0;  // batches of up to so many images are trained on one by one
    int64_t moments = 0;      // channels of all norm stages
    std::vector<float> zeros;  // biases of normalised convolutions
    std::vector<std::vector<uint8_t>> links;  // what the stages' links point to

    std::vector<std::unique_ptr<int32_t[]>> offsets;  // what the stages' tables point to

    // Throws std::invalid_argument unless the steps hold the plan's invariants.
    Program(const Step* steps, int count, int64_t table, int lanes, int accumulators,
            Method method = Method::fastest);
};

// How one image passes the stages, once all of them are known.
void add_single(Program& program, int accumulators);

// Offsets must fit the 32 bits of the tables: throws std::invalid_argument.
int32_t narrow(int64_t offset);

// The gradient of weights that are not connected is nothing.
void clear_unlinked(const Stage& stage, float* gradient);

// The equal parts that `channels` are cut into so that tiles of channels x positions keep the
// multiply-add units busiest, with `taps` multiply-adds for each of their sums; and the cycles.
struct Cut {
    double cycles;
    Split blocks;
};
Cut cut_channels(int channels, int positions, int taps, int accumulators);
// The same in each of so many groups of channels.
Split cut_groups(int channels, int groups, int positions, int taps, int accumulators);

// Groups of samples that a worker holds at a time.
int choose_groups(const Step* steps, int count, int lanes);

// The outputs of a Winograd tile, or 0 where the direct convolution is faster or the only one.
int winograd_tile(const Step& step, int accumulators, Method method);

}  // namespace lenet
