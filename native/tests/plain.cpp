#include "plain.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace lenet::test {
namespace {

double sigmoid(double z) { return 1.0 / (1.0 + std::exp(-z)); }

// Calls f(output, input, tap) for every input that a window of `step` meets; in a pooling and in a
// convolution's one input channel alike. Indices are inside a channel; tap is inside the window.
template <typename F>
void for_each_tap(const Step& s, F f) {
    for (int p = 0; p < s.out_height; p++)
        for (int q = 0; q < s.out_width; q++)
            for (int i = 0; i < s.kernel_height; i++)
                for (int j = 0; j < s.kernel_width; j++) {
                    const int y = p * s.stride_y + i - s.top, x = q * s.stride_x + j - s.left;
                    if (y >= 0 && y < s.height && x >= 0 && x < s.width)
                        f(p * s.out_width + q, y * s.width + x, i * s.kernel_width + j);
                }
}

bool has_weights(const Step& s) { return s.kind == Kind::conv || s.kind == Kind::dense; }
int in_area(const Step& s) { return s.height * s.width; }
int out_area(const Step& s) { return s.out_height * s.out_width; }
int window_area(const Step& s) { return s.kernel_height * s.kernel_width; }
double share(const Step& s) { return s.sums ? 1.0 : 1.0 / window_area(s); }
bool is_linked(const Step& s, int output, int channel) {
    return s.links.empty() || s.links[size_t(output * s.channels + channel)];
}

int weight_of(const Step& s, int output, int channel) {
    const int seen = s.channels / s.groups;
    return s.weight_offset + (output * seen + channel % seen) * window_area(s);
}

// The channels of the input that an output is made of, from the first to before the last.
struct Seen {
    int first, last;
};
Seen seen_by(const Step& s, int output) {
    if (!has_weights(s)) return {output, output + 1};
    const int count = s.channels / s.groups;
    const int first = output / (s.out_channels / s.groups) * count;
    return {first, first + count};
}

// Minus the squared distances to the targets, and the way back.
Values nearness(const Step& s, const Values& x, const Values& table) {
    Values y(size_t(s.out_channels), 0.0);
    for (int o = 0; o < s.out_channels; o++)
        for (int i = 0; i < s.channels; i++) {
            const double apart = x[size_t(i)] - table[size_t(s.weight_offset + o * s.channels + i)];
            y[size_t(o)] -= apart * apart;
        }
    return y;
}

Values nearness_back(const Step& s, const Values& x, const Values& dy, const Values& table) {
    Values dx(x.size());
    for (int o = 0; o < s.out_channels; o++)
        for (int i = 0; i < s.channels; i++) {
            const double apart = x[size_t(i)] - table[size_t(s.weight_offset + o * s.channels + i)];
            dx[size_t(i)] -= 2 * dy[size_t(o)] * apart;
        }
    return dx;
}

}  // namespace

double activated(Activation activation, double z) {
    switch (activation) {
        case Activation::identity: return z;
        case Activation::sigmoid: return sigmoid(z);
        case Activation::tanh: return std::tanh(z);
        case Activation::relu: return z < 0 ? 0 : z;
        case Activation::leaky_relu: return z < 0 ? double(0.01f) * z : z;
        case Activation::silu: return z * sigmoid(z);
        case Activation::scaled_tanh: return 1.7159 * std::tanh(2.0 / 3.0 * z);
    }
    return NAN;
}

double derivative(Activation activation, double z) {
    const double s = sigmoid(z), t = std::tanh(z);
    switch (activation) {
        case Activation::identity: return 1;
        case Activation::sigmoid: return s * (1 - s);
        case Activation::tanh: return 1 - t * t;
        case Activation::relu: return z > 0 ? 1 : 0;
        case Activation::leaky_relu: return z > 0 ? 1 : double(0.01f);
        case Activation::silu: return s * (1 + z * (1 - s));
        case Activation::scaled_tanh: {
            const double slow = std::tanh(2.0 / 3.0 * z);
            return 1.7159 * 2.0 / 3.0 * (1 - slow * slow);
        }
    }
    return NAN;
}

