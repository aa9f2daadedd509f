"""One measure, before and now: how far apart its distributions are, what is chance, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from lenet.net.words import name_text
from lenet.profile import (
    ANSWERS,
    BRIGHTNESS,
    CERTAINTY,
    COLOUR,
    CONTRAST,
    DARKEST,
    LIGHTEST,
    SHARPNESS,
    Histogram,
)

#: Random divisions that say what is chance, and how rarely it is exceeded.
_DIVISIONS: Final = 2_000
_RARELY: Final = 1 / 1_000
_CELLS: Final = 256  # counts at most; rarer classes are taken together, for the time it takes
_NAMED: Final = 3  # classes in a sentence
_LITTLE: Final = 0.2  # deviations: means that are nearer are not what differs
_NEGATIVE: Final = 0.25  # how much nearer the negatives' brightness is, to name them

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Shift:
    """A measure of pictures or of answers, before and now.

    Attributes:
        name: answers, certainty, brightness, ...
        before, now: its histograms, which have the same bins; of the answers, a bin is a class.
        drift: the population stability index.
        chance: what that index exceeds once in 1,000 times although nothing has changed.
    """

    name: str
    before: Histogram
    now: Histogram
    drift: float
    chance: float

    @classmethod
    def of(cls, name: str, before: Histogram, now: Histogram) -> Self:
        """Compare two histograms with the same bins."""
        counts = _compact(np.array([before.counts, now.counts], np.int64))
        return cls(name, before, now, float(stability(*counts)), chance(*counts))

    @property
    def text(self) -> tuple[str, str]:
        """The mean before and now; a dash of the answers, which have none."""
        if self.name == ANSWERS:
            return "-", "-"
        is_plain = self.name in _WORDS and self.name not in (COLOUR, CERTAINTY)
        before, now = self.before.mean, self.now.mean
        return (f"{before:.2f}", f"{now:.2f}") if is_plain else (_percent(before), _percent(now))

    @property
    def shares(self) -> npt.NDArray[np.float64]:
        """(2, bins): the share of the pictures in each bin, before and now."""
        counts = np.array([self.before.counts, self.now.counts], np.float64)
        return np.asarray(counts / counts.sum(axis=1, keepdims=True))

    def most_changed(self, count: int) -> list[int]:
        """Return the bins whose share changed the most, the most first."""
        before, now = self.shares
        order = np.argsort(-np.abs(now - before), kind="stable")
        return [int(i) for i in order[:count] if before[i] or now[i]]

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON, without the histograms."""
        means = (None, None) if self.name == ANSWERS else (self.before.mean, self.now.mean)
        values = {"before": means[0], "now": means[1]}
        return {"name": self.name, **values, "drift": self.drift, "chance": self.chance}


