"""Pictures that are blank, or unlike the others: what is measured of each, and when it is far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.cleaning.material import Material
from lenet.data.ground import has_light_border
from lenet.data.preprocess import Images, Preprocessing, resize

#: Levels from the darkest to the lightest pixel: a picture with fewer is blank.
_BLANK: Final = 16
#: From so many times the usual distance from the middle on, a value is far.
_FAR: Final = 6.0
#: A spread that is as good as none: of grey levels, and of the logarithm of what is unlike.
_LEAST_SPREAD: Final = {"mean": 6.0, "unlike": 0.05}
#: A picture so many times as long or as wide as they usually are.
_STRETCHED: Final = 2.5
#: The side of what is compared, and how many patterns are common to all.
_SIDE: Final = 16
_PATTERNS: Final = 16
#: From here on a picture is unlike all others: so many robust standard deviations, or this share of
#: it that no common pattern explains. Noise has 0.9 and more, the oddest traffic sign has 0.74.
_UNLIKE: Final = 5.0
_UNEXPLAINED: Final = 0.9
_FAINT: Final = 1e-3  # a share that is as good as none
_MOST_FITTED: Final = 5_000
_CHUNK: Final = 10_000
#: How far a median absolute deviation is, of a normal distribution, from a standard deviation.
_NORMAL: Final = 1.4826

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Oddity:
    """What is odd about an image, as the end of a sentence, and how far it is from usual."""

    index: int
    why: str
    score: float


def find_blank(images: Images) -> npt.NDArray[np.int64]:
    """Return which of (N, C, H, W) images are blank: all their pixels are nearly the same."""
    span = images.max(axis=(1, 2, 3)).astype(np.int64) - images.min(axis=(1, 2, 3))
    return np.flatnonzero(span < _BLANK)


def find_odd(material: Material, blank: npt.NDArray[np.int64]) -> list[Oddity]:
    """Return the images that are far from the others, but for the blank ones; the oddest first."""
    images = material.images
    rest = np.setdiff1d(np.arange(len(images)), blank)
    found: dict[int, Oddity] = {}
    # Of each image the reason that explains the most: margins of a long one make it dark, too.
    for oddity in chain(
        _stretched(material, rest),
        _negatives(images, rest),
        _light_or_dark(images, rest),
        _unlike(images, rest),
    ):
        found.setdefault(oddity.index, oddity)
    return sorted(found.values(), key=lambda oddity: -oddity.score)


def _far(values: Floats, least: float) -> Floats:
    """Return how far each value is from the median, in robust standard deviations; signed."""
    apart = values - np.median(values)
    spread = max(_NORMAL * float(np.median(np.abs(apart))), least)
    return apart / spread


def _light_or_dark(images: Images, rest: npt.NDArray[np.int64]) -> Iterator[Oddity]:
    if not len(rest):
        return
    means = images.mean(axis=(1, 2, 3), dtype=np.float64)[rest]
    for index, far in zip(rest.tolist(), _far(means, _LEAST_SPREAD["mean"]).tolist(), strict=True):
        if abs(far) >= _FAR:
            yield Oddity(index, f"much {'lighter' if far > 0 else 'darker'} than most", abs(far))


def _negatives(images: Images, rest: npt.NDArray[np.int64]) -> Iterator[Oddity]:
    """Yield those on a ground of the other brightness, where nearly all are on one."""
    _, channels, height, width = images.shape
    polarity = Preprocessing.measure(images, (channels, height, width)).polarity
    if polarity is None:
        return
    light = has_light_border(images[rest])
    for index in rest[light != (polarity == "light")].tolist():
        other = "dark" if polarity == "light" else "light"
        yield Oddity(index, f"on a {other} ground, unlike the others", _FAR)


def _stretched(material: Material, rest: npt.NDArray[np.int64]) -> Iterator[Oddity]:
    if material.sizes is None:
        return
    sizes = np.array(material.sizes, np.float64)
    ratios = sizes[:, 1] / sizes[:, 0]
    usual = float(np.median(ratios))
    for index in rest.tolist():
        times = max(ratios[index] / usual, usual / ratios[index])
        if times >= _STRETCHED:
            height, width = material.sizes[index]
            yield Oddity(index, f"of {height}x{width}, another shape than most", times)


def _unlike(images: Images, rest: npt.NDArray[np.int64]) -> Iterator[Oddity]:
    """Yield those of which the patterns common to all, their principal components, say least."""
    if len(rest) <= 2 * _PATTERNS:
        return
    rows = np.concatenate([_shapes(images[part]) for part in _parts(rest)])
    rows -= rows.mean(axis=0)
    some = rows[:: max(1, len(rest) // _MOST_FITTED)]
    patterns = np.linalg.eigh(some.T @ some)[1][:, -_PATTERNS:]
    rows -= (rows @ patterns) @ patterns.T
    shares = np.einsum("nd,nd->n", rows, rows).astype(np.float64)
    far = _far(np.log(shares + _FAINT), _LEAST_SPREAD["unlike"])
    for place in np.flatnonzero((far >= _UNLIKE) | (shares >= _UNEXPLAINED)).tolist():
        yield Oddity(int(rest[place]), "unlike all others", float(far[place]))


def _parts(places: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    return (places[start : start + _CHUNK] for start in range(0, len(places), _CHUNK))


def _shapes(images: Images) -> npt.NDArray[np.float32]:
    """Return a row per image: its thumbnail, without its brightness and contrast."""
    rows = resize(images, _SIDE, _SIDE).reshape(len(images), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1)
    return rows
