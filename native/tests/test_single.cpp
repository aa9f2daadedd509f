// One image alone, through whole networks, against plain loops.
#include "check.h"
#include "network_list.h"
#include "stage.h"

namespace lenet::test {
namespace {

void check_single(const Kernels& kernels, const Net& net, uint64_t seed) {
    const Samples samples(net, 3, seed);
    Program program(net.data(), net.count(), net.table, kernels.lanes, kernels.accumulators);
    Buffer table = floats(samples.table), memory(program.single);
    const Values expected = samples.plain(net).scores;
    const int classes = net.classes();
    for (int i = 0; i < 3; i++) {  // one after the other on the same memory
        const float* scores = kernels.single(
            program.stages.data(), int(program.stages.size()), table.data(),
            samples.images.data() + i * net.pixels(), samples.scale.data(), samples.shift.data(),
            memory.data(), i == 1);
        for (int k = 0; k < classes; k++)
            CHECK_NEAR(double(scores[k]), expected[size_t(i * classes + k)], 1e-5);
    }
}

// The loss's gradient of one image after the other on the same memory; dense rows from their factors.
void check_way_back(const Kernels& kernels, const Net& net, uint64_t seed) {
    Program program(net.data(), net.count(), net.table, kernels.lanes, kernels.accumulators);
    if (!program.alone) return;  // strides that only whole vectors can take
    const Samples samples(net, 3, seed);
    Buffer table = floats(samples.table), gradient(program.gradient);
    Worker worker(program, kernels, true);
    worker.prepare_alone();
    const Images images = samples.view();
    for (int i = 0; i < 3; i++) {
        const Answer expected = run(net, samples.table, samples.images, samples.labels, {i},
                                    samples.scale, samples.shift);
        const Batch batch{&images, samples.labels.data(), nullptr, i, i + 1, &plain_objective};
        const Share share = worker.gradient_alone(table.data(), batch, gradient.data());
        CHECK_NEAR(share.loss, expected.loss, 1e-5);
        CHECK_EQUAL(share.correct, expected.correct);
        for (const Stage& stage : program.stages)
            for (int o = 0; stage.linear_step() && o < stage.linear.channels; o++) {
                const float* of_stage = gradient.data() + stage.gradient;
                const float* of_row = of_stage + int64_t(o) * stage.gradient_row;
                std::vector<float> row(of_row, of_row + stage.inputs + 1);
                if (stage.kind == Kind::dense)
                    row[size_t(stage.inputs)] =
                        kernels.single_row(stage, 1, &of_stage, o, row.data());
                for (int k = 0; k <= stage.inputs; k++) {
                    const int64_t at = k < stage.inputs
                        ? stage.weights + int64_t(o) * stage.inputs + k : stage.bias + o;
                    CHECK_NEAR(double(row[size_t(k)]), expected.gradient[size_t(at)], 1e-5);
                }
            }
    }
}

LENET_TEST(single, small_networks) {
    const std::vector<Net> networks = small_networks();
    for (const Table& table : tables())
        for (size_t n = 0; n < networks.size(); n++) {
            Scope scope(std::string(table.kernels->name) + ", network " + std::to_string(n));
            check_single(*table.kernels, networks[n], n);
            check_way_back(*table.kernels, networks[n], n);
        }
}

// Calls check(kernels, width, stride, side, kernel) for widths around whole vectors, every stride and
// padding.
template <typename Check>
void for_widths(int least, Check check) {
    for (const Table& table : tables())
        for (int width = least; width <= 35; width += width < 18 ? 1 : 4)
            for (int stride = 1; stride <= 3; stride++)
                for (int side = 0; side <= 2; side++) {
                    Scope scope(std::string(table.kernels->name) + ", width " +
                                std::to_string(width) + ", stride " + std::to_string(stride) +
                                ", padding " + std::to_string(side));
                    check(*table.kernels, width, stride, side, width + 2 * side < 3 ? 1 : 3);
                }
}

// Before and after a convolution.
LENET_TEST(single, widths_strides_and_paddings) {
    using enum Activation;
    for_widths(1, [](const Kernels& kernels, int width, int stride, int side, int kernel) {
        Net net(2, 3, width);
        net.conv(7, 2, kernel, relu, 1, stride, side, 0, side, side)
            .pool(Kind::maxpool, 2, 2, 2, 2, 1, 1, 1, 1)
            .conv(5, 1, 1, tanh, 1, stride, 0, 1, side, 0)
            .dense(9, sigmoid)
            .dense(3);
        check_single(kernels, net, uint64_t(width));
    });
}

// The same in the backward pass, where the first convolution alone may be strided.
LENET_TEST(single, the_way_back) {
    using enum Activation;
    for_widths(2, [](const Kernels& kernels, int width, int stride, int side, int kernel) {
        Net net(2, 5, width);
        net.conv(7, 2, kernel, relu, 1, stride, side, 0, side, side)
            .pool(Kind::maxpool, 2, 2, 1, 1, 1, 1, 1, 1)
            .conv(5, 1, 2, silu, 1, 1, 0, 1, side, 1)
            .pool(Kind::avgpool, 2, 1, 2, 1)
            .conv(9, 2, 1, tanh, 1, 1, 1, 1)
            .dense(9, silu)
            .dense(3);
        check_way_back(kernels, net, uint64_t(width));
    });
}

}  // namespace
}  // namespace lenet::test
