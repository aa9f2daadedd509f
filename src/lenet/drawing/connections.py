"""The connection tables of a network as a picture: which channel sees which.

Each table has one column per channel that comes out and one row per channel that goes in. A filled
square is a connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final

from lenet.drawing.labels import renamed
from lenet.drawing.scene import Box, Group, Mark, Paint, Scene, Text, fitted, text_width
from lenet.errors import UsageError
from lenet.net import Network, PlacedLayer
from lenet.net.layers import Conv2d
from lenet.net.tables import links
from lenet.writing.numbers import plural

_SIZE: Final = 12.0
_CELL: Final = 22.0
_MARGIN: Final = 16.0
_HEAD: Final = 40.0  # title and column numbers
_GAP: Final = 26.0
_LINKED: Final = Paint("conv-edge", "page", 1.5)
_OPEN: Final = Paint("data-face", "page", 1.5)


def draw_connections(
    network: Network, names: Sequence[str] = (), width: float | None = None
) -> Scene:
    """Lay out all connection tables, one below the other.

    Raises:
        UsageError: the network has none.
    """
    groups: list[Group] = []
    right, y, before = 0.0, _MARGIN, "the input"
    for placed in renamed(network, names):
        if isinstance(placed.layer, Conv2d) and placed.layer.table:
            group = _table(placed, before, y)
            groups.append(group)
            right = max(right, *(_right(mark) for mark in group.marks))
            y += _HEAD + placed.input_shape[0] * _CELL + _GAP
        before = placed.name
    if not groups:
        raise UsageError(
            "no layer of the network has a connection table; draw it as a figure, or give a "
            "convolution one, such as conv 16 k5 table:lenet-5.",
            parameter="style",
        )
    scene = Scene(right + _MARGIN, y - _GAP + _MARGIN, tuple(groups))
    return scene if width is None else fitted(scene, width)


def _table(placed: PlacedLayer, before: str, top: float) -> Group:
    seen = links(getattr(placed.layer, "table", ""), placed.input_shape[0])
    assert seen is not None
    pairs = sum(map(sum, seen))
    title = (
        f"{placed.name}: which maps of {before} (down) its {plural(len(seen), 'channel')} (across) "
        f"see: {pairs} of {len(seen) * len(seen[0])} pairs"
    )
    return Group(
        title, (Text(_MARGIN, top + _SIZE, title, _SIZE, "start", bold=True), *_marks(seen, top))
    )


def _marks(seen: Sequence[Sequence[bool]], top: float) -> Iterator[Mark]:
    inputs = len(seen[0])
    left = _MARGIN + text_width(f"{inputs - 1} ", _SIZE)
    for output in range(len(seen)):
        yield Text(left + (output + 0.5) * _CELL, top + _HEAD - 6, str(output), _SIZE, role="muted")
    for source in range(inputs):
        line = top + _HEAD + (source + 0.5) * _CELL + 4
        yield Text(left - 6, line, str(source), _SIZE, "end", role="muted")
    for output, source in product(range(len(seen)), range(inputs)):
        paint = _LINKED if seen[output][source] else _OPEN
        x, y = left + output * _CELL, top + _HEAD + source * _CELL
        yield Box(x, y, _CELL, _CELL, paint, 3)


def _right(mark: Mark) -> float:
    return mark.box[2] if isinstance(mark, Text) else getattr(mark, "right", 0.0)
