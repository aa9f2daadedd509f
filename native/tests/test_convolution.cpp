// A convolution stage forwards (activation and fused pooling included), backwards to its weights
// and backwards to its input, against plain loops.
#include <cmath>
#include <cstring>

#include "check.h"
#include "stage.h"

namespace lenet::test {
namespace {

using enum Activation;

struct Case {
    int channels, height, width, outputs;
    int kernel_height, kernel_width, stride_y, stride_x, top, bottom, left, right;
    Activation activation;
    // The fused max pooling; height 0: none.
    int pool_height = 0, pool_width = 0, pool_stride_y = 0, pool_stride_x = 0;
    int pool_top = 0, pool_bottom = 0, pool_left = 0, pool_right = 0;
    int groups = 1;
};

const Case cases[] = {
    // Widths, channels and outputs that fill no tile; every activation.
    {1, 8, 8, 6, 5, 5, 1, 1, 0, 0, 0, 0, sigmoid},
    {3, 7, 13, 7, 3, 3, 1, 1, 1, 1, 1, 1, identity},
    {2, 6, 17, 13, 3, 2, 1, 1, 0, 0, 0, 0, tanh},
    {4, 5, 9, 5, 1, 1, 1, 1, 0, 0, 0, 0, silu},
    {2, 6, 6, 1, 3, 3, 1, 1, 0, 0, 0, 0, relu},
    {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, leaky_relu},
    {5, 4, 3, 11, 4, 3, 1, 1, 0, 0, 0, 0, leaky_relu},
    {2, 3, 40, 3, 2, 7, 1, 1, 0, 0, 0, 0, sigmoid},
    {7, 4, 4, 2, 2, 2, 1, 1, 2, 0, 0, 1, tanh},
    // Strides of 1 to 3, each axis its own; paddings of all sides; windows that leave a rest.
    {2, 9, 8, 3, 3, 3, 2, 2, 1, 1, 1, 1, relu},
    {2, 9, 11, 4, 3, 2, 3, 1, 0, 2, 1, 0, silu},
    {3, 8, 10, 2, 2, 4, 1, 3, 1, 0, 3, 2, tanh},
    {2, 11, 12, 3, 5, 4, 3, 2, 4, 3, 0, 2, identity},
    {1, 10, 10, 5, 3, 3, 3, 3, 2, 2, 2, 2, sigmoid},
    // A kernel smaller than the stride: some inputs meet no window and get gradient zero.
    {2, 9, 9, 3, 1, 1, 2, 3, 0, 0, 0, 0, relu},
    {2, 10, 11, 2, 2, 1, 3, 2, 1, 0, 0, 1, tanh},
    {1, 5, 2, 2, 3, 1, 1, 3, 0, 0, 0, 0, identity},
    // More padding than kernel: whole windows see nothing but zeros.
    {2, 3, 3, 2, 2, 2, 1, 1, 4, 3, 3, 4, sigmoid},
    {1, 2, 2, 3, 2, 3, 2, 2, 5, 1, 1, 6, silu},
    // A kernel as large as the map and its padding.
    {3, 4, 5, 4, 6, 7, 1, 1, 1, 1, 1, 1, tanh},
    // Fused poolings: the common one, with and without rows left over, and short of a tile.
    {1, 12, 12, 6, 5, 5, 1, 1, 0, 0, 0, 0, sigmoid, 2, 2, 2, 2},
    {3, 9, 8, 5, 2, 3, 1, 1, 0, 1, 1, 1, relu, 2, 2, 2, 2},
    {2, 30, 20, 9, 3, 3, 1, 1, 1, 1, 1, 1, tanh, 2, 2, 2, 2},  // several bands
    {2, 5, 5, 4, 2, 2, 1, 1, 0, 0, 0, 0, leaky_relu, 2, 2, 2, 2, 1, 1, 1, 1},
    // Overlapping; larger steps than windows; padding; after a strided convolution.
    {2, 8, 9, 3, 3, 3, 1, 1, 0, 0, 0, 0, sigmoid, 3, 2, 1, 1},
    {2, 8, 9, 3, 3, 3, 1, 1, 1, 1, 1, 1, relu, 3, 3, 2, 2, 1, 1, 1, 1},
    {2, 13, 11, 3, 2, 2, 1, 1, 0, 0, 0, 0, identity, 2, 1, 3, 4},
    {2, 24, 9, 3, 2, 2, 1, 1, 0, 0, 0, 0, tanh, 2, 2, 5, 2, 1, 0, 0, 1},
    {1, 14, 13, 4, 3, 3, 2, 2, 1, 0, 2, 1, tanh, 3, 2, 2, 1, 2, 1, 0, 1},
    {1, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0, identity, 3, 3, 1, 1, 2, 2, 2, 2},
    // Groups: depthwise, of one and of three outputs each; of several; of primes; 1x1; fused.
    {5, 8, 9, 5, 3, 3, 1, 1, 1, 1, 1, 1, relu, 0, 0, 0, 0, 0, 0, 0, 0, 5},
    {4, 9, 7, 12, 2, 3, 2, 3, 1, 0, 2, 1, silu, 0, 0, 0, 0, 0, 0, 0, 0, 4},
    {6, 7, 13, 4, 3, 3, 1, 1, 0, 0, 0, 0, tanh, 0, 0, 0, 0, 0, 0, 0, 0, 2},
    {14, 5, 20, 26, 2, 2, 1, 1, 0, 1, 1, 0, identity, 0, 0, 0, 0, 0, 0, 0, 0, 2},
    {12, 5, 9, 8, 1, 1, 1, 1, 0, 0, 0, 0, sigmoid, 0, 0, 0, 0, 0, 0, 0, 0, 4},
    {6, 12, 12, 18, 5, 5, 1, 1, 0, 0, 0, 0, relu, 2, 2, 2, 2, 0, 0, 0, 0, 3},
    {4, 8, 9, 8, 3, 3, 1, 1, 1, 1, 1, 1, relu, 3, 3, 2, 2, 1, 1, 1, 1, 4},
    // Windows of more than 256 values: positions of two bytes.
    {1, 20, 19, 2, 2, 2, 1, 1, 0, 0, 0, 0, sigmoid, 17, 17, 1, 1},
    {1, 14, 14, 2, 1, 1, 1, 1, 0, 0, 0, 0, relu, 20, 16, 2, 3, 6, 4, 1, 5},
};

Net net_of(const Case& c) {
    Net net(c.channels, c.height, c.width);
    net.pool(Kind::avgpool, 1, 1, 1, 1);  // the convolution is not first: it has an input gradient
    net.grouped(c.groups);
    net.conv(c.outputs, c.kernel_height, c.kernel_width, c.activation, c.stride_y, c.stride_x,
             c.top, c.bottom, c.left, c.right);
    if (c.pool_height)
        net.pool(Kind::maxpool, c.pool_height, c.pool_width, c.pool_stride_y, c.pool_stride_x,
                 c.pool_top, c.pool_bottom, c.pool_left, c.pool_right);
    net.conv(1, 3, 2, identity, 1, 1, 2, 1, 1, 3);  // the output has a border
    return net;
}

// The stage's buffers, each as large as the engine makes it and no larger.
struct Run {
    Run(const Stage& stage, const Program& program, Random& random)
        : output(without_border(stage.output)),
          in(random_map(stage.input, random)),
          out(stage.output.size()),
          words(int64_t(output.channels) * output.height * stage.position_row),
          kept(stage.keeps_input ? output.size() : 0),
          scratch(program.scratch),
          gradient(random_map(output, random)),
          linear_gradient(stage.transformed_at + 6 * stage.winograd.out_plane),
          sums(stage.bias_sums + int64_t(stage.linear.channels) * output.lanes),
          weights(int64_t(stage.gradient_row) * stage.linear.channels),
          in_gradient(without_border(stage.input).size()) {
        fill(in_gradient, NAN);  // written whole
        fill(weights, NAN);
        fill(scratch, NAN);
    }

