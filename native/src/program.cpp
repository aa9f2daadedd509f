// Compiles steps into stages: fuses poolings, chooses tiles, and lays out every buffer once.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "check.h"
#include "layout.h"

namespace lenet {
namespace {

Map plain_map(int channels, int height, int width, int lanes) {
    return {channels, height, width, 0, 0, height, width, lanes};
}

Window window_of(const Step& s) {
    return {s.kernel_height, s.kernel_width, s.stride_y, s.stride_x, s.top, s.left};
}

// 2x2 in steps of 2, and every window inside the map.
bool is_plain(const Step& s) {
    return s.kernel_height == 2 && s.kernel_width == 2 && s.stride_y == 2 && s.stride_x == 2 &&
           s.top == 0 && s.left == 0 && s.out_height * 2 <= s.height && s.out_width * 2 <= s.width;
}

class Compiler {
public:
    Compiler(Program& program, int accumulators, Method method)
        : program_(program), lanes_(program.lanes), accumulators_(accumulators), method_(method) {}

    void add(const Step* step, const Step* end) {
        Stage stage{};
        stage.step = step->place;
        stage.never_drops = step->never_drops;
        stage.kind = step->kind;
        stage.normalised = step->scale_offset >= 0;
        stage.activation = stage.normalised ? Activation::identity : step->activation;
        stage.first = program_.stages.empty();
        stage.pooled = step->pool_first;
        stage.keeps_input = facts(stage.activation).keeps_input;
        stage.window = window_of(*step);
        stage.groups = step->groups;
        stage.divisor = step->sums ? 1.0f : float(step->kernel_height * step->kernel_width);
        if (!step->links.empty()) {
            program_.links.push_back(step->links);
            stage.links = program_.links.back().data();
        }
        if (step->kind == Kind::rbf) stage.weights = step->weight_offset;
        stage.inputs = step->channels;
        stage.winograd.outputs = winograd_tile(*step, accumulators_, method_);
        stage.input = bordered_map(*step);
        stage.linear = plain_map(step->out_channels, step->out_height, step->out_width, lanes_);
        const Step* last = stage.pooled ? step + 1 : step;
        if (stage.pooled) stage.pool = window_of(*last);
        stage.plain_pool = is_pool(last->kind) && is_plain(*last);
        stage.output = stage.normalised ? stage.linear : output_map(last, end);
        if (stage.linear_step()) add_weights(stage, *step);
        if (stage.kind == Kind::conv) add_convolution(stage);
        add_memory(stage);
        program_.stages.push_back(stage);
        if (stage.normalised) add_norm(step, end);
    }

    // What the step's last stage writes: the next step's map.
    Map output_map(const Step* step, const Step* end) const {
        return step + 1 < end && !flattens(step[1].kind)
            ? bordered_map(step[1])
            : plain_map(step->out_channels, step->out_height, step->out_width, lanes_);
    }

    // The map that a step reads, inside the border its convolution needs.
    Map bordered_map(const Step& s) const {
        Map map = plain_map(s.channels, s.height, s.width, lanes_);
        if (s.kind != Kind::conv) return map;
        map.top = s.top;
        map.left = s.left;
        map.rows = std::max(s.top + s.height, (s.out_height - 1) * s.stride_y + s.kernel_height);
        map.pitch = std::max(s.left + s.width, (s.out_width - 1) * s.stride_x + s.kernel_width);
        if (const int tile = winograd_tile(s, accumulators_, method_))
            map.pitch = std::max(map.pitch, int(round_up(s.out_width, tile)) + s.kernel_width - 1);
        return map;
    }

private:
    Split cut(const Step& step, int channels, int positions, int taps) const {
        return cut_groups(channels, step.groups, positions, taps, accumulators_);
    }

