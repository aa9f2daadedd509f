"""Numbers of any range as the bytes that images are made of: 256 levels from low to high."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lenet.errors import UsageError
from lenet.estimator.layout import Layout

#: Tukey's outer fences (Exploratory Data Analysis, 1977), in distances between the quartiles.
FENCE: Final = 3.0
#: Scales that pixels come in; data that use the upper half of one are taken to be in it.
SCALES: Final = (1.0, 255.0)
#: Numbers turned into bytes at a time.
_CHUNK: Final = 1 << 20

Range = NDArray[np.float64]
"""(2, C): what becomes byte 0 in each channel, and what becomes byte 255."""


def find_range(rows: NDArray[Any], layout: Layout, given: Sequence[float] | None) -> Range:
    """The range of training data; only which values occur matters, not how often.

    Pixels of an image share one: [0, 1] or [0, 255] if they all lie in it and some in its upper
    half, so that bytes stay what they are; else from the smallest to the largest. Features that
    are no image have a range each, cut off at Tukey's outer fences of their distinct values.

    Args:
        rows: (N, features), finite.
        layout: which image a row is.
        given: (low, high) as the user says it, for all values; None to measure.

    Raises:
        UsageError: ``given`` is no range.
    """
    channels = layout.image_shape[0]
    if given is not None:
        return np.repeat(np.array([_read_range(given)]).T, channels, axis=1)
    if layout.is_image:
        return np.repeat(np.array([_pixel_range(rows)]).T, channels, axis=1)
    return np.array([_feature_range(column) for column in rows.T]).T


# Numbers at the ends of float64's range overflow to what is cut off anyway.
@np.errstate(over="ignore", invalid="ignore")
def to_bytes(rows: NDArray[Any], layout: Layout, values: Range) -> NDArray[np.uint8]:
    """Rows (N, features) as images (N, C, H, W) uint8, rounded; what lies outside is cut off.

    A channel whose range is a single value is 0 everywhere.
    """
    images = layout.images(rows)
    found = np.empty(images.shape, np.uint8)
    # Halves: the difference of two numbers near the largest float64 must not overflow.
    low, high = (edge[:, None, None] / 2 for edge in values)
    scale = np.divide(255, high - low, out=np.zeros_like(low), where=high > low)
    step = max(1, _CHUNK // max(1, rows.shape[1]))
    for start in range(0, len(images), step):
        chunk = images[start : start + step].astype(np.float64) / 2
        levels = np.rint((chunk.clip(low, high) - low) * scale)
        found[start : start + step] = np.nan_to_num(levels).clip(0, 255)
    return found


def _read_range(given: Any) -> tuple[float, float]:
    try:
        low, high = np.array(given, np.float64).tolist()
        good = np.isfinite([low, high]).all() and low < high
    except (TypeError, ValueError):
        good = False
    if not good:
        raise UsageError(
            f"value_range is {given!r}; it must be (low, high), two numbers, the first smaller."
        )
    return low, high


def _pixel_range(rows: NDArray[Any]) -> tuple[float, float]:
    low, high = float(rows.min()), float(rows.max())
    for top in SCALES:
        if low >= 0 and top / 2 < high <= top:
            return 0.0, top
    return low, high


@np.errstate(over="ignore", invalid="ignore")
def _feature_range(column: NDArray[Any]) -> tuple[float, float]:
    distinct = np.unique(column.astype(np.float64))
    low, high = float(distinct[0]), float(distinct[-1])
    first, third = np.quantile(distinct, (0.25, 0.75))
    reach = FENCE * (third - first)
    if not np.isfinite(reach):
        return low, high
    return max(low, float(first - reach)), min(high, float(third + reach))
