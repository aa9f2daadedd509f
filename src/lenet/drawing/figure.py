"""The paper's figure for any network: what flows, drawn to scale, and what is done between.

After LeCun et al. 1998, figure 2. A body is a stack of feature maps or the slab of a dense layer.
Feature maps keep their aspect. Where small ones could not be seen beside large ones, equal ratios
stay equal but become smaller, and a note in the picture says so.

Bodies are placed from left to right: each stands as far left as the body before it, its own label
above and the operation's label below allow. A row that would get too long breaks; the next one
repeats the last body, so that every operation is seen whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, pairwise
from math import log, sqrt
from typing import Final

from lenet.drawing.labels import (
    block_label,
    layer_title,
    operation_label,
    renamed,
    stage_label,
)
from lenet.drawing.scene import (
    LEAST_ZOOMS,
    LETTERS,
    Box,
    Group,
    Mark,
    Paint,
    Path,
    Point,
    Scene,
    Text,
    even_pieces,
    fitted,
    text_width,
    widest,
    wrapped,
)
from lenet.net import Network, PlacedLayer, Shape
from lenet.net.layers import Windowed
from lenet.net.words import listed

MAX_WIDTH: Final = 1160.0  # of a picture whose width is not chosen
_TALL: Final = 2.6  # times as high as wide is a column of a paper
_LABEL_GAP: Final = 14.0
_ROW_GAP: Final = 30.0
_SIZE: Final = LETTERS
_LEADING: Final = 16.0
_AIR: Final = 18.0  # between the bodies and the labels above and below them
LARGEST: Final = 116.0  # the largest body's side; no map and no slab is smaller than the next two
SMALLEST_MAP: Final = 15.0  # its longer side; a map that is no square has a longer one
SMALLEST_SLAB: Final = 40.0
THINNEST: Final = 6.0  # a map's shorter side, at least
SMALLEST_WINDOW: Final = 2.5
_LONGER: Final = (1.5, 2.7)  # by how much the largest and the smallest map may be longer
MOST_SHEETS: Final = 8  # of more feature maps only so many are drawn, and dots for the others
_DOT: Final = 2.0
_WIDEST_STEP: Final = 5.0  # from one sheet of a stack to the next, at most
_NARROWEST_STEP: Final = 2.0
_SLAB: Final = 11.0  # how thick the slab of a dense layer is
_LEAN: Final = 0.32  # how far it leans to the right on its way down
_MOST_CELLS: Final = 16  # up to so many units are drawn one by one


@dataclass(frozen=True)
class _Room:
    """How much room a picture takes."""

    margin: float
    gap: float  # between two bodies, at least
    bodies: float  # their size
    is_even: bool  # are bodies as far apart as the operations below them, at least?


#: For a page of its own, and for ever narrower columns of a paper.
_ROOMS: Final = tuple(
    _Room(*sizes, is_even)
    for sizes in ((24.0, 46.0, 1.0), (12.0, 36.0, 0.8), (12.0, 28.0, 0.62))
    for is_even in (True, False)
)


def draw_figure(
    network: Network,
    names: Sequence[str] = (),
    width: float | None = None,
    rows: int | None = None,
) -> Scene:
    """Lay out the figure, as wide as it needs or exactly ``width``."""
    placed = renamed(network, names)
    if width is None:
        return _best(network, placed, _ROOMS[:2], MAX_WIDTH, rows)
    for zoom in LEAST_ZOOMS:
        scene = fitted(_best(network, placed, _ROOMS, width / zoom, rows), width)
        if scene.height <= _TALL * width:
            break
    return scene


def _best(
    network: Network,
    placed: Sequence[PlacedLayer],
    rooms: Sequence[_Room],
    limit: float,
    count: int | None,
) -> Scene:
    """Return the narrow enough figure with the fewest rows, and of those with most room."""
    layouts = [_laid_out(network, placed, room, limit, count) for room in rooms]
    best = min(layouts, key=lambda layout: (max(layout.width, limit), len(layout.rows)))
    return _draw_rows(network, best)


@dataclass(frozen=True)
class _Layout:
    """Rows of bodies at their places, before anything is drawn."""

    room: _Room
    rows: Sequence[Row]
    note: str

    @property
    def right(self) -> float:
        """The right end of the longest row."""
        return max(_extent(row)[1] for row in self.rows)

    @cached_property
    def lines(self) -> list[str]:
        """The note, in lines no longer than the rows where words allow."""
        return wrapped(self.note, _SIZE, self.right - self.room.margin) if self.note else []

    @cached_property
    def width(self) -> float:
        """The width of the picture."""
        margin = self.room.margin
        return max(self.right, margin + widest(self.lines, _SIZE)) + margin


def _laid_out(
    network: Network,
    placed: Sequence[PlacedLayer],
    room: _Room,
    limit: float,
    count: int | None,
) -> _Layout:
    """Lay out the figure in ``count`` rows, or in as few as ``limit`` allows."""
    scales = _Scales.of(network, room.bodies)
    stages = _stages(network, placed, scales)
    row_limit = limit - 2 * room.margin
    broken = even_pieces(lambda width: _broken(stages, width, room), row_limit, count)
    rows = [_shifted(_evened(row, room), room.margin) for row in broken]
    return _Layout(room, rows, _note(placed, scales))


def _draw_rows(network: Network, layout: _Layout) -> Scene:
    """Draw the figure: row below row, and the note."""
    margin, bodies = layout.room.margin, layout.room.bodies
    groups: list[Group] = []
    bottom, gap = margin, 0.0
    for row in layout.rows:
        picture, bottom = _draw_row(network, row, bottom + gap, _AIR * bodies)
        groups += picture
        gap = _ROW_GAP * bodies
    if layout.note:
        texts = tuple(
            Text(margin, bottom + _ROW_GAP + line * _LEADING, words, _SIZE, "start", role="muted")
            for line, words in enumerate(layout.lines)
        )
        groups.append(Group(layout.note, texts))
        bottom = texts[-1].y + 4
    return Scene(layout.width, bottom + margin, tuple(groups), layout.note)


@dataclass(frozen=True)
class Scale:
    """Turns sizes into pixels.

    The largest becomes ``top``. They are in proportion if ``power`` is 1; the less it is, the
    larger are the small ones beside the large ones, and equal ratios stay equal.
    """

    most: int
    top: float
    bottom: float
    power: float = 1.0

    def __call__(self, size: int) -> float:
        share: float = (size / self.most) ** self.power
        return max(self.bottom, self.top * share)


def make_scale(sizes: Iterable[int], bottom: float, top: float = LARGEST) -> Scale:
    """Return the scale nearest to proportion on which the smallest is at least ``bottom``."""
    known = set(sizes) or {1}
    least, most = min(known), max(known)
    # Tiny networks stay small: a map of 1x1 is no wall.
    top = min(top, bottom + 9 * most)
    if most * bottom <= top * least:
        return Scale(most, top, bottom)
    return Scale(most, top, bottom, log(top / bottom) / log(most / least))


@dataclass(frozen=True)
class _Scales:
    """The sizes of all bodies of a figure."""

    maps: Scale
    units: Scale
    bodies: float  # the size of all of them

    @classmethod
    def of(cls, network: Network, bodies: float) -> _Scales:
        shapes = _shapes(network.placed)
        sides = [sorted(shape[1:]) for shape in shapes if len(shape) == 3]
        least, most = (chosen(sides, key=lambda pair: pair[::-1]) for chosen in (min, max))
        # What is no square has less area, and may be longer to be seen as well.
        longer, long = (
            min(sqrt(high / low), limit)
            for (low, high), limit in zip((most, least), _LONGER, strict=True)
        )
        return cls(
            make_scale(
                (high for _, high in sides),
                SMALLEST_MAP * long * bodies,
                LARGEST * longer * bodies,
            ),
            make_scale(
                (shape[0] for shape in shapes if len(shape) == 1),
                SMALLEST_SLAB * bodies,
                LARGEST * bodies,
            ),
            bodies,
        )

    def sheet(self, shape: Shape) -> tuple[float, float]:
        """Return the width and height of a feature map."""
        _, height, width = shape
        pixel = self._pixel(shape)
        return max(self.thinnest, pixel * width), max(self.thinnest, pixel * height)

    @property
    def thinnest(self) -> float:
        """The shorter side of a feature map, at least."""
        return THINNEST * self.bodies

    def is_thickened(self, shape: Shape) -> bool:
        """Is a feature map drawn thicker than it is, to be seen?"""
        return self._pixel(shape) * min(shape[1:]) < self.thinnest

    def _pixel(self, shape: Shape) -> float:
        """Return the side of one number of a feature map."""
        longer = max(shape[1:])
        return self.maps(longer) / longer

    def body(self, shape: Shape, role: str) -> Body:
        if len(shape) == 1:
            return Slab(shape[0], self.units(shape[0]), role)
        return Stack(shape[0], *self.sheet(shape), role, pressed=self.bodies)


def _shapes(layers: Sequence[PlacedLayer]) -> list[Shape]:
    """Return the shapes of all bodies."""
    return [layers[0].input_shape, *(placed.output_shape for placed in layers)]


@dataclass(frozen=True)
class Stack:
    """Feature maps one behind the other from (x, y) on; the front one is the lowest, rightmost."""

    maps: int
    sheet_width: float
    sheet_height: float
    role: str
    x: float = 0.0
    y: float = 0.0
    pressed: float = 1.0  # how near the sheets are to each other

    @cached_property
    def _step(self) -> float:
        """From one sheet to the next, to the right and down: less where sheets are small."""
        step = min(_WIDEST_STEP, 2 + min(self.sheet_width, self.sheet_height) / 20)
        return max(_NARROWEST_STEP, self.pressed * step)

    @cached_property
    def _depth(self) -> float:
        """From the front sheet to the farthest mark behind it."""
        return self._step * (MOST_SHEETS + 2 if self.maps > MOST_SHEETS else self.maps - 1)

    @property
    def width(self) -> float:
        return self.sheet_width + self._depth

    @property
    def height(self) -> float:
        return self.sheet_height + self._depth

    @property
    def front(self) -> Box:
        return self._sheet(0)

    def _sheet(self, behind: int) -> Box:
        offset = self._depth - behind * self._step
        paint = Paint(f"{self.role}-face", f"{self.role}-edge", 1.1)
        return Box(self.x + offset, self.y + offset, self.sheet_width, self.sheet_height, paint)

    def marks(self) -> list[Mark]:
        """Return the sheets from the back to the front; three dots stand for those not drawn."""
        paint, marks = Paint(f"{self.role}-edge"), list[Mark]()
        for place in range(3 if self.maps > MOST_SHEETS else 0):
            x = self.x + self.sheet_width + self._step * place - _DOT / 2
            y = self.y + self._step * place - _DOT / 2
            marks.append(Box(x, y, _DOT, _DOT, paint, _DOT / 2))
        return [*marks, *map(self._sheet, reversed(range(min(self.maps, MOST_SHEETS))))]

    def exits(self) -> tuple[Point, Point]:
        """Return the upper and lower end of the edge on the right."""
        return (self.front.right, self.front.y), (self.front.right, self.front.bottom)


@dataclass(frozen=True)
class Slab:
    """The units of a dense layer, leaning as a column seen from the side."""

    units: int
    height: float
    role: str = "dense"
    x: float = 0.0
    y: float = 0.0

    @property
    def width(self) -> float:
        return _SLAB + _LEAN * self.height

    def marks(self) -> list[Mark]:
        """Return the outline, and a line between units where there are few."""
        (left, top), (low_left, bottom) = self.entries()
        outline = ((left, top), (left + _SLAB, top), (low_left + _SLAB, bottom), (low_left, bottom))
        paint = Paint(f"{self.role}-face", f"{self.role}-edge", 1.1)
        marks: list[Mark] = [Path(outline, paint, closed=True)]
        for i in range(1, self.units if self.units <= _MOST_CELLS else 1):
            y = top + self.height * i / self.units
            x = left + _LEAN * (y - top)
            marks.append(Path(((x, y), (x + _SLAB, y)), Paint(stroke=paint.stroke, width=0.7)))
        return marks

    def entries(self) -> tuple[Point, Point]:
        """Return the upper and lower end of the edge on the left."""
        return (self.x, self.y), (self.x + _LEAN * self.height, self.y + self.height)

    def exits(self) -> tuple[Point, Point]:
        """Return the upper and lower end of the edge on the right."""
        (x, y), (low_x, bottom) = self.entries()
        return (x + _SLAB, y), (low_x + _SLAB, bottom)


Body = Stack | Slab


def join(source: Body, target: Body, placed: PlacedLayer, turn: int) -> list[Mark]:
    """Draw what leads to ``target``: a beam, or one window and the number that it becomes.

    ``turn`` moves it up and down: what comes in and what goes out must not hide each other.
    """
    if isinstance(target, Slab):
        (top, bottom), (high, low) = source.exits(), target.entries()
        return _beam((top, high), (bottom, low), target.role, 0.1)
    assert isinstance(source, Stack)  # units never become maps again
    window, pixel = _window(source.front, target.front, placed, turn)
    upper = ((window.right, window.y), (pixel.x, pixel.y))
    lower = ((window.right, window.bottom), (pixel.x, pixel.bottom))
    return [*_beam(upper, lower, target.role, 0.16), window, pixel]


def _beam(
    upper: tuple[Point, Point], lower: tuple[Point, Point], role: str, opacity: float
) -> list[Mark]:
    """Draw a tinted area between two lines."""
    edge = f"{role}-edge"
    return [
        Path((*upper, *reversed(lower)), Paint(edge, opacity=opacity), closed=True),
        *(Path(line, Paint(stroke=edge, width=0.8)) for line in (upper, lower)),
    ]


def _window(source: Box, target: Box, placed: PlacedLayer, turn: int) -> tuple[Box, Box]:
    """Draw one window on the source's sheet, and its output on the target's."""
    layer = placed.layer
    assert isinstance(layer, Windowed)
    window, pixel = list[Interval](), list[Interval]()
    for axis, share in enumerate((0.72 if turn % 2 else 0.3, 0.62)):
        size, outputs = placed.input_shape[axis + 1], placed.output_shape[axis + 1]
        index = round(share * (outputs - 1))
        start = index * layer.stride[axis] - layer.padding[2 * axis]
        end = start + layer.kernel_size[axis]
        # The part on the padding lies outside of the map; what is wholly outside shows its edge.
        window.append((min(max(start, 0), size) / size, min(max(end, 0), size) / size))
        pixel.append((index / outputs, (index + 1) / outputs))
    edge = f"{layer.stem}-edge"
    paint = Paint(edge, edge, 1.0, opacity=0.28)
    return _part(source, window, paint), _part(target, pixel, paint)


Interval = tuple[float, float]


def _part(sheet: Box, shares: Sequence[Interval], paint: Paint) -> Box:
    """Draw a part of a sheet, given in shares of it, but never too small to be seen."""
    (top, bottom), (left, right) = shares
    width = min(sheet.width, max(SMALLEST_WINDOW, (right - left) * sheet.width))
    height = min(sheet.height, max(SMALLEST_WINDOW, (bottom - top) * sheet.height))
    x = min(sheet.x + left * sheet.width, sheet.right - width)
    y = min(sheet.y + top * sheet.height, sheet.bottom - height)
    return Box(x, y, width, height, paint)


@dataclass(frozen=True)
class _Stage:
    """A body with its label, and the layer that led to it (the input has none), in a row."""

    body: Body
    label: tuple[str, ...]
    label_width: float
    placed: PlacedLayer | None = None
    operation: tuple[str, ...] = ()
    operation_width: float = 0.0
    x: float = 0.0
    again: bool = False  # it stood in the row before, too

    @property
    def right(self) -> float:
        return self.x + self.body.width

    @property
    def center(self) -> float:
        return (self.x + self.right) / 2

    @property
    def reach(self) -> Interval:
        """The left and right end of the body with its label."""
        half = max(self.body.width, self.label_width) / 2
        return self.center - half, self.center + half

    @property
    def title(self) -> str:
        return layer_title(self.placed) if self.placed else f"input: {self.label[-1]}."

    def repeated(self) -> _Stage:
        """Return it as the first of the next row."""
        name, *others = self.label
        name = f"{name} again"
        width = max(self.label_width, text_width(name, _SIZE))
        return replace(self, x=0.0, label=(name, *others), label_width=width, again=True)


Row = Sequence[_Stage]


def _stages(network: Network, layers: Sequence[PlacedLayer], scales: _Scales) -> list[_Stage]:
    def width(label: tuple[str, ...]) -> float:
        return max(text_width(label[0], _SIZE, bold=True), widest(label[1:], _SIZE))

    label = stage_label("input", network.input_shape)
    stages = [_Stage(scales.body(network.input_shape, "data"), label, width(label))]
    for placed in layers:
        label = stage_label(placed.name, placed.output_shape, placed is layers[-1])
        lines = operation_label(placed)
        shape = scales.body(placed.output_shape, placed.layer.stem)
        stages.append(_Stage(shape, label, width(label), placed, lines, widest(lines, _SIZE)))
    return stages


def _note(layers: Sequence[PlacedLayer], scales: _Scales) -> str:
    """Write what in the figure is larger than its scale says; of a figure to scale, nothing."""
    kinds = []
    if scales.maps.power < 1:
        kinds.append("small")
    if any(len(shape) == 3 and scales.is_thickened(shape) for shape in _shapes(layers)):
        kinds.append("thin")
    parts = [f"{' or '.join(kinds)} feature maps"] if kinds else []
    if any(_is_enlarged(placed, scales) for placed in layers):
        parts.append("small windows")
    if scales.units.power < 1:
        parts.append("small dense layers")
    return f"Not to scale: {listed(parts)} are drawn larger." if parts else ""


def _is_enlarged(placed: PlacedLayer, scales: _Scales) -> bool:
    """Would the layer's window, or the number that it becomes, be too small to be seen?"""
    layer = placed.layer
    if not isinstance(layer, Windowed):
        return False
    sides = list[float]()
    for shape, window in (
        (placed.input_shape, layer.kernel_size),
        (placed.output_shape, (1, 1)),
    ):
        width, height = scales.sheet(shape)
        sides += (height * window[0] / shape[1], width * window[1] / shape[2])
    return min(sides) < SMALLEST_WINDOW


