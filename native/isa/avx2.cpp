// AVX2 and FMA: 16 registers of 8 floats. Intel since 2013, AMD since 2015.
#define LENET_ISA avx2
#define LENET_LANES 8
#define LENET_ACCUMULATORS 12
#include "table.h"
