"""How good a model is: accuracy, figures per class, and the confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.errors import DataError
from lenet.writing import Result
from lenet.writing.document import Document, Section, table_of
from lenet.writing.numbers import percent


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation(Result):
    """What a model does on labelled images.

    Attributes:
        confusion: (K, K) counts; row: the true class, column: the predicted class.
        loss: mean cross-entropy in nats.
        classes: the K names.
        data: what the images are called.
    """

    csv_key = "classes"

    confusion: npt.NDArray[np.int64]
    loss: float
    classes: tuple[str, ...]
    data: str = "images"

    @property
    def count(self) -> int:
        """How many images there are."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """The share of images whose predicted class is the true one, from 0 to 1."""
        return float(np.trace(self.confusion)) / self.count

    @property
    def class_accuracy(self) -> tuple[float | None, ...]:
        """The same among each class's images (its recall); None for a class without images."""
        return tuple(metrics.recall for metrics in class_metrics(self))

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON."""
        return {
            "accuracy": self.accuracy,
            "loss": self.loss,
            "count": self.count,
            "classes": [
                {"name": metrics.name, "count": metrics.images, "accuracy": metrics.recall}
                for metrics in class_metrics(self)
            ],
            "confusion": self.confusion.tolist(),
        }

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return accuracy and loss, a table of the classes, and the confusion matrix."""
        classes = [
            (m.name, f"{m.images:,}", "-" if m.recall is None else percent(m.recall))
            for m in class_metrics(self)
        ]
        matrix = [
            (f"{index} {self.classes[index]}", *(str(count or ".") for count in row))
            for index, row in enumerate(self.confusion.tolist())
        ]
        title = "confusion matrix: one row per true class, one column per predicted class"
        numbers = ("", *map(str, range(len(self.classes))))
        return Document(
            f"{percent(self.accuracy)} of {self.count:,} {self.data}, loss {self.loss:.4f}",
            (
                Section("", (table_of(classes, ("class", "images", "accuracy")),)),
                Section(title, (table_of(matrix, numbers),)),
            ),
        )


def evaluate_scores(
    scores: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    classes: tuple[str, ...],
    weights: npt.NDArray[np.float32] | None = None,
) -> Evaluation:
    """Compare scores (N, K) with labels (N,); ``weights`` (N,) count in the loss alone."""
    if len(scores) != len(labels) or not len(labels):
        counts = f"{len(scores):,} predictions and {len(labels):,} labels"
        raise DataError(f"{counts}; give as many of both, at least 1")
    size = scores.shape[1]
    predicted = scores.argmax(axis=1)
    confusion = np.bincount(labels * size + predicted, minlength=size * size).reshape(size, size)
    chosen = log_softmax(scores)[np.arange(len(labels)), labels]
    loss = float(-np.average(chosen, weights=weights))
    return Evaluation(confusion.astype(np.int64), loss, classes)


def log_softmax(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the logarithms of the probabilities (N, K), without overflow."""
    shifted = scores.astype(np.float64)  # less the largest score, so that exp stays finite
    shifted -= shifted.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def softmax(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the probabilities (N, K) of scores; each row adds up to 1."""
    return np.exp(log_softmax(scores))


@dataclass(frozen=True)
class ClassMetrics:
    """How well one class is told apart (van Rijsbergen 1979); None where no image is counted."""

    name: str
    images: int  # how many are of it
    predicted: int  # of how many it was predicted
    correct: int  # how many of these are of it

    @property
    def precision(self) -> float | None:
        return self.correct / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        return self.correct / self.images if self.images else None

    @property
    def f1(self) -> float | None:
        together = self.images + self.predicted
        return 2 * self.correct / together if together else None


def class_metrics(evaluation: Evaluation) -> list[ClassMetrics]:
    """Return the metrics of every class, in order."""
    table = evaluation.confusion
    columns = (table.sum(axis=1), table.sum(axis=0), np.diag(table))
    return [
        ClassMetrics(name, *map(int, numbers))
        for name, *numbers in zip(evaluation.classes, *columns, strict=True)
    ]


def wilson(correct: int, count: int) -> tuple[float, float]:
    """Return the interval of a share of which 95 % hold the true one (Wilson 1927)."""
    z = 1.959964  # the quantile of the normal distribution for 95 % between two sides
    share, square = correct / count, z**2 / count
    middle = (share + square / 2) / (1 + square)
    reach = z * sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def mcnemar(first_only: int, other_only: int) -> float:
    """Return the exact two-sided p-value for two models on the same images (McNemar 1947).

    Only the images count that one model alone has correct (Dietterich 1998): if both were equally
    good, each of these would be a throw of a fair coin.
    """
    count = first_only + other_only
    ways, tail = 1, 1  # to choose k of them: in whole numbers, so that nothing is rounded
    for k in range(min(first_only, other_only)):
        ways = ways * (count - k) // (k + 1)
        tail += ways
    return min(1.0, float(2 * tail / 2**count))
