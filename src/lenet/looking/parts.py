"""The parts that figures are laid out of: tiles of maps, bars of units, answers, legends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.drawing.scene import (
    SERIES,
    Box,
    Group,
    Mark,
    Paint,
    Path,
    Text,
    shortened,
    text_width,
    wrapped,
)
from lenet.looking.scales import Numbers, Scale, framed, number, photo
from lenet.writing.numbers import percent

#: Maps and units of one layer, at most: of more, the most active are shown.
MOST_MAPS: Final = 32
MOST_UNITS: Final = 128
#: Classes in an answer, at most: of more, the most probable are shown.
MOST_CLASSES: Final = 10
MARGIN: Final = 24.0
SIZE: Final = 12.0
LEADING: Final = 16.0
GAP: Final = 4.0  # between tiles
_TILE_ROWS: Final = 3  # of one layer, at most
_LEAST: Final = 0.7  # of the wanted size: tiles that get smaller begin another row
_THINNEST: Final = 3.0
BARS: Final = 64.0  # how high bars of units are
_ANSWER: Final = 18.0  # a row of an answer
_NAME: Final = 0.34  # of the width: the longest name of a class
#: Above zero and below it, for bars: the hues of the maps.
_ABOVE, _BELOW = SERIES[0], SERIES[1]


class Sheet:
    """A figure while it is laid out from top to bottom: its marks, and how far down they reach."""

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.y = MARGIN

    def add(self, title: str, *marks: Mark) -> None:
        """Add marks that belong together; ``title`` says what they are."""
        self.groups.append(Group(title, marks))

    def write(self, words: str, width: float) -> None:
        """Write lines across the figure."""
        for line in wrapped(words, SIZE, width):
            self.y += LEADING
            self.add(words, Text(MARGIN, self.y, line, SIZE, "start", role="muted"))


def most_active(values: Numbers, most: int) -> tuple[int, ...]:
    """Return which channels or units of (N, C, ...) are shown: all, or the most active ones.

    Active is what is far from zero on average, over all pictures; the order stays.
    """
    count = values.shape[1]
    if count <= most:
        return tuple(range(count))
    sizes = np.abs(np.nan_to_num(values.astype(np.float64)))
    activity = sizes.mean(axis=(0, *range(2, values.ndim)))
    chosen = np.argsort(-activity, kind="stable")[:most]
    return tuple(sorted(map(int, chosen)))


@dataclass(frozen=True)
class Grid:
    """Tiles of equal size in rows: where each of them lies."""

    count: int
    tile: tuple[float, float]  # width, height
    columns: int
    gap: float = GAP

    @classmethod
    def fitted(
        cls,
        count: int,
        size: tuple[int, int],
        longest: float,
        width: float,
        columns: int | None = None,
    ) -> Grid:
        """Return a grid of maps (h, w) in ``width``, each ``longest`` pixels long or less.

        It has so many columns; or one row, or more where tiles would get much smaller than that.
        """
        most = longest * size[1] / max(size)
        choices = (ceil(count / rows) for rows in range(1, _TILE_ROWS + 1))
        for across in choices if columns is None else (columns,):
            room = (width + GAP) / across - GAP
            if room >= _LEAST * most:
                break
        scale = min(longest / max(size), max(room, 1.0) / size[1])
        tile = (max(_THINNEST, size[1] * scale), max(_THINNEST, size[0] * scale))
        return cls(count, tile, across)

    @property
    def rows(self) -> int:
        return ceil(self.count / self.columns)

    @property
    def height(self) -> float:
        return self.rows * (self.tile[1] + self.gap) - self.gap

    @property
    def width(self) -> float:
        return min(self.count, self.columns) * (self.tile[0] + self.gap) - self.gap

    def place(self, index: int) -> tuple[float, float]:
        """Return the upper left corner of a tile, from the grid's own."""
        row, column = divmod(index, self.columns)
        return column * (self.tile[0] + self.gap), row * (self.tile[1] + self.gap)

    @property
    def below(self) -> int:
        """The first tile of the last row: nothing lies below it."""
        return (self.rows - 1) * self.columns


def shrunk(values: Numbers, rows: int, columns: int) -> Numbers:
    """Return a map (h, w) with so many rows and columns at most: means of its parts."""
    for axis, most in enumerate((rows, columns)):
        size = values.shape[axis]
        if size > most:
            starts = np.linspace(0, size, most, endpoint=False).astype(int)
            counts = np.diff(np.append(starts, size))
            sums = np.add.reduceat(values.astype(np.float64), starts, axis=axis)
            values = sums / counts.reshape((-1, 1) if axis == 0 else (1, -1))
    return values


def sides(shape: Sequence[int], longest: float) -> tuple[float, float]:
    """Return the width and height of a map (h, w) on the page."""
    scale = longest / max(shape)
    return max(_THINNEST, shape[1] * scale), max(_THINNEST, shape[0] * scale)