def stability(before: npt.NDArray[Any], now: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the population stability index of counts (..., bins), (...).

    Half an image is added to each count, so that an empty bin weighs no more than it tells.
    """
    p, q = ((counts + 0.5) / (counts + 0.5).sum(axis=-1, keepdims=True) for counts in (before, now))
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=-1))


def chance(before: Counts, now: Counts) -> float:
    """Return the index that two random parts of all these pictures exceed once in 1,000 times."""
    random = np.random.default_rng(0)
    pooled = before + now
    parts = random.multivariate_hypergeometric(pooled, before.sum(), _DIVISIONS, method="marginals")
    return float(np.quantile(stability(parts, pooled - parts), 1 - _RARELY))


def _compact(counts: Counts) -> Counts:
    """Return (2, at most 256) of counts (2, bins): the smallest are added up."""
    if counts.shape[1] <= _CELLS:
        return counts
    order = np.argsort(-counts.sum(axis=0), kind="stable")
    largest, others = counts[:, order[: _CELLS - 1]], counts[:, order[_CELLS - 1 :]]
    return np.concatenate([largest, others.sum(axis=1, keepdims=True)], axis=1)


#: Of each measure: what it is of, in words; what it is called if it is lower, and if it is
#: higher; and where to look for the cause.
_WORDS: Final = {
    BRIGHTNESS: (
        *("The brightness", "The pictures are darker", "The pictures are lighter"),
        "Look at light, exposure and background.",
    ),
    CONTRAST: (
        *("The contrast", "The pictures have less contrast", "The pictures have more contrast"),
        "Look at light, exposure and haze.",
    ),
    SHARPNESS: (
        *("The sharpness", "The pictures are less sharp", "The pictures are sharper or noisier"),
        "Look at focus, motion, compression and noise.",
    ),
    DARKEST: (
        *("The dark parts", "The dark parts are darker", "The dark parts are lighter"),
        "Look at exposure, haze and borders.",
    ),
    LIGHTEST: (
        *("The light parts", "The light parts are darker", "The light parts are lighter"),
        "Look at exposure, light and borders.",
    ),
    COLOUR: (
        *("The strength of colours", "The colours are paler", "The colours are stronger"),
        "Look at light, camera and greyness.",
    ),
    CERTAINTY: (
        *("The certainty", "The answers are less certain", "The answers are more certain"),
        "Look at some answers: fewer may be right than before.",
    ),
}
#: What to do where the answers are more certain, which is no sign that more are right.
_SURER: Final = "Perhaps the model was trained on these pictures, or they are easier than before."
#: What mostly follows from another is told only without it.
_FOLLOWS: Final = {DARKEST: {BRIGHTNESS, CONTRAST}, LIGHTEST: {BRIGHTNESS, CONTRAST}}


def sentences(found: Sequence[Shift], classes: Sequence[str]) -> Iterator[str]:
    """Yield what differs, and what it may mean, of the shifts that were found."""
    names = {shift.name for shift in found}
    channels = [shift for shift in found if shift.name not in (ANSWERS, *_WORDS)]
    for shift in found:
        if shift.name == ANSWERS:
            yield _of_answers(shift, classes)
        elif shift.name in _WORDS:
            if not names & _FOLLOWS.get(shift.name, set()):
                yield _of_measure(shift, names)
        elif shift is channels[0]:
            yield _of_channels(channels)


def _of_answers(shift: Shift, classes: Sequence[str]) -> str:
    before, now = shift.shares
    parts = [
        f"{name_text(classes[i])} is the answer for {_percent(now[i])} of the pictures, "
        f"{_percent(before[i])} before"
        for i in shift.most_changed(_NAMED)
    ]
    cause = "The pictures may be of other classes, or one class is taken for another."
    return f"The answers have changed: {'; '.join(parts)}. {cause}"


def _of_channels(shifts: Sequence[Shift]) -> str:
    parts = ("{0} {2}, {1} before".format(shift.name, *shift.text) for shift in shifts)
    return f"The colour of the light: {'; '.join(parts)}. Look at lamps and white balance."


def _of_measure(shift: Shift, names: set[str]) -> str:
    before, now, (what, lower, higher, remedy) = shift.before, shift.now, _WORDS[shift.name]
    (old, new), difference = shift.text, now.mean - before.mean
    if old == new or abs(difference) < _LITTLE * before.deviation:
        both = f"{now.deviation:.2f}, {before.deviation:.2f} before"
        return f"{what}: the same on average, but spread otherwise (deviation {both}). {remedy}"
    if shift.name == BRIGHTNESS and not names & {CONTRAST, SHARPNESS} and _may_be_negatives(shift):
        remedy = "They may be negatives: black and white are exchanged."
    if shift.name == CERTAINTY and difference > 0:
        remedy = _SURER
    return f"{lower if difference < 0 else higher}: on average {new}, {old} before. {remedy}"


def _may_be_negatives(brightness: Shift) -> bool:
    before, now = brightness.before.mean, brightness.now.mean
    return abs(now - (1 - before)) < _NEGATIVE * abs(now - before)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
