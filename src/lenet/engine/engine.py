"""What every engine can do: what it is asked for, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import Floats
from lenet.errors import UsageError
from lenet.randomness import DROPOUT, random_words_at


@dataclass(frozen=True, eq=False)
class Objective:
    """What training makes small: cross-entropy, with what is done against overfitting.

    The loss of one image is weight * cross-entropy(softmax(scores), target); a batch's is the mean
    over its images.

    Attributes:
        label_smoothing: share of the target spread evenly over all classes (Szegedy et al. 2016,
            section 7); 0 to below 1.
        dropout: share of the outputs of every dense layer but the last that are put to zero, the
            rest growing by 1 / (1 - dropout) (Srivastava et al. 2014); 0 to below 1.
        seed: decides which.
        weights: (N,) float32, each image's weight in the loss, 0 or more; None for 1 each.

    Raises:
        UsageError: a value out of range.
    """

    label_smoothing: float = 0.0
    dropout: float = 0.0
    seed: int = 0
    weights: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        for name in ("label_smoothing", "dropout"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise UsageError(f"{name} is {value!r}; it must be at least 0 and below 1.")
        if self.weights is not None and (
            self.weights.dtype != np.float32
            or self.weights.ndim != 1
            or not (self.weights >= 0).all()
            or not isfinite(float(self.weights.sum(dtype=np.float64)))
        ):
            raise UsageError(
                "the images' weights must be one row of float32 numbers, each 0 or more."
            )

    def check(self, images: int) -> None:
        """Check that there is a weight for each of so many images.

        Raises:
            UsageError: there is not.
        """
        if self.weights is not None and len(self.weights) != images:
            raise UsageError(
                f"there are {len(self.weights):,} weights for {images:,} images; give one each."
            )

    def dropout_mask(
        self, step: int, layer: int, rows: NDArray[np.int64], units: int
    ) -> NDArray[np.bool_]:
        """Return which outputs of a dense layer stay in training step ``step``, (n, units).

        A function of (seed, step, layer, row, unit) alone, so that any engine on any number of
        threads drops the same.

        Args:
            step: which step this is, from 1.
            layer: the plan step's index.
            rows: (n,), the samples' places in their batch.
            units: outputs of the layer.
        """
        words = random_words_at(rows, units, self.seed, DROPOUT, step, layer)
        return words >= round(self.dropout * 2**32)


#: Plain cross-entropy.
PLAIN: Final = Objective()


@dataclass(frozen=True)
class Gradient:
    """The loss of some images and how it changes with every parameter."""

    loss: float  # mean cross entropy in nats
    correct: int  # images whose largest score is their label's
    gradient: Floats  # (T,), of the mean loss; zero in the table's gaps


@dataclass(frozen=True)
class TrainResult:
    """What happened in each training step, measured before the step's update.

    Fewer ``steps`` than were asked for means divergence: ``losses[steps]`` is then the first loss
    that is not finite, its update was not made, and what lies behind is zero.
    """

    losses: NDArray[np.float64]  # (steps asked for,), mean over each batch
    correct: NDArray[np.int64]  # (steps asked for,)
    steps: int  # updates made


class Engine(Protocol):
    """Runs one plan. T is the plan's table size; a pixel enters as byte * scale[c] + shift[c]."""

    @property
    def name(self) -> str:
        """What the engine is called, e.g. ``reference``."""

    @property
    def threads(self) -> int:
        """How many threads it computes with."""

    def scores(
        self, parameters: Floats, images: NDArray[np.uint8], scale: Floats, shift: Floats
    ) -> Floats:
        """Return the scores (N, classes), before the softmax, of ``images`` (N, C, H, W).

        The native engine has other kernels for four images and fewer: their scores equal those in
        a larger batch within rounding, not bit for bit.
        """

    def gradient(
        self,
        parameters: Floats,
        images: NDArray[np.uint8],
        labels: NDArray[np.integer[Any]],
        scale: Floats,
        shift: Floats,
        objective: Objective = PLAIN,
        step: int = 1,
    ) -> Gradient:
        """Return loss and gradient of all ``images`` (N, C, H, W) with ``labels`` (N,) as one
        batch, as training step ``step`` would have them."""

    def train(
        self,
        parameters: Floats,
        state: Floats,
        images: NDArray[np.uint8],
        labels: NDArray[np.integer[Any]],
        order: NDArray[np.integer[Any]],
        batch_size: int,
        rates: NDArray[np.float64],
        first_step: int,
        scale: Floats,
        shift: Floats,
        optimizer: Optimizer,
        objective: Objective = PLAIN,
    ) -> TrainResult:
        """Run len(rates) training steps, changing ``parameters`` and ``state`` in place.

        Args:
            parameters: (T,).
            state: (optimizer.state_rows, T), zeros at the start of training.
            images: (N, C, H, W), the whole training set.
            labels: (N,), each below the number of classes.
            order: indices of images; step i takes ``order[i * batch_size : (i + 1) * batch_size]``.
            batch_size: images per step; the last step may get fewer.
            rates: (steps,), the learning rate of each step.
            first_step: updates made before this call; the optimizer counts on from there.
            scale: (C,).
            shift: (C,).
            optimizer: what to do with a gradient.
            objective: what is made small.

        Raises:
            UsageError: ``order`` is too short for that many steps, or there are not as many
                weights as images.
        """


def check_order(order: NDArray[np.integer[Any]], batch_size: int, steps: int) -> None:
    """Check that there is at least one image for every step.

    Raises:
        UsageError: there is not, or ``batch_size`` is below 1.
    """
    if batch_size < 1:
        raise UsageError(f"the batch size is {batch_size}; it must be at least 1.")
    taken = (steps - 1) * batch_size
    if len(order) <= taken:
        raise UsageError(
            f"{steps} steps of {batch_size} images need an order of more than {taken} "
            f"images, and it has {len(order)}."
        )