def map_tiles(
    name: str, maps: Numbers, chosen: Sequence[int], scale: Scale, grid: Grid, x: float, y: float
) -> Iterator[Group]:
    """Draw the chosen ones of maps (C, h, w); each tells its range to a pointer."""
    width, height = grid.tile
    for index, channel in enumerate(chosen):
        left, top = grid.place(index)
        values = maps[channel]
        words = f"{name}, map {channel}: {Scale.of(values).text}"
        small = shrunk(values, ceil(2 * height), ceil(2 * width))
        tile = scale.tile(small, x + left, y + top, width, height)
        yield Group(words, (tile, framed(x + left, y + top, width, height)))


def image_tile(
    image: npt.NDArray[np.uint8], x: float, y: float, side: float
) -> tuple[list[Mark], Box]:
    """Draw an image (C, h, w) so that its longer side is ``side``; return its outline, too."""
    rows, columns = image.shape[1:]
    if len(image) not in (1, 3):
        image = np.rint(image.mean(axis=0, keepdims=True)).astype(np.uint8)
    width, height = sides((rows, columns), side)
    outline = framed(x, y, width, height)
    return [photo(image, x, y, width, height), outline], outline


def bars(
    values: Numbers, scale: Scale, x: float, y: float, width: float, height: float = BARS
) -> list[Mark]:
    """Draw one bar per number (K,), up from zero or down; the scale has the ends."""
    low, high = min(0.0, scale.low), max(0.0, scale.high)
    unit = height / ((high - low) or 1.0)
    base, step = y + high * unit, width / len(values)
    gap = min(2.0, 0.2 * step)
    marks: list[Mark] = []
    for role, sign in ((_ABOVE, 1), (_BELOW, -1)):
        clipped = np.nan_to_num(values.astype(np.float64)).clip(low, high)
        sizes = (sign * clipped).clip(0) * unit
        points = [(x, base)]
        for place, size in enumerate(sizes.tolist()):
            if size > 0:
                left, right, end = (
                    x + place * step,
                    x + (place + 1) * step - gap,
                    base - sign * size,
                )
                points += [(left, base), (left, end), (right, end), (right, base)]
        if len(points) > 1:
            marks.append(Path((*points, (x, base)), Paint(role), closed=True))
    return [*marks, Path(((x, base), (x + width, base)), Paint(stroke="line", width=0.8))]


def bar_centre(place: int, count: int, x: float, width: float) -> float:
    """Return the middle of a bar."""
    return x + (place + 0.5) * width / count


def legend(scale: Scale, x: float, y: float, width: float) -> list[Mark]:
    """Draw a scale's colours with its ends below: ``y`` is the upper edge."""
    if scale.low == scale.high:
        return [Text(x, y + 10, f"all {number(scale.low)}", 10, "start", role="muted")]
    texts = [
        Text(x, y + 19, number(scale.low), 10, "start", role="muted"),
        Text(x + width, y + 19, number(scale.high), 10, "end", role="muted"),
    ]
    marks = scale.bar(x, y, width, 7)
    if scale.is_signed and scale.high > 0:
        zero = x + width * -scale.low / (scale.high - scale.low)
        marks.append(Path(((zero, y - 2), (zero, y + 9)), Paint(stroke="text", width=1)))
    return [*marks, *texts]


def shown_classes(probabilities: npt.NDArray[np.float32], most: int = MOST_CLASSES) -> list[int]:
    """Return the classes of an answer (K,) that are shown: all in order, or the most probable."""
    if len(probabilities) <= most:
        return list(range(len(probabilities)))
    return list(map(int, np.argsort(-probabilities, kind="stable")[:most]))


def answer_height(count: int) -> float:
    return _ANSWER * min(count, MOST_CLASSES)


def answer(
    probabilities: npt.NDArray[np.float32],
    classes: Sequence[str],
    truth: str | None,
    x: float,
    y: float,
    width: float,
) -> Iterator[Group]:
    """Draw an answer (K,): a bar for each class, its probability beside it."""
    chosen = shown_classes(probabilities)
    best = int(probabilities.argmax())
    names = [shortened(classes[i], SIZE, _NAME * width, bold=i == best) for i in chosen]
    left = x + max(text_width(name, SIZE, bold=True) for name in names) + 8
    numbers = text_width("100.00 %", SIZE, bold=True) + 8
    room = max(10.0, x + width - numbers - left)
    for row, (place, name) in enumerate(zip(chosen, names, strict=True)):
        share, top = float(probabilities[place]), y + row * _ANSWER
        is_best, baseline = place == best, y + row * _ANSWER + 13
        role = "text" if is_best else "muted"
        words = f"{classes[place]}: {percent(share)}" + ", its true class" * (
            classes[place] == truth
        )
        marks: list[Mark] = [
            Text(left - 8, baseline, name, SIZE, "end", bold=is_best, role=role),
            Box(left, top + 3, room, 12, Paint("grid"), 2),
        ]
        if share * room >= 0.5:
            marks.append(Box(left, top + 3, share * room, 12, Paint(_ABOVE), 2))
        if classes[place] == truth:
            marks.append(Box(left - 2, top + 1, room + 4, 16, Paint(stroke="text", width=1.2), 3))
        end = Text(x + width, baseline, percent(share), SIZE, "end", bold=is_best, role=role)
        yield Group(words, (*marks, end))
