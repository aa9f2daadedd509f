// Plans that break an invariant are refused, each with its reason: one plan a rule, broken once.
#include <iterator>
#include <limits>
#include <stdexcept>

#include "check.h"
#include "layout.h"
#include "plain.h"

namespace lenet::test {
namespace {

Net lenet() {
    using enum Activation;
    return Net(1, 28, 28).conv(6, 5, 5, sigmoid).pool(Kind::maxpool, 2, 2, 2, 2)
        .conv(16, 5, 5, sigmoid, 1, 1, 1, 1, 1, 1).pool(Kind::avgpool, 2, 2, 2, 2, 1, 1, 1, 1)
        .dense(120, sigmoid).dense(10);
}

void make(const Net& net) { Session(net.data(), net.count(), net.table, "baseline", 1); }

// LeNet with one change.
template <typename Change>
void with(Change change) {
    Net net = lenet();
    change(net);
    make(net);
}

LENET_TEST(plan, a_good_plan_is_taken) {
    const Net net = lenet();
    Session session(net.data(), net.count(), net.table, "auto", 2);
    CHECK_EQUAL(session.classes(), 10);
    CHECK_EQUAL(session.threads(), 2);
    CHECK_EQUAL(std::string(session.isa()), std::string(available_isas()[0]));
    CHECK(session.lanes() == 4 || session.lanes() == 8 || session.lanes() == 16);
}

LENET_TEST(plan, sizes) {
    const char* size = "a size is below 1 or above 10,000,000";
    const char* padding = "a padding is negative or above 10,000,000";
    const char* formula = "the output's size does not follow the shape formula";
    CHECK_REFUSED(with([](Net& n) { n.steps.clear(); }), "at least one step");
    for (int bad : {0, -1, 10'000'001, std::numeric_limits<int>::min(),
                    std::numeric_limits<int>::max()}) {
        CHECK_REFUSED(with([=](Net& n) { n.steps[0].channels = bad; }), size);
        CHECK_REFUSED(with([=](Net& n) { n.steps[0].height = bad; }), size);
        CHECK_REFUSED(with([=](Net& n) { n.steps[0].width = bad; }), size);
        CHECK_REFUSED(with([=](Net& n) { n.steps[2].out_channels = bad; }), size);
        CHECK_REFUSED(with([=](Net& n) { n.steps[3].out_height = bad; }), size);
        CHECK_REFUSED(with([=](Net& n) { n.steps[0].out_width = bad; }), size);
        CHECK_REFUSED(with([=](Net& n) { n.steps[0].kernel_height = bad; }), size);
        CHECK_REFUSED(with([=](Net& n) { n.steps[0].kernel_width = bad; }), size);
        CHECK_REFUSED(with([=](Net& n) { n.steps[0].stride_y = bad; }), size);
        CHECK_REFUSED(with([=](Net& n) { n.steps[4].stride_x = bad; }), size);
        if (!bad) continue;
        CHECK_REFUSED(with([=](Net& n) { n.steps[0].top = bad; }), padding);
        CHECK_REFUSED(with([=](Net& n) { n.steps[0].bottom = bad; }), padding);
        CHECK_REFUSED(with([=](Net& n) { n.steps[1].left = bad; }), padding);
        CHECK_REFUSED(with([=](Net& n) { n.steps[2].right = bad; }), padding);
    }
    const char* groups = "its channels cannot be cut into its groups";
    for (int bad : {0, -1, 4, std::numeric_limits<int>::min()})
        CHECK_REFUSED(with([=](Net& n) { n.steps[2].groups = bad; }), groups);
    CHECK_REFUSED(with([](Net& n) { n.steps[1].groups = 2; }), "only a convolution has groups");
    CHECK_REFUSED(with([](Net& n) { n.steps[0].out_height = 23; }), formula);
    CHECK_REFUSED(with([](Net& n) { n.steps[0].out_width = 25; }), formula);
    CHECK_REFUSED(with([](Net& n) { n.steps[0].kernel_height = 29; }), formula);
    CHECK_REFUSED(with([](Net& n) { n.steps[1].stride_x = 3; }), formula);
    CHECK_REFUSED(with([](Net& n) { n.steps[2].right = 2; }), formula);
    CHECK_REFUSED(with([](Net& n) { n.steps[0].stride_y = 0; }), "step 0");
    CHECK_REFUSED(with([](Net& n) { n.steps[4].stride_x = 0; }), "step 4");
}

// Maps and weights whose size alone would overflow or exhaust the memory.
LENET_TEST(plan, too_large) {
    const char* map = "a map is too large";
    CHECK_REFUSED(make(Net(3, 20'000, 20'000).conv(1, 1, 1)), map);
    CHECK_REFUSED(make(Net(1, 9'000'000, 9'000'000).conv(1, 1, 1)), map);
    CHECK_REFUSED(make(Net(1, 3, 3).conv(1, 2, 2, {}, 1, 1, 9'999'990, 0, 9'999'990, 0)), map);
    CHECK_REFUSED(make(Net(1, 1000, 1000).conv(1000, 1, 1)), map);
    CHECK_REFUSED(make(Net(10'000, 1, 1).conv(100'000, 1, 1)), "too many weights");
    CHECK_REFUSED(make(Net(9'999'999, 1, 1).dense(9'999'999)), "too many weights");
    CHECK_REFUSED(make(Net(1, 300, 300).pool(Kind::maxpool, 300, 300, 1, 1)),
                  "a pooling window of more than 65,536 values");
    // Inside the bounds, but the widest vectors of it overflow the kernels' 32-bit tables.
    const Net wide = Net(200, 1000, 1000).conv(1, 1, 1);
    CHECK_REFUSED(Program(wide.data(), wide.count(), wide.table, 16, 24),
                  "too large for this engine");
}

LENET_TEST(plan, kinds) {
    const char* outside = "its parameters lie outside the table";
    const char* dense = "a dense step is I x 1 x 1 to O x 1 x 1";
    CHECK_REFUSED(with([](Net& n) { n.steps[3].kind = Kind(std::size(kind_names)); }), "an unknown kind");
    CHECK_REFUSED(with([](Net& n) { n.steps[3].kind = Kind(-1); }), "an unknown kind");
    CHECK_REFUSED(with([](Net& n) { n.steps[0].activation = Activation(std::size(activations)); }),
                  "an unknown activation");
    CHECK_REFUSED(with([](Net& n) { n.steps[5].activation = Activation(-1); }),
                  "an unknown activation");
    CHECK_REFUSED(with([](Net& n) { n.steps[1].out_channels = 7; }),
                  "a pooling keeps its channels");
    CHECK_REFUSED(with([](Net& n) { n.steps[3].activation = Activation::relu; }),
                  "a pooling has no activation");
    for (int32_t Step::* side : {&Step::top, &Step::bottom, &Step::left, &Step::right}) {
        // Two more on one side and two less at the map keep the shape formula.
        CHECK_REFUSED(with([=](Net& n) {
                          const bool rows = side == &Step::top || side == &Step::bottom;
                          n.steps[3].*side += 2;
                          (rows ? n.steps[3].out_height : n.steps[3].out_width) += 1;
                      }),
                      "a pooling's padding must be smaller than its window");
    }
    CHECK_REFUSED(with([](Net& n) { n.steps[0].weight_offset = -1; }), outside);
    CHECK_REFUSED(with([](Net& n) { n.steps[0].bias_offset = -1; }), outside);
    CHECK_REFUSED(with([](Net& n) { n.steps[5].bias_offset = int32_t(n.table) - 9; }), outside);
    CHECK_REFUSED(with([](Net& n) { n.steps[2].weight_offset = int32_t(n.table) - 2399; }), outside);
    CHECK_REFUSED(with([](Net& n) {
                      n.steps[0].weight_offset = std::numeric_limits<int32_t>::max();
                  }), outside);
    CHECK_REFUSED(with([](Net& n) { n.table = 44'000; }), outside);
    CHECK_REFUSED(with([](Net& n) { n.table = -1; }), outside);
    CHECK_REFUSED(with([](Net& n) {
                      n.steps[4].height = n.steps[4].kernel_height = 2;
                  }), dense);
    CHECK_REFUSED(with([](Net& n) {
                      n.steps[4].width = n.steps[4].out_width = 2;
                  }), dense);
    CHECK_REFUSED(with([](Net& n) {
                      n.steps[4].top = 1;
                      n.steps[4].kernel_height = 2;
                  }), dense);
}

LENET_TEST(plan, order) {
    const char* chain = "it must read the step before it, and no other";
    const char* reads = "it does not read what the step before writes";
    for (const std::vector<int32_t>& inputs :
         {std::vector<int32_t>{}, {-1}, {0}, {2}, {3}, {1, 0}, {-2}, {2'000'000'000}})
        CHECK_REFUSED(with([&](Net& n) { n.steps[2].inputs = inputs; }), chain);
    CHECK_REFUSED(with([](Net& n) { n.steps[0].inputs = {0}; }), chain);
    const char* pooling = "pooling first needs a max pooling next";
    CHECK_REFUSED(with([](Net& n) { n.steps.erase(n.steps.begin() + 4); }), reads);
    CHECK_REFUSED(with([](Net& n) { n.steps[4].channels = 1; }), reads);
    CHECK_REFUSED(with([](Net& n) { n.steps[2].channels = 5; }), reads);
    CHECK_REFUSED(with([](Net& n) { n.steps[4].channels = 1; }), "step 4");
    CHECK_REFUSED(with([](Net& n) {  // a map of the same size, but turned
                      n.steps[1].height = 12;
                      n.steps[1].out_height = 6;
                  }), reads);
    CHECK_REFUSED(make(Net(1, 4, 4).dense(4).conv(2, 1, 1)),
                  "only dense steps may follow a dense step");
    CHECK_REFUSED(with([](Net& n) { n.steps[2].pool_first = 1; }), pooling);  // mean next
    CHECK_REFUSED(with([](Net& n) { n.steps[1].pool_first = 1; }), pooling);  // no convolution
    CHECK_REFUSED(with([](Net& n) { n.steps[5].pool_first = 1; }), pooling);  // nothing next
    CHECK_REFUSED(with([](Net& n) { n.steps[0].activation = Activation::silu; }), pooling);
}

LENET_TEST(plan, sessions) {
    const Net net = lenet();
    for (int threads : {0, -1, 1025, std::numeric_limits<int>::min()})
        CHECK_REFUSED(Session(net.data(), net.count(), net.table, "auto", threads),
                      "threads must be from 1 to 1024");
    CHECK_REFUSED(Session(net.data(), net.count(), net.table, "sse9", 1),
                  "instruction set 'sse9' is unknown");
    CHECK_REFUSED(Session(net.data(), net.count(), net.table, "", 1), "baseline");
}

}  // namespace
}  // namespace lenet::test