def _broken(stages: Sequence[_Stage], limit: float, room: _Room) -> list[Row]:
    """Return rows of at most ``limit`` pixels, but of at least one operation each."""
    rows: list[Row] = []
    row = [stages[0]]
    for stage in stages[1:]:
        placed = _next(row, stage, room)
        if len(row) > 1 and placed.reach[1] - row[0].reach[0] > limit:
            rows.append(row)
            row = [row[-1].repeated()]
            placed = _next(row, stage, room)
        row.append(placed)
    return [*rows, row]


def _next(row: Row, stage: _Stage, room: _Room) -> _Stage:
    """Place a stage as far left as what stands before it allows."""
    before = row[-1]
    labels = (before.label_width + stage.label_width) / 2 + _LABEL_GAP
    if room.is_even:
        labels = max(labels, stage.operation_width + _LABEL_GAP)
    candidates = [before.right + room.gap, before.center + labels - stage.body.width / 2]
    if len(row) > 1:
        # The operation's label stands in the middle between two bodies.
        widths = (before.operation_width + stage.operation_width) / 2 + _LABEL_GAP
        candidates.append(row[-2].right + before.x + 2 * widths - before.right)
    return replace(stage, x=max(candidates))


def _evened(row: Row, room: _Room) -> Row:
    """Move every body to the middle between the farthest left and right that it may stand."""
    mirrored = [replace(row[-1], x=0.0)]
    for stage, after in zip(row[-2::-1], row[:0:-1], strict=True):
        # An operation belongs to the body that is drawn later, and that is here the other one.
        turned = replace(stage, operation_width=after.operation_width)
        mirrored.append(_next(mirrored, turned, room))
    return [
        replace(stage, x=(stage.x + row[-1].right - other.right) / 2)
        for stage, other in zip(row, reversed(mirrored), strict=True)
    ]


