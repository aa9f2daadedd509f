"""What the models of runs predict for labelled images, and runs beside each other: the numbers
behind every page and picture.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.data import Dataset, Split, is_name, load, load_split
from lenet.data.likeness import WithoutCopies
from lenet.errors import DataError
from lenet.metrics import (
    Answers,
    Bin,
    ClassMetrics,
    Evaluation,
    calibration_bins,
    calibration_error,
    class_metrics,
    confused,
    evaluate_answers,
    mcnemar,
    read_answers,
    wilson,
)
from lenet.model import Model
from lenet.run_folder import LayerSignal, RunRecord, resume_command
from lenet.writing.numbers import percent

#: Images, or where they are: a data set's name, or the path of pictures.
Images = Dataset | Split | str | os.PathLike[str]
#: What is compared of each layer, by the names that JSON has for it.
SIGNALS: Final[dict[str, Callable[[LayerSignal], float | None]]] = {
    "relative_gradient": lambda signal: signal.relative_gradient,
    "saturated": lambda signal: signal.saturated,
    "sparsity": lambda signal: signal.sparsity,
    "dead": lambda signal: signal.dead,
}


@dataclass(frozen=True)
class Confusion:
    """For ``count`` images of class ``true`` the class ``predicted`` was predicted; indices."""

    true: int
    predicted: int
    count: int


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model predicts for N images of K classes."""

    split: Split
    classes: tuple[str, ...]
    answers: Answers
    evaluation: Evaluation

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """(N,) the most probable class of each image."""
        return self.answers.predicted

    @property
    def confidence(self) -> npt.NDArray[np.float64]:
        """(N,) its probability."""
        return self.answers.confidence

    @cached_property
    def truth(self) -> npt.NDArray[np.float64]:
        """(N,) the probability of the true class."""
        return np.exp(self.answers.truth)

    @cached_property
    def correct(self) -> npt.NDArray[np.bool_]:
        """(N,) is it the true class?"""
        return np.equal(self.predicted, self.split.labels)

    def mistakes(self, most: int) -> list[int]:
        """Return the indices of wrong predictions, the least probable truth first."""
        wrong = np.flatnonzero(~self.correct)
        return list(map(int, wrong[np.argsort(self.truth[wrong], kind="stable")[:most]]))

    def image_name(self, index: int) -> str:
        """Return the file of an image, or its number where it came from none."""
        names = self.split.names
        return f"test image {index:,}" if names is None else names[index]

    @property
    def without_copies(self) -> WithoutCopies | None:
        """How it does on the images that are no near-copy of a training image; None where too few
        are for it to matter."""
        return WithoutCopies.of(self.split.near_copies, self.correct)

    @cached_property
    def class_metrics(self) -> list[ClassMetrics]:
        """Precision, recall and F1 of every class, in order."""
        return class_metrics(self.evaluation)

    def confusions(self, most: int) -> list[Confusion]:
        """Return which class is taken for which other, the most frequent first."""
        return [Confusion(*row) for row in confused(self.evaluation)[:most]]

    @cached_property
    def bins(self) -> list[Bin]:
        """Confidence against accuracy; ranges without images are left out."""
        return calibration_bins(self.confidence, self.correct)

    @property
    def calibration_error(self) -> float:
        """The expected calibration error, from 0 to 1."""
        return calibration_error(self.bins)

    @property
    def interval(self) -> tuple[float, float]:
        """Where the accuracy on other images of the same kind lies, with 95 % confidence."""
        return wilson(int(self.correct.sum()), len(self.split))


@dataclass(frozen=True, eq=False)
class PairedComparison:
    """One run's predictions against the first's, on the same test images; indices of images."""

    lost: tuple[int, ...]  # correct by the first, wrong by the other
    won: tuple[int, ...]  # the other way round

    @property
    def p_value(self) -> float:
        """The probability of a difference at least as large, if both were equally good."""
        return mcnemar(len(self.lost), len(self.won))


@dataclass(frozen=True)
class Difference:
    """A value that decides runs, one per run; None where a run has none."""

    name: str
    values: tuple[object, ...]

    @property
    def is_common(self) -> bool:
        """Do the runs share it after all?"""
        return all(value == self.values[0] for value in self.values)


