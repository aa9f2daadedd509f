"""The loop: epochs of steps on the engine, with what they yield written down.

Everything random is a function of (seed, epoch, index), so equal arguments give equal weights, bit
for bit, on any number of threads.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from lenet.data.dataset import Dataset, Part
from lenet.data.preprocess import Preprocessing
from lenet.data.wishes import machine_memory
from lenet.engine.results import TrainResult
from lenet.errors import DivergenceError, UsageError
from lenet.metrics import Evaluation, evaluate_scores
from lenet.model import Model
from lenet.net import Network
from lenet.net.shapes import shape_text
from lenet.randomness import permutation
from lenet.training.recipe import Recipe

#: Seconds between two looks at the progress (and at Ctrl-C).
PATIENCE: Final = 0.1


@dataclass(frozen=True)
class EpochRecord:
    """What an epoch yielded.

    Attributes:
        epoch: from 1.
        loss: mean cross-entropy of the training images in nats, each before its step's update.
        train_accuracy: share of right answers among them, likewise on the way.
        test_accuracy: share of right answers on the test images at the epoch's end.
        seconds: of training; the test is not counted.
    """

    epoch: int
    loss: float
    train_accuracy: float
    test_accuracy: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The same as values for JSON."""
        return asdict(self)


class Watcher(Protocol):
    """Is told how training goes."""

    def step(self, epoch: int, share: float) -> None:
        """Some steps of ``epoch`` are done, ``share`` of it (0 to 1); some ten times a second."""

    def epoch(self, record: EpochRecord) -> None:
        """An epoch is done."""


