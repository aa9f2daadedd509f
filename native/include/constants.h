// What this library and the Python package must agree on. The extension hands all of it out
// (bind/module.cpp), and tests/engine/test_constants.py holds it against Python's.
#pragma once

#include <cstdint>
#include <cstddef>

namespace lenet {

// A layer's kind. `norm` is a stage of this library's own: no step has it.
enum class Kind : int32_t { conv, maxpool, avgpool, dense, rbf, norm };
inline constexpr const char* kind_names[] = {"conv", "maxpool", "avgpool", "dense", "rbf"};
// Does it read maps as one vector?
constexpr bool is_pool(Kind kind) { return kind == Kind::maxpool || kind == Kind::avgpool; }
constexpr bool flattens(Kind kind) { return kind == Kind::dense || kind == Kind::rbf; }

enum class Activation : int32_t { identity, sigmoid, tanh, relu, leaky_relu, silu, scaled_tanh };
struct ActivationFacts {
    const char* name;
    bool monotone;     // it never decreases: a max pooling may come first
    bool keeps_input;  // its derivative needs what came in
};
inline constexpr ActivationFacts activations[] = {
    {"identity", true, false}, {"sigmoid", true, false},    {"tanh", true, false},
    {"relu", true, false},     {"leaky-relu", true, false}, {"silu", false, true},
    {"scaled-tanh", true, false},
};
constexpr const ActivationFacts& facts(Activation activation) {
    return activations[static_cast<int32_t>(activation)];
}

enum class OptimizerKind : int32_t { sgd, momentum, nesterov, adamw, levenberg_marquardt };
struct OptimizerFacts {
    const char* name;
    int state_rows;  // tables of state of its own
};
inline constexpr OptimizerFacts optimizers[] = {
    {"sgd", 0}, {"momentum", 1}, {"nesterov", 1}, {"adamw", 2}, {"levenberg-marquardt", 1}};

// Is it the number of an entry of `table`?
template <typename Enum, typename Entry, size_t Size>
constexpr bool is_in(const Entry (&)[Size], Enum value) {
    return static_cast<int64_t>(value) >= 0 && static_cast<int64_t>(value) < int64_t(Size);
}

inline constexpr float leaky_slope = 0.01f;  // of leaky-relu below zero
inline constexpr float tanh_height = 1.7159f, tanh_slope = 2.0f / 3.0f;  // of scaled-tanh

inline constexpr int alignment = 16;                    // floats that 64 bytes are
inline constexpr int64_t max_size = 10'000'000;         // of a map's side, a window, a padding
inline constexpr int64_t max_elements = (1 << 29) - 1;  // of a map, of a step's weights
inline constexpr int64_t max_window = 65'536;           // values of a pooling: places of two bytes
inline constexpr int max_threads = 1024;

// So many images are scored one by one, in a way of its own, whose last bits may differ: packing the
// weights and filling the lanes would take longer.
inline constexpr int scored_alone = 4;

// Batch normalisation.
inline constexpr int ghost_batch = 32;  // samples, at least
inline constexpr float running_momentum = 0.1f;
inline constexpr double norm_epsilon = 1e-5;

inline constexpr double clip_epsilon = 1e-6;  // added to a gradient's norm before it is divided by

// Random words: SplitMix64 (Steele, Lea and Flood 2014), and MurmurHash3's finaliser (Appleby 2011)
// over the place of an output that may be dropped.
inline constexpr uint64_t golden_ratio = 0x9E3779B97F4A7C15u;
inline constexpr uint64_t split_mix[] = {0xBF58476D1CE4E5B9u, 0x94D049BB133111EBu};
inline constexpr uint64_t dropout_stream = 3;
inline constexpr uint32_t dropout_row = 0x9E3779B1u, dropout_unit = 0x85EBCA77u;
inline constexpr uint32_t murmur_mix[] = {0x85EBCA6Bu, 0xC2B2AE35u};

// Augmentation: displacements are cubic B-splines over so many nodes a side; coordinates have 16 bits
// before the point, with room for turns. A blur reaches so far.
inline constexpr int warp_nodes = 7;
inline constexpr int warp_longest = 4096;
inline constexpr int warp_reach = 12;

}  // namespace lenet
