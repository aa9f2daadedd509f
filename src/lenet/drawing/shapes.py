"""The bodies in a figure: stacks of feature maps, slabs of dense layers, and what joins them.

A body knows its size before it is placed; :meth:`at` places it. After LeCun et al. 1998, figure 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import log
from typing import Final

from lenet.drawing.scene import Box, Mark, Paint, Path, Point
from lenet.net import Conv2d, PlacedLayer, Shape
from lenet.net.layers import Windowed

#: The largest body's side; no map and no slab is smaller than these. Where proportion would make
#: one smaller, the scale is logarithmic.
LARGEST: Final = 116.0
SMALLEST_MAP: Final = 15.0
SMALLEST_SLAB: Final = 40.0
#: Of more feature maps than this, only so many are drawn.
MOST_SHEETS: Final = 8
_WIDEST_STEP: Final = 5.0
_DOT: Final = 2.0
#: The slab of a dense layer: how thick, and how far it leans to the right on its way down.
_SLAB: Final = 11.0
_LEAN: Final = 0.32
#: Up to so many units are drawn one by one.
_MOST_CELLS: Final = 16


class Scale:
    """Turns sizes of feature maps, or numbers of units, into pixels: in proportion where it can."""

    def __init__(self, sizes: Iterable[int], bottom: float) -> None:
        """A scale for these ``sizes``; none is less than ``bottom`` pixels if it is logarithmic."""
        known = set(sizes) or {1}
        self.least, self.most = min(known), max(known)
        self.bottom = bottom
        # Tiny networks stay small: a map of 1x1 is no wall.
        self.top = min(LARGEST, bottom + 9 * self.most)

    @property
    def logarithmic(self) -> bool:
        """Are the sizes too far apart to be in proportion?"""
        return self.most * self.bottom > self.top * self.least

    def __call__(self, size: int) -> float:
        """The length in pixels."""
        if not self.logarithmic:
            return self.top * size / self.most
        share = log(size / self.least) / log(self.most / self.least)
        return self.bottom + (self.top - self.bottom) * share


@dataclass(frozen=True)
class Stack:
    """Feature maps one behind the other; (x, y) is the upper left corner of all of them."""

    shape: Shape
    sheet_width: float
    sheet_height: float
    role: str
    x: float = 0.0
    y: float = 0.0

    @property
    def _step(self) -> float:
        """From one sheet to the next, to the right and down: less where sheets are small."""
        return min(_WIDEST_STEP, 2 + min(self.sheet_width, self.sheet_height) / 20)

    @property
    def _has_more(self) -> bool:
        return self.shape[0] > MOST_SHEETS

    @property
    def _depth(self) -> float:
        """How far the front sheet is from the farthest mark behind it."""
        return self._step * (MOST_SHEETS + 2 if self._has_more else self.shape[0] - 1)

    @property
    def width(self) -> float:
        """Of the whole stack."""
        return self.sheet_width + self._depth

    @property
    def height(self) -> float:
        """Of the whole stack."""
        return self.sheet_height + self._depth

    def at(self, x: float, y: float) -> Stack:
        """The same, placed."""
        return replace(self, x=x, y=y)

    @property
    def front(self) -> Box:
        """The sheet that is seen whole."""
        return self._sheet(0)

    def _sheet(self, behind: int) -> Box:
        offset = self._depth - behind * self._step
        paint = Paint(f"{self.role}-face", f"{self.role}-edge", 1.1)
        return Box(self.x + offset, self.y + offset, self.sheet_width, self.sheet_height, paint)

    def marks(self) -> list[Mark]:
        """From the back to the front; three dots stand for the sheets that are not drawn."""
        sheets = range(min(self.shape[0], MOST_SHEETS))
        dots = (1, 2, 3) if self._has_more else ()
        return [*map(self._dot, dots), *map(self._sheet, reversed(sheets))]

    def _dot(self, place: int) -> Box:
        """One of the dots, in line with the corners of the sheets on the upper right."""
        offset = self._step * (place - 1)
        paint = Paint(f"{self.role}-edge")
        x, y = self.x + self.sheet_width + offset, self.y + offset
        return Box(x - _DOT / 2, y - _DOT / 2, _DOT, _DOT, paint, _DOT / 2)

    def exits(self) -> tuple[Point, Point]:
        """The upper and lower end of the edge on the right."""
        front = self.front
        return (front.right, front.y), (front.right, front.bottom)


@dataclass(frozen=True)
class Slab:
    """The units of a dense layer, leaning as a column seen from the side."""

    units: int
    height: float
    x: float = 0.0
    y: float = 0.0
    role: str = "dense"

    @property
    def width(self) -> float:
        """Of the leaning slab."""
        return _SLAB + _LEAN * self.height

    def at(self, x: float, y: float) -> Slab:
        """The same, placed."""
        return replace(self, x=x, y=y)

    def marks(self) -> list[Mark]:
        """The outline, and a line between units where there are few."""
        (left, top), (low_left, bottom) = self.entries()
        outline = ((left, top), (left + _SLAB, top), (low_left + _SLAB, bottom), (low_left, bottom))
        marks: list[Mark] = [Path(outline, Paint("dense-face", "dense-edge", 1.1), closed=True)]
        if self.units <= _MOST_CELLS:
            thin = Paint(stroke="dense-edge", width=0.7)
            for i in range(1, self.units):
                y = top + self.height * i / self.units
                x = left + _LEAN * (y - top)
                marks.append(Path(((x, y), (x + _SLAB, y)), thin))
        return marks

    def entries(self) -> tuple[Point, Point]:
        """The upper and lower end of the edge on the left."""
        return (self.x, self.y), (self.x + _LEAN * self.height, self.y + self.height)

    def exits(self) -> tuple[Point, Point]:
        """The upper and lower end of the edge on the right."""
        (x, y), (low_x, bottom) = self.entries()
        return (x + _SLAB, y), (low_x + _SLAB, bottom)


Body = Stack | Slab


def join(source: Body, target: Body, placed: PlacedLayer, turn: int) -> list[Mark]:
    """What leads from ``source`` to ``target``, the layer between them.

    A convolution and a pooling show one window and the one number it becomes; ``turn`` moves it up
    and down so that what comes in and what goes out do not hide each other.
    """
    if isinstance(source, Stack) and isinstance(target, Stack):
        window, pixel = _window(source, target, placed, turn)
        fan = (
            ((window.right, window.y), (pixel.x, pixel.y)),
            (
                (window.right, window.bottom),
                (pixel.x, pixel.bottom),
            ),
        )
        return [*_beam(*fan, target.role, 0.16), window, pixel]
    upper, lower = source.exits()
    into = target.entries() if isinstance(target, Slab) else target.exits()
    return _beam((upper, into[0]), (lower, into[1]), target.role, 0.1)


def _beam(
    upper: tuple[Point, Point], lower: tuple[Point, Point], role: str, opacity: float
) -> list[Mark]:
    """A tinted area between two lines."""
    edge = f"{role}-edge"
    return [
        Path((*upper, *reversed(lower)), Paint(edge, opacity=opacity), closed=True),
        *(Path(line, Paint(stroke=edge, width=0.8)) for line in (upper, lower)),
    ]


def _window(source: Stack, target: Stack, placed: PlacedLayer, turn: int) -> tuple[Box, Box]:
    """One window on the source's front sheet, and its output on the target's."""
    layer = placed.layer
    assert isinstance(layer, Windowed)
    share_y, share_x = (0.3 if turn % 2 == 0 else 0.72), 0.62
    rows, columns = (
        _interval(placed, axis, round(share * (placed.output_shape[axis + 1] - 1)))
        for axis, share in enumerate((share_y, share_x))
    )
    (top, bottom), (row, row_end) = rows
    (left, right), (column, column_end) = columns
    role = "conv-edge" if isinstance(layer, Conv2d) else "pool-edge"
    paint = Paint(role, role, 1.0, opacity=0.28)
    return (
        _part(source.front, left, right, top, bottom, paint),
        _part(target.front, column, column_end, row, row_end, paint),
    )


def _interval(
    placed: PlacedLayer, axis: int, index: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    """On one axis, as shares of the maps: what output ``index`` sees, and where it stands."""
    layer = placed.layer
    assert isinstance(layer, Windowed)
    size, outputs = placed.input_shape[axis + 1], placed.output_shape[axis + 1]
    start = index * layer.stride[axis] - layer.padding[2 * axis]
    end = start + layer.kernel_size[axis]
    # The part on the padding lies outside of the map; what is wholly outside shows its edge.
    seen = min(max(start, 0), size) / size, min(max(end, 0), size) / size
    return seen, (index / outputs, (index + 1) / outputs)


def _part(sheet: Box, left: float, right: float, top: float, bottom: float, paint: Paint) -> Box:
    """A part of a sheet, given in shares of it, but never too small to be seen."""
    width = min(sheet.width, max(3.0, (right - left) * sheet.width))
    height = min(sheet.height, max(3.0, (bottom - top) * sheet.height))
    x = min(sheet.x + left * sheet.width, sheet.right - width)
    y = min(sheet.y + top * sheet.height, sheet.bottom - height)
    return Box(x, y, width, height, paint)
