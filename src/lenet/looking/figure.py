"""The network's figure with real maps in it: one row per layer, the pictures side by side.

A layer's name, operation, shape and colours stand on the left, once for all pictures; so the same
colour is the same number in each of them. One window and the number that becomes of it lead from
row to row, as in the paper's figure: it is the window that the strongest number of that map sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from lenet.data.preprocess import Images
from lenet.drawing import Drawing
from lenet.drawing.figure import make_scale
from lenet.drawing.labels import operation_label, shape_label
from lenet.drawing.scene import (
    Box,
    Mark,
    Paint,
    Path,
    Scene,
    Text,
    shortened,
    wrapped,
)
from lenet.looking import parts
from lenet.looking.inside import Inside
from lenet.looking.occlusion import cover_of
from lenet.looking.parts import LEADING, MARGIN, SIZE, Grid, Sheet
from lenet.looking.pictures import Picture
from lenet.looking.scales import WORDS, Numbers, Scale, framed, number
from lenet.looking.unit import maps_read, window_start
from lenet.net import PlacedLayer
from lenet.net.shapes import pair_text, shape_text
from lenet.writing.numbers import percent, plural

#: The column on the left, and each picture's, by how many there are.
_LABELS: Final = 168.0
_WIDTHS: Final = {1: 640.0, 2: 420.0, 3: 330.0}
_NARROW: Final = 280.0
_BETWEEN: Final = 36.0  # two pictures
_ROW: Final = 34.0  # between two layers
_IMAGE: Final = 116.0  # the longer side of a picture
#: The longer side of the largest and of the smallest map.
_LARGEST: Final = 92.0
_SMALLEST: Final = 26.0
#: Of more layers of maps than these, maps are so much smaller.
_FEW: Final = 12
_DEEP: Final = 0.6
_LEGEND: Final = 26.0
_BESIDE: Final = 16.0


@dataclass(frozen=True)
class _Columns:
    """Where each picture's column is."""

    count: int
    width: float  # of one

    def left(self, index: int) -> float:
        return MARGIN + _LABELS + index * (self.width + _BETWEEN)

    @property
    def right(self) -> float:
        """The right edge of the last."""
        return self.left(self.count - 1) + self.width


@dataclass(frozen=True)
class _Ends:
    """Where what leads to the next row begins, for one picture: the maps and one of the tiles."""

    left: float
    right: float
    bottom: float
    tile: Box | None = None  # the tile whose window leads on
    channel: int = 0