Trace forward(const Step& s, const Values& x, const Values& table) {
    Trace trace{x, Values(size_t(s.out_channels * out_area(s))), {}, {}};
    if (s.kind == Kind::rbf) {
        trace.y = trace.z = nearness(s, x, table);
        return trace;
    }
    if (s.kind == Kind::maxpool) {
        std::fill(trace.z.begin(), trace.z.end(), -INFINITY);
        trace.winners.assign(trace.z.size(), -1);
    }
    for (int o = 0; o < s.out_channels; o++) {
        double* z = trace.z.data() + o * out_area(s);
        if (has_weights(s)) std::fill_n(z, out_area(s), table[size_t(s.bias_offset + o)]);
        const auto [first, last] = seen_by(s, o);
        for (int c = first; c < last; c++) {
            const double* in = x.data() + c * in_area(s);
            const double* w = has_weights(s) ? table.data() + weight_of(s, o, c) : nullptr;
            for_each_tap(s, [&](int out, int at, int tap) {
                if (w) z[out] += w[tap] * in[at];
                else if (s.kind == Kind::avgpool) z[out] += in[at] * share(s);
                else if (in[at] > z[out]) {  // the first of equals, row by row
                    z[out] = in[at];
                    trace.winners[size_t(o * out_area(s) + out)] = c * in_area(s) + at;
                }
            });
        }
    }
    trace.y = trace.z;
    for (double& value : trace.y) value = activated(s.activation, value);
    return trace;
}

Values backward(const Step& s, const Trace& trace, const Values& dy, const Values& table,
                Values& gradient) {
    if (s.kind == Kind::rbf) return nearness_back(s, trace.x, dy, table);
    Values dx(trace.x.size());
    for (int o = 0; o < s.out_channels; o++) {
        Values dz(size_t(out_area(s)), 0.0);
        for (int i = 0; i < out_area(s); i++) {
            const size_t at = size_t(o * out_area(s) + i);
            dz[size_t(i)] = dy[at] * derivative(s.activation, trace.z[at]);
            if (s.kind == Kind::maxpool) dx[size_t(trace.winners[at])] += dz[size_t(i)];
            if (has_weights(s)) gradient[size_t(s.bias_offset + o)] += dz[size_t(i)];
        }
        if (s.kind == Kind::maxpool) continue;
        const auto [first, last] = seen_by(s, o);
        for (int c = first; c < last; c++) {
            const double* in = trace.x.data() + c * in_area(s);
            double* to = dx.data() + c * in_area(s);
            for_each_tap(s, [&](int out, int at, int tap) {
                if (s.kind == Kind::avgpool) {
                    to[at] += dz[size_t(out)] * share(s);
                    return;
                }
                const size_t weight = size_t(weight_of(s, o, c) + tap);
                to[at] += dz[size_t(out)] * table[weight];
                if (is_linked(s, o, c)) gradient[weight] += dz[size_t(out)] * in[at];
            });
        }
    }
    return dx;
}

Loss softmax_loss(const Values& scores, int label) {
    const auto best = std::max_element(scores.begin(), scores.end());
    double total = 0;
    for (double score : scores) total += std::exp(score - *best);
    Loss found{std::log(total) + *best - scores[size_t(label)], {},
               best - scores.begin() == label};
    for (double score : scores) found.gradient.push_back(std::exp(score - *best) / total);
    found.gradient[size_t(label)] -= 1;
    return found;
}

Net::Net(int channels, int height, int width)
    : channels_(channels), height_(height), width_(width) {}

Net& Net::add(Step step, int window_rows, int window_columns) {
    step.inputs = {int32_t(steps.size()) - 1};
    step.place = int32_t(steps.size());
    step.channels = channels_;
    step.height = height_;
    step.width = width_;
    step.out_height =
        (height_ - window_rows + step.top + step.bottom + step.stride_y) / step.stride_y;
    step.out_width =
        (width_ - window_columns + step.left + step.right + step.stride_x) / step.stride_x;
    step.weight_offset = step.bias_offset = -1;
    if (has_weights(step)) {
        // Boundaries of 16 floats, as the plan's.
        const int64_t weights =
            int64_t(step.out_channels) * channels_ / step.groups * window_rows * window_columns;
        step.weight_offset = int32_t(table);
        step.bias_offset = int32_t(table + (weights + 15) / 16 * 16);
        table = step.bias_offset + (step.out_channels + 15) / 16 * 16;
    }
    channels_ = step.out_channels;
    height_ = step.out_height;
    width_ = step.out_width;
    steps.push_back(step);
    return *this;
}

Net& Net::conv(int out, int kernel_height, int kernel_width, Activation activation, int stride_y,
               int stride_x, int top, int bottom, int left, int right) {
    Step step{};
    step.kind = Kind::conv;
    step.out_channels = out;
    step.kernel_height = kernel_height;
    step.kernel_width = kernel_width;
    step.stride_y = stride_y;
    step.stride_x = stride_x;
    step.top = top;
    step.bottom = bottom;
    step.left = left;
    step.right = right;
    step.activation = activation;
    step.groups = std::exchange(groups_, 1);
    if (std::exchange(linked_, false))  // each output sees every other channel, from its own on
        for (int o = 0; o < out; o++)
            for (int c = 0; c < channels_; c++) step.links.push_back((o + c) % 2 == 0);
    return add(step, kernel_height, kernel_width);
}

