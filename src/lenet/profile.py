"""A profile: how a model's answers and the pictures it gave them for are distributed.

A training leaves one in its model, and :func:`lenet.drift` compares later pictures with it. It is
made of pictures as the network gets them, in bytes and before they are scaled: what resizing hides
from the network is no matter here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from lenet.errors import DataError

Numbers = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

#: A training's profile is made of so many images at most: more hardly narrow what is chance.
ENOUGH: Final = 4_000
#: A histogram has so many bins, each with about as many of the images it was made of.
BINS: Final = 16

#: What is measured of an answer: the class's index, and its probability.
ANSWERS, CERTAINTY = "answers", "certainty"
#: And of a picture, from 0 to 1 but for the sharpness.
BRIGHTNESS, CONTRAST, SHARPNESS = "brightness", "contrast", "sharpness"
DARKEST, LIGHTEST = "darkest", "lightest"
#: And of its colours, whatever its brightness: how strong they are, and each channel's share of
#: the light.
COLOUR: Final = "colour"
CHANNELS: Final = ("red", "green", "blue")

_EDGE: Final = 0.05  # the share of pixels that are the darkest, or the lightest
_MOST_CHANNELS: Final = 16  # that are measured one by one
_CHUNK: Final = 1 << 18  # pixels at a time: their copies fit into the cache
_MOST: Final = 10**8  # pictures, of a profile that is read
_DIGITS: Final = 3  # of a value, a quarter of a grey level: nobody would see less
_MEAN_DIGITS: Final = 6  # of a mean: those behind them may differ between machines


#: What is measured of N pictures, and of the answers for them: (N,) each, by name.
Seen = Mapping[str, Numbers]


def look(images: npt.NDArray[np.uint8], probabilities: npt.NDArray[np.floating[Any]]) -> Seen:
    """Measure pictures (N, C, H, W), with the probabilities (N, K) that a model gives for them."""
    step = max(1, _CHUNK // max(1, images[:1].size))
    parts = [_measured(images[i : i + step]) for i in range(0, len(images), step)]
    # Of weights beyond all measure there is no probability, and no certainty.
    certainty = np.nan_to_num(probabilities.max(axis=1))
    values = joined(parts) | {CERTAINTY: certainty, ANSWERS: probabilities.argmax(axis=1)}
    return {name: value.astype(np.float64).round(_DIGITS) for name, value in values.items()}


def joined(parts: Sequence[Mapping[str, npt.NDArray[Any]]]) -> dict[str, npt.NDArray[Any]]:
    """Return what was measured of several lots of pictures, of at least one, as of one."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _measured(images: npt.NDArray[np.uint8]) -> dict[str, Floats]:
    scaled = images.astype(np.float32) / 255
    grey = scaled.mean(axis=1)
    pixels = grey.reshape(len(grey), -1)
    brightness, variance = pixels.mean(axis=1), pixels.var(axis=1)
    place = int(_EDGE * (pixels.shape[1] - 1))
    places = (place, pixels.shape[1] - 1 - place)
    darkest, lightest = np.partition(pixels, places, axis=1)[:, places].T
    values = {
        BRIGHTNESS: brightness,
        CONTRAST: np.sqrt(variance),
        SHARPNESS: _sharpness(grey, variance),
        DARKEST: darkest,
        LIGHTEST: lightest,
    }
    channels = images.shape[1]
    if channels == 3:
        most = scaled.max(axis=1)
        values[COLOUR] = _ratio(
            (most - scaled.min(axis=1)).mean(axis=(1, 2)), most.mean(axis=(1, 2))
        )
    if 1 < channels <= _MOST_CHANNELS:
        shares = _ratio(scaled.mean(axis=(2, 3)).T, channels * brightness)
        values |= dict(zip(channel_names(channels), shares, strict=True))
    return values


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Return ``part / whole``, and nothing of nothing: of what is black."""
    return np.asarray(part / np.maximum(whole, np.float32(1e-6)), np.float32)


def channel_names(channels: int) -> Sequence[str]:
    """Return what the channels are called."""
    return CHANNELS if channels == 3 else [f"channel {i}" for i in range(channels)]


def _sharpness(grey: Floats, variance: Floats) -> Floats:
    """Return by how much neighbours differ, beside how much any two pixels do: 1 of pure noise.

    That is neither the brightness nor the contrast: a darker or paler picture is as sharp.
    """
    steps = [np.diff(grey, axis=axis).reshape(len(grey), -1) for axis in (1, 2)]
    squares = [np.square(step).mean(axis=1) for step in steps if step.shape[1]]
    if not squares:
        return np.zeros_like(variance)
    most = np.maximum(2 * variance, np.float32(1e-6))  # flat: neighbours do not differ either
    return np.asarray(np.sqrt(np.mean(squares, axis=0) / most), np.float32)


@dataclass(frozen=True)
class Histogram:
    """How values are distributed: ``counts[i]`` are above ``edges[i - 1]`` and up to ``edges[i]``.

    The first and the last bin have no other end.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    mean: float
    deviation: float

    @classmethod
    def of_answers(cls, answers: Numbers, classes: int) -> Self:
        """Make one of the indices of classes, at least one, with a bin for each class."""
        return cls._counted(np.arange(classes - 1.0), answers)

    @classmethod
    def of(cls, values: Numbers) -> Self:
        """Make one of N values, at least one, with bins of about N / 16 each."""
        inner = np.quantile(values, np.arange(1, BINS) / BINS, method="inverted_cdf")
        edges, times = np.unique(inner, return_counts=True)
        # A value that fills more than a bin has one for itself: below it is another than at it.
        alone = edges[times > 1] - 0.5 * 10.0**-_DIGITS
        return cls._counted(np.unique(np.concatenate([edges, alone])), values)

    def like(self, values: Numbers) -> Self:
        """Make one of other values, with the same bins."""
        return self._counted(np.array(self.edges), values)

    @classmethod
    def _counted(cls, edges: Numbers, values: Numbers) -> Self:
        bins = np.searchsorted(edges, values, side="left")
        counts = np.bincount(bins, minlength=len(edges) + 1)
        numbers = (round(float(of(values)), _MEAN_DIGITS) for of in (np.mean, np.std))
        return cls(tuple(edges.tolist()), tuple(counts.tolist()), *numbers)

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON."""
        lists = {"edges": list(self.edges), "counts": list(self.counts)}
        return {**lists, "mean": self.mean, "deviation": self.deviation}

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Read what :meth:`to_dict` gives; a ValueError, TypeError or KeyError if it is not."""
        edges, counts = (values[name] for name in ("edges", "counts"))
        numbers = [*edges, values["mean"], values["deviation"]]
        ordered = all(low < high for low, high in pairwise(edges))
        whole = len(counts) == len(edges) + 1 and all(map(_is_count, counts))
        if not (ordered and whole and 0 < sum(counts) < _MOST and all(map(_is_number, numbers))):
            raise ValueError("a histogram is none")
        return cls(tuple(edges), tuple(counts), values["mean"], values["deviation"])


