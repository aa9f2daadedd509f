"""What the model of a run predicts for labelled images: the numbers behind every picture."""

from __future__ import annotations

import math
import os
import shlex
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.data import Dataset, Split, is_name, load, load_split
from lenet.errors import DataError
from lenet.metrics import (
    ClassMetrics,
    Evaluation,
    class_metrics,
    evaluate_scores,
    mcnemar,
    softmax,
    wilson,
)
from lenet.model import Model
from lenet.run_folder import RunRecord
from lenet.writing.numbers import percent

#: Images, or where they are: a data set's name, or the path of pictures.
Images = Dataset | Split | str | os.PathLike[str]
BINS: Final = 15


@dataclass(frozen=True)
class Confusion:
    """For ``count`` images of class ``true`` the class ``predicted`` was predicted; indices."""

    true: int
    predicted: int
    count: int


@dataclass(frozen=True)
class Bin:
    """The images whose prediction has a probability from ``low`` to ``high``, and their means."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model predicts.

    Attributes:
        split: N images and labels.
        classes: the names of K classes.
        probabilities: (N, K); each row adds up to 1.
        evaluation: accuracy, loss, confusion.
    """

    split: Split
    classes: tuple[str, ...]
    probabilities: npt.NDArray[np.float64]
    evaluation: Evaluation

    @cached_property
    def predicted(self) -> npt.NDArray[np.int64]:
        """(N,) the most probable class of each image."""
        classes: npt.NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return classes

    @cached_property
    def confidence(self) -> npt.NDArray[np.float64]:
        """(N,) its probability."""
        largest: npt.NDArray[np.float64] = self.probabilities.max(axis=1)
        return largest

    @cached_property
    def correct(self) -> npt.NDArray[np.bool_]:
        """(N,) is it the true class?"""
        return np.equal(self.predicted, self.split.labels)

    def mistakes(self, most: int) -> list[int]:
        """Return the indices of wrong predictions, the least probable truth first."""
        wrong = np.flatnonzero(~self.correct)
        truth = self.probabilities[wrong, self.split.labels[wrong]]
        worst: list[int] = wrong[np.argsort(truth, kind="stable")[:most]].tolist()
        return worst

    @cached_property
    def class_metrics(self) -> list[ClassMetrics]:
        """Precision, recall and F1 of every class, in order."""
        return class_metrics(self.evaluation)

    def confusions(self, most: int) -> list[Confusion]:
        """Return which class is taken for which other, the most frequent first."""
        table = self.evaluation.confusion.copy()
        np.fill_diagonal(table, 0)
        places = np.flatnonzero(table)
        order = places[np.argsort(-table.ravel()[places], kind="stable")][:most]
        size = len(self.classes)
        return [Confusion(int(p) // size, int(p) % size, int(table.flat[p])) for p in order]

    @cached_property
    def bins(self) -> list[Bin]:
        """Confidence against accuracy; ranges without images are left out."""
        place = np.clip(np.ceil(self.confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
        bins = []
        for i in range(BINS):
            inside = place == i
            if count := int(inside.sum()):
                means = float(self.confidence[inside].mean()), float(self.correct[inside].mean())
                bins.append(Bin(i / BINS, (i + 1) / BINS, count, *means))
        return bins

    @property
    def calibration_error(self) -> float:
        """The expected calibration error, from 0 to 1 (Guo et al. 2017, equation 3)."""
        gaps = (bin.count * abs(bin.accuracy - bin.confidence) for bin in self.bins)
        return sum(gaps) / len(self.split)

    @property
    def interval(self) -> tuple[float, float]:
        """Where the accuracy on other images of the same kind lies, with 95 % confidence."""
        return wilson(int(self.correct.sum()), len(self.split))


@dataclass(frozen=True, eq=False)
class PairedComparison:
    """One run's predictions against the first's, on the same test images; indices of images.

    Attributes:
        lost: correct by the first, wrong by the other.
        won: the other way round.
    """

    lost: tuple[int, ...]
    won: tuple[int, ...]

    @property
    def p_value(self) -> float:
        """The probability of a difference at least as large, if both were equally good."""
        return mcnemar(len(self.lost), len(self.won))


def compare_pair(first: Predictions, other: Predictions) -> PairedComparison:
    """Compare two models' predictions for the same images."""
    lost = np.flatnonzero(first.correct & ~other.correct)
    won = np.flatnonzero(~first.correct & other.correct)
    return PairedComparison(tuple(lost.tolist()), tuple(won.tolist()))


def make_predictions(
    model: Model, data: Dataset | Split, threads: int | None = None
) -> Predictions:
    """Let a model predict; for a data set, its test split.

    Args:
        model: with weights.
        data: labelled images.
        threads: how many to use; by default one per processor.

    Raises:
        DataError: the data have other classes than the model.
    """
    split = data.tested if isinstance(data, Dataset) else data
    names = data.classes if isinstance(data, Dataset) else model.classes
    if names != model.classes or not 0 <= split.labels.min() <= split.labels.max() < len(names):
        raise DataError(
            "the images have other classes than the model; give those that it was trained for."
        )
    scores = model.scores(split.images, threads)
    evaluation = evaluate_scores(scores, split.labels, model.classes)
    return Predictions(split, model.classes, softmax(scores), evaluation)


def read_model(record: RunRecord) -> Model:
    """Read a run's model.

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


def predict_test(
    record: RunRecord, model: Model, data: Images, data_dir: str | os.PathLike[str] | None
) -> Predictions:
    """Let a run's model predict the images that it was tested on.

    Raises:
        LenetError: they cannot be read, have other classes, or are others than at that time.
    """
    if not isinstance(data, Dataset | Split):
        if is_name(data):
            data = load(data, data_dir=data_dir)
        else:
            # Pictures that cannot be read were left out by the training too.
            shape = model.network.input_shape
            data = load_split(data, model.classes, shape, skip_bad=True)
    predictions = make_predictions(model, data)
    check_same_images(record, predictions)
    return predictions


def check_same_images(record: RunRecord, predictions: Predictions) -> None:
    """Are these the images that a run was tested on?

    The hash of its test images decides. Where there is none, in a run of an older lenet, or where
    the images are read at another size now, their number and the run's own accuracy have to do.

    Raises:
        DataError: they are others.
    """
    split, known_hash = predictions.split, record.info.get("test_hash")
    if known_hash is not None and record.info.get("image_shape") == list(split.images.shape[1:]):
        if split.fingerprint() != known_hash:
            raise DataError(
                f"these are not the images that {record.name} was tested on: not every pixel and "
                "label is the same; bring the same images back, or name the place where they are."
            )
        return
    accuracy = record.kept.get("test_accuracy")
    if record.info["status"] != "finished" or accuracy is None or math.isnan(accuracy):
        return
    now, count = predictions.evaluation.accuracy, len(split)
    known = record.info.get("test_images")
    known = known if isinstance(known, int) else count
    # Another instruction set rounds otherwise, and may predict an image or two otherwise.
    if known != count or abs(now - accuracy) > max(2 / count, 0.002):
        raise DataError(
            f"these are not the images that {record.name} was tested on: {percent(now)} of "
            f"{count:,} are correct, and its own record has {percent(accuracy)} of {known:,}; "
            "bring the same images back, or name the place where they are."
        )