Net& Net::grouped(int groups) {
    groups_ = groups;
    return *this;
}

Net& Net::linked() {
    linked_ = true;
    return *this;
}

Net& Net::sums() {
    steps.back().sums = 1;
    return *this;
}

Net& Net::pool(Kind kind, int height, int width, int stride_y, int stride_x, int top, int bottom,
               int left, int right) {
    if (kind == Kind::maxpool && !steps.empty() && steps.back().kind == Kind::conv)
        steps.back().pool_first =
            facts(steps.back().activation).monotone && steps.back().scale_offset < 0;
    conv(channels_, height, width, Activation::identity, stride_y, stride_x, top, bottom, left,
         right);
    Step& step = steps.back();
    table = step.weight_offset;  // takes back what the convolution got
    step.kind = kind;
    step.weight_offset = step.bias_offset = -1;
    return *this;
}

Net& Net::dense(int out, Activation activation) {
    channels_ *= height_ * width_;
    height_ = width_ = 1;
    conv(out, 1, 1, activation);
    steps.back().kind = Kind::dense;
    return *this;
}

Net& Net::rbf(int out) {
    dense(out);
    Step& step = steps.back();
    step.kind = Kind::rbf;
    table = step.bias_offset;  // targets alone
    step.bias_offset = -1;
    return *this;
}

Net& Net::norm() {
    Step& step = steps.back();
    for (int32_t* offset : {&step.scale_offset, &step.mean_offset, &step.variance_offset}) {
        *offset = int32_t(table);
        table += (step.out_channels + 15) / 16 * 16;
    }
    return *this;
}

int Net::classes() const { return channels_ * height_ * width_; }

int Net::pixels() const { return steps[0].channels * in_area(steps[0]); }

Values Net::parameters(uint64_t seed) const {
    Random random(seed);
    Values values(static_cast<size_t>(table));
    for (const Step& s : steps) {
        for (int i = 0; s.kind == Kind::rbf && i < s.channels * s.out_channels; i++)
            values[size_t(s.weight_offset + i)] = i % 3 ? 1 : -1;
        if (!has_weights(s)) continue;
        const int inputs = s.channels / s.groups * window_area(s);
        const double bound = 1.7 / std::sqrt(inputs);
        const auto draw = [&](int offset, int count) {
            // Rounded to float, so that both sides have the same numbers.
            for (int i = 0; i < count; i++)
                values[size_t(offset + i)] = double(float(random.uniform(-bound, bound)));
        };
        draw(s.weight_offset, inputs * s.out_channels);
        for (int o = 0; o < s.out_channels; o++)
            for (int c = 0; c < s.channels; c++)
                if (!is_linked(s, o, c))
                    std::fill_n(values.begin() + weight_of(s, o, c), window_area(s), 0.0);
        draw(s.bias_offset, s.out_channels);
        if (s.scale_offset < 0) continue;
        for (int o = 0; o < s.out_channels; o++)
            values[size_t(s.scale_offset + o)] = values[size_t(s.variance_offset + o)] = 1;
    }
    return values;
}

Answer run(const Net& net, const Values& table, const std::vector<uint8_t>& images,
           const std::vector<int32_t>& labels, const std::vector<int32_t>& order,
           const std::vector<float>& scale, const std::vector<float>& shift) {
    Answer answer;
    answer.gradient.resize(table.size());
    const size_t pixels = size_t(net.pixels()), area = pixels / scale.size();
    for (int32_t index : order) {
        Values x(pixels);
        for (size_t i = 0; i < pixels; i++)
            x[i] = images[size_t(index) * pixels + i] * double(scale[i / area]) +
                   double(shift[i / area]);
        std::vector<Trace> traces;
        for (const Step& step : net.steps) {
            traces.push_back(forward(step, x, table));
            x = traces.back().y;
        }
        answer.scores.insert(answer.scores.end(), x.begin(), x.end());
        const Loss loss = softmax_loss(x, labels[size_t(index)]);
        answer.loss += loss.loss / double(order.size());
        answer.correct += loss.correct;
        Values flow = loss.gradient;
        for (double& value : flow) value /= double(order.size());
        for (size_t s = net.steps.size(); s-- > 0;)
            flow = backward(net.steps[s], traces[s], flow, table, answer.gradient);
    }
    return answer;
}

uint64_t Random::bits() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

double Random::uniform(double low, double high) {
    return low + (high - low) * double(bits() >> 11) * 0x1p-53;
}

}  // namespace lenet::test
