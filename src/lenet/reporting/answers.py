"""What a model says of labelled images: the numbers behind every picture of its mistakes.

Wilson's interval: Wilson 1927, "Probable inference, the law of succession, and statistical
inference". Expected calibration error: Guo et al. 2017, "On calibration of modern neural
networks", equation 3, with 15 bins of equal width. Precision, recall, F1: van Rijsbergen 1979.
"""

from __future__ import annotations

import math
import os
import shlex
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.data import Dataset, Split, is_name, load, load_split
from lenet.errors import DataError
from lenet.metrics import Evaluation, evaluate_scores, log_softmax
from lenet.model import Model
from lenet.reporting.record import RunRecord

BINS: Final = 15
#: The quantile of the normal distribution for 95 % between two sides.
_Z95: Final = 1.959964


@dataclass(frozen=True)
class ClassFigures:
    """How one class fares; None where there is nothing to divide by."""

    name: str
    images: int
    answers: int
    right: int

    @property
    def precision(self) -> float | None:
        """Of the images it was said of, the share that are of it."""
        return self.right / self.answers if self.answers else None

    @property
    def recall(self) -> float | None:
        """Of its images, the share of which it was said."""
        return self.right / self.images if self.images else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both."""
        together = self.images + self.answers
        return 2 * self.right / together if together else None


@dataclass(frozen=True)
class Confusion:
    """``count`` images of class ``true`` were taken for class ``said``; indices."""

    true: int
    said: int
    count: int


@dataclass(frozen=True)
class Bin:
    """The images whose answer has a probability in one stretch: their means."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class Answers:
    """A model's answers.

    Attributes:
        part: N images and labels.
        classes: K names.
        probabilities: (N, K), rows add up to 1.
        evaluation: accuracy, loss, confusion.
    """

    part: Split
    classes: tuple[str, ...]
    probabilities: npt.NDArray[np.float64]
    evaluation: Evaluation

    @cached_property
    def said(self) -> npt.NDArray[np.int64]:
        """(N,) the likeliest class of each."""
        found: npt.NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return found

    @cached_property
    def confidence(self) -> npt.NDArray[np.float64]:
        """(N,) its probability."""
        found: npt.NDArray[np.float64] = self.probabilities.max(axis=1)
        return found

    @cached_property
    def right(self) -> npt.NDArray[np.bool_]:
        """(N,) is it the true one?"""
        return np.equal(self.said, self.part.labels)

    def mistakes(self, most: int) -> list[int]:
        """The indices of the wrong answers, the least likely truth first."""
        wrong = np.flatnonzero(~self.right)
        chance = self.probabilities[wrong, self.part.labels[wrong]]
        found: list[int] = wrong[np.argsort(chance, kind="stable")[:most]].tolist()
        return found

    @cached_property
    def class_figures(self) -> list[ClassFigures]:
        """Of every class, in order."""
        table = self.evaluation.confusion
        columns = (table.sum(axis=1), table.sum(axis=0), np.diag(table))
        return [
            ClassFigures(name, *map(int, numbers))
            for name, *numbers in zip(self.classes, *columns, strict=True)
        ]

    def confusions(self, most: int) -> list[Confusion]:
        """What is taken for what, the most frequent first."""
        table = self.evaluation.confusion.copy()
        np.fill_diagonal(table, 0)
        places = np.flatnonzero(table)
        order = places[np.argsort(-table.ravel()[places], kind="stable")][:most]
        size = len(self.classes)
        return [Confusion(int(p) // size, int(p) % size, int(table.flat[p])) for p in order]

    @cached_property
    def bins(self) -> list[Bin]:
        """Confidence against accuracy; stretches without images are left out."""
        place = np.clip(np.ceil(self.confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
        found = []
        for i in range(BINS):
            inside = place == i
            if count := int(inside.sum()):
                means = float(self.confidence[inside].mean()), float(self.right[inside].mean())
                found.append(Bin(i / BINS, (i + 1) / BINS, count, *means))
        return found

    @property
    def calibration_error(self) -> float:
        """The expected calibration error, from 0 to 1."""
        gaps = (bin.count * abs(bin.accuracy - bin.confidence) for bin in self.bins)
        return sum(gaps) / len(self.part)

    @property
    def interval(self) -> tuple[float, float]:
        """Where the accuracy on other images of the same kind lies, with 95 % confidence."""
        return wilson(int(self.right.sum()), len(self.part))


def answer(model: Model, data: Dataset | Split, threads: int | None = None) -> Answers:
    """Let a model answer; of a data set, its test part.

    Args:
        model: with weights.
        data: labelled images.
        threads: how many to use; by default one a processor.

    Raises:
        DataError: the data have other classes than the model.
    """
    part = data.tested if isinstance(data, Dataset) else data
    names = data.classes if isinstance(data, Dataset) else model.classes
    if names != model.classes or not 0 <= part.labels.min() <= part.labels.max() < len(names):
        raise DataError(
            "the images have other classes than the model; give those that it was trained for."
        )
    scores = model.scores(part.images, threads)
    evaluation = evaluate_scores(scores, part.labels, model.classes)
    return Answers(part, model.classes, np.exp(log_softmax(scores)), evaluation)


def read_images(
    data: Dataset | Split | str | os.PathLike[str],
    data_dir: str | os.PathLike[str] | None,
    model: Model,
) -> Dataset | Split:
    """The images to answer: what is given, a data set by its name, or pictures at a path.

    Raises:
        LenetError: they cannot be read, or have other classes than the model.
    """
    if isinstance(data, Dataset | Split):
        return data
    if is_name(data):
        return load(data, data_dir=data_dir)
    # Pictures that cannot be read were left out by the training too, or it would not have begun.
    return load_split(data, model.classes, model.network.input_shape, skip_bad=True)


def read_model(record: RunRecord) -> Model:
    """A run's model.

    Raises:
        DataError: it has none yet.
        ModelFileError: it cannot be read.
    """
    if not record.model.exists():
        raise DataError(
            f"{record.folder} has no model: its training is not done, or was ended by force; "
            f"lenet train --resume {shlex.quote(str(record.folder))} goes on."
        )
    return Model.load(record.model)


def check_same_images(record: RunRecord, answers: Answers) -> None:
    """Are these the images that a run was tested on, as far as its own figures tell?

    Raises:
        DataError: they are not as many as its own were, or not as well answered.
    """
    epochs = record.epochs
    accuracy = epochs[-1].get("test_accuracy") if epochs else None
    if record.info["status"] != "finished" or accuracy is None or math.isnan(accuracy):
        return
    found, count = answers.evaluation.accuracy, len(answers.part)
    known = record.info.get("test_images")
    known = known if isinstance(known, int) else count
    # Another instruction set rounds otherwise, and may answer an image or two otherwise.
    if known != count or abs(found - accuracy) > max(2 / count, 0.002):
        raise DataError(
            f"these are not the images that {record.name} was tested on: {100 * found:.2f} % of "
            f"{count:,} are right, and its own record has {100 * accuracy:.2f} % of {known:,}; "
            "bring the same images back, or name them with --data."
        )


def wilson(right: int, count: int) -> tuple[float, float]:
    """Wilson's interval of a share: 95 % of such intervals hold the true one."""
    share, square = right / count, _Z95**2 / count
    middle = (share + square / 2) / (1 + square)
    reach = _Z95 * sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    return max(0.0, middle - reach), min(1.0, middle + reach)
