// Included by every instruction set's file after it has named itself: the kernels, instantiated,
// and their table.
#include "../kernels/convolution.h"
#include "../kernels/dense.h"
#include "../kernels/norm.h"
#include "../kernels/pool.h"
#include "../kernels/rbf.h"
#include "../kernels/samples.h"
#include "../kernels/single.h"
#include "../kernels/single_back.h"
#include "../kernels/warp.h"
#include "../src/kernels.h"

#define LENET_TEXT_OF(name) #name
#define LENET_TEXT(name) LENET_TEXT_OF(name)

namespace lenet::LENET_ISA {

const Kernels& kernels() {
    static constexpr Kernels table{
        .name = LENET_TEXT(LENET_ISA),
        .lanes = L,
        .accumulators = accumulators,
        .load_images = load_images,
        .conv_forward = conv_forward,
        .pool_forward = pool_forward,
        .conv_backward = conv_backward,
        .conv_input_gradient = conv_input_gradient,
        .pool_backward = pool_backward,
        .conv_weight_sums = conv_weight_sums,
        .dense_forward = dense_forward,
        .dense_backward = dense_backward,
        .rbf_forward = rbf_forward,
        .rbf_backward = rbf_backward,
        .norm_moments = norm_moments,
        .norm_forward = norm_forward,
        .norm_chain = norm_chain,
        .norm_backward = norm_backward,
        .drop = drop,
        .loss = loss,
        .update = update,
        .single = single,
        .single_backward = single_backward,
        .single_row = single_row,
        .warp = warp,
        .spin = spin,
    };
    return table;
}

}  // namespace lenet::LENET_ISA
