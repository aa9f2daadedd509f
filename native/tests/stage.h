// One stage of a network on its own: the engine's buffers for it, and the plain loops beside them.
#pragma once

#include "pack.h"
#include "tables.h"

namespace lenet::test {

// A compiled network and its parameters, to take single stages from.
struct Compiled {
    Compiled(const Net& net, const Kernels& kernels, uint64_t seed,
             Method method = Method::fastest)
        : program(net.data(), net.count(), net.table, kernels.lanes, kernels.accumulators, method),
          values(net.parameters(seed)),
          table(floats(values)),
          packed(program.packed) {
        for (const Stage& stage : program.stages)
            if (stage.linear_step())
                for (int b = 0; b < stage.forward_blocks.count; b++)
                    pack(stage, b, table.data(), packed.data());
    }

    Program program;
    Values values;
    Buffer table, packed;
};

// Random values inside a map's border, zeros in it.
inline Buffer random_map(const Map& map, Random& random) {
    Buffer buffer(map.size());
    for (int c = 0; c < map.channels; c++)
        for (int y = 0; y < map.height; y++)
            for (int x = 0; x < map.width; x++)
                for (int l = 0; l < map.lanes; l++)
                    buffer.data()[map.at(c, y, x) + l] = float(random.uniform(-1, 1));
    return buffer;
}

// One lane of a map.
inline Values lane_of(const Map& map, Buffer& buffer, int lane) {
    Values values;
    for (int c = 0; c < map.channels; c++)
        for (int y = 0; y < map.height; y++)
            for (int x = 0; x < map.width; x++)
                values.push_back(double(buffer.data()[map.at(c, y, x) + lane]));
    return values;
}

inline Map without_border(const Map& map) {
    return {map.channels, map.height, map.width, 0, 0, map.height, map.width, map.lanes};
}

// How many values of a map's border are not zero: kernels must leave it alone.
inline int64_t touched_border(const Map& map, Buffer& buffer) {
    int64_t touched = 0;
    for (int64_t i = 0; i < map.size(); i++) touched += buffer.data()[i] != 0;
    for (int c = 0; c < map.channels; c++)
        for (int y = 0; y < map.height; y++)
            for (int x = 0; x < map.width; x++)
                for (int l = 0; l < map.lanes; l++)
                    touched -= buffer.data()[map.at(c, y, x) + l] != 0;
    return touched;
}

}  // namespace lenet::test
