"""From a figure to a network: each step solved, ranked, named, and joined into a whole."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from lenet.analysis.counts import count_layer
from lenet.analysis.deduction import budget, priors
from lenet.analysis.deduction.figure import Figure, Stage, read_figure
from lenet.analysis.deduction.given import Given, read_given
from lenet.analysis.deduction.impossible import impossible
from lenet.analysis.deduction.priors import CONV, Candidate, Form
from lenet.analysis.deduction.result import Deduction, Step
from lenet.analysis.deduction.solve import Axis, windows
from lenet.analysis.deduction.wording import reasoning
from lenet.errors import UsageError
from lenet.net import Dense, Layer, MaxPool2d, Network, PlacedLayer
from lenet.net.layers import ACTIVATIONS
from lenet.net.words import did_you_mean, shown

#: Of a long list of layers' names, an error shows so many.
_SHOWN: Final = 12
#: A network is shown in an error if its notation is no longer than this.
_LONGEST_SHOWN: Final = 500


def deduce(
    figure: str,
    *,
    given: str | Iterable[str] = (),
    params: int | str | None = None,
    activation: str = "relu",
) -> Deduction:
    """Find the network behind a figure that shows only shapes; ``print`` the result to read it.

    Args:
        figure: the shapes in order, such as ``32x32 -> 6@28x28 -> 6@14x14 -> 120 -> 10``.
        given: what is known of single layers, each in the notation's words: ``conv1 k5``.
        params: at most so many parameters in all (``60000``), or exactly (``"=61706"``).
        activation: of every convolution and dense layer but the last dense one.

    Raises:
        NotationError: the figure or what is given cannot be read, or a step is impossible; the
            error shows the place.
        UsageError: no combination has so few parameters, or an argument cannot be meant.
    """
    if activation not in ACTIVATIONS:
        raise UsageError(
            f"activation is {shown(activation)}; it must be one of {', '.join(ACTIVATIONS)}."
        )
    limit = None if params is None else budget.read_limit(params)
    constraints = [read_given(text) for text in ([given] if isinstance(given, str) else given)]
    read = read_figure(figure)
    solved = _solve(read, constraints)
    chosen = [one.candidates[0] for one in solved]
    if limit:
        chosen = _within(solved, chosen, limit, activation)
    return _deduction(read, solved, chosen, activation)


@dataclass(frozen=True)
class _Solved:
    """A step before it is known which candidate is taken."""

    source: Stage
    target: Stage
    given: Given
    axes: tuple[tuple[Axis, ...], tuple[Axis, ...]]
    candidates: tuple[Candidate, ...]

    @property
    def kind(self) -> str:
        """The likeliest kind, even where no candidate is left."""
        if self.candidates:
            return self.candidates[0].kind
        return next(iter(priors.kinds(self.source, self.target)), CONV)

    def layer(self, candidate: Candidate, activation: str) -> Layer:
        average = self.given.average
        if average is None:
            average = priors.is_average(self.target.name)
        known = self.given
        return candidate.layer(
            self.target.shape[0], known.activation or activation, average, bool(known.batch_norm)
        )

    def parameters(self, candidate: Candidate) -> int:
        layer = self.layer(candidate, "identity")
        source, target = _as_maps(self.source), _as_maps(self.target)
        return count_layer(PlacedLayer("", 0, layer, source, target)).parameters


def _solve(figure: Figure, constraints: Sequence[Given]) -> list[_Solved]:
    """The candidates of every step, with each constraint applied to the layer it names."""
    left = list(constraints)
    names: list[str] = []
    solved: list[_Solved] = []
    earlier: set[Form] = set()
    for source, target in pairwise(figure.stages):
        free = one = _solve_step(source, target, Given(), earlier)
        # A constraint may make the layer another kind, and so give it another name.
        while found := next((g for g in left if g.target in _names(one, names)), None):
            left.remove(found)
            one = _solve_step(source, target, one.given.joined(found), earlier)
        if not one.candidates:
            raise impossible(figure.text, source, target, one.given, _name(free.kind, names))
        names.append(_name(one.kind, names))
        solved.append(one)
        earlier.add(one.candidates[0].form)
    if left:
        near = did_you_mean(left[0].target, names)
        raise UsageError(
            f"{shown(left[0].text)} names no layer of this figure{near}; it has "
            f"{', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}."
        )
    return solved


def _solve_step(source: Stage, target: Stage, given: Given, earlier: Container[Form]) -> _Solved:
    axes = _axes(source, target, given)
    allowed = [kind for kind in priors.kinds(source, target) if given.allows(kind)]
    candidates = priors.rank(source, target, allowed, axes, earlier)
    return _Solved(source, target, given, axes, candidates)


def _axes(source: Stage, target: Stage, given: Given) -> tuple[tuple[Axis, ...], tuple[Axis, ...]]:
    """The windows that fit the height and those that fit the width; a vector has none."""
    if len(source.shape) == 1:
        return (), ()
    if len(target.shape) == 3:
        heights, widths = map(windows, source.shape[1:], target.shape[1:], given.axes())
        return heights, widths
    # To a vector: a kernel as large as the map, as in C5 of LeNet-5.
    heights, widths = (
        tuple(axis for axis in (Axis(size, 1),) if known.allows(axis))
        for size, known in zip(source.shape[1:], given.axes(), strict=True)
    )
    return heights, widths


def _names(one: _Solved, names: Sequence[str]) -> set[str]:
    """What a constraint may call the step: the layer's name so far, and the figure's own."""
    return {_name(one.kind, names), one.target.name.lower()} - {""}


def _name(kind: str, names: Sequence[str]) -> str:
    return f"{kind}{sum(name.startswith(kind) for name in names)}"


def _within(
    solved: Sequence[_Solved], chosen: list[Candidate], limit: budget.Limit, activation: str
) -> list[Candidate]:
    """The best combination of candidates that keeps the limit."""
    if limit.holds(sum(one.parameters(c) for one, c in zip(solved, chosen, strict=True))):
        return chosen
    options = [[(one.parameters(c), c.score) for c in one.candidates] for one in solved]
    choice = budget.choose(options, limit)
    chosen = [one.candidates[index] for one, index in zip(solved, choice.indices, strict=True)]
    if not limit.holds(choice.parameters):
        has = "has" if choice.is_certain else "was found that has"
        network = str(_network(solved, chosen, activation))
        shown_as = f": {network}" if len(network) <= _LONGEST_SHOWN else ""
        raise UsageError(
            f"no combination {has} {limit} parameters; the nearest has {choice.parameters:,}"
            f"{shown_as}."
        )
    return chosen


def _network(solved: Sequence[_Solved], chosen: Sequence[Candidate], activation: str) -> Network:
    layers = [one.layer(c, activation) for one, c in zip(solved, chosen, strict=True)]
    last = layers[-1]
    if isinstance(last, Dense) and not solved[-1].given.activation:
        layers[-1] = Dense(last.units)
    start = _as_maps(solved[0].source)
    return Network(start, layers)


def _as_maps(stage: Stage) -> tuple[int, int, int]:
    """A vector as so many channels of one pixel: a dense layer sees no difference."""
    channels, height, width = stage.shape if len(stage.shape) == 3 else (stage.shape[0], 1, 1)
    return channels, height, width


def _deduction(
    figure: Figure, solved: Sequence[_Solved], chosen: Sequence[Candidate], activation: str
) -> Deduction:
    network = _network(solved, chosen, activation)
    steps: list[Step] = []
    for one, candidate, placed in zip(solved, chosen, network.placed, strict=True):
        step = Step(
            name=placed.name,
            source=one.source,
            target=one.target,
            candidates=one.candidates,
            chosen=candidate,
            layer=placed.layer,
            heights=one.axes[0],
            widths=one.axes[1],
            given=one.given.text if one.given.decides else "",
        )
        steps.append(replace(step, reasoning=tuple(reasoning(step, steps))))
    parameters = sum(count_layer(placed).parameters for placed in network.placed)
    return Deduction(figure, tuple(steps), network, parameters, tuple(_assumed(figure, steps)))


def _assumed(figure: Figure, steps: Sequence[Step]) -> Iterator[str]:
    """What no figure of shapes can tell."""
    first = figure.stages[0]
    if len(first.shape) == 1:
        yield f"The input is a vector: the network takes it as {first}@1x1."
    if pool := next((step for step in steps if isinstance(step.layer, MaxPool2d)), None):
        yield (
            "Shapes do not tell the maximum from the mean: pooling takes the maximum "
            f'(--given "{pool.name} avgpool" for the mean).'
        )
