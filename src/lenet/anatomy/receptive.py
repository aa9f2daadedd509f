"""How much of the input one unit of each layer sees: its receptive field.

Per axis, with kernel k and stride s of layer l, from r = j = 1 at the input:

    r_l = r_{l-1} + (k - 1) j_{l-1}        j_l = j_{l-1} s

r is the field's size in input pixels, j (the jump) how many input pixels apart neighbouring units
look. Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", 2016; Araujo, Norris
& Sim, "Computing receptive fields of convolutional neural networks", Distill 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lenet.net import Dense, Network
from lenet.net.layers import Pair

#: Strides multiply: thousands of them on padded maps would make numbers of thousands of digits.
_MOST: Final = 10**15


@dataclass(frozen=True)
class ReceptiveField:
    """What one unit sees, in input pixels as (height, width).

    Attributes:
        size: the field; padding counts as pixels, so it can be larger than the input.
        jump: how far the fields of neighbouring units lie apart; None after a dense layer, whose
            units have no place.
    """

    size: Pair
    jump: Pair | None

    def covers(self, input_shape: tuple[int, int, int]) -> bool:
        """Is the field at least as large as an input of this (channels, height, width)?"""
        return self.size[0] >= input_shape[1] and self.size[1] >= input_shape[2]


def receptive_fields(network: Network) -> tuple[ReceptiveField, ...]:
    """The field of every layer in order; from the first dense layer on it is the whole input.

    Numbers above 10^15 are given as 10^15.

    Raises:
        ShapeError: the network does not fit together.
    """
    size, jump = (1, 1), (1, 1)
    whole = ReceptiveField(network.input_shape[1:], None)
    fields = []
    for placed in network.placed:
        layer = placed.layer
        if isinstance(layer, Dense):
            fields.append(whole)
            continue
        (height, width), (down, along) = layer.kernel_size, layer.stride
        size = _capped(size[0] + (height - 1) * jump[0], size[1] + (width - 1) * jump[1])
        jump = _capped(jump[0] * down, jump[1] * along)
        fields.append(ReceptiveField(size, jump))
    return tuple(fields)


def _capped(height: int, width: int) -> Pair:
    return min(height, _MOST), min(width, _MOST)
