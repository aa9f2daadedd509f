"""Line charts: what changes over epochs, one chart or several beside each other.

Every line has its name at its end, in its own colour; names that would cover each other move
apart. A value that is no finite number leaves a gap. The axes are written here: a library that has
them takes longer to import than lenet takes to train a network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from math import ceil, floor, inf, log10
from typing import Final

from lenet.drawing.scene import (
    MIDDLE,
    Anchor,
    Box,
    Group,
    Mark,
    Paint,
    Path,
    Point,
    Scene,
    Text,
    shortened,
    text_width,
    widest,
)

WIDTH: Final = 400.0  # of one chart with all that stands around it
_HEIGHT: Final = 190.0  # of the area of the lines, at least
MARGIN: Final = 24.0
_GUTTER: Final = 32.0
SIZE: Final = 11.0
_TITLE_SIZE: Final = 12.0
_HEADING_SIZE: Final = 14.0
HEADING: Final = 36.0  # the room that a heading takes
_ABOVE: Final = 30.0  # from a title to the area below it
_BELOW: Final = 38.0  # from the area to the end of what stands below it
_LEADING: Final = 15.0
_GAP: Final = 8.0  # between the area and the numbers on its left, the names on its right
_INSET: Final = 6.0  # from the left and right of the area to the first and last point
_NAME_SHARE: Final = 0.35  # the longest name, as a part of the chart's width
_MOST_DOTS: Final = 30  # more points are seen in the line only
_DOT: Final = 2.75
_MOST_STEPS: Final = 5  # between the labels of an axis
_HUGE: Final = 1e300  # beyond it, differences would overflow: shown as infinite
_TINY: Final = 1e-9  # parts of a number by which two are not told apart


@dataclass(frozen=True)
class Axis:
    """A range of numbers with labels on it."""

    low: float
    high: float  # always above ``low``
    ticks: tuple[float, ...] = ()  # the labelled numbers, in order
    labels: tuple[str, ...] = ()
    logarithmic: bool = False  # are equal distances equal ratios?

    def shows(self, value: float) -> bool:
        """Has ``value`` a place? NaN and infinity have none, nor what is not above 0 in ratios."""
        return abs(value) <= _HUGE and (value >= 1 / _HUGE or not self.logarithmic)

    def share(self, value: float) -> float:
        """Return where ``value`` lies: 0 at the low end, 1 at the high one."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = log10(low), log10(high), log10(value)
        return (value - low) / (high - low)


def linear_axis(
    values: Iterable[float], limits: tuple[float, float] = (-inf, inf), from_zero: bool = False
) -> Axis:
    """Return an axis with labels at round numbers, the first and last of them at its ends."""
    shown = [value for value in values if abs(value) <= _HUGE]
    if not shown:
        return Axis(0.0, 1.0)
    shown += [0.0] * from_zero
    low, high = min(shown), max(shown)
    size = max(abs(low), abs(high), 1 / _HUGE)
    room = 0.0  # around numbers that are one, or nearly so
    if high - low <= _TINY * size:
        room = size / 20 if size > 1 / _HUGE else 0.5
    bottom, top = low - room, high + room
    step = _round_step(bottom, top)
    ticks = [step * i for i in range(floor(bottom / step + _TINY), ceil(top / step - _TINY) + 1)]
    if len(possible := [tick for tick in ticks if limits[0] <= tick <= limits[1]]) > 1:
        ticks = possible
    return Axis(min(low, ticks[0]), max(high, ticks[-1]), tuple(ticks), _texts(ticks, step))


def logarithmic_axis(values: Iterable[float]) -> Axis:
    """Return an axis between powers of ten; only what is above 0 has a place on it."""
    shown = [value for value in values if 1 / _HUGE <= value <= _HUGE]
    if not shown:
        return Axis(1.0, 10.0, logarithmic=True)
    first, last = floor(log10(min(shown))), ceil(log10(max(shown)))
    step = max(1, ceil((last - first) / _MOST_STEPS))
    powers = range(first, max(last, first + 1) + step, step)
    ticks = tuple(10.0**power for power in powers)
    labels = (f"{10**power:,g}" if -3 <= power <= 5 else f"1e{power}" for power in powers)
    return Axis(ticks[0], ticks[-1], ticks, tuple(labels), logarithmic=True)


