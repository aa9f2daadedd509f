// Small networks that together use everything: the whole-network tests run over them.
#pragma once

#include "tables.h"

namespace lenet::test {

inline std::vector<Net> small_networks() {
    using enum Activation;
    const Kind max = Kind::maxpool, mean = Kind::avgpool;
    return {
        // LeNet, small: two fused blocks, then dense layers.
        Net(1, 12, 12).conv(3, 3, 3, sigmoid).pool(max, 2, 2, 2, 2).conv(5, 2, 2, sigmoid)
            .pool(max, 2, 2, 2, 2).dense(7, sigmoid).dense(4),
        // Today's form: padding and means.
        Net(3, 8, 7).conv(4, 3, 3, relu, 1, 1, 1, 1, 1, 1).pool(mean, 2, 2, 2, 2)
            .conv(6, 3, 2, leaky_relu).dense(5),
        // silu before a max pooling: not fused, inputs kept; strides; poolings in a row.
        Net(2, 11, 9).conv(3, 3, 3, silu, 2, 1, 1, 0, 0, 2).pool(max, 3, 2, 1, 2, 1, 0, 0, 1)
            .pool(mean, 2, 3, 1, 1, 0, 1, 1, 0).conv(2, 2, 2, tanh, 1, 2).dense(3, silu)
            .dense(3, tanh),
        // Dense layers only, three channels.
        Net(3, 4, 5).dense(9, tanh).dense(17, relu).dense(6),
        // A convolution last: every position is a class.
        Net(2, 6, 6).conv(3, 3, 3, tanh).conv(2, 3, 3, identity),
        // A pooling first and last; a fused block last.
        Net(2, 9, 9).pool(max, 2, 2, 2, 2).conv(3, 2, 2, relu).pool(mean, 3, 3, 1, 1),
        Net(1, 9, 8).conv(4, 2, 2, sigmoid).pool(max, 2, 2, 2, 3),
        // One of everything at its smallest.
        Net(1, 1, 1).conv(1, 1, 1, sigmoid).pool(max, 1, 1, 1, 1).dense(1),
        // One pixel inside a border.
        Net(3, 1, 1).conv(3, 3, 2, leaky_relu, 1, 3, 2, 0, 0, 1).dense(4),
        // A window of more than 256 values.
        Net(1, 21, 20).conv(2, 2, 2, tanh).pool(max, 18, 17, 1, 2).dense(3),
        // Wider than a tile everywhere.
        Net(4, 5, 19).conv(9, 2, 3, relu, 1, 1, 1, 0, 1, 1).conv(8, 3, 3, tanh, 2, 2)
            .dense(33, sigmoid).dense(11),
        // Groups: one channel of each (depthwise), then mixed by 1x1; several; fused; strided; of
        // more outputs than a tile has; and a group's 1x1.
        Net(6, 9, 8).grouped(6).conv(6, 3, 3, relu, 1, 1, 1, 1, 1, 1).conv(8, 1, 1, relu)
            .grouped(8).conv(16, 3, 2, tanh, 2, 1, 1, 0, 0, 1).dense(5),
        Net(4, 11, 10).grouped(2).conv(14, 3, 3, relu).pool(max, 2, 2, 2, 2)
            .grouped(7).conv(21, 2, 2, silu, 1, 2, 1, 0, 0, 0).pool(max, 2, 1, 1, 1)
            .grouped(3).conv(6, 1, 1, sigmoid).dense(3),
        // Those of 1998: sums that are not divided, channels that see half of the others, targets.
        Net(1, 14, 13).conv(4, 3, 3, scaled_tanh).pool(mean, 2, 2, 2, 2).sums()
            .grouped(4).conv(4, 1, 1, scaled_tanh).linked().conv(7, 3, 2, scaled_tanh)
            .pool(mean, 3, 2, 2, 1, 1, 0, 0, 1).sums().dense(5, scaled_tanh).rbf(4),
        Net(2, 3, 4).rbf(3),
    };
}

// Images and labels for a network, and its first parameters.
struct Samples {
    Samples(const Net& net, int samples, uint64_t seed)
        : count(samples), channels(net.steps[0].channels), table(net.parameters(seed)) {
        Random random(seed);
        for (int i = 0; i < count * net.pixels(); i++)
            images.push_back(uint8_t(random.below(256)));
        for (int i = 0; i < count; i++) {
            labels.push_back(random.below(net.classes()));
            order.push_back(i);
        }
        for (int c = 0; c < channels; c++) {
            scale.push_back(float(random.uniform(0.004, 0.012)));
            shift.push_back(float(random.uniform(-1, 0)));
        }
    }

    Images view() const { return {images.data(), count, scale.data(), shift.data()}; }
    Answer plain(const Net& net) const {
        return run(net, table, images, labels, order, scale, shift);
    }

    int count, channels;
    Values table;
    std::vector<uint8_t> images;
    std::vector<int32_t> labels, order;
    std::vector<float> scale, shift;
};

}  // namespace lenet::test