class Training:
    """One training of one network, epoch by epoch; iterate :meth:`epochs` to do it.

    ``model`` holds the weights of the moment, ``history`` the epochs done.
    """

    def __init__(
        self, network: Network, data: Dataset, recipe: Recipe, seed: int, threads: int | None
    ) -> None:
        """Draw the first weights and prepare the images.

        Raises:
            UsageError: the network's outputs are not the data's classes, or a value out of range.
            ShapeError: the network does not fit.
            DataError: the images' channels cannot become the network's.
        """
        seed = _check_seed(seed)
        _check_classes(network, data)
        _check_memory(network, data)
        self.data, self.recipe, self.seed = data, recipe, seed
        preprocessing = Preprocessing.fit(
            data.train.images, network.input_shape, recipe.standardize
        )
        self.model = Model(network, data.classes, preprocessing)
        self.engine = self.model.engine(threads)
        self._draw_weights()
        self.history: list[EpochRecord] = []
        self._train, self._test = self._prepare(data.train), self._prepare(data.test)
        self._optimizer = recipe.make_optimizer()
        self._state = np.zeros((self._optimizer.state_rows, self.model.plan.table_size), np.float32)
        self._pixels = preprocessing.scale_and_shift()

    @property
    def steps(self) -> int:
        """Steps in an epoch; the last may be of fewer images."""
        return math.ceil(len(self._train) / self.recipe.batch_size)

    @property
    def seconds(self) -> float:
        """Of training in all epochs so far."""
        return sum(record.seconds for record in self.history)

    def epochs(self, watcher: Watcher | None = None) -> Iterator[EpochRecord]:
        """Train; yields after every epoch.

        Raises:
            DivergenceError: a loss was not a number. The weights are then those of the last
                whole epoch.
        """
        rates = self.recipe.rates(self.steps * self.recipe.epochs)
        for epoch in range(1, self.recipe.epochs + 1):
            before = self.model.parameters.copy()
            try:
                record = self._epoch(epoch, rates, watcher)
            except DivergenceError:
                self.model.parameters[...] = before
                raise
            self.history.append(record)
            if watcher:
                watcher.epoch(record)
            yield record

    # A training that diverges is told by its loss, not by warnings on the way to it.
    @np.errstate(all="ignore")
    def _epoch(
        self, epoch: int, rates: NDArray[np.float64], watcher: Watcher | None
    ) -> EpochRecord:
        start = time.perf_counter()
        order = permutation(self.seed, epoch, len(self._train)).astype(np.int32)
        losses = np.zeros(self.steps)
        correct, done, chunk = 0, 0, 1
        while done < self.steps:
            chunk_start = time.perf_counter()
            end = min(done + chunk, self.steps)
            result = self._run(order, rates, epoch, done, end)
            losses[done:end] = result.losses
            correct += int(result.correct.sum())
            if result.steps < end - done:
                raise self._divergence(f"epoch {epoch}, step {done + result.steps + 1}")
            each = (time.perf_counter() - chunk_start) / chunk
            chunk, done = max(1, min(2 * chunk, int(PATIENCE / each))), end
            if watcher:
                watcher.step(epoch, done / self.steps)
        seconds = time.perf_counter() - start
        sizes = np.full(self.steps, self.recipe.batch_size)
        sizes[-1] = len(self._train) - sizes[:-1].sum()
        test = self._test_evaluation()
        if not math.isfinite(test.loss):
            raise self._divergence(f"epoch {epoch}, after step {self.steps}")
        return EpochRecord(
            epoch=epoch,
            loss=float(losses @ sizes / len(self._train)),
            train_accuracy=correct / len(self._train),
            test_accuracy=test.accuracy,
            seconds=seconds,
        )

    def _run(
        self, order: NDArray[np.int32], rates: NDArray[np.float64], epoch: int, begin: int, end: int
    ) -> TrainResult:
        """Steps [begin, end) of an epoch."""
        size, first = self.recipe.batch_size, (epoch - 1) * self.steps
        return self.engine.train(
            self.model.parameters,
            self._state,
            self._train.images,
            self._train.labels,
            order[begin * size : end * size],
            size,
            rates[first + begin : first + end],
            first + begin,
            *self._pixels,
            self._optimizer,
        )

    def _test_evaluation(self) -> Evaluation:
        scores = self.engine.scores(self.model.parameters, self._test.images, *self._pixels)
        return evaluate_scores(scores, self.data.test.labels, self.data.classes)

    def _draw_weights(self) -> None:
        with np.errstate(over="ignore"):
            weights = self.model.initialize(self.recipe.init, self.seed).parameters
        if not np.isfinite(weights).all():
            raise UsageError(
                f"the initialisation {self.recipe.init} draws weights too large for 32 bits; use "
                "a smaller standard deviation, such as normal:0.2."
            )

    def _prepare(self, part: Part) -> _Prepared:
        images = np.ascontiguousarray(self.model.preprocessing.prepare(part.images))
        return _Prepared(images, part.labels.astype(np.int32))

    def _divergence(self, place: str) -> DivergenceError:
        return DivergenceError(
            f"training diverged in {place} of {self.steps}: the loss is no "
            f"longer a number; try a smaller learning rate than {self.recipe.lr:g} "
            f"(--lr {self.recipe.lr / 10:g}) or another initialisation than {self.recipe.init} "
            "(--init xavier)."
        )


@dataclass(frozen=True)
class _Prepared:
    """A part as the engine takes it: images of the network's shape, labels in 32 bits."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)


def _check_seed(seed: int) -> int:
    """``seed`` as a plain int, of which JSON knows; NumPy's whole numbers are welcome too."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise UsageError(f"the seed is {seed!r}; it must be a whole number from 0 to 2^63 - 1.")
    return int(seed)


def _check_classes(network: Network, data: Dataset) -> None:
    outputs = math.prod(network.output_shape)
    if outputs != len(data.classes):
        raise UsageError(
            f"the network has {outputs} outputs and {data.name} has {len(data.classes)} classes; "
            f"end the network with 'dense {len(data.classes)}'."
        )


def _check_memory(network: Network, data: Dataset) -> None:
    """Images that are made larger for the network are all held at once."""
    size = (len(data.train) + len(data.test)) * math.prod(network.input_shape)
    if network.input_shape == data.image_shape or size <= machine_memory() / 2:
        return
    raise UsageError(
        f"the network takes {shape_text(network.input_shape)} images, and all of {data.name} at "
        f"that size would fill {size / 1e9:,.1f} GB of this machine's "
        f"{machine_memory() / 1e9:,.1f} GB of memory; use a network with a smaller input."
    )
