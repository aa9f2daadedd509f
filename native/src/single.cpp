// How one image alone passes a program's stages, and back: kernels/single.h, single_back.h.
#include <algorithm>

#include "layout.h"

namespace lenet {
namespace {

class SingleCompiler {
public:
    SingleCompiler(Program& program, int accumulators)
        : program_(program), lanes_(program.lanes), accumulators_(accumulators) {}

    void add() {
        std::vector<Stage>& stages = program_.stages;
        int64_t pooled = 0;
        int row = 0;
        for (size_t s = 0; s < stages.size(); s++) {
            // A dense layer's input is the map before it, as it lies.
            const Map& map = s ? stages[s - 1].output : stages[s].input;
            stages[s].single.input = flat_map(stages[s], map);
            if (s) stages[s - 1].single.output = stages[s].single.input;
            if (stages[s].kind == Kind::conv) add_convolution(stages[s]);
            row = std::max({row, stages[s].input.width, stages[s].output.width});
            const Map& out = stages[s].output;
            if (stages[s].pooled)
                pooled = std::max(pooled, int64_t(out.channels) * out.height * out.width + lanes_);
            if (stages[s].kind == Kind::dense && stages[s].keeps_input)
                stages[s].single.kept = take(out.channels);
        }
        const Map& last = stages.back().output;
        stages.back().single.output = plain_flat(last.channels, last.height, last.width);
        const int64_t work = take(pooled);
        for (Stage& stage : stages) stage.single.pooled = work;
        const int64_t work_row = take(row + lanes_);
        for (Stage& stage : stages) stage.single.row = work_row;
        program_.alone = can_train() ? lanes_ / 4 : 0;
    }

private:
    // Room for so many floats, and how far it lies from the beginning.
    int64_t take(int64_t floats) {
        const int64_t at = program_.single;
        program_.single += round_up(floats, 16);
        return at;
    }

    // A stride along which nobody steps counts for one: it may be as large as a person likes.
    static int step_of(int stride, int outputs) { return outputs > 1 ? stride : 1; }

    Flat plain_flat(int channels, int height, int width) {
        // A pooling reads two vectors at a time.
        return {height, width, 0, 0, 1, take(int64_t(channels) * height * width + 2 * lanes_)};
    }

    // The map that a stage reads.
    Flat flat_map(const Stage& stage, const Map& in) {
        if (stage.kind != Kind::conv) return plain_flat(in.channels, in.height, in.width);
        const Window& w = stage.window;
        const int step = step_of(w.stride_x, stage.linear.width);
        const int width = std::max(w.left + in.width, (stage.linear.width - 1) * step + w.width);
        const int pitch = (width + step - 1) / step * step;
        const int rows = std::max(w.top + in.height,
                                  (stage.linear.height - 1) * w.stride_y + w.height);
        // Whole vectors reach over the map's end, and the last of an odd number of rows has no pair.
        const int64_t over = lanes_ + int64_t(step_of(w.stride_y, stage.linear.height)) * pitch;
        return {rows, pitch, w.top, w.left, step, take(int64_t(in.channels) * rows * pitch + over)};
    }

    void add_convolution(Stage& stage) {
        Single& one = stage.single;
        const Flat& in = one.input;
        const Map& to = stage.linear;
        const int vectors = (to.width + lanes_ - 1) / lanes_;
        const int below = one.below = step_of(stage.window.stride_y, to.height) * in.pitch;
        const int whole = int((int64_t(to.height - 1) * below + to.width + lanes_ - 1) / lanes_);
        const int half = (to.height + 1) / 2, each = to.height * vectors;
        one.rows = to.height;
        one.wide = vectors;
        one.pitch = vectors * lanes_;
        one.pairs = to.width <= lanes_ / 2 && half < std::min(whole, each);
        if (one.pairs) {
            one.rows = half;
            one.pitch = lanes_ / 2;
        } else if (whole < each) {
            one.rows = 1;
            one.wide = whole;
            one.pitch = below;
        }
        one.blocks = cut_groups(to.channels, stage.groups, one.rows * one.wide, stage.inputs,
                                accumulators_);
        add_taps(stage);
        // The rows of a pooling are read two vectors at a time.
        const int64_t size = int64_t(to.channels) * one.rows * one.wide * lanes_ + 2 * lanes_;
        one.linear = take(size);
        if (stage.keeps_input) one.kept = take(size);
        add_flow(stage, whole * lanes_);
    }

    void add_taps(Stage& stage) {
        const Flat& in = stage.single.input;
        program_.offsets.push_back(std::make_unique<int32_t[]>(size_t(stage.inputs)));
        int32_t* taps = program_.offsets.back().get();
        stage.single.taps = taps;
        for (int c = 0; c < stage.group_inputs(); c++)
            for (int y = 0; y < stage.window.height; y++)
                for (int x = 0; x < stage.window.width; x++)
                    *taps++ = narrow((int64_t(c) * in.rows + y) * in.pitch +
                                     x % in.step * (in.pitch / in.step) + x / in.step);
    }

    // The input's gradient reads a kernel's height of rows before the first, and to the end of the
    // input's map.
    void add_flow(Stage& stage, int size) {
        Single& one = stage.single;
        one.flow_size = size;
        int64_t before = 0, behind = size;
        if (!stage.first) {
            before =
                round_up(int64_t(stage.window.height - 1) * one.below + stage.window.width - 1, 16);
            behind = std::max<int64_t>(behind, int64_t(one.input.rows) * one.input.pitch);
        }
        one.flow = program_.single_flow + before;
        one.flow_channel = before + round_up(behind + lanes_, 16);
        program_.single_flow += one.flow_channel * stage.linear.channels + lanes_;
        program_.single_flow = round_up(program_.single_flow, 16);
    }

    // The gradient of a strided convolution's input would need its phases, and a first one's large
    // steps make the long row of its own gradient mostly zeros.
    bool can_train() const {
        for (const Stage& stage : program_.stages) {
            const int64_t steps = int64_t(stage.window.stride_y) * stage.window.stride_x;
            if (stage.kind == Kind::conv && steps > (stage.first ? 4 : 1)) return false;
        }
        return true;
    }

    Program& program_;
    int lanes_, accumulators_;
};

}  // namespace

void add_single(Program& program, int accumulators) { SingleCompiler(program, accumulators).add(); }

}  // namespace lenet
