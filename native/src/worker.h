// One thread's memory, and the forward and backward pass of a few groups of samples.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "denormals.h"
#include "kernels.h"
#include "thread_pool.h"

namespace lenet {

// Zeroed floats on a 64-byte boundary; throws std::bad_alloc.
class Buffer {
public:
    explicit Buffer(int64_t floats = 0);
    float* data() { return memory_.get(); }
    const float* data() const { return memory_.get(); }
    int64_t size() const { return size_; }

private:
    // std::aligned_alloc is not everywhere.
    static constexpr std::align_val_t boundary{alignment * sizeof(float)};
    struct Free {
        void operator()(float* p) const { ::operator delete(p, boundary); }
    };
    std::unique_ptr<float, Free> memory_;
    int64_t size_ = 0;
};

// Samples of a data set, by index; a null order means first, first + 1, ...
struct Batch {
    const Images* images;
    const int32_t* labels;
    const int32_t* order;
    int64_t begin, end;
    const Objective* objective = nullptr;  // when training
    int64_t origin = 0, step = 0;          // where the whole batch begins; its step, from 1
    int64_t ahead = 0, last = 0;           // where this worker may go on; the end of all there is

    int64_t index(int64_t i) const { return order ? order[i] : i; }
};

// What a shard of a batch yields. Its gradient is the sum, not the mean.
struct Share {
    double loss = 0;
    int64_t correct = 0;
};

class Worker;

// Those who work on one shard together, where there are fewer shards than workers: on the first's
// memory, each with work space of its own.
struct Helpers {
    ThreadPool& pool;
    const std::vector<std::unique_ptr<Worker>>& workers;
};

class Worker {
public:
    Worker(const Program& program, const Kernels& kernels, bool trains);

    // Until it is called again: who helps, or nobody (null). Results do not depend on it.
    void work_with(const Helpers* helpers) { helpers_ = helpers; }

    void scores(const float* table, const float* packed, const Batch& batch, float* scores);
    // One image, by the way that is quickest for one.
    void score_single(const float* table, const Images& images, int64_t index, float* scores);
    Share gradient(const float* table, const float* packed, const Batch& batch, float* gradient);
    // The same of the batch's first image alone: its dense steps' gradients are factors. Once
    // before the first: `prepare_alone`.
    void prepare_alone();
    Share gradient_alone(const float* table, const Batch& batch, float* gradient);

private:
    // One image through all stages, by the way that is quickest for one; its scores.
    const float* single(const float* table, const Images& images, int64_t index, bool keeps);
    void forward(const float* table, const float* packed, const Batch& batch, bool training);
    void fetch_images(const Batch& batch, int64_t begin) const;
    Share backward(const float* table, const float* packed, const Batch& batch, float* gradient,
                   bool accumulate);
    void forward_group(const float* table, const float* packed, size_t begin, size_t end, int group,
                       bool training);
    void backward_maps(const float* packed, int group, float* gradient, float* work);

    void backward_stage(const float* packed, size_t stage, int group, float* gradient, float* to);

    // Calls work(part, work space) for all parts of a stage; all workers do if it is long enough.
    template <typename Work>
    void share_out(const Stage& stage, Work work) {
        const int parts = helpers_ ? parts_of(stage, helpers_->pool.size()) : 1;
        if (parts == 1) return work(undivided, scratch_.data());
        auto take = [&](int worker) {
            const DenormalsAreZero here;
            float* scratch = helpers_->workers[size_t(worker)]->scratch_.data();
            for (int part; (part = helpers_->pool.next(worker)) >= 0;) work({part, parts}, scratch);
        };
        helpers_->pool.deal(parts);
        helpers_->pool.run(take);
    }
    static int parts_of(const Stage& stage, int workers);

    // Stage by stage, as normalisation needs all groups of a ghost batch at a time.
    void normalise(const float* table, size_t stage, int samples);
    void normalised(size_t stage, int group);
    void merge_moments(size_t stage, int group, int samples);
    void backward_ghost_batch(const float* table, const float* packed, int samples, float* flow,
                        float* work, int64_t stride, float* gradient);
    void normalise_back(const float* table, size_t stage, int samples, float* flow,
                        int64_t stride, float* gradient);
    double* moments(const Stage& stage) { return moments_.data() + 2 * stage.moments; }

    // Whether dropout follows a dense stage, and what it does to values of the stage's groups.
    bool drops(size_t stage, const Batch& batch) const;
    void drop(size_t stage, const Batch& batch, float scale, float* values, int64_t stride);

    const float* bias(const Stage& stage, const float* table) const {
        return stage.normalised ? program_.zeros.data() : table + stage.bias;
    }
    int live(int samples, int group) const {
        return std::min(program_.lanes, samples - group * program_.lanes);
    }

    float* kept(int group) { return kept_.data() + group * program_.kept; }
    float* input(size_t stage, int group) {
        return stage ? output(stage - 1, group) : kept(group);
    }
    float* output(size_t stage, int group) {
        const Stage& one = program_.stages[stage];
        return (one.passing ? passing_.data() : kept(group)) + one.output_at;
    }
    float* kept_input(const Stage& stage, int group) {
        return stage.keeps_input ? kept(group) + stage.input_kept_at : nullptr;
    }
    int32_t* positions(const Stage& stage, int group) {
        return reinterpret_cast<int32_t*>(positions_.data()) + group * program_.positions +
               stage.positions_at;
    }

    const Program& program_;
    const Kernels& kernels_;
    const Helpers* helpers_ = nullptr;
    int64_t chunk_;  // samples held at a time
    std::vector<double> moments_, totals_;   // a channel of a norm stage: two numbers
    std::vector<float> factors_, backs_;  // three and four
    Buffer kept_, passing_, positions_, flow_[2], linear_, sums_, scratch_, transposed_;
    Buffer single_, single_back_, single_flows_;  // the last two: prepare_alone
};

}  // namespace lenet
