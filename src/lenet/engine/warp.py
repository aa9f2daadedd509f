"""Images that are distorted as it was drawn: in whole numbers, the same bytes on every machine.

The native kernel and its readable twin (:func:`warp_reference`) write the same bytes. Pixel (y, x)
of a result is read from its image at

    x' = a0 x + a1 y + a2,    y' = a3 x + a4 y + a5    (16 bits behind the point)

plus a smooth displacement, between four pixels by fractions of 8 bits; then it is blurred, its
tones are changed, noise is added to it, and a square is filled. Simard, Steinkraus and Platt 2003
("Best practices for convolutional neural networks", section 2) smooth a random displacement of
every pixel by a Gaussian. Cubic B-splines over a coarse grid of random nodes are as smooth (a
kernel of about 0.58 cells' deviation: 4 pixels of 28) and take 98 random numbers per image.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lenet.engine.native import (
    call,
    check_threads,
    chosen_engine,
    chosen_isa,
    extension,
    processors,
)
from lenet.randomness import random_bits_at, stream_key

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int32]

#: One, where 16 bits stand behind the point.
ONE: Final = 1 << 16
#: The grid of nodes: four cells per side, whatever the image's size, and what a cubic needs around.
CELLS: Final = 4
NODES: Final = CELLS + 3
#: The most channels, rows or columns of an image: coordinates have 16 bits before the point, with
#: room for turns.
LONGEST: Final = 4096
#: How far a blur reaches at most, in pixels.
REACH: Final = 12


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
    blurs: Integers | None = None  # (B, R + 1), what pixels 0 to R away count, in 256ths
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
    nodes, corners = distortions.nodes, distortions.corners
    blurs, tones = distortions.blurs, distortions.tones
    call(
        extension().warp,
        images=np.ascontiguousarray(images),
        order=order,
        affine=distortions.affine,
        nodes=np.empty((0, 0), np.uint8) if nodes is None else _rows(nodes),
        elastic=distortions.elastic,
        row_weights=spline_weights(images.shape[2]),
        column_weights=spline_weights(images.shape[3]),
        noise_key=stream_key(*distortions.noise_stream),
        noise=distortions.noise,
        corners=np.empty((0, 0), np.int32) if corners is None else corners,
        side=0 if corners is None else distortions.side,
        blurs=np.empty((0, 0), np.int32) if blurs is None else blurs,
        tones=np.empty((0, 0), np.int32) if tones is None else tones,
        fill=fill,
        out=warped,
        isa=chosen_isa(),
        threads=threads,
    )
    return warped


def _rows(values: Any) -> Any:
    """Return (B, ...) as (B, n), also where B is 0."""
    return values.reshape(len(values), prod(values.shape[1:]))


def warp_reference(images: Bytes, order: Integers, distortions: Distortions, fill: Bytes) -> Bytes:
    """Return images ``order`` (B,) of ``images`` (N, C, H, W), distorted; slow and readable."""
    warped = np.empty((len(order), *images.shape[1:]), np.uint8)
    for number, index in enumerate(order):
        x, y = _coordinates(number, distortions, *images.shape[2:])
        image = _interpolate(images[index], x, y, fill)
        if distortions.blurs is not None:
            image = _blurred(image, distortions.blurs[number])
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


def _blurred(image: Bytes, weights: Integers) -> Bytes:
    """Return (C, H, W), each value a mean of those around it; the edge goes on beyond the edge."""
    values = image.astype(np.int64)
    for axis in (2, 1):  # along rows, then along columns; rounded once
        size, places = values.shape[axis], np.arange(values.shape[axis])
        summed = weights[0] * values
        for away, weight in enumerate(weights[1:].tolist(), 1):
            for step in (-away, away):
                summed += weight * values.take((places + step).clip(0, size - 1), axis)
        values = summed
    return np.asarray((values + 2**15) >> 16, np.uint8)


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
