"""A picture before it is written in any format: a few kinds of marks at fixed places.

Lengths are in pixels of 1/96 inch, x runs to the right and y down, as in SVG. Colours are named by
their role (see :mod:`lenet.drawing.palette`), so that one scene serves every theme.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lenet.drawing.typeface import ASCENT, DESCENT, text_width

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True)
class Paint:
    """How a mark is filled and outlined; an empty role paints nothing.

    Attributes:
        fill: the colour role inside.
        stroke: the colour role of the outline.
        width: the outline's width.
        opacity: of the fill, from 0 to 1.
    """

    fill: str = ""
    stroke: str = ""
    width: float = 1.0
    opacity: float = 1.0


@dataclass(frozen=True)
class Path:
    """A line through ``points``, or the area that it encloses."""

    points: tuple[Point, ...]
    paint: Paint
    closed: bool = False


@dataclass(frozen=True)
class Box:
    """An upright rectangle with its corner at (x, y), rounded by ``radius``."""

    x: float
    y: float
    width: float
    height: float
    paint: Paint
    radius: float = 0.0

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height


@dataclass(frozen=True)
class Text:
    """One line of text; (x, y) is on the baseline, at its start, middle or end."""

    x: float
    y: float
    text: str
    size: float
    anchor: Anchor = "middle"
    bold: bool = False
    role: str = "text"

    @property
    def width(self) -> float:
        """An upper bound of the width."""
        return text_width(self.text, self.size, self.bold)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """What it covers: left, top, right, bottom."""
        left = self.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor] * self.width
        top, bottom = self.y - ASCENT * self.size, self.y + DESCENT * self.size
        return left, top, left + self.width, bottom


@dataclass(frozen=True)
class Pixels:
    """An image in an upright rectangle with its corner at (x, y), the same in every theme.

    Attributes:
        x: of the left edge.
        y: of the upper edge.
        width: on the page.
        height: on the page.
        size: pixels of the image, (rows, columns).
        channels: 1 for grey, 3 for RGB.
        data: a byte a channel and pixel, row by row, 0 for dark.
    """

    x: float
    y: float
    width: float
    height: float
    size: tuple[int, int]
    channels: int
    data: bytes


Mark = Path | Box | Text | Pixels


@dataclass(frozen=True)
class Group:
    """Marks that belong together, with the words that a pointer over them shows."""

    title: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Scene:
    """A whole picture; later groups lie over earlier ones."""

    width: float
    height: float
    groups: tuple[Group, ...]

    @property
    def marks(self) -> Iterator[Mark]:
        """All marks in the order in which they are drawn."""
        return (mark for group in self.groups for mark in group.marks)

    @property
    def roles(self) -> frozenset[str]:
        """The roles of all colours in it."""
        return frozenset(role for mark in self.marks for role in _roles(mark) if role)

    @property
    def texts(self) -> tuple[Text, ...]:
        """All lines of text."""
        return tuple(mark for mark in self.marks if isinstance(mark, Text))


def _roles(mark: Mark) -> tuple[str, ...]:
    match mark:
        case Text():
            return (mark.role,)
        case Pixels():
            return ()
        case _:
            return mark.paint.fill, mark.paint.stroke
