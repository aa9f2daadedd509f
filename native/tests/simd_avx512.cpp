#define LENET_ISA avx512
#define LENET_LANES 16
#define LENET_ACCUMULATORS 24
#include "simd_functions.h"
