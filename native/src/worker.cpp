#include "worker.h"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

namespace lenet {

Buffer::Buffer(int64_t floats) : size_(floats) {
    if (!floats) return;
    const size_t bytes = (size_t(floats) * sizeof(float) + 63) / 64 * 64;
    memory_.reset(static_cast<float*>(std::aligned_alloc(64, bytes)));
    if (!memory_) throw std::bad_alloc();
    std::memset(memory_.get(), 0, bytes);
}

Worker::Worker(const Program& program, const Kernels& kernels, bool trains)
    : program_(program),
      kernels_(kernels),
      chunk_(int64_t(program.groups) * program.lanes),
      kept_(program.groups * program.kept),
      scratch_(program.scratch),
      single_(program.single) {
    if (!trains) return;
    positions_ = Buffer(program.groups * program.positions);
    for (Buffer& flow : flow_) flow = Buffer(std::max(program.groups, 2) * program.flow);
    linear_ = Buffer(program.linear);
    lane_sums_ = Buffer(program.lane_sums);
    transposed_ = Buffer(program.transposed);
}

void Worker::forward(const float* table, const float* packed, const Batch& batch, bool training) {
    const int lanes = program_.lanes;
    const int groups = int((batch.end - batch.begin + lanes - 1) / lanes);
    const int64_t pixels =
        int64_t(program_.images.channels) * program_.images.height * program_.images.width;
    for (int g = 0; g < groups; g++) {
        std::array<const uint8_t*, 16> samples{};
        for (int l = 0; l < lanes; l++) {  // lanes that are left over repeat the last sample
            const int64_t i = std::min(batch.begin + int64_t(g) * lanes + l, batch.end - 1);
            samples[size_t(l)] = batch.images->pixels + batch.index(i) * pixels;
        }
        kernels_.load_images(program_.images, samples.data(), batch.images->scale,
                             batch.images->shift, kept(g));
        for (int s = 0; s < program_.first_dense; s++) {
            const Stage& stage = program_.stages[size_t(s)];
            int32_t* at = training ? positions(stage, g) : nullptr;
            if (stage.kind == Kind::conv)
                kernels_.conv_forward(stage, packed, table + stage.bias, input(size_t(s), g),
                                      output(size_t(s), g), at,
                                      training ? kept_input(stage, g) : nullptr, scratch_.data());
            else
                kernels_.pool_forward(stage, input(size_t(s), g), output(size_t(s), g), at);
        }
    }
    for (size_t s = size_t(program_.first_dense); s < program_.stages.size(); s++) {
        const Stage& stage = program_.stages[s];
        kernels_.dense_forward(stage, packed, table + stage.bias, groups, input(s, 0),
                               program_.kept, output(s, 0), program_.kept,
                               training ? kept_input(stage, 0) : nullptr, program_.kept);
    }
}

void Worker::score_single(const float* table, const Images& images, int64_t index, float* scores) {
    const Map& map = program_.images;
    const uint8_t* pixels =
        images.pixels + index * int64_t(map.channels) * map.height * map.width;
    kernels_.single(program_.stages.data(), int(program_.stages.size()), table, pixels,
                    images.scale, images.shift, single_.data(), scores);
}

void Worker::scores(const float* table, const float* packed, const Batch& batch, float* scores) {
    const int lanes = program_.lanes, classes = program_.classes;
    for (int64_t begin = batch.begin; begin < batch.end; begin += chunk_) {
        const Batch part{batch.images, nullptr, batch.order, begin,
                         std::min(begin + chunk_, batch.end)};
        forward(table, packed, part, false);
        for (int64_t i = part.begin; i < part.end; i++) {
            const int64_t n = i - part.begin;
            const float* from =
                output(program_.stages.size() - 1, int(n / lanes)) + n % lanes;
            for (int k = 0; k < classes; k++) scores[i * classes + k] = from[int64_t(k) * lanes];
        }
    }
}

Share Worker::gradient(const float* table, const float* packed, const Batch& batch,
                       float* gradient) {
    Share total;
    std::fill_n(lane_sums_.data(), lane_sums_.size(), 0.0f);
    for (int64_t begin = batch.begin; begin < batch.end; begin += chunk_) {
        const Batch part{batch.images, batch.labels, batch.order, begin,
                         std::min(begin + chunk_, batch.end)};
        forward(table, packed, part, true);
        const Share share = backward(table, packed, part, gradient, begin > batch.begin);
        total.loss += share.loss;
        total.correct += share.correct;
    }
    for (const Stage& stage : program_.stages)
        if (stage.kind == Kind::conv)
            kernels_.conv_weight_sums(stage, lane_sums_.data() + stage.lane_sums_at,
                                      gradient + stage.gradient);
    return total;
}

Share Worker::backward(const float* table, const float* packed, const Batch& batch,
                       float* gradient, bool accumulate) {
    const int lanes = program_.lanes, classes = program_.classes;
    const int count = int(batch.end - batch.begin), groups = (count + lanes - 1) / lanes;
    float *flow = flow_[0].data(), *other = flow_[1].data();
    Share share;
    for (int g = 0; g < groups; g++) {
        std::array<int32_t, 16> labels{};
        std::array<double, 16> losses{};
        const int live = std::min(lanes, count - g * lanes);
        for (int l = 0; l < live; l++)
            labels[size_t(l)] = batch.labels[batch.index(batch.begin + g * lanes + l)];
        share.correct +=
            kernels_.loss(classes, live, output(program_.stages.size() - 1, g), labels.data(),
                          losses.data(), flow + int64_t(g) * classes * lanes);
        for (int l = 0; l < live; l++) share.loss += losses[size_t(l)];
    }
    for (size_t s = program_.stages.size(); s-- > size_t(program_.first_dense);) {
        const Stage& stage = program_.stages[s];
        kernels_.dense_backward(stage, table + stage.weights, groups, input(s, 0), program_.kept,
                                output(s, 0), program_.kept, kept_input(stage, 0), program_.kept,
                                flow, stage.first ? nullptr : other, gradient + stage.gradient,
                                accumulate, transposed_.data());
        std::swap(flow, other);
    }
    if (!program_.first_dense) return share;
    const Map& last = program_.stages[size_t(program_.first_dense) - 1].output;
    const int64_t size = int64_t(last.channels) * last.height * last.width * lanes;
    for (int g = 0; g < groups; g++) backward_maps(packed, g, flow + g * size, other);
    return share;
}

// One group's gradient back through convolutions and poolings. `gradient` is read and left;
// `work` holds two maps, used in turn.
void Worker::backward_maps(const float* packed, int group, float* gradient, float* work) {
    float* spare = work + program_.flow;
    for (size_t s = size_t(program_.first_dense); s-- > 0;) {
        const Stage& stage = program_.stages[s];
        if (stage.kind == Kind::conv) {
            float* linear = linear_.data() + stage.linear_at;
            kernels_.conv_backward(stage, gradient, output(s, group), positions(stage, group),
                                   kept_input(stage, group), input(s, group), linear,
                                   lane_sums_.data() + stage.lane_sums_at, scratch_.data());
            if (!stage.first) 
                kernels_.conv_input_gradient(stage, packed, linear, work, scratch_.data());
        } else if (!stage.first) {
            kernels_.pool_backward(stage, gradient, positions(stage, group), work);
        }
        gradient = work;
        std::swap(work, spare);
    }
}

}  // namespace lenet
