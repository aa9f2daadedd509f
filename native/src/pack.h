#pragma once

#include "layout.h"

namespace lenet {

// Copies the weights of outputs [begin, end) from the table to where the kernels read them in
// order. Outputs are whole forward blocks, so that different callers write different places.
void pack(const Stage& stage, int block, const float* table, float* packed);

}  // namespace lenet
