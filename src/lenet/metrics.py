"""How good answers are: accuracy, per class, and what is taken for what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.errors import DataError


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model does on labelled images.

    Attributes:
        confusion: (K, K) counts; row: the true class, column: the answer.
        loss: mean cross-entropy in nats.
        classes: the K names.
    """

    confusion: npt.NDArray[np.int64]
    loss: float
    classes: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many images were looked at."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of right answers, from 0 to 1."""
        return float(np.trace(self.confusion)) / self.count

    @property
    def class_accuracy(self) -> tuple[float | None, ...]:
        """Share of right answers among each class's images; None for a class without images."""
        totals = self.confusion.sum(axis=1)
        right = np.diag(self.confusion)
        return tuple(float(r / t) if t else None for r, t in zip(right, totals, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """The same as values for JSON."""
        per_class = zip(
            self.classes, self.confusion.sum(axis=1).tolist(), self.class_accuracy, strict=True
        )
        return {
            "accuracy": self.accuracy,
            "loss": self.loss,
            "count": self.count,
            "classes": [{"name": n, "count": c, "accuracy": a} for n, c, a in per_class],
            "confusion": self.confusion.tolist(),
        }


def evaluate_scores(
    scores: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    classes: tuple[str, ...],
    weights: npt.NDArray[np.float32] | None = None,
) -> Evaluation:
    """Compare scores (N, K), before the softmax, with labels (N,).

    Args:
        scores: of each image and class.
        labels: the true classes.
        classes: the K names.
        weights: (N,) how much each image counts in the loss; None for 1 each.

    Raises:
        DataError: the counts differ.
    """
    if len(scores) != len(labels) or not len(labels):
        raise DataError(
            f"{len(scores):,} answers and {len(labels):,} labels; give as many of both, at least 1"
        )
    size = scores.shape[1]
    answers = scores.argmax(axis=1)
    confusion = np.bincount(labels * size + answers, minlength=size * size).reshape(size, size)
    chosen = log_softmax(scores)[np.arange(len(labels)), labels]
    loss = float(-np.average(chosen, weights=weights))
    return Evaluation(confusion.astype(np.int64), loss, classes)


def log_softmax(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Logarithms of the probabilities (N, K); the largest score is taken off first."""
    shifted = scores.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted
