// The oracle itself, against central differences: what the kernels are held against must be right.
#include <cmath>

#include "check.h"
#include "plain.h"

namespace lenet::test {
namespace {

using enum Activation;

// The mean loss of two samples with the parameters `table`.
double loss_of(const Net& net, const Values& table, const std::vector<uint8_t>& images) {
    return run(net, table, images, {0, 1}, {0, 1}, {0.01f, 0.02f}, {-1.0f, 0.5f}).loss;
}

void check_differences(const Net& net, uint64_t seed) {
    Random random(seed);
    std::vector<uint8_t> images(size_t(2 * net.pixels()));
    for (uint8_t& pixel : images) pixel = uint8_t(random.below(256));
    Values table = net.parameters(seed);
    const Values gradient =
        run(net, table, images, {0, 1}, {0, 1}, {0.01f, 0.02f}, {-1.0f, 0.5f}).gradient;
    const double h = 1e-5;
    for (const Step& s : net.steps) {
        if (s.weight_offset < 0) continue;
        const int weights = s.out_channels * s.channels * s.kernel_height * s.kernel_width;
        const auto compare = [&](int offset, int count) {
            for (int i = offset; i < offset + count; i++) {
                const double kept = table[size_t(i)];
                table[size_t(i)] = kept + h;
                const double above = loss_of(net, table, images);
                table[size_t(i)] = kept - h;
                const double below = loss_of(net, table, images);
                table[size_t(i)] = kept;
                CHECK_NEAR(gradient[size_t(i)], (above - below) / (2 * h), 2e-8);
            }
        };
        compare(s.weight_offset, weights);
        compare(s.bias_offset, s.out_channels);
    }
}

LENET_TEST(plain, gradients_equal_central_differences) {
    check_differences(Net(2, 6, 5).conv(3, 3, 2, tanh, 2, 1, 1, 0, 0, 1)
                          .pool(Kind::maxpool, 2, 3, 1, 2, 1, 0, 0, 1).dense(4, silu).dense(3), 1);
    check_differences(Net(2, 5, 5).conv(2, 2, 2, silu).conv(3, 3, 3, sigmoid, 1, 1, 1, 1, 1, 1)
                          .pool(Kind::avgpool, 2, 2, 2, 1, 0, 1, 1, 0).dense(2, identity), 2);
    check_differences(Net(2, 4, 4).pool(Kind::maxpool, 2, 2, 2, 2).conv(2, 2, 2, leaky_relu), 3);
    check_differences(Net(2, 3, 3).dense(5, relu).dense(2), 4);
}

LENET_TEST(plain, shapes_and_pooling_order) {
    const Net net = Net(1, 28, 28).conv(6, 5, 5, sigmoid).pool(Kind::maxpool, 2, 2, 2, 2)
                        .conv(16, 5, 5, silu).pool(Kind::maxpool, 2, 2, 2, 2).dense(10);
    CHECK_EQUAL(net.steps[1].out_height, 12);
    CHECK_EQUAL(net.steps[3].out_width, 4);
    CHECK_EQUAL(net.steps[4].channels, 256);
    CHECK_EQUAL(net.steps[0].pool_first, 1);
    CHECK_EQUAL(net.steps[2].pool_first, 0);  // silu falls, then rises
    CHECK_EQUAL(net.classes(), 10);
}

}  // namespace
}  // namespace lenet::test
