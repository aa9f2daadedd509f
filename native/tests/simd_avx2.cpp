#define LENET_ISA avx2
#define LENET_LANES 8
#define LENET_ACCUMULATORS 12
#include "simd_functions.h"