def _extent(row: Row) -> Interval:
    """Return the left and right end of a row with all its labels."""
    reaches = [stage.reach for stage in row]
    for before, stage in pairwise(row):
        middle, half = (before.right + stage.x) / 2, stage.operation_width / 2
        reaches.append((middle - half, middle + half))
    return min(left for left, _ in reaches), max(right for _, right in reaches)


def _shifted(row: Row, margin: float) -> Row:
    """Move a row to the left margin."""
    shift = margin - _extent(row)[0]
    return [replace(stage, x=stage.x + shift) for stage in row]


def _draw_row(network: Network, row: Row, top: float, air: float) -> tuple[list[Group], float]:
    """Draw a row of the figure from ``top`` on; return where it ends, too."""
    body_top = top + _SIZE + 2 * _LEADING + air
    height = max(stage.body.height for stage in row)
    operations = body_top + height + air + _SIZE
    bottom = operations + (max(len(stage.operation) for stage in row[1:]) - 1) * _LEADING + 14
    groups, bodies = list[Group](), list[Body]()
    for stage in row:
        y = body_top + (height - stage.body.height) / 2
        bodies.append(replace(stage.body, x=stage.x, y=y))
        groups.append(Group(stage.title, (*bodies[-1].marks(), *_label(stage, top + _SIZE))))
    for i in range(1, len(row)):
        groups.append(Group(row[i].title, tuple(_operation(row, bodies, i, operations))))
    groups.append(Group("blocks", tuple(_brackets(network, row, bottom))))
    return groups, bottom + 18


