"""How much of the input one unit of each layer sees: its receptive field.

Per axis, with kernel k and stride s of layer l, from r = j = 1 at the input:

    r_l = r_{l-1} + (k - 1) j_{l-1}        j_l = j_{l-1} s

r is the field's size in input pixels, j (the jump) how many input pixels apart neighbouring units
look. Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", 2016; Araujo, Norris
& Sim, "Computing receptive fields of convolutional neural networks", Distill 2019.

A dense layer sees what all units of the last map see together. That is less than the input where
windows leave pixels at the border out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lenet.net import Network, PlacedLayer
from lenet.net.layers import Windowed
from lenet.net.shapes import Pair

#: Strides multiply: thousands of them on padded maps would make numbers of thousands of digits.
_MOST: Final = 10**15


@dataclass(frozen=True)
class ReceptiveField:
    """What one unit sees, in input pixels as (height, width).

    Attributes:
        size: from the first pixel to the last. Of a map's unit, padding counts as pixels, so that
            it can be larger than the input; a dense layer's has no padding in it.
        jump: how far the fields of neighbouring units lie apart; None after a dense layer, whose
            units have no place.
    """

    size: Pair
    jump: Pair | None

    def covers(self, input_shape: tuple[int, int, int]) -> bool:
        """Is the field at least as large as an input of this (channels, height, width)?"""
        return self.size[0] >= input_shape[1] and self.size[1] >= input_shape[2]


def receptive_fields(network: Network) -> tuple[ReceptiveField, ...]:
    """The field of every layer in order. Numbers above 10^15 are given as 10^15.

    Raises:
        ShapeError: the network does not fit together.
    """
    size, jump = (1, 1), (1, 1)
    dense: ReceptiveField | None = None  # the same for all of them
    fields = []
    for index, placed in enumerate(network.placed):
        layer = placed.layer
        if not isinstance(layer, Windowed):
            dense = dense or ReceptiveField(_reached(network, network.placed[:index]), None)
            fields.append(dense)
            continue
        (height, width), (down, along) = layer.kernel_size, layer.stride
        size = _capped(size[0] + (height - 1) * jump[0], size[1] + (width - 1) * jump[1])
        jump = _capped(jump[0] * down, jump[1] * along)
        fields.append(ReceptiveField(size, jump))
    return tuple(fields)


def _capped(height: int, width: int) -> Pair:
    return min(height, _MOST), min(width, _MOST)


def _reached(network: Network, maps: Sequence[PlacedLayer]) -> Pair:
    """How many rows and columns of the input there are from the first to the last that is seen."""
    shape = maps[-1].output_shape if maps else network.input_shape
    height, width = (_reached_on(axis, shape[1 + axis], maps) for axis in (0, 1))
    return height, width


def _reached_on(axis: int, size: int, maps: Sequence[PlacedLayer]) -> int:
    first, last = 0, size - 1
    for placed in reversed(maps):
        layer = placed.layer
        assert isinstance(layer, Windowed)
        stride, before = layer.stride[axis], layer.padding[2 * axis]
        first = max(0, first * stride - before)
        last = last * stride - before + layer.kernel_size[axis] - 1
        last = min(placed.input_shape[1 + axis] - 1, last)
    return max(0, last - first + 1)
