"""Small pictures in colour that are drawn: stripes in three directions, of any light and tint."""

import numpy as np

import lenet
from lenet.data import Dataset, Split

CLASSES = ("down", "across", "aslant")
NETWORK = "3x16x16 | conv 8 k3 relu, maxpool 2 | dense 3"


def striped(count: int, seed: int, shares: tuple[float, ...] = (0.4, 0.35, 0.25)) -> Split:
    """So many of them, (N, 3, 16, 16), with a class each."""
    random = np.random.default_rng(seed)
    labels = random.choice(3, count, p=shares)
    y, x = np.mgrid[:16, :16]
    directions = np.stack([x, y, (x + y) / np.sqrt(2)])[labels]
    phase, width = random.uniform(0, 6, (count, 1, 1)), random.uniform(1.3, 2.2, (count, 1, 1))
    waves = np.sin(directions / width + phase)[:, None]
    light, strength = random.uniform(80, 160, (count, 1, 1, 1)), random.uniform(20, 60, (count, 1))
    tint = random.uniform(0.7, 1.1, (count, 3, 1, 1))
    pixels = (light + strength[..., None, None] * waves) * tint
    noisy = pixels + random.normal(0, 6, pixels.shape)
    return Split(noisy.clip(0, 255).astype(np.uint8), labels)


def dataset() -> Dataset:
    return Dataset("stripes", striped(900, 1), striped(600, 2), CLASSES)


def trained(**settings) -> lenet.Model:
    return lenet.train(NETWORK, dataset(), lenet.recipe(epochs=6, **settings))
