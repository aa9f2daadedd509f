//: head
 * C99, and C++ too. It allocates nothing and calls no function of a library; but compilers may make
 * memcpy and memset of its loops. Compile it with -O3: the loops become vectors, and -ffast-math is
 * not needed. Without -ffp-contract=off a compiler may round a product and a sum at once, so that the
 * last digits differ from machine to machine. Batch normalisation is multiplied into the weights. Two
 * threads must not call it at a time: they would share `memory`.
 */
#include <stdint.h>

//: declarations
#ifdef __cplusplus
extern "C" {
#endif
/* Channels, height, width, classes; and the names of the classes, in UTF-8. */
extern const int lenet_shape[4];
extern const char *const lenet_classes[LENET_CLASSES];
/* image: bytes from 0 to 255, [channel][row][column], of the network's size. probabilities: room for
 * one per class, or null. Returns the number of the likeliest class. */
int lenet_predict(const uint8_t *image, float *probabilities);
#ifdef __cplusplus
}
#endif

//: exp
/* e to the x: 2 to the n times a polynomial (Cody and Waite 1980, coefficients of Cephes' expf),
 * within 2 units in the last place. Below -87 and above 88 it is what it is there. */
static inline float exp_of(float x)
{
    const float y = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
    const float turns = y * 1.44269504f;
    const int32_t n = (int32_t)(turns + (turns < 0.0f ? -0.5f : 0.5f));
    const float r = y - (float)n * 0.693359375f + (float)n * 2.12194440e-4f;
    const float low = (1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f;
    const float p = ((low * r + 4.1665795894e-2f) * r + 1.6666665459e-1f) * r + 5.0000001201e-1f;
    union { uint32_t bits; float value; } power;
    power.bits = (uint32_t)(n + 127) << 23;
    return (p * r * r + r + 1.0f) * power.value;
}

//: identity
//: relu
static inline float relu_of(float x) { return x > 0.0f ? x : 0.0f; }

//: leaky-relu
static inline float leaky_relu_of(float x) { return x > 0.0f ? x : LEAKY_SLOPE * x; }

//: sigmoid
static inline float sigmoid_of(float x) { return 1.0f / (1.0f + exp_of(-x)); }

//: tanh
static inline float tanh_of(float x) { return 2.0f / (1.0f + exp_of(-2.0f * x)) - 1.0f; }

//: silu
static inline float silu_of(float x) { return x / (1.0f + exp_of(-x)); }

//: predict
int lenet_predict(const uint8_t *image, float *probabilities)
{
    const float *scores = memory + SCORES;
    float total = 0.0f;
    int best = 0;
    CALLS
    for (int k = 1; k < LENET_CLASSES; k++)
        if (scores[k] > scores[best]) best = k;
    if (!probabilities) return best;
    for (int k = 0; k < LENET_CLASSES; k++) {
        probabilities[k] = exp_of(scores[k] - scores[best]);
        total += probabilities[k];
    }
    for (int k = 0; k < LENET_CLASSES; k++) probabilities[k] /= total;
    return best;
}

//: self-test

int main(void)
{
    int wrong = 0;
    for (int e = 0; e < EXAMPLES; e++) {
        float probabilities[LENET_CLASSES];
        const int found = lenet_predict(example_images[e], probabilities);
        int differs = 0;
        for (int k = 0; k < LENET_CLASSES; k++) {
            const float gap = probabilities[k] - example_answers[e][k];
            if (!(gap < 1e-4f && gap > -1e-4f)) differs = 1;
        }
        wrong += found != example_classes[e] || differs;
    }
    printf("%d of %d known answers are right\n", EXAMPLES - wrong, EXAMPLES);
    return wrong != 0;
}

//: int8 head
 * C99, and C++ too. It allocates nothing, calls nothing, and needs no library. A value is
 * scale * (byte - zero); a layer's sum becomes the byte that is written by one rule:
 *     (sum * multiplier + 2^(shift - 1)) >> shift, rounded down, in 64 bits; plus the zero;
 *     cut off at -128 and 127
 * so that every machine has the same answer, bit for bit. Whole numbers lead from the picture to
 * the class; lenet_predict makes floats of the last of them. Compile it with -O2 or -O3, on a
 * microcontroller with -ffunction-sections and link with -Wl,--gc-sections: what is not called takes
 * no place. Batch normalisation is multiplied into the weights. Two threads must not call it at a
 * time: they would share `memory`.
 */
#include <stdint.h>

//: int8 declarations
#ifdef __cplusplus
extern "C" {
#endif
/* Channels, height, width, classes; and the names of the classes, in UTF-8. */
extern const int lenet_shape[4];
extern const char *const lenet_classes[LENET_CLASSES];
/* image: bytes from 0 to 255, [channel][row][column], of the network's size. Returns the number of
 * the likeliest class, and uses no float. */
int lenet_classify(const uint8_t *image);
/* The same; probabilities: room for one per class, or null. */
int lenet_predict(const uint8_t *image, float *probabilities);
#ifdef __cplusplus
}
#endif

//: int8 scaled
/* sum * multiplier / 2^shift, rounded once. ~ because C leaves it open how a number below zero is
 * shifted; compilers make one instruction of it. */
static inline int32_t scaled(int32_t sum, int32_t multiplier, int shift)
{
    const int64_t product = (int64_t)sum * multiplier + ((int64_t)1 << (shift - 1));
    return (int32_t)(product < 0 ? ~(~product >> shift) : product >> shift);
}

//: int8 byte_of
static inline int8_t byte_of(int32_t value)
{
    return (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
}

//: int8 positive
static inline int32_t positive(int32_t value) { return value > 0 ? value : 0; }

//: int8 multiply
#ifdef __ARM_FEATURE_DSP
#include <arm_acle.h>
#include <string.h>
/* Of four bytes 0 and 2, or 1 and 3, as numbers of 16 bits. */
static inline int16x2_t even(uint32_t bytes) { return __sxtb16((int8x4_t)bytes); }
static inline int16x2_t odd(uint32_t bytes)
{
#ifdef __GNUC__ /* one instruction, of which its compilers make two */
    int16x2_t found;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(found) : "r"(bytes));
    return found;
#else
    return even(bytes >> 8 | bytes << 24);
#endif
}
static inline uint32_t four(const int8_t *from)
{
    uint32_t bytes;
    memcpy(&bytes, from, sizeof bytes);
    return bytes;
}
/* Two products and two sums are one instruction. */
static inline int32_t added(int32_t sum, uint32_t weight, int16x2_t even_in, int16x2_t odd_in)
{
    return __smlad(odd(weight), odd_in, __smlad(even(weight), even_in, sum));
}
#endif

/* sums[o] = bias[o] * unit + the sum over n of weight[o][n] * in[n], for every output o; with
 * `largest` only where that is more than sums[o] is. */
static void multiply(const int8_t *weight, const int16_t *bias, int32_t unit, const int8_t *in,
                     int inputs, int outputs, int largest, int32_t *sums)
{
#ifdef __ARM_FEATURE_DSP
    /* Three outputs and four inputs at a time: as many as the registers hold. */
    for (; outputs >= 3; outputs -= 3, bias += 3, sums += 3) {
        const int8_t *x = in, *a = weight, *b = a + inputs, *c = b + inputs;
        int32_t s = bias[0] * unit, t = bias[1] * unit, u = bias[2] * unit;
        int left = inputs;
        for (; left >= 4; left -= 4, x += 4, a += 4, b += 4, c += 4) {
            const uint32_t seen = four(x);
            const int16x2_t e = even(seen), f = odd(seen);
            s = added(s, four(a), e, f);
            t = added(t, four(b), e, f);
            u = added(u, four(c), e, f);
        }
        for (; left > 0; left--, x++) {
            s += *a++ * *x;
            t += *b++ * *x;
            u += *c++ * *x;
        }
        if (!largest || s > sums[0]) sums[0] = s;
        if (!largest || t > sums[1]) sums[1] = t;
        if (!largest || u > sums[2]) sums[2] = u;
        weight = c;
    }
#endif
    for (; outputs > 0; outputs--, bias++, sums++, weight += inputs) {
        int32_t sum = *bias * unit;
        for (int n = 0; n < inputs; n++) sum += weight[n] * in[n];
        if (!largest || sum > *sums) *sums = sum;
    }
}

//: int8 predict
static int likeliest(const uint8_t *image, int32_t *scores)
{
    int best = 0;
    CALLS
    for (int k = 1; k < LENET_CLASSES; k++)
        if (scores[k] > scores[best]) best = k;
    return best;
}

int lenet_classify(const uint8_t *image)
{
    int32_t scores[LENET_CLASSES];
    return likeliest(image, scores);
}

/* power[d]: e to the -d / STEPS, times 65,535. */
POWERS
int lenet_predict(const uint8_t *image, float *probabilities)
{
    int32_t scores[LENET_CLASSES];
    uint32_t total = 0;
    const int best = likeliest(image, scores);
    if (!probabilities) return best;
    for (int pass = 0; pass < 2; pass++)
        for (int k = 0; k < LENET_CLASSES; k++) {
            const uint32_t below = (uint32_t)scores[best] - (uint32_t)scores[k];
            const uint32_t at = INDEX;
            const uint32_t found = at < ENTRIES ? power[at] : 0;
            if (pass == 0) total += found;
            else probabilities[k] = (float)found / (float)total;
        }
    return best;
}

