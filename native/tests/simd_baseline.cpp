#define LENET_ISA baseline
#define LENET_LANES 4
#define LENET_ACCUMULATORS 12
#include "simd_functions.h"
