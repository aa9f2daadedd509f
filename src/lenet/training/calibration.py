"""Probabilities that mean what they say: one number, fitted on validation images after training.

Scores that are divided by a temperature T give softer probabilities where T is above 1, sharper
ones below, and the same classes (Guo et al. 2017, "On calibration of modern neural networks"). Here
the weights and biases of the last layer are divided by it: what any program then makes of the model
is calibrated, and nothing has to know of it. (Where two scores are equal but for a rounding,
rounding may swap them.)

T is where the cross-entropy of the validation images is lowest. They count as what they are, and
once more as one image of any class: with few images, of which all are right, the probabilities go
towards (n + 1) / (n + 2), not to 1 (after Platt 1999).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import log
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.data import Split
from lenet.engine.plan import Floats, Step
from lenet.metrics import (
    calibration_bins,
    calibration_error,
    coverage,
    evaluate_answers,
    log_softmax,
    read_answers,
    softmax,
)
from lenet.model import Model

#: Temperatures from the inverse of this up to this.
WARMEST: Final = 20.0
#: Of more validation scores, those of images that are evenly spread: one number needs no more.
_MOST: Final = 1 << 22
#: Halvings of that range, until three digits of the temperature are known.
_HALVINGS: Final = 16
#: The shares of images whose thresholds a model keeps.
SHARES: Final = (1.0, 0.99, 0.98, 0.97, 0.96, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)

#: The scores (n, classes) of some of a split's images, by their places.
Scores = Callable[[slice | npt.NDArray[np.int64]], Floats]


@dataclass(frozen=True)
class Calibration:
    """A temperature, and what it did to the probabilities of the validation images."""

    temperature: float
    images: int
    error_before: float  # expected calibration error, from 0 to 1
    error_after: float
    nll_before: float  # mean cross-entropy in nats
    nll_after: float


def fit_temperature(
    scores: npt.NDArray[np.floating[Any]],
    labels: npt.NDArray[np.integer[Any]],
    weights: npt.NDArray[np.floating[Any]] | None = None,
) -> float:
    """Return the temperature, to three digits, that suits scores (N, K) and labels (N,).

    The cross-entropy is convex in 1 / T, so that halving finds where its slope is zero. ``weights``
    (N,) say how much each image counts.
    """
    values = scores.astype(np.float64)
    count = len(values)
    share = count / (count + 1)  # the rest is one image of any class
    wanted = share * values[np.arange(count), labels] + (1 - share) * values.mean(axis=1)

    def slope(heat: float) -> float:
        expected = (softmax(values / heat) * values).sum(axis=1)
        return float(np.average(expected - wanted, weights=weights))

    low, high = -log(WARMEST), log(WARMEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if (found := slope(float(np.exp(middle)))) == 0:
            break
        low, high = (middle, high) if found > 0 else (low, middle)  # above 0: it is too sharp
    return float(f"{np.exp((low + high) / 2):.3g}")


def _plain_dense(step: Step) -> bool:
    """Is it a dense layer whose outputs are the scores?"""
    return step.kind == "dense" and step.activation == "identity"


def calibrate(model: Model, scores: Scores, split: Split) -> Calibration | None:
    """Divide the last layer of a model by the temperature that suits the images of ``split``.

    Returns None, and changes nothing, where the last layer is no plain dense one.
    """
    last = model.plan.steps[-1]
    if not _plain_dense(last):
        return None
    count = min(len(split), max(1, _MOST // model.plan.classes))
    places = np.linspace(0, len(split) - 1, count).astype(np.int64)
    found, labels = scores(places), split.labels[places]
    weights = None if split.weights is None else split.weights[places]
    heat = fit_temperature(found, labels, weights)
    figures = (_figures(found.astype(np.float64) / by, labels, weights) for by in (1.0, heat))
    (error_before, nll_before), (error_after, nll_after) = figures
    for tensor in filter(None, (last.weight, last.bias)):
        tensor.view(model.table)[...] /= np.float32(heat)
    return Calibration(heat, count, error_before, error_after, nll_before, nll_after)


def _figures(
    scores: npt.NDArray[np.float64], labels: npt.NDArray[np.int64], weights: Any
) -> tuple[float, float]:
    """Return the expected calibration error and the mean cross-entropy."""
    logarithms, rows = log_softmax(scores), np.arange(len(scores))
    predicted = scores.argmax(axis=1)
    bins = calibration_bins(np.exp(logarithms[rows, predicted]), predicted == labels)
    return calibration_error(bins), float(-np.average(logarithms[rows, labels], weights=weights))


def conclusion(
    model: Model, parts: Mapping[str, tuple[Scores, Split]], is_calibrated: bool
) -> dict[str, Any]:
    """Calibrate a trained model, and return what it is to keep, as values for JSON.

    ``parts`` are the splits by name. ``calibration`` is the temperature; ``coverage`` says from
    which probability on how many of the test images (else: validation images) are answered, for
    validation images are often the trained ones' neighbours, and no label is asked here;
    ``unrecognised`` are the classes whose test images are all wrong, if there are any.
    """
    kept: dict[str, Any] = {}
    if is_calibrated and "validation" in parts and (done := calibrate(model, *parts["validation"])):
        kept["calibration"] = asdict(done)
    name = next((name for name in ("test", "validation") if name in parts), "")
    if not name:
        return kept
    scores, split = parts[name]
    known = read_answers(scores, split.labels, len(model.classes))
    rows = coverage(known.confidence, known.predicted == split.labels, SHARES)
    table = {f"{share:g}": row.threshold for share, row in zip(SHARES, rows, strict=True)}
    kept["coverage"] = {"split": name, "images": len(split), "thresholds": table}
    found = evaluate_answers(known, split.labels, model.classes)
    if name == "test" and found.unrecognised:
        kept["unrecognised"] = list(found.unrecognised)
    return kept