    // A stage of its own behind the convolution's.
    void add_norm(const Step* step, const Step* end) {
        Stage stage{};
        stage.step = step->place;
        stage.kind = Kind::norm;
        stage.activation = step->activation;
        stage.groups = 1;
        stage.input = stage.linear = program_.stages.back().output;
        stage.output = output_map(step, end);
        stage.passing = step + 1 < end && !flattens(step[1].kind);
        stage.scale = step->scale_offset;
        stage.bias = step->bias_offset;
        stage.mean = step->mean_offset;
        stage.variance = step->variance_offset;
        stage.moments = program_.moments;
        program_.moments += step->out_channels;
        stage.forward_blocks = {step->out_channels, 1};
        stage.gradient_row = int(round_up(step->out_channels, 16));
        stage.gradient = program_.gradient;
        program_.gradient += 4 * int64_t(stage.gradient_row);
        program_.normalised = true;
        if (program_.zeros.size() < size_t(step->out_channels))
            program_.zeros.resize(size_t(step->out_channels));
        add_memory(stage);
        program_.stages.push_back(stage);
    }

    void add_weights(Stage& stage, const Step& step) {
        stage.inputs = step.channels / step.groups * step.kernel_height * step.kernel_width;
        stage.weights = step.weight_offset;
        stage.bias = step.bias_offset;
        if (stage.winograd.outputs) add_winograd(stage, step);
        choose_tiles(stage, step);
        const int64_t area = int64_t(step.kernel_height) *
                             (stage.winograd.outputs ? 6 : step.kernel_width);
        const int64_t size = area * (step.channels / step.groups) * step.out_channels;
        stage.packed_forward = program_.packed;
        stage.packed_input = program_.packed + round_up(size, 16);
        const bool twice = stage.kind == Kind::conv && !stage.first;
        program_.packed += round_up(size, 16) * (twice ? 2 : 1);
        const int row = stage.inputs + 1;  // the bias comes last
        stage.gradient_row = stage.kind == Kind::dense ? int(round_up(row, 16)) : row;
        stage.gradient = program_.gradient;
        program_.gradient += round_up(int64_t(stage.gradient_row) * step.out_channels, 16);
    }

    void add_winograd(Stage& stage, const Step& step) {
        Winograd& w = stage.winograd;
        w.tiles = (step.out_width + w.outputs - 1) / w.outputs;
        w.lanes = lanes_;
        w.taps = step.channels * step.kernel_height;
        w.out_plane = w.row(int64_t(step.out_channels) * step.out_height);
        w.weights = int64_t(step.out_channels) * w.taps;
    }

    // How channels are cut into tiles, for each direction: what the tile's positions are.
    void choose_tiles(Stage& stage, const Step& step) {
        int forward = stage.linear.width, back = (step.width + step.stride_x - 1) / step.stride_x;
        int gradient = stage.inputs, terms = stage.linear.height * stage.linear.width;
        int taps = stage.inputs;
        if (stage.kind == Kind::dense) {
            forward = back = program_.groups;
            gradient = (stage.inputs + lanes_) / lanes_;  // vectors of inputs
            terms = program_.groups * lanes_;
        } else if (stage.winograd.outputs) {
            taps = gradient = stage.winograd.taps;
            forward = terms = stage.linear.height * stage.winograd.tiles;
            back = stage.winograd.tiles;
        }
        stage.forward_blocks = cut(step, step.out_channels, forward, taps);
        if (stage.plain_pool && !stage.winograd.outputs) {
            const int most = accumulators_ / 4;  // channels beside the four positions of a window
            const int blocks = (stage.group_outputs() + most - 1) / most;
            stage.forward_blocks = {step.out_channels, blocks * step.groups, step.groups};
        }
        stage.input_blocks = cut(step, step.channels, back, taps);
        stage.gradient_blocks = cut(step, step.out_channels, gradient, terms);
    }

    int32_t* offsets(int64_t count) {
        program_.offsets.push_back(std::make_unique<int32_t[]>(size_t(count)));
        return program_.offsets.back().get();
    }

    void add_convolution(Stage& stage) {
        choose_band(stage);
        add_offsets(stage);
        stage.linear_gradient = stage.linear;
        Map& gradient = stage.linear_gradient;
        if (stage.winograd.outputs) {
            gradient.pitch = stage.winograd.tiles * stage.winograd.outputs;
        } else if (!stage.first) {
            for (int b = 0; b < stage.input_blocks.count; b++)  // a tile may hang over the map
                gradient.left = std::max(
                    gradient.left, tile_positions(stage.input_blocks.size(b), accumulators_) - 1);
            gradient.pitch += 2 * gradient.left;
        }
        add_backward_offsets(stage);
    }

