"""A chart of estimates: one row for each, with its values as dots and its interval as a bar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from math import inf
from typing import Final

from lenet.drawing.chart import HEADING, MARGIN, SIZE, heading_text, label, linear_axis
from lenet.drawing.scene import (
    MIDDLE,
    SERIES,
    Box,
    Group,
    Mark,
    Paint,
    Path,
    Scene,
    Text,
    shortened,
    text_width,
    widest,
)

_AREA: Final = 320.0  # from the least to the greatest value
_ROW: Final = 26.0
_GAP: Final = 12.0
_NAME: Final = 260.0  # of a name, at most
_BELOW: Final = 40.0
_DOT: Final = 2.0
_BAR: Final = 3.5


@dataclass(frozen=True)
class Estimate:
    """One row."""

    name: str
    values: tuple[float, ...]  # of each seed
    center: float
    half: float | None  # of the interval; None where there is none
    words: str  # stand at the right


def draw_estimates(
    estimates: Sequence[Estimate],
    title: str,
    heading: str = "",
    limits: tuple[float, float] = (-inf, inf),
) -> Scene:
    """Lay the rows out below each other, over an axis of ``title`` within ``limits``."""
    return _Panel(estimates, title, heading, limits).scene()


def describe_estimates(estimates: Sequence[Estimate], title: str) -> str:
    """Return the chart in a sentence."""
    return f"{title}: {'; '.join(f'{row.name}: {row.words}' for row in estimates)}."


class _Panel:
    def __init__(
        self, rows: Sequence[Estimate], title: str, heading: str, limits: tuple[float, float]
    ) -> None:
        self.rows, self.title, self.heading, self.limits = rows, title, heading, limits
        self.names = [shortened(" ".join(row.name.split()), SIZE, _NAME) for row in rows]
        ends = [end for row in rows for end in self._ends(row)]
        values = [value for row in rows for value in row.values]
        self.axis = linear_axis([*ends, *values], limits)
        self.left = MARGIN + widest(self.names, SIZE) + _GAP
        self.right = self.left + _AREA
        self.top = MARGIN + HEADING * bool(heading)
        self.bottom = self.top + _ROW * len(rows)

    def scene(self) -> Scene:
        width = self.right + _GAP + widest((row.words for row in self.rows), SIZE) + MARGIN
        width = max(width, 2 * MARGIN + text_width(self.title, SIZE))
        groups = [Group(self.title, tuple(self._frame()))]
        if self.heading:
            words = heading_text(self.heading, width - 2 * MARGIN)
            groups.insert(0, Group(self.heading, (words,)))
        for place, (row, name) in enumerate(zip(self.rows, self.names, strict=True)):
            groups.append(Group(f"{row.name}: {row.words}", tuple(self._row(place, row, name))))
        return Scene(width, self.bottom + _BELOW + MARGIN, tuple(groups))

    def _frame(self) -> Iterator[Mark]:
        for tick, words in zip(self.axis.ticks, self.axis.labels, strict=True):
            x = self._x(tick)
            yield Path(((x, self.top), (x, self.bottom)), Paint(stroke="grid"))
            yield label(x, self.bottom + 17, words)
        yield Path(((self.left, self.bottom), (self.right, self.bottom)), Paint(stroke="line"))
        yield label((self.left + self.right) / 2, self.bottom + 34, self.title)

    def _row(self, place: int, row: Estimate, name: str) -> Iterator[Mark]:
        y, role = self.top + _ROW * (place + 0.5), SERIES[place % len(SERIES)]
        base = y + MIDDLE * SIZE
        yield Text(self.left - _GAP, base, name, SIZE, "end")
        if row.half is not None:
            low, high = self._ends(row)
            ends = ((self._x(low), y), (self._x(high), y))
            yield Path(ends, Paint(stroke=role, width=2))
            # Where the interval goes on beyond what there can be, it has no end.
            whole = (row.center - row.half >= low, row.center + row.half <= high)
            for x, _ in compress(ends, whole):
                yield Path(((x, y - _BAR), (x, y + _BAR)), Paint(stroke=role, width=2))
        for value in row.values if len(row.values) > 1 else ():
            yield _dot(self._x(value), y + 2 * _BAR, _DOT, "muted")
        yield _dot(self._x(row.center), y, _BAR, role)
        yield Text(self.right + _GAP, base, row.words, SIZE, "start")

    def _ends(self, row: Estimate) -> tuple[float, float]:
        """Return the ends of the interval, as far as there can be such values."""
        half = row.half or 0.0
        return max(self.limits[0], row.center - half), min(self.limits[1], row.center + half)

    def _x(self, value: float) -> float:
        return self.left + _AREA * self.axis.share(value)


def _dot(x: float, y: float, radius: float, role: str) -> Box:
    return Box(x - radius, y - radius, 2 * radius, 2 * radius, Paint(role), radius)
