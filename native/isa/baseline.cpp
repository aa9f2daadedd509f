// What every processor of the architecture has: SSE2 on x86-64, NEON on 64-bit Arm.
#define LENET_ISA baseline
#define LENET_LANES 4
#if defined(__aarch64__)
#define LENET_ACCUMULATORS 24
#else
#define LENET_ACCUMULATORS 12
#endif
#include "table.h"
