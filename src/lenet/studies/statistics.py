"""Means over seeds and paired differences, with intervals by Student's t distribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import atan, cos, pi, sin, sqrt
from typing import Final

#: The share of intervals that hold the true mean, if values are normally distributed.
LEVEL: Final = 0.95


@dataclass(frozen=True)
class Mean:
    """The mean of some values, and how far from it the true mean may be."""

    value: float
    half: float | None  # of the interval's width; None of one value

    @property
    def low(self) -> float | None:
        """The interval's lower end."""
        return None if self.half is None else self.value - self.half

    @property
    def high(self) -> float | None:
        """The interval's upper end."""
        return None if self.half is None else self.value + self.half


def mean(values: Sequence[float], level: float = LEVEL) -> Mean:
    """Return the mean of at least one value, with its interval."""
    count = len(values)
    center = sum(values) / count
    if count < 2:
        return Mean(center, None)
    variance = sum((value - center) ** 2 for value in values) / (count - 1)
    return Mean(center, quantile(count - 1, level) * sqrt(variance / count))


def difference(values: Sequence[float], base: Sequence[float], level: float = LEVEL) -> Mean:
    """Return by how much ``values`` are above ``base``, paired: the same place, the same seed."""
    return mean([value - other for value, other in zip(values, base, strict=True)], level)


@cache
def quantile(freedom: int, level: float = LEVEL) -> float:
    """Return t, so that a share ``level`` of Student's distribution lies between -t and t."""
    low, high = 0.0, 1e6
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _share_within(middle, freedom) < level else (low, middle)
    return high


def _share_within(t: float, freedom: int) -> float:
    """Return the share between -t and t (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""
    angle = atan(t / sqrt(freedom))
    odd = freedom % 2
    term = cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(2 + odd, freedom - 1, 2):
        term *= cos(angle) ** 2 * (k - 1) / k
        total += term
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total
