/* A program for a bare Cortex-M: it asks a network about pictures, and says the answers to the
 * debugger (Arm's semihosting, which QEMU understands). No library is needed.
 *
 * A line for every picture: the class, then the bits of its probabilities. Then a line with the
 * ticks of the system timer that a loop of 200,000 instructions took, those of the pictures, and the
 * bytes of stack that lenet_predict used. */
#include <stdint.h>
#include "model.h"

extern const uint8_t pictures[PICTURES][LENET_CHANNELS * LENET_HEIGHT * LENET_WIDTH];
extern uint32_t data_from[], data_begin[], data_end[], bss_begin[], bss_end[], stack_top[];
void start(void);
int main(void);

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {stack_top,
                                                                                 (void *)start};

static int debugger(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void say(uint32_t number, char after)
{
    char text[10];
    for (int i = 0; i < 8; i++) text[i] = "0123456789abcdef"[number >> (28 - 4 * i) & 15];
    text[8] = after;
    text[9] = 0;
    debugger(4, text);
}

void start(void)
{
    uint32_t *from = data_from;
    for (uint32_t *to = data_begin; to < data_end; to++) *to = *from++;
    for (uint32_t *to = bss_begin; to < bss_end; to++) *to = 0;
#ifdef __ARM_FP
    *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20; /* The floating-point unit is off at first. */
    __asm__ volatile("dsb\n isb");
#endif
    main();
    debugger(0x18, (void *)0x20026);
}

static volatile uint32_t *const timer = (volatile uint32_t *)0xe000e010; /* It counts down. */

static uint32_t ticks(void) { return timer[2]; }

#define STACK 65536
#define UNUSED 0x5a5a5a5au

/* Below this function's own frame; written before, and looked at after the network has run. */
static uint32_t *below(void)
{
    return (uint32_t *)((uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)3) - 64;
}

__attribute__((noinline)) static void paint(void)
{
    for (volatile uint32_t *at = below(), *end = at - STACK / 4; at > end; at--) *at = UNUSED;
}

__attribute__((noinline)) static uint32_t used(void)
{
    const volatile uint32_t *const top = below() + 64, *at = top - 64 - STACK / 4 + 1;
    while (at < top && *at == UNUSED) at++;
    return (uint32_t)(top - at) * 4;
}

int main(void)
{
    paint();
    timer[1] = 0xffffff;
    timer[2] = 0;
    timer[0] = 5;
    uint32_t began = ticks();
    __asm__ volatile(".syntax unified\n ldr r0, =100000\n 1: subs r0, r0, #1\n bne 1b" : : : "r0", "cc");
    const uint32_t loop = (began - ticks()) & 0xffffff;
    uint32_t taken = 0, stack = 0;
    for (int n = 0; n < PICTURES; n++) {
        union { float value; uint32_t bits; } found[LENET_CLASSES];
        began = ticks();
        const int class = lenet_predict(pictures[n], &found[0].value);
        taken += (began - ticks()) & 0xffffff;
        if (n == 0) stack = used();
        say((uint32_t)class, ' ');
        for (int k = 0; k < LENET_CLASSES; k++) say(found[k].bits, k + 1 < LENET_CLASSES ? ' ' : '\n');
    }
    say(loop, ' ');
    say(taken, ' ');
    say(stack, '\n');
    return 0;
}