def whole_axis(values: Iterable[int]) -> Axis:
    """Return an axis of whole numbers from the least to the greatest value, both labelled."""
    shown = set(values)
    if not shown:
        return Axis(0.0, 1.0)
    low, high = min(shown), max(shown)
    if low == high:
        return Axis(low - 1, high, (high,), (f"{high:,}",))  # at its end, where the names stand
    step = max(1, round(_round_step(low, high)))
    ticks = (low, *range(step * (low // step + 1), high, step), high)
    return Axis(low, high, ticks, tuple(f"{tick:,}" for tick in ticks))


def _round_step(low: float, high: float) -> float:
    """Return the least of 1, 2, 5, 10, 20, ... that needs few enough steps from low to high."""
    least = (high - low) / _MOST_STEPS
    power = 10.0 ** floor(log10(least))
    return next((power * n for n in (1, 2, 5) if power * n >= least * (1 - _TINY)), 10 * power)


def _texts(ticks: Sequence[float], step: float) -> tuple[str, ...]:
    """Write the numbers with as many digits as tell them apart."""
    largest = max(map(abs, ticks))
    decimals = -floor(log10(step) + _TINY)
    if largest < 1e6 and decimals <= 4:
        return tuple(f"{tick:,.{max(0, decimals)}f}" for tick in ticks)
    digits = floor(log10(largest)) + decimals
    return tuple(_scientific(tick, digits) for tick in ticks)


def _scientific(value: float, digits: int) -> str:
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}" if value else "0"


@dataclass(frozen=True)
class Series:
    """One line."""

    name: str  # stands at its end, shortened if need be; may be empty
    role: str  # its colour, one of :data:`lenet.drawing.scene.SERIES`
    points: tuple[tuple[int, float], ...]  # x (an epoch, a step) and y, in the order of x
    value: str = ""  # stands behind the name, and is never shortened

    def label(self, width: float) -> str:
        """Return the name and the value behind it, the name shortened to ``width`` in all."""
        value = f" {self.value}" if self.value else ""
        return shortened(self.name, SIZE, width - text_width(value, SIZE)) + value

    @property
    def has_dots(self) -> bool:
        return len(self.points) <= _MOST_DOTS


@dataclass(frozen=True)
class Chart:
    """Lines in one pair of axes."""

    title: str  # what y is, and in which unit
    x_label: str
    series: tuple[Series, ...]  # later ones lie over earlier ones
    limits: tuple[float, float] = (-inf, inf)  # the least and the greatest y that there can be
    from_zero: bool = False  # does the y axis begin at 0?
    whole: bool = False  # does it go from one limit to the other?
    logarithmic: bool = False  # y shows powers of ten whatever the three above say; 0 is a gap
    logarithmic_x: bool = False  # so does x, all of which is above 0

    @cached_property
    def x_axis(self) -> Axis:
        values = [x for line in self.series for x, _ in line.points]
        return logarithmic_axis(values) if self.logarithmic_x else whole_axis(values)

    @cached_property
    def y_axis(self) -> Axis:
        values = [y for line in self.series for _, y in line.points]
        if self.logarithmic:
            return logarithmic_axis(values)
        values += self.limits if self.whole and values else ()
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

    def shown(self, line: Series) -> list[tuple[int, float]]:
        """Return the points of a line that have a place."""
        return [point for point in line.points if self.y_axis.shows(point[1])]

    def _course(self, line: Series) -> str:
        ends = [f"{y:.4g} at {x:,}" for x, y in self.shown(line)]
        return f"{line.name or 'a line'}: {f'{ends[0]}, {ends[-1]}' if ends else 'no values'}"


def heading_text(words: str, width: float) -> Text:
    """Return the heading of a picture, shortened to ``width``."""
    line = shortened(" ".join(words.split()), _HEADING_SIZE, width, bold=True)
    return Text(MARGIN, MARGIN + _HEADING_SIZE, line, _HEADING_SIZE, "start", bold=True)


def label(x: float, y: float, words: str, anchor: Anchor = "middle") -> Text:
    """Return the words beside an axis."""
    return Text(x, y, words, SIZE, anchor, role="muted")


def draw_charts(charts: Sequence[Chart], heading: str = "", columns: int = 2) -> Scene:
    """Lay charts out in rows of ``columns``, from left to right, under a heading if it has any."""
    columns = max(1, min(columns, len(charts)))
    width = columns * (WIDTH + _GUTTER) - _GUTTER
    groups: list[Group] = []
    y = MARGIN
    if heading:
        groups.append(Group(" ".join(heading.split()), (heading_text(heading, width),)))
        y += HEADING
    for start in range(0, len(charts), columns):
        row = charts[start : start + columns]
        height = max(chart.height for chart in row)
        for column, chart in enumerate(row):
            left = MARGIN + column * (WIDTH + _GUTTER)
            groups += _Panel(chart, left, y, height).groups()
        y += _ABOVE + height + _BELOW + _GUTTER
    return Scene(width + 2 * MARGIN, y - _GUTTER + MARGIN, tuple(groups))


class _Panel:
    """A chart in its place: (x, y) is its upper left corner, ``height`` that of its area."""

    def __init__(self, chart: Chart, x: float, y: float, height: float) -> None:
        self.chart, self.x, self.y, self.height = chart, x, y, height
        # The numbers stand before the area; the names and half of the last number beyond it.
        self.names = [line.label(_NAME_SHARE * WIDTH) for line in chart.series]
        number = widest(chart.x_axis.labels[-1:], SIZE) / 2 - _INSET
        self.left = x + widest(chart.y_axis.labels, SIZE) + _GAP
        self.right = x + WIDTH - max(widest(self.names, SIZE) + _GAP, number)
        self.middle = (self.left + self.right) / 2
        self.top = y + _ABOVE
        self.bottom = self.top + height

    def groups(self) -> Iterator[Group]:
        """Draw everything, from the back to the front."""
        chart = self.chart
        words = shortened(chart.title, _TITLE_SIZE, WIDTH, bold=True)
        title = Text(self.x, self.y + _TITLE_SIZE, words, _TITLE_SIZE, "start", bold=True)
        frame = (title, *self._rows(), *self._columns())
        yield Group(f"{chart.title} by {chart.x_label}", frame)
        shown = [chart.shown(line) for line in chart.series]
        wanted = [self._y(points[-1][1]) if points else self.bottom for points in shown]
        ends = _spread(wanted, _LEADING, self.top, self.bottom)
        for line, points, name, end in zip(chart.series, shown, self.names, ends, strict=True):
            x, y = self.right + _GAP, end + MIDDLE * SIZE
            text = Text(x, y, name, SIZE, "start", role=line.role)
            yield Group(line.name, (*self._line(line), *self._leader(line, points, end), text))
            for point in points if line.has_dots else ():
                words = f"{chart.x_label} {point[0]:,}: {point[1]:.4g}"
                yield Group(words, (_dot(line, self._point(point)),))

    def _leader(
        self, line: Series, points: Sequence[tuple[int, float]], end: float
    ) -> Iterator[Mark]:
        """Draw a thin line from the last point to a name that does not stand beside it."""
        if points and abs(end - self._y(points[-1][1])) > _LEADING / 2:
            places = (self._point(points[-1]), (self.right + _GAP - 2, end))
            yield Path(places, Paint(stroke=line.role, width=0.6))

    def _rows(self) -> Iterator[Mark]:
        """Draw the numbers on the left, each with a line across the area."""
        axis = self.chart.y_axis
        for tick, words in zip(axis.ticks, axis.labels, strict=True):
            y = self._y(tick)
            yield Path(((self.left, y), (self.right, y)), Paint(stroke="grid"))
            yield label(self.left - _GAP, y + MIDDLE * SIZE, words, "end")
        if not axis.ticks:
            yield label(self.middle, (self.top + self.bottom) / 2, "nothing to show")

    def _columns(self) -> Iterator[Mark]:
        """Draw the lower edge of the area, with numbers below it, and what they are."""
        yield Path(((self.left, self.bottom), (self.right, self.bottom)), Paint(stroke="line"))
        for x, words in self._apart():
            yield Path(((x, self.bottom), (x, self.bottom + 4)), Paint(stroke="line"))
            yield label(x, self.bottom + 17, words)
        yield label(self.middle, self.bottom + 34, self.chart.x_label)

    def _apart(self) -> list[tuple[float, str]]:
        """Return where numbers stand below the area; those in between only where there is room."""
        axis = self.chart.x_axis
        ticks = [(self._x(tick), text) for tick, text in zip(axis.ticks, axis.labels, strict=True)]
        kept = [*ticks[:1], *ticks[1:][-1:]]
        for x, text in ticks[1:-1]:
            half = text_width(text, SIZE) / 2 + _GAP
            if all(abs(x - at) >= half + text_width(end, SIZE) / 2 for at, end in kept):
                kept.append((x, text))
        return kept

    def _line(self, line: Series) -> Iterator[Mark]:
        for shown, run in groupby(line.points, lambda point: self.chart.y_axis.shows(point[1])):
            points = tuple(map(self._point, run)) if shown else ()
            if len(points) > 1:
                yield Path(points, Paint(stroke=line.role, width=2))
            elif points and not line.has_dots:
                yield _dot(line, points[0])  # alone between gaps it would not be seen

    def _point(self, point: tuple[int, float]) -> Point:
        return self._x(point[0]), self._y(point[1])

    def _x(self, value: float) -> float:
        left, right = self.left + _INSET, self.right - _INSET
        return left + (right - left) * self.chart.x_axis.share(value)

    def _y(self, value: float) -> float:
        return self.bottom - self.height * self.chart.y_axis.share(value)


def _dot(line: Series, place: Point) -> Box:
    x, y = place[0] - _DOT, place[1] - _DOT
    return Box(x, y, 2 * _DOT, 2 * _DOT, Paint(line.role), _DOT)


def _spread(wanted: Sequence[float], space: float, low: float, high: float) -> list[float]:
    """Return the places nearest to those wanted that are ``space`` apart, from low to high.

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
