"""The shape formula that convolutions and poolings share, and how shapes are written and read.

A window of size k slides over n positions, padded with p in all (both sides together), in steps
of s. It fits floor((n - k + p + s) / s) times: the article's formula, equal to the textbooks'
floor((n + p - k) / s) + 1.

Shapes are (channels, height, width) of maps, and (units,) after a dense layer. Other frameworks
write the channels last, 28x28x1. Whether a shape is written so is decided here, for every reader: a
figure is turned round, a network is refused with the shape that was probably meant, and an @ says
which number are the channels.
"""

from __future__ import annotations

import re
from math import prod
from typing import Final

Shape = tuple[int, ...]
Pair = tuple[int, int]

#: How a shape is written, as a part of a regular expression (ASCII only): 6@28x28, 28x28@6,
#: 6x28x28, 28x28 or 120.
WRITTEN: Final = (
    r"(?:(?P<first>[0-9]+)\s*@\s*)?"
    r"(?P<sizes>[0-9]+(?:\s*[xX×*]\s*[0-9]+)*)"
    r"(?:\s*@\s*(?P<last>[0-9]+))?"
)
_SHAPE: Final = re.compile(WRITTEN)
#: So many first numbers may be channels whatever follows: a grey or colour image, or some of them.
_CHANNELS: Final = 4
#: No image is longer than so many times its other side; a signal is.
_LONGEST: Final = 4
#: The channels come last if maps would be so many times as long as the other way round, or more.
_LONGER: Final = 2


class ChannelsFirst(tuple[int, int, int]):
    """A shape that is known to be (channels, height, width), as ``28@28x1`` is."""

    __slots__ = ()


def is_channels_last(shape: Shape) -> bool:
    """Is it (height, width, channels), as 28x28x1, 66x200x3 and 13x13x256 are without any doubt?

    Read as channels first they would be many channels of narrow strips. 9x128x1 is none of them:
    it is nine signals.
    """
    if len(shape) != 3 or isinstance(shape, ChannelsFirst) or min(shape[:2]) <= _CHANNELS:
        return False
    first, middle, last = shape
    as_last = max(first, middle) / min(first, middle)
    as_first = max(middle, last) / min(middle, last)
    return as_last <= _LONGEST and as_first > _LONGER * as_last


def channels_first(shape: Shape) -> ChannelsFirst:
    """Turn (height, width, channels) into (channels, height, width)."""
    height, width, channels = shape
    return ChannelsFirst((channels, height, width))


def output_size(size: int, kernel: int, padding: int, stride: int) -> int:
    """Return how often a window fits on one axis (0 or less: not at all); padding of both sides."""
    return (size - kernel + padding + stride) // stride


def size_formula(size: int, kernel: int, padding: int, stride: int) -> str:
    """Write the formula with its numbers put in, ``(28 - 5 + 0 + 1) / 1 = 24``."""
    text = f"({size} - {kernel} + {padding} + {stride}) / {stride}"
    if (size - kernel + padding) % stride:
        text = f"floor({text})"
    return f"{text} = {output_size(size, kernel, padding, stride)}"


def elements(shape: Shape) -> int:
    """Return how many numbers a tensor of this shape holds."""
    return prod(shape)


def shape_text(shape: Shape) -> str:
    """Write ``6@24x24`` for maps, as papers do, and ``120`` for vectors."""
    if len(shape) == 3:
        return f"{shape[0]}@{shape[1]}x{shape[2]}"
    return "x".join(map(str, shape))


def input_text(shape: Shape) -> str:
    """Write ``1x28x28``; with an @ where that would be taken for channels last, ``28@28x1``."""
    is_plain = not isinstance(shape, ChannelsFirst) or not is_channels_last(tuple(shape))
    return "x".join(map(str, shape)) if is_plain else shape_text(shape)


def channels_last_problem(shape: Shape) -> tuple[str, str]:
    """Say that an input has its channels last, and what to write instead."""
    written, meant = "x".join(map(str, shape)), input_text(channels_first(shape))
    problem = f"the input {written} has its channels last (did you mean {meant}?)"
    return problem, f"write {meant}, or {shape_text(shape)} if {shape[0]} channels are meant"


def pair_text(pair: Pair) -> str:
    """Write ``5x5``: height by width."""
    return f"{pair[0]}x{pair[1]}"


def size_text(pair: Pair) -> str:
    """Write ``5`` for a square, else ``5x3`` (height by width)."""
    return str(pair[0]) if pair[0] == pair[1] else pair_text(pair)


def read_sizes(text: str, digits: int = 19) -> tuple[int, ...] | None:
    """Read ``3x64x64`` as whole numbers of at most so many digits; None if it is anything else."""
    # int() alone would also read "1_0", " 1", "-1" and the digits of every script.
    parts = text.strip().lower().split("x")
    if not all(part.isascii() and part.isdigit() and len(part) <= digits for part in parts):
        return None
    return tuple(map(int, parts))


def read_shape(text: str, digits: int = 19) -> tuple[int, int, int] | None:
    """Read ``3x64x64``, ``3@64x64``, ``64x64@3`` or ``64x64`` (one channel); None if it is none.

    A number has at most so many digits. Three plain numbers may still have their channels last.
    """
    match = _SHAPE.fullmatch(text.strip())
    if match is None or (match["first"] and match["last"]):
        return None
    sizes, channels = re.findall("[0-9]+", match["sizes"]), match["first"] or match["last"]
    if any(len(size) > digits for size in (*sizes, channels or "1")):
        return None
    match channels, list(map(int, sizes)):
        case None, [first, middle, last]:
            return first, middle, last
        case _, [height, width]:
            return ChannelsFirst((int(channels or 1), height, width))
    return None
