// Compiles steps into stages: fuses poolings, chooses tiles, and lays out every buffer once.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "check.h"
#include "layout.h"

namespace lenet {
namespace {

int64_t round_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

// Cycles for one tap of a tile: two multiply-adds and two loads a cycle, and no accumulator more
// often than every four cycles. Between equals, the squarer tile issues fewer instructions.
double tap_cost(int channels, int positions) {
    const double loads = channels + positions;
    return std::max({channels * positions / 2.0, loads / 2, 4.0}) + 0.05 * loads;
}

double row_cost(int channels, int positions, int taps, int accumulators) {
    const int most = tile_positions(channels, accumulators);
    const Split tiles{positions, (positions + most - 1) / most};
    double cost = 0;
    for (int t = 0; t < tiles.count; t++)  // 12: a tile's accumulators are set up and stored
        cost += tap_cost(channels, tiles.size(t)) * taps + 12;
    return cost;
}

Map plain_map(int channels, int height, int width, int lanes) {
    return {channels, height, width, 0, 0, height, width, lanes};
}

// The map that a step reads, inside the border its convolution needs.
Map bordered_map(const Step& s, int lanes) {
    Map map = plain_map(s.channels, s.height, s.width, lanes);
    if (s.kind != Kind::conv) return map;
    map.top = s.top;
    map.left = s.left;
    map.rows = std::max(s.top + s.height, (s.out_height - 1) * s.stride_y + s.kernel_height);
    map.pitch = std::max(s.left + s.width, (s.out_width - 1) * s.stride_x + s.kernel_width);
    return map;
}

Window window_of(const Step& s) {
    return {s.kernel_height, s.kernel_width, s.stride_y, s.stride_x, s.top, s.left};
}

// Offsets must fit the 32 bits of the tables.
int32_t narrow(int64_t offset) {
    if (offset > INT32_MAX || offset < INT32_MIN)
        throw std::invalid_argument("a map is too large for this engine.");
    return int32_t(offset);
}

class Compiler {
public:
    Compiler(Program& program, int accumulators)
        : program_(program), lanes_(program.lanes), accumulators_(accumulators) {}

    void add(const Step* step, const Step* end) {
        Stage stage{};
        stage.kind = step->kind;
        stage.activation = step->activation;
        stage.first = program_.stages.empty();
        stage.pooled = step->pool_first;
        stage.keeps_input = step->activation == Activation::silu;
        stage.window = window_of(*step);
        stage.input = bordered_map(*step, lanes_);
        stage.linear = plain_map(step->out_channels, step->out_height, step->out_width, lanes_);
        const Step* last = stage.pooled ? step + 1 : step;
        if (stage.pooled) stage.pool = window_of(*last);
        stage.output = last + 1 < end && last[1].kind != Kind::dense
            ? bordered_map(last[1], lanes_)
            : plain_map(last->out_channels, last->out_height, last->out_width, lanes_);
        if (stage.linear_step()) add_weights(stage, *step);
        if (stage.kind == Kind::conv) add_convolution(stage);
        add_memory(stage);
        program_.stages.push_back(stage);
    }

private:
    void add_weights(Stage& stage, const Step& step) {
        stage.inputs = step.channels * step.kernel_height * step.kernel_width;
        stage.weights = step.weight_offset;
        stage.bias = step.bias_offset;
        const bool dense = stage.kind == Kind::dense;
        const int groups = program_.groups;
        const int width = stage.linear.width;
        stage.forward_blocks = tile_channels(step.out_channels, dense ? groups : width,
                                             stage.inputs, accumulators_);
        const int row = (step.width + step.stride_x - 1) / step.stride_x;
        stage.input_blocks = tile_channels(step.channels, dense ? groups : row,
                                           stage.inputs, accumulators_);
        // The weight gradient's tile has taps (dense: vectors of inputs) for positions.
        const int vectors = (stage.inputs + lanes_) / lanes_;
        stage.gradient_blocks =
            tile_channels(step.out_channels, dense ? vectors : stage.inputs,
                          dense ? groups * lanes_ : stage.linear.height * width, accumulators_);
        const int64_t size = int64_t(stage.inputs) * step.out_channels;
        stage.packed_forward = program_.packed;
        stage.packed_input = program_.packed + round_up(size, 16);
        program_.packed += round_up(size, 16) * (stage.first ? 1 : 2);
        stage.gradient_row = dense ? int(round_up(stage.inputs + 1, 16)) : stage.inputs + 1;
        stage.gradient = program_.gradient;
        program_.gradient += round_up(int64_t(stage.gradient_row) * step.out_channels, 16);
    }

    int32_t* offsets(int64_t count) {
        program_.offsets.push_back(std::make_unique<int32_t[]>(size_t(count)));
        return program_.offsets.back().get();
    }

