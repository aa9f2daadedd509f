// How near each kernel comes to the machine's multiply-add rate: native_profile [network [isa]].
//
// One line an operation and stage, over a shard of 64 samples: microseconds (the least of many
// runs), and the fraction of the rate measured in between that its multiply-adds reach. Lines
// without multiply-adds (images, loss, update) show what they cost beside the others.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>

#include "stage.h"

namespace lenet::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int samples = 64;

struct Operation {
    std::string name;
    double multiply_adds;  // of the whole shard
    std::function<void()> run;
    double seconds = 1e9;
};

double seconds_of(const std::function<void()>& run) {
    const auto start = Clock::now();
    run();
    return std::chrono::duration<double>(Clock::now() - start).count();
}

Net compact() {
    Net net(1, 28, 28);
    const auto block = [&](int outputs, int kernel) {
        const int pad = kernel / 2;
        net.conv(outputs, kernel, kernel, Activation::relu, 1, 1, pad, pad, pad, pad).norm();
    };
    block(16, 3), block(16, 3), net.pool(Kind::maxpool, 2, 2, 2, 2);
    block(32, 3), block(32, 3), net.pool(Kind::maxpool, 2, 2, 2, 2);
    block(64, 3), block(64, 1), block(32, 3), net.pool(Kind::avgpool, 7, 7, 7, 7).dense(10);
    return net;
}

const struct {
    const char* name;
    Net net;
} networks[] = {
    {"lenet", Net(1, 28, 28).conv(6, 5, 5, Activation::sigmoid).pool(Kind::maxpool, 2, 2, 2, 2)
                  .conv(16, 5, 5, Activation::sigmoid).pool(Kind::maxpool, 2, 2, 2, 2)
                  .dense(120, Activation::sigmoid).dense(84, Activation::sigmoid).dense(10)},
    {"relu", Net(1, 28, 28).conv(6, 5, 5, Activation::relu).pool(Kind::maxpool, 2, 2, 2, 2)
                 .conv(16, 5, 5, Activation::relu).pool(Kind::maxpool, 2, 2, 2, 2)
                 .dense(120, Activation::relu).dense(84, Activation::relu).dense(10)},
    {"colour", Net(3, 32, 32).conv(32, 3, 3, Activation::relu, 1, 1, 1, 1, 1, 1)
                   .pool(Kind::maxpool, 2, 2, 2, 2)
                   .conv(64, 3, 3, Activation::relu, 1, 1, 1, 1, 1, 1)
                   .pool(Kind::maxpool, 2, 2, 2, 2).dense(128, Activation::relu).dense(10)},
    {"strided", Net(1, 28, 28).conv(16, 3, 3, Activation::relu, 2, 2, 1, 1, 1, 1)
                    .conv(32, 3, 3, Activation::relu, 2, 2, 1, 1, 1, 1)
                    .conv(64, 1, 1, Activation::relu).dense(10)},
    {"compact", compact()},
    {"bare", Net(1, 28, 28).conv(6, 5, 5, Activation::identity).dense(10)},
    {"dense", Net(1, 28, 28).dense(512, Activation::relu).dense(512, Activation::relu).dense(10)},
};

