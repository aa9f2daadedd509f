"""Two sequences side by side: which item of one belongs to which of the other, order kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

_A = TypeVar("_A")
_B = TypeVar("_B")

#: (place in the first, place in the second); None where the other has an item of its own.
Alignment = list[tuple[int | None, int | None]]

#: What an item of its own costs. Two such are never cheaper than a pair of cost 2.
_ALONE: Final = 1.0
#: Larger tables are not filled: items are paired by their place instead.
_LARGEST_TABLE: Final = 200_000


def align(first: Sequence[_A], second: Sequence[_B], cost: Callable[[_A, _B], float]) -> Alignment:
    """The cheapest alignment (Needleman & Wunsch 1970); of equally cheap ones, the most pairs.

    Args:
        cost: of a pair; 0 for equal items, infinite for a pair that may not be.
    """
    start = 0
    while start < min(len(first), len(second)) and not cost(first[start], second[start]):
        start += 1
    end = 0
    while end < min(len(first), len(second)) - start and not cost(
        first[-1 - end], second[-1 - end]
    ):
        end += 1
    rows, columns = len(first) - start - end, len(second) - start - end
    middle = _by_place if rows * columns > _LARGEST_TABLE else _cheapest
    found = middle(first[start : start + rows], second[start : start + columns], cost)
    return [
        *((i, i) for i in range(start)),
        *((a if a is None else a + start, b if b is None else b + start) for a, b in found),
        *((start + rows + i, start + columns + i) for i in range(end)),
    ]


def _by_place(
    first: Sequence[_A], second: Sequence[_B], cost: Callable[[_A, _B], float]
) -> Alignment:
    pairs: Alignment = []
    for place in range(max(len(first), len(second))):
        a = place if place < len(first) else None
        b = place if place < len(second) else None
        if a is not None and b is not None and cost(first[a], second[b]) == float("inf"):
            pairs += [(a, None), (None, b)]
        else:
            pairs.append((a, b))
    return pairs


def _cheapest(
    first: Sequence[_A], second: Sequence[_B], cost: Callable[[_A, _B], float]
) -> Alignment:
    # best[a][b]: the least cost of aligning what follows first[:a] and second[:b].
    rows, columns = len(first), len(second)
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    pair = [[cost(a, b) for b in second] for a in first]
    for a in range(rows, -1, -1):
        for b in range(columns, -1, -1):
            if a == rows or b == columns:
                best[a][b] = _ALONE * (rows - a + columns - b)
            else:
                alone = _ALONE + min(best[a + 1][b], best[a][b + 1])
                best[a][b] = min(pair[a][b] + best[a + 1][b + 1], alone)
    found: Alignment = []
    a = b = 0
    while a < rows or b < columns:
        if a < rows and b < columns and best[a][b] == pair[a][b] + best[a + 1][b + 1]:
            found.append((a, b))
            a, b = a + 1, b + 1
        elif a < rows and (b == columns or best[a][b] == _ALONE + best[a + 1][b]):
            found.append((a, None))
            a += 1
        else:
            found.append((None, b))
            b += 1
    return found
