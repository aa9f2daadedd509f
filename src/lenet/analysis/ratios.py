"""Are neighbouring layers about equally large?

The seed counts a pooling as part of its convolution and compares what leaves it with what the next
layer gives: pool0 864 and conv1 1,024 are near each other, and 13.5 channels would make them equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from lenet.net import Conv2d, Network
from lenet.net.layers import Trained
from lenet.net.shapes import elements

#: Sizes up to this factor apart are called near each other.
NEAR: Final = 2.0


@dataclass(frozen=True)
class Neighbours:
    """A layer, and what leaves the layer before it.

    Attributes:
        before: the layer that leads here, a pooling where there is one.
        after: the convolution or dense layer.
        before_activations: what leaves the one.
        after_activations: what leaves the other.
        equal_width: the channels or units of ``after`` that would make both equal.
        width_word: what these are, "channel" or "unit".
        is_output: ``after`` is the last of its kind: its width is the task's, not ours to choose.
    """

    before: str
    after: str
    before_activations: int
    after_activations: int
    equal_width: float
    width_word: str
    is_output: bool

    @property
    def ratio(self) -> float:
        """How many times the larger is the smaller; 1 where they are equal."""
        return ratio_of(self.before_activations, self.after_activations)

    @property
    def near(self) -> bool:
        """Are they at most ``NEAR`` times apart?"""
        return is_near(self.ratio)

    @property
    def equal_text(self) -> str:
        """``13.5 channels``; where one is too much already, nothing."""
        if self.equal_width < 1:
            return ""
        tenths = round(self.equal_width, 1)
        number = f"{tenths:,.1f}".removesuffix(".0")
        about = "" if tenths == self.equal_width else "about "
        return f"{about}{number} {self.width_word}{'s' * (number != '1')}"


def neighbours_of(network: Network) -> tuple[Neighbours, ...]:
    """Every convolution and dense layer with the layer before it.

    Raises:
        ShapeError: the network does not fit together.
    """
    trained = [one for one in network.placed if isinstance(one.layer, Trained)]
    found = []
    for before, after in pairwise(network.placed):
        if not isinstance(after.layer, Trained):
            continue
        given, made = elements(before.output_shape), elements(after.output_shape)
        found.append(
            Neighbours(
                before=before.name,
                after=after.name,
                before_activations=given,
                after_activations=made,
                equal_width=given / (made // after.output_shape[0]),
                width_word="channel" if isinstance(after.layer, Conv2d) else "unit",
                is_output=after is trained[-1],
            )
        )
    return tuple(found)


def ratio_of(one: int, other: int) -> float:
    """How many times the larger is the smaller."""
    return max(one, other) / min(one, other)


def is_near(ratio: float) -> bool:
    """Is it at most ``NEAR``, as it is printed? 2.001 is told as 2.00."""
    return round(ratio, 2) <= NEAR
