"""The layer graph: a box a layer with all that was chosen for it, shapes on the arrows.

Boxes run from top to bottom, blocks are framed. A graph that would get too tall goes on in the next
column; a block is kept together where it fits into one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from lenet.analysis.counts import count_layer
from lenet.drawing.breaks import narrowest
from lenet.drawing.scene import Box, Group, Mark, Paint, Path, Point, Scene, Text
from lenet.drawing.typeface import text_width
from lenet.drawing.wording import block_label, box_label, cost_label, layer_title, role, shape_label
from lenet.net import Network, PlacedLayer

_MARGIN: Final = 24.0
_SIZE: Final = 12.0
_LEADING: Final = 17.0
_PAD: Final = 12.0
_BOX_HEIGHT: Final = 2 * _LEADING + _SIZE + 2 * _PAD - 4
_PILL_HEIGHT: Final = 30.0
#: Between two boxes of a block, and between two blocks, counted from frame to frame.
_ARROW: Final = 34.0
#: From a frame to its boxes: on the sides and below, and above, where the block's name stands.
_FRAME: Final = 14.0
_FRAME_HEAD: Final = 30.0
#: The way between two columns.
_GUTTER: Final = 56.0
_TURN: Final = 24.0
_NAME_GAP: Final = 10.0
#: A column may always be as tall as this; taller only if the picture would get very wide.
_TALL: Final = 1040.0
_ASPECT: Final = 0.8


@dataclass(frozen=True)
class _Part:
    """What is kept together: the input, the output, or the boxes of (a part of) a block."""

    layers: tuple[PlacedLayer, ...] = ()
    caption: str = ""  # of an input or output
    block: int = -1

    @property
    def height(self) -> float:
        if not self.layers:
            return _PILL_HEIGHT
        boxes = len(self.layers) * (_BOX_HEIGHT + _ARROW) - _ARROW
        return _FRAME_HEAD + boxes + _FRAME


def draw_graph(network: Network) -> Scene:
    """Lay the graph out."""
    width = _box_width(network)
    column_width = width + 2 * _FRAME
    parts = _parts(network)
    columns = _balanced(parts, column_width + _GUTTER)
    drawing = _Drawing(network, width)
    for index, column in enumerate(columns):
        drawing.column(column, _MARGIN + index * (column_width + _GUTTER))
    total = len(columns) * (column_width + _GUTTER) - _GUTTER
    return Scene(total + 2 * _MARGIN, drawing.bottom + _MARGIN, tuple(drawing.groups))


def _box_width(network: Network) -> float:
    """Every box is as wide as the widest needs to be."""
    widest = 180.0
    for placed in network.placed:
        what = placed.layer.describe(placed.input_shape)
        head = text_width(placed.name, _SIZE, bold=True) + text_width(what, _SIZE)
        lines = (box_label(placed.layer), cost_label(count_layer(placed)))
        widest = max(widest, head + 2 * _PAD, *(text_width(line, _SIZE) for line in lines))
    # A block's name ends before the arrow, which comes down in the middle.
    names = (block_label(network, index)[0] for index in range(len(network.blocks)))
    halves = max(text_width(name, _SIZE) for name in names) + _NAME_GAP
    return max(widest + 2 * _PAD, 2 * halves)


def _parts(network: Network) -> list[_Part]:
    """The input, the blocks in pieces that fit into a column, the output."""
    fitting = int((_TALL - _FRAME_HEAD - _FRAME + _ARROW) // (_BOX_HEIGHT + _ARROW))
    parts = [_Part(caption="input")]
    layers: dict[int, list[PlacedLayer]] = {}
    for placed in network.placed:
        layers.setdefault(placed.block, []).append(placed)
    for block, members in layers.items():
        pieces = -(-len(members) // fitting)
        size = -(-len(members) // pieces)
        for start in range(0, len(members), size):
            parts.append(_Part(tuple(members[start : start + size]), block=block))
    return [*parts, _Part(caption="output")]


def _balanced(parts: Sequence[_Part], column_width: float) -> list[list[_Part]]:
    """As few columns as a page wants, and no taller than that many need."""
    natural = sum(part.height + _ARROW for part in parts)
    limit = max(_TALL, sqrt(natural * column_width * _ASPECT))
    return narrowest(lambda height: _columns(parts, height), limit)


def _columns(parts: Sequence[_Part], limit: float) -> list[list[_Part]]:
    columns: list[list[_Part]] = [[]]
    height = 0.0
    for part in parts:
        if columns[-1] and height + part.height > limit:
            columns.append([])
            height = 0.0
        columns[-1].append(part)
        height += part.height + _ARROW
    return columns


class _Drawing:
    """The picture as it grows from box to box."""

    def __init__(self, network: Network, box_width: float) -> None:
        self.network = network
        self.box_width = box_width
        self.groups: list[Group] = []
        self.bottom = 0.0
        self.shape = shape_label(network.input_shape)  # of what flows out of the last box
        self.end: Point | None = None  # where the last box has its exit
        self.edge = 0.0  # the lower edge of the last box, pill or frame

    def column(self, parts: Sequence[_Part], left: float) -> None:
        """The parts from top to bottom, their frames at ``left``."""
        y = _MARGIN
        for part in parts:
            if part.layers:
                self._block(part, left, y)
            else:
                self._pill(part, left, y)
            y += part.height + _ARROW
        self.bottom = max(self.bottom, y - _ARROW)

    def _pill(self, part: _Part, left: float, y: float) -> None:
        width = text_width(part.caption, _SIZE, bold=True) + 2 * _PILL_HEIGHT
        center = left + _FRAME + self.box_width / 2
        paint = Paint("data-face", "data-edge", 1.1)
        box = Box(center - width / 2, y, width, _PILL_HEIGHT, paint, _PILL_HEIGHT / 2)
        words = Text(center, y + _PILL_HEIGHT / 2 + 4, part.caption, _SIZE, bold=True)
        self._arrow(center, y, y)
        self.groups.append(Group(part.caption, (box, words)))
        self.end, self.edge = (center, box.bottom), box.bottom

    def _block(self, part: _Part, left: float, y: float) -> None:
        name = block_label(self.network, part.block)[0]
        paint = Paint("", "frame", 1.2)
        frame = Box(left, y, self.box_width + 2 * _FRAME, part.height, paint, 10)
        caption = Text(left + _FRAME, y + 20, name, _SIZE, "start", role="muted")
        self.groups.append(Group(name, (frame, caption)))
        x, top = left + _FRAME, y + _FRAME_HEAD
        for placed in part.layers:
            self._arrow(x + self.box_width / 2, top, y if placed is part.layers[0] else top)
            self.groups.append(Group(layer_title(placed), tuple(self._box(placed, x, top))))
            self.edge = top + _BOX_HEIGHT
            self.end = (x + self.box_width / 2, self.edge)
            self.shape = shape_label(placed.output_shape)
            top += _BOX_HEIGHT + _ARROW
        self.edge = frame.bottom

    def _box(self, placed: PlacedLayer, x: float, y: float) -> Iterator[Mark]:
        family = role(placed.layer)
        paint = Paint(f"{family}-face", f"{family}-edge", 1.1)
        yield Box(x, y, self.box_width, _BOX_HEIGHT, paint, 6)
        left, line = x + _PAD, y + _PAD + _SIZE - 3
        right = x + self.box_width - _PAD
        yield Text(left, line, placed.name, _SIZE, "start", bold=True)
        yield Text(right, line, placed.layer.describe(placed.input_shape), _SIZE, "end")
        yield Text(left, line + _LEADING, box_label(placed.layer), _SIZE, "start")
        costs = cost_label(count_layer(placed))
        yield Text(left, line + 2 * _LEADING, costs, _SIZE, "start", role="muted")

    def _arrow(self, x: float, y: float, edge: float) -> None:
        """From the last exit to the entry at (x, y); the shape stands above ``edge``."""
        if self.end is None:
            return
        start_x = self.end[0]
        if x == start_x:
            way, line = [self.end], (self.edge + edge) / 2 + 4
        else:
            way, line = self._around(x), self.edge + _TURN - 7
        words = Text(start_x + 9, line, self.shape, _SIZE, "start", role="muted")
        path = Path((*way, (x, y - 5)), Paint(stroke="line", width=1.4))
        head = Path(((x - 4, y - 8), (x + 4, y - 8), (x, y - 1)), Paint("line"), closed=True)
        self.groups.append(Group(self.shape, (path, head, words)))

    def _around(self, x: float) -> list[Point]:
        """The way from the last exit into the next column, whose boxes are centred at ``x``."""
        assert self.end is not None
        start_x, start_y = self.end
        low, high = self.edge + _TURN, _MARGIN - 12
        gutter = x - self.box_width / 2 - _FRAME - _GUTTER / 2
        self.bottom = max(self.bottom, low)
        return [(start_x, start_y), (start_x, low), (gutter, low), (gutter, high), (x, high)]
