// The parameters, by blocks of a stage's outputs: a block's gradients are summed over the shards, the
// block is moved and packed by whoever has just moved it.
#pragma once

#include <vector>

#include "kernels.h"
#include "worker.h"

namespace lenet {

// The gradients of a batch: one per shard. Of images that went alone a dense step has two factors.
struct Gradients {
    const std::vector<Buffer>& buffers;
    int shards;
    bool alone;

    const float* of(int shard) const { return buffers[size_t(shard)].data(); }
};

class Blocks {
public:
    Blocks(const Program& program, const Kernels& kernels, int workers);

    int count() const { return int(blocks_.size()); }
    // Where each worker's own blocks end: of all parameters they have equally many.
    const std::vector<int>& ends() const { return ends_; }

    void pack(int block, const float* table, float* packed) const;
    // By the shards' gradients. state: the optimizer's tables.
    void move(int block, const Update& update, const Gradients& gradients, float* table,
              float* state) const;
    // If it is a norm stage's: its running statistics move towards the mean of its ghost batches' own.
    void follow_statistics(int block, const Update& update, const Gradients& gradients,
                           float* table, float* state) const;
    // The sum of the squares of its gradient.
    double square(int block, const Gradients& gradients) const;

private:
    struct Block {
        size_t stage;
        int number;
    };
    const Stage& stage_of(int block) const {
        return program_.stages[blocks_[size_t(block)].stage];
    }
    int64_t size_of(int block) const;
    void divide(int workers);
    template <typename F>
    void for_gradients(int block, const Gradients& gradients, F f) const;

    const Program& program_;
    const Kernels& kernels_;
    std::vector<Block> blocks_;
    std::vector<int> ends_;
};

}  // namespace lenet
