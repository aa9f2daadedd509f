"""Augmentation: training images that are shifted, turned, bent and so on, anew in every epoch.

What happens to an image is a function of (seed, epoch, index of the image), whatever the order,
the batches and the threads; and each kind of change draws from a stream of its own, so that asking
for noise does not turn the images otherwise. Angles go through sines whose last bits in float64
may differ between processors; rounded to 16 bits such a difference survives in about one number
in 10^9. What is drawn, :mod:`lenet.engine.warp` does.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil, radians, sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lenet.arguments import plain, shown
from lenet.engine.warp import LONGEST, NODES, ONE, REACH, Bytes, Distortions, warp
from lenet.errors import UsageError
from lenet.randomness import AUGMENTATION, random_bits_at

Numbers = NDArray[np.float64]

#: The kinds of change: each has a stream of random numbers.
_SHIFT, _ANGLES, _SCALE, _ELASTIC, _NOISE, _CUTOUT, _FLIP = range(7)
_BRIGHTNESS, _CONTRAST, _SATURATION, _HUE, _GREY, _BLUR = range(7, 13)

#: Each amount: its unit, its most, whether it is a whole number.
_AMOUNTS: Final = {
    "shift": ("pixels", 1000, True),
    "rotate": ("degrees", 180, False),
    "scale": ("parts of one", 0.5, False),
    "shear": ("degrees", 45, False),
    "elastic": ("pixels", 16, False),
    "noise": ("levels", 255, False),
    "cutout": ("pixels", 1000, True),
    "blur": ("pixels", 4, False),
    "brightness": ("parts of one", 1, False),
    "contrast": ("parts of one", 1, False),
    "saturation": ("parts of one", 1, False),
    "hue": ("degrees", 180, False),
    "grey": ("parts of one", 1, False),
    "variants": ("changed copies", 1000, True),
}

#: A node uniform in (-1, 1) has variance 1/3; cubic B-splines leave 151/315 of it along each axis.
_SPREAD: Final = sqrt(1 / 3) * 151 / 315
#: How much red, green and blue count for a pixel's grey (ITU-R BT.601).
_LUMA: Final = np.array([0.299, 0.587, 0.114])
#: The cross product with the axis of greys.
_ACROSS: Final = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / sqrt(3)
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
        flip: whether half of the images, chosen at random, are mirrored left to right.
        blur: each image blurred by a bell of up to so many pixels' standard deviation.
        brightness: each image lighter or darker by up to this share.
        contrast: its values nearer to the middle, or farther from it, by up to this share.
        saturation: its colours paler or stronger by up to this share.
        hue: its colours turned by up to so many degrees either way.
        grey: the share of images that lose their colours. Images without colour keep theirs, and
            have no saturation and hue.
        variants: how many changed copies there are of each image. They and the image itself take
            turns, one in each epoch, and come again; with 0, each epoch has new changes.

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
    blur: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    grey: float = 0.0
    variants: int = 0

    def __post_init__(self) -> None:
        for name, (unit, most, whole) in _AMOUNTS.items():
            value, kinds = plain(getattr(self, name)), int if whole else int | float
            if isinstance(value, bool) or not isinstance(value, kinds) or not 0 <= value <= most:
                number = "a whole number" if whole else "a number"
                raise UsageError(
                    f"{name} is {shown(value)}; it must be {number} of {unit} from 0 to {most:,}."
                )
            object.__setattr__(self, name, value)
        object.__setattr__(self, "flip", plain(self.flip))
        if not isinstance(self.flip, bool):
            raise UsageError(f"flip is {shown(self.flip)}; it must be True or False.")

    @property
    def active(self) -> bool:
        """Whether anything changes at all."""
        return any(value for name, value in vars(self).items() if name != "variants")

    def to_dict(self) -> dict[str, Any]:
        """Return all values, for JSON."""
        return asdict(self)

    def draw(
        self,
        seed: int,
        epoch: int,
        index: NDArray[np.integer[Any]],
        height: int,
        width: int,
        channels: int = 1,
    ) -> Distortions:
        """Draw what happens in this epoch to the images whose indices are ``index`` (B,)."""
        draws = _Draws(seed, epoch, index)
        nodes = corners = None
        if self.elastic:
            words = draws.words(_ELASTIC, -(-2 * NODES**2 // 8))
            nodes = np.ascontiguousarray(words.view(np.uint8)[:, : 2 * NODES**2])
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
            blurs=self._blurs(draws) if self.blur else None,
            tones=self._tones(draws, channels),
        )

    def _blurs(self, draws: _Draws) -> NDArray[np.int32]:
        """Return (B, R + 1): what a pixel counts, and those 1 to R away on either side, in 256ths.

        As many steps of (w, 1 - 2w, w) as the largest deviation needs, each of variance 2w: nearly
        a Gaussian, of exactly the deviation, in sums and products alone. A pixel itself gets what
        rounding leaves.
        """
        steps = ceil(2 * self.blur**2) or 1
        reach = min(steps, REACH)
        share = np.square(self.blur * draws.uniform(_BLUR)[:, :1]) / (2 * steps)
        weights = np.zeros((len(share), 2 * reach + 3))  # and a zero at either end
        weights[:, reach + 1] = 1
        for _ in range(steps):
            neighbours = weights[:, :-2] + weights[:, 2:]
            weights[:, 1:-1] = (1 - 2 * share) * weights[:, 1:-1] + share * neighbours
        weights /= weights.sum(axis=1, keepdims=True)
        sides = np.rint(256 * weights[:, reach + 2 : -1]).astype(np.int32)
        middle = 256 - 2 * sides.sum(axis=1, keepdims=True, dtype=np.int32)
        return np.concatenate([middle, sides], axis=1)

    def _tones(self, draws: _Draws, channels: int) -> NDArray[np.int32] | None:
        """Return what becomes of values: (B, 12) of colours, a sum of all three; else (B, 2)."""
        colours = (self.saturation, self.hue, self.grey) if channels == 3 else ()
        if not any((self.brightness, self.contrast, *colours)):
            return None
        amounts = ((_BRIGHTNESS, self.brightness), (_CONTRAST, self.contrast))
        lighter, farther = (1 + most * draws.uniform(kind)[:, 0] for kind, most in amounts)
        middle = 127.5 * (1 - farther)
        if channels != 3:
            both = np.stack([lighter * farther, middle], axis=1)
            return np.ascontiguousarray(np.rint(both * ONE), np.int32)
        stronger = 1 + self.saturation * draws.uniform(_SATURATION)[:, 0]
        is_grey = draws.uniform(_GREY)[:, 0] < 2 * self.grey - 1
        stronger = np.where(is_grey, 0.0, stronger)[:, None, None]
        angle = radians(self.hue) * draws.uniform(_HUE)[:, 0, None, None]
        # About the axis of greys, by Rodrigues' formula; then away from a pixel's own grey.
        turned = np.cos(angle) * np.eye(3) + (1 - np.cos(angle)) / 3 + np.sin(angle) * _ACROSS
        colour = stronger * turned + (1 - stronger) * np.broadcast_to(_LUMA, (3, 3)) @ turned
        mixed = np.empty((len(draws.index), 3, 4))
        mixed[:, :, :3] = (lighter * farther)[:, None, None] * colour
        mixed[:, :, 3] = middle[:, None]
        return np.ascontiguousarray(np.rint(mixed * ONE).reshape(-1, 12), np.int32)

    def _affine(self, draws: _Draws, x: float, y: float) -> NDArray[np.int32]:
        """Return (B, 6), from a pixel to where it is read.

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
        """Return M^-1: each entry (B,), or one number for all."""
        values: tuple[Any, ...] = 1.0, 0.0, 0.0, 1.0
        xx, xy, yx, yy = values
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
            tangent = np.tan(radians(self.shear) * slant)
            xx, xy = xx - tangent * yx, xy - tangent * yy
        if self.flip:
            mirror = np.sign(draws.uniform(_FLIP)[:, 0])  # never 0
            xx, xy = xx * mirror, xy * mirror
        return [[xx, xy], [yx, yy]]

    def _shifts(self, draws: _Draws) -> Numbers:
        """Draw (B, 2): along x and y."""
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
    """Return images ``order`` of ``images``, each changed anew in every epoch; (B, C, H, W).

    Args:
        images: (N, C, H, W) uint8, the whole training set.
        order: (B,), indices of images.
        augmentation: how much they may change.
        seed: of the training.
        epoch: which pass over the images this is.
        fill: (C,) uint8, what lies around an image: its background.
        threads: how many to use; by default one per processor. The result does not depend on it.
    """
    check_images(images, order, fill)
    if not augmentation.active:
        return np.take(images, order, axis=0)
    shape = *images.shape[2:], images.shape[1]
    if not augmentation.variants:
        distortions = augmentation.draw(seed, epoch, order, *shape)
        return warp(images, order.astype(np.int32), distortions, fill, threads)
    changed = np.take(images, order, axis=0)
    turns = (order.astype(np.int64) + epoch) % (augmentation.variants + 1)  # 0 is the image itself
    for turn in range(1, augmentation.variants + 1):
        places = np.flatnonzero(turns == turn)
        if not len(places):
            continue
        some = order[places]
        distortions = augmentation.draw(seed, turn, some, *shape)
        changed[places] = warp(images, some.astype(np.int32), distortions, fill, threads)
    return changed


