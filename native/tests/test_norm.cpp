// Normalisation of a ghost batch of several groups, the last of them not full: statistics, maps,
// and the backward pass, against the definitions in double.
#include <cmath>

#include "check.h"
#include "stage.h"

namespace lenet::test {
namespace {

struct Channel {
    double mean = 0, squares = 0, values = 0;
};

void check_norm(const Kernels& kernels, Activation activation, int channels, int height, int width) {
    Scope scope(std::string(kernels.name) + ", " + std::to_string(channels) + "x" +
                std::to_string(height) + "x" + std::to_string(width) + ", activation " +
                std::to_string(int(activation)));
    // The next convolution pads: the normalised map lies inside a border.
    const Net net = Net(1, height, width).conv(channels, 1, 1, activation).norm()
        .conv(2, 2, 2, Activation::relu, 1, 1, 1, 0, 1, 1);
    Compiled compiled(net, kernels, 1);
    const Stage& stage = compiled.program.stages[1];
    CHECK(stage.kind == Kind::norm);
    const int lanes = kernels.lanes, live = lanes / 2 + 1;
    Random random{uint64_t(channels * 100 + height)};
    Buffer in = random_map(stage.input, random), out(stage.output.size());
    Buffer gradient = random_map(without_border(stage.output), random);
    for (int64_t i = 0; i < in.size(); i++) in.data()[i] = in.data()[i] * 0.5f + 3;

    std::vector<double> moments(size_t(2 * channels));
    kernels.norm_moments(stage, live, in.data(), moments.data());
    std::vector<Channel> expected(static_cast<size_t>(channels));
    const int area = height * width;
    const auto each = [&](auto use) {
        for (int c = 0; c < channels; c++)
            for (int i = 0; i < area; i++)
                for (int l = 0; l < live; l++)
                    use(expected[size_t(c)], c, i, int64_t(c * area + i) * lanes + l);
    };
    each([&](Channel& c, int, int, int64_t at) { c.mean += double(in.data()[at]); c.values++; });
    for (Channel& c : expected) c.mean /= c.values;
    each([&](Channel& c, int, int, int64_t at) {
        c.squares += std::pow(double(in.data()[at]) - c.mean, 2);
    });
    for (int c = 0; c < channels; c++) {
        CHECK_NEAR(moments[size_t(2 * c)], expected[size_t(c)].mean, 5e-8);
        CHECK_NEAR(moments[size_t(2 * c) + 1], expected[size_t(c)].squares,
                   1e-5 * std::max(1.0, expected[size_t(c)].squares));
    }

    std::vector<float> factors;
    for (int c = 0; c < channels; c++) {
        factors.push_back(float(random.uniform(-2, 2)));
        factors.push_back(float(random.uniform(-2, 2)));
        factors.push_back(float(moments[size_t(2 * c)]));
    }
    kernels.norm_forward(stage, factors.data(), in.data(), out.data());
    CHECK_EQUAL(touched_border(stage.output, out), int64_t(0));
    Buffer flow(gradient.size());
    std::copy_n(gradient.data(), gradient.size(), flow.data());
    std::vector<double> sums(size_t(2 * channels), 1.0);  // added to
    // Lanes beyond `live` have no gradient, as the loss leaves it.
    for (int64_t i = 0; i < flow.size(); i++)
        if (i % lanes >= live) flow.data()[i] = gradient.data()[i] = 0;
    kernels.norm_chain(stage, factors.data(), in.data(), flow.data(), sums.data());
    Values totals(size_t(channels), 1.0), products(size_t(channels), 1.0);
    each([&](Channel& channel, int c, int i, int64_t at) {
        const float* k = factors.data() + 3 * c;
        const double z = (double(in.data()[at]) - double(k[2])) * double(k[0]) + double(k[1]);
        const int64_t to = stage.output.at(c, i / width, i % width) + at % lanes;
        CHECK_NEAR(double(out.data()[to]), activated(activation, z), 1e-5);
        if (std::abs(z) < 1e-4) return;  // either side of a kink
        const double g = double(gradient.data()[at]) * derivative(activation, z);
        CHECK_NEAR(double(flow.data()[at]), g, 1e-5);
        totals[size_t(c)] += g;
        products[size_t(c)] += g * (double(in.data()[at]) - channel.mean);
    });
    for (int c = 0; c < channels; c++) {
        CHECK_NEAR(sums[size_t(2 * c)], totals[size_t(c)], 1e-4);
        CHECK_NEAR(sums[size_t(2 * c) + 1], products[size_t(c)], 1e-4);
    }

    std::vector<float> back;
    for (int c = 0; c < 4 * channels; c++) back.push_back(float(random.uniform(-2, 2)));
    Buffer before(flow.size());
    std::copy_n(flow.data(), flow.size(), before.data());
    kernels.norm_backward(stage, live, back.data(), in.data(), flow.data());
    each([&](Channel&, int c, int, int64_t at) {
        const float* k = back.data() + 4 * c;
        CHECK_NEAR(double(flow.data()[at]),
                   double(k[0]) * (double(before.data()[at]) - double(k[2]) +
                                   (double(in.data()[at]) - double(k[3])) * double(k[1])),
                   2e-6);
    });
    for (int64_t i = 0; i < flow.size(); i++)
        if (i % lanes >= live) CHECK_EQUAL(flow.data()[i], 0.0f);
}

LENET_TEST(norm, statistics_maps_and_gradients) {
    for (const Table& table : tables())
        for (Activation activation : {Activation::identity, Activation::sigmoid, Activation::relu,
                                      Activation::leaky_relu, Activation::silu}) {
            check_norm(*table.kernels, activation, 1, 1, 1);
            check_norm(*table.kernels, activation, 3, 5, 7);
        }
}

// What is dropped is dropped for good, the rest grows; about the share asked for.
LENET_TEST(norm, dropout_keeps_its_share) {
    for (const Table& table : tables()) {
        const int lanes = table.kernels->lanes, units = 1000;
        Buffer values(units * lanes);
        fill(values, 1.0f);
        table.kernels->drop({12345, 7, 1u << 30}, units, 2.0f, values.data());
        int64_t dropped = 0;
        for (int64_t i = 0; i < values.size(); i++) {
            CHECK(values.data()[i] == 0.0f || values.data()[i] == 2.0f);
            dropped += values.data()[i] == 0.0f;
        }
        CHECK_NEAR(double(dropped) / double(values.size()), 0.25, 0.03);
    }
}

}  // namespace
}  // namespace lenet::test
