"""What every contender does: the same for all.

A workload is one network with its weights, images and labels. They are drawn, not read: how long
a step takes does not depend on them. Each process draws them for itself, from the same seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from lenet.arguments import plain
from lenet.engine.initialise import initialise
from lenet.engine.native import check_threads
from lenet.engine.plan import Plan, make_plan
from lenet.errors import UsageError, about
from lenet.net import Network, parse_network
from lenet.net.words import shown

#: Training, then inference in batches, then one image at a time.
TASKS: Final = ("training", "inference", "one-image")
#: So small that the weights stay where they are, however many steps are timed.
RATE: Final = 1e-5
#: How much the images take in float32, unless two batches are more: larger than a cache.
IMAGE_BYTES: Final = 64 * 10**6
MAX_BATCH: Final = 1_000_000


@dataclass(frozen=True)
class Workload:
    """A network, how many images a batch has, and on how many threads."""

    network: Network
    batch: int = 256
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("batch", "threads"):
            object.__setattr__(self, name, plain(getattr(self, name)))
        whole = isinstance(self.batch, int) and not isinstance(self.batch, bool)
        if not (whole and 1 <= self.batch <= MAX_BATCH):
            raise UsageError(
                f"the batch is {shown(self.batch)}; it must be a whole number from 1 to "
                f"{MAX_BATCH:,}.",
                parameter="batch",
            )
        with about("threads"):
            check_threads(self.threads)

    def to_dict(self) -> dict[str, Any]:
        """Return the same for JSON."""
        return {"network": str(self.network), "batch": self.batch, "threads": self.threads}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what :meth:`to_dict` wrote."""
        return cls(parse_network(values["network"]), values["batch"], values["threads"])

    @cached_property
    def plan(self) -> Plan:
        """Return the network's plan."""
        return make_plan(self.network)

    @cached_property
    def parameters(self) -> NDArray[np.float32]:
        """The table (T,). Biases and statistics are drawn too: a lost one shows in the scores."""
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
        """Return how many batches of images there are."""
        return max(2, IMAGE_BYTES // (4 * self.batch * prod(self.network.input_shape)))

    @cached_property
    def images(self) -> NDArray[np.uint8]:
        """Draw pixels (N, C, H, W), ``batches`` full batches."""
        shape = (self.batches * self.batch, *self.network.input_shape)
        return np.random.default_rng(1).integers(0, 256, shape, np.uint8)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Draw a class for each image, (N,)."""
        return np.random.default_rng(2).integers(0, self.plan.classes, len(self.images))

    @cached_property
    def pixels(self) -> NDArray[np.float32]:
        """Return the images from 0 to 1, (N, C, H, W), for those who do not take bytes."""
        return np.divide(self.images, 255, dtype=np.float32)

    def batch_slice(self, number: int) -> slice:
        """Return where batch ``number`` lies; after the last comes the first again."""
        start = number % self.batches * self.batch
        return slice(start, start + self.batch)

    def order(self, steps: int) -> NDArray[np.int32]:
        """Return the indices of the images of ``steps`` training steps, (steps * batch,)."""
        return np.resize(self._shuffled, steps * self.batch)

    @cached_property
    def _shuffled(self) -> NDArray[np.int32]:
        return np.random.default_rng(3).permutation(len(self.images)).astype(np.int32)

    @cached_property
    def multiply_adds(self) -> dict[str, int]:
        """Count those of one image, for each task.

        Training does the work three times: forward, the weights' gradient, and the inputs'
        gradient, which the first layer that has weights does not need.
        """
        counts = [place.layer.multiply_adds(place.input_shape) for place in self.network.placed]
        forward, first = sum(counts), next(filter(None, counts), 0)
        return dict(zip(TASKS, (3 * forward - first, forward, forward), strict=True))


class Contender(Protocol):
    """One way to do a workload."""

    what: str  # its framework and version

    def train(self, steps: int) -> None:
        """Run that many whole steps: forward, backward, update."""

    def infer(self, images: slice) -> NDArray[np.float32]:
        """Return the scores (N, classes) of some of the workload's images, NumPy to NumPy."""
