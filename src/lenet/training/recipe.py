"""A recipe: everything that decides how a network is trained, but for the data and the seed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from lenet.engine.initialise import parse_init
from lenet.engine.optimizer import STATE_ROWS, Optimizer
from lenet.errors import UsageError

OPTIMIZERS: Final = tuple(STATE_ROWS)
SCHEDULES: Final = ("constant", "one-cycle")
#: The largest learning rate and weight decay: the engine counts in 32 bits.
LARGEST: Final = 1e30

#: The one-cycle schedule's shape: rise for this share of all steps, from peak / START to the peak,
#: then fall to peak / END, both along a half cosine (Smith and Topin 2018).
RISE: Final = 0.25
START: Final = 25.0
END: Final = 1000.0


@dataclass(frozen=True)
class Recipe:
    """How to train. :func:`recipe` gives the named ones; ``recipe.but(epochs=3)`` changes values.

    Attributes:
        epochs: passes over the training images.
        batch_size: images a step.
        optimizer: sgd, momentum (0.9) or adamw.
        lr: the learning rate; of a one-cycle schedule its peak.
        schedule: constant or one-cycle.
        init: normal:S, xavier or kaiming.
        standardize: whether pixels get mean 0 and standard deviation 1; otherwise [0, 1].
        weight_decay: adamw's decoupled decay; for the others an L2 term in the gradient.

    Raises:
        UsageError: a value out of range.
    """

    epochs: int = 20
    batch_size: int = 128
    optimizer: str = "adamw"
    lr: float = 0.01
    schedule: str = "one-cycle"
    init: str = "kaiming"
    standardize: bool = True
    weight_decay: float = 0.1

    def __post_init__(self) -> None:
        _whole("number of epochs", self.epochs, 100_000)
        _whole("batch size", self.batch_size, 1_000_000)
        if not isinstance(self.standardize, bool):
            raise UsageError(f"standardize is {self.standardize!r}; it must be True or False.")
        _one_of("optimizer", self.optimizer, OPTIMIZERS)
        _one_of("schedule", self.schedule, SCHEDULES)
        if not (_is_number(self.lr) and 0 < self.lr <= LARGEST):
            raise UsageError(
                f"the learning rate (lr) is {self.lr!r}; it must be a number above 0 and at most "
                f"{LARGEST:g}."
            )
        if not (_is_number(self.weight_decay) and 0 <= self.weight_decay <= LARGEST):
            raise UsageError(
                f"the weight decay is {self.weight_decay!r}; it must be a number from 0 to "
                f"{LARGEST:g}."
            )
        parse_init(str(self.init))

    def but(self, **changes: Any) -> Self:
        """The same recipe with some values changed; ``None`` leaves a value as it is."""
        return replace(self, **{k: v for k, v in changes.items() if v is not None})

    def make_optimizer(self) -> Optimizer:
        """What the engine does with a gradient."""
        return Optimizer(self.optimizer, weight_decay=self.weight_decay)

    def rates(self, steps: int) -> NDArray[np.float64]:
        """The learning rate of each of ``steps`` steps, (steps,)."""
        if self.schedule == "constant":
            return np.full(steps, self.lr)
        at = (np.arange(steps) + 0.5) / steps  # the middle of each step, from 0 to 1
        rising = _half_cosine(self.lr / START, self.lr, at / RISE)
        falling = _half_cosine(self.lr, self.lr / END, (at - RISE) / (1 - RISE))
        return np.where(at < RISE, rising, falling)

    def to_dict(self) -> dict[str, Any]:
        """All values, for JSON."""
        return asdict(self)


def _half_cosine(start: float, end: float, at: NDArray[np.float64]) -> NDArray[np.float64]:
    return end + (start - end) * (1 + np.cos(np.pi * np.clip(at, 0, 1))) / 2


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _whole(name: str, value: object, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise UsageError(f"the {name} is {value!r}; it must be a whole number from 1 to {most:,}.")


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        choice = f"{', '.join(allowed[:-1])} or {allowed[-1]}"
        raise UsageError(f"the {name} is {value!r}; it must be {choice}.")


#: The settings of the article this project starts from, and a default for today.
RECIPES: Final = {
    "modern": Recipe(),
    "seed": Recipe(
        batch_size=256,
        optimizer="sgd",
        lr=2.5,
        schedule="constant",
        init="normal:0.2",
        standardize=False,
        weight_decay=0.0,
    ),
}


def recipe(name: str = "modern", **changes: Any) -> Recipe:
    """A recipe by name, ``modern`` or ``seed``, with some values changed.

    Raises:
        UsageError: no recipe has that name, or a value is out of range.
    """
    _one_of("recipe", name, tuple(RECIPES))
    known = [field.name for field in fields(Recipe)]
    if unknown := [change for change in changes if change not in known]:
        raise UsageError(f"a recipe has no {unknown[0]!r}; it has {', '.join(known)}.")
    return RECIPES[name].but(**changes)
