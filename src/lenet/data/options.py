"""How pictures of one's own are read: the load options, and images made one size and colour."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.data.preprocess import Images, centre, to_grey
from lenet.errors import DataError, UsageError
from lenet.net.shapes import pair_text, read_sizes
from lenet.net.words import shown

LARGEST_SIDE: Final = 64
"""Where no size is asked for, no side of an image is larger: such a network learns from less."""
MAX_SIDE: Final = 4096
"""The largest side that can be asked for."""

_BESIDE: Final = 64  # bytes per image, for its label, its hash and its name

Size = tuple[int, int]
"""(height, width)."""


@dataclass(frozen=True)
class LoadOptions:
    """What a person chooses about reading pictures."""

    size: Size | None = None  # of every image; None: as the pictures are, within limits
    channels: int | None = None  # 1 makes all grey, 3 all RGB; None: RGB if one has colour
    skip_bad: bool = False  # leave out what cannot be read instead of refusing all

    @classmethod
    def of(
        cls, size: int | str | Sequence[int] | None, gray: bool, rgb: bool, skip_bad: bool
    ) -> LoadOptions:
        """Return what the arguments of ``lenet.load`` say.

        Raises:
            UsageError: a size that is none, or both colours at once.
        """
        if gray and rgb:
            raise UsageError("both gray and rgb are asked for; give one of them, or neither.")
        channels = 1 if gray else 3 if rgb else None
        return cls(None if size is None else read_size(size), channels, skip_bad)

    def resized_note(self, own: Size, size: Size) -> list[str]:
        """Return the note that large images of one size become smaller, where nobody asked."""
        if self.size is not None or own == size:
            return []
        sizes = f"{pair_text(own)} become {pair_text(size)}"
        return [f"images of {sizes}; the option size says otherwise"]


def read_size(given: int | str | Sequence[int]) -> Size:
    """Read (height, width) from ``28``, ``"28"``, ``"28x32"`` or ``(28, 32)``.

    Raises:
        UsageError: anything else.
    """
    sizes = read_sizes(given) if isinstance(given, str) else given
    sides: list[Any] = list(sizes) if isinstance(sizes, Sequence) else [sizes]
    if len(sides) == 1:
        sides *= 2
    if len(sides) != 2 or not all(type(n) is int and 0 < n <= MAX_SIDE for n in sides):
        allowed = f"one number such as 28, or height x width such as 28x32, from 1 to {MAX_SIDE:,}"
        raise UsageError(f"the size is {shown(given)}; it must be {allowed}.")
    return sides[0], sides[1]


def bounded(size: Size) -> Size:
    """Return ``size`` with its longer side at most :data:`LARGEST_SIDE`, its proportions kept."""
    scale = min(1.0, LARGEST_SIDE / max(size))
    height, width = (max(1, round(side * scale)) for side in size)
    return height, width


def middle(sizes: Sequence[Size]) -> Size:
    """Return the median height and the median width of pictures that differ, bounded."""
    height, width = (round(median(sides)) for sides in zip(*sizes, strict=True))
    return bounded((height, width))


def require_room(count: int, channels: int, size: Size) -> None:
    """Hold that so many images fit into half of this machine's memory.

    Raises:
        DataError: they do not.
    """
    needed = count * (channels * size[0] * size[1] + _BESIDE)
    if needed > machine_memory() / 2:
        filled = (
            f"{needed / 1e9:,.1f} GB of this machine's {machine_memory() / 1e9:,.1f} GB of memory"
        )
        what = f"{count:,} images of {pair_text(size)} would fill {filled}"
        raise DataError(f"{what}; make them smaller, as with size=28", parameter="size")


def machine_memory() -> int:
    """Return how many bytes of memory this machine has; 8 GB where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 * 10**9


def shaped(images: Images, size: Size, channels: int | None) -> Images:
    """Bring (n, C, h, w) images to one size, and to grey where all of them can be."""
    if images.shape[1] == 3:
        if channels == 1:
            images = to_grey(images)
        elif channels is None and bool((images == images[:, :1]).all()):
            images = images[:, :1]
    return centre(images, *size)


class Stack:
    """Up to ``count`` images of one size, in a row: grey until the first with colour."""

    def __init__(self, count: int, size: Size, channels: int | None) -> None:
        """Make room for grey images, or for RGB where ``channels`` is 3.

        Raises:
            DataError: they would not fit into memory.
        """
        self._count, self._size, self._filled = count, size, 0
        self._images = self._room(channels or 1)

    def add(self, images: Images) -> None:
        """Put (n, 1 or 3, H, W) images behind those that are there."""
        if images.shape[1] > self._images.shape[1]:
            grey, self._images = self._images, self._room(3)
            self._images[: self._filled] = grey[: self._filled]
        self._images[self._filled : self._filled + len(images)] = images
        self._filled += len(images)

    @property
    def images(self) -> Images:
        """(N, C, H, W) all images so far."""
        return self._images[: self._filled]

    def _room(self, channels: int) -> Images:
        require_room(self._count, channels, self._size)
        return np.empty((self._count, channels, *self._size), np.uint8)


def reaches_one(least: float, greatest: float, what: str) -> bool:
    """Do pixels from ``least`` to ``greatest`` reach from 0 to 1 instead of 255?

    Raises:
        DataError: they are no pixels, or no numbers; ``what`` begins the sentence.
    """
    if least >= 0 and greatest <= 255:
        return bool(0 < greatest <= 1)
    values = "that are no numbers" if np.isnan(greatest) else f"from {least:g} to {greatest:g}"
    raise DataError(f"{what} values {values}; give whole numbers 0 to 255, or floats 0 to 1")


def channels_first(array: npt.NDArray[Any], channels_last: bool = False) -> npt.NDArray[Any]:
    """Return (H, W), (N, H, W), (N, C, H, W) or, if so, (N, H, W, C) as a view (N, C, H, W)."""
    if channels_last:
        return array.transpose(0, 3, 1, 2)
    return array[:, np.newaxis] if array.ndim == 3 else array[(np.newaxis,) * (4 - array.ndim)]


def to_bytes(values: npt.NDArray[Any], unit: bool) -> Images:
    """Return pixels as uint8, rounded; ``unit``: they reach from 0 to 1, not to 255."""
    if unit:
        return np.rint(values * np.float32(255)).astype(np.uint8)
    if values.dtype.kind == "f":
        values = np.rint(values)
    return values.astype(np.uint8, copy=False)
