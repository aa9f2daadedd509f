#include "blocks.h"

#include "pack.h"

namespace lenet {

Blocks::Blocks(const Program& program, const Kernels& kernels, int workers)
    : program_(program), kernels_(kernels) {
    for (size_t s = 0; s < program.stages.size(); s++)
        if (program.stages[s].kind == Kind::norm || program.stages[s].linear_step())
            for (int b = 0; b < program.stages[s].forward_blocks.count; b++)
                blocks_.push_back({s, b});
    divide(workers);
}

int64_t Blocks::size_of(int block) const {
    const Stage& stage = stage_of(block);
    if (stage.kind == Kind::norm) return 2 * stage.output.channels;
    return int64_t(stage.forward_blocks.size(blocks_[size_t(block)].number)) * (stage.inputs + 1);
}

// A worker's blocks end where its share of all parameters does.
void Blocks::divide(int workers) {
    int64_t total = 0, before = 0;
    for (int block = 0; block < count(); block++) total += size_of(block);
    int end = 0;
    for (int worker = 1; worker <= workers; worker++) {
        while (end < count() && before < total * worker / workers) before += size_of(end++);
        ends_.push_back(end);
    }
}

void Blocks::pack(int block, const float* table, float* packed) const {
    const Stage& stage = stage_of(block);
    if (stage.linear_step()) lenet::pack(stage, blocks_[size_t(block)].number, table, packed);
}

// Calls f(offset in the table, gradients, how many there are, count) for runs of its parameters.
template <typename F>
void Blocks::for_gradients(int block, const Gradients& gradients, F f) const {
    const Stage& stage = stage_of(block);
    std::vector<const float*> from(static_cast<size_t>(gradients.shards));
    const auto at = [&](int64_t place) {
        for (int s = 0; s < gradients.shards; s++) from[size_t(s)] = gradients.of(s) + place;
        return from.data();
    };
    const int shards = gradients.shards, inputs = stage.inputs;
    if (stage.kind == Kind::norm) {
        const int channels = stage.output.channels;
        f(stage.scale, at(stage.gradient), shards, channels);
        f(stage.bias, at(stage.gradient + stage.gradient_row), shards, channels);
        return;
    }
    const bool factors = gradients.alone && stage.kind == Kind::dense;
    std::vector<float> row(size_t(factors ? inputs : 0));
    const int number = blocks_[size_t(block)].number, first = stage.forward_blocks.begin(number);
    for (int o = first; o < first + stage.forward_blocks.size(number); o++) {
        const int64_t weights = stage.weights + int64_t(o) * inputs;
        if (factors) {
            const float bias = kernels_.single_row(stage, shards, at(stage.gradient), o, row.data());
            const float* sums[] = {row.data(), &bias};
            f(weights, sums, 1, inputs);
            f(stage.bias + o, sums + 1, 1, 1);
            continue;
        }
        const int64_t gradient = stage.gradient + int64_t(o) * stage.gradient_row;
        f(weights, at(gradient), shards, inputs);
        if (!stage.normalised) f(stage.bias + o, at(gradient + inputs), shards, 1);
    }
}

void Blocks::move(int block, const Update& update, const Gradients& gradients, float* table,
                  float* state) const {
    const int rows = update.optimizer.state_rows();
    for_gradients(block, gradients,
                  [&](int64_t at, const float* const* from, int sums, int count) {
                      float* states[3]{};
                      for (int r = 0; r < rows; r++) states[r] = state + r * program_.table + at;
                      kernels_.update(update, sums, from, count, table + at, states);
                  });
}

double Blocks::square(int block, const Gradients& gradients) const {
    double total = 0;
    for_gradients(block, gradients, [&](int64_t, const float* const* from, int sums, int count) {
        for (int i = 0; i < count; i++) {
            float g = 0;
            for (int s = 0; s < sums; s++) g += from[s][i];
            total += double(g) * double(g);
        }
    });
    return total;
}

void Blocks::follow_statistics(int block, const Update& update, const Gradients& gradients,
                               float* table, float* state) const {
    const Stage& stage = stage_of(block);
    if (stage.kind != Kind::norm) return;
    const float keep = update.optimizer.ema_decay;
    float* average = keep > 0 ? state + (update.optimizer.state_rows() - 1) * program_.table : nullptr;
    const auto follow = [&](int64_t at, int64_t found) {
        for (int c = 0; c < stage.output.channels; c++) {
            double total = 0;
            for (int s = 0; s < gradients.shards; s++) total += double(gradients.of(s)[found + c]);
            float& value = table[at + c];
            value = (1 - running_momentum) * value + running_momentum * float(total / gradients.shards);
            if (keep > 0) average[at + c] = keep * average[at + c] + (1 - keep) * value;
        }
    };
    follow(stage.mean, stage.gradient + 2 * stage.gradient_row);
    follow(stage.variance, stage.gradient + 3 * stage.gradient_row);
}

}  // namespace lenet
