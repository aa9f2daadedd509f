// The engine's public header (augment.h beside it): plain pointers and sizes, no Python, no NumPy.
//
// Letters, here and in every kernel:
//   N samples, C input channels, H x W input map, O output channels, P x Q output map,
//   K = C / g * kh * kw inputs of one output of a convolution of g groups (g is 1 in all others),
//   L lanes of a vector, G groups of L samples.
// Images are bytes, (N, C, H, W). Parameters are one flat table that the caller owns; where each
// tensor lies in it is part of the steps.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "constants.h"

namespace lenet {

// One layer, as the plan describes it. Dense steps are I x 1 x 1 to O x 1 x 1.
struct Step {
    Kind kind;
    std::vector<int32_t> inputs;  // the places of the steps it reads; -1 is the images
    int32_t channels, height, width;              // what it reads: C, H, W
    int32_t out_channels, out_height, out_width;  // what it writes: O, P, Q
    int32_t kernel_height, kernel_width, stride_y, stride_x;
    int32_t top, bottom, left, right;  // padding
    int32_t groups = 1;                // of a convolution: each sees C / groups channels alone
    int32_t sums = 0;                  // an average pooling does not divide by its window's size
    std::vector<uint8_t> links;        // (O, C): which channels a convolution's see; empty for all
    int32_t place = 0;                 // of the plan's step that this is a part of: for dropout
    int32_t never_drops = 0;           // dropout does not follow: to the plan it is no dense step
    Activation activation;
    int32_t pool_first;            // pool before the activation: the next step is a max pooling
    int32_t weight_offset = -1, bias_offset = -1;  // floats from the table's start; -1 without
    // Of a normalised convolution, (O) each; its bias is the normalisation's shift.
    int32_t scale_offset = -1, mean_offset = -1, variance_offset = -1;
};

struct Images {
    const uint8_t* pixels;  // (count, C, H, W)
    int64_t count;
    const float* scale;  // (C,): a pixel enters the network as byte * scale + shift
    const float* shift;  // (C,)
};

struct Optimizer {
    OptimizerKind kind;
    float momentum, beta1, beta2, epsilon, weight_decay;
    float max_grad_norm;  // 0: any
    float ema_decay;      // of the parameters' moving average; 0: none is kept

    // Tables of state: the kind's own, then the average.
    int state_rows() const {
        return optimizers[static_cast<int32_t>(kind)].state_rows + (ema_decay > 0);
    }
};

// What is made small: weight * cross-entropy against (1 - label_smoothing) at the label and
// label_smoothing / classes everywhere on top. With `rubbish` above minus infinity there is a class
// more, of that score, which no image belongs to. Where `nearest`, it is minus the label's score.
struct Objective {
    float label_smoothing;
    float dropout;             // share of hidden dense outputs put to zero
    uint64_t seed;             // decides which
    const float* weights;      // one per image, or null
    float rubbish = -std::numeric_limits<float>::infinity();
    bool nearest = false;
};

// Consecutive training steps: step s takes order[s * batch .. ) and moves with rates[s].
struct Schedule {
    const int32_t* order;  // (samples,): indices of images
    int64_t samples;
    int32_t batch;
    const float* rates;  // (ceil(samples / batch),)
    int64_t first_step;  // steps done before these, for bias correction
};

struct Progress {
    int64_t steps;  // how many were done; fewer than asked when a loss was not finite
};

// A network ready to run on this machine. One caller at a time; it starts its threads once and
// keeps them. Throws std::invalid_argument for steps that break the plan's invariants.
class Session {
public:
    // isa: "auto", or one of available_isas(). threads >= 1, the caller's own included.
    // convolution: "fastest", "direct" (the plain sum of products everywhere) or "winograd"
    // (wherever it can be).
    Session(const Step* steps, int count, int64_t table_size, const char* isa, int threads,
            const char* convolution = "fastest");
    ~Session();

    // No step may be normalised: fold the normalisation into its convolution before.
    // scores (count, classes). Threads, and neighbours in a batch, do not change a sample's scores.
    // Up to four images in a call go one by one, by kernels of their own: other roundings.
    void scores(const float* table, const Images& images, float* scores);

    // In batches of up to a quarter of the lanes `gradient` and `train` take images one by one, by
    // kernels of their own (other roundings), unless outputs are dropped, the network is normalised,
    // a later convolution is strided or the first one's steps are large.

    // The mean loss over all images and its gradient (table_size), as step `step` (from 1) would
    // have them; returns the loss.
    double gradient(const float* table, const Images& images, const int32_t* labels,
                    const Objective& objective, int64_t step, float* gradient, int64_t* correct);

    // Trains in place. state: optimizer.state_rows() tables, one after the other. losses and
    // correct (one per step) are the batch's mean loss and its number of correct answers, both
    // before the update. Stops before the update of a step whose loss is not finite.
    Progress train(float* table, float* state, const Images& images, const int32_t* labels,
                   const Schedule& schedule, const Optimizer& optimizer,
                   const Objective& objective, double* losses, int64_t* correct);

    const char* isa() const;
    int lanes() const;
    int threads() const;
    int classes() const;

private:
    struct Self;
    std::unique_ptr<Self> self_;
};

// Names of the instruction sets this build holds and this processor runs, best first; the list
// ends with a null pointer.
const char* const* available_isas();

// The float32 multiply-add rate of this machine in FLOP/s (two per multiply-add), measured for
// about `seconds` on `threads` threads: the limit every kernel is held against.
double measure_peak(const char* isa, int threads, double seconds);

}  // namespace lenet
