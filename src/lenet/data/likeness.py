"""Pictures that are nearly the same: frames of one burst, one drawing scanned twice.

Two pictures of a class are near-copies where their thumbnails agree in shapes, colour, brightness
and contrast: by the concordance correlation coefficient, which is 1 for equal pictures (L. Lin, "A
Concordance Correlation Coefficient to Evaluate Reproducibility", Biometrics 1989).

    2 cov(a, b) / (var(a) + var(b) + (mean(a) - mean(b))^2)

Photographs are compared at 16x16, and are near above 0.93: of frames of one object, 99 % of the
pairs above it were of one object. Pictures on one ground, such as ink on paper, are alike anyway,
since most of each is that ground: they are compared as they are, up to 32x32, and have to reach
0.995.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from lenet.data.preprocess import Images, Preprocessing, Size, resize
from lenet.randomness import hash_index
from lenet.writing.numbers import percent

#: In place of the image that another is a near-copy of: there is none, or nobody looked.
NONE: Final = -1
UNKNOWN: Final = -2
#: From this share of the test images on, near-copies are told: the accuracy depends on them.
MANY: Final = 0.03
#: The longer side of a thumbnail, and the least concordance of near-copies: of photographs, and of
#: pictures on one ground.
_PHOTO: Final = (16, 0.93)
_ON_GROUND: Final = (32, 0.995)
#: Of more pairs of images of one class, some images are looked at: 8 seconds on two processors.
MOST_PAIRS: Final = 200_000_000
_ROWS: Final = 1 << 14  # images at a time, and pairs of them
_BLOCK: Final = 1 << 23

Places = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


class Thumbnails(NamedTuple):
    """Of N images the values of their thumbnails, less their mean, over the root of their number;
    their means; and their variances."""

    rows: Floats  # (N, D): products of rows are covariances
    means: Floats  # (N,)
    variances: Floats

    def concordance(self, others: Thumbnails) -> Floats:
        """Return (N, M), the likeness of each to M others: 1 of equals, 0 of flat images."""
        apart = self.means[:, np.newaxis] - others.means
        apart *= apart
        apart += self.variances[:, np.newaxis]
        apart += others.variances
        apart[apart == 0] = 1  # both are flat: their covariance is 0
        likeness: Floats = self.rows @ others.rows.T
        likeness *= 2
        likeness /= apart
        return likeness


@dataclass(frozen=True)
class Measure:
    """How pictures of one kind are compared: the size of their thumbnails, and what is near."""

    size: Size
    least: float  # the concordance of near-copies

    @classmethod
    def of(cls, images: Images) -> Self:
        """Return the measure that suits (N, C, H, W) images."""
        shape = images.shape[1], images.shape[2], images.shape[3]
        on_ground = Preprocessing.measure(images, shape).polarity is not None
        side, least = _ON_GROUND if on_ground else _PHOTO
        scale = min(1.0, side / max(shape[1:]))
        height, width = (max(1, round(scale * length)) for length in shape[1:])
        return cls((height, width), least)

    def thumbnails(self, images: Images) -> Thumbnails:
        """Return the thumbnails of (N, C, H, W) images."""
        rows = resize(images, *self.size).reshape(len(images), -1).astype(np.float32)
        means = rows.mean(axis=1)
        rows -= means[:, np.newaxis]
        rows /= np.sqrt(rows.shape[1])
        return Thumbnails(rows, means, np.einsum("nd,nd->n", rows, rows))


def nearest(
    images: Images,
    labels: Places,
    others: tuple[Images, Places] | None = None,
    *,
    most: int = MOST_PAIRS,
) -> tuple[Places, Floats]:
    """Find of each image the near-copy among others of its class.

    Args:
        images, labels: (N, C, H, W) and (N,).
        others: images and labels to look among; by default these images, but for itself.
        most: of more pairs than this, a part of the images is looked at, the same in every call.

    Returns:
        (N,) which of the others is nearest, or :data:`NONE`, or :data:`UNKNOWN` where nobody
        looked; and (N,) the concordance with it, 0 without one.
    """
    among, classes = others or (images, labels)
    measure = Measure.of(among)
    places, found = np.full(len(images), UNKNOWN), np.zeros(len(images), np.float32)
    looked = _looked_at(labels, classes, most)
    for label in np.unique(labels[looked]).tolist():
        mine = looked[labels[looked] == label]
        there = np.flatnonzero(classes == label)
        places[mine] = NONE
        for block in _blocks(there, _ROWS):
            theirs = measure.thumbnails(among[block])
            for part in _blocks(mine, _BLOCK // _ROWS):
                likeness = measure.thumbnails(images[part]).concordance(theirs)
                if others is None:
                    likeness[part[:, np.newaxis] == block] = 0
                best = likeness.argmax(axis=1)
                values = likeness[np.arange(len(part)), best]
                near = values > np.maximum(measure.least, found[part])
                places[part[near]], found[part[near]] = block[best[near]], values[near]
    return places, found


def _blocks(places: Places, step: int) -> Iterator[Places]:
    return (places[start : start + step] for start in range(0, len(places), step))


def _looked_at(labels: Places, others: Places, most: int) -> Places:
    """Return which images are looked at: all, or a part that is spread by a hash."""
    size = max(labels.max(initial=0), others.max(initial=0)) + 1
    pairs = int(np.bincount(labels, minlength=size) @ np.bincount(others, minlength=size))
    everything = np.arange(len(labels))
    if pairs <= most:
        return everything
    count = max(1, len(labels) * most // pairs)
    return np.sort(np.argsort(hash_index(everything), kind="stable")[:count])


@dataclass(frozen=True)
class WithoutCopies:
    """How a model does on the test images that are no near-copy of a training image."""

    looked: int  # test images
    images: int  # of these, that are no near-copy
    accuracy: float | None  # of those, from 0 to 1; None where all are near-copies

    @classmethod
    def of(cls, near: Places | None, correct: npt.NDArray[np.bool_]) -> Self | None:
        """Return it, where so many are near-copies that it matters; ``correct`` is (N,)."""
        if near is None or not has_many(near):
            return None
        apart = near == NONE
        looked, images = int((near != UNKNOWN).sum()), int(apart.sum())
        return cls(looked, images, float(correct[apart].mean()) if images else None)

    @property
    def share(self) -> float:
        """Of the images looked at, how many are near-copies, from 0 to 1."""
        return 1 - self.images / self.looked

    @property
    def text(self) -> str:
        """It in words, to follow the accuracy on all."""
        if self.accuracy is None:
            return "all of them are near-copies of training images"
        images = f"{self.images:,} that are no near-copy of a training image"
        return f"{percent(self.accuracy)} of the {images}"

    def to_dict(self) -> dict[str, Any]:
        """Return it as values for JSON."""
        numbers = {"images_without": self.images, "accuracy_without": self.accuracy}
        return {"share": self.share, **numbers}


def share_of(near: Places) -> float:
    """Return the share of the images looked at that are near-copies, from 0 to 1."""
    looked = near != UNKNOWN
    return float((near[looked] != NONE).mean()) if looked.any() else 0.0


def has_many(near: Places | None) -> bool:
    """Return whether so many images are near-copies that the accuracy depends on them."""
    return near is not None and share_of(near) >= MANY


def describe(
    near: Places, are_copies: npt.NDArray[np.bool_], name: Callable[[int, int], tuple[str, str]]
) -> Iterator[str]:
    """Yield a sentence on test images that are near-copies of training images, if there are many.

    Args:
        near: (N,) as :func:`nearest` returns it.
        are_copies: (N,) whether an image has an exact copy there, which is told elsewhere.
        name: of a test image and a training image.
    """
    left = np.where(are_copies & (near >= 0), NONE, near)
    if not has_many(left):
        return
    first = int(np.flatnonzero(left >= 0)[0])
    mine, other = name(first, int(left[first]))
    looked = int((near != UNKNOWN).sum())
    whose = "the" if looked == len(near) else f"{looked:,}"
    yield (
        f"{percent(share_of(left))} of {whose} test images are near-copies of training images "
        f"(such as {mine} and {other}): the accuracy will look better than it is; keep groups "
        "together with the option group"
    )
