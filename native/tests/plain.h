// The oracle of the native tests: one sample at a time, in double, by loops that follow the
// definitions. Slow, and nothing in it is shared with the engine but the Step.
#pragma once

#include <cstdint>
#include <vector>

#include "engine.h"

namespace lenet::test {

using Values = std::vector<double>;

double activated(Activation activation, double z);
double derivative(Activation activation, double z);  // at a kink 0, leaky: the lower branch

// What a step did with one sample; maps are [channel][row][column].
struct Trace {
    Values x, z, y;            // in, before the activation, out
    std::vector<int> winners;  // of a max pooling: where in x each output came from
};

Trace forward(const Step& step, const Values& x, const Values& table);
// The gradient of x; that of the parameters is added to `gradient`, laid out as the table.
Values backward(const Step& step, const Trace& trace, const Values& dy, const Values& table,
                Values& gradient);

struct Loss {
    double loss;
    Values gradient;  // by the scores
    bool correct;
};
Loss softmax_loss(const Values& scores, int label);

// Steps written one after the other, with shapes, offsets and pool_first filled in.
class Net {
public:
    Net(int channels, int height, int width);

    Net& conv(int out, int kernel_height, int kernel_width, Activation activation = {},
              int stride_y = 1, int stride_x = 1, int top = 0, int bottom = 0, int left = 0,
              int right = 0);
    Net& pool(Kind kind, int height, int width, int stride_y, int stride_x, int top = 0,
              int bottom = 0, int left = 0, int right = 0);
    Net& dense(int out, Activation activation = {});
    Net& grouped(int groups);  // of the convolution that comes next
    Net& linked();  // the convolution that comes next: half of its channels
    Net& sums();    // of the average pooling before
    Net& rbf(int out);
    Net& norm();  // normalises the convolution before; the plain loops do not

    const Step* data() const { return steps.data(); }
    int count() const { return int(steps.size()); }
    int classes() const;
    int pixels() const;

    // Weights of about 1 / sqrt(inputs), biases too; zeros between the tensors.
    Values parameters(uint64_t seed) const;

    std::vector<Step> steps;
    int64_t table = 0;

private:
    Net& add(Step step, int window_rows, int window_columns);

    int channels_, height_, width_, groups_ = 1;
    bool linked_ = false;
};

struct Answer {
    Values scores;  // (samples, classes)
    double loss = 0;
    int64_t correct = 0;
    Values gradient;  // of the mean loss
};
// images: (samples, C, H, W) bytes of the samples in `order`.
Answer run(const Net& net, const Values& table, const std::vector<uint8_t>& images,
           const std::vector<int32_t>& labels, const std::vector<int32_t>& order,
           const std::vector<float>& scale, const std::vector<float>& shift);

// Numbers from a seed, the same everywhere (splitmix64).
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint64_t bits();
    double uniform(double low, double high);
    int below(int count) { return int(bits() % uint64_t(count)); }

private:
    uint64_t state_;
};

}  // namespace lenet::test
