// Batch normalisation over a ghost batch, which one worker holds: statistics of its groups merged
// in double, and their share in the gradient. The twin is engine/normalise.py.
#include <cmath>

#include "worker.h"

namespace lenet {

// Chan, Golub and LeVeque 1979: means and squared distances of parts are those of the whole.
void Worker::merge_moments(size_t s, int group, int samples) {
    const Stage& stage = program_.stages[s];
    const int channels = stage.input.channels;
    const double values = double(stage.input.height) * stage.input.width;
    const double before = values * group * program_.lanes, more = values * live(samples, group);
    double* whole = moments(stage);
    if (group == 0) std::fill_n(whole, 2 * channels, 0.0);
    kernels_.norm_moments(stage, live(samples, group), input(s, group), totals_.data());
    for (int c = 0; c < 2 * channels; c += 2) {
        const double apart = totals_[size_t(c)] - whole[c], share = more / (before + more);
        whole[c] += apart * share;
        whole[c + 1] += totals_[size_t(c) + 1] + apart * apart * before * share;
    }
}

void Worker::normalise(const float* table, size_t s, int samples) {
    const Stage& stage = program_.stages[s];
    const double values = double(stage.input.height) * stage.input.width * samples;
    const double* found = moments(stage);
    float* factors = factors_.data() + 3 * stage.moments;
    for (int c = 0; c < stage.input.channels; c++) {
        const double deviation = std::sqrt(found[2 * c + 1] / values + norm_epsilon);
        const double a = double(table[stage.scale + c]) / deviation;
        const float mean = float(found[2 * c]);
        factors[3 * c] = float(a);
        factors[3 * c + 1] = float(double(table[stage.bias + c]) + (double(mean) - found[2 * c]) * a);
        factors[3 * c + 2] = mean;
    }
}

void Worker::normalised(size_t s, int group) {
    const Stage& stage = program_.stages[s];
    kernels_.norm_forward(stage, factors_.data() + 3 * stage.moments, input(s, group),
                          output(s, group));
}

// Ioffe and Szegedy 2015, section 3, put together: dz = a (g - mean(g) - u mean(g u)), u the
// normalised value. Here the sums, the shard's rows and the factors; the groups follow as their
// convolution takes them, while they are in a cache.
void Worker::normalise_back(const float* table, size_t s, int samples, float* flow,
                            int64_t stride, float* gradient) {
    const Stage& stage = program_.stages[s];
    const int channels = stage.input.channels, lanes = program_.lanes;
    const double* found = moments(stage);
    const float* factors = factors_.data() + 3 * stage.moments;
    std::fill_n(totals_.begin(), 2 * channels, 0.0);
    for (int g = 0; g * lanes < samples; g++)
        kernels_.norm_chain(stage, factors, input(s, g), flow + g * stride,
                            totals_.data());
    const double values = double(stage.input.height) * stage.input.width * samples;
    float *scale = gradient + stage.gradient, *shift = scale + stage.gradient_row;
    float *mean = shift + stage.gradient_row, *variance = mean + stage.gradient_row;
    for (int c = 0; c < channels; c++) {
        const double total = totals_[size_t(2 * c)], squares = found[2 * c + 1];
        const double spread = squares / values + norm_epsilon, deviation = std::sqrt(spread);
        // The kernels' mean is a float, which is `off` by as much as a value may be.
        const double off = double(factors[3 * c + 2]) - found[2 * c];
        const double product = (totals_[size_t(2 * c) + 1] + off * total) / deviation;
        const double a = double(table[stage.scale + c]) / deviation;
        float* back = backs_.data() + 4 * c;
        back[0] = float(a);
        const double factor = -product / (values * deviation);
        back[1] = float(factor);
        back[2] = float(total / values - off * factor);
        back[3] = factors[3 * c + 2];
        scale[c] = float(product);
        shift[c] = float(total);
        mean[c] = float(found[2 * c]);
        variance[c] = float(squares / std::max(values - 1, 1.0));
    }
}

}  // namespace lenet
