"""The one shape formula, and what it says for every kind of layer.

A window of size k slides over n positions, padded with p in all (both sides together), in steps
of s. It fits floor((n - k + p + s) / s) times: the seed's formula, equal to the textbooks'
floor((n + p - k) / s) + 1. Convolution and pooling share it.

Shapes are (channels, height, width) for maps and (units,) after a dense layer.
"""

from __future__ import annotations

from math import prod

from lenet.errors import ShapeError, UsageError
from lenet.net.layers import AvgPool2d, Conv2d, Dense, Layer, MaxPool2d, Windowed
from lenet.net.words import shown

Shape = tuple[int, ...]


def output_size(size: int, kernel: int, padding: int, stride: int) -> int:
    """How often a window fits on one axis; ``padding`` is the total of both sides.

    The result is 0 or less when the window does not fit at all.
    """
    return (size - kernel + padding + stride) // stride


def size_formula(size: int, kernel: int, padding: int, stride: int) -> str:
    """The formula with its numbers put in, ``(28 - 5 + 0 + 1) / 1 = 24``; floor where it acts."""
    text = f"({size} - {kernel} + {padding} + {stride}) / {stride}"
    if (size - kernel + padding) % stride:
        text = f"floor({text})"
    return f"{text} = {output_size(size, kernel, padding, stride)}"


def output_shape(layer: Layer, shape: Shape, name: str) -> Shape:
    """The shape that ``layer`` makes of ``shape``; ``name`` is used in errors.

    Raises:
        ShapeError: the layer needs a map and gets a vector, or its window does not fit.
    """
    if isinstance(layer, Dense):
        return (layer.units,)
    if len(shape) != 3:
        raise ShapeError(
            f"{name} is a {kind(layer)} and needs feature maps (channels, height, width), but a "
            f"dense layer before it leaves only {shape[0]} numbers; put {name} before the first "
            "dense layer.",
            name,
        )
    channels, height, width = shape
    size = tuple(_fit(layer, axis, n, name, shape) for axis, n in enumerate((height, width)))
    return (layer.channels if isinstance(layer, Conv2d) else channels, *size)


def _fit(layer: Windowed, axis: int, n: int, name: str, shape: Shape) -> int:
    kernel, stride = layer.kernel_size[axis], layer.stride[axis]
    padding = layer.total_padding[axis]
    result = output_size(n, kernel, padding, stride)
    if result < 1:
        raise ShapeError(
            f"{name} gets {shape_text(shape)} and its {pair_text(layer.kernel_size)} "
            f"{window_word(layer)} does not fit the {('height', 'width')[axis]}: "
            f"{size_formula(n, kernel, padding, stride)}; use a {window_word(layer)} of at most "
            f"{n + padding}, more padding, or a larger input.",
            name,
        )
    return result


def kind(layer: Layer, shape: Shape = ()) -> str:
    """What a person calls the layer: convolution, max pooling, average pooling, dense layer.

    ``shape`` is what it is given, if that is known.
    """
    match layer:
        case Conv2d():
            return "convolution"
        case MaxPool2d():
            return "max pooling"
        case AvgPool2d():
            return "global average pooling" if is_global(layer, shape) else "average pooling"
        case Dense():
            return "dense layer"


def is_global(layer: Layer, shape: Shape) -> bool:
    """Does ``layer`` take the mean of each whole map of ``shape``? Lin, Chen and Yan 2014."""
    if not isinstance(layer, AvgPool2d):
        return False
    return layer.kernel_size == shape[1:] and not any(layer.padding)


def window_word(layer: Windowed) -> str:
    """What its window is called: a convolution has a kernel."""
    return "kernel" if isinstance(layer, Conv2d) else "window"


def elements(shape: Shape) -> int:
    """How many numbers a tensor of this shape holds."""
    return prod(shape)


def shape_text(shape: Shape) -> str:
    """``6@24x24`` for maps, as papers print them, and ``120`` for vectors."""
    if len(shape) == 3:
        return f"{shape[0]}@{shape[1]}x{shape[2]}"
    return "x".join(map(str, shape))


def read_shape(text: str) -> tuple[int, ...]:
    """The sizes in ``3x64x64``: channels, height, width.

    Raises:
        UsageError: ``text`` is anything else.
    """
    parts = text.strip().lower().split("x")
    # Not int() alone: it reads "1_0" and the digits of every script, and some of great length.
    if len(parts) != 3 or not all(p.isascii() and p.isdigit() and len(p) < 20 for p in parts):
        raise UsageError(
            f"the input is {shown(text)}; it must be channels x height x width, such as 3x64x64."
        )
    return tuple(map(int, parts))


def pair_text(pair: tuple[int, int]) -> str:
    """``5x5``: height by width."""
    return f"{pair[0]}x{pair[1]}"
