"""The paper's figure for any network: what flows, drawn to scale, and what is done between.

Places are found from left to right: every body stands as far left as the body before it, its own
label above and the operation's label below allow. A row that would get too long breaks; the next
one repeats the last body, so that every operation is seen whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from typing import Final

from lenet.drawing.breaks import narrowest
from lenet.drawing.scene import Group, Mark, Paint, Path, Scene, Text
from lenet.drawing.shapes import SMALLEST_MAP, SMALLEST_SLAB, Body, Scale, Slab, Stack, join
from lenet.drawing.typeface import text_width
from lenet.drawing.wording import block_label, layer_title, operation_label, role, stage_label
from lenet.net import Network, PlacedLayer, Shape

#: The longest row, in pixels.
MAX_WIDTH: Final = 1120.0
_MARGIN: Final = 24.0
#: Between two bodies, two labels, two rows.
_GAP: Final = 46.0
_LABEL_GAP: Final = 14.0
_ROW_GAP: Final = 30.0
_SIZE: Final = 12.0
_LEADING: Final = 16.0
#: Between the bodies and the labels above and below them.
_AIR: Final = 18.0


@dataclass(frozen=True)
class _Stage:
    """A body with its label, and the operation that led to it (the input has none)."""

    body: Body
    label: tuple[str, ...]
    placed: PlacedLayer | None

    @cached_property
    def label_width(self) -> float:
        name, *others = self.label
        lines = (text_width(line, _SIZE) for line in others)
        return max(text_width(name, _SIZE, bold=True), *lines)

    @property
    def operation(self) -> tuple[str, ...]:
        return operation_label(self.placed) if self.placed else ()

    @cached_property
    def operation_width(self) -> float:
        return max((text_width(line, _SIZE) for line in self.operation), default=0.0)

    @property
    def block(self) -> int:
        return self.placed.block if self.placed else -1

    @property
    def title(self) -> str:
        return layer_title(self.placed) if self.placed else f"input: {self.label[-1]}."


@dataclass(frozen=True)
class _Spot:
    """A stage with its place in a row; ``x`` is the body's left edge."""

    stage: _Stage
    x: float
    again: bool = False

    @property
    def right(self) -> float:
        return self.x + self.stage.body.width

    @property
    def name(self) -> str:
        return self.stage.label[0] + " again" * self.again

    @property
    def label_width(self) -> float:
        width = self.stage.label_width
        return max(width, text_width(self.name, _SIZE)) if self.again else width

    @property
    def center(self) -> float:
        return (self.x + self.right) / 2


Row = tuple[_Spot, ...]


def draw_figure(network: Network) -> Scene:
    """Lay the figure out."""
    stages = _stages(network)
    rows = narrowest(lambda limit: _broken(stages, limit), MAX_WIDTH)
    groups: list[Group] = []
    y = _MARGIN
    width = 0.0
    for row in rows:
        picture, bottom = _draw_row(network, row, y)
        groups += picture
        width = max(width, _extent(row)[1])
        y = bottom + _ROW_GAP
    return Scene(width + _MARGIN, y - _ROW_GAP + _MARGIN, tuple(groups))


def _stages(network: Network) -> list[_Stage]:
    shapes = [network.input_shape, *(placed.output_shape for placed in network.placed)]
    maps = Scale((n for shape in shapes if len(shape) == 3 for n in shape[1:]), SMALLEST_MAP)
    units = Scale((shape[0] for shape in shapes if len(shape) == 1), SMALLEST_SLAB)
    last = network.placed[-1]
    start = _body(network.input_shape, "data", maps, units)
    stages = [_Stage(start, stage_label("input", network.input_shape), None)]
    for placed in network.placed:
        body = _body(placed.output_shape, role(placed.layer), maps, units)
        label = stage_label(placed.name, placed.output_shape, is_output=placed is last)
        stages.append(_Stage(body, label, placed))
    return stages


def _body(shape: Shape, family: str, maps: Scale, units: Scale) -> Body:
    if len(shape) == 1:
        return Slab(shape[0], units(shape[0]))
    return Stack(shape, maps(shape[2]), maps(shape[1]), family)


def _broken(stages: Sequence[_Stage], limit: float) -> list[Row]:
    """Rows of at most ``limit`` pixels, but of at least one operation each."""
    rows: list[Row] = []
    row: list[_Spot] = [_Spot(stages[0], 0.0)]
    for stage in stages[1:]:
        spot = _next(row, stage)
        if len(row) > 1 and _overhang(spot) - _overhang(row[0], left=True) > limit:
            rows.append(_shifted(row))
            row = [_Spot(row[-1].stage, 0.0, again=True)]
            spot = _next(row, stage)
        row.append(spot)
    return [*rows, _shifted(row)]


