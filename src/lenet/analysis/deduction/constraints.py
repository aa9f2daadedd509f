"""What narrows a deduction: what is known of single layers, and a limit on the parameters.

Of a layer comes first its name, as the deduction or the figure calls it, then the notation's words:
``conv1 k5``, ``pool0 avgpool``, ``C5 conv``.

For a limit, the candidates of a step differ in few parameter counts, and only the best of each
count matters. A partial sum is dropped where another is both smaller and better, so no more are
kept than there are scores. For an exact number, the steps are halved and each half's sums are met
with what the other half lacks.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lenet.analysis.deduction.windows import CONV, DENSE, POOL, AxisGiven
from lenet.errors import NotationError, UsageError
from lenet.net.layers import LAYERS, AvgPool2d, Conv2d, Pool2d
from lenet.net.notation import read_option
from lenet.net.words import shown

#: The kinds of layer by the words that name them; "pool" leaves open which pooling.
_KINDS: Final = {word: layer.stem for word, layer in LAYERS.items()} | {Pool2d.stem: POOL}
_NOUNS: Final = {field.name: field.noun for field in Conv2d.fields} | {"average": "kind"}
_WINDOW: Final = {"kernel_size", "stride", "padding"}


@dataclass(frozen=True)
class Given:
    """What is known of one layer.

    Attributes:
        text: as it was given.
        target: what it calls the layer.
        known: ``kind`` and ``average`` (of a pooling: does it take the mean?), and fields of a
            layer by their names; a padding may be "same".
    """

    text: str = ""
    target: str = ""
    known: Mapping[str, Any] = field(default_factory=dict)

    def axes(self) -> tuple[AxisGiven, AxisGiven]:
        """Return what is known of the window's height and width."""
        kernel, stride, padding = map(
            self.known.get, ("kernel_size", "stride", "padding"), ((None,) * 2,) * 2 + (None,)
        )
        is_same = padding == "same"
        sides = (None, None) if padding is None or is_same else (padding[:2], padding[2:])
        height, width = (AxisGiven(kernel[i], stride[i], sides[i], is_same) for i in (0, 1))
        return height, width

    @property
    def decides(self) -> bool:
        """Does it leave no room for the priors? Maximum or mean is nothing that they know."""
        is_kind = "kind" in self.known and "average" not in self.known
        return is_kind or not _WINDOW.isdisjoint(self.known)

    def allows(self, kind: str) -> bool:
        """May the layer be of this kind?

        A dense layer has no window, a pooling no activation, and only a convolution is normalised.
        """
        if "batch_norm" in self.known and kind != CONV:
            return False
        if "kind" in self.known:
            return bool(kind == self.known["kind"])
        if kind == DENSE:
            return _WINDOW.isdisjoint(self.known)
        return kind == CONV or "activation" not in self.known

    def joined(self, other: Given) -> Given:
        """Return both together.

        Raises:
            UsageError: they say different things of the same.
        """
        for name in self.known.keys() & other.known.keys():
            if self.known[name] != other.known[name]:
                raise UsageError(
                    f"{shown(self.text)} and {shown(other.text)} contradict each other on the "
                    f"{_NOUNS.get(name, name)} of one layer; keep one."
                )
        text = f"{self.text}, {other.text}" if self.text else other.text
        return Given(text, self.target, {**self.known, **other.known})


def read_given(text: str) -> Given:
    """Read what is known of one layer.

    Raises:
        NotationError: it cannot be read; the error shows the place.
        UsageError: ``text`` is no string.
    """
    if not isinstance(text, str):
        raise UsageError(f"what is given is a text such as 'conv1 k5', not {shown(text)}.")
    first, *words = re.finditer(r"\S+|$", text)
    words = [word for word in words if word[0]]
    if not words:
        raise NotationError(
            f"{shown(text)} says nothing of a layer; name one, then say what is known: a kind "
            f"({', '.join(_KINDS)}) or its options, as in 'conv1 k5'.",
            text,
            len(text.rstrip()),
        )
    known: dict[str, Any] = {}
    for word in words:
        for name, value in _read_word(word, known.get("kind") == POOL, text):
            if known.setdefault(name, value) != value:
                what = f"the {_NOUNS.get(name, name)} is given twice; keep one."
                raise NotationError(what, text, word.start())
    return Given(text.strip(), first[0].lower().rstrip(":"), known)


def _read_word(word: re.Match[str], is_pool: bool, text: str) -> Iterator[tuple[str, Any]]:
    lower = word[0].lower()
    if lower in _KINDS:
        yield "kind", _KINDS[lower]
        if lower in LAYERS and _KINDS[lower] == POOL:
            yield "average", lower == AvgPool2d.keyword
        return
    # The notation writes a pooling's window without a letter: maxpool 2.
    option = f"k{lower}" if is_pool and lower[0].isdigit() else word[0]
    field, value = read_option(Conv2d, option, text, word.start())
    try:
        layer = Conv2d(**{"channels": 1, "kernel_size": 1, field.name: value})
    except UsageError as error:
        raise NotationError(str(error), text, word.start()) from None
    yield field.name, value if value == "same" else getattr(layer, field.name)


