"""Augmentation: training images that are shifted, turned, bent and so on, anew in every epoch.

What happens to an image is a function of (seed, epoch, index of the image), whatever the order,
the batches and the threads; and each kind of change draws from a stream of its own, so that asking
for noise does not turn the images otherwise. Angles go through sines whose last bits in float64
may differ between processors; rounded to 16 bits such a difference survives in about one number
in 10^9.

After drawing, everything is whole numbers, and the native kernel and its readable twin
(:func:`warp_reference`) write the same bytes. Pixel (y, x) of a result is read from its image at

    x' = a0 x + a1 y + a2,    y' = a3 x + a4 y + a5    (16 bits behind the point)

plus a smooth displacement, between four pixels by fractions of 8 bits; noise is added to it, and a
square is filled. Simard, Steinkraus and Platt 2003 ("Best practices for convolutional neural
networks", section 2) smooth a random displacement of every pixel by a Gaussian. Cubic B-splines
over a coarse grid of random nodes are as smooth (a kernel of about 0.58 cells' deviation: 4 pixels
of 28) and take 98 random numbers per image.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from math import radians, sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lenet.arguments import plain, shown
from lenet.engine.native import (
    call,
    check_threads,
    chosen_engine,
    chosen_isa,
    extension,
    processors,
)
from lenet.errors import UsageError
from lenet.randomness import AUGMENTATION, random_bits_at, stream_key

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int32]
Numbers = NDArray[np.float64]

#: One, where 16 bits stand behind the point.
ONE: Final = 1 << 16
#: The grid of nodes: four cells per side, whatever the image's size, and what a cubic needs around.
CELLS: Final = 4
NODES: Final = CELLS + 3
#: The most channels, rows or columns of an image: coordinates have 16 bits before the point, with
#: room for turns.
LONGEST: Final = 4096

#: The kinds of change: each has a stream of random numbers.
_SHIFT, _ANGLES, _SCALE, _ELASTIC, _NOISE, _CUTOUT, _FLIP = range(7)
_BRIGHTNESS, _CONTRAST, _SATURATION, _HUE, _GREY = range(7, 12)

#: Each amount: its unit, its most, whether it is a whole number.
_AMOUNTS: Final = {
    "shift": ("pixels", 1000, True),
    "rotate": ("degrees", 180, False),
    "scale": ("parts of one", 0.5, False),
    "shear": ("degrees", 45, False),
    "elastic": ("pixels", 16, False),
    "noise": ("levels", 255, False),
    "cutout": ("pixels", 1000, True),
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
            tones=self._tones(draws, channels),
        )

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


@dataclass(frozen=True, eq=False)
class Distortions:
    """What happens to each of B images; all is drawn already."""

    affine: Integers  # (B, 6), the numbers a0 to a5 above, in units of 2^-16
    nodes: Bytes | None = None  # (B, 2 * 7 * 7), displacements along x, then y, at the nodes
    elastic: int = 0  # what a unit of (2 node - 255) moves, in 2^-16 pixels, at most 2^14
    noise_stream: tuple[int, ...] = (0,)  # seed and stream of the words that noise is made of
    noise: int = 0  # what a unit of the sum of four random bytes adds, in 2^-16 levels
    corners: Integers | None = None  # (B, 2), top and left of the squares
    side: int = 0  # of the squares, in pixels
    tones: Integers | None = None  # (B, 12) of three channels, else (B, 2), in units of 2^-16


def warp(
    images: Bytes,
    order: Integers,
    distortions: Distortions,
    fill: Bytes,
    threads: int | None = None,
) -> Bytes:
    """Return images ``order`` of ``images``, each distorted; see :func:`warp_reference`.

    Every engine, instruction set and number of threads gives the same bytes.
    """
    threads = check_threads(threads) or processors()
    if chosen_engine()[0] == "reference":
        return warp_reference(images, order, distortions, fill)
    warped = np.empty((len(order), *images.shape[1:]), np.uint8)
    nodes, corners, tones = distortions.nodes, distortions.corners, distortions.tones
    call(
        extension().warp,
        images=np.ascontiguousarray(images),
        order=order,
        affine=distortions.affine,
        nodes=np.empty((0, 0), np.uint8) if nodes is None else nodes.reshape(len(order), -1),
        elastic=distortions.elastic,
        row_weights=spline_weights(images.shape[2]),
        column_weights=spline_weights(images.shape[3]),
        noise_key=stream_key(*distortions.noise_stream),
        noise=distortions.noise,
        corners=np.empty((0, 0), np.int32) if corners is None else corners,
        side=0 if corners is None else distortions.side,
        tones=np.empty((0, 0), np.int32) if tones is None else tones,
        fill=fill,
        out=warped,
        isa=chosen_isa(),
        threads=threads,
    )
    return warped


def warp_reference(images: Bytes, order: Integers, distortions: Distortions, fill: Bytes) -> Bytes:
    """Return images ``order`` (B,) of ``images`` (N, C, H, W), distorted; slow and readable."""
    warped = np.empty((len(order), *images.shape[1:]), np.uint8)
    for number, index in enumerate(order):
        x, y = _coordinates(number, distortions, *images.shape[2:])
        image = _interpolate(images[index], x, y, fill)
        if distortions.tones is not None:
            image = _toned(image, distortions.tones[number])
        if distortions.noise:
            image = _add_noise(image, int(index), distortions)
        if distortions.corners is not None and distortions.side:
            top, left = np.maximum(distortions.corners[number], 0)
            bottom, right = np.maximum(distortions.corners[number] + distortions.side, 0)
            image[:, top:bottom, left:right] = fill[:, None, None]
        warped[number] = image
    return warped


@lru_cache(maxsize=16)
def spline_weights(size: int) -> Integers:
    """Return (7, size): how much each node counts at each pixel of a side, in 256ths; read-only.

    The uniform cubic B-spline, rounded so that a pixel's four weights still add up to one.
    """
    at = (np.arange(size) + 0.5) * CELLS / size
    cell = at.astype(int)
    t = at - cell
    four = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    rounded = np.rint(np.array(four) * (256 / 6)).astype(np.int32)
    pixels = np.arange(size)
    rounded[rounded.argmax(axis=0), pixels] += 256 - rounded.sum(axis=0, dtype=np.int32)
    weights = np.zeros((NODES, size), np.int32)
    for tap in range(4):
        weights[cell + tap, pixels] = rounded[tap]
    weights.flags.writeable = False
    return weights


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


def _coordinates(
    number: int, distortions: Distortions, height: int, width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return x' and y' of every pixel, (H, W) each, clipped to the image and its edge."""
    y, x = np.mgrid[:height, :width].astype(np.int64)
    a = distortions.affine[number].astype(np.int64)
    right, down = a[0] * x + a[1] * y + a[2], a[3] * x + a[4] * y + a[5]
    if distortions.nodes is not None:
        nodes = distortions.nodes[number].reshape(2, NODES, NODES).astype(np.int64)
        nodes = ((2 * nodes - 255) * distortions.elastic + 128) >> 8  # in 2^-8 pixels
        moved = spline_weights(height).T.astype(np.int64) @ nodes @ spline_weights(width)
        right, down = right + (moved[0] >> 8), down + (moved[1] >> 8)
    return right.clip(-ONE, width * ONE), down.clip(-ONE, height * ONE)


