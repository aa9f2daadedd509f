"""One number being made, drawn: window times kernel, the products, and the steps to the value."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.drawing import Drawing
from lenet.drawing.scene import (
    Box,
    Mark,
    Paint,
    Scene,
    Text,
    shortened,
    text_width,
    widest,
)
from lenet.looking import parts
from lenet.looking.inside import Inside
from lenet.looking.parts import LEADING, MARGIN, SIZE, Sheet
from lenet.looking.pictures import Picture
from lenet.looking.scales import WORDS, Scale, framed, number
from lenet.looking.unit import Unit
from lenet.looking.words import about_unit, map_name, term_lines
from lenet.writing.numbers import plural

#: Maps that are shown one by one, at most: of more, those that add most.
_MOST_MAPS: Final = 8
#: A number's square, and its letters; of larger windows only the colours are shown.
_CELL: Final = 32.0
_LETTERS: Final = 8.5
_MOST_NUMBERS: Final = 7
_TILE: Final = 160.0  # a window without numbers
_MAP: Final = 72.0
_FINEST: Final = (144, 144)  # numbers of a map that are seen
_SIGN: Final = 26.0  # the room of a sign between two tiles
_SUM: Final = 78.0
_SLOT: Final = 96.0
_NAMES: Final = 72.0  # of a map, such as channel 2
_BARS: Final = 560.0
_WIDEST: Final = 720.0
#: A colour from this size on, in parts of its scale, is light.
_LIGHT: Final = 0.45

Floats = npt.NDArray[np.float64]


def draw(look: Inside) -> Drawing:
    """Draw how the number comes about, for each picture."""
    figure = _Figure(look)
    for picture, unit in zip(look.pictures, look.units, strict=True):
        figure.draw(picture, unit)
    figure.y += 4
    figure.write(f"{figure.ranges} {WORDS}", figure.width)
    scene = Scene(figure.right + MARGIN, figure.y + MARGIN, tuple(figure.groups), WORDS)
    names = ", ".join(picture.name for picture in look.pictures)
    words = " ".join(f"{' '.join(about_unit(look, unit))}" for unit in look.units)
    return Drawing(scene, "auto", f"The number {look.units[0].name}: {names}", words)


class _Figure(Sheet):
    """The numbers of each picture, one below the other."""

    def __init__(self, look: Inside) -> None:
        super().__init__()
        self.look, unit = look, look.units[0]
        self.sources = look.read_by(unit.layer)
        self.read = Scale.of(self.sources)
        weights = look.weights_of(unit.layer)
        self.weights = None if weights is None else Scale.of(weights)
        self.products = Scale.of(*(unit.products for unit in look.units))
        rows, columns = unit.window.shape[1:]
        self.has_numbers = max(rows, columns) <= _MOST_NUMBERS
        scale = _CELL if self.has_numbers else _TILE / max(rows, columns)
        self.tile = (max(8.0, columns * scale), max(8.0, rows * scale))
        self.slot = max(self.tile[0], _SLOT)  # there is room for the words above a tile
        self.is_strip = not unit.maps
        tiles = 1 if unit.kernel is None else 3
        wide = _NAMES + _MAP + tiles * (self.slot + _SIGN) + _SUM
        self.right: float = MARGIN + max(_BARS, wide)

    @property
    def width(self) -> float:
        """Of lines across the figure."""
        return min(_WIDEST, self.right - MARGIN)

    @property
    def ranges(self) -> str:
        """The ends of the scales, in words."""
        if self.weights is None:
            return f"The colours go from {self.read.text}."
        return (
            f"The colours go from {self.read.text} in the layer's input, {self.weights.text} in "
            f"its weights, and {self.products.text} in the products."
        )

    def draw(self, picture: Picture, unit: Unit) -> None:
        """Draw one picture's number."""
        title = f"{unit.name} = {number(unit.value)}"
        marks, outline = parts.image_tile(picture.image, MARGIN, self.y, 44)
        x = outline.right + 12
        heading = Text(x, self.y + 16, title, 15, "start", bold=True, role="text")
        name = shortened(picture.name, SIZE, self.right - x)
        below = Text(x, self.y + 36, name, SIZE, "start", role="muted")
        self.add(picture.name, *marks, heading, below)
        self.y += 50
        for line in about_unit(self.look, unit):
            self.write(line, self.width)
        self.y += 12
        if self.is_strip:
            self._strips(unit)
        else:
            self._maps(unit)
        self._terms(unit)
        self.y += 26

    def _maps(self, unit: Unit) -> None:
        """Draw one row per map: the map, its window, the kernel, the products, their sum."""
        sums = unit.products.sum(axis=(1, 2))
        shown = list(range(len(unit.maps)))
        if len(shown) > _MOST_MAPS:
            order = np.argsort(-np.abs(sums), kind="stable")[:_MOST_MAPS]
            shown = sorted(map(int, order))
        self._heads(unit)
        for place in shown:
            self._row(unit, place, float(sums[place]))
        if len(shown) < len(unit.maps):
            others = float(sums.sum() - sums[shown].sum())
            many = len(unit.maps) - len(shown)
            what = f"the other {plural(many, 'map')} of {len(unit.maps)} add {number(others)}"
            self.write(f"{what}: shown are those that add most", self.width)
            self.y += 8

    def _heads(self, unit: Unit) -> None:
        x = MARGIN + _NAMES
        heads = [(x, "map"), (x + _MAP + _SIGN, "x, its window")]
        if unit.kernel is not None:
            step = self.slot + _SIGN
            kernel = "w, the target" if unit.is_distance else "w, the kernel"
            heads += [(heads[1][0] + step, kernel), (heads[1][0] + 2 * step, unit.formula)]
            heads.append((heads[1][0] + 3 * step - 8, "their sum"))
        for at, words in heads:
            self.add("", Text(at, self.y + 10, words, SIZE, "start", role="muted"))
        self.y += 18

    def _row(self, unit: Unit, place: int, total: float) -> None:
        height = max(self.tile[1], _MAP)
        middle, x = self.y + height / 2, MARGIN
        channel = unit.maps[place]
        name = map_name(self.look, unit, channel)
        self.add(name, Text(x, middle + 4, name, SIZE, "start", role="text"))
        x += _NAMES
        index = self.look.units.index(unit)
        self._source(self.sources[index][channel], unit, x, middle - _MAP / 2)
        x += _MAP + _SIGN
        top = middle - self.tile[1] / 2
        self._tile(unit.window[place], self.read, x, top, unit.is_padding)
        if unit.kernel is not None:
            for sign, values, scale in (
                ("-" if unit.is_distance else "×", unit.kernel[place], self.weights or self.read),
                ("=", unit.products[place], self.products),
            ):
                x += self.slot
                self.add("", Text(x + _SIGN / 2, middle + 5, sign, 15))
                x += _SIGN
                self._tile(values, scale, x, top)
            x += self.slot + 14
            self.add(
                f"sum: {number(total)}", Text(x, middle + 5, number(total), 14, "start", bold=True)
            )
        self.y += height + 14

    def _source(self, values: Floats, unit: Unit, x: float, y: float) -> None:
        """Draw a map that is read, and where on it the window lies."""
        rows, columns = values.shape
        scale = _MAP / max(rows, columns)
        wide, tall = max(3.0, columns * scale), max(3.0, rows * scale)
        y += (_MAP - tall) / 2
        tile = self.read.tile(parts.shrunk(values, *_FINEST), x, y, wide, tall)
        top, left = unit.start
        high, broad = unit.window.shape[1:]
        box = x + left * scale, y + top * scale, broad * scale, high * scale
        marks = tile, framed(x, y, wide, tall), *_ringed(*box)
        self.add("the map, and the window on it", *marks)

    def _tile(
        self,
        values: Floats,
        scale: Scale,
        x: float,
        y: float,
        is_padding: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """Draw a window with its numbers."""
        self.add(scale.text, scale.tile(values, x, y, *self.tile), framed(x, y, *self.tile))
        if not self.has_numbers:
            return
        largest = values.argmax() if len(self.look.units[0].terms) == 1 else -1
        for place, value in enumerate(values.ravel().tolist()):
            row, column = divmod(place, values.shape[1])
            left, top = x + column * _CELL, y + row * _CELL
            words = scale.short(value)
            role = "on-light" if _is_light(value, scale) else "on-dark"
            marks: list[Mark] = []
            if is_padding is not None and is_padding[row, column]:
                role = "muted"
                marks.append(Box(left + 0.5, top + 0.5, _CELL - 1, _CELL - 1, Paint("grid")))
            size = _LETTERS * min(1.0, (_CELL - 3) / text_width(words, _LETTERS))
            marks.append(Text(left + _CELL / 2, top + _CELL / 2 + 3, words, size, role=role))
            if place == largest:
                marks += _ringed(left + 2, top + 2, _CELL - 4, _CELL - 4)
            self.add(words, *marks)

    def _strips(self, unit: Unit) -> None:
        """Draw what a unit reads, its weights and the products as bars."""
        rows = [("x, the numbers before it", unit.window, self.read)]
        if unit.kernel is not None:
            kernel, products = "weights", "products"
            if unit.is_distance:
                kernel, products = "target", "squared differences"
            rows += [
                (f"w, its {kernel}", unit.kernel, self.weights or self.read),
                (f"{unit.formula}, the {products}", unit.products, self.products),
            ]
        for words, values, scale in rows:
            self.y += SIZE
            text = f"{words}: {scale.text}"
            self.add(text, Text(MARGIN, self.y, text, SIZE, "start", role="muted"))
            marks = parts.bars(values.ravel(), scale, MARGIN, self.y + 8, _BARS)
            self.add(text, *marks)
            self.y += parts.BARS + 22

    def _terms(self, unit: Unit) -> None:
        """Write the steps to the value below each other."""
        lines = term_lines(unit)
        wide = [widest((line[i] for line in lines), SIZE) for i in range(2)]
        end = MARGIN + wide[0] + wide[1] + 48 + 70
        self.right = max(self.right, end)
        for place, (words, formula, value) in enumerate(lines):
            self.y += LEADING + 2
            is_last = place == len(lines) - 1
            role = "text" if is_last else "muted"
            self.add(
                f"{words}: {formula} = {value}",
                Text(MARGIN, self.y, words, SIZE, "start", role=role),
                Text(MARGIN + wide[0] + 24, self.y, formula, SIZE, "start", role="text"),
                Text(end, self.y, value, SIZE, "end", bold=is_last, role="text"),
            )


def _ringed(x: float, y: float, width: float, height: float) -> list[Mark]:
    """Outline a part of a map: light within dark, so that it is seen on any colour."""
    place = x, y, width, height
    return [framed(*place, "on-light", 3.4), framed(*place, "on-dark", 1.6)]


def _is_light(value: float, scale: Scale) -> bool:
    """Is a number's colour so light that letters on it must be dark?"""
    if scale.is_signed:
        return abs(value) > _LIGHT * scale.size
    return value - scale.low > _LIGHT * (scale.high - scale.low)
