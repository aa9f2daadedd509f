"""A recipe: everything that decides how a network is trained, but for the data and the seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from lenet.engine.augmentation import Augmentation
from lenet.engine.initialise import parse_init
from lenet.engine.optimizer import Optimizer
from lenet.errors import UsageError
from lenet.net.words import did_you_mean, shown
from lenet.optimizers import OPTIMIZERS
from lenet.training.schedules import SCHEDULES, Schedule

KEEPS: Final = ("last", "best")
#: The largest learning rate, weight decay and clip: the engine counts in 32 bits.
LARGEST: Final = 1e30
#: The largest decay of the average: beyond it, what a step adds is lost in 32 bits.
LONGEST_AVERAGE: Final = 0.9999
NOTHING: Final = Augmentation()


@dataclass(frozen=True)
class Recipe:
    """How to train. ``lenet.recipe`` gives the named ones; ``recipe.but(epochs=3)`` changes values.

    Attributes:
        epochs: passes over the training images, at most.
        batch_size: images a step.
        optimizer: sgd, momentum, nesterov or adamw.
        momentum: of the two kinds named after it.
        lr: the learning rate; where it changes, its peak.
        schedule: constant, one-cycle, cosine or step; see :mod:`lenet.training.schedules`.
        warm_up: epochs in which the rate rises from nothing; not for one-cycle, which rises anyway.
        step_every: of the step schedule, epochs from one step to the next.
        step_factor: of the step schedule, what the rate is multiplied by.
        init: normal:S, xavier or kaiming.
        standardize: whether pixels get mean 0 and standard deviation 1; otherwise [0, 1].
        weight_decay: adamw's decoupled decay; for the others an L2 term in the gradient.
        smoothing: share of each label spread over all classes.
        dropout: share of hidden dense outputs put to zero in training.
        clip: the largest norm of a gradient; 0 leaves it as it is.
        average: decay a step of a moving average of the weights, which then is what is tested and
            saved; 0 for none.
        balance: whether an image of a rare class weighs more, so that all classes count alike.
        validation: share of the training images set aside, stratified; not used where the data
            have a validation part of their own.
        patience: stop after so many epochs without a lower validation loss; 0 for never.
        keep: last, or best: the weights of the epoch with the lowest validation loss.
        net: the network that is trained when none is named; empty for no wish.
        augment: how training images change in every epoch, in pixels of the network's input; a
            mapping of its values will do.

    Raises:
        UsageError: a value out of range, or two that do not go together.
    """

    epochs: int = 20
    batch_size: int = 128
    optimizer: str = "adamw"
    momentum: float = 0.9
    lr: float = 0.01
    schedule: str = "one-cycle"
    warm_up: float = 0.0
    step_every: int = 10
    step_factor: float = 0.1
    init: str = "kaiming"
    standardize: bool = True
    weight_decay: float = 0.1
    smoothing: float = 0.0
    dropout: float = 0.0
    clip: float = 0.0
    average: float = 0.0
    balance: bool = False
    validation: float = 0.0
    patience: int = 0
    keep: str = "last"
    net: str = ""
    augment: Augmentation = NOTHING

    def __post_init__(self) -> None:
        _whole("number of epochs", self.epochs, 1, 100_000)
        _whole("batch size", self.batch_size, 1, 1_000_000)
        _whole("patience", self.patience, 0, 100_000)
        _whole("step_every", self.step_every, 1, 100_000)
        _one_of("optimizer", self.optimizer, tuple(OPTIMIZERS))
        _one_of("schedule", self.schedule, SCHEDULES)
        _one_of("choice of weights (keep)", self.keep, KEEPS)
        for name, value in (("learning rate (lr)", self.lr), ("step_factor", self.step_factor)):
            if not (_is_number(value) and 0 < value <= LARGEST):
                raise UsageError(
                    f"the {name} is {shown(value)}; it must be a number above 0 and at most "
                    f"{LARGEST:g}."
                )
        for name, value in (("weight decay", self.weight_decay), ("clip", self.clip)):
            if not (_is_number(value) and 0 <= value <= LARGEST):
                raise UsageError(
                    f"the {name} is {shown(value)}; it must be a number from 0 to {LARGEST:g}."
                )
        if not (_is_number(self.average) and 0 <= self.average <= LONGEST_AVERAGE):
            raise UsageError(
                f"average is {shown(self.average)}; it must be a number from 0 to "
                f"{LONGEST_AVERAGE}."
            )
        for name in ("momentum", "smoothing", "dropout", "validation"):
            value = getattr(self, name)
            if not (_is_number(value) and 0 <= value < 1):
                raise UsageError(
                    f"{name} is {shown(value)}; it must be a number of at least 0 and below 1."
                )
        self._check_kinds()
        self._check_warm_up()
        parse_init(str(self.init))

    def _check_kinds(self) -> None:
        for name in ("standardize", "balance"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(
                    f"{name} is {shown(getattr(self, name))}; it must be True or False."
                )
        if not isinstance(self.net, str):
            raise UsageError(f"net is {shown(self.net)}; it must be a network's name or notation.")
        if not isinstance(self.augment, Augmentation):
            object.__setattr__(self, "augment", _augmentation(self.augment))

    def _check_warm_up(self) -> None:
        if not (_is_number(self.warm_up) and 0 <= self.warm_up <= self.epochs):
            raise UsageError(
                f"warm_up is {shown(self.warm_up)}; it must be a number of epochs, from 0 to all "
                f"{self.epochs}."
            )
        if self.warm_up and self.schedule == "one-cycle":
            raise UsageError(
                f"warm_up is {self.warm_up:g} and the schedule one-cycle, which rises by itself; "
                "leave warm_up out, or take the cosine schedule."
            )

    def but(self, **changes: Any) -> Self:
        """The same recipe with some values changed; ``None`` leaves a value as it is, and so does a
        mapping for ``augment`` that leaves it out.

        Raises:
            UsageError: a recipe has no such value, or it is out of range.
        """
        check_names(changes)
        if isinstance(changes.get("augment"), Mapping):
            changes["augment"] = {**self.augment.to_dict(), **changes["augment"]}
        return replace(self, **{k: v for k, v in changes.items() if v is not None})

    def make_optimizer(self) -> Optimizer:
        """What the engine does with a gradient."""
        return Optimizer(
            self.optimizer,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            clip=self.clip,
            average=self.average,
        )

    def rates(self, steps: int, begin: int = 0, end: int | None = None) -> NDArray[np.float64]:
        """The learning rates of steps [begin, end) of ``steps`` in all epochs, (end - begin,)."""
        schedule = Schedule(
            self.schedule, self.lr, self.epochs, self.warm_up, self.step_every, self.step_factor
        )
        return schedule.rates(steps, begin, end)

    def to_dict(self) -> dict[str, Any]:
        """All values, for JSON and TOML; :meth:`from_dict` is the inverse."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """A recipe from its values by name; those left out are the default's.

        Raises:
            UsageError: a recipe has no such value, or it is out of range.
        """
        check_names(values)
        return cls(**values)


def check_names(values: Mapping[str, Any], kind: type = Recipe, what: str = "a recipe") -> None:
    """Does a recipe have values of these names?

    Raises:
        UsageError: one that it does not have.
    """
    known = [field.name for field in fields(kind)]
    if unknown := [name for name in values if name not in known]:
        near = did_you_mean(str(unknown[0]), known)
        raise UsageError(f"{what} has no {shown(unknown[0])}{near}; it has {', '.join(known)}.")


def _augmentation(values: object) -> Augmentation:
    if not isinstance(values, Mapping):
        raise UsageError(
            f"augment is {shown(values)}; it must be a table of its values, such as shift = 1."
        )
    check_names(values, Augmentation, "augment")
    return Augmentation(**values)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _whole(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UsageError(
            f"the {name} is {shown(value)}; it must be a whole number from {least} to {most:,}."
        )


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        choice = f"{', '.join(allowed[:-1])} or {allowed[-1]}"
        raise UsageError(f"the {name} is {shown(value)}; it must be {choice}.")