def _next(row: Sequence[_Spot], stage: _Stage) -> _Spot:
    """The stage as far left as what stands before it allows."""
    before = row[-1]
    half = stage.body.width / 2
    labels = (before.label_width + stage.label_width) / 2 + _LABEL_GAP
    candidates = [before.right + _GAP, before.center + labels - half]
    if len(row) > 1:
        # The operation's label stands in the middle between two bodies.
        middle = (row[-2].right + before.x) / 2
        widths = (before.stage.operation_width + stage.operation_width) / 2 + _LABEL_GAP
        candidates.append(2 * (middle + widths) - before.right)
    return _Spot(stage, max(candidates))


def _overhang(spot: _Spot, left: bool = False) -> float:
    """How far a spot reaches, its label included."""
    half = max(spot.stage.body.width, spot.label_width) / 2
    return spot.center - half if left else spot.center + half


def _extent(row: Row) -> tuple[float, float]:
    """The left and right end of a row with all its labels."""
    middles = [((a.right + b.x) / 2, b.stage.operation_width / 2) for a, b in pairwise(row)]
    left = [*(_overhang(spot, left=True) for spot in row), *(m - half for m, half in middles)]
    right = [*(_overhang(spot) for spot in row), *(m + half for m, half in middles)]
    return min(left), max(right)


def _shifted(row: Sequence[_Spot]) -> Row:
    """The row moved to the left margin."""
    shift = _MARGIN - _extent(tuple(row))[0]
    return tuple(_Spot(spot.stage, spot.x + shift, spot.again) for spot in row)


def _draw_row(network: Network, row: Row, top: float) -> tuple[list[Group], float]:
    """One row of the figure from ``top`` on, and where it ends."""
    first_line = top + _SIZE
    body_top = first_line + 2 * _LEADING + _AIR
    height = max(spot.stage.body.height for spot in row)
    axis = body_top + height / 2
    operations = body_top + height + _AIR + _SIZE
    lines = max(len(spot.stage.operation) for spot in row[1:])
    bodies = [spot.stage.body.at(spot.x, axis - spot.stage.body.height / 2) for spot in row]
    stages = [
        Group(spot.stage.title, (*body.marks(), *_label(spot, first_line)))
        for spot, body in zip(row, bodies, strict=True)
    ]
    joins = [
        Group(spot.stage.title, tuple(_operation(row, bodies, i, operations)))
        for i, spot in enumerate(row)
        if i
    ]
    bottom = operations + (lines - 1) * _LEADING + 14
    brackets = Group("blocks", tuple(_brackets(network, row, bottom)))
    return [*stages, *joins, brackets], bottom + 18


def _label(spot: _Spot, y: float) -> Iterator[Mark]:
    role = "muted" if spot.again else "text"
    yield Text(spot.center, y, spot.name, _SIZE, bold=not spot.again, role=role)
    for line, words in enumerate(spot.stage.label[1:], start=1):
        yield Text(spot.center, y + line * _LEADING, words, _SIZE, role="muted")


def _operation(row: Row, bodies: Sequence[Body], index: int, y: float) -> Iterator[Mark]:
    """What joins a body to the one before it, and its words below."""
    spot = row[index]
    placed = spot.stage.placed
    assert placed is not None
    yield from join(bodies[index - 1], bodies[index], placed, index)
    middle = (row[index - 1].right + spot.x) / 2
    for line, words in enumerate(spot.stage.operation):
        yield Text(middle, y + line * _LEADING, words, _SIZE, role="muted" if line else "text")


def _brackets(network: Network, row: Row, y: float) -> Iterator[Mark]:
    """A line under each block, with its name where there is room for it."""
    for index, members in groupby(pairwise(row), key=lambda pair: pair[1].stage.block):
        pairs = list(members)
        left, right = pairs[0][0].right + 6, pairs[-1][1].right
        paint = Paint(stroke="line", width=1)
        yield Path(((left, y - 4), (left, y), (right, y), (right, y - 4)), paint)
        for words in block_label(network, index):
            if text_width(words, _SIZE) <= right - left:
                yield Text((left + right) / 2, y + 17, words, _SIZE, role="muted")
                break
