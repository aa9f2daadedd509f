// Training: every optimizer against plain loops, bit for bit alike on any number of threads; short last
// batches; order and repetition; and what happens when numbers leave their range.
#include <cmath>
#include <cstring>
#include <limits>

#include "check.h"
#include "network_list.h"

namespace lenet::test {
namespace {

struct Trained {
    Buffer table, state;
    std::vector<double> losses;
    std::vector<int64_t> correct;
    int64_t steps;
};

Trained train(Session& session, const Net& net, const Samples& samples, int batch,
              const std::vector<float>& rates, const Optimizer& optimizer,
              const std::vector<int32_t>& order, const Objective& objective = plain_objective) {
    Trained trained{floats(samples.table), Buffer(3 * net.table),
                    std::vector<double>(rates.size(), -1), std::vector<int64_t>(rates.size(), -1),
                    0};
    const Schedule schedule{order.data(), int64_t(order.size()), batch, rates.data(), 0};
    trained.steps = session.train(trained.table.data(), trained.state.data(), samples.view(),
                                  samples.labels.data(), schedule, optimizer,
                                  objective, trained.losses.data(), trained.correct.data()).steps;
    return trained;
}

// The same in double.
Values plain_train(const Net& net, const Samples& samples, int batch,
                   const std::vector<float>& rates, const Optimizer& o,
                   const std::vector<int32_t>& order, std::vector<double>& losses) {
    Values table = samples.table, m(table.size(), 0.0), v(table.size(), 0.0);
    double power1 = 1, power2 = 1;
    for (size_t step = 0; step < rates.size(); step++) {
        const auto begin = order.begin() + ptrdiff_t(step) * batch;
        const std::vector<int32_t> part(
            begin, order.end() - begin < batch ? order.end() : begin + batch);
        const Answer answer = run(net, table, samples.images, samples.labels, part, samples.scale,
                                  samples.shift);
        losses.push_back(answer.loss);
        power1 *= double(o.beta1);
        power2 *= double(o.beta2);
        const double rate = double(rates[step]), decay = double(o.weight_decay);
        for (size_t i = 0; i < table.size(); i++) {
            double g = answer.gradient[i];
            if (o.kind == OptimizerKind::adamw) {
                m[i] = double(o.beta1) * m[i] + (1 - double(o.beta1)) * g;
                v[i] = double(o.beta2) * v[i] + (1 - double(o.beta2)) * g * g;
                table[i] -= rate * decay * table[i];
                table[i] -= rate * (m[i] / (1 - power1)) /
                            (std::sqrt(v[i] / (1 - power2)) + double(o.epsilon));
            } else {
                g += decay * table[i];
                m[i] = double(o.momentum) * m[i] + g;
                if (o.kind == OptimizerKind::momentum) g = m[i];
                if (o.kind == OptimizerKind::nesterov) g += double(o.momentum) * m[i];
                table[i] -= rate * g;
            }
        }
    }
    return table;
}

bool same(Buffer& a, Buffer& b) {
    return !std::memcmp(a.data(), b.data(), size_t(a.size()) * sizeof(float));
}

LENET_TEST(training, every_rule_equals_plain_loops_on_any_threads) {
    const std::vector<float> rates{0.05f, 0.025f, 0.1f};
    const std::vector<int32_t> order{3, 3, 0, 8, 1, 40, 2, 7, 5, 6, 11, 10, 9, 39, 38, 3};
    const auto networks = small_networks();
    using enum OptimizerKind;
    for (OptimizerKind kind : {sgd, OptimizerKind::momentum, nesterov, adamw}) {
        // A large epsilon: with a small one AdamW moves by the sign of gradients near zero.
        const Optimizer optimizer{kind, 0.9f, 0.9f, 0.99f, 1e-2f, 0.0625f, 0, 0};
        for (size_t index : {size_t(0), size_t(2), size_t(3), size_t(4)}) {
            const Net& net = networks[index];
            const Samples samples(net, 41, index + 1);
            std::vector<double> losses;
            const Values expected =
                plain_train(net, samples, 7, rates, optimizer, order, losses);
            for (const char* const* isa = available_isas(); *isa; isa++) {
                Scope scope(std::string(*isa) + ", network " + std::to_string(index) + ", optimizer " +
                            std::to_string(int(kind)));
                Session alone(net.data(), net.count(), net.table, *isa, 1);
                Trained first = train(alone, net, samples, 7, rates, optimizer, order);
                CHECK_EQUAL(first.steps, int64_t(3));
                for (size_t i = 0; i < expected.size(); i++)
                    CHECK_NEAR(double(first.table.data()[i]), expected[i], 1e-5);
                for (size_t i = 0; i < losses.size(); i++)
                    CHECK_NEAR(first.losses[i], losses[i], 1e-5);
                for (int threads : {2, 3, 4}) {
                    Session session(net.data(), net.count(), net.table, *isa, threads);
                    Trained other = train(session, net, samples, 7, rates, optimizer, order);
                    CHECK(same(first.table, other.table));
                    CHECK(same(first.state, other.state));
                    CHECK(first.losses == other.losses);
                    CHECK(first.correct == other.correct);
                }
            }
        }
    }
}

// A batch of 129 is cut into fewer shards than the 128 that are left over after it.
LENET_TEST(training, a_short_last_batch_may_have_more_shards) {
    const Net net = Net(1, 2, 2).dense(3);
    for (int batch : {129, 100, 33, 400})
        for (int count : {batch + batch - 1, 2 * batch, batch + 1}) {
            Scope scope("batch " + std::to_string(batch) + " of " + std::to_string(count));
            const Samples samples(net, count, 1);
            const std::vector<float> rates{0.5f, 0.5f};
            const Optimizer optimizer{OptimizerKind::momentum, 0.9f, 0, 0, 0, 0, 0, 0};
            std::vector<double> losses;
            const Values expected =
                plain_train(net, samples, batch, rates, optimizer, samples.order, losses);
            Session session(net.data(), net.count(), net.table, "auto", 2);
            Trained trained = train(session, net, samples, batch, rates, optimizer, samples.order);
            for (size_t i = 0; i < expected.size(); i++)
                CHECK_NEAR(double(trained.table.data()[i]), expected[i], 1e-5);
            CHECK_NEAR(trained.losses[1], losses[1], 1e-5);
        }
}

// Whatever is done to the objective, to the gradient or beside it: bit for bit on any threads, and
// the loss goes down. Its numbers are held against the readable engine by tests/parity.
LENET_TEST(training, everything_at_once_on_any_threads) {
    const Net net = Net(2, 10, 9).conv(5, 3, 3, Activation::silu, 1, 1, 1, 1, 1, 1).norm()
        .pool(Kind::maxpool, 2, 2, 2, 2).conv(7, 2, 3, Activation::relu).norm()
        .conv(3, 1, 1, Activation::tanh).norm().dense(9, Activation::sigmoid)
        .dense(6, Activation::relu).dense(4);
    const Samples samples(net, 150, 4);
    std::vector<float> weights;
    for (int i = 0; i < samples.count; i++) weights.push_back(float(i % 3));
    const Objective objective{0.1f, 0.2f, 7, weights.data()};
    const Optimizer optimizer{OptimizerKind::nesterov, 0.9f, 0, 0, 0, 1e-4f, 1.0f, 0.9f};
    std::vector<int32_t> order;
    for (int e = 0; e < 100; e++)
        order.insert(order.end(), samples.order.begin(), samples.order.end());
    const std::vector<float> rates(150, 0.05f);
    for (const char* const* isa = available_isas(); *isa; isa++) {
        Scope scope(*isa);
        Session alone(net.data(), net.count(), net.table, *isa, 1);
        Trained first = train(alone, net, samples, 100, rates, optimizer, order, objective);
        CHECK_EQUAL(first.steps, int64_t(150));
        CHECK(first.losses[149] < 0.8 * first.losses[0]);
        for (int threads : {2, 3, 4}) {
            Session session(net.data(), net.count(), net.table, *isa, threads);
            Trained other = train(session, net, samples, 100, rates, optimizer, order, objective);
            CHECK(same(first.table, other.table));
            CHECK(same(first.state, other.state));
            CHECK(first.losses == other.losses);
        }
    }
}

// A loss that is no number stops before its update; what was done stays.
LENET_TEST(training, divergence_stops_before_the_update) {
    const Net net = small_networks()[1];
    const Samples samples(net, 12, 3);
    const Optimizer optimizer{OptimizerKind::momentum, 0.9f, 0, 0, 0, 0, 0, 0};
    for (const char* const* isa = available_isas(); *isa; isa++) {
        Scope scope(*isa);
        Session session(net.data(), net.count(), net.table, *isa, 2);
        Trained once = train(session, net, samples, 4, {1e30f}, optimizer, {0, 1, 2, 3});
        CHECK_EQUAL(once.steps, int64_t(1));
        Trained all = train(session, net, samples, 4, {1e30f, 1, 1}, optimizer, samples.order);
        CHECK_EQUAL(all.steps, int64_t(1));
        CHECK(std::isfinite(all.losses[0]));
        CHECK(!std::isfinite(all.losses[1]));
        CHECK_EQUAL(all.losses[2], -1.0);
        CHECK(same(once.table, all.table));
        CHECK(same(once.state, all.state));
    }
}

// Any input or parameter that is no number shows in the loss, whatever the activation: no kernel
// may turn it into a zero.
LENET_TEST(training, a_nan_reaches_the_loss) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    int index = 0;
    for (const Net& net : small_networks()) {
        Samples samples(net, 3, 1);
        Buffer gradient(net.table);
        int64_t correct;
        for (const char* const* isa = available_isas(); *isa; isa++) {
            Scope scope(std::string(*isa) + ", network " + std::to_string(index));
            Session session(net.data(), net.count(), net.table, *isa, 1);
            Buffer table = floats(samples.table);
            const auto loss = [&] {
                return session.gradient(table.data(), samples.view(), samples.labels.data(),
                                        plain_objective, 1, gradient.data(), &correct);
            };
            CHECK(std::isfinite(loss()));
            samples.shift[0] = nan;
            if (net.classes() > 1) CHECK(std::isnan(loss()));
            samples.shift[0] = -0.5f;
            const Step& last = net.steps.back();
            if (last.bias_offset >= 0) {
                table.data()[last.bias_offset] = nan;
                CHECK(std::isnan(loss()));
            }
        }
        index++;
    }
}

}  // namespace
}  // namespace lenet::test
