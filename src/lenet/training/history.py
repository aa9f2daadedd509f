"""What epochs yielded, and what follows from it: which was the best, and is it time to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class EpochRecord:
    """What an epoch yielded.

    Attributes:
        epoch: from 1.
        loss: mean loss of the training images in nats, each before its step's update; with the
            label smoothing and the weights that the recipe gives them.
        train_accuracy: share of right answers among them, likewise on the way.
        test_accuracy: share of right answers on the test images at the epoch's end; None without
            any.
        seconds: of training; tests and writing are not counted.
        test_loss: mean cross-entropy of the test images in nats.
        validation_accuracy: as of the test images.
        validation_loss: likewise.
        learning_rate: of the last step.
    """

    epoch: int
    loss: float
    train_accuracy: float
    test_accuracy: float | None = None
    seconds: float = 0.0
    test_loss: float | None = None
    validation_accuracy: float | None = None
    validation_loss: float | None = None
    learning_rate: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON; what was not measured is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the inverse of :meth:`to_dict`."""
        return cls(**values)


def best_epoch(history: Sequence[EpochRecord]) -> int | None:
    """Return the first epoch with the lowest validation loss; None without one."""
    losses = [(record.validation_loss, record.epoch) for record in history]
    measured = [(loss, epoch) for loss, epoch in losses if loss is not None]
    return min(measured)[1] if measured else None


def is_out_of_patience(history: Sequence[EpochRecord], patience: int) -> bool:
    """Return whether the last ``patience`` epochs brought no lower validation loss; never of 0."""
    best = best_epoch(history)
    return bool(patience) and best is not None and len(history) - best >= patience
