// A dense stage over several groups of samples, forwards and backwards, against plain loops.
#include <cmath>
#include <cstring>

#include "check.h"
#include "stage.h"

namespace lenet::test {
namespace {

using enum Activation;

// Groups lie `stride` floats apart, with something between them that must stay.
struct Layout {
    int features, lanes;
    int64_t stride;

    int64_t at(int group, int feature, int lane) const {
        return group * stride + int64_t(feature) * lanes + lane;
    }
};

Buffer random_groups(const Layout& layout, int groups, Random& random) {
    Buffer buffer(groups * layout.stride);
    fill(buffer, random);
    return buffer;
}

Values sample(const Layout& layout, Buffer& buffer, int group, int lane) {
    Values values;
    for (int f = 0; f < layout.features; f++)
        values.push_back(double(buffer.data()[layout.at(group, f, lane)]));
    return values;
}

void check_dense(const Kernels& kernels, int inputs, int outputs, int groups, Activation activation,
                 bool accumulate) {
    Scope scope(std::string(kernels.name) + ", " + std::to_string(inputs) + " to " +
                std::to_string(outputs) + ", " + std::to_string(groups) + " groups");
    const int lanes = kernels.lanes;
    const Net net = Net(1, 1, inputs).dense(inputs).dense(outputs, activation);
    Compiled compiled(net, kernels, 3);
    const Stage& stage = compiled.program.stages[1];
    Random random{uint64_t(inputs * 1000 + outputs)};
    const Layout in_layout{inputs, lanes, int64_t(inputs) * lanes + 32};
    const Layout out_layout{outputs, lanes, int64_t(outputs) * lanes + 16};
    const Layout flow_in{inputs, lanes, int64_t(inputs) * lanes};
    const Layout flow_out{outputs, lanes, int64_t(outputs) * lanes};
    Buffer in = random_groups(in_layout, groups, random);
    Buffer out = random_groups(out_layout, groups, random);
    Buffer kept(activation == silu ? groups * out_layout.stride : 0);
    Buffer gradient = random_groups(flow_out, groups, random);
    Buffer upstream = random_groups(flow_out, groups, random);
    std::memcpy(upstream.data(), gradient.data(), size_t(gradient.size()) * sizeof(float));
    Buffer in_gradient(groups * flow_in.stride), transposed(compiled.program.transposed);
    Buffer sums(int64_t(stage.gradient_row) * outputs);
    fill(in_gradient, NAN);
    fill(sums, accumulate ? 0.5f : NAN);
    const float gap = out.data()[out_layout.at(0, outputs, 0)];

    float* keeps = activation == silu ? kept.data() : nullptr;
    kernels.dense_forward(stage, compiled.packed.data(), compiled.table.data() + stage.bias, groups,
                          in.data(), in_layout.stride, out.data(), out_layout.stride, keeps,
                          out_layout.stride);
    CHECK_EQUAL(out.data()[out_layout.at(0, outputs, 0)], gap);
    kernels.dense_backward(stage, compiled.table.data() + stage.weights, groups, in.data(), in_layout.stride,
                           out.data(), out_layout.stride, keeps, out_layout.stride, gradient.data(),
                           in_gradient.data(), sums.data(), accumulate, transposed.data());

    // The gradient adds up over every sample; outputs are compared for a few.
    Values expected(static_cast<size_t>(net.table));
    for (int g = 0; g < groups; g++)
        for (int l = 0; l < lanes; l++) {
            const Trace trace =
                forward(net.steps[1], sample(in_layout, in, g, l), compiled.values);
            const Values dx = backward(net.steps[1], trace, sample(flow_out, upstream, g, l),
                                       compiled.values, expected);
            const Values y = sample(out_layout, out, g, l), found = sample(flow_in, in_gradient, g, l);
            for (size_t i = 0; i < y.size(); i++) CHECK_NEAR(y[i], trace.y[i], 2e-6);
            for (size_t i = 0; i < dx.size(); i++) CHECK_NEAR(found[i], dx[i], 2e-6);
        }
    for (int o = 0; o < outputs; o++)
        for (int i = 0; i <= inputs; i++) {
            const int64_t from = i < inputs ? stage.weights + o * inputs + i : stage.bias + o;
            CHECK_NEAR(double(sums.data()[int64_t(o) * stage.gradient_row + i]),
                       expected[size_t(from)] + (accumulate ? 0.5 : 0.0), 5e-6);
        }
}

LENET_TEST(dense, forwards_and_backwards) {
    const int sizes[][2] = {{1, 1}, {1, 5}, {6, 1}, {3, 2}, {7, 13}, {16, 6}, {17, 10}, {33, 31}};
    const Activation all[] = {identity, sigmoid, tanh, relu, leaky_relu, silu};
    for (const Table& table : tables())
        for (const auto& size : sizes)
            for (int groups : {1, 2, 3}) {
                const Activation activation = all[(size[0] + size[1] + groups) % 6];
                check_dense(*table.kernels, size[0], size[1], groups, activation, groups == 2);
            }
}

// One sample and one weight: an activation and its derivative at one value.
void check_activation(const Kernels& kernels, Activation activation, float z) {
    const Net net = Net(1, 1, 1).dense(1, activation);
    Compiled compiled(net, kernels, 1);
    const Stage& stage = compiled.program.stages[0];
    const int lanes = kernels.lanes;
    Buffer one(16), bias(16), in(lanes), out(lanes), kept(lanes), gradient(lanes);
    Buffer sums(stage.gradient_row), transposed(compiled.program.transposed);
    fill(one, 1.0f);
    in.data()[lanes - 1] = z;
    gradient.data()[lanes - 1] = 1;
    kernels.dense_forward(stage, one.data(), bias.data(), 1, in.data(), lanes, out.data(), lanes,
                          kept.data(), lanes);
    kernels.dense_backward(stage, one.data(), 1, in.data(), lanes, out.data(), lanes, kept.data(),
                           lanes, gradient.data(), nullptr, sums.data(), false, transposed.data());
    CHECK_NEAR(double(out.data()[lanes - 1]), activated(activation, double(z)), 1e-6);
    CHECK_NEAR(double(sums.data()[1]), derivative(activation, double(z)), 1e-6);
}

LENET_TEST(dense, activations_of_any_size) {
    for (const Table& table : tables())
        for (Activation activation : {identity, sigmoid, tanh, relu, leaky_relu, silu})
            for (float size : {0.0f, 1e-42f, 1e-30f, 1e-3f, 0.6f, 7.0f, 20.0f, 89.0f, 1e4f, 1e30f,
                               3e38f})
                for (float z : {size, -size}) {
                    Scope scope(std::string(table.kernels->name) + ", activation " +
                                std::to_string(int(activation)) + " at " + std::to_string(z));
                    check_activation(*table.kernels, activation, z);
                }
}

LENET_TEST(dense, every_activation) {
    for (const Table& table : tables())
        for (Activation activation : {identity, sigmoid, tanh, relu, leaky_relu, silu})
            check_dense(*table.kernels, 9, 7, 2, activation, false);
}

}  // namespace
}  // namespace lenet::test