    // Where the taps of the forward product begin: rows of them, and each.
    void add_offsets(Stage& stage) {
        const Window& w = stage.window;
        const Map& in = stage.input;
        const Winograd& tiled = stage.winograd;
        const bool winograd = tiled.outputs > 0;
        int32_t* rows = offsets(int64_t(stage.group_inputs()) * w.height);
        int32_t* taps = offsets(stage.inputs);
        stage.forward_rows = rows;
        stage.taps = taps;
        for (int c = 0; c < stage.group_inputs(); c++) {
            if (winograd) *rows++ = narrow(tiled.row(int64_t(c) * tiled.in_rows));
            for (int y = 0; y < w.height; y++) {
                if (winograd) {
                    *taps++ = narrow(tiled.row(int64_t(c) * tiled.in_rows + y));
                    continue;
                }
                const int64_t row = in.channel() * c + in.row() * y;
                *rows++ = narrow(row);
                for (int x = 0; x < w.width; x++) *taps++ = narrow(row + int64_t(x) * lanes_);
            }
        }
    }

    // The same for the input gradient: kernel rows backwards, and outputs.
    void add_backward_offsets(Stage& stage) {
        const Window& w = stage.window;
        const Map& gradient = stage.linear_gradient;
        const int tap_rows = (w.height + w.stride_y - 1) / w.stride_y;
        int32_t* backwards = offsets(int64_t(tap_rows) * stage.group_outputs());
        stage.input_rows = backwards;
        for (int j = 0; j < tap_rows; j++) {
            if (stage.winograd.outputs) *backwards++ = narrow(-stage.winograd.row(j));
            else
                for (int o = 0; o < stage.group_outputs(); o++)
                    *backwards++ = narrow(gradient.channel() * o - gradient.row() * j);
        }
    }

    // Rows of the output that are computed at a time, so that what is made of them stays in a
    // cache: a block of channels before pooling in the first level, V and the products in the
    // second. Windows that overlap take the whole map, lest rows be done twice.
    void choose_band(Stage& stage) {
        int channels = 1;
        for (int b = 0; b < stage.forward_blocks.count; b++)
            channels = std::max(channels, stage.forward_blocks.size(b));
        Winograd& w = stage.winograd;
        const bool winograd = w.outputs > 0;
        const int step = stage.pooled ? stage.pool.stride_y : 1;
        const int window = stage.pooled ? stage.pool.height : 1;
        const int64_t row = stage.linear.row() * channels;
        const int64_t products = 6 * w.row(stage.linear.channels);
        const int64_t transformed = products + 6 * w.row(stage.input.channels);
        stage.band = stage.output.height;
        if (winograd && step >= window)
            stage.band = int(std::clamp<int64_t>(65536 / (transformed * step), 1, stage.band));
        else if (stage.pooled && step >= window)
            stage.band = int(std::clamp<int64_t>(4096 / (row * step), 1, stage.band));
        const int rows = std::min(stage.linear.height, (stage.band - 1) * step + window);
        int64_t scratch = stage.pooled ? row * rows : 0;
        if (winograd) {
            // A sum of the weights' gradient is fetched once a band: that should be worth it.
            w.band = std::clamp((64 + w.tiles - 1) / w.tiles, rows, stage.linear.height);
            w.in_rows = w.band + stage.window.height - 1;
            w.in_plane = w.row(int64_t(stage.input.channels) * w.in_rows);
            stage.products = products * rows;
            // V and the products forwards, V backwards, then the products of the input gradient.
            const int64_t back =
                6 * w.row(int64_t(stage.input.channels) * stage.input.height);
            scratch = std::max(6 * w.in_plane + stage.products + scratch, back);
        }
        const int64_t pooled_row = int64_t(stage.output.width) * lanes_;
        program_.scratch = std::max({program_.scratch, scratch, pooled_row});
    }

