// What surrounds the layers: images in, loss out, sums of lanes, parameters moved.
#include <cmath>
#include <limits>

#include "check.h"
#include "tables.h"

namespace lenet::test {
namespace {

LENET_TEST(samples, images_are_scaled_into_their_border) {
    Random random(1);
    for (const Table& table : tables()) {
        Scope scope(table.kernels->name);
        const int lanes = table.kernels->lanes;
        const Map map{3, 5, 7, 1, 2, 8, 10, lanes};  // rows and columns of border on all sides
        std::vector<uint8_t> pixels(size_t(lanes * 3 * 5 * 7));
        for (uint8_t& pixel : pixels) pixel = uint8_t(random.below(256));
        std::vector<const uint8_t*> samples;
        for (int l = 0; l < lanes; l++) samples.push_back(pixels.data() + l * 3 * 5 * 7);
        const float scale[] = {0.5f, -2.0f, 1.0f / 255}, shift[] = {0.0f, 3.0f, -0.25f};
        Buffer out(map.size());
        fill(out, -9.0f);
        table.kernels->load_images(map, samples.data(), scale, shift, out.data());
        for (int c = 0; c < 3; c++)
            for (int y = -1; y < 7; y++)
                for (int x = -2; x < 8; x++)
                    for (int l = 0; l < lanes; l++) {
                        const bool inside = y >= 0 && y < 5 && x >= 0 && x < 7;
                        const double byte = inside ? samples[size_t(l)][(c * 5 + y) * 7 + x] : 0;
                        const double expected =
                            inside ? byte * double(scale[c]) + double(shift[c]) : -9.0;
                        CHECK_NEAR(double(out.data()[map.at(c, y, x) + l]), expected, 1e-6);
                    }
    }
}

// The loss against (1 - smoothing) at the label and smoothing / K everywhere, times a weight.
void smooth(Loss& loss, const Values& scores, int label, double smoothing, double weight) {
    const double share = smoothing / double(scores.size());
    double mean = 0;
    for (double score : scores) mean += score / double(scores.size());
    loss.loss = weight * (loss.loss + smoothing * (scores[size_t(label)] - mean));
    for (size_t k = 0; k < scores.size(); k++)
        loss.gradient[k] =
            weight * (loss.gradient[k] + (k == size_t(label) ? smoothing : 0) - share);
}

// Scores of `spread` either side of `middle`, in all lanes; the loss looks at the first `live`.
void check_loss(const Kernels& kernels, int classes, int live, double spread, double middle,
                float smoothing = 0) {
    Scope scope(std::string(kernels.name) + ", " + std::to_string(classes) + " classes, " +
                std::to_string(live) + " live, around " + std::to_string(middle));
    Random random{uint64_t(classes * 100 + live)};
    const int lanes = kernels.lanes;
    Buffer scores(classes * lanes), gradient(classes * lanes);
    fill(scores, random, middle - spread, middle + spread);
    fill(gradient, std::numeric_limits<float>::quiet_NaN());  // written whole
    std::vector<int32_t> labels(size_t(lanes), 0);
    for (int l = 0; l < live; l++) labels[size_t(l)] = random.below(classes);
    std::vector<double> losses(size_t(lanes), -1.0);
    std::vector<float> weights(size_t(live), 1.0f);
    if (smoothing > 0) weights[0] = 0.375f;
    Objective objective{};
    objective.label_smoothing = smoothing;
    const int correct = kernels.loss(classes, live, objective, scores.data(), labels.data(),
                                     weights.data(), losses.data(), gradient.data());
    int expected_correct = 0;
    for (int l = 0; l < lanes; l++) {
        Values sample;
        for (int k = 0; k < classes; k++) sample.push_back(double(scores.data()[k * lanes + l]));
        Loss expected = softmax_loss(sample, labels[size_t(l)]);
        smooth(expected, sample, labels[size_t(l)], double(smoothing), l ? 1 : double(weights[0]));
        expected_correct += l < live && expected.correct;
        CHECK_NEAR(losses[size_t(l)], l < live ? expected.loss : -1.0, 1e-6);
        for (int k = 0; k < classes; k++)
            CHECK_NEAR(double(gradient.data()[k * lanes + l]),
                       l < live ? expected.gradient[size_t(k)] : 0.0, 1e-6);
    }
    CHECK_EQUAL(correct, expected_correct);
}

LENET_TEST(samples, loss_and_its_gradient) {
    for (const Table& table : tables())
        for (int classes : {1, 2, 10, 37})
            for (int live : {1, table.kernels->lanes / 2 + 1, table.kernels->lanes}) {
                check_loss(*table.kernels, classes, live, 3, 0);
                check_loss(*table.kernels, classes, live, 300, 0);
                check_loss(*table.kernels, classes, live, 10, 1e6);
                check_loss(*table.kernels, classes, live, 1e30, -1e30);
                check_loss(*table.kernels, classes, live, 3, 0, 0.125f);
            }
}

// The label's score alone; and a class more, of a score that no sample has.
LENET_TEST(samples, the_nearest_target_and_a_class_of_rubbish) {
    for (const Table& table : tables()) {
        const int lanes = table.kernels->lanes;
        Random random(7);
        Buffer scores(3 * lanes), gradient(3 * lanes);
        fill(scores, random, -4, 4);
        const std::vector<int32_t> labels(size_t(lanes), 2);
        const std::vector<float> ones(size_t(lanes), 1.0f);
        std::vector<double> losses(static_cast<size_t>(lanes));
        const auto loss = [&](const Objective& objective) {
            table.kernels->loss(3, lanes, objective, scores.data(), labels.data(), ones.data(),
                                losses.data(), gradient.data());
        };
        Objective nearest{};
        nearest.nearest = true;
        loss(nearest);
        for (int l = 0; l < lanes; l++) {
            CHECK_NEAR(losses[size_t(l)], -double(scores.data()[2 * lanes + l]), 1e-6);
            for (int k = 0; k < 3; k++)
                CHECK_EQUAL(gradient.data()[k * lanes + l], k == 2 ? -1.0f : 0.0f);
        }
        for (float rubbish : {-30.0f, 0.5f, 90.0f}) {
            Objective objective{};
            objective.rubbish = rubbish;
            loss(objective);
            for (int l = 0; l < lanes; l++) {
                Values sample;
                for (int k = 0; k < 3; k++) sample.push_back(double(scores.data()[k * lanes + l]));
                sample.push_back(double(rubbish));
                const Loss expected = softmax_loss(sample, 2);
                CHECK_NEAR(losses[size_t(l)], expected.loss, 1e-5);
                for (int k = 0; k < 3; k++)
                    CHECK_NEAR(double(gradient.data()[k * lanes + l]), expected.gradient[size_t(k)], 1e-6);
            }
        }
    }
}

LENET_TEST(samples, equal_scores_answer_the_first_class) {
    for (const Table& table : tables()) {
        const int lanes = table.kernels->lanes;
        Buffer scores(3 * lanes), gradient(3 * lanes);
        std::vector<int32_t> labels(size_t(lanes), 1);
        labels[0] = 0;
        const std::vector<float> ones(size_t(lanes), 1.0f);
        std::vector<double> losses(static_cast<size_t>(lanes));
        CHECK_EQUAL(table.kernels->loss(3, lanes, Objective{}, scores.data(), labels.data(), ones.data(),
                                        losses.data(), gradient.data()), 1);
    }
}

LENET_TEST(samples, a_score_that_is_no_number_makes_a_loss_that_is_none) {
    const float inf = std::numeric_limits<float>::infinity();
    for (const Table& table : tables())
        for (float bad : {std::numeric_limits<float>::quiet_NaN(), inf, -inf})
            for (int where : {0, 1, 2}) {
                const int lanes = table.kernels->lanes;
                Buffer scores(3 * lanes), gradient(3 * lanes);
                scores.data()[where * lanes + 1] = bad;
                std::vector<int32_t> labels(size_t(lanes), where);
                std::vector<double> losses(static_cast<size_t>(lanes));
                const std::vector<float> ones(size_t(lanes), 1.0f);
                table.kernels->loss(3, lanes, Objective{}, scores.data(), labels.data(), ones.data(),
                                    losses.data(), gradient.data());
                CHECK(!std::isfinite(losses[1]));
                CHECK_NEAR(losses[0], std::log(3.0), 1e-6);  // the next lane's is not touched
            }
}

// Three steps of one optimizer against the formulas in double.
void check_update(const Kernels& kernels, OptimizerKind kind, float decay, int count, int shards) {
    Scope scope(std::string(kernels.name) + ", optimizer " + std::to_string(int(kind)) + ", decay " +
                std::to_string(decay) + ", " + std::to_string(count) + " values");
    Random random{uint64_t(count)};
    const Optimizer optimizer{kind, 0.9f, 0.8f, 0.99f, 1e-4f, decay, 0, 0.75f};
    const double momentum = double(0.9f), beta1 = double(0.8f), beta2 = double(0.99f);
    const double rate = 0.125, mean = 0.25;
    Buffer values(count + 1), state1(count + 1), state2(count + 1);
    Buffer average(count + 1);
    float* states[3] = {state1.data(), state2.data(), nullptr};
    states[optimizer.state_rows() - 1] = average.data();
    Values a(size_t(count), 0.0);
    fill(values, random);
    values.data()[count] = 7;  // one behind the end
    Values x(values.data(), values.data() + count), m(size_t(count), 0.0), v(size_t(count), 0.0);
    for (int64_t step = 1; step <= 3; step++) {
        std::vector<Buffer> parts;
        std::vector<const float*> gradients;
        for (int s = 0; s < shards; s++) parts.emplace_back(count);
        for (Buffer& part : parts) {
            fill(part, random);
            gradients.push_back(part.data());
        }
        kernels.update({optimizer, float(rate), step, float(mean)}, shards, gradients.data(), count,
                       values.data(), states);
        for (int i = 0; i < count; i++) {
            const size_t at = size_t(i);
            double g = 0;
            for (const float* part : gradients) g += double(part[i]) * mean;
            if (kind == OptimizerKind::adamw) {
                m[at] = beta1 * m[at] + (1 - beta1) * g;
                v[at] = beta2 * v[at] + (1 - beta2) * g * g;
                const double root = std::sqrt(v[at] / (1 - std::pow(beta2, double(step))));
                x[at] -= rate * double(decay) * x[at];
                x[at] -= rate * m[at] / (1 - std::pow(beta1, double(step))) /
                         (root + double(optimizer.epsilon));
            } else {
                g += double(decay) * x[at];
                m[at] = momentum * m[at] + g;
                if (kind == OptimizerKind::nesterov) g += momentum * m[at];
                x[at] -= rate * (kind == OptimizerKind::momentum ? m[at] : g);
            }
            a[at] = 0.75 * a[at] + 0.25 * x[at];
            CHECK_NEAR(double(average.data()[i]), a[at], 2e-6);
            CHECK_NEAR(double(values.data()[i]), x[at], 2e-6);
            if (kind != OptimizerKind::sgd) CHECK_NEAR(double(state1.data()[i]), m[at], 2e-6);
            if (kind == OptimizerKind::adamw) CHECK_NEAR(double(state2.data()[i]), v[at], 2e-6);
        }
    }
    CHECK_EQUAL(values.data()[count], 7.0f);
    CHECK_EQUAL(state1.data()[count], 0.0f);
}

LENET_TEST(samples, updates_of_every_optimizer) {
    using enum OptimizerKind;
    for (const Table& table : tables())
        for (OptimizerKind kind : {sgd, OptimizerKind::momentum, nesterov, adamw})
            for (float decay : {0.0f, 0.0625f})
                for (int count : {1, 5, 16, 67})
                    check_update(*table.kernels, kind, decay, count, count == 5 ? 1 : 3);
}

// The fastest loop is only a measure if it does what it says: sums = sums * a + b.
LENET_TEST(samples, spinning_counts_its_multiply_adds) {
    for (const Table& table : tables()) {
        const int accumulators = table.kernels->accumulators, lanes = table.kernels->lanes;
        float sink[3] = {1.0f, 0.5f, 0.0f};
        CHECK_EQUAL(table.kernels->spin(10, sink), 10.0 * accumulators * lanes);
        // Chain i starts at i and gains 0.5 a round.
        const double total = accumulators * (accumulators - 1) / 2.0 + 5.0 * accumulators;
        CHECK_EQUAL(sink[2], float(total * lanes));
    }
}

}  // namespace
}  // namespace lenet::test
