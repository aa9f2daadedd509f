// 16 lanes for every processor: the compiler cuts each vector into what there is. Slow, and the same
// code as AVX-512 gets.
#define LENET_ISA wide
#define LENET_LANES 16
#define LENET_ACCUMULATORS 24
#include "../isa/table.h"
#include "simd_functions.h"
