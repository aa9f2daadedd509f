"""What every contender does: one network, its weights, images and labels, the same for all.

Weights and images are drawn, not read: how long a step takes does not depend on them. Each process
draws them for itself, from the same seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from lenet.analysis.counts import count_layer
from lenet.engine.initialise import initialise
from lenet.engine.native import check_threads
from lenet.engine.plan import Plan, make_plan
from lenet.errors import UsageError
from lenet.net import Conv2d, Dense, Network, parse_network

#: Training, then inference in batches, then one image at a time.
TASKS: Final = ("training", "inference", "one-image")
#: So small that the weights stay where they are, however many steps are timed.
RATE: Final = 1e-5
#: How much the images take in float32, unless two batches are more: larger than a cache.
IMAGE_BYTES: Final = 64 * 10**6
MAX_BATCH: Final = 1_000_000


@dataclass(frozen=True)
class Workload:
    """A network, how many images a batch has, and on how many threads.

    Raises:
        UsageError: a number out of range.
    """

    network: Network
    batch: int = 256
    threads: int = 1

    def __post_init__(self) -> None:
        whole = isinstance(self.batch, int) and not isinstance(self.batch, bool)
        if not (whole and 1 <= self.batch <= MAX_BATCH):
            raise UsageError(
                f"the batch is {self.batch!r}; it must be a whole number from 1 to {MAX_BATCH:,}."
            )
        check_threads(self.threads)

    def to_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {"network": str(self.network), "batch": self.batch, "threads": self.threads}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_dict`."""
        return cls(parse_network(values["network"]), values["batch"], values["threads"])

    @cached_property
    def plan(self) -> Plan:
        """The network's plan."""
        return make_plan(self.network)

    @cached_property
    def parameters(self) -> NDArray[np.float32]:
        """The flat table (T,); biases are drawn too, so that a lost one shows in the scores, and
        what a normalisation has beside its bias."""
        table = initialise(self.plan, "kaiming", seed=0)
        random = np.random.default_rng(0)
        for tensor in self.plan.tensors:
            if len(tensor.shape) == 1:
                tensor.view(table)[...] = random.normal(0, 0.1, tensor.shape)
        for norm in (step.norm for step in self.plan.steps if step.norm):
            for tensor in (norm.scale, norm.variance):
                tensor.view(table)[...] += 1
        return table

    @property
    def batches(self) -> int:
        """How many batches of images there are."""
        size = 4 * self.batch * prod(self.network.input_shape)
        return max(2, IMAGE_BYTES // size)

    @cached_property
    def images(self) -> NDArray[np.uint8]:
        """Random pixels (N, C, H, W), ``batches`` full batches."""
        shape = (self.batches * self.batch, *self.network.input_shape)
        return np.random.default_rng(1).integers(0, 256, shape, np.uint8)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """A random class for each image, (N,)."""
        return np.random.default_rng(2).integers(0, self.plan.classes, len(self.images))

    @cached_property
    def pixels(self) -> NDArray[np.float32]:
        """The images from 0 to 1, (N, C, H, W), for those who do not take bytes."""
        return np.divide(self.images, 255, dtype=np.float32)

    def batch_slice(self, number: int) -> slice:
        """Where batch ``number`` lies in the images; after the last comes the first again."""
        start = number % self.batches * self.batch
        return slice(start, start + self.batch)

    def order(self, steps: int) -> NDArray[np.int32]:
        """Indices of the images of ``steps`` training steps, shuffled, (steps * batch,)."""
        return np.resize(self._shuffled, steps * self.batch)

    @cached_property
    def _shuffled(self) -> NDArray[np.int32]:
        return np.random.default_rng(3).permutation(len(self.images)).astype(np.int32)

    @cached_property
    def multiply_adds(self) -> dict[str, int]:
        """Of one image, for each task.

        Training does the work three times: forward, the weights' gradient, and the inputs'
        gradient, which the first layer that has weights does not need.
        """
        works = [
            count_layer(place).multiply_adds
            for place in self.network.placed
            if isinstance(place.layer, Conv2d | Dense)
        ]
        forward = sum(works)
        training = 3 * forward - (works[0] if works else 0)
        return dict(zip(TASKS, (training, forward, forward), strict=True))
