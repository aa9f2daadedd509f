// AVX-512: 32 registers of 16 floats.
#define LENET_ISA avx512
#define LENET_LANES 16
#define LENET_ACCUMULATORS 24
#include "table.h"
