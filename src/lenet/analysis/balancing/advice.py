"""The adviser: channels and units that keep neighbours near each other within a budget.

Every proposal comes from a family of networks with one number t, the channels of the first layer,
in which all widths grow with t, and so do all costs. The largest t within the budget is found by
bisection. Two families, both after the seed's idea that neighbours should not differ much:

- even: every convolution gives as much as it gets (the seed's 13.5 channels for 6); the dense
  layers lead down to the output by one factor.
- one factor: all neighbours, convolutions too, are the same factor apart.

In both, channels never become fewer where maps become smaller, as the seed says of most networks.
The input and the last layer stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, prod
from typing import Final

from lenet.analysis.counts import count_network
from lenet.analysis.memory import FLOAT_BYTES, measure_memory
from lenet.errors import UsageError
from lenet.net import Conv2d, Layer, Network
from lenet.net.layers import MAX_SIZE, Trained
from lenet.net.network import rebuilt
from lenet.net.words import did_you_mean, shown
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
_ONE_FACTOR: Final = "all, one factor"
#: Halvings of the range of log t: widths up to MAX_SIZE come out exact.
_HALVINGS: Final = 40


@dataclass(frozen=True)
class Proposal:
    """Other widths for a network: ``what`` it aims at, and what it ``costs`` (as ``COSTS``)."""

    what: str
    network: Network
    costs: Mapping[str, int]


def costs_of(network: Network) -> dict[str, int]:
    """What ``network`` costs, by the names of ``COSTS``: memory is that in use on one image."""
    counts = count_network(network)
    return {
        "parameters": counts.parameters,
        "macs": counts.multiply_adds,
        "activations": counts.activations,
        "memory": measure_memory(network).inference(),
    }


def checked_budget(budget: Mapping[str, int]) -> dict[str, int]:
    """``budget`` as it was given.

    Raises:
        UsageError: an unknown cost, or no positive whole number.
    """
    for name, most in budget.items():
        if name not in COSTS:
            near = did_you_mean(str(name), COSTS)
            raise UsageError(
                f"the budget names {shown(name)}{near}; it may name {', '.join(COSTS)}."
            )
        if isinstance(most, bool) or not isinstance(most, int) or most < 1:
            raise UsageError(
                f"the budget for {name} is {shown(most)}; it must be a whole number from 1 up."
            )
    return dict(budget)


def advise(network: Network, budget: Mapping[str, int]) -> tuple[Proposal, ...]:
    """Widths for ``network`` within ``budget``, the frugal first; at least one.

    Raises:
        UsageError: even the least widths cost more; the message says how much.
        ShapeError: the network does not fit together.
    """
    frame = _Frame(network)
    least = costs_of(frame.network(frame.least))
    for name, most in budget.items():
        if least[name] > most:
            raise UsageError(
                f"the budget of {plural(most, COSTS[name])} is too small: even with one channel or "
                f"unit in every layer before the last, this network takes {least[name]:,}; give "
                "that or more, or a smaller network."
            )
    proposals: dict[Network, Proposal] = {}
    goals = [(what, share, frame.even) for what, share in _SHARES.items()]
    for what, share, family in [*goals, (_ONE_FACTOR, 1.0, frame.one_factor)]:
        limits = {name: int(most * share) for name, most in budget.items()}
        widths = _largest(frame, family, limits)
        if widths is not None and (chosen := frame.network(widths)) not in proposals:
            proposals[chosen] = Proposal(what, chosen, costs_of(chosen))
    if not proposals:  # a long chain of dense layers cannot be that thin and end in its output
        chosen = frame.network(frame.least)
        return (Proposal("the least there is", chosen, costs_of(chosen)),)
    return tuple(proposals.values())


_Family = Callable[[float], list[float]]


def _largest(frame: _Frame, family: _Family, limits: Mapping[str, int]) -> list[int] | None:
    """The widths of the largest member of ``family`` within ``limits``, if there is one."""

    def widths(exponent: float) -> list[int]:
        return frame.rounded(family(exp(exponent)))

    def fits(some: Sequence[int]) -> bool:
        costs = frame.costs(some)
        return all(costs[name] <= most for name, most in limits.items())

    low, high = -200.0, log(MAX_SIZE)
    if not fits(widths(low)):
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(widths(middle)) else (low, middle)
    return widths(low)


@dataclass(frozen=True)
class _Part:
    """A layer's sizes that do not depend on widths: positions are those of one channel."""

    layer: Layer
    positions_in: int
    positions_out: int


