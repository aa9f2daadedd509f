"""What every engine can do, and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lenet.engine.objective import PLAIN, Objective
from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import Floats
from lenet.errors import UsageError


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
        """Scores (N, classes), before the softmax, of ``images`` (N, C, H, W).

        The native engine has another way for four images and fewer: their scores equal those in a
        larger batch within rounding, not bit for bit.
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
        """Loss and gradient of all ``images`` (N, C, H, W) with ``labels`` (N,) as one batch, as
        training step ``step`` would have them."""

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
            batch_size: images a step; the last step may get fewer.
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
    """Is there at least one image for every step?

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