class _Figure(Sheet):
    """The rows, one below the other."""

    def __init__(self, look: Inside, most_maps: int, width: float | None) -> None:
        super().__init__()
        self.look, self.most_maps = look, most_maps
        count = len(look.pictures)
        self.columns = _Columns(count, width or _WIDTHS.get(count, _NARROW))
        self.ends: list[_Ends] = []
        self.steps = {step.name: step for step in look.model.plan.steps}
        shapes = [look.inputs.shape[1:], *(v.shape[1:] for v in look.outputs.values())]
        longer = [max(shape[1:]) for shape in shapes if len(shape) == 3]
        largest = _LARGEST if len(longer) <= _FEW else _LARGEST * _DEEP
        self.scale = make_scale(longer, _SMALLEST, largest)
        self.chosen: tuple[int, ...] = ()
        self.grid_columns: int | None = None

    def label(self, title: str, lines: Sequence[str], scale: Scale | None = None) -> float:
        """Write what stands on the left of a row from ``self.y`` on; return its height."""
        words = " ".join(lines)
        marks: list[Mark] = [Text(MARGIN, self.y + SIZE, title, SIZE, "start", bold=True)]
        y = self.y + SIZE
        for line in lines:
            for part in wrapped(line, SIZE, _LABELS - 20):
                y += LEADING
                marks.append(Text(MARGIN, y, part, SIZE, "start", role="muted"))
        y += 6
        if scale is not None:
            marks += parts.legend(scale, MARGIN, y, _LABELS - 48)
            y += _LEGEND
        self.add(f"{title}: {words}", *marks)
        return y - self.y

    # The rows.

    def head(self) -> None:
        """Write each picture's name and what was done to it."""
        bottom = self.y
        for index, picture in enumerate(self.look.pictures):
            x, width = self.columns.left(index), self.columns.width
            name = shortened(picture.name, SIZE + 1, width, bold=True)
            marks: list[Mark] = [Text(x, self.y + SIZE, name, SIZE + 1, "start", bold=True)]
            y = self.y + SIZE
            for line in _about(self.look, index):
                for part in wrapped(line, SIZE, width):
                    y += LEADING
                    marks.append(Text(x, y, part, SIZE, "start", role="muted"))
            self.add(picture.name, *marks)
            bottom = max(bottom, y)
        self.y = bottom + 14

    def given(self) -> None:
        """Draw the pictures as they are given."""
        height = self.label("picture", ("as it is given",))
        for index, picture in enumerate(self.look.pictures):
            image = picture.image if picture.given is None else picture.given
            height = max(height, self._image(index, image).height)
        self.y += height + _ROW

    def input(self) -> None:
        """Draw what the network sees, and beside it where it matters, if that was asked for."""
        look, found = self.look, self.look.occlusion
        lines = ["what the network sees", shape_text(look.pictures[0].image.shape)]
        scale = None
        if found is not None:
            scale = Scale.of(100 * found)
            cover = pair_text(cover_of(look.pictures[0].image.shape))
            lines.append(f"beside it: percentage points that the answer loses where {cover} pixels")
            lines[-1] += " are covered"
        height = self.label("input", lines, scale)
        for index, picture in enumerate(look.pictures):
            outline = self._image(index, picture.image)
            height = max(height, outline.height)
            self.ends.append(_Ends(outline.x, outline.right, outline.bottom, outline))
            if found is None or scale is None:
                continue
            values, name = 100 * found[index], look.answers[index]
            place = (outline.right + _BESIDE, self.y, *parts.sides(values.shape, _IMAGE))
            words = f"{name}: covering a part changes its probability by {Scale.of(values).text}"
            self.add(f"{words} points", scale.tile(values, *place), framed(*place))
        self.y += height + _ROW

    def _image(self, index: int, image: Images) -> Box:
        marks, outline = parts.image_tile(image, self.columns.left(index), self.y, _IMAGE)
        self.add(f"{self.look.pictures[index].name}: {shape_text(image.shape)}", *marks)
        return outline

    def maps(self, placed: PlacedLayer, values: Numbers) -> None:
        """Draw the maps (N, C, h, w) of a layer."""
        scale = Scale.of(values)
        is_pooling = not placed.layer.is_trained and bool(self.chosen)
        chosen = self.chosen if is_pooling else parts.most_active(values, self.most_maps)
        lines = [*_operation(placed), _shape_line(placed, len(chosen), "maps")]
        height = self.label(placed.name, lines, scale)
        size = (values.shape[2], values.shape[3])
        columns = self.grid_columns if is_pooling else None  # each below the map it is made of
        longest, width = self.scale(max(size)), self.columns.width
        grid = Grid.fitted(len(chosen), size, longest, width, columns)
        self.chosen, self.grid_columns = chosen, grid.columns
        ends = []
        for index, maps in enumerate(values):
            x = self.columns.left(index)
            self.groups += parts.map_tiles(placed.name, maps, chosen, scale, grid, x, self.y)
            self._beam(placed, maps, chosen, grid, x, self.ends[index])
            left, top = grid.place(grid.below)
            tile = Box(x + left, self.y + top, *grid.tile, Paint())
            bottom = self.y + grid.height
            ends.append(_Ends(x, x + grid.width, bottom, tile, chosen[grid.below]))
        self.ends, self.y = ends, self.y + max(height, grid.height) + _ROW

    def _beam(
        self,
        placed: PlacedLayer,
        maps: Numbers,
        chosen: Sequence[int],
        grid: Grid,
        x: float,
        source: _Ends,
    ) -> None:
        """Lead from a window above to the strongest number of the first map that sees it."""
        step = self.steps[placed.name]
        readers = (i for i, c in enumerate(chosen) if source.channel in maps_read(step, c))
        target = next(readers, None)
        if source.tile is None or target is None:
            return
        values = maps[chosen[target]]
        row, column = np.unravel_index(int(np.argmax(values)), values.shape)
        place = (int(row), int(column))
        starts = zip(window_start(step, place), step.kernel_size, strict=True)
        seen = [(start, start + size) for start, size in starts]
        window = _part(source.tile, step.input_shape[1:], seen)
        left, top = grid.place(target)
        tile = Box(x + left, self.y + top, *grid.tile, Paint())
        pixel = _part(tile, step.output_shape[1:], [(at, at + 1) for at in place])
        edge = f"{placed.layer.stem}-edge"
        upper = (window.x, window.bottom), (window.right, window.bottom)
        lower = (pixel.x, pixel.y), (pixel.right, pixel.y)
        area = Path((*upper, *reversed(lower)), Paint(edge, opacity=0.22), closed=True)
        sides = (
            Path(ends, Paint(stroke=edge, width=0.8)) for ends in zip(upper, lower, strict=True)
        )
        words = (
            f"the strongest number of {placed.name}, map {chosen[target]}, row {place[0]}, column "
            f"{place[1]}: {number(float(values[place]))}; and the window that it sees"
        )
        outline = Paint(stroke=edge, width=1.4)
        self.add(words, area, *sides, *(replace(box, paint=outline) for box in (window, pixel)))

    def units(self, placed: PlacedLayer, values: Numbers) -> None:
        """Draw the units (N, K) of a dense layer as bars."""
        scale = Scale.of(values)
        chosen = parts.most_active(values, parts.MOST_UNITS)
        lines = [*_operation(placed), _shape_line(placed, len(chosen), "units"), scale.text]
        height = self.label(placed.name, lines)
        ends = []
        for index, units in enumerate(values):
            x, width = self.columns.left(index), self.columns.width
            wide = min(width, 26.0 * len(chosen))
            shown = units[list(chosen)]
            source, edge = self.ends[index], f"{placed.layer.stem}-edge"
            strongest = int(np.argmax(shown))
            to = parts.bar_centre(strongest, len(chosen), x, wide)
            words = f"every unit of {placed.name} sees all of the layer before"
            ends_at = ((source.left, source.bottom + 2), (source.right, source.bottom + 2))
            beam = Path((*ends_at, (to, self.y - 2)), Paint(edge, opacity=0.14), closed=True)
            self.add(words, beam)
            high = number(float(shown[strongest]))
            words = f"{placed.name}: unit {chosen[strongest]} has the most, {high}"
            self.add(words, *parts.bars(shown, scale, x, self.y, wide))
            ends.append(_Ends(x, x + wide, self.y + parts.BARS))
        self.ends, self.y = ends, self.y + max(height, parts.BARS) + _ROW

    def answers(self) -> None:
        """Draw the probabilities."""
        look, classes = self.look, self.look.model.classes
        lines = ["softmax: e^score, in parts of their sum"]
        if len(classes) > parts.MOST_CLASSES:
            lines.append(f"{parts.MOST_CLASSES} of {len(classes):,} classes, the most probable")
        if any(picture.truth for picture in look.pictures):
            lines.append("framed: what is true")
        height = self.label("answer", lines)
        for index, picture in enumerate(look.pictures):
            place = self.columns.left(index), self.y, min(420.0, self.columns.width)
            row = look.probabilities[index]
            self.groups += parts.answer(row, classes, picture.truth, *place)
        self.y += max(height, parts.answer_height(len(classes))) + 8


