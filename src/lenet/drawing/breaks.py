"""Breaking a long picture into rows or columns of about equal length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

_T = TypeVar("_T")
#: Closer than this many pixels, two lengths look the same.
_EVEN: Final = 4.0


def narrowest(broken: Callable[[float], list[_T]], limit: float) -> list[_T]:
    """As few pieces as ``limit`` allows, and no longer than that many need.

    Args:
        broken: makes the pieces for a limit of their length, in pixels.
        limit: the longest that is allowed.
    """
    pieces = broken(limit)
    low, high = 0.0, limit
    while len(pieces) > 1 and high - low > _EVEN:
        middle = (low + high) / 2
        shorter = broken(middle)
        if len(shorter) > len(pieces):
            low = middle
        else:
            pieces, high = shorter, middle
    return pieces
