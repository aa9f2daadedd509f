"""Are neighbouring layers about equally large? The ratios, what is claimed, and proposals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from lenet.analysis.balancing.advice import Proposal, advise, checked_budget
from lenet.analysis.balancing.budget import read_budget
from lenet.analysis.counts import LayerCounts, count_layer
from lenet.analysis.prose import chain
from lenet.analysis.ratios import Neighbours, is_near, neighbours_of, ratio_of
from lenet.analysis.units import times
from lenet.net import Conv2d, Network, PlacedLayer, Source, read_named
from lenet.net.shapes import elements

#: Of more evidence, the rest is only counted.
_MOST_EVIDENCE: Final = 3


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

    def to_dict(self) -> dict[str, Any]:
        """The balance as JSON can hold it: dicts, lists, numbers and strings."""
        from lenet.analysis.balancing.document import to_dict

        return to_dict(self)

    def __str__(self) -> str:
        from lenet.analysis.balancing.text import render_balance
        from lenet.terminal import can_show, columns

        return render_balance(self, columns(), "█" if can_show("█") else "#")


def balance(
    network: Source,
    budget: Mapping[str, int] | Iterable[str] | str | None = None,
    name: str = "",
) -> Balance:
    """Hold the sizes of neighbouring layers against each other; propose widths within a budget.

    Args:
        network: a network, zoo name, notation or ``.json`` file.
        budget: the most that proposals may cost, by name: ``parameters``, ``macs`` (multiply-adds
            forward for one image), ``activations``, ``memory`` (bytes in use on one image); or
            texts such as ``macs=300k`` and ``memory=256KiB``.
        name: what to call it; by default its zoo name or file.

    Raises:
        UsageError: ``network`` names none, an unknown cost, or a budget that nothing fits into.
        ShapeError: the network does not fit together.
    """
    network, name = read_named(network, name)
    limits = checked_budget(read_budget(budget or {}))
    neighbours = neighbours_of(network)
    return Balance(
        name=name,
        network=network,
        neighbours=neighbours,
        claims=tuple(_claims(network, neighbours)),
        budget=limits,
        proposals=advise(network, limits) if limits else (),
    )


def farthest(network: Network) -> float:
    """The largest ratio between neighbours, the output among them; 1 where there are none."""
    return max((one.ratio for one in neighbours_of(network)), default=1.0)


def activations_of(network: Network) -> list[tuple[PlacedLayer, int]]:
    """Every layer with how many numbers leave it for one image."""
    return [(one, elements(one.output_shape)) for one in network.placed]


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
        f"are {times(one.ratio)} apart"
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
        f"from {a[1]}x{a[2]} to {b[1]}x{b[2]} channels go from {a[0]:,} to {b[0]:,}"
        for a, b in steps
        if b[0] <= a[0]
    ]
    evidence = _some(against) if against else chain(f"{shape[0]:,}" for shape in shapes)
    yield Claim("smaller maps have more channels", not against, evidence)


def _equal_parameters(convs: Sequence[PlacedLayer]) -> Claim:
    pairs = list(pairwise((one.name, count_layer(one)) for one in convs))
    apart = [pair for pair in pairs if not is_near(_parameter_ratio(*pair))]
    shown = apart or [max(pairs, key=lambda pair: _parameter_ratio(*pair))]
    told = [
        f"{a} {one.parameters:,} and {b} {two.parameters:,} parameters are "
        f"{times(ratio_of(one.parameters, two.parameters))} apart (their multiply-adds "
        f"{times(ratio_of(one.multiply_adds, two.multiply_adds))})"
        for (a, one), (b, two) in shown
    ]
    evidence = _some(told) if apart else f"at most, {told[0]}"
    return Claim("neighbouring convolutions have about as many parameters", not apart, evidence)


def _parameter_ratio(a: tuple[str, LayerCounts], b: tuple[str, LayerCounts]) -> float:
    return ratio_of(a[1].parameters, b[1].parameters)


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - _MOST_EVIDENCE
    return "; ".join([*texts[:_MOST_EVIDENCE], *([f"and {more} more"] if more > 0 else [])])