    // Backwards on the work space of `memory`.
    void backwards(const Kernels& kernels, const Stage& stage, Compiled& compiled, Run& memory) {
        float* given = stage.keeps_input ? kept.data() : nullptr;
        kernels.conv_backward(stage, undivided, gradient.data(), out.data(), positions(), given,
                              in.data(), memory.linear_gradient.data(), sums.data(),
                              memory.scratch.data());
        kernels.conv_input_gradient(stage, undivided, compiled.packed.data(), memory.linear_gradient.data(),
                                    in_gradient.data(), memory.scratch.data());
    }

    int32_t* positions() { return reinterpret_cast<int32_t*>(words.data()); }

    Map output;
    Buffer in, out, words, kept, scratch, gradient, linear_gradient, sums, weights;
    Buffer in_gradient;
};

// Compares one lane, but for the weights' gradient, which is added to `gradient`.
void compare(const Stage& stage, const Net& net, const Values& table, Run& run, int lane,
             Values& gradient) {
    const bool pooled = stage.pooled;
    const Trace conv = forward(net.steps[1], lane_of(stage.input, run.in, lane), table);
    const Trace pool = pooled ? forward(net.steps[2], conv.y, table) : conv;
    const Values y = lane_of(stage.output, run.out, lane);
    for (size_t i = 0; i < y.size(); i++) CHECK_NEAR(y[i], pool.y[i], 2e-6);
    if (stage.keeps_input)
        for (size_t i = 0; i < y.size(); i++)
            CHECK_NEAR(double(run.kept.data()[int64_t(i) * stage.output.lanes + lane]), conv.z[i],
                       2e-6);

    Values flow = lane_of(run.output, run.gradient, lane);
    if (pooled) flow = backward(net.steps[2], pool, flow, table, gradient);
    const Values dx = backward(net.steps[1], conv, flow, table, gradient);
    const Values found = lane_of(without_border(stage.input), run.in_gradient, lane);
    for (size_t i = 0; i < dx.size(); i++) CHECK_NEAR(found[i], dx[i], 5e-6);
}

// The weights' gradient, after so many runs backwards.
void compare_weights(const Stage& stage, const Kernels& kernels, Run& run, int runs,
                     const Values& gradient) {
    kernels.conv_weight_sums(stage, run.sums.data(), run.weights.data());
    for (int o = 0; o < stage.linear.channels; o++)
        for (int k = 0; k <= stage.inputs; k++) {
            const int64_t from = k < stage.inputs ? stage.weights + o * stage.inputs + k
                                                  : stage.bias + o;
            const float found = run.weights.data()[int64_t(o) * stage.gradient_row + k];
            CHECK_NEAR(double(found), runs * gradient[size_t(from)], 2e-5);
        }
}

void check_convolution(const Kernels& kernels, const Case& c, Method method) {
    const Net net = net_of(c);
    Compiled compiled(net, kernels, 7, method);
    const Stage& stage = compiled.program.stages[1];
    Random random{uint64_t(c.height * 100 + c.width)};
    Run run(stage, compiled.program, random);
    const float* bias = compiled.table.data() + stage.bias;
    float* kept = stage.keeps_input ? run.kept.data() : nullptr;
    kernels.conv_forward(stage, undivided, compiled.packed.data(), bias, run.in.data(), run.out.data(),
                         run.positions(), kept, run.scratch.data());
    for (int runs = 0; runs < 2; runs++)  // the weights' sums are added to, all else written anew
        run.backwards(kernels, stage, compiled, run);
    CHECK_EQUAL(touched_border(stage.output, run.out), int64_t(0));
    Buffer again(stage.output.size());  // not training: nothing is kept, and the same comes out
    kernels.conv_forward(stage, undivided, compiled.packed.data(), bias, run.in.data(), again.data(), nullptr,
                         nullptr, run.scratch.data());
    CHECK(!std::memcmp(run.out.data(), again.data(), size_t(again.size()) * sizeof(float)));
    Values gradient(compiled.values.size());
    for (int lane = 0; lane < kernels.lanes; lane++)
        compare(stage, net, compiled.values, run, lane, gradient);
    compare_weights(stage, kernels, run, 2, gradient);
}

constexpr Method both[] = {Method::direct, Method::winograd};

LENET_TEST(convolution, forwards_and_backwards) {
    for (const Table& table : tables())
        for (const Case& c : cases)
            for (Method method : both) {
                Scope scope(std::string(table.kernels->name) + ", case " +
                            std::to_string(&c - cases) +
                            (method == Method::direct ? ", direct" : ", winograd"));
                check_convolution(*table.kernels, c, method);
            }
}

// Every number of channels and positions up to past the widest tile, on both sides of the product.
LENET_TEST(convolution, every_size_of_tile) {
    for (const Table& table : tables())
        for (int outputs = 1; outputs <= 8; outputs++)
            for (int width = 1; width <= 18; width += outputs % 2 ? 1 : 3) {
                Scope scope(std::string(table.kernels->name) + ", " + std::to_string(outputs) +
                            " outputs, width " + std::to_string(width));
                for (Method method : both)
                    for (int kernel : {2, 3, 4, 5})
                        check_convolution(*table.kernels,
                                          {(outputs * 3) % 7 + 1, 2, width, outputs, 1, kernel, 1,
                                           1, 0, 0, 1, kernel - 2, tanh},
                                          method);
            }
}

// Root mean square of the outputs' errors against sums in double.
double forward_error(const Kernels& kernels, const Net& net, Method method) {
    Compiled compiled(net, kernels, 3, method);
    const Stage& stage = compiled.program.stages[1];
    Random random(11);
    Run run(stage, compiled.program, random);
    for (int64_t i = 0; i < run.in.size(); i++) run.in.data()[i] = std::fabs(run.in.data()[i]);
    kernels.conv_forward(stage, undivided, compiled.packed.data(), compiled.table.data() + stage.bias,
                         run.in.data(), run.out.data(), nullptr, nullptr, run.scratch.data());
    // The table in float is what the kernels see.
    Values table;
    for (int64_t i = 0; i < compiled.table.size(); i++)
        table.push_back(double(compiled.table.data()[i]));
    double total = 0;
    int64_t count = 0;
    for (int lane = 0; lane < kernels.lanes; lane++) {
        const Values expected =
            forward(net.steps[1], lane_of(stage.input, run.in, lane), table).y;
        const Values found = lane_of(stage.output, run.out, lane);
        for (size_t i = 0; i < found.size(); i++, count++)
            total += (found[i] - expected[i]) * (found[i] - expected[i]);
    }
    return std::sqrt(total / double(count));
}

// Fewer products are fewer roundings, and these points do not spoil that: after an activation (all
// inputs are positive) the transforms are as exact as the plain sum.
LENET_TEST(convolution, transforms_are_as_exact_as_the_plain_sum) {
    for (const Table& table : tables())
        for (int kernel : {2, 3, 4, 5}) {
            Scope scope(std::string(table.kernels->name) + ", kernel " + std::to_string(kernel));
            const Net net = net_of({16, 12, 12, 16, kernel, kernel, 1, 1, 0, 0, 0, 0, identity});
            const double direct = forward_error(*table.kernels, net, Method::direct);
            CHECK(forward_error(*table.kernels, net, Method::winograd) < 1.25 * direct);
        }
}

// Backwards twice on the same buffers: what the first run left must not leak into the second.
LENET_TEST(convolution, buffers_are_used_again) {
    for (const Table& table : tables())
        for (const Case& c : {cases[1], cases[9], cases[20], cases[21], cases[24], cases[26]}) {
            Scope scope(table.kernels->name);
            const Net net = net_of(c);
            Compiled compiled(net, *table.kernels, 7, Method::winograd);  // where it can be
            const Stage& stage = compiled.program.stages[1];
            Random random(5);
            Run first(stage, compiled.program, random), second(stage, compiled.program, random);
            const auto backwards = [&](Run& run, Run& memory) {
                const float* bias = compiled.table.data() + stage.bias;
                table.kernels->conv_forward(stage, undivided, compiled.packed.data(), bias, run.in.data(),
                                            run.out.data(), run.positions(), nullptr,
                                            memory.scratch.data());
                run.backwards(*table.kernels, stage, compiled, memory);
            };
            backwards(first, first);
            backwards(second, first);
            Values gradient(compiled.values.size());
            for (int lane = 0; lane < table.kernels->lanes; lane++)
                compare(stage, net, compiled.values, second, lane, gradient);
            compare_weights(stage, *table.kernels, second, 1, gradient);
        }
}

}  // namespace
}  // namespace lenet::test