@dataclass(frozen=True, eq=False, repr=False)
class RunsSideBySide:
    """What is known of two or more runs; the first is compared with each of the others."""

    records: Sequence[RunRecord]
    predictions: Sequence[Predictions] | None = None  # None if they cannot be compared
    missing: str = ""  # why not

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What to call them: their folders' names, or paths where those are equal."""
        names = tuple(record.name for record in self.records)
        paths = tuple(str(record.folder) for record in self.records)
        return names if len(set(names)) == len(names) else paths

    @cached_property
    def _all_settings(self) -> list[Difference]:
        settings = [_settings(record) for record in self.records]
        keys = dict.fromkeys(key for values in settings for key in values)
        return [Difference(key, tuple(values.get(key) for values in settings)) for key in keys]

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """The values of recipe, seed, data and network that are not the same in all."""
        return tuple(row for row in self._all_settings if not row.is_common)

    @cached_property
    def common(self) -> dict[str, object]:
        """The values of recipe, seed, data and network that are the same in all."""
        return {row.name: row.values[0] for row in self._all_settings if row.is_common}

    @cached_property
    def pairs(self) -> tuple[PairedComparison, ...]:
        """The first against each of the others; empty without predictions."""
        correct = [predictions.correct for predictions in self.predictions or ()]
        return tuple(
            PairedComparison(_places(correct[0] & ~other), _places(~correct[0] & other))
            for other in correct[1:]
        )

    @cached_property
    def figures(self) -> list[dict[str, Any]]:
        """What came of each run; measured anew where the test images are at hand."""
        evaluations: list[Any] = [p.evaluation for p in self.predictions or ()]
        evaluations = evaluations or [None] * len(self.records)
        return [
            {
                "status": record.info["status"],
                "parameters": record.info["parameters"],
                "epochs": len(record.epochs),
                "train_loss": record.kept.get("loss"),
                "test_loss": known.loss if known else None,
                "test_accuracy": known.accuracy if known else record.kept.get("test_accuracy"),
                "train_seconds": record.seconds,
            }
            for record, known in zip(self.records, evaluations, strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it for JSON; docs/compare.md explains every key."""
        runs = zip(self.names, self.records, self.figures, strict=True)
        pairs = zip(self.names[1:], self.pairs, strict=False)
        return {
            "format": "lenet-run-comparison",
            "version": 1,
            "runs": [
                {
                    "name": name,
                    "run": str(run.folder),
                    **values,
                    "signals": list(map(_signal_values, run.last_signals)),
                }
                for name, run, values in runs
            ],
            "differences": [{"name": r.name, "values": list(r.values)} for r in self.differences],
            "common": dict(self.common),
            "duels": [
                {"name": name, "lost": list(p.lost), "won": list(p.won), "p_value": p.p_value}
                for name, p in pairs
            ],
            "missing": self.missing or None,
        }


def _signal_values(signal: LayerSignal) -> dict[str, Any]:
    """Return what :data:`SIGNALS` has of a layer, for JSON."""
    values = {name: value(signal) for name, value in SIGNALS.items()}
    return {"epoch": signal.epoch, "layer": signal.layer, **values}


def _places(mask: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(mask).tolist())


def _settings(record: RunRecord) -> dict[str, object]:
    """Return everything that decides a run, by name."""
    own = {name: record.info.get(name) for name in ("dataset", "source", "train_images")}
    recipe = {name: value for name, value in record.recipe.items() if name != "network"}
    return {"network": str(record.network), **own, **recipe, "seed": record.info["seed"]}


def make_predictions(
    model: Model, data: Dataset | Split, threads: int | None = None
) -> Predictions:
    """Let a model predict; for a data set, its test split."""
    split = data.tested if isinstance(data, Dataset) else data
    names = data.classes if isinstance(data, Dataset) else model.classes
    if names != model.classes or not 0 <= split.labels.min() <= split.labels.max() < len(names):
        raise DataError(
            "the images have other classes than the model; give those that it was trained for."
        )
    answers = read_answers(
        lambda part: model.scores(split.images[part], threads), split.labels, len(names)
    )
    evaluation = evaluate_answers(answers, split.labels, names, names=split.names)
    return Predictions(split, names, answers, evaluation)


def read_model(record: RunRecord) -> Model:
    """Read a run's model."""
    if not record.model.exists():
        raise DataError(
            f"{record.folder} has no model: its training is not done, or was ended by force; "
            f"{resume_command(record.folder)} goes on."
        )
    return Model.load(record.model)


def predict_test(
    record: RunRecord, model: Model, data: Images, data_dir: str | os.PathLike[str] | None
) -> Predictions:
    """Let a run's model predict the images that it was tested on; others are refused."""
    if not isinstance(data, Dataset | Split):
        if is_name(data):
            data = load(data, data_dir=data_dir)
        else:  # pictures that cannot be read were left out by the training too
            shape = model.network.input_shape
            how = {"fit": model.preprocessing.fit, **record.reading}
            data = load_split(data, model.classes, shape, skip_bad=True, **how)
    predictions = make_predictions(model, data)
    _check_same_images(record, predictions)
    return predictions


def _check_same_images(record: RunRecord, predictions: Predictions) -> None:
    """Hold that these are the images that a run was tested on.

    The hash of its test images decides. Where there is none, in a run of an older lenet, or where
    the images are read at another size now, their number and the run's own accuracy have to do.
    """
    split, known_hash = predictions.split, record.info.get("test_hash")
    if known_hash is not None and record.info.get("image_shape") == list(split.images.shape[1:]):
        proof = "not every pixel and label is the same" * (split.fingerprint() != known_hash)
    else:
        proof = _other_figures(record, predictions)
    if proof:
        advice = "bring the same images back, or name the place where they are"
        if record.info.get("source"):  # they may have no split of their own
            advice += "; if an older lenet chose them, its rule was another: train again"
        raise DataError(
            f"these are not the images that {record.name} was tested on: {proof}; {advice}."
        )


def _other_figures(record: RunRecord, predictions: Predictions) -> str:
    accuracy = record.kept.get("test_accuracy")
    if record.info["status"] != "finished" or accuracy is None or math.isnan(accuracy):
        return ""
    now, count = predictions.evaluation.accuracy, len(predictions.split)
    known = record.info.get("test_images")
    known = known if isinstance(known, int) else count
    # Another instruction set rounds otherwise, and may predict an image or two otherwise.
    if known == count and abs(now - accuracy) <= max(2 / count, 0.002):
        return ""
    return (
        f"{percent(now)} of {count:,} are correct, and its own record has {percent(accuracy)} of "
        f"{known:,}"
    )
