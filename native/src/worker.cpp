#include "worker.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "random.h"

namespace lenet {
namespace {

// The key that random_words_at makes (randomness.py).
uint32_t dropout_key(uint64_t seed, int64_t step, int layer) {
    const uint64_t key = stream_key({seed, dropout_stream, uint64_t(step), uint64_t(layer)});
    return uint32_t(random_word(key, 0) >> 32);
}

}  // namespace

Buffer::Buffer(int64_t floats) : size_(floats) {
    if (!floats) return;
    const size_t bytes = (size_t(floats) * sizeof(float) + 63) / 64 * 64;
    memory_.reset(static_cast<float*>(::operator new(bytes, boundary)));
    std::memset(memory_.get(), 0, bytes);
}

Worker::Worker(const Program& program, const Kernels& kernels, bool trains)
    : program_(program),
      kernels_(kernels),
      chunk_(int64_t(program.groups) * program.lanes),
      kept_(program.groups * program.kept),
      passing_(program.passing),
      scratch_(program.scratch),
      single_(program.single) {
    if (!trains) return;
    positions_ = Buffer(program.groups * program.positions);
    for (Buffer& flow : flow_) flow = Buffer(std::max(program.groups, 2) * program.flow);
    linear_ = Buffer(program.linear);
    moments_.resize(size_t(2 * program.moments));
    totals_.resize(size_t(2 * program.moments));
    factors_.resize(size_t(3 * program.moments));
    backs_.resize(size_t(4 * program.moments));
    sums_ = Buffer(program.sums);
    transposed_ = Buffer(program.transposed);
}

void Worker::forward(const float* table, const float* packed, const Batch& batch, bool training) {
    const int lanes = program_.lanes, samples = int(batch.end - batch.begin);
    const int groups = (samples + lanes - 1) / lanes;
    const int64_t pixels =
        int64_t(program_.images.channels) * program_.images.height * program_.images.width;
    for (int g = 0; g < groups; g++) {
        std::array<const uint8_t*, 16> from{};
        for (int l = 0; l < lanes; l++) {  // lanes that are left over repeat the last sample
            const int64_t i = std::min(batch.begin + int64_t(g) * lanes + l, batch.end - 1);
            from[size_t(l)] = batch.images->pixels + batch.index(i) * pixels;
        }
        kernels_.load_images(program_.images, from.data(), batch.images->scale,
                             batch.images->shift, kept(g));
        fetch_images(batch, g + 1 < groups ? batch.begin + int64_t(g + 1) * lanes : batch.ahead);
        if (!program_.normalised)
            forward_group(table, packed, 0, size_t(program_.first_dense), g, training);
    }
    if (program_.normalised) {
        size_t begin = 0;
        for (size_t s = 0; s < size_t(program_.first_dense); s++) {
            if (program_.stages[s].kind != Kind::norm) continue;
            for (int g = 0; g < groups; g++) {
                forward_group(table, packed, begin, s, g, training);
                merge_moments(s, g, samples);  // while the map is in a cache
            }
            normalise(table, s, samples);
            begin = s;
        }
        for (int g = 0; g < groups; g++)
            forward_group(table, packed, begin, size_t(program_.first_dense), g, training);
    }
    for (size_t s = size_t(program_.first_dense); s < program_.stages.size(); s++) {
        const Stage& stage = program_.stages[s];
        if (stage.kind == Kind::rbf) {
            for (int g = 0; g < groups; g++)
                kernels_.rbf_forward(stage, table + stage.weights, input(s, g), output(s, g));
            continue;
        }
        kernels_.dense_forward(stage, packed, table + stage.bias, groups, input(s, 0),
                               program_.kept, output(s, 0), program_.kept,
                               training ? kept_input(stage, 0) : nullptr, program_.kept);
        if (training && drops(s, batch))
            drop(s, batch, 1.0f / (1.0f - batch.objective->dropout), output(s, 0), program_.kept);
    }
}

// Images lie all over the memory, and their order is known: the next group's are asked for while
// this one's are worked on, unless they would take the cache from it.
void Worker::fetch_images(const Batch& batch, int64_t begin) const {
    constexpr int64_t line = 64, most = 32 << 10;
    const Map& map = program_.images;
    const int64_t pixels = int64_t(map.channels) * map.height * map.width;
    if (pixels * program_.lanes > most) return;
    for (int64_t i = begin; i < std::min(begin + program_.lanes, batch.last); i++) {
        const uint8_t* image = batch.images->pixels + batch.index(i) * pixels;
        for (int64_t at = 0; at < pixels; at += line) __builtin_prefetch(image + at, 0, 2);
    }
}

// One group through stages of maps.
void Worker::forward_group(const float* table, const float* packed, size_t begin, size_t end,
                           int group, bool training) {
    for (size_t s = begin; s < end; s++) {
        const Stage& stage = program_.stages[s];
        int32_t* at = training ? positions(stage, group) : nullptr;
        switch (stage.kind) {
            case Kind::conv:
                share_out(stage, [&](Part part, float* scratch) {
                    kernels_.conv_forward(stage, part, packed, bias(stage, table), input(s, group),
                                          output(s, group), at,
                                          training ? kept_input(stage, group) : nullptr, scratch);
                });
                break;
            case Kind::norm: normalised(s, group); break;
            case Kind::maxpool:
            case Kind::avgpool:
                kernels_.pool_forward(stage, input(s, group), output(s, group), at);
                break;
            case Kind::dense:
            case Kind::rbf: break;  // after the maps
        }
    }
}

const float* Worker::single(const float* table, const Images& images, int64_t index, bool keeps) {
    const Map& map = program_.images;
    const uint8_t* pixels =
        images.pixels + index * int64_t(map.channels) * map.height * map.width;
    return kernels_.single(program_.stages.data(), int(program_.stages.size()), table, pixels,
                           images.scale, images.shift, single_.data(), keeps);
}

void Worker::score_single(const float* table, const Images& images, int64_t index, float* scores) {
    std::copy_n(single(table, images, index, false), program_.classes, scores);
}

void Worker::prepare_alone() {
    if (single_back_.size()) return;
    Buffer flows(program_.single_flow);
    single_back_ = Buffer(program_.single);
    single_flows_ = std::move(flows);
}

Share Worker::gradient_alone(const float* table, const Batch& batch, float* gradient) {
    const int64_t at = batch.index(batch.begin);
    const float* scores = single(table, *batch.images, at, true);
    // The loss is of a group, of which the image is the first lane.
    float *group = flow_[0].data(), *back = flow_[1].data();
    for (int k = 0; k < program_.classes; k++) group[int64_t(k) * program_.lanes] = scores[k];
    const Objective& objective = *batch.objective;
    const float weight = objective.weights ? objective.weights[at] : 1.0f;
    Share share;
    share.correct = kernels_.loss(program_.classes, 1, objective, group, batch.labels + at, &weight,
                                  &share.loss, back);
    float* to = single_back_.data() + (scores - single_.data());
    for (int k = 0; k < program_.classes; k++) to[k] = back[int64_t(k) * program_.lanes];
    kernels_.single_backward(program_.stages.data(), int(program_.stages.size()), table,
                             single_.data(), single_back_.data(), single_flows_.data(), gradient);
    for (const Stage& stage : program_.stages) clear_unlinked(stage, gradient + stage.gradient);
    return share;
}

void Worker::scores(const float* table, const float* packed, const Batch& batch, float* scores) {
    const int lanes = program_.lanes, classes = program_.classes;
    for (int64_t begin = batch.begin; begin < batch.end; begin += chunk_) {
        Batch part = batch;
        part.begin = begin;
        part.end = std::min(begin + chunk_, batch.end);
        if (part.end < batch.end) part.ahead = part.end;
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
    std::fill_n(sums_.data(), sums_.size(), 0.0f);
    for (int64_t begin = batch.begin; begin < batch.end; begin += chunk_) {
        Batch part = batch;
        part.begin = begin;
        part.end = std::min(begin + chunk_, batch.end);
        if (part.end < batch.end) part.ahead = part.end;
        forward(table, packed, part, true);
        const Share share = backward(table, packed, part, gradient, begin > batch.begin);
        total.loss += share.loss;
        total.correct += share.correct;
    }
    for (const Stage& stage : program_.stages) {
        if (stage.kind != Kind::conv) continue;
        kernels_.conv_weight_sums(stage, sums_.data() + stage.sums_at, gradient + stage.gradient);
        clear_unlinked(stage, gradient + stage.gradient);
    }
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
        std::array<float, 16> weights{};
        std::array<double, 16> losses{};
        const float* each = batch.objective->weights;
        for (int l = 0; l < live(count, g); l++) {
            const int64_t at = batch.index(batch.begin + g * lanes + l);
            labels[size_t(l)] = batch.labels[at];
            weights[size_t(l)] = each ? each[at] : 1.0f;
        }
        share.correct += kernels_.loss(classes, live(count, g), *batch.objective,
                                       output(program_.stages.size() - 1, g), labels.data(),
                                       weights.data(), losses.data(),
                                       flow + int64_t(g) * classes * lanes);
        for (int l = 0; l < live(count, g); l++) share.loss += losses[size_t(l)];
    }
    for (size_t s = program_.stages.size(); s-- > size_t(program_.first_dense);) {
        const Stage& stage = program_.stages[s];
        if (drops(s, batch)) {
            // What stayed goes back to what the activation made of it.
            const float stays = 1.0f - batch.objective->dropout;
            drop(s, batch, 1.0f / stays, flow, int64_t(stage.output.channels) * lanes);
            drop(s, batch, stays, output(s, 0), program_.kept);
        }
        if (stage.kind == Kind::rbf) {
            const int64_t in_group = int64_t(stage.inputs) * lanes;
            for (int g = 0; g < groups && !stage.first; g++)
                kernels_.rbf_backward(stage, table + stage.weights, input(s, g),
                                      flow + int64_t(g) * stage.output.channels * lanes,
                                      other + int64_t(g) * in_group);
            std::swap(flow, other);
            continue;
        }
        kernels_.dense_backward(stage, table + stage.weights, groups, input(s, 0), program_.kept,
                                output(s, 0), program_.kept, kept_input(stage, 0), program_.kept,
                                flow, stage.first ? nullptr : other, gradient + stage.gradient,
                                accumulate, transposed_.data());
        std::swap(flow, other);
    }
    if (!program_.first_dense) return share;
    const Map& last = program_.stages[size_t(program_.first_dense) - 1].output;
    const int64_t size = int64_t(last.channels) * last.height * last.width * lanes;
    if (program_.normalised) {
        backward_ghost_batch(table, packed, count, flow, other, size, gradient);
        return share;
    }
    for (int g = 0; g < groups; g++) backward_maps(packed, g, flow + g * size, other);
    return share;
}

// One group's gradient back through convolutions and poolings. `gradient` is read and left;
// `work` holds two maps, used in turn.
void Worker::backward_maps(const float* packed, int group, float* gradient, float* work) {
    float* spare = work + program_.flow;
    for (size_t s = size_t(program_.first_dense); s-- > 0;) {
        backward_stage(packed, s, group, gradient, work);
        gradient = work;
        std::swap(work, spare);
    }
}

void Worker::backward_stage(const float* packed, size_t s, int group, float* gradient, float* to) {
    const Stage& stage = program_.stages[s];
    switch (stage.kind) {
        case Kind::conv: {
            float* linear = linear_.data() + stage.linear_at;
            share_out(stage, [&](Part part, float* scratch) {
                kernels_.conv_backward(stage, part, gradient, output(s, group),
                                       positions(stage, group), kept_input(stage, group),
                                       input(s, group), linear, sums_.data() + stage.sums_at,
                                       scratch);
            });
            if (stage.first) return;
            return share_out(stage, [&](Part part, float* scratch) {
                kernels_.conv_input_gradient(stage, part, packed, linear, to, scratch);
            });
        }
        case Kind::maxpool:
        case Kind::avgpool:
            if (!stage.first)
                kernels_.pool_backward(stage, gradient, positions(stage, group), to);
            return;
        case Kind::norm:   // normalise_back
        case Kind::dense:  // all groups at once, before the maps
        case Kind::rbf:
            return;
    }
}

// All groups' gradients, `stride` floats apart in `flow`, stage by stage.
void Worker::backward_ghost_batch(const float* table, const float* packed, int samples, float* flow,
                            float* work, int64_t stride, float* gradient) {
    const int groups = (samples + program_.lanes - 1) / program_.lanes;
    for (size_t s = size_t(program_.first_dense); s-- > 0;) {
        if (program_.stages[s].kind == Kind::norm) {
            normalise_back(table, s, samples, flow, stride, gradient);
            continue;
        }
        for (int g = 0; g < groups; g++) {
            float* group = flow + g * stride;
            // A convolution's weights need its input; a pooling needs none.
            const Stage& stage = program_.stages[s];
            if (stage.kind == Kind::conv && s > 0 && program_.stages[s - 1].passing)
                normalised(s - 1, g);
            if (stage.normalised)
                kernels_.norm_backward(program_.stages[s + 1], live(samples, g), backs_.data(),
                                       input(s + 1, g), group);
            backward_stage(packed, s, g, group, work + g * program_.flow);
        }
        std::swap(flow, work);
        stride = program_.flow;
    }
}

// A round of the threads costs a microsecond or two, and each part's weights and input come from another
// cache: some tens of that, in multiply-adds, should be done in it. No more parts than blocks: each
// transforms its input for itself.
int Worker::parts_of(const Stage& stage, int workers) {
    const Map& to = stage.linear;
    if (int64_t(to.channels) * to.height * to.width * stage.inputs <= 300'000) return 1;
    const int blocks = std::min(stage.forward_blocks.count, stage.gradient_blocks.count);
    return std::min({workers, blocks, stage.first ? blocks : stage.input_blocks.count});
}

bool Worker::drops(size_t stage, const Batch& batch) const {
    return batch.objective->dropout > 0 && stage + 1 < program_.stages.size() &&
           !program_.stages[stage].never_drops;
}

void Worker::drop(size_t s, const Batch& batch, float scale, float* values, int64_t stride) {
    const Stage& stage = program_.stages[s];
    const Objective& o = *batch.objective;
    const auto threshold = uint32_t(std::nearbyint(double(o.dropout) * 4294967296.0));
    Drop drop{dropout_key(o.seed, batch.step, stage.step), 0, threshold};
    for (int64_t i = batch.begin; i < batch.end; i += program_.lanes, values += stride) {
        drop.row = uint32_t(i - batch.origin);
        kernels_.drop(drop, stage.output.channels, scale, values);
    }
}

}  // namespace lenet
