"""The best combination of candidates whose parameters keep within a limit, or hit a number.

The candidates of a step differ in few parameter counts, and only the best of each count matters.
For a limit, a partial sum is dropped where another is both smaller and better, so no more are kept
than there are scores. For an exact number, the steps are halved and each half's sums are met with
what the other half lacks.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from lenet.errors import UsageError
from lenet.net.words import shown

#: About how many partial sums are kept in all: bounds time and memory where steps are many.
_MOST_SUMS: Final = 50_000

#: Of every candidate of a step, its parameters and its score.
Options = Sequence[tuple[int, int]]
#: The candidates chosen so far, the last one first: (index, those before), or nothing.
_Chain = tuple[int, "_Chain"] | None
#: Per sum of parameters: the score, and what was chosen.
_Sums = dict[int, tuple[int, _Chain]]


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
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    match = isinstance(text, str) and re.fullmatch(
        r"\s*(<=|=|)\s*([0-9]{1,18}|[0-9]{1,3}(?:,[0-9]{3}){1,5})\s*", text
    )
    if not match:
        raise UsageError(
            f"params is {shown(value)}; give the most parameters, such as 60000, or =61706 for "
            "exactly so many."
        )
    return Limit(int(match[2].replace(",", "")), match[1] == "=")


class Choice(NamedTuple):
    """The index of the candidate to take in each step, and what they cost together.

    ``is_certain`` if there is no better one: where dozens of steps leave a choice, not every sum
    of parameters can be kept, and those of least score go.
    """

    indices: list[int]
    parameters: int
    is_certain: bool


def choose(steps: Sequence[Options], limit: Limit) -> Choice:
    """The best combination by score that keeps the limit; if there is none, the nearest to it."""
    # The middle of the steps that leave a choice, so that both halves are about equally large.
    open_steps = [i for i, options in enumerate(steps) if len({cost for cost, _ in options}) > 1]
    most = max(100, _MOST_SUMS // max(1, len(open_steps)))
    if limit.is_exact:
        middle = open_steps[len(open_steps) // 2] if open_steps else 0
        (left, all_left), (right, all_right) = (
            _sums(half, most) for half in (steps[:middle], steps[middle:])
        )
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
    best: dict[int, int] = {}
    for index, (cost, score) in enumerate(options):
        if cost not in best or score > options[best[cost]][1]:
            best[cost] = index
    found: _Sums = {}
    for cost, (score, chosen) in sums.items():
        for more, index in best.items():
            points = score + options[index][1]
            if cost + more not in found or points > found[cost + more][0]:
                found[cost + more] = points, (index, chosen)
    return found


def _undominated(sums: _Sums) -> _Sums:
    """Without those for which another is smaller and at least as good."""
    kept: _Sums = {}
    best: int | None = None
    for cost in sorted(sums):
        if best is None or sums[cost][0] > best:
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

    _, _, first, second = min(pairs())
    return first, second


def _unchained(chain: _Chain) -> list[int]:
    indices = []
    while chain is not None:
        index, chain = chain
        indices.append(index)
    return indices[::-1]
