"""From a figure to a network: each step solved, ranked and named, and joined into a whole.

Under a limit on the parameters, the best combination of candidates is looked for. The candidates of
a step differ in few parameter counts, and only the best of each count matters. The steps are
halved, and each sum of one half is met with what the other half lacks. Under a limit that is not
exact, a sum is dropped where another is both smaller and better, so no more are kept than there are
scores.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, count, pairwise, product
from math import inf
from typing import Final

from lenet.analysis.deduction.figure import ONLY_CONV, Figure, Given, Limit, Stage
from lenet.analysis.deduction.windows import (
    AVERAGE,
    CONV,
    FLAT,
    MAX_KERNEL,
    MAX_STRIDE,
    MAXIMUM,
    POOL,
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
from lenet.net.shapes import ChannelsFirst
from lenet.net.words import did_you_mean, shown

#: Of a long list of layers' names, an error shows so many.
_SHOWN: Final = 12
#: A network is shown in an error if its notation and ": " are no longer than this.
_LONGEST_SHOWN: Final = 502
#: The kernel that is proposed where a map grows.
_KERNEL: Final = 3
#: About how many partial sums are kept in all: bounds time and memory where steps are many.
_MOST_SUMS: Final = 50_000
#: So many sums are counted in all: a second's work.
_MOST_COUNTED: Final = 500_000

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
    layer: Layer | None  # the same as a layer; None where a map is laid flat
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

    def layer(self, candidate: Candidate, activation: str) -> Layer | None:
        known = self.given.known
        return candidate.layer(
            self.target.shape[0],
            known.get("activation", activation),
            known.get("average", self._takes_mean()),
            **{name: known[name] for name in ONLY_CONV & known.keys()},
        )

    def _takes_mean(self) -> bool:
        """Would a pooling here take the mean? Over a whole map it does, if nothing is said."""
        name, sizes = self.target.name, self.source.shape[1:]
        is_global = self.target.shape[1:] in ((), (1, 1)) and max(sizes, default=0) > 2
        return is_named(AVERAGE, name) or (is_global and not is_named(MAXIMUM, name))

    def parameters(self, candidate: Candidate) -> int:
        layer = self.layer(candidate, "identity")
        tensors = layer.tensors(self.source.shape) if layer else ()
        return sum(tensor.size for tensor in tensors if tensor.trained)

    def counted(self) -> _Solved:
        """Keep the candidates that have as many parameters as the figure says, if there are any."""
        wanted = self.target.parameters
        if wanted is None:
            return self
        kept = tuple(c for c in self.candidates if self.parameters(c) == wanted)
        return replace(self, candidates=kept) if kept else self


def find_steps(
    figure: Figure, given: Iterable[Given], limit: Limit | None, activation: str
) -> tuple[Network, list[Step], int | None]:
    """Find the layer behind every arrow of a figure, and the network that they make.

    Also count the combinations that have exactly as many parameters as an exact limit.
    """
    solved = _solve(figure, list(given))
    chosen, combinations = [step.candidates[0] for step in solved], None
    if limit:
        options = [[(step.parameters(c), c.score) for c in step.candidates] for step in solved]
        chosen = _within(solved, options, limit, activation)
        combinations = count_combinations(options, limit) if limit.is_exact else None
    network = _network(solved, chosen, activation)
    steps = []
    layers, flat = iter(network.placed), count()
    for step, candidate in zip(solved, chosen, strict=True):
        known = step.given.text if step.given.decides else ""
        placed = None if candidate.kind == FLAT else next(layers)
        name = placed.name if placed else f"{FLAT}{next(flat)}"
        layer = placed.layer if placed else None
        facts = step.source, step.target, step.candidates, candidate, layer
        steps.append(Step(name, *facts, *step.axes, known))
    return network, steps, combinations


def _solve(figure: Figure, constraints: list[Given]) -> list[_Solved]:
    """The candidates of every step, with each constraint applied to the layer it names."""
    names: list[str] = []
    solved: list[_Solved] = []
    is_same = is_same_padded(figure) and figure.is_channels_last
    solve = partial(_solve_step, is_same=is_same, is_only=len(figure.stages) == 2)
    earlier: set[Form] = set()
    for source, target in pairwise(figure.stages):
        free = step = solve(source, target, Given(), earlier)
        # A constraint may make the layer another kind, and so give it another name.
        while mine := [
            g for g in constraints if g.target in (step.name(names), target.name.lower() or None)
        ]:
            constraints.remove(mine[0])
            step = solve(source, target, step.given.joined(mine[0]), earlier)
        if not step.candidates:
            name = free.name(names)
            why = _why_impossible(source, target, step.given, name)
            what = f"{name}, {source} -> {target}, is impossible: {why}"
            with about("given" if step.given.text else ""):
                raise NotationError(what, figure.text, target.position)
        names.append(step.name(names))
        solved.append(step)
        if not step.given.decides:
            earlier.add(step.candidates[0].form)
    if constraints:
        near = did_you_mean(constraints[0].target, names)
        has = ", ".join([*names[:_SHOWN], *["..."] * (len(names) > _SHOWN)])
        what = f"{shown(constraints[0].text)} names no layer of this figure{near}"
        raise UsageError(f"{what}; it has {has}.", parameter="given")
    return list(_again(solved, solve))


def is_same_padded(figure: Figure) -> bool:
    """Is every size the one before it by the stride, rounded up, as padding "SAME" makes it?

    Maps that poolings halve exactly say nothing of padding.
    """
    shapes = (stage.shape for stage in figure.stages)
    steps = [(a, b) for a, b in pairwise(shapes) if len(a) == len(b) == 3]
    return (
        len(steps) > 1
        and all(any(_sizes(a, s) == b[1:] for s in range(1, MAX_STRIDE + 1)) for a, b in steps)
        and any(a[0] != b[0] or a[1] % b[1] or a[2] % b[2] for a, b in steps)
    )


def _sizes(shape: Shape, stride: int) -> Shape:
    return tuple(-(-size // stride) for size in shape[1:])


def _again(solved: Sequence[_Solved], solve: Callable[..., _Solved]) -> Iterator[_Solved]:
    """Rank every step once more: the forms of all the others count, of later ones too.

    A window that was given says nothing of other steps. What a step is stays: layers have got their
    names by it.
    """
    free = Counter(step.candidates[0].form for step in solved if not step.given.decides)
    for step in solved:
        first = step.candidates[0]
        mine = 0 if step.given.decides else 1
        others = {form for form, times in free.items() if times > mine * (form == first.form)}
        again = solve(step.source, step.target, step.given, others)
        yield again if again.candidates[0].kind == first.kind else step


def _solve_step(
    source: Stage,
    target: Stage,
    given: Given,
    others: Container[Form],
    is_same: bool = False,
    is_only: bool = False,
) -> _Solved:
    axes = _axes(source.shape, target.shape, given)
    allowed = _kinds(source.shape, target.shape, given, is_only)
    candidates = rank(source.shape, target.shape, target.name, allowed, axes, others, is_same)
    return _Solved(source, target, given, axes, candidates).counted()


def _kinds(source: Shape, target: Shape, given: Given, is_only: bool) -> list[str]:
    """The kinds that may be; of a single step nothing would be left if a map were laid flat."""
    never = {FLAT} if is_only else set()
    if any(number % given.groups for number in (source[0], target[0])):
        never.add(CONV)
    return [kind for kind in kinds(source, target) if kind not in never and given.allows(kind)]


def _axes(source: Shape, target: Shape, given: Given) -> Axes:
    """The windows that fit the height and those that fit the width; a vector has none."""
    if len(source) == 1:
        return (), ()
    if len(target) == 3:
        heights, widths = map(windows, source[1:], target[1:], given.axes())
        return heights, widths
    # To a vector: a kernel as large as the map, as in C5 of LeNet-5.
    # Or a mean of every map, whose window need not move: its stride is written as its size.
    strides = (1, None) if POOL in kinds(source, target) else (1,)
    heights, widths = (
        tuple(axis for s in strides if known.allows(axis := Axis(size, s or size)))
        for size, known in zip(source[1:], given.axes(), strict=True)
    )
    return heights, widths


def _within(
    solved: Sequence[_Solved], options: Sequence[Options], limit: Limit, activation: str
) -> list[Candidate]:
    if limit.holds(sum(candidates[0][0] for candidates in options)):
        return [step.candidates[0] for step in solved]
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
    made = (step.layer(c, activation) for step, c in zip(solved, chosen, strict=True))
    layers = [layer for layer in made if layer is not None]
    if layers[-1].flattens and "activation" not in solved[-1].given.known:
        layers[-1] = layers[-1].replace(activation="identity")
    # A vector comes as so many channels of one pixel: a dense layer sees no difference.
    return Network(ChannelsFirst((*solved[0].source.shape, 1, 1)[:3]), layers)


def _why_impossible(source: Stage, target: Stage, given: Given, name: str) -> str:
    """Say why a step to the layer ``name`` has no candidates, and what would make it possible."""
    drop = f"drop {shown(given.text)}"
    pairs = list(zip(source.shape[1:], target.shape[1:], strict=False))
    if not kinds(source.shape, target.shape):
        first = f"put {target} before the first vector"
        return f"a vector cannot become maps again; {first}, or write {source} as maps too."
    if why := _why_not_of_kind(source.shape, target.shape, given):
        return f"{why}; {drop}."
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


def _why_not_of_kind(source: Shape, target: Shape, given: Given) -> str:
    """Say why a layer cannot be of the kind that was given, or of the one it needs; or nothing."""
    possible, wanted = kinds(source, target), given.known.get("kind")
    if wanted == FLAT and FLAT in possible:
        return "a map laid flat is no layer, and a network has at least one"
    if not ONLY_CONV.isdisjoint(given.known):
        if CONV not in possible or not given.allows(CONV):
            return "only a convolution is normalised or has groups"
        if source[0] % given.groups or target[0] % given.groups:
            both = f"{source[0]} and {target[0]} channels"
            return f"{both} cannot both be cut into {given.groups} equal groups"
    if wanted is None or wanted in possible:
        return ""
    what = "what ends in a vector"
    if len(target) == 3:
        what = f"what turns {source[0]} channels into {target[0]}"
    kind = " or a ".join(SPELLED[kind] for kind in possible if kind in SPELLED)
    return f"{what} is a {kind}"


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
    first, second, choices = _halves(steps)
    most = max(100, _MOST_SUMS // max(1, choices))
    left, all_left = _sums(first, most, limit.is_exact)
    right, all_right = _sums(second, most, limit.is_exact)
    costs = sorted(right)

    def pairs() -> Iterator[tuple[int, int, int, int]]:
        """Each sum of the left half with the two of the right one that come nearest the limit."""
        for cost, (score, _) in left.items():
            place = bisect_right(costs, limit.parameters - cost)
            for other in costs[max(0, place - 1) : place + 1]:
                excess = cost + other - limit.parameters
                distance = abs(excess) if limit.is_exact else max(0, excess)
                yield distance, -score - right[other][0], cost + other, cost

    _, _, total, part = min(pairs())
    indices = [*left[part][1], *right[total - part][1]]
    # The least sum is always kept.
    is_least = min(left) + min(right) >= limit.parameters
    return indices, is_least or (all_left and all_right)


def _halves(steps: Sequence[Options]) -> tuple[Sequence[Options], Sequence[Options], int]:
    """Part the steps that leave a choice in the middle; and how many these are."""
    open_steps = [i for i, options in enumerate(steps) if len({cost for cost, _ in options}) > 1]
    middle = open_steps[len(open_steps) // 2] if open_steps else 0
    return steps[:middle], steps[middle:], len(open_steps)


def count_combinations(steps: Sequence[Options], limit: Limit) -> int | None:
    """Count the combinations with exactly so many parameters; None if they are too many to count.

    The steps are halved as in :func:`choose`; of each half every sum is kept, with how often it
    comes about.
    """
    first, second, _ = _halves(steps)
    left, right = _times(first, limit.parameters), _times(second, limit.parameters)
    if left is None or right is None:
        return None
    return sum(times * right[limit.parameters - cost] for cost, times in left.items())


def _times(steps: Sequence[Options], most: int) -> Counter[int] | None:
    """How often each sum up to ``most`` comes about; None if there are too many sums."""
    sums = Counter({0: 1})
    for options in steps:
        costs = Counter(cost for cost, _ in options)
        longer: Counter[int] = Counter()
        if len(sums) * len(costs) > _MOST_COUNTED:
            return None
        for (cost, times), (more, ways) in product(sums.items(), costs.items()):
            if cost + more <= most:
                longer[cost + more] += times * ways
        sums = longer
    return sums


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
