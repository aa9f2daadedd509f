// Sizes that are chosen: the cut of channels into tiles that costs least, where Winograd's tiles pay,
// and how many groups a worker holds.
#include <algorithm>
#include <cmath>

#include "layout.h"

namespace lenet {
namespace {

// Cycles for one tap of a tile: two multiply-adds and two loads a cycle, and no accumulator more
// often than every four cycles. Between equals, the squarer tile issues fewer instructions.
double tap_cost(int channels, int positions) {
    const double loads = channels + positions;
    return std::max({channels * positions / 2.0, loads / 2, 4.0}) + 0.05 * loads;
}

double row_cost(int channels, int positions, int taps, int accumulators) {
    const int most = tile_positions(channels, accumulators);
    const int tiles = (positions + most - 1) / most, size = positions / tiles;
    const int more = positions % tiles;  // tiles with one position more
    double cost = 12.0 * tiles;  // a tile's accumulators are set up and stored
    cost += (tiles - more) * tap_cost(channels, size) * taps;
    if (more) cost += more * tap_cost(channels, size + 1) * taps;
    return cost;
}

}  // namespace

Cut cut_channels(int channels, int positions, int taps, int accumulators) {
    Cut best{INFINITY, {channels, channels}};
    for (int most = 1; most <= std::min(channels, max_channels); most++) {
        const Split blocks{channels, (channels + most - 1) / most};
        // Blocks of two sizes at most.
        const int more = channels % blocks.count, size = channels / blocks.count;
        double cost = (blocks.count - more) * row_cost(size, positions, taps, accumulators);
        if (more) cost += more * row_cost(size + 1, positions, taps, accumulators);
        if (cost < best.cycles) best = {cost, blocks};
    }
    return best;
}

Split cut_groups(int channels, int groups, int positions, int taps, int accumulators) {
    const Split one = cut_channels(channels / groups, positions, taps, accumulators).blocks;
    return {channels, one.count * groups, groups};
}

int winograd_tile(const Step& s, int accumulators, Method method) {
    const bool can = s.kind == Kind::conv && s.groups == 1 && s.stride_y == 1 && s.stride_x == 1 &&
                     s.kernel_width >= 2 && s.kernel_width <= 5;
    if (!can || method == Method::direct) return 0;
    const int tile = 7 - s.kernel_width, tiles = (s.out_width + tile - 1) / tile;
    if (method == Method::winograd) return tile;
    const int taps = s.channels * s.kernel_height;
    const auto cycles = [&](int positions, int terms) {
        return cut_channels(s.out_channels, positions, terms, accumulators).cycles;
    };
    const double direct = s.out_height * cycles(s.out_width, taps * s.kernel_width);
    const double products = 6 * cycles(s.out_height * tiles, taps);
    // Six loads, twelve operations and six stores per tile, and as much for the backward pass.
    const double transforms =
        10.0 * tiles *
        (s.channels * (s.out_height + s.kernel_height - 1) + s.out_channels * s.out_height);
    return products + transforms < 0.9 * direct ? tile : 0;
}

// As many groups as hold `samples`, fewer where a sample's activations are large: a worker's
// share should not grow past what a machine has.
// A ghost batch is held whole.
int choose_groups(const Step* steps, int count, int lanes) {
    constexpr int samples = 64;
    if (std::any_of(steps, steps + count, [](const Step& s) { return s.scale_offset >= 0; }))
        return samples / lanes;
    constexpr int64_t budget = 64 << 20;  // floats per worker
    int64_t floats = int64_t(steps[0].channels) * steps[0].height * steps[0].width;
    for (int i = 0; i < count; i++)
        floats += 2 * int64_t(steps[i].out_channels) * steps[i].out_height * steps[i].out_width;
    return int(std::clamp<int64_t>(budget / (floats * lanes), 1, samples / lanes));
}

}  // namespace lenet
