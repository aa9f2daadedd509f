// Whole networks: scores, losses and gradients against plain loops, on every instruction set, for
// numbers of samples that fill no lane, and bit for bit alike on any number of threads.
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "check.h"
#include "network_list.h"
#include "pack.h"

namespace lenet::test {
namespace {

constexpr double tolerance = 1e-5;

bool same(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && !std::memcmp(a.data(), b.data(), a.size() * sizeof(float));
}

struct Found {
    std::vector<float> scores, gradient;
    double loss;
    int64_t correct;
};

Found found_by(Session& session, const Net& net, const Samples& samples) {
    Buffer table = floats(samples.table);
    Found found{std::vector<float>(size_t(samples.count * net.classes()), NAN),
                std::vector<float>(size_t(net.table), NAN), NAN, -1};
    session.scores(table.data(), samples.view(), found.scores.data());
    found.loss = session.gradient(table.data(), samples.view(), samples.labels.data(),
                                  plain_objective, 1, found.gradient.data(), &found.correct);
    return found;
}

void compare(const Found& found, const Answer& expected) {
    for (size_t i = 0; i < found.scores.size(); i++)
        CHECK_NEAR(double(found.scores[i]), expected.scores[i], tolerance);
    for (size_t i = 0; i < found.gradient.size(); i++)
        CHECK_NEAR(double(found.gradient[i]), expected.gradient[i], tolerance);
    CHECK_NEAR(found.loss, expected.loss, tolerance);
    CHECK_EQUAL(found.correct, expected.correct);
}

LENET_TEST(session, equals_plain_loops_and_itself_on_any_threads) {
    int index = 0;
    for (const Net& net : small_networks()) {
        const int counts[] = {1, 3, 37, 5};
        const Samples samples(net, counts[index % 4], uint64_t(index + 1));
        const Answer expected = samples.plain(net);
        for (const char* const* isa = available_isas(); *isa; isa++) {
            Scope scope(std::string(*isa) + ", network " + std::to_string(index));
            Session alone(net.data(), net.count(), net.table, *isa, 1);
            const Found first = found_by(alone, net, samples);
            compare(first, expected);
            for (int threads : {2, 3, 4}) {
                Session session(net.data(), net.count(), net.table, *isa, threads);
                const Found other = found_by(session, net, samples);
                CHECK(same(first.scores, other.scores));
                CHECK(same(first.gradient, other.gradient));
                CHECK(first.loss == other.loss);
            }
        }
        index++;
    }
}

// Convolutions so long that several threads work on one shard's together: both ways to compute
// them, with and without strides, pooled and not.
LENET_TEST(session, a_shard_by_several_threads) {
    using enum Activation;
    const Net net = Net(3, 28, 30).conv(24, 3, 3, relu, 1, 1, 1, 1, 1, 1)
                        .pool(Kind::maxpool, 2, 2, 2, 2).conv(24, 5, 5, silu, 1, 1, 2, 2, 2, 2)
                        .conv(60, 3, 3, tanh, 2, 2).pool(Kind::maxpool, 3, 3, 1, 1).conv(64, 1, 1)
                        .conv(70, 2, 2, sigmoid, 1, 1, 1, 1, 1, 1).dense(4);
    const Samples samples(net, 13, 8);
    const Answer expected = samples.plain(net);
    for (const char* const* isa = available_isas(); *isa; isa++)
        for (const char* method : {"direct", "winograd"}) {
            Scope scope(std::string(*isa) + ", " + method);
            Session alone(net.data(), net.count(), net.table, *isa, 1, method);
            const Found first = found_by(alone, net, samples);
            compare(first, expected);
            for (int threads : {2, 3, 8}) {
                Session session(net.data(), net.count(), net.table, *isa, threads, method);
                const Found other = found_by(session, net, samples);
                CHECK(same(first.scores, other.scores));
                CHECK(same(first.gradient, other.gradient));
            }
        }
}

// 16 lanes without AVX-512: the session has no such choice, a worker has.
LENET_TEST(session, wide_lanes_equal_plain_loops) {
    const Kernels& kernels = wide::kernels();
    int index = 0;
    for (const Net& net : small_networks()) {
        Scope scope("wide, network " + std::to_string(index));
        const Samples samples(net, 19, uint64_t(++index));
        const Answer expected = samples.plain(net);
        Buffer table = floats(samples.table);
        Program program(net.data(), net.count(), net.table, kernels.lanes, kernels.accumulators);
        Buffer packed(program.packed), gradient(program.gradient);
        for (const Stage& stage : program.stages)
            if (stage.linear_step())
                for (int b = 0; b < stage.forward_blocks.count; b++)
                    pack(stage, b, table.data(), packed.data());
        Worker worker(program, kernels, true);
        const Images images = samples.view();
        const Batch batch{&images, samples.labels.data(), nullptr, 0, samples.count,
                          &plain_objective};
        std::vector<float> scores(size_t(samples.count * net.classes()), NAN);
        worker.scores(table.data(), packed.data(), batch, scores.data());
        const Share share =
            worker.gradient(table.data(), packed.data(), batch, gradient.data());
        for (size_t i = 0; i < scores.size(); i++)
            CHECK_NEAR(double(scores[i]), expected.scores[i], tolerance);
        CHECK_NEAR(share.loss / samples.count, expected.loss, tolerance);
        for (const Stage& stage : program.stages)
            for (int o = 0; stage.linear_step() && o < stage.linear.channels; o++)
                for (int k = 0; k <= stage.inputs; k++) {
                    const int64_t from = k < stage.inputs
                        ? stage.weights + int64_t(o) * stage.inputs + k : stage.bias + o;
                    const int64_t at = stage.gradient + int64_t(o) * stage.gradient_row + k;
                    CHECK_NEAR(double(gradient.data()[at]) / samples.count,
                               expected.gradient[size_t(from)], tolerance);
                }
    }
}

// More samples than a worker holds at a time and than one shard takes.
LENET_TEST(session, many_samples) {
    const Net net = small_networks()[0];
    for (int count : {65, 128, 129, 300}) {
        const Samples samples(net, count, uint64_t(count));
        const Answer expected = samples.plain(net);
        for (const char* const* isa = available_isas(); *isa; isa++) {
            Scope scope(std::string(*isa) + ", " + std::to_string(count) + " samples");
            Session session(net.data(), net.count(), net.table, *isa, 2);
            compare(found_by(session, net, samples), expected);
        }
    }
}

// A sample's scores do not depend on who shares its vector; alone it goes another way, which differs
// in rounding only.
LENET_TEST(session, neighbours_do_not_matter) {
    const Net net = small_networks()[2];
    const Samples samples(net, 21, 4);
    for (const char* const* isa = available_isas(); *isa; isa++) {
        Session session(net.data(), net.count(), net.table, *isa, 1);
        Buffer table = floats(samples.table);
        const int classes = net.classes();
        std::vector<float> together(size_t(21 * classes)), alone(static_cast<size_t>(classes));
        session.scores(table.data(), samples.view(), together.data());
        for (int i = 0; i < 21; i++) {
            Images one = samples.view();
            one.pixels += i * net.pixels();
            one.count = 1;
            session.scores(table.data(), one, alone.data());
            for (int k = 0; k < classes; k++)
                CHECK_NEAR(double(alone[size_t(k)]), double(together[size_t(i * classes + k)]), 2e-6);
        }
        std::vector<float> some(size_t(7 * classes));
        for (int i = 0; i + 7 <= 21; i++) {
            Images seven = samples.view();
            seven.pixels += i * net.pixels();
            seven.count = 7;
            session.scores(table.data(), seven, some.data());
            CHECK(!std::memcmp(some.data(), together.data() + i * classes,
                               some.size() * sizeof(float)));
        }
    }
}

// The tables' gaps stay zero, no images are no work, and scores come after training too.
LENET_TEST(session, edges) {
    const Net net = small_networks()[0];
    const Samples samples(net, 5, 1);
    Session session(net.data(), net.count(), net.table, "auto", 2);
    Images none = samples.view();
    none.count = 0;
    float untouched = 7;
    Buffer table = floats(samples.table);
    session.scores(table.data(), none, &untouched);
    CHECK_EQUAL(untouched, 7.0f);
    const Found first = found_by(session, net, samples), second = found_by(session, net, samples);
    CHECK(same(first.scores, second.scores));
    CHECK(same(first.gradient, second.gradient));
    CHECK_EQUAL(first.gradient[27], 0.0f);  // behind 3 x 9 weights, before the biases at 32
}

// Scores follow every change of the table, whatever else the session did in between.
LENET_TEST(session, scores_follow_the_table) {
    const Net net = small_networks()[0];
    const Samples samples(net, 9, 2);
    Session session(net.data(), net.count(), net.table, "auto", 2);
    Buffer table = floats(samples.table), other = floats(net.parameters(99));
    const auto scores_of = [&](Buffer& values) {
        std::vector<float> scores(size_t(9 * net.classes()));
        session.scores(values.data(), samples.view(), scores.data());
        return scores;
    };
    const std::vector<float> first = scores_of(table), second = scores_of(other);
    CHECK(first != second);
    CHECK(scores_of(table) == first);
    Buffer gradient(net.table);
    int64_t correct;
    session.gradient(other.data(), samples.view(), samples.labels.data(), plain_objective, 1,
                     gradient.data(), &correct);
    CHECK(scores_of(table) == first);
    table.data()[0] += 1;
    CHECK(scores_of(table) != first);
    table.data()[0] -= 1;
    const float rates[3] = {0.1f, 0.1f, 0.1f};
    double losses[3];
    int64_t right[3];
    session.train(other.data(), nullptr, samples.view(), samples.labels.data(),
                  {samples.order.data(), 9, 3, rates, 0}, {OptimizerKind::sgd, 0, 0, 0, 0, 0, 0, 0},
                  plain_objective,
                  losses, right);
    CHECK(scores_of(other) != second);
}

// Denormal weights count as zero where the processor can do that, and the caller's own arithmetic
// stays as it was.
LENET_TEST(session, denormals_are_zero) {
    const Net net = Net(1, 1, 1).dense(2);
    const uint8_t pixel = 1;
    const float scale = 1, shift = 0;
    const Images images{&pixel, 1, &scale, &shift};
    Buffer table(net.table);
    table.data()[0] = 1e-40f;
    table.data()[1] = 1e-30f;
    for (const char* const* isa = available_isas(); *isa; isa++) {
        Scope scope(*isa);
        Session session(net.data(), net.count(), net.table, *isa, 2);
        float scores[2] = {7, 7};
        session.scores(table.data(), images, scores);
        if (DenormalsAreZero::possible) CHECK_EQUAL(scores[0], 0.0f);
        CHECK_EQUAL(scores[1], 1e-30f);
        volatile float small = 1e-38f;
        CHECK(small * 0.01f > 0);
    }
}

LENET_TEST(session, labels_and_indices_out_of_range_are_refused) {
    const Net net = small_networks()[0];
    Samples samples(net, 5, 1);
    Session session(net.data(), net.count(), net.table, "auto", 1);
    Buffer table = floats(samples.table), gradient(net.table);
    int64_t correct;
    for (int32_t bad : {-1, 4, std::numeric_limits<int32_t>::max()}) {
        samples.labels[4] = bad;
        CHECK_REFUSED(session.gradient(table.data(), samples.view(), samples.labels.data(),
                                       plain_objective, 1, gradient.data(), &correct),
                      "a label lies outside the classes");
        samples.labels[4] = 3;
    }
    double losses[5];
    int64_t right[5];
    const float rates[5] = {0, 0, 0, 0, 0};
    for (int32_t bad : {-1, 5, std::numeric_limits<int32_t>::min()}) {
        const int32_t order[] = {0, 1, bad};
        const Schedule schedule{order, 3, 1, rates, 0};
        CHECK_REFUSED(session.train(table.data(), nullptr, samples.view(), samples.labels.data(),
                                    schedule, {OptimizerKind::sgd, 0, 0, 0, 0, 0, 0, 0}, plain_objective,
                                    losses, right),
                      "an index lies outside the images");
    }
}

}  // namespace
}  // namespace lenet::test
