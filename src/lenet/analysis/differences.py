"""How one network differs from another: which layer is which, and what each differs in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import log2
from typing import Final, TypeVar

from lenet.net import Layer, Network, PlacedLayer
from lenet.net.layers import Trained
from lenet.net.shapes import shape_text

_A = TypeVar("_A")
_B = TypeVar("_B")

#: (place in the first, place in the second); None where the other has an item of its own.
Alignment = list[tuple[int | None, int | None]]
#: What an item of its own costs. Two such are never cheaper than a pair of cost 2.
_ALONE: Final = 1.0
#: Larger tables are not filled: items are paired by their place instead.
_LARGEST_TABLE: Final = 200_000

#: A layer of the first network and one of another; None where one has none.
Beside = tuple[PlacedLayer | None, PlacedLayer | None]


@dataclass(frozen=True)
class Difference:
    """How one layer differs from the first network's."""

    first: str | None  # the layer's name in the first network; None if it was added
    other: str | None  # its name in the other; None if it was dropped
    kind: str  # changed, added or dropped
    what: str  # in words, "units 120 -> 60"

    @property
    def mark(self) -> str:
        """``+ pool0``, ``- dense0``, or the layer's name, with the other's if that differs."""
        if self.kind == "added":
            return f"+ {self.other}"
        if self.kind == "dropped":
            return f"- {self.first}"
        return f"  {self.first}" + (f" ({self.other})" if self.first != self.other else "")


def layers_beside(first: Network, other: Network) -> tuple[Beside, ...]:
    """Put the layers of ``other`` beside those of ``first`` that they belong to, in order."""
    return tuple(
        (None if a is None else first.placed[a], None if b is None else other.placed[b])
        for a, b in align(first.layers, other.layers, _cost)
    )


def differences(first: Network, other: Network, pairs: Sequence[Beside]) -> Iterator[Difference]:
    """Yield what differs between two networks, whose layers beside each other are ``pairs``."""
    if first.input_shape != other.input_shape:
        shapes = f"{shape_text(first.input_shape)} -> {shape_text(other.input_shape)}"
        yield Difference("input", "input", "changed", shapes)
    for a, b in pairs:
        if a is None and b is not None:
            yield Difference(None, b.name, "added", b.layer.notation())
        elif b is None and a is not None:
            yield Difference(a.name, None, "dropped", a.layer.notation())
        elif a is not None and b is not None and a.layer != b.layer:
            yield Difference(a.name, b.name, "changed", ", ".join(_fields(a.layer, b.layer)))


def rows_of(others: Sequence[Sequence[Beside]]) -> Iterator[list[PlacedLayer | None]]:
    """Yield rows of layers that belong together: the first network's and those of each other.

    What others have between two layers of the first has rows of its own, without the first.
    """
    left = [list(pairs) for pairs in others]
    while any(left):
        added = [pairs.pop(0)[1] if pairs and pairs[0][0] is None else None for pairs in left]
        if any(added):
            yield [None, *added]
        else:
            both = [pairs.pop(0) for pairs in left]
            yield [both[0][0], *(other for _, other in both)]


def _cost(first: Layer, other: Layer) -> float:
    """Nothing for equal layers, more the more fields differ, never a pair of different kinds."""
    if first == other:
        return 0
    if first.stem != other.stem and not (first.flattens and other.flattens):
        return float("inf")
    ratio = 0.0
    if isinstance(first, Trained) and isinstance(other, Trained):
        # Of equally many changes, the smaller ones: 84 units became 60, not 120 did.
        ratio = abs(log2(first.width / other.width))
    return 1 + 0.2 * len(list(_fields(first, other))) + 0.02 * min(ratio, 5)


def _fields(first: Layer, other: Layer) -> Iterator[str]:
    """Yield every field that differs between layers that may be a pair, with both values.

    A field that one of them lacks has its default there.
    """
    if first.keyword != other.keyword:
        yield f"{first.keyword} -> {other.keyword}"
    values, others = first.values, other.values
    for field in dict.fromkeys((*first.fields, *other.fields)):
        before, after = (each.get(field.name, field.default) for each in (values, others))
        if before != after:
            yield f"{field.noun} {field.text(before)} -> {field.text(after)}"


def align(first: Sequence[_A], second: Sequence[_B], cost: Callable[[_A, _B], float]) -> Alignment:
    """Find the cheapest alignment, of equally cheap ones that of most pairs.

    Needleman & Wunsch 1970. ``cost`` is 0 for equal items, infinite for a pair that may not be.
    """
    shorter = min(len(first), len(second))
    start = 0
    while start < shorter and not cost(first[start], second[start]):
        start += 1
    end = 0
    while end < shorter - start and not cost(first[-1 - end], second[-1 - end]):
        end += 1
    rows, columns = len(first) - start - end, len(second) - start - end
    middle = _by_place if rows * columns > _LARGEST_TABLE else _cheapest
    aligned = middle(first[start : start + rows], second[start : start + columns], cost)
    return [
        *((i, i) for i in range(start)),
        *((a if a is None else a + start, b if b is None else b + start) for a, b in aligned),
        *((start + rows + i, start + columns + i) for i in range(end)),
    ]


def _by_place(
    first: Sequence[_A], second: Sequence[_B], cost: Callable[[_A, _B], float]
) -> Alignment:
    pairs: Alignment = []
    for place, (a, b) in enumerate(zip(first, second, strict=False)):
        may_be = cost(a, b) < float("inf")
        pairs += [(place, place)] if may_be else [(place, None), (None, place)]
    pairs += [(a, None) for a in range(len(second), len(first))]
    return pairs + [(None, b) for b in range(len(first), len(second))]


def _cheapest(
    first: Sequence[_A], second: Sequence[_B], cost: Callable[[_A, _B], float]
) -> Alignment:
    # best[a][b]: the least cost of aligning what follows first[:a] and second[:b].
    rows, columns = len(first), len(second)
    best = [
        [_ALONE * (rows - a + columns - b) for b in range(columns + 1)] for a in range(rows + 1)
    ]
    pair = [[cost(a, b) for b in second] for a in first]
    for a in range(rows - 1, -1, -1):
        for b in range(columns - 1, -1, -1):
            alone = _ALONE + min(best[a + 1][b], best[a][b + 1])
            best[a][b] = min(pair[a][b] + best[a + 1][b + 1], alone)
    pairs: Alignment = []
    a = b = 0
    while a < rows and b < columns:
        if best[a][b] == pair[a][b] + best[a + 1][b + 1]:
            pairs.append((a, b))
            a, b = a + 1, b + 1
        elif best[a][b] == _ALONE + best[a + 1][b]:
            pairs.append((a, None))
            a += 1
        else:
            pairs.append((None, b))
            b += 1
    pairs += [(i, None) for i in range(a, rows)]
    return pairs + [(None, i) for i in range(b, columns)]