void profile(const Net& net, const Kernels& kernels) {
    Compiled compiled(net, kernels, 1);
    const Program& program = compiled.program;
    const int lanes = kernels.lanes, groups = std::min(program.groups, samples / lanes);
    Random random(2);
    Buffer kept(groups * program.kept), passing(program.passing), positions(groups * program.positions);
    Buffer gradient(program.gradient), flow(groups * program.flow), other(groups * program.flow);
    Buffer linear(program.linear), sums(program.sums), scratch(program.scratch);
    Buffer transposed(program.transposed), factors(4 * 64);
    std::vector<double> moments(2 * 64), totals(2 * 64);
    fill(flow, random);
    fill(factors, 0.9f);
    std::vector<uint8_t> pixels(size_t(samples * net.pixels()));
    for (uint8_t& pixel : pixels) pixel = uint8_t(random.below(256));
    const float scale[3] = {0.004f, 0.004f, 0.004f}, shift[3] = {};

    const auto out = [&](size_t s, int g) {
        const Stage& stage = program.stages[s];
        return (stage.passing ? passing.data() : kept.data() + g * program.kept) + stage.output_at;
    };
    const auto in = [&](size_t s, int g) {
        return s ? out(s - 1, g) : kept.data() + g * program.kept;
    };
    const auto codes = [&](const Stage& stage, int g) {
        return reinterpret_cast<int32_t*>(positions.data()) + g * program.positions +
               stage.positions_at;
    };
    std::vector<Operation> operations;
    const auto add = [&](std::string name, double multiply_adds, std::function<void()> run) {
        operations.push_back({std::move(name), multiply_adds, std::move(run)});
    };
    add("images", 0, [&] {
        for (int g = 0; g < groups; g++) {
            const uint8_t* from[16];
            for (int l = 0; l < lanes; l++)
                from[l] = pixels.data() + (g * lanes + l) * net.pixels();
            kernels.load_images(program.images, from, scale, shift, kept.data() + g * program.kept);
        }
    });
    for (size_t s = 0; s < program.stages.size(); s++) {
        const Stage& stage = program.stages[s];
        const Map& to = stage.linear;
        const double work = double(to.channels) * to.height * to.width * stage.inputs * groups * lanes;
        const std::string at = " " + std::to_string(s);
        const float* bias = compiled.table.data() + stage.bias;
        if (stage.kind == Kind::conv) {
            add("conv forward" + at, work, [&, s, bias] {
                for (int g = 0; g < groups; g++)
                    kernels.conv_forward(stage, undivided, compiled.packed.data(), bias, in(s, g), out(s, g),
                                         codes(stage, g), nullptr, scratch.data());
            });
            add("conv weights" + at, work, [&, s] {
                for (int g = 0; g < groups; g++)
                    kernels.conv_backward(stage, undivided, flow.data() + g * program.flow, out(s, g), codes(stage, g), nullptr,
                                          in(s, g), linear.data() + stage.linear_at,
                                          sums.data() + stage.sums_at, scratch.data());
            });
            if (!stage.first)
                add("conv input" + at, work, [&] {
                    for (int g = 0; g < groups; g++)
                        kernels.conv_input_gradient(stage, undivided, compiled.packed.data(),
                                                    linear.data() + stage.linear_at,
                                                    other.data() + g * program.flow,
                                                    scratch.data());
                });
            add("weight sums" + at, 0, [&] {
                kernels.conv_weight_sums(stage, sums.data() + stage.sums_at,
                                         gradient.data() + stage.gradient);
            });
        } else if (stage.kind == Kind::norm) {
            add("moments" + at, 0, [&, s] {
                for (int g = 0; g < groups; g++)
                    kernels.norm_moments(stage, lanes, in(s, g), moments.data());
            });
            add("normalise" + at, 0, [&, s] {
                for (int g = 0; g < groups; g++)
                    kernels.norm_forward(stage, factors.data(), in(s, g), out(s, g));
            });
            add("chain" + at, 0, [&, s] {
                for (int g = 0; g < groups; g++)
                    kernels.norm_chain(stage, factors.data(), in(s, g),
                                       flow.data() + g * program.flow, totals.data());
            });
            add("normalise back" + at, 0, [&, s] {
                for (int g = 0; g < groups; g++)
                    kernels.norm_backward(stage, lanes, factors.data(), in(s, g),
                                          flow.data() + g * program.flow);
            });
        } else if (!flattens(stage.kind)) {
            add("pool forward" + at, 0, [&, s] {
                for (int g = 0; g < groups; g++)
                    kernels.pool_forward(stage, in(s, g), out(s, g), codes(stage, g));
            });
            if (!stage.first)
                add("pool backward" + at, 0, [&] {
                    for (int g = 0; g < groups; g++)
                        kernels.pool_backward(stage, flow.data() + g * program.flow,
                                              codes(stage, g), other.data() + g * program.flow);
                });
        } else {
            add("dense forward" + at, work, [&, s, bias] {
                kernels.dense_forward(stage, compiled.packed.data(), bias, groups, in(s, 0),
                                      program.kept, out(s, 0), program.kept, nullptr, 0);
            });
            add("dense backward" + at, stage.first ? work : 2 * work, [&, s] {
                kernels.dense_backward(stage, compiled.table.data() + stage.weights, groups, in(s, 0),
                                       program.kept, out(s, 0), program.kept, nullptr, 0,
                                       flow.data(), stage.first ? nullptr : other.data(),
                                       gradient.data() + stage.gradient, false, transposed.data());
            });
        }
    }
    add("pack", 0, [&] {
        for (const Stage& stage : program.stages)
            for (int b = 0; stage.linear_step() && b < stage.forward_blocks.count; b++)
                pack(stage, b, compiled.table.data(), compiled.packed.data());
    });

    Buffer memory(program.single);
    Operation alone{"one image alone", 0, [&] {
        kernels.single(program.stages.data(), int(program.stages.size()), compiled.table.data(),
                       pixels.data(), scale, shift, memory.data(), false);
    }};
    Buffer gradients(program.single), flows(program.single_flow);
    Operation back{"and its backward pass", 0, [&] {
        kernels.single_backward(program.stages.data(), int(program.stages.size()),
                                compiled.table.data(), memory.data(), gradients.data(),
                                flows.data(), gradient.data());
    }};
    for (const Stage& stage : program.stages)
        alone.multiply_adds += double(stage.linear.channels) * stage.linear.height *
                               stage.linear.width * stage.inputs * stage.linear_step();

    float sink[3] = {0.5f, 1.0f, 0.0f};
    Operation peak{"peak", 0, [&] { peak.multiply_adds = kernels.spin(20'000, sink); }};
    for (int round = 0; round < 200; round++) {
        if (round % 10 == 0) peak.seconds = std::min(peak.seconds, seconds_of(peak.run));
        if (!program.normalised) alone.seconds = std::min(alone.seconds, seconds_of(alone.run));
        if (program.alone) back.seconds = std::min(back.seconds, seconds_of(back.run));
        for (Operation& one : operations) one.seconds = std::min(one.seconds, seconds_of(one.run));
    }
    const double rate = peak.multiply_adds / peak.seconds;
    double total = 0, work = 0;
    for (const Operation& one : operations) total += one.seconds, work += one.multiply_adds;
    std::printf("%s, %d lanes, peak %.1f GFLOP/s, shard of %d samples\n", kernels.name, lanes,
                2 * rate / 1e9, groups * lanes);
    for (const Operation& one : operations) {
        std::printf("  %-18s %9.1f us %5.1f %%", one.name.c_str(), one.seconds * 1e6,
                    100 * one.seconds / total);
        if (one.multiply_adds > 0)
            std::printf("  %5.1f %% of peak", 100 * one.multiply_adds / one.seconds / rate);
        std::printf("\n");
    }
    std::printf("  %-18s %9.1f us          %5.1f %% of peak\n", "all", total * 1e6,
                100 * work / total / rate);
    if (!program.normalised)  // one image of such a network goes through its folded plan
        std::printf("  %-18s %9.1f us          %5.1f %% of peak\n", alone.name.c_str(),
                    alone.seconds * 1e6, 100 * alone.multiply_adds / alone.seconds / rate);
    if (program.alone) std::printf("  %-18s %9.1f us\n", back.name.c_str(), back.seconds * 1e6);
    std::printf("\n");
}

}  // namespace
}  // namespace lenet::test

int main(int count, char** words) {
    using namespace lenet::test;
    const lenet::Kernels& kernels = lenet::choose_kernels(count > 2 ? words[2] : "auto");
    for (const auto& [name, net] : networks)
        if (count < 2 || !std::strcmp(words[1], name)) profile(net, kernels);
}
