#include "pack.h"

namespace lenet {
namespace {

// [tap][output in block], with the number of outputs known to the compiler.
template <int C>
void interleave(int taps, const float* weights, float* out) {
    for (int t = 0; t < taps; t++)
        for (int c = 0; c < C; c++) *out++ = weights[int64_t(c) * taps + t];
}

void pack_forward(const Stage& stage, int block, const float* weights, float* packed) {
    const int first = stage.forward_blocks.begin(block);
    const float* from = weights + int64_t(first) * stage.inputs;
    float* out = packed + stage.packed_forward + int64_t(first) * stage.inputs;
    switch (stage.forward_blocks.size(block)) {
        case 1: return interleave<1>(stage.inputs, from, out);
        case 2: return interleave<2>(stage.inputs, from, out);
        case 3: return interleave<3>(stage.inputs, from, out);
        case 4: return interleave<4>(stage.inputs, from, out);
        case 5: return interleave<5>(stage.inputs, from, out);
        default: return interleave<6>(stage.inputs, from, out);
    }
}

// One output's weights: [phase y][phase x][block][tap row][output][tap column][input in block]. A
// block of inputs has the outputs of its own group alone.
void pack_backward(const Stage& stage, int output, const float* weights, float* packed) {
    const Window& w = stage.window;
    const int outputs = stage.group_outputs(), area = w.height * w.width;
    const int seen = stage.first_input(output), place = output % outputs;
    const float* row = weights + int64_t(output) * stage.inputs;
    float* out = packed + stage.packed_input;
    for (int phase_y = 0; phase_y < w.stride_y; phase_y++)
        for (int phase_x = 0; phase_x < w.stride_x; phase_x++) {
            const int tap_rows = phase_taps(w.height, w.stride_y, phase_y);
            const int tap_columns = phase_taps(w.width, w.stride_x, phase_x);
            for (int block = 0; block < stage.input_blocks.count; block++) {
                const int first = stage.input_blocks.begin(block);
                const int channels = stage.input_blocks.size(block);
                const bool own = first >= seen && first < seen + stage.group_inputs();
                for (int j = 0; own && j < tap_rows; j++)
                    for (int i = 0; i < tap_columns; i++) {
                        const int tap = (phase_y + j * w.stride_y) * w.width +
                                        phase_x + i * w.stride_x;
                        float* to = out +
                            ((int64_t(j) * outputs + place) * tap_columns + i) * channels;
                        for (int c = 0; c < channels; c++)
                            to[c] = row[int64_t(first - seen + c) * area + tap];
                    }
                out += int64_t(tap_rows) * tap_columns * outputs * channels;
            }
        }
}

// U = G w, for both directions: [product][block][channel, kernel row][output in block] and
// [product][block][kernel row][output][input in block].
void pack_winograd(const Stage& stage, int block, const float* weights, float* packed) {
    const Winograd& w = stage.winograd;
    const int first = stage.forward_blocks.begin(block), size = stage.forward_blocks.size(block);
    const int width = stage.window.width, height = stage.window.height;
    const int outputs = stage.linear.channels;
    const WinogradWeights transform(width);
    for (int o = first; o < first + size; o++)
        for (int b = 0; b < stage.input_blocks.count; b++)
            for (int c = stage.input_blocks.begin(b); c < stage.input_blocks.begin(b + 1); c++)
                for (int y = 0; y < height; y++) {
                    const int tap = c * height + y;
                    const float* row = weights + int64_t(o) * stage.inputs + tap * width;
                    float* forward = packed + stage.packed_forward + int64_t(first) * w.taps +
                                     int64_t(tap) * size + o - first;
                    const int begin = stage.input_blocks.begin(b);
                    float* back = packed + stage.packed_input + int64_t(begin) * height * outputs +
                                  (int64_t(y) * outputs + o) * stage.input_blocks.size(b) +
                                  c - begin;
                    for (int i = 0; i < 6; i++) {
                        float u = 0;
                        for (int k = 0; k < width; k++) u += transform.g[i][k] * row[k];
                        forward[i * w.weights] = u;
                        if (!stage.first) back[i * w.weights] = u;
                    }
                }
}

}  // namespace

void pack(const Stage& stage, int block, const float* table, float* packed) {
    const float* weights = table + stage.weights;
    if (stage.winograd.outputs) return pack_winograd(stage, block, weights, packed);
    pack_forward(stage, block, weights, packed);
    if (stage.first || stage.kind == Kind::dense) return;
    const int first = stage.forward_blocks.begin(block);
    for (int o = first; o < first + stage.forward_blocks.size(block); o++)
        pack_backward(stage, o, weights, packed);
}

}  // namespace lenet
