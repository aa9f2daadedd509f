"""Models that tests of exported files take, and this machine's C compilers."""

import shutil

import numpy as np

import lenet
from lenet.model import Model
from random_networks import draw_norms, random_network

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]


def drawn(seed: int) -> tuple[Model, np.ndarray]:
    """A random network with weights, statistics and preprocessing that are no defaults; images."""
    random = np.random.default_rng(seed)
    network = random_network(seed, size=12)
    channels = network.input_shape[0]
    seen = lenet.Preprocessing(
        network.input_shape,
        tuple(random.uniform(0.1, 0.6, channels).tolist()),
        tuple(random.uniform(0.2, 0.5, channels).tolist()),
        None,
    )
    model = Model(network, preprocessing=seen).initialize("kaiming", seed)
    for name, value in model.parameters.items():
        if name.endswith("bias"):
            value[...] = random.normal(0, 0.3, value.shape)
    draw_norms(model.plan, model.table, random)
    images = random.integers(0, 256, (6, *network.input_shape), np.uint8)
    return model, images
