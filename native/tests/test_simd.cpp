// exp, sigmoid and tanh against the C library in double, over their whole range; sums of lanes.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "check.h"
#include "tables.h"

namespace lenet::test {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

// Every float whose bits are a multiple of 9973 away from zero's: 430,000 values of both signs,
// from denormals to infinity, as many near zero as far from it; in whole vectors of 16.
Buffer all_sizes() {
    std::vector<float> values;
    for (uint32_t bits = 0; bits <= 0x7f800000u; bits += 9973) {
        float value;
        std::memcpy(&value, &bits, sizeof value);
        values.insert(values.end(), {value, -value});
    }
    // And densely where the functions move.
    for (float x = -90; x < 90; x += 0.00107f) values.push_back(x);
    while (values.size() % 16) values.push_back(0);
    Buffer buffer(int64_t(values.size()));
    std::copy(values.begin(), values.end(), buffer.data());
    return buffer;
}

using Function = void (*)(int64_t, const float*, float*);

// The largest error relative to max(|expected|, least), in ulp of float.
double worst_error(Function f, double (*expected)(double), double least) {
    Buffer in = all_sizes(), out(in.size());
    f(in.size(), in.data(), out.data());
    double worst = 0, where = 0;
    for (int64_t i = 0; i < in.size(); i++) {
        const double right = expected(double(in.data()[i]));
        const double error =
            std::fabs(double(out.data()[i]) - right) / std::fmax(std::fabs(right), least);
        if (error <= worst) continue;  // a NaN goes on
        worst = std::isnan(error) ? HUGE_VAL : error;
        where = double(in.data()[i]);
    }
    std::printf("  worst error %.2f ulp at %.9g\n", worst / 0x1p-23, where);
    return worst / 0x1p-23;
}

float at(Function f, float x) {
    Buffer in(16), out(16);
    fill(in, x);
    f(16, in.data(), out.data());
    return out.data()[7];
}

// The range of exp ends where its result would be denormal or infinite.
double clamped_exp(double x) {
    return std::exp(std::fmin(std::fmax(x, double(-87.33654f)), double(88.37626f)));
}

constexpr double smallest = 0x1p-126;  // what is below is denormal

LENET_TEST(simd, exp_is_within_an_ulp) {
    for (const Table& table : tables()) {
        Scope scope(table.kernels->name);
        CHECK(worst_error(table.functions->exp, clamped_exp, smallest) < 1);
        CHECK_EQUAL(at(table.functions->exp, 0.0f), 1.0f);
    }
}

LENET_TEST(simd, sigmoid_is_within_three_ulp) {
    for (const Table& table : tables()) {
        Scope scope(table.kernels->name);
        const auto right = [](double x) { return 1 / (1 + std::exp(-x)); };
        // It ends at 4e-39, and next to anything it meets 1e-30 is zero.
        CHECK(worst_error(table.functions->sigmoid, right, 1e-30) < 3);
        CHECK_EQUAL(at(table.functions->sigmoid, 0.0f), 0.5f);
        CHECK_EQUAL(at(table.functions->sigmoid, infinity), 1.0f);
        CHECK_NEAR(double(at(table.functions->sigmoid, -infinity)), 0.0, 1e-37);
    }
}

LENET_TEST(simd, tanh_is_within_three_ulp) {
    for (const Table& table : tables()) {
        Scope scope(table.kernels->name);
        CHECK(worst_error(table.functions->tanh, std::tanh, smallest) < 3);
        CHECK_EQUAL(at(table.functions->tanh, infinity), 1.0f);
        CHECK_EQUAL(at(table.functions->tanh, -infinity), -1.0f);
    }
}

// Divergence must be seen: a NaN that a function swallows would train on.
LENET_TEST(simd, a_nan_stays_one) {
    for (const Table& table : tables()) {
        Scope scope(table.kernels->name);
        for (Function f : {table.functions->exp, table.functions->sigmoid, table.functions->tanh})
            CHECK(std::isnan(at(f, nan)));
    }
}

LENET_TEST(simd, sums_of_lanes) {
    for (const Table& table : tables()) {
        Scope scope(table.kernels->name);
        const int lanes = table.functions->lanes;
        CHECK_EQUAL(lanes, table.kernels->lanes);
        Buffer values(16);
        for (int l = 0; l < 16; l++) values.data()[l] = float(1 << l);
        CHECK_EQUAL(table.functions->sum(values.data()), float((1 << lanes) - 1));
    }
}

}  // namespace
}  // namespace lenet::test