@dataclass(frozen=True)
class Limit:
    """So many parameters in all, at most or exactly."""

    parameters: int
    is_exact: bool

    def holds(self, parameters: int) -> bool:
        """Is the number of parameters within the limit?"""
        return parameters == self.parameters or (not self.is_exact and parameters < self.parameters)

    def __str__(self) -> str:
        return f"{'exactly' if self.is_exact else 'at most'} {self.parameters:,}"


def read_limit(value: int | str) -> Limit:
    """Read ``60000`` (at most), ``<=60000`` or ``=61706`` (exactly); commas may part thousands.

    Raises:
        UsageError: it is none of these.
    """
    text = "" if isinstance(value, bool) else str(value)
    match = re.fullmatch(r"\s*(<=|=|)\s*([0-9]{1,18}|[0-9]{1,3}(?:,[0-9]{3}){1,5})\s*", text)
    if not match:
        raise UsageError(
            f"params is {shown(value)}; give the most parameters, such as 60000, or =61706 for "
            "exactly so many."
        )
    return Limit(int(match[2].replace(",", "")), match[1] == "=")


#: About how many partial sums are kept in all: bounds time and memory where steps are many.
_MOST_SUMS: Final = 50_000

#: Of every candidate of a step, its parameters and its score.
Options = Sequence[tuple[int, int]]
#: The candidates chosen so far, the last one first: (index, those before), or nothing.
_Chain = tuple[int, "_Chain"] | None
#: Per sum of parameters: the score, and what was chosen.
_Sums = dict[int, tuple[int, _Chain]]


@dataclass(frozen=True)
class Choice:
    """The index of the candidate to take in each step, and what they cost together.

    ``is_certain`` if there is no better one: where dozens of steps leave a choice, not every sum
    of parameters can be kept, and those of least score go.
    """

    indices: list[int]
    parameters: int
    is_certain: bool


def choose(steps: Sequence[Options], limit: Limit) -> Choice:
    """Return the best combination by score that keeps the limit; if there is none, the nearest."""
    # The middle of the steps that leave a choice, so that both halves are about equally large.
    open_steps = [i for i, options in enumerate(steps) if len({cost for cost, _ in options}) > 1]
    most = max(100, _MOST_SUMS // max(1, len(open_steps)))
    if limit.is_exact:
        middle = open_steps[len(open_steps) // 2] if open_steps else 0
        left, all_left = _sums(steps[:middle], most)
        right, all_right = _sums(steps[middle:], most)
        first, second = _meeting(left, right, limit.parameters)
        indices = [*_unchained(left[first][1]), *_unchained(right[second][1])]
        # The least sum is always kept.
        is_least = min(left) + min(right) >= limit.parameters
        return Choice(indices, first + second, is_least or (all_left and all_right))
    sums, is_complete = _sums(steps, most, is_exact=False)
    within = [cost for cost in sums if limit.holds(cost)]
    cost = max(within, key=lambda cost: sums[cost][0]) if within else min(sums)
    return Choice(_unchained(sums[cost][1]), cost, is_complete or not within)


def _sums(steps: Sequence[Options], most: int, is_exact: bool = True) -> tuple[_Sums, bool]:
    """The best choice for every sum, or without ``is_exact`` only for those worth their size.

    Also whether these are all that there are.
    """
    sums: _Sums = {0: (0, None)}
    is_complete = True
    for options in steps:
        sums = _extended(sums, options)
        if not is_exact:
            sums = _undominated(sums)
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
                longer[cost + more] = score + points, (index, chosen)
    return longer


def _undominated(sums: _Sums) -> _Sums:
    """Without those for which another is smaller and at least as good."""
    kept: _Sums = {}
    best = float("-inf")
    for cost in sorted(sums):
        if sums[cost][0] > best:
            best = sums[cost][0]
            kept[cost] = sums[cost]
    return kept


def _meeting(left: _Sums, right: _Sums, wanted: int) -> tuple[int, int]:
    """The pair of sums that together are nearest to ``wanted``; of equally near ones, the best."""
    costs = sorted(right)

    def pairs() -> Iterator[tuple[int, int, int, int]]:
        for cost, (score, _) in left.items():
            place = bisect_left(costs, wanted - cost)
            for other in costs[max(0, place - 1) : place + 1]:
                yield abs(wanted - cost - other), -score - right[other][0], cost, other

    return min(pairs())[2:]


def _unchained(chain: _Chain) -> list[int]:
    indices = []
    while chain is not None:
        index, chain = chain
        indices.append(index)
    return indices[::-1]
