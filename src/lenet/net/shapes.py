"""The shape formula that convolutions and poolings share, and how shapes are written and read.

A window of size k slides over n positions, padded with p in all (both sides together), in steps
of s. It fits floor((n - k + p + s) / s) times: the article's formula, equal to the textbooks'
floor((n + p - k) / s) + 1.

Shapes are (channels, height, width) of maps, and (units,) after a dense layer.
"""

from __future__ import annotations

from math import prod

from lenet.errors import UsageError
from lenet.net.words import shown

Shape = tuple[int, ...]
Pair = tuple[int, int]


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


def read_shape(text: str) -> tuple[int, ...]:
    """Read ``3x64x64`` as (channels, height, width)."""
    sizes = read_sizes(text)
    if sizes is None or len(sizes) != 3:
        raise UsageError(
            f"the input is {shown(text)}; it must be channels x height x width, such as 3x64x64."
        )
    return sizes
