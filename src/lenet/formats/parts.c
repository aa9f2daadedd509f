//: head
 * C99, and C++ too. It allocates nothing, calls nothing, and needs no library. Compile it with -O3:
 * the loops become vectors, and -ffast-math is not needed. Without -ffp-contract=off a compiler may
 * round a product and a sum at once, so that the last digits differ from machine to machine. Batch
 * normalisation is multiplied into the weights. Two threads must not call it at a time: they would
 * share `memory`.
 */
#include <stdint.h>

//: declarations
#ifdef __cplusplus
extern "C" {
#endif
/* The names of the classes, in UTF-8. */
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
        int best = 0, differs = 0;
        for (int k = 0; k < LENET_CLASSES; k++) {
            const float gap = probabilities[k] - example_answers[e][k];
            if (example_answers[e][k] > example_answers[e][best]) best = k;
            if (!(gap < 1e-4f && gap > -1e-4f)) differs = 1;
        }
        wrong += found != best || differs;
    }
    printf("%d of %d known answers are right\n", EXAMPLES - wrong, EXAMPLES);
    return wrong != 0;
}
