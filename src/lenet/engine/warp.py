"""How images are distorted, and the readable twin of the native kernel: the same, bit for bit.

Everything is whole numbers. Pixel (y, x) of a result is read from its image at

    x' = a0 x + a1 y + a2,    y' = a3 x + a4 y + a5    (16 bits behind the point)

plus a smooth displacement, between four pixels by fractions of 8 bits; noise is added to it, and a
square is filled. Simard, Steinkraus and Platt 2003 ("Best practices for convolutional neural
networks", section 2) smooth a random displacement of every pixel by a Gaussian. Cubic B-splines
over a coarse grid of random nodes are as smooth (a kernel of about 0.58 cells' deviation: 4 pixels
of 28) and take 98 random numbers an image.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lenet.errors import UsageError
from lenet.randomness import random_bits_at

Bytes = NDArray[np.uint8]
Words = NDArray[np.int32]

#: One, where 16 bits stand behind the point.
ONE: Final = 1 << 16
#: The grid of nodes: four cells a side, whatever the image's size, and what a cubic needs around.
CELLS: Final = 4
NODES: Final = CELLS + 3
#: The longest side of an image: coordinates have 16 bits before the point, with room for turns.
LONGEST: Final = 4096


@dataclass(frozen=True, eq=False)
class Distortions:
    """What happens to each of B images; all is drawn already.

    Attributes:
        affine: (B, 6), the numbers a0 to a5 above, in units of 2^-16.
        nodes: (B, 2, 7, 7) displacements along x and along y at the nodes, or None for none.
        elastic: what a unit of (2 node - 255) moves, in 2^-16 pixels, at most 2^14.
        noise_stream: seed and stream of the random words that noise is made of.
        noise: what a unit of the sum of four random bytes adds, in 2^-16 levels; 0 for no noise.
        corners: (B, 2), top and left of the squares, or None for none.
        side: the side of the squares in pixels.
    """

    affine: Words
    nodes: Bytes | None = None
    elastic: int = 0
    noise_stream: tuple[int, ...] = (0,)
    noise: int = 0
    corners: Words | None = None
    side: int = 0


def warp(images: Bytes, order: Words, distortions: Distortions, fill: Bytes) -> Bytes:
    """Images ``order`` of ``images``, each with its distortion.

    Args:
        images: (N, C, H, W).
        order: (B,), indices of images.
        distortions: of B images of this size.
        fill: (C,), what lies around an image.

    Returns:
        (B, C, H, W).
    """
    warped = np.empty((len(order), *images.shape[1:]), np.uint8)
    for number, index in enumerate(order):
        x, y = _coordinates(number, distortions, *images.shape[2:])
        image = _interpolate(images[index], x, y, fill)
        if distortions.noise:
            image = _add_noise(image, int(index), distortions)
        if distortions.corners is not None and distortions.side:
            top, left = np.maximum(distortions.corners[number], 0)
            bottom, right = np.maximum(distortions.corners[number] + distortions.side, 0)
            image[:, top:bottom, left:right] = fill[:, None, None]
        warped[number] = image
    return warped


@lru_cache(maxsize=16)
def spline_weights(size: int) -> Words:
    """(7, size): how much each node counts at each pixel of a side, in 256ths; read-only.

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
    """Can these be distorted?

    Raises:
        UsageError: another type or shape, a side too long, an index that names no image.
    """
    if not (_is_array(images, 4) and images.dtype == np.uint8 and images.size):
        raise UsageError(
            f"the images are {_described(images)}; give a NumPy array (N, C, H, W) of uint8 with "
            "at least one pixel."
        )
    if max(images.shape[1:]) > LONGEST:
        raise UsageError(
            f"the images are of shape {images.shape[1:]}; to be distorted they may have "
            f"{LONGEST:,} channels, rows and columns at most."
        )
    if not (_is_array(order, 1) and order.dtype.kind in "iu"):
        raise UsageError(
            f"the order is {_described(order)}; give a NumPy array (B,) of whole numbers."
        )
    if len(order) and not (order.min() >= 0 and order.max() < len(images)):
        raise UsageError(
            f"the order names image {order.min() if order.min() < 0 else order.max()}; there are "
            f"images 0 to {len(images) - 1:,}."
        )
    channels = images.shape[1]
    if not (_is_array(fill, 1) and fill.dtype == np.uint8 and len(fill) == channels):
        raise UsageError(
            f"the fill is {_described(fill)}; give a NumPy array ({channels},) of uint8, one "
            "value a channel."
        )


def _coordinates(
    number: int, distortions: Distortions, height: int, width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """x' and y' of every pixel, (H, W) each, kept to where the image and its edge are."""
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
    """(C, H, W): between four pixels, or outside the fill."""
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


def _add_noise(image: Bytes, index: int, distortions: Distortions) -> Bytes:
    """Sums of four random bytes are nearly normal; a word has two of them, the lower half first."""
    words = -(-image.size // 2)
    seed, *stream = distortions.noise_stream
    drawn = random_bits_at(index * words + np.arange(words), seed, *stream)
    sums = drawn.astype("<u8").view(np.uint8).reshape(-1, 4).sum(axis=1, dtype=np.int64)
    levels = ((sums - 510) * distortions.noise + 2**15) >> 16
    noisy = image + levels[: image.size].reshape(image.shape)
    return np.asarray(noisy.clip(0, 255), np.uint8)


def _is_array(value: Any, dimensions: int) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == dimensions


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return f"a {type(value).__name__}"
