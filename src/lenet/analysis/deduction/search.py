"""From a figure to a network: each step solved, ranked and named, and joined into a whole.

Under a limit on the parameters, the best combination of candidates is looked for. The candidates of
a step differ in few parameter counts, and only the best of each count matters. The steps are
halved, and each sum of one half is met with what the other half lacks. Under a limit that is not
exact, a sum is dropped where another is both smaller and better, so no more are kept than there are
scores.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from math import inf
from typing import Final

from lenet.analysis.deduction.figure import Figure, Given, Limit, Stage
from lenet.analysis.deduction.windows import (
    CONV,
    MAX_KERNEL,
    SPELLED,
    Axes,
    Axis,
    Candidate,
    Form,
    is_named,
    kinds,
    rank,
    windows,
)
from lenet.errors import NotationError, UsageError, about
from lenet.net import Layer, Network, Shape
from lenet.net.layers import Windowed, padding_text
from lenet.net.words import did_you_mean, shown

#: Of a long list of layers' names, an error shows so many.
_SHOWN: Final = 12
#: A network is shown in an error if its notation and ": " are no longer than this.
_LONGEST_SHOWN: Final = 502
#: The kernel that is proposed where a map grows.
_KERNEL: Final = 3
#: About how many partial sums are kept in all: bounds time and memory where steps are many.
_MOST_SUMS: Final = 50_000

#: Of every candidate of a step, its parameters and its score.
Options = Sequence[tuple[int, int]]
#: Per sum of parameters: the score, and the index of what was chosen in each step.
_Sums = dict[int, tuple[int, tuple[int, ...]]]


@dataclass(frozen=True)
class Step:
    """One arrow of the figure: what leads from ``source`` to ``target``."""

    name: str  # the layer's name in the network, such as conv0
    source: Stage
    target: Stage
    candidates: tuple[Candidate, ...]  # what fits, best first
    chosen: Candidate  # the first, unless a limit on the parameters made another one better
    layer: Layer  # the same as a layer
    heights: tuple[Axis, ...] = ()  # every window that fits the height
    widths: tuple[Axis, ...] = ()  # and the width; any goes with any of the heights
    given: str = ""  # what was known beforehand of its kind or window, as it was given
    reasoning: tuple[str, ...] = ()  # why it was chosen, in sentences

    @property
    def ties(self) -> tuple[Candidate, ...]:
        """The other candidates that are as good as the chosen one."""
        chosen = self.chosen
        return tuple(c for c in self.candidates if c.score == chosen.score and c != chosen)

    def of_kind(self, kind: str) -> tuple[Candidate, ...]:
        return tuple(candidate for candidate in self.candidates if candidate.kind == kind)

    def fits(self, layer: Layer) -> bool:
        """Is ``layer`` among all that was found, but for its width, activation and sides?"""
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
            known.get("average", is_named("average", self.target.name)),
            known.get("batch_norm", False),
        )

    def parameters(self, candidate: Candidate) -> int:
        tensors = self.layer(candidate, "identity").tensors(self.source.shape)
        return sum(tensor.size for tensor in tensors if tensor.trained)


def find_steps(
    figure: Figure, given: Iterable[Given], limit: Limit | None, activation: str
) -> tuple[Network, list[Step]]:
    """Find the layer behind every arrow of a figure, and the network that they make."""
    solved = _solve(figure, list(given))
    chosen = [step.candidates[0] for step in solved]
    if limit:
        chosen = _within(solved, chosen, limit, activation)
    network = _network(solved, chosen, activation)
    steps = []
    for step, candidate, placed in zip(solved, chosen, network.placed, strict=True):
        known = step.given.text if step.given.decides else ""
        facts = step.source, step.target, step.candidates, candidate, placed.layer
        steps.append(Step(placed.name, *facts, *step.axes, known))
    return network, steps


def _solve(figure: Figure, constraints: list[Given]) -> list[_Solved]:
    """The candidates of every step, with each constraint applied to the layer it names."""
    names: list[str] = []
    solved: list[_Solved] = []
    earlier: set[Form] = set()
    for source, target in pairwise(figure.stages):
        free = step = _solve_step(source, target, Given(), earlier)
        # A constraint may make the layer another kind, and so give it another name.
        while mine := [
            g for g in constraints if g.target in (step.name(names), target.name.lower() or None)
        ]:
            constraints.remove(mine[0])
            step = _solve_step(source, target, step.given.joined(mine[0]), earlier)
        if not step.candidates:
            name = free.name(names)
            why = _why_impossible(source, target, step.given, name)
            what = f"{name}, {source} -> {target}, is impossible: {why}"
            with about("given" if step.given.text else ""):
                raise NotationError(what, figure.text, target.position)
        names.append(step.name(names))
        solved.append(step)
        earlier.add(step.candidates[0].form)
    if constraints:
        near = did_you_mean(constraints[0].target, names)
        has = ", ".join([*names[:_SHOWN], *["..."] * (len(names) > _SHOWN)])
        what = f"{shown(constraints[0].text)} names no layer of this figure{near}"
        raise UsageError(f"{what}; it has {has}.", parameter="given")
    return solved


def _solve_step(source: Stage, target: Stage, given: Given, earlier: Container[Form]) -> _Solved:
    axes = _axes(source.shape, target.shape, given)
    allowed = [kind for kind in kinds(source.shape, target.shape) if given.allows(kind)]
    candidates = rank(source.shape, target.shape, target.name, allowed, axes, earlier)
    return _Solved(source, target, given, axes, candidates)


def _axes(source: Shape, target: Shape, given: Given) -> Axes:
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
    options = [[(step.parameters(c), c.score) for c in step.candidates] for step in solved]
    if limit.holds(sum(candidates[0][0] for candidates in options)):
        return chosen
    indices, is_certain = choose(options, limit)
    chosen = [step.candidates[i] for step, i in zip(solved, indices, strict=True)]
    total = sum(costs[i][0] for costs, i in zip(options, indices, strict=True))
    if not limit.holds(total):
        has = "has" if is_certain else "was found that has"
        notation = f": {_network(solved, chosen, activation)}"
        nearest = f"{total:,}{notation if len(notation) <= _LONGEST_SHOWN else ''}"
        what = f"no combination {has} {limit} parameters; the nearest has {nearest}."
        raise UsageError(what, parameter="params")
    return chosen


def _network(solved: Sequence[_Solved], chosen: Sequence[Candidate], activation: str) -> Network:
    layers = [step.layer(c, activation) for step, c in zip(solved, chosen, strict=True)]
    if layers[-1].flattens and "activation" not in solved[-1].given.known:
        layers[-1] = layers[-1].replace(activation="identity")
    # A vector comes as so many channels of one pixel: a dense layer sees no difference.
    return Network((*solved[0].source.shape, 1, 1)[:3], layers)


def _why_impossible(source: Stage, target: Stage, given: Given, name: str) -> str:
    """Say why a step to the layer ``name`` has no candidates, and what would make it possible."""
    possible = kinds(source.shape, target.shape)
    drop = f"drop {shown(given.text)}"
    pairs = list(zip(source.shape[1:], target.shape[1:], strict=False))
    if not possible:
        first = f"put {target} before the first vector"
        return f"a vector cannot become maps again; {first}, or write {source} as maps too."
    if "batch_norm" in given.known and not any(map(given.allows, possible)):
        return f"only a convolution is normalised; {drop}."
    if given.known.get("kind", possible[0]) not in possible:
        what = "what ends in a vector"
        if len(target.shape) == 3:
            what = f"what turns {source.shape[0]} channels into {target.shape[0]}"
        kind = " or a ".join(SPELLED[kind] for kind in possible)
        return f"{what} is a {kind}; {drop} or change the figure."
    if "padding" not in given.known and not all(windows(*pair) for pair in pairs):
        return _why_too_large(pairs, name)
    if len(source.shape) == 1:
        return f"vectors have no windows; {drop}."
    remedy = drop
    unnamed = replace(target, name="")
    if len(target.shape) == 3 and (free := _solve_step(source, unnamed, Given(), ()).candidates):
        remedy += f", and a {free[0].describe()} fits"
    both = zip(pairs, given.axes(), strict=False)
    blocked = [f"{pair[1]} of {pair[0]}" for pair, known in both if not windows(*pair, known)]
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
    axes = zip(("height", "width"), paddings, pairs, strict=True)
    needs = [f"{pad} on the {axis}" for axis, pad, (size, result) in axes if result > size]
    most = "x".join(str(min(pair)) for pair in pairs)
    return (
        "a map grows only if its padding, both sides together, is as large as the kernel or larger "
        f"({' and '.join(needs)} for a {_KERNEL}x{_KERNEL} kernel); {remedy}make the output {most} "
        "or smaller."
    )


def choose(steps: Sequence[Options], limit: Limit) -> tuple[list[int], bool]:
    """Choose the best by score that keep the limit, else the nearest; is no better one possible?

    Where dozens of steps leave a choice, not every sum can be kept, and the lowest scores go.
    """
    # The middle of the steps that leave a choice, so that both halves are about equally large.
    open_steps = [i for i, options in enumerate(steps) if len({cost for cost, _ in options}) > 1]
    middle = open_steps[len(open_steps) // 2] if open_steps else 0
    most = max(100, _MOST_SUMS // max(1, len(open_steps)))
    left, all_left = _sums(steps[:middle], most, limit.is_exact)
    right, all_right = _sums(steps[middle:], most, limit.is_exact)
    costs = sorted(right)

    def pairs() -> Iterator[tuple[int, int, int, int]]:
        """Each sum of the left half with the two of the right one that come nearest the limit."""
        for cost, (score, _) in left.items():
            place = bisect_right(costs, limit.parameters - cost)
            for other in costs[max(0, place - 1) : place + 1]:
                excess = cost + other - limit.parameters
                distance = abs(excess) if limit.is_exact else max(0, excess)
                yield distance, -score - right[other][0], cost + other, cost

    _, _, total, first = min(pairs())
    indices = [*left[first][1], *right[total - first][1]]
    # The least sum is always kept.
    is_least = min(left) + min(right) >= limit.parameters
    return indices, is_least or (all_left and all_right)


def _sums(steps: Sequence[Options], most: int, is_exact: bool) -> tuple[_Sums, bool]:
    """The best choice for every sum, or for those worth their size; are these all there are?"""
    sums: _Sums = {0: (0, ())}
    is_complete = True
    for options in steps:
        sums = _extended(sums, options)
        if not is_exact:  # drop those for which another is smaller and at least as good
            costs = sorted(sums)
            best = accumulate((sums[cost][0] for cost in costs), max, initial=-inf)
            pairs = zip(costs, best, strict=False)
            sums = {cost: sums[cost] for cost, least in pairs if sums[cost][0] > least}
        if len(sums) > most:
            kept = sorted(sums, key=lambda cost: -sums[cost][0])[:most]
            sums = {cost: sums[cost] for cost in {min(sums), *kept}}
            is_complete = False
    return sums, is_complete


def _extended(sums: _Sums, options: Options) -> _Sums:
    """The sums with one step more: of each cost only its best candidate, the first of equals."""
    best: dict[int, tuple[int, int]] = {}
    for index, (cost, score) in enumerate(options):
        if cost not in best or score > best[cost][0]:
            best[cost] = score, index
    longer: _Sums = {}
    for cost, (score, chosen) in sums.items():
        for more, (points, index) in best.items():
            if cost + more not in longer or score + points > longer[cost + more][0]:
                longer[cost + more] = score + points, (*chosen, index)
    return longer