def _interpolate(image: Bytes, x: NDArray[np.int64], y: NDArray[np.int64], fill: Bytes) -> Bytes:
    """Return (C, H, W), each value between four pixels; the fill lies outside."""
    channels, height, width = image.shape
    padded = np.empty((channels, height + 3, width + 3), np.int64)
    padded[...] = fill[:, None, None]
    padded[:, 1:-2, 1:-2] = image
    column, row = (x >> 16) + 1, (y >> 16) + 1
    right, down = (x >> 8) & 255, (y >> 8) & 255
    left_side = padded[:, row, column] * (256 - down) + padded[:, row + 1, column] * down
    right_side = padded[:, row, column + 1] * (256 - down) + padded[:, row + 1, column + 1] * down
    value = left_side * (256 - right) + right_side * right
    return np.asarray((value + 2**15) >> 16, np.uint8)


def _toned(image: Bytes, numbers: Integers) -> Bytes:
    """Return (C, H, W), each value a sum of its pixel's and a constant."""
    mixed = numbers.astype(np.int64)
    if len(image) == 3:
        matrix = mixed.reshape(3, 4)
        values = np.tensordot(matrix[:, :3], image, 1) + matrix[:, 3, None, None]
    else:
        values = mixed[0] * image + mixed[1]
    return np.asarray(((values + 2**15) >> 16).clip(0, 255), np.uint8)


def _add_noise(image: Bytes, index: int, distortions: Distortions) -> Bytes:
    """Add sums of four random bytes, nearly normal; a word has two, the lower half first."""
    words = -(-image.size // 2)
    seed, *stream = distortions.noise_stream
    drawn = random_bits_at(index * words + np.arange(words), seed, *stream)
    sums = drawn.astype("<u8").view(np.uint8).reshape(-1, 4).sum(axis=1, dtype=np.int64)
    levels = ((sums - 510) * distortions.noise + 2**15) >> 16
    noisy = image + levels[: image.size].reshape(image.shape)
    return np.asarray(noisy.clip(0, 255), np.uint8)
