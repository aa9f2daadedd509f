"""Networks of every kind to look at, with weights that are drawn."""

import numpy as np

import lenet

#: One of each kind: grey and colour, groups, batch normalisation, padding, strides, activations.
NETWORKS = {
    "grey": "1x12x12 | conv 4 k3 relu, maxpool 2 | dense 8 tanh, dense 3",
    "colour": "3x10x14 | conv 4 k3 same relu batchnorm, avgpool 2 | dense 4",
    "groups": "2x9x9 | conv 4 k3 g2 p1 silu, maxpool 3 s2 p1 | "
    "conv 8 k2x1 s2 g4 leaky-relu | dense 3",
    "dense": "1x6x6 | dense 5",
    "maps": "1x9x9 | conv 3 k4 sigmoid, avgpool 3 s2 | conv 6 k2",
    "pixel": "1x1x1 | conv 2 k1 relu | dense 2",
    "deep": "1x8x8 | " + " | ".join(["conv 3 k3 same sigmoid"] * 29) + " | dense 2",
    "wide": "1x6x6 | conv 600 k3 relu, maxpool 2 | dense 500 relu, dense 300",
}


def drawn(name, count=2, seed=0):
    """A model with drawn weights, running statistics among them, and bytes for it."""
    random = np.random.default_rng(seed)
    model = lenet.Model(NETWORKS[name]).initialize("kaiming", seed=1)
    for key, values in model.state_dict().items():
        if key.endswith(("bias", "mean")):
            values[...] = random.normal(0, 0.3, values.shape)
        if key.endswith(("scale", "variance")):
            values[...] = random.uniform(0.5, 2, values.shape)
    images = random.integers(0, 256, (count, *model.network.input_shape), dtype=np.uint8)
    return model, images