class _Frame:
    """A network without the widths of its convolutions and dense layers."""

    def __init__(self, network: Network) -> None:
        self.bare = network
        self.parts = [
            _Part(one.layer, prod(one.input_shape[1:]), prod(one.output_shape[1:]))
            for one in network.placed
        ]
        trained: dict[int, Trained] = {
            place: one.layer
            for place, one in enumerate(self.parts)
            if isinstance(one.layer, Trained)
        }
        self.trained = trained
        self.places = list(trained)
        #: The widths to choose are those of all but the last.
        self.output = trained[self.places[-1]].width if trained else 0
        self.least = [1] * (len(trained) - 1) + [self.output] * bool(trained)
        #: For each pair of neighbours, by how much the same width gives fewer numbers.
        self.gains = [
            self.parts[after - 1].positions_out / self.parts[after].positions_out
            for after in self.places[1:]
        ]

    def network(self, widths: Sequence[int]) -> Network:
        """The network with these channels and units, in order."""
        changes = {
            place: (layer.with_width(width),)
            for (place, layer), width in zip(self.trained.items(), widths, strict=True)
        }
        return rebuilt(self.bare, changes)

    def rounded(self, widths: Sequence[float]) -> list[int]:
        """Whole numbers within what a layer may have; the last layer's are its own."""
        chosen = [max(1, min(MAX_SIZE, round(width))) for width in widths[: len(self.least) - 1]]
        return [*chosen, *self.least[-1:]]

    def even(self, first: float) -> list[float]:
        """Convolutions equally large; dense layers lead to the output by one factor."""
        convs = sum(isinstance(self.trained[place], Conv2d) for place in self.places[:-1])
        widths = self._grown(first, 1.0, max(1, convs))
        hidden = len(self.trained) - 1 - len(widths)
        if hidden > 0:
            inputs = widths[-1] * (self.gains[len(widths) - 1] if convs else 1.0)
            steps = hidden + 1
            # Without convolutions the first dense layer is the start, with them it is a step.
            widths += [
                inputs ** (1 - k / steps) * self.output ** (k / steps) for k in range(1, steps)
            ]
        return widths

    def one_factor(self, first: float) -> list[float]:
        """All neighbours the same factor apart."""
        pairs = len(self.gains)
        if pairs == 0:
            return [first]
        log_factor = (log(self.output) - log(first) - sum(map(log, self.gains))) / pairs
        return self._grown(first, exp(log_factor), pairs)

    def _grown(self, first: float, factor: float, count: int) -> list[float]:
        """Widths that give ``factor`` times what they get; no fewer channels on smaller maps."""
        widths = [first]
        for pair, gain in enumerate(self.gains[: count - 1]):
            before, after = (self.parts[self.places[pair + k]] for k in (0, 1))
            width = widths[-1] * gain * factor
            shrinks = after.positions_out < before.positions_out
            if shrinks and isinstance(after.layer, Conv2d):
                width = max(width, widths[-1])
            widths.append(min(width, 1e12))
        return widths

    def costs(self, widths: Sequence[int]) -> dict[str, int]:
        """What :func:`costs_of` says of the network with these widths, without building it."""
        width = iter(widths)
        channels = self.bare.input_shape[0]
        parameters = statistics = macs = activations = largest = 0
        for part in self.parts:
            layer, inputs = part.layer, channels * part.positions_in
            if isinstance(layer, Trained):
                seen, normalised = inputs, False
                if isinstance(layer, Conv2d):
                    seen, normalised = channels * prod(layer.kernel_size), layer.batch_norm
                channels = next(width)
                parameters += (seen + 1 + normalised) * channels
                statistics += 2 * channels * normalised
                macs += seen * channels * part.positions_out
            outputs = channels * part.positions_out
            activations += outputs
            largest = max(largest, inputs + outputs)
        memory = FLOAT_BYTES * (parameters + statistics + largest)
        return dict(zip(COSTS, (parameters, macs, activations, memory), strict=True))
