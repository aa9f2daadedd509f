// Poolings of their own, forwards and backwards, against plain loops.
#include <cmath>
#include <cstring>
#include <limits>

#include "check.h"
#include "stage.h"

namespace lenet::test {
namespace {

struct Case {
    int channels, height, width;
    int kernel_height, kernel_width, stride_y, stride_x, top, bottom, left, right;
};

const Case cases[] = {
    {3, 6, 8, 2, 2, 2, 2, 0, 0, 0, 0},      // the common one
    {2, 7, 9, 2, 2, 2, 2, 0, 0, 0, 0},      // a row and a column left over
    {2, 7, 5, 3, 2, 1, 1, 0, 0, 0, 0},      // overlapping
    {2, 9, 10, 2, 3, 3, 4, 0, 0, 0, 0},     // steps larger than the window
    {2, 5, 6, 3, 3, 2, 2, 1, 1, 1, 1},      // clipped on all sides
    {1, 6, 5, 4, 3, 1, 2, 3, 0, 0, 2},      // each side its own padding
    {1, 1, 1, 3, 3, 1, 1, 2, 0, 2, 1},      // larger than the map
    {1, 18, 17, 17, 16, 1, 1, 0, 0, 0, 0},  // 272 values: positions need two bytes
    {1, 12, 11, 20, 14, 3, 2, 5, 6, 2, 4},  // the same, clipped
    {1, 16, 16, 16, 16, 1, 1, 0, 0, 0, 0},  // 256 values: one byte is enough, just
};

void check_pool(const Kernels& kernels, const Case& c, Kind kind) {
    Net net(c.channels, c.height, c.width);
    net.pool(kind, c.kernel_height, c.kernel_width, c.stride_y, c.stride_x, c.top, c.bottom,
             c.left, c.right);
    net.conv(2, 3, 3, Activation::relu, 1, 1, 1, 1, 1, 1);  // so that the output has a border
    Compiled compiled(net, kernels, 1);
    const Stage& stage = compiled.program.stages[0];
    const Map plain_out = without_border(stage.output), plain_in = without_border(stage.input);
    Random random{uint64_t(c.height * 100 + c.width)};
    Buffer in = random_map(stage.input, random), out(stage.output.size());
    // Positions of exactly the size that they have.
    Buffer words(int64_t(plain_out.channels) * plain_out.height * stage.position_row);
    int32_t* positions = reinterpret_cast<int32_t*>(words.data());
    Buffer gradient = random_map(plain_out, random);
    Buffer in_gradient(plain_in.size()), again(stage.output.size());
    fill(in_gradient, NAN);  // written whole
    kernels.pool_forward(stage, in.data(), out.data(), positions);
    kernels.pool_forward(stage, in.data(), again.data(), nullptr);
    kernels.pool_backward(stage, gradient.data(), positions, in_gradient.data());
    CHECK_EQUAL(touched_border(stage.output, out), int64_t(0));
    CHECK(!std::memcmp(out.data(), again.data(), size_t(out.size()) * sizeof(float)));
    for (int lane : some_lanes(kernels.lanes)) {
        const Trace trace = forward(net.steps[0], lane_of(stage.input, in, lane), {});
        Values unused;
        const Values expected = backward(net.steps[0], trace, lane_of(plain_out, gradient, lane),
                                         {}, unused);
        const Values y = lane_of(stage.output, out, lane), dx = lane_of(plain_in, in_gradient, lane);
        for (size_t i = 0; i < y.size(); i++) CHECK_NEAR(y[i], trace.y[i], 1e-6);
        for (size_t i = 0; i < dx.size(); i++) CHECK_NEAR(dx[i], expected[i], 1e-6);
    }
}

LENET_TEST(pool, max_and_mean_forwards_and_backwards) {
    for (const Table& table : tables())
        for (const Case& c : cases)
            for (Kind kind : {Kind::maxpool, Kind::avgpool}) {
                Scope scope(std::string(table.kernels->name) + ", case " +
                            std::to_string(&c - cases) +
                            (kind == Kind::maxpool ? ", max" : ", mean"));
                check_pool(*table.kernels, c, kind);
            }
}

// A pooling of `size` x `size` values in one window, all lanes alike: where it finds the maximum.
int winner(const Kernels& kernels, int size, const std::vector<float>& values, float* best) {
    Net net(1, size, size);
    net.pool(Kind::maxpool, size, size, size, size);
    Compiled compiled(net, kernels, 1);
    const int lanes = kernels.lanes;
    Buffer in(size * size * lanes), out(lanes), words(lanes), gradient(lanes);
    int32_t* positions = reinterpret_cast<int32_t*>(words.data());
    Buffer in_gradient(in.size());
    for (int i = 0; i < size * size * lanes; i++) in.data()[i] = values[size_t(i / lanes)];
    fill(gradient, 1.0f);
    const Stage& stage = compiled.program.stages[0];
    kernels.pool_forward(stage, in.data(), out.data(), positions);
    kernels.pool_backward(stage, gradient.data(), positions, in_gradient.data());
    *best = out.data()[lanes - 1];
    int found = -1;
    for (int i = 0; i < size * size; i++)
        if (in_gradient.data()[i * lanes + lanes - 1] != 0) found = found < 0 ? i : -2;
    return found;
}

LENET_TEST(pool, the_first_of_equals_wins) {
    float best;
    for (const Table& table : tables()) {
        Scope scope(table.kernels->name);
        CHECK_EQUAL(winner(*table.kernels, 2, {1, 1, 1, 1}, &best), 0);
        CHECK_EQUAL(winner(*table.kernels, 2, {0, 1, 1, 1}, &best), 1);
        CHECK_EQUAL(winner(*table.kernels, 2, {0, 0, 1, 1}, &best), 2);
        CHECK_EQUAL(winner(*table.kernels, 2, {0, 0, -0.0f, 0}, &best), 0);
        CHECK_EQUAL(winner(*table.kernels, 3, {0, 0, 0, 0, 2, 2, 1, 2, 0}, &best), 4);
        CHECK_EQUAL(best, 2.0f);
    }
}

LENET_TEST(pool, infinities_are_values_and_a_nan_wins) {
    const float inf = std::numeric_limits<float>::infinity();
    float best;
    for (const Table& table : tables())
        for (int size : {2, 3}) {
            Scope scope(table.kernels->name);
            std::vector<float> values(size_t(size * size), -inf);
            winner(*table.kernels, size, values, &best);
            CHECK_EQUAL(best, -inf);
            for (int where = 0; where < size * size; where++) {
                values[size_t(where)] = inf;
                CHECK_EQUAL(winner(*table.kernels, size, values, &best), where);
                CHECK_EQUAL(best, inf);
                values[size_t(where)] = NAN;
                CHECK_EQUAL(winner(*table.kernels, size, values, &best), where);
                CHECK(std::isnan(best));
                values[size_t(where)] = -inf;
            }
        }
}

}  // namespace
}  // namespace lenet::test
