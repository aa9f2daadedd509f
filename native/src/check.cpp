// Holds a plan against its invariants before anything is allocated: the plan is written in Python,
// but this library must not crash on any.
#include "check.h"

#include <stdexcept>
#include <string>

namespace lenet {
namespace {

void need(bool holds, int step, const char* what) {
    if (!holds)
        throw std::invalid_argument("step " + std::to_string(step) + ": " + what + ".");
}

int windows(int size, int kernel, int padding, int stride) {
    return (size - kernel + padding + stride) / stride;
}

void check_sizes(const Step& s, int i) {
    for (int v : {s.channels, s.height, s.width, s.out_channels, s.out_height, s.out_width,
                  s.kernel_height, s.kernel_width, s.stride_y, s.stride_x})
        need(v >= 1 && v <= max_size, i, "a size is below 1 or above 10,000,000");
    for (int v : {s.top, s.bottom, s.left, s.right})
        need(v >= 0 && v <= max_size, i, "a padding is negative or above 10,000,000");
    need(windows(s.height, s.kernel_height, s.top + s.bottom, s.stride_y) == s.out_height &&
             windows(s.width, s.kernel_width, s.left + s.right, s.stride_x) == s.out_width,
         i, "the output's size does not follow the shape formula");
    const int64_t rows = int64_t(s.height) + s.top + s.bottom;
    const int64_t columns = int64_t(s.width) + s.left + s.right;
    need(rows * columns <= max_elements && rows * columns * s.channels <= max_elements &&
             int64_t(s.out_height) * s.out_width * s.out_channels <= max_elements,
         i, "a map is too large");
}

// This engine runs chains: the first step reads the images (-1), any other the step before it.
void check_inputs(const Step& s, int i) {
    need(s.inputs.size() == 1 && s.inputs[0] == i - 1, i,
         "it must read the step before it, and no other");
}

void check_pooling(const Step& s, int i) {
    need(s.channels == s.out_channels, i, "a pooling keeps its channels");
    need(s.activation == Activation::identity, i, "a pooling has no activation");
    need(s.top < s.kernel_height && s.bottom < s.kernel_height && s.left < s.kernel_width &&
             s.right < s.kernel_width,
         i, "a pooling's padding must be smaller than its window");
    need(int64_t(s.kernel_height) * s.kernel_width <= max_window, i,
         "a pooling window of more than 65,536 values");
}

void check_links(const Step& s, int i) {
    const size_t size = size_t(s.channels) * size_t(s.out_channels);
    need(s.links.empty() || (s.kind == Kind::conv && s.groups == 1 && s.links.size() == size), i,
         "only a convolution of one group has links, one for each pair of channels");
    need(s.sums == 0 || s.kind == Kind::avgpool, i, "only an average pooling can leave its sums");
}

void check_flat(const Step& s, int i) {
    need(s.height == 1 && s.width == 1 && s.out_height == 1 && s.out_width == 1 &&
             s.kernel_height == 1 && s.kernel_width == 1 && s.top == 0 && s.left == 0,
         i, "a dense step is I x 1 x 1 to O x 1 x 1");
}

void check_targets(const Step& s, int i, int64_t table) {
    const int64_t size = int64_t(s.channels) * s.out_channels;
    need(s.activation == Activation::identity, i, "an RBF step has no activation");
    need(size <= max_elements && s.weight_offset >= 0 && s.weight_offset + size <= table, i,
         "its targets lie outside the table");
}

void check_groups(const Step& s, int i) {
    need(s.groups >= 1 && s.channels % s.groups == 0 && s.out_channels % s.groups == 0, i,
         "its channels cannot be cut into its groups");
    need(s.groups == 1 || s.kind == Kind::conv, i, "only a convolution has groups");
}

void check_weights(const Step& s, int i, int64_t table) {
    const int64_t inputs = int64_t(s.channels / s.groups) * s.kernel_height * s.kernel_width;
    need(inputs <= max_elements && inputs * s.out_channels <= max_elements, i, "too many weights");
    need(s.weight_offset >= 0 && s.bias_offset >= 0 &&
             s.weight_offset + inputs * s.out_channels <= table &&
             int64_t(s.bias_offset) + s.out_channels <= table,
         i, "its parameters lie outside the table");
}

void check_kind(const Step& s, int i, int64_t table) {
    need(is_in(kind_names, s.kind), i, "an unknown kind");
    need(is_in(activations, s.activation), i, "an unknown activation");
    check_groups(s, i);
    check_links(s, i);
    switch (s.kind) {
        case Kind::conv: return check_weights(s, i, table);
        case Kind::maxpool:
        case Kind::avgpool: return check_pooling(s, i);
        case Kind::dense:
            check_flat(s, i);
            return check_weights(s, i, table);
        case Kind::rbf: check_flat(s, i); return check_targets(s, i, table);
        case Kind::norm: break;  // no step's: refused above
    }
}

void check_norm(const Step& s, int i, int64_t table) {
    if (s.scale_offset < 0 && s.mean_offset < 0 && s.variance_offset < 0) return;
    need(s.kind == Kind::conv && !s.pool_first, i,
         "only a convolution that does not pool first is normalised");
    for (int64_t at : {s.scale_offset, s.mean_offset, s.variance_offset})
        need(at >= 0 && at + s.out_channels <= table, i,
             "its normalisation lies outside the table");
}

void check_order(const Step& s, const Step* next, int i) {
    const bool pools = next && next->kind == Kind::maxpool;
    need(!s.pool_first ||
             (s.kind == Kind::conv && pools && facts(s.activation).monotone),
         i, "pooling first needs a max pooling next and an activation that never decreases");
    if (!next) return;
    const bool flat = flattens(next->kind);
    const int64_t size = int64_t(s.out_channels) * s.out_height * s.out_width;
    need(flat ? next->channels == size
              : next->channels == s.out_channels && next->height == s.out_height &&
                    next->width == s.out_width,
         i + 1, "it does not read what the step before writes");
    need(!flattens(s.kind) || flat, i + 1, "only dense steps may follow a dense step");
}

}  // namespace

void check(const Step* steps, int count, int64_t table) {
    need(count >= 1, 0, "a plan has at least one step");
    for (int i = 0; i < count; i++) {
        check_sizes(steps[i], i);
        check_inputs(steps[i], i);
        check_kind(steps[i], i, table);
        check_norm(steps[i], i, table);
        check_order(steps[i], i + 1 < count ? &steps[i + 1] : nullptr, i);
    }
}

}  // namespace lenet
