"""Line charts: what changes over epochs, one chart or several beside each other.

Every line has its name at its end, in its own colour; names that would cover each other move
apart. A value that is no finite number leaves a gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from math import inf
from typing import Final

from lenet.drawing.axes import Axis, linear_axis, logarithmic_axis, whole_axis
from lenet.drawing.scene import Box, Group, Mark, Paint, Path, Point, Scene, Text
from lenet.drawing.typeface import shortened, text_width

#: Of one chart with all that stands around it.
WIDTH: Final = 400.0
_HEIGHT: Final = 190.0  # of the area of the lines, at least
_MARGIN: Final = 24.0
_GUTTER: Final = 32.0
_SIZE: Final = 11.0
_TITLE_SIZE: Final = 12.0
_HEADING_SIZE: Final = 14.0
_HEADING_ROOM: Final = 36.0
#: From a title to the area below it, and from the area to the end of what stands below it.
_ABOVE: Final = 30.0
_BELOW: Final = 38.0
_LEADING: Final = 15.0
#: Between the area and the numbers on its left, the names on its right.
_GAP: Final = 8.0
#: From the left and right of the area to the first and last point.
_INSET: Final = 6.0
#: The longest name, as a part of the chart's width.
_NAME_SHARE: Final = 0.35
#: From a baseline up to the middle of small letters and digits, in parts of the font size.
_MIDDLE: Final = 0.36
#: With more points than this, they are seen in the line only.
_MOST_DOTS: Final = 30
_DOT: Final = 2.75


@dataclass(frozen=True)
class Series:
    """One line.

    Attributes:
        name: stands at its end, shortened if need be; may be empty.
        role: its colour, one of :data:`lenet.drawing.palette.SERIES`.
        points: x, a whole number (an epoch, a step), and y, in the order of x.
    """

    name: str
    role: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Chart:
    """Lines in one pair of axes.

    Attributes:
        title: what y is, and in which unit.
        x_label: what x is.
        series: the lines; later ones lie over earlier ones.
        limits: the least and the greatest y that there can be.
        from_zero: does the y axis begin at 0?
        logarithmic: does the y axis show powers of ten? ``limits`` and ``from_zero`` then say
            nothing, and what is not above 0 is a gap.
    """

    title: str
    x_label: str
    series: tuple[Series, ...]
    limits: tuple[float, float] = (-inf, inf)
    from_zero: bool = False
    logarithmic: bool = False

    @cached_property
    def x_axis(self) -> Axis:
        """The axis below the lines."""
        return whole_axis(x for line in self.series for x, _ in line.points)

    @cached_property
    def y_axis(self) -> Axis:
        """The axis on the left of the lines."""
        values = [y for line in self.series for _, y in line.points]
        if self.logarithmic:
            return logarithmic_axis(values)
        return linear_axis(values, self.limits, self.from_zero)

    @property
    def height(self) -> float:
        """Of the area of the lines, in pixels: there is room for all names at its side."""
        return max(_HEIGHT, _LEADING * len(self.series))

    @property
    def description(self) -> str:
        """The chart in a sentence."""
        lines = "; ".join(map(self._course, self.series))
        return f"{self.title} by {self.x_label}: {lines or 'nothing'}."

    def _course(self, line: Series) -> str:
        shown = [point for point in line.points if self.y_axis.shows(point[1])]
        if not shown:
            return f"{line.name or 'a line'}: no values"
        (first, start), (last, end) = shown[0], shown[-1]
        return f"{line.name or 'a line'}: {start:.4g} at {first:,}, {end:.4g} at {last:,}"


def draw_charts(charts: Sequence[Chart], heading: str = "", columns: int = 2) -> Scene:
    """Lay charts out in rows of ``columns``, from left to right, under a heading.

    The heading may be empty, as long as it likes and of any script.
    """
    columns = max(1, min(columns, len(charts)))
    width = columns * (WIDTH + _GUTTER) - _GUTTER
    groups: list[Group] = []
    y = _MARGIN
    if heading:
        words = " ".join(heading.split())
        line = shortened(words, _HEADING_SIZE, width, bold=True)
        text = Text(_MARGIN, y + _HEADING_SIZE, line, _HEADING_SIZE, "start", bold=True)
        groups.append(Group(words, (text,)))
        y += _HEADING_ROOM
    for start in range(0, len(charts), columns):
        row = charts[start : start + columns]
        height = max(chart.height for chart in row)
        for column, chart in enumerate(row):
            left = _MARGIN + column * (WIDTH + _GUTTER)
            groups += _Panel(chart, left, y, height).groups()
        y += _ABOVE + height + _BELOW + _GUTTER
    return Scene(width + 2 * _MARGIN, y - _GUTTER + _MARGIN, tuple(groups))


@dataclass(frozen=True)
class _Panel:
    """A chart in its place: (x, y) is its upper left corner, ``height`` that of its area."""

    chart: Chart
    x: float
    y: float
    height: float

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What stands at the ends of the lines."""
        room = _NAME_SHARE * WIDTH
        return tuple(shortened(line.name, _SIZE, room) for line in self.chart.series)

    @cached_property
    def left(self) -> float:
        """Of the area; the numbers stand before it."""
        labels = self.chart.y_axis.labels
        return self.x + max((text_width(label, _SIZE) for label in labels), default=0.0) + _GAP

    @cached_property
    def right(self) -> float:
        """Of the area; names and half of the last number stand beyond."""
        names = max((text_width(name, _SIZE) for name in self.names), default=0.0)
        number = max((text_width(n, _SIZE) for n in self.chart.x_axis.labels[-1:]), default=0.0)
        return self.x + WIDTH - max(names + _GAP, number / 2 - _INSET)

    @property
    def top(self) -> float:
        """Of the area."""
        return self.y + _ABOVE

    @property
    def bottom(self) -> float:
        """Of the area."""
        return self.top + self.height

    def groups(self) -> Iterator[Group]:
        """Everything, from the back to the front."""
        chart = self.chart
        frame = (self._title(), *self._rows(), *self._columns())
        yield Group(f"{chart.title} by {chart.x_label}", frame)
        for line, name, end in zip(chart.series, self.names, self._ends(), strict=True):
            place = self.right + _GAP, end + _MIDDLE * _SIZE
            words = Text(*place, name, _SIZE, "start", role=line.role)
            yield Group(line.name, (*self._line(line), words))
            yield from self._dots(line)

    def _title(self) -> Text:
        words = shortened(self.chart.title, _TITLE_SIZE, WIDTH, bold=True)
        return Text(self.x, self.y + _TITLE_SIZE, words, _TITLE_SIZE, "start", bold=True)

    def _rows(self) -> Iterator[Mark]:
        """The numbers on the left, each with a line across the area."""
        axis = self.chart.y_axis
        for tick, label in zip(axis.ticks, axis.labels, strict=True):
            y = self._y(tick)
            yield Path(((self.left, y), (self.right, y)), Paint(stroke="grid"))
            place = self.left - _GAP, y + _MIDDLE * _SIZE
            yield Text(*place, label, _SIZE, "end", role="muted")
        if not axis.ticks:
            middle = (self.left + self.right) / 2, (self.top + self.bottom) / 2
            yield Text(*middle, "nothing to show", _SIZE, role="muted")

    def _columns(self) -> Iterator[Mark]:
        """The lower edge of the area, with numbers below it, and what they are."""
        yield Path(((self.left, self.bottom), (self.right, self.bottom)), Paint(stroke="line"))
        for x, label in self._apart():
            yield Path(((x, self.bottom), (x, self.bottom + 4)), Paint(stroke="line"))
            yield Text(x, self.bottom + 17, label, _SIZE, role="muted")
        middle = (self.left + self.right) / 2
        yield Text(middle, self.bottom + 34, self.chart.x_label, _SIZE, role="muted")

    def _apart(self) -> list[tuple[float, str]]:
        """Where the numbers below the area stand; those in between only where there is room."""
        axis = self.chart.x_axis
        found = [(self._x(tick), text) for tick, text in zip(axis.ticks, axis.labels, strict=True)]
        ends = [*found[:1], *found[1:][-1:]]
        for x, text in found[1:-1]:
            half = text_width(text, _SIZE) / 2 + _GAP
            if all(abs(x - at) >= half + text_width(end, _SIZE) / 2 for at, end in ends):
                ends.append((x, text))
        return ends

    def _line(self, line: Series) -> Iterator[Mark]:
        for shown, run in groupby(line.points, lambda point: self.chart.y_axis.shows(point[1])):
            way = tuple(map(self._point, run)) if shown else ()
            if len(way) > 1:
                yield Path(way, Paint(stroke=line.role, width=2))
            elif way and not _few(line):
                yield self._dot(line, way[0])  # alone between gaps it would not be seen

    def _dots(self, line: Series) -> Iterator[Group]:
        """A dot a point, where there are few, that tells its numbers to a pointer over it."""
        for x, y in line.points if _few(line) else ():
            if self.chart.y_axis.shows(y):
                words = f"{self.chart.x_label} {x:,}: {y:.4g}"
                yield Group(words, (self._dot(line, self._point((x, y))),))

    def _dot(self, line: Series, place: Point) -> Box:
        x, y = place[0] - _DOT, place[1] - _DOT
        return Box(x, y, 2 * _DOT, 2 * _DOT, Paint(line.role), _DOT)

    def _ends(self) -> list[float]:
        """The height of each name: that of its line's last point, but apart from all others."""
        wanted = [self._end(line) for line in self.chart.series]
        return _spread(wanted, _LEADING, self.top, self.bottom)

    def _end(self, line: Series) -> float:
        shown = [y for _, y in line.points if self.chart.y_axis.shows(y)]
        return self._y(shown[-1]) if shown else self.bottom

    def _point(self, point: tuple[int, float]) -> Point:
        return self._x(point[0]), self._y(point[1])

    def _x(self, value: float) -> float:
        left, right = self.left + _INSET, self.right - _INSET
        return left + (right - left) * self.chart.x_axis.share(value)

    def _y(self, value: float) -> float:
        return self.bottom - self.height * self.chart.y_axis.share(value)


def _few(line: Series) -> bool:
    return len(line.points) <= _MOST_DOTS


def _spread(wanted: Sequence[float], space: float, low: float, high: float) -> list[float]:
    """The places nearest to those wanted that are ``space`` apart, from ``low`` to ``high``.

    Nearest in the sum of squares: an isotonic regression, by pooling adjacent violators. What
    would come too near to its neighbour stands in one pile with it, around what both want.
    """
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    piles: list[list[float]] = []  # of where each pile's members want its first place to be
    for rank, i in enumerate(order):
        piles.append([wanted[i] - space * rank])
        while len(piles) > 1 and _mean(piles[-2]) > _mean(piles[-1]):
            piles[-2:] = [piles[-2] + piles[-1]]
    last = high - space * (len(wanted) - 1)
    firsts = [max(low, min(_mean(pile), last)) for pile in piles for _ in pile]
    places = [0.0] * len(wanted)
    for rank, i in enumerate(order):
        places[i] = firsts[rank] + space * rank
    return places


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