    void add_convolution(Stage& stage) {
        const Window& w = stage.window;
        const Map &in = stage.input, &linear = stage.linear;
        int32_t* rows = offsets(int64_t(in.channels) * w.height);
        int32_t* taps = offsets(stage.inputs);
        stage.forward_rows = rows;
        stage.taps = taps;
        for (int c = 0; c < in.channels; c++)
            for (int y = 0; y < w.height; y++) {
                const int64_t row = in.channel() * c + in.row() * y;
                *rows++ = narrow(row);
                for (int x = 0; x < w.width; x++) *taps++ = narrow(row + int64_t(x) * lanes_);
            }

        int border = 0;  // how far a tile may hang over the map
        for (int b = 0; b < stage.input_blocks.count; b++)
            border = std::max(border,
                              tile_positions(stage.input_blocks.size(b), accumulators_) - 1);
        Map& gradient = stage.linear_gradient;
        gradient = linear;
        gradient.left = stage.first ? 0 : border;
        gradient.pitch = linear.width + 2 * gradient.left;
        const int tap_rows = (w.height + w.stride_y - 1) / w.stride_y;
        int32_t* backwards = offsets(int64_t(tap_rows) * linear.channels);
        stage.input_rows = backwards;
        for (int j = 0; j < tap_rows; j++)
            for (int o = 0; o < linear.channels; o++)
                *backwards++ = narrow(gradient.channel() * o - gradient.row() * j);

        if (stage.pooled) stage.band = choose_band(stage);
    }

    // Pooled rows that are computed at a time: what a block of channels needs for them should stay
    // in the first-level cache. Windows that overlap take the whole map, lest rows be done twice.
    int choose_band(const Stage& stage) {
        int channels = 1;
        for (int b = 0; b < stage.forward_blocks.count; b++)
            channels = std::max(channels, stage.forward_blocks.size(b));
        const int64_t row = stage.linear.row() * channels;
        int band = stage.output.height;
        if (stage.pool.stride_y >= stage.pool.height)
            band = std::clamp(int(4096 / (row * stage.pool.stride_y)), 1, band);
        const int rows = std::min(stage.linear.height,
                                  (band - 1) * stage.pool.stride_y + stage.pool.height);
        program_.scratch = std::max(program_.scratch, row * rows);
        return band;
    }

    void add_memory(Stage& stage) {
        const Map &out = stage.output, &in = stage.input;
        const int64_t out_plain = int64_t(out.channels) * out.height * out.width * lanes_;
        const int64_t in_plain = int64_t(in.channels) * in.height * in.width * lanes_;
        stage.output_at = program_.kept;
        program_.kept += round_up(out.size(), 16);
        stage.input_kept_at = program_.kept;
        if (stage.keeps_input) program_.kept += round_up(out_plain, 16);

        const Window& pool = stage.pooled ? stage.pool : stage.window;
        stage.wide_positions = int64_t(pool.height) * pool.width > 256;
        stage.positions_at = program_.positions;
        if (stage.pooled || stage.kind == Kind::maxpool)
            program_.positions += round_up(out_plain * (stage.wide_positions ? 2 : 1), 64);

        program_.flow = std::max({program_.flow, out_plain, in_plain});
        if (stage.kind == Kind::conv) {
            // Each convolution has its own: the zeros around the gradient are written once.
            stage.linear_at = program_.linear;
            stage.lane_sums_at = program_.lane_sums;
            const int64_t one_channel = int64_t(out.height) * out.width * lanes_;
            program_.linear += round_up(stage.linear_gradient.size() + one_channel, 16);
            program_.lane_sums +=
                round_up(int64_t(stage.inputs + 1) * stage.linear.channels * lanes_, 16);
        }
        if (stage.kind == Kind::dense)
            program_.transposed = std::max(
                program_.transposed, (stage.gradient_row + round_up(out.channels, lanes_)) *
                                         lanes_ * program_.groups);
    }

    Program& program_;
    int lanes_, accumulators_;
};

// As many groups as hold `samples`, fewer where a sample's activations are large: a worker's
// share should not grow past what a machine has.
int choose_groups(const Step* steps, int count, int lanes) {
    constexpr int samples = 64;
    constexpr int64_t budget = 64 << 20;  // floats a worker
    int64_t floats = int64_t(steps[0].channels) * steps[0].height * steps[0].width;
    for (int i = 0; i < count; i++)
        floats += 2 * int64_t(steps[i].out_channels) * steps[i].out_height * steps[i].out_width;
    return int(std::clamp<int64_t>(budget / (floats * lanes), 1, samples / lanes));
}

}  // namespace

Split tile_channels(int channels, int positions, int taps, int accumulators) {
    Split best{channels, channels};
    double least = INFINITY;
    for (int most = 1; most <= std::min(channels, max_channels); most++) {
        const Split blocks{channels, (channels + most - 1) / most};
        double cost = 0;  // blocks of two sizes at most
        const int more = channels % blocks.count, size = channels / blocks.count;
        cost += (blocks.count - more) * row_cost(size, positions, taps, accumulators);
        if (more) cost += more * row_cost(size + 1, positions, taps, accumulators);
        if (cost < least) {
            least = cost;
            best = blocks;
        }
    }
    return best;
}

Program::Program(const Step* steps, int count, int64_t table_size, int lane_count,
                 int accumulators)
    : lanes(lane_count), table(table_size) {
    check(steps, count, table_size);
    groups = choose_groups(steps, count, lanes);
    images = bordered_map(steps[0], lanes);
    kept = round_up(images.size(), 16);
    Compiler compiler(*this, accumulators);
    for (int i = 0; i < count; i += steps[i].pool_first ? 2 : 1)
        compiler.add(steps + i, steps + count);
    first_dense = int(std::count_if(stages.begin(), stages.end(),
                                    [](const Stage& s) { return s.kind != Kind::dense; }));
    const Step& last = steps[count - 1];
    classes = last.out_channels * last.out_height * last.out_width;
}

}  // namespace lenet
