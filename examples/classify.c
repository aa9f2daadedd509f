/* Name the class of a picture, with a network that `lenet export` wrote as C:
 *
 *     lenet export RUN m.c --check mnist
 *     gcc -std=c99 -O2 -Wall -Wextra -Wpedantic -Werror m.c examples/classify.c -lm
 *     ./a.out seven.pgm
 *
 * The picture is a binary PGM (grey) or PPM (colours) of the network's size, as the training images
 * are: for MNIST 28x28, white on black. The class and its probability are printed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The same as in m.h, which need not be found here. */
#ifdef __cplusplus
extern "C" {
#endif
extern const int lenet_shape[4]; /* channels, height, width, classes */
extern const char *const lenet_classes[];
int lenet_predict(const uint8_t *image, float *probabilities);
#ifdef __cplusplus
}
#endif

static int fail(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    return 1;
}

/* The next number of a header, over spaces and comments; -1 if there is none. */
static int header_number(FILE *file)
{
    int c = getc(file), number = 0;
    for (; c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '#'; c = getc(file))
        while (c == '#' && (c = getc(file)) != '\n' && c != EOF) c = '#';
    if (c < '0' || c > '9') return -1;
    for (; c >= '0' && c <= '9' && number < 100000; c = getc(file)) number = 10 * number + c - '0';
    return number; /* One space after it has been read too. */
}

/* Read a picture into image, [channel][row][column]; return what is wrong, or null. */
static const char *read_picture(FILE *file, uint8_t *image)
{
    const int channels = lenet_shape[0], pixels = lenet_shape[1] * lenet_shape[2];
    if (getc(file) != 'P' || getc(file) != (channels == 1 ? '5' : '6') || channels > 3)
        return channels == 1 ? "is no binary PGM" : "is no binary PPM";
    const int width = header_number(file), height = header_number(file);
    const int largest = header_number(file);
    if (height != lenet_shape[1] || width != lenet_shape[2]) return "has another size";
    if (largest < 1 || largest > 255) return "has values above 255, or none";
    for (int n = 0; n < pixels; n++)
        for (int c = 0; c < channels; c++) {
            const int value = getc(file);
            if (value == EOF) return "ends too early";
            if (value > largest) return "has a value above its largest";
            image[c * pixels + n] = (uint8_t)(value * 255 / largest);
        }
    return NULL;
}

int main(int count, char **arguments)
{
    if (count != 2) {
        fprintf(stderr, "usage: %s PICTURE, a PGM or PPM of %d x %d\n", arguments[0],
                lenet_shape[2], lenet_shape[1]);
        return 2;
    }
    const size_t size = (size_t)lenet_shape[0] * (size_t)lenet_shape[1] * (size_t)lenet_shape[2];
    const size_t classes = (size_t)lenet_shape[3];
    uint8_t *image = (uint8_t *)malloc(size);
    float *probabilities = (float *)malloc(classes * sizeof(float));
    FILE *file = fopen(arguments[1], "rb");
    if (!image || !probabilities) return fail(arguments[1], "there is no memory for it");
    if (!file) return fail(arguments[1], "cannot be opened");
    const char *wrong = read_picture(file, image);
    fclose(file);
    if (wrong) return fail(arguments[1], wrong);
    const int best = lenet_predict(image, probabilities);
    printf("%s %.4f\n", lenet_classes[best], (double)probabilities[best]);
    free(image);
    free(probabilities);
    return 0;
}
