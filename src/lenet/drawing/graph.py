"""The layer graph: one box per layer with all that was chosen for it, shapes on the arrows.

Boxes run from top to bottom, blocks are framed. A graph that would get too tall goes on in the next
column; a block is kept together where it fits into one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Final

from lenet.analysis.counts import count_layer
from lenet.drawing.labels import (
    block_label,
    box_label,
    cost_label,
    layer_title,
    renamed,
    shape_label,
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
)
from lenet.net import Network, PlacedLayer

_MARGIN: Final = 24.0
_SIZE: Final = LETTERS
_LEADING: Final = 17.0
_PAD: Final = 12.0
_BOX_HEIGHT: Final = 2 * _LEADING + _SIZE + 2 * _PAD - 4
_PILL_HEIGHT: Final = 30.0
_ARROW: Final = 34.0  # between two boxes of a block, and from frame to frame of two blocks
_FRAME: Final = 14.0  # from a frame to its boxes, on the sides and below
_FRAME_HEAD: Final = 30.0  # and above, where the block's name stands
_GUTTER: Final = 56.0  # between two columns
_TURN: Final = 24.0  # from a column's last box down to where the arrow turns
_NAME_GAP: Final = 10.0
_TALL: Final = 1040.0  # a column is taller only if the picture would get very wide
_ASPECT: Final = 0.8


@dataclass(frozen=True)
class _Piece:
    """What is kept together: the input, the output, or the boxes of (a part of) a block."""

    layers: tuple[PlacedLayer, ...] = ()
    caption: str = ""  # of an input or output
    block: int = -1

    @property
    def height(self) -> float:
        if not self.layers:
            return _PILL_HEIGHT
        return _FRAME_HEAD + len(self.layers) * (_BOX_HEIGHT + _ARROW) - _ARROW + _FRAME


def draw_graph(network: Network, names: Sequence[str] = (), width: float | None = None) -> Scene:
    """Lay out the graph, as wide as it needs or exactly ``width``."""
    layers = renamed(network, names)
    box_width = _box_width(network, layers)
    column_width = box_width + 2 * _FRAME + _GUTTER
    pieces = _pieces(layers)
    # As few columns as a page wants, and no taller than that many need.
    natural = sum(piece.height + _ARROW for piece in pieces)
    limit = max(_TALL, sqrt(natural * column_width * _ASPECT))
    count = None if width is None else _columns_of(width, column_width, len(pieces))
    columns = even_pieces(lambda height: _columns(pieces, height), limit, count)
    drawing = _Drawing(network, box_width)
    for index, column in enumerate(columns):
        drawing.column(column, _MARGIN + index * column_width)
    total = len(columns) * column_width - _GUTTER
    scene = Scene(total + 2 * _MARGIN, drawing.bottom + _MARGIN, tuple(drawing.groups))
    return scene if width is None else fitted(scene, width)


def _columns_of(width: float, column_width: float, most: int) -> int:
    """Return the number of columns in which letters are large enough and change least."""

    def zoom(count: int) -> float:
        return width / (count * column_width - _GUTTER + 2 * _MARGIN)

    readable = [count for count in range(1, most + 1) if zoom(count) >= LEAST_ZOOMS[0]]
    return min(readable, key=lambda count: abs(log(zoom(count))), default=1)


def _box_width(network: Network, layers: Sequence[PlacedLayer]) -> float:
    """Return the width of every box: what the widest needs."""
    width = 180.0
    for placed in layers:
        what = placed.layer.describe(placed.input_shape)
        head = text_width(placed.name, _SIZE, bold=True) + text_width(what, _SIZE) + 2 * _PAD
        lines = (box_label(placed.layer), cost_label(count_layer(placed)))
        width = max(width, head, widest(lines, _SIZE))
    # A block's name ends before the arrow, which comes down in the middle.
    names = (block_label(network, index)[0] for index in range(len(network.blocks)))
    return max(width + 2 * _PAD, 2 * (widest(names, _SIZE) + _NAME_GAP))


def _pieces(placed_layers: Sequence[PlacedLayer]) -> list[_Piece]:
    """Return the input, the blocks in pieces that fit into a column, the output."""
    fitting = int((_TALL - _FRAME_HEAD - _FRAME + _ARROW) // (_BOX_HEIGHT + _ARROW))
    layers: dict[int, list[PlacedLayer]] = {}
    for placed in placed_layers:
        layers.setdefault(placed.block, []).append(placed)
    pieces = [_Piece(caption="input")]
    for block, members in layers.items():
        count = -(-len(members) // fitting)
        size = -(-len(members) // count)
        for start in range(0, len(members), size):
            pieces.append(_Piece(tuple(members[start : start + size]), block=block))
    return [*pieces, _Piece(caption="output")]


def _columns(pieces: Sequence[_Piece], limit: float) -> list[list[_Piece]]:
    columns: list[list[_Piece]] = [[]]
    height = 0.0
    for piece in pieces:
        if columns[-1] and height + piece.height > limit:
            columns.append([])
            height = 0.0
        columns[-1].append(piece)
        height += piece.height + _ARROW
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

    def column(self, pieces: Sequence[_Piece], left: float) -> None:
        """Draw the pieces from top to bottom, their frames at ``left``."""
        y = _MARGIN
        for piece in pieces:
            draw = self._block if piece.layers else self._pill
            draw(piece, left, y)
            y += piece.height + _ARROW
        self.bottom = max(self.bottom, y - _ARROW)

    def _pill(self, piece: _Piece, left: float, y: float) -> None:
        width = text_width(piece.caption, _SIZE, bold=True) + 2 * _PILL_HEIGHT
        center = left + _FRAME + self.box_width / 2
        paint = Paint("data-face", "data-edge", 1.1)
        box = Box(center - width / 2, y, width, _PILL_HEIGHT, paint, _PILL_HEIGHT / 2)
        words = Text(center, y + _PILL_HEIGHT / 2 + 4, piece.caption, _SIZE, bold=True)
        self._arrow(center, y, y)
        self.groups.append(Group(piece.caption, (box, words)))
        self.end, self.edge = (center, box.bottom), box.bottom

    def _block(self, piece: _Piece, left: float, y: float) -> None:
        name = block_label(self.network, piece.block)[0]
        paint = Paint("", "frame", 1.2)
        frame = Box(left, y, self.box_width + 2 * _FRAME, piece.height, paint, 10)
        caption = Text(left + _FRAME, y + 20, name, _SIZE, "start", role="muted")
        self.groups.append(Group(name, (frame, caption)))
        x, top = left + _FRAME, y + _FRAME_HEAD
        for placed in piece.layers:
            self._arrow(x + self.box_width / 2, top, y if placed is piece.layers[0] else top)
            self.groups.append(Group(layer_title(placed), tuple(self._box(placed, x, top))))
            self.edge = top + _BOX_HEIGHT
            self.end = (x + self.box_width / 2, self.edge)
            self.shape = shape_label(placed.output_shape)
            top += _BOX_HEIGHT + _ARROW
        self.edge = frame.bottom

    def _box(self, placed: PlacedLayer, x: float, y: float) -> Iterator[Mark]:
        layer = placed.layer
        left, right, line = x + _PAD, x + self.box_width - _PAD, y + _PAD + _SIZE - 3
        paint = Paint(f"{layer.stem}-face", f"{layer.stem}-edge", 1.1)
        costs = cost_label(count_layer(placed))
        yield Box(x, y, self.box_width, _BOX_HEIGHT, paint, 6)
        yield Text(left, line, placed.name, _SIZE, "start", bold=True)
        yield Text(right, line, layer.describe(placed.input_shape), _SIZE, "end")
        yield Text(left, line + _LEADING, box_label(layer), _SIZE, "start")
        yield Text(left, line + 2 * _LEADING, costs, _SIZE, "start", role="muted")

    def _arrow(self, x: float, y: float, edge: float) -> None:
        """Lead from the last exit to the entry at (x, y); the shape stands above ``edge``."""
        if self.end is None:
            return
        start_x = self.end[0]
        points, line = [self.end], (self.edge + edge) / 2 + 4
        if x != start_x:  # around into the next column, whose boxes are centred at x
            low, high = self.edge + _TURN, _MARGIN - 12
            gutter = x - self.box_width / 2 - _FRAME - _GUTTER / 2
            points += [(start_x, low), (gutter, low), (gutter, high), (x, high)]
            line = self.edge + _TURN - 7
            self.bottom = max(self.bottom, low)
        words = Text(start_x + 9, line, self.shape, _SIZE, "start", role="muted")
        path = Path((*points, (x, y - 5)), Paint(stroke="line", width=1.4))
        head = Path(((x - 4, y - 8), (x + 4, y - 8), (x, y - 1)), Paint("line"), closed=True)
        self.groups.append(Group(self.shape, (path, head, words)))
