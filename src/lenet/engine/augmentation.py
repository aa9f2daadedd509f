"""Augmentation: training images that are shifted, turned, bent and so on, anew in every epoch.

What happens to an image is a function of (seed, epoch, index of the image), whatever the order,
the batches and the threads; and each kind of change draws from a stream of its own, so that asking
for noise does not turn the images otherwise. Angles go through sines whose last bits in float64
may differ between processors; rounded to 16 bits such a difference survives in about one number
in 10^9.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import radians, sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lenet.engine.native import warp
from lenet.engine.warp import NODES, ONE, Distortions, check_images
from lenet.errors import UsageError
from lenet.randomness import AUGMENTATION, random_bits_at

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.float64]

#: The kinds of change: each has a stream of random numbers.
_SHIFT, _ANGLES, _SCALE, _ELASTIC, _NOISE, _CUTOUT, _FLIP = range(7)

#: Each amount: its unit, its most, whether it is a whole number.
_AMOUNTS: Final = {
    "shift": ("pixels", 1000, True),
    "rotate": ("degrees", 180, False),
    "scale": ("parts of one", 0.5, False),
    "shear": ("degrees", 45, False),
    "elastic": ("pixels", 16, False),
    "noise": ("levels", 255, False),
    "cutout": ("pixels", 1000, True),
}

#: A node uniform in (-1, 1) has variance 1/3; cubic B-splines leave 151/315 of it along each axis.
_SPREAD: Final = sqrt(1 / 3) * 151 / 315
#: The variance of the sum of four random bytes.
_BYTES: Final = 4 * (256**2 - 1) / 12


@dataclass(frozen=True)
class Augmentation:
    """How much training images may change, at random; 0 is not at all.

    Attributes:
        shift: up to so many pixels along each axis, each way; whole pixels unless something below
            interpolates anyway.
        rotate: up to so many degrees either way, about the image's centre.
        scale: each axis larger or smaller by up to this share, independently.
        shear: slanted by up to so many degrees either way.
        elastic: bent smoothly; the root mean square of the displacement along each axis, in pixels.
        noise: standard deviation of what is added to each value, in levels of 0 to 255.
        cutout: the side, in pixels, of a square that is filled, its centre anywhere in the image
            (DeVries and Taylor 2017).
        flip: whether every second image is mirrored, left to right.

    Raises:
        UsageError: a value out of range.
    """

    shift: int = 0
    rotate: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    elastic: float = 0.0
    noise: float = 0.0
    cutout: int = 0
    flip: bool = False

    def __post_init__(self) -> None:
        for name, (unit, most, whole) in _AMOUNTS.items():
            value = getattr(self, name)
            kinds = (int,) if whole else (int, float)
            if isinstance(value, bool) or not isinstance(value, kinds) or not 0 <= value <= most:
                number = "a whole number" if whole else "a number"
                raise UsageError(
                    f"{name} is {value!r}; it must be {number} of {unit} from 0 to {most:,}."
                )
        if not isinstance(self.flip, bool):
            raise UsageError(f"flip is {self.flip!r}; it must be True or False.")

    @property
    def active(self) -> bool:
        """Whether anything changes at all."""
        return any(vars(self).values())

    def to_dict(self) -> dict[str, Any]:
        """All values, for JSON."""
        return asdict(self)

    def draw(
        self, seed: int, epoch: int, index: NDArray[np.integer[Any]], height: int, width: int
    ) -> Distortions:
        """What happens to images ``index`` in this epoch.

        Args:
            seed: of the training.
            epoch: any whole number.
            index: (B,), the images' indices in their data set.
            height: of the images.
            width: of the images.
        """
        draws = _Draws(seed, epoch, index)
        nodes = corners = None
        if self.elastic:
            nodes = draws.bytes(_ELASTIC, 2 * NODES**2)
        if self.cutout:
            centres = draws.wholes(_CUTOUT, np.array([height, width]))
            corners = (centres - self.cutout // 2).astype(np.int32)
        return Distortions(
            affine=self._affine(draws, (width - 1) / 2, (height - 1) / 2),
            nodes=nodes,
            elastic=round(self.elastic / _SPREAD * ONE / 255),
            noise_stream=(seed, AUGMENTATION, epoch, _NOISE),
            noise=round(self.noise / sqrt(_BYTES) * ONE),
            corners=corners,
            side=self.cutout,
        )

    def _affine(self, draws: _Draws, x: float, y: float) -> NDArray[np.int32]:
        """(B, 6): from a pixel to where it is read, so what happens to an image, backwards.

        An image is mirrored, slanted, scaled and turned about its centre c = (x, y), then shifted
        by t: pixel p is read at c + M^-1 (p - c - t), with M the product of the four.
        """
        matrix = self._inverse(draws)
        affine = np.empty((len(draws.index), 6), np.int32)
        centres = np.array([x, y])
        right, down = (self._shifts(draws) + centres).T
        for row, centre in enumerate(centres):
            to_x, to_y = np.rint(matrix[row][0] * ONE), np.rint(matrix[row][1] * ONE)
            affine[:, 3 * row] = to_x
            affine[:, 3 * row + 1] = to_y
            affine[:, 3 * row + 2] = np.rint(centre * ONE - to_x * right - to_y * down)
        return affine

    def _inverse(self, draws: _Draws) -> list[list[Any]]:
        """M^-1: each entry (B,), or one number for all."""
        xx: Any = 1.0
        xy: Any = 0.0
        yx: Any = 0.0
        yy: Any = 1.0
        if self.rotate or self.shear:
            turn, slant = draws.uniform(_ANGLES).T
        if self.rotate:
            angle = radians(self.rotate) * turn
            sine, cosine = np.sin(angle), np.cos(angle)
            xx, xy, yx, yy = cosine, sine, -sine, cosine
        if self.scale:
            x, y = 1 / (1 + self.scale * draws.uniform(_SCALE).T)
            xx, xy, yx, yy = xx * x, xy * x, yx * y, yy * y
        if self.shear:
            slope = np.tan(radians(self.shear) * slant)
            xx, xy = xx - slope * yx, xy - slope * yy
        if self.flip:
            mirror = np.sign(draws.uniform(_FLIP)[:, 0])  # never 0
            xx, xy = xx * mirror, xy * mirror
        return [[xx, xy], [yx, yy]]

    def _shifts(self, draws: _Draws) -> Numbers:
        """(B, 2): along x and y."""
        if not self.shift:
            return np.zeros((len(draws.index), 2))
        if self.rotate or self.scale or self.shear or self.elastic:
            return self.shift * draws.uniform(_SHIFT)
        return draws.wholes(_SHIFT, 2 * self.shift + 1) - self.shift


def augmented(
    images: Bytes,
    order: NDArray[np.integer[Any]],
    augmentation: Augmentation,
    seed: int,
    epoch: int,
    fill: Bytes,
    threads: int | None = None,
) -> Bytes:
    """Images ``order`` of ``images``, each changed anew in every epoch.

    Args:
        images: (N, C, H, W) uint8, the whole training set.
        order: (B,), indices of images.
        augmentation: how much they may change.
        seed: of the training.
        epoch: which pass over the images this is.
        fill: (C,) uint8, what lies around an image: its background.
        threads: how many to use; by default one a processor. The result does not depend on it.

    Returns:
        (B, C, H, W) uint8; always a copy.

    Raises:
        UsageError: an argument of another type or shape, or out of range.
        EngineError: the native extension is missing from this installation.
    """
    check_images(images, order, fill)
    if not augmentation.active:
        return np.take(images, order, axis=0)
    distortions = augmentation.draw(seed, epoch, order, *images.shape[2:])
    return warp(images, order.astype(np.int32), distortions, fill, threads)


@dataclass(frozen=True, eq=False)
class _Draws:
    """Random numbers for some images: each kind of change has its own."""

    seed: int
    epoch: int
    index: NDArray[np.integer[Any]]  # (B,)

    def words(self, kind: int, each: int) -> NDArray[np.uint64]:
        """(B, each), ``each`` words an image."""
        first = self.index.astype(np.int64)[:, np.newaxis] * each
        return random_bits_at(first + np.arange(each), self.seed, AUGMENTATION, self.epoch, kind)

    def uniform(self, kind: int) -> Numbers:
        """(B, 2) in (-1, 1): the halves of a word, the lower first."""
        halves = self.words(kind, 1).astype("<u8", copy=False).view("<u4")
        numbers: Numbers = (halves + 0.5) * 2.0**-31 - 1
        return numbers

    def wholes(self, kind: int, counts: Any) -> Numbers:
        """(B, 2) whole numbers from 0 to below ``counts``."""
        numbers: Numbers = np.floor((self.uniform(kind) + 1) * 0.5 * counts)
        return numbers

    def bytes(self, kind: int, count: int) -> Bytes:
        """(B, count)."""
        words = self.words(kind, -(-count // 8)).astype("<u8", copy=False)
        return np.ascontiguousarray(words.view(np.uint8)[:, :count])