    void add_memory(Stage& stage) {
        const Map &out = stage.output, &in = stage.input;
        const int64_t out_plain = int64_t(out.channels) * out.height * out.width * lanes_;
        const int64_t in_plain = int64_t(in.channels) * in.height * in.width * lanes_;
        int64_t& place = stage.passing ? program_.passing : program_.kept;
        stage.output_at = place;
        place += round_up(out.size(), 16);
        stage.input_kept_at = program_.kept;
        if (stage.keeps_input) program_.kept += round_up(out_plain, 16);

        const Window& pool = stage.pooled ? stage.pool : stage.window;
        stage.wide_positions = int64_t(pool.height) * pool.width > 256;
        const int in_word = stage.wide_positions ? 2 : 4;
        stage.position_row = (out.width + in_word - 1) / in_word * lanes_;
        stage.positions_at = program_.positions;
        if (stage.pooled || stage.kind == Kind::maxpool)
            program_.positions +=
                round_up(int64_t(out.channels) * out.height * stage.position_row, 16);

        program_.flow = std::max({program_.flow, out_plain, in_plain});
        if (stage.kind == Kind::conv) {
            // Each convolution has its own: the zeros around the gradient are written once.
            stage.linear_at = program_.linear;
            stage.sums_at = program_.sums;
            stage.transformed_at = round_up(stage.linear_gradient.size(), 16);
            program_.linear += stage.transformed_at + round_up(6 * stage.winograd.out_plane, 16);
            program_.sums += add_sums(stage);
        }
        if (stage.kind == Kind::dense)
            program_.transposed = std::max(
                program_.transposed, (stage.gradient_row + round_up(out.channels, lanes_)) *
                                         lanes_ * program_.groups);
    }

    // Returns how many floats the sums of the weights' gradient take.
    int64_t add_sums(Stage& stage) {
        const Split& blocks = stage.gradient_blocks;
        const bool winograd = stage.winograd.outputs > 0;
        const int taps = winograd ? stage.winograd.taps : stage.inputs;
        stage.slot = int(round_up(accumulators_, lanes_));
        for (int b = 0; b < blocks.count; b++)
            stage.block_sums = std::max<int64_t>(
                stage.block_sums,
                tap_parts(blocks.size(b), taps, accumulators_).count * int64_t(stage.slot));
        stage.product_sums = blocks.count * stage.block_sums;
        stage.bias_sums = round_up(stage.product_sums * (winograd ? 6 : 1), 16);
        return round_up(stage.bias_sums + int64_t(stage.linear.channels) * lanes_, 16);
    }

    Program& program_;
    int lanes_, accumulators_;
    Method method_;
};

}  // namespace

void clear_unlinked(const Stage& stage, float* gradient) {
    if (!stage.links) return;
    const int channels = stage.input.channels, area = stage.window.height * stage.window.width;
    for (int o = 0; o < stage.linear.channels; o++)
        for (int c = 0; c < channels; c++)
            if (!stage.links[o * channels + c])
                std::fill_n(gradient + int64_t(o) * stage.gradient_row + int64_t(c) * area, area, 0.0f);
}

int32_t narrow(int64_t offset) {
    if (offset > INT32_MAX || offset < INT32_MIN)
        throw std::invalid_argument("a map is too large for this engine.");
    return int32_t(offset);
}

Program::Program(const Step* steps, int count, int64_t table_size, int lane_count,
                 int accumulators, Method method)
    : lanes(lane_count), table(table_size) {
    check(steps, count, table_size);
    groups = choose_groups(steps, count, lanes);
    Compiler compiler(*this, accumulators, method);
    images = compiler.bordered_map(steps[0]);
    kept = round_up(images.size(), 16);
    for (int i = 0; i < count; i += steps[i].pool_first ? 2 : 1)
        compiler.add(steps + i, steps + count);
    if (!normalised) add_single(*this, accumulators);
    first_dense = int(std::count_if(stages.begin(), stages.end(),
                                    [](const Stage& s) { return !flattens(s.kind); }));
    const Step& last = steps[count - 1];
    classes = last.out_channels * last.out_height * last.out_width;
}

}  // namespace lenet
