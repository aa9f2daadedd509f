"""Before a training begins: what is checked, first weights, and images as the engines take them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lenet.data.dataset import Dataset, Split
from lenet.data.options import machine_memory
from lenet.data.preprocess import Preprocessing
from lenet.errors import UsageError
from lenet.model import Model
from lenet.net import Network
from lenet.net.shapes import shape_text
from lenet.training.recipe import Recipe


@dataclass(frozen=True)
class Prepared:
    """A part as the engine takes it: images (N, C, H, W) of the network's shape, labels (N,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int32]

    @classmethod
    def of(cls, part: Split, preprocessing: Preprocessing) -> Prepared:
        """``part`` brought to the network's channels and size."""
        images = np.ascontiguousarray(preprocessing.prepare(part.images))
        return cls(images, part.labels.astype(np.int32))

    def __len__(self) -> int:
        return len(self.labels)


def check_seed(seed: int) -> int:
    """``seed`` as a plain int, of which JSON knows; NumPy's whole numbers are welcome too.

    Raises:
        UsageError: it is none, or out of range.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise UsageError(f"the seed is {seed!r}; it must be a whole number from 0 to 2^63 - 1.")
    return int(seed)


def check_classes(network: Network, data: Dataset) -> None:
    """Has the network an output for each class?

    Raises:
        UsageError: it has not.
    """
    outputs = math.prod(network.output_shape)
    if outputs != len(data.classes):
        raise UsageError(
            f"the network has {outputs} outputs and {data.name} has {len(data.classes)} classes; "
            f"end the network with 'dense {len(data.classes)}'."
        )


def check_memory(network: Network, data: Dataset) -> None:
    """Images that are made larger for the network are all held at once: is there room?

    Raises:
        UsageError: there is not.
    """
    size = sum(map(len, data.splits.values())) * math.prod(network.input_shape)
    if network.input_shape == data.image_shape or size <= machine_memory() / 2:
        return
    raise UsageError(
        f"the network takes {shape_text(network.input_shape)} images, and all of {data.name} at "
        f"that size would fill {size / 1e9:,.1f} GB of this machine's "
        f"{machine_memory() / 1e9:,.1f} GB of memory; use a network with a smaller input."
    )


def new_model(network: Network, data: Dataset, recipe: Recipe, seed: int) -> Model:
    """``network`` with its first weights, and the preprocessing that the training images ask for.

    Raises:
        UsageError: the weights are too large.
    """
    preprocessing = Preprocessing.fit(data.train.images, network.input_shape, recipe.standardize)
    model = Model(network, data.classes, preprocessing)
    with np.errstate(over="ignore"):
        weights = model.initialize(recipe.init, seed).table
    if not np.isfinite(weights).all():
        raise UsageError(
            f"the initialisation {recipe.init} draws weights too large for 32 bits; use a smaller "
            "standard deviation, such as normal:0.2."
        )
    return model
