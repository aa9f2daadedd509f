"""The adviser: channels and units that keep neighbours near each other within a budget.

Every proposal comes from a family of networks with one number t, the channels of the first layer,
in which all widths grow with t, and so do all costs. The largest t within the budget is found by
bisection. Two families, both after the article's idea that neighbours should not differ much:

- even: every convolution gives as much as it gets (the article's 13.5 channels for 6); the dense
  layers lead down to the output by one factor.
- one factor: all neighbours, convolutions too, are the same factor apart.

In both, channels never become fewer where maps become smaller, as the article says of most
networks. The input and the last layer stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from math import exp, lcm, log, prod
from typing import Final

from lenet.analysis import given
from lenet.analysis.counts import count_network, measure_memory
from lenet.errors import UsageError
from lenet.net import Network
from lenet.net.layers import MAX_SIZE, Trained
from lenet.net.network import rebuilt
from lenet.writing.numbers import plural

#: What a budget may limit, and what people call one of it.
COSTS: Final = {
    "parameters": "parameter",
    "macs": "multiply-add",
    "activations": "activation",
    "memory": "byte",
}
#: How much of the budget the proposals of the even family may take.
_SHARES: Final = {"a quarter of it": 0.25, "half of it": 0.5, "all of it": 1.0}
#: The least log t that is tried, and how often its range is halved at most: widths up to MAX_SIZE
#: come out exact.
_LEAST_LOG: Final = -200.0
_HALVINGS: Final = 40
#: Widths are cut here, long before they overflow.
_WIDEST: Final = 1e12


@dataclass(frozen=True)
class Proposal:
    """Other widths for a network: ``what`` it aims at, and what it ``costs`` (as ``COSTS``)."""

    what: str
    network: Network
    costs: Mapping[str, int]


def costs_of(network: Network) -> dict[str, int]:
    """Return what ``network`` costs, by the names of ``COSTS``: memory is in use on one image."""
    counts = count_network(network)
    return {
        "parameters": counts.parameters,
        "macs": counts.multiply_adds,
        "activations": counts.activations,
        "memory": measure_memory(network).inference(),
    }


def read_budget(budget: Mapping[str, int] | Iterable[str] | str) -> dict[str, int]:
    """Read a table of numbers, or texts: ``parameters=60000``, ``macs=300k``, ``memory=256KiB``."""
    return given.read_budget(budget, COSTS, "parameters=60000 or memory=256kB")


def advise(network: Network, budget: Mapping[str, int]) -> tuple[Proposal, ...]:
    """Propose widths for ``network`` within ``budget``, the frugal first; at least one."""
    frame = Frame(network)
    smallest = frame.network(frame.least)
    least = costs_of(smallest)
    for name, most in budget.items():
        if least[name] > most:
            raise UsageError(
                f"the budget of {plural(most, COSTS[name])} is too small: even with the fewest "
                f"channels and units in every layer before the last, this network takes "
                f"{least[name]:,}; give that or more, or a smaller network."
            )
    proposals: dict[Network, Proposal] = {}
    goals = [(what, share, frame.even) for what, share in _SHARES.items()]
    for what, share, family in [*goals, ("all, one factor", 1.0, frame.one_factor)]:
        limits = {name: int(most * share) for name, most in budget.items()}
        widths = largest(frame, family, partial(_is_within, limits=limits))
        if widths is not None and (chosen := frame.network(widths)) not in proposals:
            proposals[chosen] = Proposal(what, chosen, costs_of(chosen))
    if not proposals:  # a long chain of dense layers cannot be that thin and end in its output
        return (Proposal("the least there is", smallest, least),)
    return tuple(proposals.values())


def _is_within(network: Network, limits: Mapping[str, int]) -> bool:
    costs = costs_of(network)
    return all(costs[name] <= most for name, most in limits.items())


def largest(
    frame: Frame, family: Callable[[float], list[float]], is_within: Callable[[Network], bool]
) -> list[int] | None:
    """Return the widths of the largest member of ``family`` within limits, if there is one."""

    def widths(log_first: float) -> list[int]:
        return frame.rounded(family(exp(log_first)))

    @cache  # most halvings lead to widths that were tried
    def fits(*some: int) -> bool:
        return is_within(frame.network(some))

    low, high = _LEAST_LOG, log(MAX_SIZE)
    if not fits(*widths(low)):
        return None
    for _ in range(_HALVINGS):
        if widths(low) == widths(high):
            break
        middle = (low + high) / 2
        low, high = (middle, high) if fits(*widths(middle)) else (low, middle)
    return widths(low)


class Frame:
    """A network without the widths of its convolutions and dense layers."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._trained: dict[int, Trained] = {
            i: layer for i, layer in enumerate(network.layers) if isinstance(layer, Trained)
        }
        places, layers = list(self._trained), list(self._trained.values())
        #: How many places one channel of every layer's output has; a dense layer's unit has one.
        positions = [prod(placed.output_shape[1:]) for placed in network.placed]
        #: For each pair of neighbours, by how much the same width gives fewer numbers, and whether
        #: the later is a convolution on smaller maps.
        self._gains = [positions[place - 1] / positions[place] for place in places[1:]]
        self._shrinks = [
            not self._trained[after].flattens and positions[after] < positions[before]
            for before, after in pairwise(places)
        ]
        self._convs = sum(not layer.flattens for layer in layers[:-1])
        #: What each width must be a multiple of, for the layer's own groups and the next one's.
        self._units = [lcm(layer.unit, after.unit) for layer, after in pairwise(layers)]
        #: The smallest widths that the layers may have; the last layer's is its own.
        self.least = [*self._units, *(layer.width for layer in layers[-1:])]

    def network(self, widths: Sequence[int]) -> Network:
        before = [self._network.input_shape[0], *widths][: len(widths)]
        layers = zip(self._trained.items(), widths, before, strict=True)
        changes = {
            place: (layer.with_width(width).given(channels),)
            for (place, layer), width, channels in layers
        }
        return rebuilt(self._network, changes)

    def rounded(self, widths: Sequence[float]) -> list[int]:
        """Return whole numbers within what a layer may have; the last layer's are its own."""
        chosen = [
            unit * max(1, min(MAX_SIZE // unit, round(width / unit)))
            for width, unit in zip(widths, self._units, strict=False)
        ]
        return [*chosen, *self.least[-1:]]

    def even(self, first: float) -> list[float]:
        """Make convolutions equally large; dense layers lead to the output by one factor."""
        widths = self._grown(first, 1.0, max(1, self._convs))
        steps = len(self._trained) - len(widths)
        if steps > 1:
            inputs, output = widths[-1], self.least[-1]
            if self._convs:  # else the first dense layer is the start and not a step
                inputs *= self._gains[len(widths) - 1]
            widths += [inputs ** (1 - k / steps) * output ** (k / steps) for k in range(1, steps)]
        return widths

    def one_factor(self, first: float) -> list[float]:
        pairs = len(self._gains)
        if pairs == 0:
            return [first]
        log_factor = (log(self.least[-1]) - log(first) - sum(map(log, self._gains))) / pairs
        return self._grown(first, exp(log_factor), pairs)

    def _grown(self, first: float, factor: float, count: int) -> list[float]:
        """Give ``factor`` times what comes in; no fewer channels on smaller maps."""
        widths = [first]
        for gain, shrinks in list(zip(self._gains, self._shrinks, strict=True))[: count - 1]:
            width = widths[-1] * gain * factor
            widths.append(min(max(width, widths[-1]) if shrinks else width, _WIDEST))
        return widths
