"""Are neighbouring layers about equally large? The chart, the ratios, and what is claimed.

The seed counts a pooling as part of its convolution and compares what leaves it with what the next
layer gives: pool0 864 and conv1 1,024 are near each other, and 13.5 channels would make them equal.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from lenet.anatomy.balancing.advice import Proposal, advise, checked_budget, costs_of
from lenet.anatomy.counts import LayerCounts, count_layer
from lenet.net import Conv2d, Dense, Network, PlacedLayer, name_of, read_network
from lenet.net.shapes import elements

#: Sizes up to this factor apart are called near each other.
NEAR: Final = 2.0
#: Of more evidence, the rest is only counted.
_MOST_EVIDENCE: Final = 3


@dataclass(frozen=True)
class Neighbours:
    """A layer, and what leaves the layer before it.

    Attributes:
        before: the layer that leads here, a pooling where there is one.
        after: the convolution or dense layer.
        before_activations: what leaves the one.
        after_activations: what leaves the other.
        equal_width: the channels or units of ``after`` that would make both equal.
        is_output: ``after`` is the last of its kind: its width is the task's, not ours to choose.
    """

    before: str
    after: str
    before_activations: int
    after_activations: int
    equal_width: float
    is_output: bool

    @property
    def ratio(self) -> float:
        """How many times the larger is the smaller; 1 where they are equal."""
        return _ratio(self.before_activations, self.after_activations)

    @property
    def near(self) -> bool:
        """Are they at most ``NEAR`` times apart?"""
        return self.ratio <= NEAR


@dataclass(frozen=True)
class Claim:
    """What is said of networks in general, and whether it holds for this one."""

    text: str
    holds: bool
    evidence: str


@dataclass(frozen=True)
class Balance:
    """What :func:`balance` found out; ``print`` it to read it.

    Attributes:
        name: what the network is called; may be empty.
        network: the network.
        neighbours: every convolution and dense layer with what comes before it.
        claims: what the seed and the book claim, held against the numbers.
        budget: what was asked for, by the name of the cost; empty without.
        proposals: other widths within the budget, the frugal first.
    """

    name: str
    network: Network
    neighbours: tuple[Neighbours, ...]
    claims: tuple[Claim, ...]
    budget: Mapping[str, int]
    proposals: tuple[Proposal, ...]

    def __str__(self) -> str:
        from lenet.anatomy.balancing.text import render_balance

        return render_balance(self)


def balance(
    network: Network | str | os.PathLike[str],
    budget: Mapping[str, int] | None = None,
    name: str = "",
) -> Balance:
    """Hold the sizes of neighbouring layers against each other; propose widths within a budget.

    Args:
        network: a network, zoo name, notation or ``.json`` file.
        budget: the most that proposals may cost, by name: ``parameters``, ``macs`` (multiply-adds
            forward for one image), ``activations``, ``memory`` (bytes in use on one image).
        name: what to call it; by default its zoo name or file.

    Raises:
        UsageError: ``network`` names none, an unknown cost, or a budget that nothing fits into.
        ShapeError: the network does not fit together.
    """
    if not isinstance(network, Network):
        name = name or name_of(network)
        network = read_network(network)
    limits = checked_budget(budget or {})
    neighbours = neighbours_of(network)
    return Balance(
        name=name,
        network=network,
        neighbours=neighbours,
        claims=tuple(_claims(network, neighbours)),
        budget=limits,
        proposals=advise(network, limits) if limits else (),
    )


def neighbours_of(network: Network) -> tuple[Neighbours, ...]:
    """Every convolution and dense layer with the layer before it."""
    trained = [one.name for one in network.placed if isinstance(one.layer, Conv2d | Dense)]
    found = []
    for before, after in pairwise(network.placed):
        if not isinstance(after.layer, Conv2d | Dense):
            continue
        sizes = elements(before.output_shape), elements(after.output_shape)
        equal = sizes[0] / (sizes[1] // after.output_shape[0])
        is_output = after.name == trained[-1]
        found.append(Neighbours(before.name, after.name, *sizes, equal, is_output))
    return tuple(found)


def farthest(network: Network) -> float:
    """The largest ratio between neighbours, the output among them; 1 where there are none."""
    return max((one.ratio for one in neighbours_of(network)), default=1.0)


def balance_dict(found: Balance) -> dict[str, Any]:
    """The balance as JSON can hold it."""
    network = found.network
    return {
        "name": found.name,
        "network": str(network),
        "layers": [
            {"name": one.name, "output_shape": list(one.output_shape), "activations": size}
            for one, size in activations_of(network)
        ],
        "neighbours": [
            {
                "before": one.before,
                "after": one.after,
                "before_activations": one.before_activations,
                "after_activations": one.after_activations,
                "ratio": one.ratio,
                "near": one.near,
                "equal_width": one.equal_width,
                "is_output": one.is_output,
            }
            for one in found.neighbours
        ],
        "claims": [
            {"claim": one.text, "holds": one.holds, "evidence": one.evidence}
            for one in found.claims
        ],
        "costs": costs_of(network),
        "budget": dict(found.budget),
        "proposals": [
            {
                "what": one.what,
                "network": str(one.network),
                **one.costs,
                "farthest_neighbours": farthest(one.network),
            }
            for one in found.proposals
        ],
    }


def activations_of(network: Network) -> list[tuple[PlacedLayer, int]]:
    """Every layer with how many numbers leave it for one image."""
    return [(one, elements(one.output_shape)) for one in network.placed]


def _ratio(a: int, b: int) -> float:
    return max(a, b) / min(a, b)


def _claims(network: Network, neighbours: Sequence[Neighbours]) -> Iterator[Claim]:
    inner = [one for one in neighbours if not one.is_output]
    if inner:
        yield _equal_sizes(inner)
    convs = [one for one in network.placed if isinstance(one.layer, Conv2d)]
    if convs:
        yield from _more_channels(network, convs)
    if len(convs) > 1:
        yield _equal_parameters(convs)


def _equal_sizes(neighbours: Sequence[Neighbours]) -> Claim:
    apart = [one for one in neighbours if not one.near]
    told = [
        f"{one.before} {one.before_activations:,} and {one.after} {one.after_activations:,} "
        f"are {one.ratio:,.2f}x apart"
        for one in apart or [max(neighbours, key=lambda one: one.ratio)]
    ]
    evidence = _some(told) if apart else f"at most, {told[0]}"
    return Claim("neighbouring layers are about equally large", not apart, evidence)


def _more_channels(network: Network, convs: Sequence[PlacedLayer]) -> Iterator[Claim]:
    shapes = [network.input_shape, *(one.output_shape for one in convs)]
    steps = [(a, b) for a, b in pairwise(shapes) if b[1] * b[2] < a[1] * a[2]]
    if not steps:
        return
    against = [
        f"from {a[1]}x{a[2]} to {b[1]}x{b[2]} they go from {a[0]:,} to {b[0]:,}"
        for a, b in steps
        if b[0] <= a[0]
    ]
    channels = [f"{shape[0]:,}" for shape in shapes]
    if len(channels) > 8:
        channels[4:-3] = ["..."]
    evidence = _some(against) if against else f"channels {' -> '.join(channels)}"
    yield Claim("where maps get smaller, channels get more", not against, evidence)


def _equal_parameters(convs: Sequence[PlacedLayer]) -> Claim:
    pairs = list(pairwise((one.name, count_layer(one)) for one in convs))
    apart = [pair for pair in pairs if _parameter_ratio(*pair) > NEAR]
    shown = apart or [max(pairs, key=lambda pair: _parameter_ratio(*pair))]
    told = [
        f"{a} {one.parameters:,} and {b} {two.parameters:,} parameters are "
        f"{_ratio(one.parameters, two.parameters):,.2f}x apart (their multiply-adds "
        f"{_ratio(one.multiply_adds, two.multiply_adds):,.2f}x)"
        for (a, one), (b, two) in shown
    ]
    evidence = _some(told) if apart else f"at most, {told[0]}"
    return Claim("neighbouring convolutions have about as many parameters", not apart, evidence)


def _parameter_ratio(a: tuple[str, LayerCounts], b: tuple[str, LayerCounts]) -> float:
    return _ratio(a[1].parameters, b[1].parameters)


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - _MOST_EVIDENCE
    return "; ".join([*texts[:_MOST_EVIDENCE], *([f"and {more} more"] if more > 0 else [])])