def draw(look: Inside, most_maps: int = parts.MOST_MAPS, width: float | None = None) -> Drawing:
    """Draw all layers, ``most_maps`` of each at most; a picture's column may have a ``width``."""
    figure = _Figure(look, most_maps, width)
    figure.head()
    if any(picture.given is not None for picture in look.pictures):
        figure.given()
    figure.input()
    for placed, values in look.layers:
        (figure.maps if values.ndim == 4 else figure.units)(placed, values)
    figure.answers()
    note = f"{WORDS} {int8_words(look)}".strip()
    figure.write(note, figure.columns.right - MARGIN)
    scene = Scene(figure.columns.right + MARGIN, figure.y + MARGIN, tuple(figure.groups), note)
    return Drawing(scene, "auto", title(look), description(look))


def title(look: Inside) -> str:
    """Return a figure's name."""
    names = ", ".join(picture.name for picture in look.pictures)
    return f"Inside the network: {names}"


def description(look: Inside) -> str:
    """Write the figure in words, for those who cannot see it."""
    answers = (
        f"{picture.name} is {answer}, {percent(float(row.max()))}."
        for picture, answer, row in zip(
            look.pictures, look.answers, look.probabilities, strict=True
        )
    )
    layers = (
        f"{name}: {shape_label(values.shape[1:])}, {Scale.of(values).text}."
        for name, values in look.outputs.items()
    )
    return " ".join((*answers, *layers, int8_words(look))).rstrip()


def int8_words(look: Inside) -> str:
    """Say what an int8 model's numbers are; nothing of another."""
    if look.model.integers is None:
        return ""
    return (
        "The numbers are an int8 model's: whole, each layer's in a unit of its own; zero is zero."
    )


def about_picture(picture: Picture) -> str:
    """Say what was done to a picture; nothing if it went through as it was."""
    return f"prepared: {picture.prepared}" if picture.prepared else ""


def _about(look: Inside, index: int) -> Iterator[str]:
    picture, row = look.pictures[index], look.probabilities[index]
    answer = f"answer: {look.answers[index]}, {percent(float(row.max()))}"
    if picture.truth is not None:
        verdict = "right" if picture.truth == look.answers[index] else f"it is {picture.truth}"
        answer = f"{answer}; {verdict}"
    yield answer
    if words := about_picture(picture):
        yield words


def _operation(placed: PlacedLayer) -> list[str]:
    title, *facts = operation_label(placed)
    return [title, ", ".join(facts)] if facts else [title]


def _shape_line(placed: PlacedLayer, shown: int, what: str) -> str:
    shape = placed.output_shape
    whole = shape_label(shape) if len(shape) == 3 else plural(shape[0], "unit")
    if shown == shape[0]:
        return whole
    return f"{whole}; the {shown} most active {what} are shown"


def _part(tile: Box, size: Sequence[int], spans: Sequence[tuple[int, int]]) -> Box:
    """Return a part of a tile of ``size`` numbers, cut off at its edges."""
    (top, bottom), (left, right) = (
        (max(0, min(start, side)) / side, max(0, min(end, side)) / side)
        for (start, end), side in zip(spans, size, strict=True)
    )
    x, y = tile.x + left * tile.width, tile.y + top * tile.height
    return Box(x, y, (right - left) * tile.width, (bottom - top) * tile.height, Paint())
