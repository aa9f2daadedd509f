"""One layer enlarged: the maps it reads along the top, its kernels, and the maps it makes.

A convolution's figure is a table: one column per map that is read, one row per map that is made,
and in each cell the kernel that leads from the one to the other. A dense layer that reads maps is
the same with kernels as large as the maps. Each picture has its maps above and beside the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lenet.drawing import Drawing
from lenet.drawing.labels import layer_title, operation_label, shape_label
from lenet.drawing.scene import Paint, Path, Scene, Text, shortened, widest
from lenet.engine.plan import Step
from lenet.looking import parts
from lenet.looking.figure import int8_words
from lenet.looking.inside import Inside
from lenet.looking.parts import LEADING, MARGIN, SIZE, Sheet
from lenet.looking.scales import WORDS, Numbers, Scale, framed, number
from lenet.looking.unit import maps_read
from lenet.net.layers import LAYERS

#: Maps that are read and made, at most: of more, the most active are shown.
_MOST_READ: Final = 12
_MOST_MADE: Final = 16
#: Longer sides: of a map that is read or made, and of a kernel.
_MAP: Final = 60.0
_SMALL: Final = 22.0
_KERNEL: Final = 44.0
_GAP: Final = 8.0
_NAMES: Final = 74.0  # the column of names on the left
_PICTURE: Final = 30.0
_STRIP: Final = 260.0  # the weights of a unit that reads units


@dataclass(frozen=True)
class _Table:
    """Which maps stand in the table, and what is between them."""

    step: Step
    read: tuple[int, ...]  # maps read; none of a layer that reads units
    made: tuple[int, ...]
    sources: Numbers  # (N, C, h, w) or (N, I)
    outputs: Numbers  # (N, O, p, q), of a dense layer 1x1
    kernels: Numbers | None  # (O, C, kh, kw); None of a pooling


def draw(look: Inside, name: str) -> Drawing:
    """Draw the layer ``name``."""
    table = _table(look, name)
    figure = _Figure(look, name, table)
    figure.draw()
    scene = Scene(figure.right + MARGIN, figure.y + MARGIN, tuple(figure.groups), figure.note)
    placed = look.model.network.placed[look.index(name)]
    words = ", ".join(picture.name for picture in look.pictures)
    return Drawing(scene, "auto", f"The layer {name}: {words}", layer_title(placed))


def _table(look: Inside, name: str) -> _Table:
    step = look.model.plan.steps[look.index(name)]
    sources = look.read_by(name)
    outputs = look.outputs[name]
    outputs = outputs if outputs.ndim == 4 else outputs[:, :, np.newaxis, np.newaxis]
    made = parts.most_active(outputs, _MOST_MADE)
    kernels = look.weights_of(name)
    if sources.ndim != 4:
        return _Table(step, (), made, sources, outputs, kernels)
    if LAYERS[step.kind].flattens and kernels is not None:
        kernels = kernels.reshape(len(kernels), *sources.shape[1:])
    wanted = sorted({channel for place in made for channel in _read(step, place, sources)})
    active = parts.most_active(sources[:, wanted], _MOST_READ)
    return _Table(step, tuple(wanted[i] for i in active), made, sources, outputs, kernels)


def _read(step: Step, place: int, sources: Numbers) -> Sequence[int]:
    return range(sources.shape[1]) if LAYERS[step.kind].flattens else maps_read(step, place)


class _Figure(Sheet):
    """The table, from its head to its last row."""

    def __init__(self, look: Inside, name: str, table: _Table) -> None:
        super().__init__()
        self.look, self.name, self.table = look, name, table
        self.read, self.made = Scale.of(table.sources), Scale.of(table.outputs)
        self.between = None if table.kernels is None else Scale.of(table.kernels)
        size, made = table.sources.shape[2:] or (1, 1), table.outputs.shape[2:]
        pixel = min(8.0, _MAP / max(*size, *made))  # the same for what is read and what is made
        self.source = parts.sides(size, max(_SMALL, pixel * max(size)))
        self.output = parts.sides(made, max(_SMALL, pixel * max(made)))
        kernel = (1, 1) if table.kernels is None else table.kernels.shape[2:] or (1, 1)
        self.kernel = parts.sides(kernel, min(_KERNEL, 11.0 * max(kernel)))
        if not table.read:
            self.kernel = (_STRIP, 14.0)
        self.cell = max(self.source[0], self.kernel[0]) if table.read else _STRIP
        least = _PICTURE if self.is_pooling else widest(map(str, table.read), 10)
        self.cell = max(self.cell, least)
        self.row = max(self.output[1], self.source[1] if self.is_pooling else self.kernel[1], 18.0)
        self.left = MARGIN + _NAMES
        self.outputs_at = self.left + max(1, self.columns) * (self.cell + _GAP) + 16
        self.each = max(self.output[0] + self._numbers, _PICTURE) + _GAP  # picture's column
        self.right = self.outputs_at + len(look.pictures) * self.each
        self.right = max(self.right, MARGIN + 460.0)
        self.note = ""

    @property
    def is_pooling(self) -> bool:
        return self.table.kernels is None

    @property
    def columns(self) -> int:
        """Of cells: one per map that is read; a pooling has its own map beside each."""
        if self.is_pooling:
            return len(self.look.pictures)
        return len(self.table.read) if self.table.read else 1

    @property
    def _numbers(self) -> float:
        """The room for a number beside an output that is one number."""
        return 56.0 if self.table.outputs.shape[2:] == (1, 1) else 0.0

    def text(self, x: float, y: float, words: str, role: str = "muted") -> Text:
        return Text(x, y, words, SIZE, "start", role=role)

    def draw(self) -> None:
        self._head()
        self._legends()
        if self.is_pooling:
            self._pooling()
        else:
            self._top()
            self._rows()
        self.note = f"{self._words()} {WORDS} {int8_words(self.look)}".strip()
        self.y += 6
        self.write(self.note, self.right - MARGIN)

    def _head(self) -> None:
        placed = self.look.model.network.placed[self.look.index(self.name)]
        facts = ", ".join(operation_label(placed))
        flow = f"{shape_label(placed.input_shape)} to {shape_label(placed.output_shape)}"
        self.y += SIZE + 2
        self.add(self.name, Text(MARGIN, self.y, self.name, 14, "start", bold=True))
        self.y += LEADING + 2
        self.add(facts, self.text(MARGIN, self.y, f"{facts}: {flow}"))
        self.y += 18

    def _legends(self) -> None:
        scales = [("input", self.read), ("output", self.made)]
        if self.between is not None:
            scales.insert(1, ("weights", self.between))
        for place, (words, scale) in enumerate(scales):
            x = MARGIN + place * 160
            title = self.text(x, self.y + SIZE - 2, words, "text")
            self.add(f"{words}: {scale.text}", title, *parts.legend(scale, x, self.y + 18, 130))
        self.y += 58

    def _top(self) -> None:
        """Draw the input's maps, one row per picture; of units, bars."""
        table = self.table
        for place, channel in enumerate(table.read):
            x = self.left + place * (self.cell + _GAP) + self.cell / 2
            self.add(f"map {channel}", Text(x, self.y + 2, f"{channel}", 10, role="muted"))
        self.y += 10
        for picture, values in zip(self.look.pictures, table.sources, strict=True):
            marks, _ = parts.image_tile(picture.image, MARGIN, self.y, _PICTURE)
            self.add(picture.name, *marks)
            if table.read:
                self._maps_read(values)
                self.y += max(self.source[1], _PICTURE) + _GAP
            else:
                flat = values.ravel()
                marks = parts.bars(flat, self.read, self.left, self.y, _STRIP, 40)
                self.add(f"{len(flat)} units that are read", *marks)
                self.y += 40 + _GAP
        self.y += 4

    def _maps_read(self, values: Numbers) -> None:
        for place, channel in enumerate(self.table.read):
            x = self.left + place * (self.cell + _GAP) + (self.cell - self.source[0]) / 2
            tile = self.read.tile(values[channel], x, self.y, *self.source)
            self.add(f"map {channel}, read", tile, framed(x, self.y, *self.source))

    def _pictures(self, x: float, width: float, y: float) -> None:
        """Draw each picture above its column."""
        for place, picture in enumerate(self.look.pictures):
            marks, _ = parts.image_tile(picture.image, x + place * width, y, _PICTURE)
            self.add(picture.name, *marks)

    def _rows(self) -> None:
        """Draw one row per map that is made: its kernels, then the map of each picture."""
        table = self.table
        assert table.kernels is not None
        top = self.y
        self._pictures(self.outputs_at, self.each, top - _PICTURE - _GAP - 4)
        for place in table.made:
            middle = self.y + self.row / 2
            self.add("", Text(MARGIN, middle + 4, self._name(place), SIZE, "start"))
            if table.read:
                self._kernels(place, middle)
            else:
                weights = table.kernels[place].reshape(1, -1)
                assert self.between is not None
                y = middle - self.kernel[1] / 2
                tile = self.between.tile(weights, self.left, y, *self.kernel)
                self.add(f"weights of unit {place}", tile, framed(self.left, y, *self.kernel))
            self._made(place, self.outputs_at, middle)
            self.y += self.row + _GAP
        x = self.outputs_at - 12
        self.add("", Path(((x, top), (x, self.y - _GAP)), Paint(stroke="line")))

    def _name(self, place: int) -> str:
        is_unit = LAYERS[self.table.step.kind].flattens
        classes = self.look.model.classes
        if is_unit and self.name == self.look.model.network.names[-1]:
            return shortened(classes[place], SIZE, _NAMES - 8)
        return f"{'unit' if is_unit else 'map'} {place}"

    def _kernels(self, place: int, middle: float) -> None:
        table, scale = self.table, self.between
        assert table.kernels is not None
        assert scale is not None
        reads = list(_read(table.step, place, table.sources))
        for column, channel in enumerate(table.read):
            x = self.left + column * (self.cell + _GAP) + (self.cell - self.kernel[0]) / 2
            y = middle - self.kernel[1] / 2
            if channel not in reads:  # another group's map
                dash = Path(((x, middle), (x + self.kernel[0], middle)), Paint(stroke="frame"))
                self.add(f"map {place} does not read map {channel}", dash)
                continue
            kernel = table.kernels[place, reads.index(channel)]
            words = f"kernel from map {channel} to map {place}: {Scale.of(kernel).text}"
            tile = scale.tile(kernel, x, y, *self.kernel)
            self.add(words, tile, framed(x, y, *self.kernel))

    def _made(self, place: int, x: float, middle: float) -> None:
        for picture, values in zip(self.look.pictures, self.table.outputs, strict=True):
            y = middle - self.output[1] / 2
            tile = self.made.tile(values[place], x, y, *self.output)
            words = f"{picture.name}, {self._name(place)}: {Scale.of(values[place]).text}"
            self.add(words, tile, framed(x, y, *self.output))
            if self._numbers:
                text = number(float(values[place, 0, 0]))
                self.add(text, self.text(x + self.output[0] + 4, middle + 4, text))
            x += self.each

    def _pooling(self) -> None:
        """Draw each map beside what becomes of it."""
        self._pictures(self.left, self.cell + _GAP, self.y)
        self._pictures(self.outputs_at, self.each, self.y)
        self.y += _PICTURE + _GAP
        for place in self.table.made:
            middle = self.y + self.row / 2
            self.add("", Text(MARGIN, middle + 4, f"map {place}", SIZE, "start"))
            for column, values in enumerate(self.table.sources):
                x = self.left + column * (self.cell + _GAP)
                y = middle - self.source[1] / 2
                tile = self.read.tile(values[place], x, y, *self.source)
                self.add(f"map {place}, read", tile, framed(x, y, *self.source))
            self._made(place, self.outputs_at, middle)
            self.y += self.row + _GAP

    def _words(self) -> str:
        """Say how to read the table."""
        table = self.table
        parts_of = []
        if self.is_pooling:
            parts_of.append("On the left the input's maps, on the right the output's.")
        elif table.read:
            what = "unit" if LAYERS[table.step.kind].flattens else "map"
            parts_of.append(
                f"Above the input's maps, on the right the output. A row has the kernels of one "
                f"{what}: each is laid on the map above it, and all products are added up."
            )
        else:
            parts_of.append("A row has the weights of one unit, one for each unit of the input.")
        made, whole = len(table.made), table.outputs.shape[1]
        if made < whole:
            parts_of.append(f"Of {whole:,} outputs, the {made} most active are shown.")
        read = table.sources.shape[1]
        if table.read and not self.is_pooling and len(table.read) < read:
            parts_of.append(
                f"Of {read:,} maps of the input, the {len(table.read)} most active are."
            )
        return " ".join(parts_of)
