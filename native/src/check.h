#pragma once

#include "engine.h"

namespace lenet {

// Throws std::invalid_argument unless the steps hold the plan's invariants (engine/plan.py).
void check(const Step* steps, int count, int64_t table);

}  // namespace lenet
