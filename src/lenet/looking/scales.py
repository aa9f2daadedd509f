"""From numbers to colours: one scale for all that is shown of a layer, with its legend.

Zero is nearly black, as the ground of a picture of ink is; what is above it goes over blue to
white, what is below over orange to white, equally light where it is equally far from zero. Blue and
orange differ for every kind of colour blindness, and the lightness alone tells the size. Where
nothing of a layer is below zero, black is its least number instead: a sigmoid's numbers are all
above zero, and what differs between them is what is looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.drawing.scene import Box, Mark, Paint, Pixels

Numbers = npt.NDArray[Any]

#: The colours of some sizes, from 0 to 1, above zero and below it: small ones differ most, since
#: most numbers of a layer are small.
_SIZES: Final = (0, 0.25, 0.6, 1)
_ABOVE: Final = ((14, 19, 27), (30, 88, 196), (92, 166, 250), (240, 248, 255))
_BELOW: Final = ((14, 19, 27), (164, 70, 8), (244, 150, 60), (255, 246, 232))
#: Steps of a scale, on each side of zero: more are not told apart, and cost room in a file.
_STEPS: Final = 40
#: What each number means; every figure says it once.
WORDS: Final = (
    "Blue is above zero, orange below, black is zero; where a layer has nothing below zero, black "
    "is its least number. A layer's colours mean the same in every picture."
)


def _ramp(stops: Sequence[tuple[int, int, int]]) -> npt.NDArray[np.uint8]:
    """Return (steps + 1, 3) colours from the first stop to the last."""
    at = np.linspace(0, 1, _STEPS + 1)
    values = [np.interp(at, _SIZES, channel) for channel in zip(*stops, strict=True)]
    return np.asarray(np.rint(np.stack(values, axis=1)), np.uint8)


_RAMP: Final = _ramp(_ABOVE)
_BOTH: Final = np.concatenate([_ramp(_BELOW)[:0:-1], _RAMP])


@dataclass(frozen=True)
class Scale:
    """The range of a layer's numbers, and the colour of each."""

    low: float
    high: float

    @classmethod
    def of(cls, *values: Numbers) -> Scale:
        """Return the range of all that is finite."""
        finite = [part[np.isfinite(part)] for part in values]
        known = [part for part in finite if part.size]
        if not known:
            return cls(0.0, 0.0)
        return cls(min(float(v.min()) for v in known), max(float(v.max()) for v in known))

    @property
    def is_signed(self) -> bool:
        """Is anything below zero?"""
        return self.low < 0

    @property
    def text(self) -> str:
        """The range in words."""
        return f"{number(self.low)} to {number(self.high)}"

    def indices(self, values: Numbers) -> npt.NDArray[np.uint8]:
        """Return the place of each number in the palette."""
        first, last = (-self.size, self.size) if self.is_signed else (self.low, self.high)
        steps = len(_BOTH if self.is_signed else _RAMP) - 1
        shares = (np.nan_to_num(values, nan=first) - first) / ((last - first) or 1.0)
        return np.asarray(np.rint(shares.clip(0, 1) * steps), np.uint8)

    @property
    def size(self) -> float:
        """The farthest that a number is from zero."""
        return max(abs(self.low), abs(self.high))

    def short(self, value: float) -> str:
        """Write a number as short as it may be among the others, where there is little room."""
        if not np.isfinite(value):
            return "-"  # the padding of a maximum
        decimals = next((i for i, size in enumerate((100, 10, 1)) if self.size >= size), 3)
        return f"{value:.{decimals}f}" if value else "0"

    @property
    def palette(self) -> bytes:
        return (_BOTH if self.is_signed else _RAMP).tobytes()

    def tile(self, values: Numbers, x: float, y: float, width: float, height: float) -> Pixels:
        """Draw numbers (h, w), one square each."""
        rows, columns = values.shape
        data = self.indices(values).tobytes()
        return Pixels(x, y, width, height, (rows, columns), 1, data, self.palette)

    def bar(self, x: float, y: float, width: float, height: float) -> list[Mark]:
        """Draw the colours from the least to the greatest number."""
        steps = np.linspace(self.low, self.high, 2 * _STEPS + 1)[np.newaxis]
        return [self.tile(steps, x, y, width, height), framed(x, y, width, height)]


def framed(
    x: float, y: float, width: float, height: float, role: str = "frame", line: float = 0.8
) -> Box:
    """Outline a tile: nearly black on a dark page would have no edge."""
    return Box(x, y, width, height, Paint(stroke=role, width=line))


def photo(image: npt.NDArray[np.uint8], x: float, y: float, width: float, height: float) -> Pixels:
    """Draw an image (C, h, w) of 1 or 3 channels as it is."""
    channels, rows, columns = image.shape
    data = np.ascontiguousarray(np.moveaxis(image, 0, 2)).tobytes()
    return Pixels(x, y, width, height, (rows, columns), channels, data)


def number(value: float) -> str:
    """Write a number with two or three digits or so: ``-0.031``, ``1.20``, ``1,234``."""
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 999.5:
        return f"{value:,.0f}" if size < 1e7 else f"{value:.2e}"
    if size < 0.001:
        return f"{value:.1e}"
    decimals = 0 if size >= 100 else 2 if size >= 0.1 else 3 if size >= 0.01 else 4
    return f"{value:.{decimals}f}"
