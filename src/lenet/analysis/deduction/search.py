"""From a figure to a network: each step solved, ranked and named, and joined into a whole."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from lenet.analysis.deduction.constraints import Given, Limit, choose, read_given
from lenet.analysis.deduction.figure import Figure, Stage
from lenet.analysis.deduction.windows import (
    CONV,
    MAX_KERNEL,
    SPELLED,
    Axes,
    Axis,
    Candidate,
    is_average,
    kinds,
    rank,
    windows,
)
from lenet.errors import NotationError, UsageError
from lenet.net import Dense, Layer, Network
from lenet.net.layers import Windowed, padding_text
from lenet.net.words import did_you_mean, shown

#: Of a long list of layers' names, an error shows so many.
_SHOWN: Final = 12
#: A network is shown in an error if its notation is no longer than this.
_LONGEST_SHOWN: Final = 500
#: The kernel that is proposed where a map grows.
_KERNEL: Final = 3


@dataclass(frozen=True)
class Step:
    """One arrow of the figure: what leads from ``source`` to ``target``.

    Attributes:
        name: the layer's name in the network, such as conv0.
        candidates: what fits, best first: on a square map the windows that are the same on both
            axes, else those with a square kernel and one stride, where there are any.
        chosen: the candidate that is in the network; the first, unless a limit on the parameters
            made another one better.
        layer: the same as a layer.
        heights: every window that fits the height; any of them can go with any of the widths.
        widths: every window that fits the width.
        given: what was known beforehand of its kind or window, as it was given.
        reasoning: why it was chosen, in sentences.
    """

    name: str
    source: Stage
    target: Stage
    candidates: tuple[Candidate, ...]
    chosen: Candidate
    layer: Layer
    heights: tuple[Axis, ...] = ()
    widths: tuple[Axis, ...] = ()
    given: str = ""
    reasoning: tuple[str, ...] = ()

    @property
    def ties(self) -> tuple[Candidate, ...]:
        """The other candidates that are as good as the chosen one."""
        return tuple(
            one for one in self.candidates if one.score == self.chosen.score and one != self.chosen
        )

    def of_kind(self, kind: str) -> tuple[Candidate, ...]:
        """Return the candidates of one kind, best first."""
        return tuple(one for one in self.candidates if one.kind == kind)

    def fits(self, layer: Layer) -> bool:
        """Is ``layer`` among all that was found, with any window on either axis?

        Padding is compared as the total of both sides; channels and activation are not compared.
        """
        if not self.of_kind(layer.stem) or not isinstance(layer, Windowed):
            return bool(self.of_kind(layer.stem))
        return all(
            (layer.kernel_size[i], layer.stride[i], layer.total_padding[i])
            in {(axis.kernel, axis.stride, axis.padding) for axis in axes}
            for i, axes in enumerate((self.heights, self.widths))
        )


@dataclass(frozen=True)
class _Solved:
    """A step before it is known which candidate is taken."""

    source: Stage
    target: Stage
    given: Given
    axes: Axes
    candidates: tuple[Candidate, ...]

    def name(self, names: Sequence[str]) -> str:
        """Its likeliest name, even where no candidate is left, after layers of these names."""
        possible = kinds(self.source.shape, self.target.shape)
        kind = self.candidates[0].kind if self.candidates else [*possible, CONV][0]
        return f"{kind}{sum(name.startswith(kind) for name in names)}"

    def layer(self, candidate: Candidate, activation: str) -> Layer:
        known = self.given.known
        return candidate.layer(
            self.target.shape[0],
            known.get("activation", activation),
            known.get("average", is_average(self.target.name)),
            known.get("batch_norm", False),
        )

    def parameters(self, candidate: Candidate) -> int:
        tensors = self.layer(candidate, "identity").tensors(self.source.shape)
        return sum(tensor.size for tensor in tensors if tensor.trained)


def find_steps(
    figure: Figure, given: str | Iterable[str], limit: Limit | None, activation: str
) -> tuple[Network, list[Step]]:
    """Find the layer behind every arrow of a figure, and the network that they make.

    Raises:
        NotationError: what is given cannot be read, or a step is impossible; the error shows the
            place.
        UsageError: what is given names no layer or contradicts itself, or no combination keeps
            the limit.
    """
    solved = _solve(
        figure, [read_given(text) for text in ([given] if isinstance(given, str) else given)]
    )
    chosen = [step.candidates[0] for step in solved]
    if limit:
        chosen = _within(solved, chosen, limit, activation)
    network = _network(solved, chosen, activation)
    steps = [
        Step(
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
        for one, candidate, placed in zip(solved, chosen, network.placed, strict=True)
    ]
    return network, steps


def _solve(figure: Figure, constraints: list[Given]) -> list[_Solved]:
    """The candidates of every step, with each constraint applied to the layer it names."""
    names: list[str] = []
    solved: list[_Solved] = []
    earlier: set[tuple[str, tuple[Axis, ...]]] = set()
    for source, target in pairwise(figure.stages):
        free = step = _solve_step(source, target, Given(), earlier)
        # A constraint may make the layer another kind, and so give it another name.
        while found := _find_given(constraints, {step.name(names), target.name.lower()}):
            constraints.remove(found)
            step = _solve_step(source, target, step.given.joined(found), earlier)
        if not step.candidates:
            why = _why_impossible(source, target, step.given, free.name(names))
            what = f"{free.name(names)}, {source} -> {target}, is impossible"
            raise NotationError(f"{what}: {why}", figure.text, target.position)
        names.append(step.name(names))
        solved.append(step)
        earlier.add(step.candidates[0].form)
    if constraints:
        near = did_you_mean(constraints[0].target, names)
        more = ", ..." if len(names) > _SHOWN else ""
        raise UsageError(
            f"{shown(constraints[0].text)} names no layer of this figure{near}; it has "
            f"{', '.join(names[:_SHOWN])}{more}."
        )
    return solved


def _find_given(constraints: Iterable[Given], names: Container[str]) -> Given | None:
    """Return the first constraint that calls its layer by one of ``names``."""
    return next((given for given in constraints if given.target and given.target in names), None)


def _solve_step(
    source: Stage, target: Stage, given: Given, earlier: Container[tuple[str, tuple[Axis, ...]]]
) -> _Solved:
    axes = _axes(source.shape, target.shape, given)
    allowed = [kind for kind in kinds(source.shape, target.shape) if given.allows(kind)]
    candidates = rank(source.shape, target.shape, target.name, allowed, axes, earlier)
    return _Solved(source, target, given, axes, candidates)


def _axes(source: tuple[int, ...], target: tuple[int, ...], given: Given) -> Axes:
    """The windows that fit the height and those that fit the width; a vector has none."""
    if len(source) == 1:
        return (), ()
    if len(target) == 3:
        heights, widths = map(windows, source[1:], target[1:], given.axes())
        return heights, widths
    # To a vector: a kernel as large as the map, as in C5 of LeNet-5.
    whole = [(Axis(size, 1), known) for size, known in zip(source[1:], given.axes(), strict=True)]
    heights, widths = ((axis,) if known.allows(axis) else () for axis, known in whole)
    return heights, widths


def _within(
    solved: Sequence[_Solved], chosen: list[Candidate], limit: Limit, activation: str
) -> list[Candidate]:
    """The best combination of candidates that keeps the limit."""
    options = [[(one.parameters(c), c.score) for c in one.candidates] for one in solved]
    if limit.holds(sum(candidates[0][0] for candidates in options)):
        return chosen
    choice = choose(options, limit)
    chosen = [one.candidates[index] for one, index in zip(solved, choice.indices, strict=True)]
    if not limit.holds(choice.parameters):
        has = "has" if choice.is_certain else "was found that has"
        notation = str(_network(solved, chosen, activation))
        raise UsageError(
            f"no combination {has} {limit} parameters; the nearest has {choice.parameters:,}"
            f"{f': {notation}' if len(notation) <= _LONGEST_SHOWN else ''}."
        )
    return chosen


def _network(solved: Sequence[_Solved], chosen: Sequence[Candidate], activation: str) -> Network:
    layers = [one.layer(c, activation) for one, c in zip(solved, chosen, strict=True)]
    if isinstance(layers[-1], Dense) and "activation" not in solved[-1].given.known:
        layers[-1] = layers[-1].replace(activation="identity")
    # A vector comes as so many channels of one pixel: a dense layer sees no difference.
    return Network((*solved[0].source.shape, 1, 1)[:3], layers)


def _why_impossible(source: Stage, target: Stage, given: Given, name: str) -> str:
    """Say why a step has no candidates, and what would make it possible.

    ``name`` is what the layer would be called.
    """
    possible = kinds(source.shape, target.shape)
    drop = f"drop {shown(given.text)}"
    pairs = list(zip(source.shape[1:], target.shape[1:], strict=False))
    if not possible:
        return (
            f"a vector cannot become maps again; put {target} before the first vector, or write "
            f"{source} as maps too."
        )
    if "batch_norm" in given.known and not any(map(given.allows, possible)):
        return f"only a convolution is normalised; {drop}."
    if given.known.get("kind", possible[0]) not in possible:
        before, after = source.shape[0], target.shape[0]
        what = "what ends in a vector"
        if len(target.shape) == 3:
            what = f"what turns {before} channels into {after}"
        kind = " or a ".join(SPELLED[kind] for kind in possible)
        return f"{what} is a {kind}; {drop} or change the figure."
    if "padding" not in given.known and not all(windows(*pair) for pair in pairs):
        return _why_too_large(pairs, name)
    if len(source.shape) == 1:
        return f"vectors have no windows; {drop}."
    remedy = drop
    if len(target.shape) == 3:
        axes = _axes(source.shape, target.shape, Given())
        free = rank(source.shape, target.shape, "", possible, axes, ())
        if free:
            remedy += f", and a {free[0].describe()} fits"
    blocked = [
        f"{pair[1]} of {pair[0]}"
        for pair, known in zip(pairs, given.axes(), strict=False)
        if not windows(*pair, known)
    ]
    if not blocked:
        return f"no kernel up to {MAX_KERNEL} that fits agrees with {shown(given.text)}; {remedy}."
    sizes = " or ".join(dict.fromkeys(blocked))
    return f"with {shown(given.text)} no window makes {sizes} pixels; {remedy}."


def _why_too_large(pairs: Sequence[tuple[int, int]], name: str) -> str:
    """Say what padding a map needs that grows."""
    paddings = [result - size + _KERNEL - 1 for size, result in pairs]
    remedy = ""
    if min(paddings) >= 0:
        top, left = (padding // 2 for padding in paddings)
        sides = padding_text((top, paddings[0] - top, left, paddings[1] - left))
        remedy = f"give '{name} k{_KERNEL} p{sides}' if that is meant, or "
    needs = " and ".join(
        f"{padding} on the {axis}"
        for axis, padding, (size, result) in zip(("height", "width"), paddings, pairs, strict=True)
        if result > size
    )
    most = "x".join(str(min(pair)) for pair in pairs)
    return (
        "a map grows only if its padding, both sides together, is as large as the kernel or larger "
        f"({needs} for a {_KERNEL}x{_KERNEL} kernel); {remedy}make the output {most} or smaller."
    )
