"""Are neighbouring layers about equally large? The ratios, and what is claimed of them.

The article counts a pooling as part of its convolution and compares what leaves it with what the
next layer gives: pool0 864 and conv1 1,024 are near each other, and 13.5 channels would make them
equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from lenet.analysis.counts import LayerCounts, count_layer
from lenet.net import Network
from lenet.net.layers import Rbf, Trained
from lenet.net.shapes import Shape, elements
from lenet.writing.numbers import chain, times

#: Sizes up to this factor apart are called near each other.
NEAR: Final = 2.0
#: Of more evidence, the rest is only counted.
_MOST_EVIDENCE: Final = 3


@dataclass(frozen=True)
class Neighbours:
    """A layer, and what leaves the layer before it."""

    before: str  # the layer that leads here, a pooling where there is one
    after: str  # the convolution or dense layer
    before_activations: int
    after_activations: int
    equal_width: float  # the channels or units of ``after`` that would make both equal
    width_noun: str  # what these are, "channel" or "unit"
    is_output: bool  # ``after`` is the last of its kind: its width is the task's

    @property
    def ratio(self) -> float:
        return ratio_of(self.before_activations, self.after_activations)

    @property
    def near(self) -> bool:
        return is_near(self.ratio)

    @property
    def verdict(self) -> str:
        return "near each other" if self.near else "far apart"

    @property
    def equal_text(self) -> str:
        """``13.5 channels``; where one is too much already, nothing."""
        if self.equal_width < 1:
            return ""
        tenths = round(self.equal_width, 1)
        number = f"{tenths:,.1f}".removesuffix(".0")
        about = "" if tenths == self.equal_width else "about "
        return f"{about}{number} {self.width_noun}{'s' * (number != '1')}"


@dataclass(frozen=True)
class Claim:
    """What is said of networks in general, and whether it holds for this one."""

    text: str
    holds: bool
    evidence: str


def neighbours_of(network: Network) -> tuple[Neighbours, ...]:
    """Return every convolution, dense and RBF layer with the layer before it."""
    neighbours: list[Neighbours] = []
    for before, after in reversed(list(pairwise(network.placed))):
        if isinstance(after.layer, Trained | Rbf):
            given, made = elements(before.output_shape), elements(after.output_shape)
            width, noun = given / (made // after.output_shape[0]), after.layer.width_noun
            is_output = not neighbours  # the last comes first
            names = before.name, after.name
            neighbours.append(Neighbours(*names, given, made, width, noun, is_output))
    return tuple(reversed(neighbours))


def farthest(network: Network) -> float:
    """Return the largest ratio between neighbours, the output among them; 1 without any."""
    return max((pair.ratio for pair in neighbours_of(network)), default=1.0)


def ratio_of(first: int, second: int) -> float:
    return max(first, second) / min(first, second)


def is_near(ratio: float) -> bool:
    """Is it at most ``NEAR``, as it is printed? 2.001 is told as 2.00."""
    return round(ratio, 2) <= NEAR


def claims_of(network: Network) -> Iterator[Claim]:
    """Yield what the article and its book claim of neighbours, held against the numbers."""
    if inner := [pair for pair in neighbours_of(network) if not pair.is_output]:
        yield _equal_sizes(inner)
    convs = [placed for placed in network.placed if placed.layer.stem == "conv"]
    if convs:
        yield from _more_channels([network.input_shape, *(conv.output_shape for conv in convs)])
    if len(convs) > 1:
        yield _equal_parameters([(conv.name, count_layer(conv)) for conv in convs])


def _equal_sizes(neighbours: Sequence[Neighbours]) -> Claim:
    pairs = []
    for pair in neighbours:
        before, after = f"{pair.before} {pair.before_activations:,}", pair.after_activations
        sentence = f"{before} and {pair.after} {after:,} are {times(pair.ratio)} apart"
        pairs.append((pair.ratio, sentence))
    return _claim("neighbouring layers are about equally large", pairs)


def _more_channels(shapes: Sequence[Shape]) -> Iterator[Claim]:
    steps = [(a, b) for a, b in pairwise(shapes) if b[1] * b[2] < a[1] * a[2]]
    if not steps:
        return
    against = [
        f"from {a[1]}x{a[2]} to {b[1]}x{b[2]} channels go from {a[0]:,} to {b[0]:,}"
        for a, b in steps
        if b[0] <= a[0]
    ]
    evidence = _some(against) if against else chain(f"{shape[0]:,}" for shape in shapes)
    yield Claim("smaller maps have more channels", not against, evidence)


def _equal_parameters(convs: Sequence[tuple[str, LayerCounts]]) -> Claim:
    pairs = []
    for (name, first), (other, second) in pairwise(convs):
        ratio = ratio_of(first.parameters, second.parameters)
        adds = times(ratio_of(first.multiply_adds, second.multiply_adds))
        counts = f"{name} {first.parameters:,} and {other} {second.parameters:,} parameters"
        pairs.append((ratio, f"{counts} are {times(ratio)} apart (their multiply-adds {adds})"))
    return _claim("neighbouring convolutions have about as many parameters", pairs)


def _claim(text: str, pairs: Sequence[tuple[float, str]]) -> Claim:
    """Claim that no ratio is far; told are those that are, or the largest."""
    if apart := [sentence for ratio, sentence in pairs if not is_near(ratio)]:
        return Claim(text, False, _some(apart))
    return Claim(text, True, f"at most, {max(pairs, key=lambda pair: pair[0])[1]}")


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - _MOST_EVIDENCE
    return "; ".join([*texts[:_MOST_EVIDENCE], *([f"and {more} more"] if more > 0 else [])])
