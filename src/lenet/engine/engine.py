"""What every engine can do: what it is asked for, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from lenet.engine.optimizer import SHARE, Optimizer, is_share
from lenet.engine.plan import Floats
from lenet.errors import UsageError
from lenet.randomness import DROPOUT, random_words_at


@dataclass(frozen=True, eq=False)
class Objective:
    """What training makes small: the mean over a batch's images of weight * cross-entropy.

    With ``nearest`` it is minus the score of the label: of an RBF layer the distance to the label's
    target (LeCun et al. 1998, equation 8). With ``rubbish`` the cross-entropy has one class more of
    that score, so that images of no class are kept away from all targets (equation 9).

    The target of an image is 1 - label_smoothing at its label, and the rest spread evenly over all
    classes (Szegedy et al. 2016, section 7). Of the outputs of every dense layer but the last the
    share ``dropout`` is put to zero, and the others grow by 1 / (1 - dropout) (Srivastava et al.
    2014).
    """

    label_smoothing: float = 0.0  # 0 to below 1
    dropout: float = 0.0  # 0 to below 1
    seed: int = 0  # decides which outputs are dropped
    weights: NDArray[np.float32] | None = None  # (N,), 0 or more; None for 1 each
    rubbish: float = -inf  # the score of one class more, which no image belongs to
    nearest: bool = False  # minus the label's score in place of the cross-entropy

    def __post_init__(self) -> None:
        for name in ("label_smoothing", "dropout"):
            value = getattr(self, name)
            if not is_share(value):
                raise UsageError(f"{name} is {value!r}; it must be {SHARE}.")
        if not self.rubbish < inf or (self.nearest and self.rubbish > -inf):
            raise UsageError(
                f"rubbish is {self.rubbish!r}; it must be a finite score, and none with nearest."
            )
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
        """Refuse weights that are not one for each of so many images."""
        if self.weights is not None and len(self.weights) != images:
            raise UsageError(
                f"there are {len(self.weights):,} weights for {images:,} images; give one each."
            )

    def dropout_mask(
        self, step: int, layer: int, rows: NDArray[np.int64], units: int
    ) -> NDArray[np.bool_]:
        """Return which outputs of plan step ``layer`` stay in training step ``step``, (n, units).

        ``step`` counts from 1, ``rows`` (n,) are the samples' places in their batch. Any engine on
        any number of threads drops the same.
        """
        words = random_words_at(rows, units, self.seed, DROPOUT, step, layer)
        return words >= round(self.dropout * 2**32)


#: Plain cross-entropy.
PLAIN: Final = Objective()


@dataclass(frozen=True, eq=False)
class Samples:
    """Labelled images; a pixel of channel c enters a network as byte * scale[c] + shift[c]."""

    images: NDArray[np.uint8]  # (N, C, H, W)
    labels: NDArray[np.integer[Any]]  # (N,), each below the number of classes
    scale: Floats  # (C,)
    shift: Floats  # (C,)

    def check_order(
        self, order: NDArray[np.integer[Any]], batch_size: int, steps: int, objective: Objective
    ) -> None:
        """Refuse an order without an image for one of the steps, and weights of other images."""
        if batch_size < 1:
            raise UsageError(f"the batch size is {batch_size}; it must be at least 1.")
        taken = (steps - 1) * batch_size
        if len(order) <= taken:
            raise UsageError(
                f"{steps} steps of {batch_size} images need an order of more than {taken} "
                f"images, and it has {len(order)}."
            )
        objective.check(len(self.images))


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
    """Runs one plan, whose table of parameters has T numbers."""

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
        self, parameters: Floats, samples: Samples, objective: Objective = PLAIN, step: int = 1
    ) -> Gradient:
        """Return loss and gradient of all ``samples`` as one batch, in training step ``step``."""

    def train(
        self,
        parameters: Floats,  # (T,)
        state: Floats,  # (optimizer.state_rows, T), zeros at the start of training
        samples: Samples,  # the whole training set
        order: NDArray[np.integer[Any]],  # indices of samples, ``batch_size`` for each step
        batch_size: int,  # the last step may get fewer
        rates: NDArray[np.float64],  # (steps,), the learning rate of each step
        first_step: int,  # updates made before this call: the optimizer counts on from there
        optimizer: Optimizer,
        objective: Objective = PLAIN,
    ) -> TrainResult:
        """Run len(rates) training steps, changing ``parameters`` and ``state`` in place."""