def _label(stage: _Stage, y: float) -> Iterator[Mark]:
    for line, words in enumerate(stage.label):
        is_name = not line and not stage.again
        role = "text" if is_name else "muted"
        yield Text(stage.center, y + line * _LEADING, words, _SIZE, bold=is_name, role=role)


def _operation(row: Row, bodies: Sequence[Body], index: int, y: float) -> Iterator[Mark]:
    """Draw what joins a body to the one before it, and its words below."""
    stage = row[index]
    assert stage.placed is not None
    yield from join(bodies[index - 1], bodies[index], stage.placed, index)
    middle = (row[index - 1].right + stage.x) / 2
    for line, words in enumerate(stage.operation):
        yield Text(middle, y + line * _LEADING, words, _SIZE, role="muted" if line else "text")


def _brackets(network: Network, row: Row, y: float) -> Iterator[Mark]:
    """Draw a line under each block, with its name where there is room for it."""
    blocks = [stage.placed.block for stage in row[1:] if stage.placed]
    for block, places in groupby(range(1, len(row)), lambda i: blocks[i - 1]):
        first, *others = places
        left, right = row[first - 1].right + 6, row[first + len(others)].right
        bracket = ((left, y - 4), (left, y), (right, y), (right, y - 4))
        yield Path(bracket, Paint(stroke="line"))
        for words in block_label(network, block):
            if text_width(words, _SIZE) <= right - left:
                yield Text((left + right) / 2, y + 17, words, _SIZE, role="muted")
                break
