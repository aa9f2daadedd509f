// What a tile costs, and the cut of channels into tiles that is cheapest.
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

}  // namespace lenet