@dataclass(frozen=True)
class Profile:
    """The distributions of what a model saw.

    Attributes:
        source: what the pictures are: test, validation or train, a part of the data; or others.
        measures: the histogram of each measure: of the pictures, then of the answers.
    """

    source: str
    measures: Mapping[str, Histogram]

    @classmethod
    def of(cls, seen: Seen, classes: int, source: str) -> Self:
        """Make one of what was measured of at least one picture."""
        measures = {name: Histogram.of(values) for name, values in seen.items()}
        measures[ANSWERS] = Histogram.of_answers(seen[ANSWERS], classes)
        return cls(source, measures)

    @classmethod
    def of_images(
        cls,
        images: npt.NDArray[np.uint8],
        probabilities: Callable[[npt.NDArray[np.uint8]], npt.NDArray[Any]],
        source: str,
    ) -> Self:
        """Make one of pictures (N, C, H, W), of so many of them as are enough."""
        places = np.linspace(0, len(images) - 1, min(len(images), ENOUGH)).astype(np.int64)
        chosen = images[places]
        found = probabilities(chosen)
        return cls.of(look(chosen, found), found.shape[1], source)

    @property
    def images(self) -> int:
        """How many pictures it is made of."""
        return sum(self.measures[ANSWERS].counts)

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON."""
        measures = {name: histogram.to_dict() for name, histogram in self.measures.items()}
        return {"source": self.source, "measures": measures}

    @classmethod
    def from_dict(cls, values: Any, classes: int) -> Self:
        """Read what :meth:`to_dict` gives; nothing about ``values`` is taken on trust.

        Raises:
            DataError: they are no profile of a model with so many classes.
        """
        try:
            source, given = values["source"], values["measures"]
            measures = {str(name): Histogram.from_dict(given[name]) for name in given}
            if not isinstance(source, str) or len(measures[ANSWERS].counts) != classes:
                raise ValueError("its answers are of other classes")
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            what = f"the profile in the model is damaged ({error})"
            raise DataError(f"{what}; use an intact model file.") from error
        return cls(source, measures)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < _MOST


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(value) < 1e9  # type: ignore[arg-type]
