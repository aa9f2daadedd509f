"""The layers a network is written with: frozen descriptions that know no arrays.

Every pair is (height, width). ``padding`` is one side's, as in every framework; asymmetric
padding is (top, bottom, left, right). The total of both sides, the p of the seed's formula, is
``total_padding``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lenet.errors import UsageError
from lenet.net.records import Record
from lenet.net.words import shown

Pair = tuple[int, int]
Sides = tuple[int, int, int, int]

ACTIVATIONS: Final = ("identity", "sigmoid", "tanh", "relu", "leaky-relu", "silu")
#: Never decreasing: the maximum of the activated values is the activated maximum.
MONOTONE: Final = frozenset(ACTIVATIONS) - {"silu"}
#: The slope of leaky-relu below zero (the default of PyTorch and Keras' older layers).
LEAKY_SLOPE: Final = 0.01
#: No size, count or window may exceed this: keeps every product far from overflow and hangs.
MAX_SIZE: Final = 10_000_000


class Conv2d(Record, init=False):
    """A two-dimensional convolution (cross-correlation), then an activation.

    Maps (C, H, W) to (channels, H', W'). Weights (channels, C, kernel height, kernel width) and
    one bias a channel. LeCun et al. 1998, section II.A.

    With ``batch_norm`` its maps are normalised before the activation: each channel's values over
    the batch get mean 0 and variance 1, then a trained scale and shift (Ioffe and Szegedy 2015).
    The shift takes the bias' place, so there are ``channels`` numbers more to train; after
    training the running mean and variance take the batch's place.
    """

    channels: int
    kernel_size: Pair
    stride: Pair
    padding: Sides
    activation: str
    batch_norm: bool

    def __init__(
        self,
        channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair | Sides | str = 0,
        activation: str = "identity",
        batch_norm: bool = False,
    ) -> None:
        """``padding`` is a number, a pair, four sides or "same" (stride 1 keeps the size).

        Raises:
            UsageError: a value out of range.
        """
        kernel = _pair(kernel_size, "kernel_size")
        steps = _pair(stride, "stride")
        super().__init__(
            _positive(channels, "channels"),
            kernel,
            steps,
            _sides(padding, kernel, steps),
            _activation(activation),
            _switch(batch_norm, "batch_norm"),
        )

    @property
    def total_padding(self) -> Pair:
        """Padding of both sides together, (p_h, p_w)."""
        return _total(self.padding)


class _Pool2d(Record, init=False):
    """What both poolings share: a window that slides over each channel by itself."""

    kernel_size: Pair
    stride: Pair
    padding: Sides

    def __init__(
        self,
        kernel_size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair | Sides = 0,
    ) -> None:
        """The stride is the window's own size unless given.

        Raises:
            UsageError: a value out of range, or padding as large as the window.
        """
        kernel = _pair(kernel_size, "kernel_size")
        steps = kernel if stride is None else _pair(stride, "stride")
        sides = _sides(padding, kernel, steps)
        if any(side >= kernel[i // 2] for i, side in enumerate(sides)):
            raise UsageError(
                f"a {kernel[0]}x{kernel[1]} pooling cannot have padding {sides}: every side must "
                "be smaller than the window, or a window would see nothing but padding."
            )
        super().__init__(kernel, steps, sides)

    @property
    def total_padding(self) -> Pair:
        """Padding of both sides together, (p_h, p_w)."""
        return _total(self.padding)


class MaxPool2d(_Pool2d, init=False):
    """The largest value under a sliding window; padding is never the largest."""


class AvgPool2d(_Pool2d, init=False):
    """The mean under a sliding window; padding counts as zeros (as in PyTorch and MXNet)."""


class Dense(Record, init=False):
    """Every output sees every input: y = W x + b, then an activation.

    Flattens by itself, channel by channel, row by row. Weights (units, inputs), one bias a unit.
    """

    units: int
    activation: str

    def __init__(self, units: int, activation: str = "identity") -> None:
        """A layer of ``units`` outputs.

        Raises:
            UsageError: a value out of range.
        """
        super().__init__(_positive(units, "units"), _activation(activation))


Layer = Conv2d | MaxPool2d | AvgPool2d | Dense
#: Layers whose window slides over maps.
Windowed = Conv2d | MaxPool2d | AvgPool2d
#: Layers that have weights, and an activation. The others pool.
Trained = Conv2d | Dense

#: Each layer's word in the notation, in JSON and in reports.
KEYWORDS: Final[dict[type[Layer], str]] = {
    Conv2d: "conv",
    MaxPool2d: "maxpool",
    AvgPool2d: "avgpool",
    Dense: "dense",
}


def stem(layer: Layer) -> str:
    """What names of such layers begin with: conv, pool or dense."""
    if isinstance(layer, Conv2d):
        return "conv"
    return "dense" if isinstance(layer, Dense) else "pool"


def width_of(layer: Trained) -> int:
    """How many channels or units the layer has."""
    return layer.channels if isinstance(layer, Conv2d) else layer.units


def with_width(layer: Trained, width: int) -> Trained:
    """``layer`` with so many channels or units.

    Raises:
        UsageError: the number is out of range.
    """
    if isinstance(layer, Conv2d):
        return layer.changed(channels=width)
    return layer.changed(units=width)


def same_padding(kernel: Pair) -> Sides:
    """The padding that keeps a map's size at stride 1; an even kernel pads one more at the end."""
    (top, bottom), (left, right) = (((k - 1) // 2, k // 2) for k in kernel)
    return top, bottom, left, right


def _total(sides: Sides) -> Pair:
    top, bottom, left, right = sides
    return top + bottom, left + right


def _positive(value: object, what: str, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_SIZE:
        raise UsageError(
            f"{what} is {shown(value)}; it must be a whole number from {least} to {MAX_SIZE:,}."
        )
    return value


def _switch(value: object, what: str) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{what} is {shown(value)}; it must be True or False.")
    return value


def _pair(value: object, what: str) -> Pair:
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2:
        return _positive(value[0], what), _positive(value[1], what)
    if isinstance(value, Sequence):
        raise UsageError(f"{what} is {shown(value)}; give one number or (height, width).")
    return _positive(value, what), _positive(value, what)


def _sides(value: object, kernel: Pair, stride: Pair) -> Sides:
    if value == "same":
        if stride != (1, 1):
            raise UsageError(
                f"padding 'same' needs stride 1, not {stride[0]}x{stride[1]}: a larger stride "
                "cannot keep the size; give the padding as a number."
            )
        return same_padding(kernel)
    match value:
        case (int() as height, int() as width):
            sides = (height, height, width, width)
        case (int() as top, int() as bottom, int() as left, int() as right):
            sides = (top, bottom, left, right)
        case int():
            sides = (value,) * 4
        case _:
            raise UsageError(
                f"padding is {shown(value)}; give one number, (height, width), "
                "(top, bottom, left, right) or 'same'."
            )
    for side in sides:
        _positive(side, "padding", least=0)
    return sides


def _activation(name: object) -> str:
    if name not in ACTIVATIONS:
        raise UsageError(
            f"activation is {shown(name)}; it must be one of {', '.join(ACTIVATIONS)}."
        )
    return str(name)
