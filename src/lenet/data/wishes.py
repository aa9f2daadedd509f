"""What a person wishes pictures of their own to become: size, grey or RGB, what to leave out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from lenet.errors import DataError, UsageError
from lenet.net.words import shown

LARGEST_SIDE: Final = 64
"""Without a wish, no side of an image becomes larger: a network of this kind learns from less."""
MAX_SIDE: Final = 4096
"""The largest side that can be wished for."""

_BESIDE: Final = 64  # bytes an image, for its label, its hash and its name

Size = tuple[int, int]
"""(height, width)."""


@dataclass(frozen=True)
class Wishes:
    """How pictures are to be read.

    Attributes:
        size: (height, width) of every image; None: as the pictures are, within limits.
        channels: 1 makes all grey, 3 all RGB; None: RGB if one has colour.
        skip_bad: leave out what cannot be read instead of refusing all.
    """

    size: Size | None = None
    channels: int | None = None
    skip_bad: bool = False

    @classmethod
    def of(
        cls, size: int | str | Sequence[int] | None, gray: bool, rgb: bool, skip_bad: bool
    ) -> Wishes:
        """What the arguments of ``lenet.load`` say.

        Raises:
            UsageError: a size that is none, or both colours at once.
        """
        if gray and rgb:
            raise UsageError("both gray and rgb are asked for; give one of them, or neither.")
        channels = 1 if gray else 3 if rgb else None
        return cls(None if size is None else read_size(size), channels, skip_bad)


def read_size(given: int | str | Sequence[int]) -> Size:
    """(height, width) of ``28``, ``"28"``, ``"28x32"`` or ``(28, 32)``.

    Raises:
        UsageError: anything else.
    """
    sides: list[object]
    if isinstance(given, str):
        parts = given.strip().lower().split("x")
        # Not int() alone: it reads "1_0" and the digits of every script.
        sides = [int(p) if p.isascii() and p.isdigit() and len(p) < 9 else None for p in parts]
    else:
        sides = list(given) if isinstance(given, Sequence) else [given]
    if len(sides) == 1:
        sides *= 2
    match sides:
        case [int() as height, int() as width]:
            if not any(isinstance(n, bool) or not 0 < n <= MAX_SIDE for n in (height, width)):
                return height, width
    raise UsageError(
        f"the size is {shown(given)}; it must be one number such as 28, or height x width such as "
        f"28x32, each from 1 to {MAX_SIDE:,}."
    )


def bounded(size: Size) -> Size:
    """``size`` with its longer side at most :data:`LARGEST_SIDE`, its proportions kept."""
    scale = min(1.0, LARGEST_SIDE / max(size))
    height, width = (max(1, round(side * scale)) for side in size)
    return height, width


def middle(sizes: Sequence[Size]) -> Size:
    """The median height and the median width of pictures that differ, bounded."""
    height, width = (round(median(sides)) for sides in zip(*sizes, strict=True))
    return bounded((height, width))


def resized_note(own: Size, size: Size) -> str:
    """That large images of one size become smaller."""
    return f"images of {own[0]}x{own[1]} become {size[0]}x{size[1]}; --size says otherwise"


def require_room(count: int, channels: int, size: Size) -> None:
    """Hold that so many images fit into half of this machine's memory.

    Raises:
        DataError: they do not.
    """
    wanted = count * (channels * size[0] * size[1] + _BESIDE)
    if wanted > machine_memory() / 2:
        raise DataError(
            f"{count:,} images of {size[0]}x{size[1]} would fill {wanted / 1e9:,.1f} GB of this "
            f"machine's {machine_memory() / 1e9:,.1f} GB of memory; make them smaller, as with "
            "--size 28"
        )


def machine_memory() -> int:
    """Bytes of memory this machine has; where the system does not tell, 8 GB are assumed."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 * 10**9