@dataclass(frozen=True, eq=False)
class _Draws:
    """Random numbers for some images: each kind of change has its own."""

    seed: int
    epoch: int
    index: NDArray[np.integer[Any]]  # (B,)

    def words(self, kind: int, count: int) -> NDArray[np.uint64]:
        """Return ``count`` words per image, (B, count), little-endian."""
        places = self.index.astype(np.int64)[:, np.newaxis] * count + np.arange(count)
        drawn = random_bits_at(places, self.seed, AUGMENTATION, self.epoch, kind)
        return drawn.astype("<u8", copy=False)

    def uniform(self, kind: int) -> Numbers:
        """Return (B, 2) in (-1, 1): the halves of a word, the lower first."""
        return np.asarray((self.words(kind, 1).view("<u4") + 0.5) * 2.0**-31 - 1)

    def wholes(self, kind: int, counts: Any) -> Numbers:
        """Return (B, 2) whole numbers from 0 to below ``counts``."""
        return np.asarray(np.floor((self.uniform(kind) + 1) * 0.5 * counts))


def check_images(images: Any, order: Any, fill: Any) -> None:
    """Refuse what cannot be distorted, and indices that name no image."""
    if not (_is_array(images, 4, "u") and images.dtype == np.uint8 and images.size):
        raise _refusal(images, "images are", "(N, C, H, W) of uint8 with at least one pixel")
    if max(images.shape[1:]) > LONGEST:
        raise UsageError(
            f"the images are of shape {images.shape[1:]}; to be distorted they may have "
            f"{LONGEST:,} channels, rows and columns at most."
        )
    if not _is_array(order, 1, "iu"):
        raise _refusal(order, "order is", "(B,) of whole numbers")
    if len(order) and not (order.min() >= 0 and order.max() < len(images)):
        raise UsageError(
            f"the order names image {order.min() if order.min() < 0 else order.max()}; there are "
            f"images 0 to {len(images) - 1:,}."
        )
    channels = images.shape[1]
    if not (_is_array(fill, 1, "u") and fill.dtype == np.uint8 and len(fill) == channels):
        raise _refusal(fill, "fill is", f"({channels},) of uint8, one value per channel")


def _is_array(value: Any, dimensions: int, kinds: str) -> bool:
    is_array = isinstance(value, np.ndarray) and value.ndim == dimensions
    return is_array and value.dtype.kind in kinds


def _refusal(value: Any, what: str, needed: str) -> UsageError:
    given = f"a {type(value).__name__}"
    if isinstance(value, np.ndarray):
        given = f"{value.dtype} of shape {value.shape}"
    return UsageError(f"the {what} {given}; give a NumPy array {needed}.")
