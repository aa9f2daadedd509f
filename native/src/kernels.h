// The operations that exist once an instruction set. Every pointer to floats is aligned to 64
// bytes and every group of samples is one vector wide.
#pragma once

#include "layout.h"
#include "warp.h"

namespace lenet {

// One update of all parameters: what is the same for each of them.
struct Update {
    Optimizer optimizer;
    float rate, mean;                // mean: of the shards' sums, the clipping included
    float decay, size, correction2;  // adamw's, corrections for the start from zero included

    Update(const Optimizer& optimizer, float rate, int64_t step, float mean);
};

// What decides which outputs are dropped: `row` is the first sample's place in its batch.
struct Drop {
    uint32_t key, row, threshold;
};

struct Kernels {
    const char* name;
    int lanes, accumulators;

    // L images into one group's map. samples[l]: (C, H, W) bytes.
    void (*load_images)(const Map& map, const uint8_t* const* samples, const float* scale,
                        const float* shift, float* out);

    // One group through a part of a convolution, its activation and its fused pooling.
    // scratch: the convolution's rows before pooling. positions, kept: null when not training.
    void (*conv_forward)(const Stage& stage, Part part, const float* packed, const float* bias,
                         const float* in, float* out, int32_t* positions, float* kept,
                         float* scratch);
    void (*pool_forward)(const Stage& stage, const float* in, float* out, int32_t* positions);

    // Gradient of the stage's output (no border) to that of its linear part (with border), and
    // the weights' and biases' sums, added to.
    void (*conv_backward)(const Stage& stage, Part part, const float* out_gradient,
                          const float* out, const int32_t* positions, const float* kept,
                          const float* in, float* linear_gradient, float* sums, float* scratch);
    // After conv_backward of all parts of the same group.
    void (*conv_input_gradient)(const Stage& stage, Part part, const float* packed,
                                const float* linear_gradient, float* in_gradient, float* scratch);
    void (*pool_backward)(const Stage& stage, const float* out_gradient,
                          const int32_t* positions, float* in_gradient);
    // A shard's gradient rows, [output][K weights, bias], from the sums of all its groups.
    void (*conv_weight_sums)(const Stage& stage, const float* sums, float* gradient);

    // Dense, all groups at once; strides between groups in floats.
    void (*dense_forward)(const Stage& stage, const float* packed, const float* bias, int groups,
                          const float* in, int64_t in_stride, float* out, int64_t out_stride,
                          float* kept, int64_t kept_stride);
    void (*dense_backward)(const Stage& stage, const float* weights, int groups, const float* in,
                           int64_t in_stride, const float* out, int64_t out_stride,
                           const float* kept, int64_t kept_stride, float* out_gradient,
                           float* in_gradient, float* gradient, bool accumulate,
                           float* transposed);

    // One group through an RBF step, and back; see kernels/rbf.h.
    void (*rbf_forward)(const Stage& stage, const float* targets, const float* in, float* out);
    void (*rbf_backward)(const Stage& stage, const float* targets, const float* in,
                         const float* out_gradient, float* in_gradient);

    // Normalisation of one group; see kernels/norm.h.
    void (*norm_moments)(const Stage& stage, int live, const float* in, double* moments);
    void (*norm_forward)(const Stage& stage, const float* factors, const float* in, float* out);
    void (*norm_chain)(const Stage& stage, const float* factors, const float* in, float* gradient,
                       double* sums);
    void (*norm_backward)(const Stage& stage, int live, const float* back, const float* in,
                          float* gradient);

    // One group's units: dropped, or times `scale`.
    void (*drop)(const Drop& drop, int units, float scale, float* values);

    // The objective's loss of one group: losses (L,) and the scores' gradient of the SUM of
    // losses, zero in lanes from `live` on. weights: (live,). Returns how many are right.
    int (*loss)(int classes, int live, const Objective& objective, const float* scores,
                const int32_t* labels, const float* weights, double* loss, float* gradient);

    // values[i] moves by the sum over shards of gradients[s][i], times update.mean. states: one a
    // row of the optimizer's state.
    void (*update)(const Update& update, int shards, const float* const* gradients, int count,
                   float* values, float* const* states);

    // One image, pixels (C, H, W), alone through all stages. memory: Program::single floats, zero
    // before the first image. Returns its scores, in the memory; keeps: what single_backward needs.
    const float* (*single)(const Stage* stages, int count, const float* table,
                           const uint8_t* pixels, const float* scale, const float* shift,
                           float* memory, bool keeps);
    // Its backward pass, after `single`. gradients: as large as memory, the scores' gradient where
    // `single` has the scores; flows: Program::single_flow floats, zero before the first. gradient:
    // of the shard, but dense steps have their factors instead, as `single_row` reads them.
    void (*single_backward)(const Stage* stages, int count, const float* table,
                            const float* memory, float* gradients, float* flows, float* gradient);
    // One row of a dense step's gradient, (inputs,), summed over the shards whose factors these
    // are; returns the bias's.
    float (*single_row)(const Stage& stage, int shards, const float* const* factors, int output,
                        float* row);

    // Writes image number `at` of the result.
    void (*warp)(const Warp& warp, int64_t at, const WarpScratch& scratch);

    // Multiply-adds on registers only: returns how many were done.
    double (*spin)(int64_t rounds, float* sink);
};

namespace baseline { const Kernels& kernels(); }
namespace avx2 { const Kernels& kernels(); }
namespace avx512 { const Kernels& kernels(); }

// The table for a name of available_isas(), or for "auto" the best; throws std::invalid_argument.
const Kernels& choose_kernels(const char* isa);

}  // namespace lenet
