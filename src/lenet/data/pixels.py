"""Tables of pixels, read piece by piece: one row per image, a label and the values of a square.

Kaggle gives MNIST in this form.
"""

from __future__ import annotations

import io
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from lenet.data.collection import Collection, LoadOptions, gather
from lenet.data.dataset import TRAIN
from lenet.data.folders import class_name
from lenet.data.preprocess import Images, reaches_one, to_bytes
from lenet.data.tables import LABEL_TITLES, Start, decoded_lines, is_number, plain_title
from lenet.errors import DataError
from lenet.net.words import shown
from lenet.writing.numbers import plural

_ROWS: Final = 1000  # at a time
_ROW_ADVICE: Final = "give a label and the pixels of a square image, grey or RGB, in each row"
_PLACES: Final = ("first", "last")
_T = TypeVar("_T")


@dataclass(frozen=True)
class _Layout:
    """Where things stand in a row of pixels."""

    delimiter: str
    columns: int
    label: str  # "first", "last" or, where there is none, ""
    titles: int  # lines of them
    channels: int
    side: int
    interleaved: bool  # r, g, b of each pixel in turn

    @property
    def size_text(self) -> str:
        return f"{self.side}x{self.side}" + " in RGB" * (self.channels == 3)


def read_pixels(
    path: str, file: io.BufferedReader, start: Start, options: LoadOptions
) -> Collection:
    """Read the images of a table of pixels, and their labels."""
    layout = _layout(path, start)
    if not layout.label:
        columns = plural(layout.columns, "column")
        what = f"{columns}, the pixels of {layout.size_text}, and no labels"
        advice = "give a table with a label in each row; Kaggle's test.csv has none"
        raise DataError(f"{path} has {what}: it can be predicted, not learned; {advice}")
    count = sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b"")) + 1
    own = (layout.side, layout.side)

    def gathered(table: _PixelTable) -> Collection:
        files = [(os.path.basename(path), count)]
        return gather(table.batches(), count, own, options, lambda i: f"row {i + 1:,}", files)

    return _read_twice(path, file, start, layout, gathered)


def read_unlabelled(path: str, file: io.BufferedReader, start: Start) -> Images:
    """Return the images of a table of pixels, (N, C, H, W), whether it has labels or none."""
    layout = _layout(path, start)

    def images(table: _PixelTable) -> Images:
        return np.concatenate([images for _, _, images in table.batches()])

    return _read_twice(path, file, start, layout, images)


def _read_twice(
    path: str,
    file: io.BufferedReader,
    start: Start,
    layout: _Layout,
    read: Callable[[_PixelTable], _T],
) -> _T:
    """Read a table; and once more where its first rows were all dark, and misled."""
    unit: bool | None = None
    while True:
        file.seek(0)
        table = _PixelTable(path, file, start, layout, unit)
        found = read(table)
        reaches_one(table.least, table.greatest, f"{path} has", table.is_float)
        if table.unit == table.is_unit:
            return found
        unit = table.is_unit


class _PixelTable:
    """One reading of a table; ``unit``: its values reach to 1; None: as the first rows say."""

    def __init__(
        self,
        path: str,
        file: io.BufferedReader,
        start: Start,
        layout: _Layout,
        unit: bool | None,
    ) -> None:
        self.path, self.layout, self.unit = path, layout, unit
        self.lines = decoded_lines(path, file, start)
        self.is_unit, self.is_float, self.least, self.greatest = False, False, 0.0, 0.0

    def batches(self) -> Iterator[tuple[int, list[str], Images]]:
        """Yield the split, labels and (n, C, H, W) uint8 of some rows at a time."""
        known: dict[str, str] = {}  # a class's name is checked once, not in every row
        lines = (line for line in enumerate(self.lines, 1) if line[1].strip())
        filled = islice(lines, self.layout.titles, None)
        while rows := list(islice(filled, _ROWS)):
            divided = [self._divided(*row) for row in rows]
            names, values = ([pair[place] for pair in divided] for place in (0, 1))
            pixels = self._numbers(values, rows[0][0])
            self.least = np.minimum(self.least, pixels.min())
            self.greatest = np.maximum(self.greatest, pixels.max())
            self.is_float |= bool((pixels != np.rint(pixels)).any())
            self.is_unit = reaches_one(self.least, self.greatest, f"{self.path} has")
            self.unit = self.is_unit if self.unit is None else self.unit
            if self.layout.label:
                names = [known.get(n) or known.setdefault(n, self._class(n)) for n in names]
            yield TRAIN, names, to_bytes(self._as_images(pixels), self.unit)

    def _class(self, text: str) -> str:
        return class_name(text, self.path)

    def _divided(self, number: int, line: str) -> tuple[str, str]:
        """Return the label and the rest of a line."""
        layout = self.layout
        line = line.strip(" \r\n")
        if (columns := line.count(layout.delimiter) + 1) != layout.columns:
            what = f"{columns:,} columns where the first has {layout.columns:,}"
            raise DataError(f"{self.path}, line {number:,}, has {what}; {_ROW_ADVICE}")
        if not layout.label:
            return "", line
        if layout.label == "last":
            rest, _, label = line.rpartition(layout.delimiter)
        else:
            label, _, rest = line.partition(layout.delimiter)
        return label.strip().strip('"'), rest

    def _numbers(self, lines: Sequence[str], first: int) -> npt.NDArray[np.float32]:
        split = self.layout.delimiter
        try:
            return np.loadtxt(lines, "f4", comments=None, delimiter=split, quotechar='"', ndmin=2)
        except ValueError as error:
            values = ((n, text.strip()) for n, row in enumerate(lines) for text in row.split(split))
            strange = ((n, text) for n, text in values if not is_number(text.strip('"')))
            offset, text = next(strange, (0, lines[0]))
            what = f"{text[:40]!r} for a pixel near line {first + offset:,}"
            raise DataError(f"{self.path} has {what}; {_ROW_ADVICE}") from error

    def _as_images(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        side, channels = self.layout.side, self.layout.channels
        if self.layout.interleaved:
            return pixels.reshape(-1, side, side, channels).transpose(0, 3, 1, 2)
        return pixels.reshape(-1, channels, side, side)


def _layout(path: str, start: Start) -> _Layout:
    first = start.rows[0]
    titles = int(sum(not is_number(text) for text in first) > 1)
    rows = [row for row in start.rows[titles:] if len(row) == len(first)]
    if len(start.rows) == titles:
        raise DataError(f"{path} has titles but no rows; {_ROW_ADVICE}")
    if not rows or (len(rows) == 1 < len(start.rows) - titles and not titles):
        own, other = plural(len(first), "column"), len(start.rows[1])
        widths = f"{own} in its first line and {other:,} in the next"
        advice = "take away lines above the table, and give every column a title, or none"
        raise DataError(f"{path} has {widths}; {advice}")
    names = list(map(plain_title, first)) if titles else []
    channels, side, has_label = _square(path, len(first))
    label = _label_place(path, names, rows) if has_label else ""
    pixels = [row[label == "first" : len(row) - (label == "last")] for row in rows]
    interleaved = channels == 3 and _is_interleaved(pixels, side)
    return _Layout(start.delimiter, len(first), label, titles, channels, side, interleaved)


def _square(path: str, columns: int) -> tuple[int, int, bool]:
    """Return channels and side of the images, and whether a label stands beside the pixels."""
    for pixels in (columns - 1, columns):
        for channels in (1, 3):
            side = math.isqrt(pixels // channels)
            if side and channels * side * side == pixels:
                return channels, side, pixels < columns
    what, advice = (
        f"{columns:,} columns, and {columns - 1:,} pixels are no square image",
        _ROW_ADVICE,
    )
    if math.isqrt(columns - 2) ** 2 == columns - 2:
        advice = "take its column of numbers of rows or names away, which is one too many"
    raise DataError(f"{path} has {what}; {advice}")


def _label_place(path: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return whether the label is the first or the last column."""
    titled = [title in LABEL_TITLES for title in (*titles[:1], *titles[-1:])] or [False, False]
    if titled[0] != titled[1]:
        return _PLACES[titled[1]]
    columns = [[row[place] for row in rows] for place in (0, -1)]
    texts = [not all(map(is_number, column)) for column in columns]
    if any(texts):
        return _PLACES[not texts[0]]
    likely = [_looks_like_labels(column) for column in columns]
    if likely[0] != likely[1]:
        return _PLACES[likely[1]]
    what, advice = "may have its first or its last column for the label", "label,pixel0,pixel1,..."
    if titles:
        what = f"has titles, of which neither {shown(titles[0])} nor {shown(titles[-1])} is a label"
    raise DataError(f"{path} {what}; put a line of titles above: {advice}")


def _looks_like_labels(column: Sequence[str]) -> bool:
    """Are these whole numbers in a row, each of them often and none nearly always?"""
    # A corner of the image would be nearly always the same, or of many values.
    counts = Counter(map(float, column))
    span = max(counts) - min(counts)
    return (
        1 < len(counts) <= max(2, len(column) / 2)
        and all(value.is_integer() for value in counts)
        and span < 2 * len(counts)
        and max(counts.values()) <= 0.6 * len(column)
    )


@np.errstate(all="ignore")  # a number too large is told by the reader
def _is_interleaved(rows: Sequence[Sequence[str]], side: int) -> bool:
    """Do r, g and b of a pixel follow each other? Where they do, equal colours are three apart."""
    try:
        pixels = np.array(rows, np.float32)
    except ValueError:  # the reader says which one is no number
        return False
    planes = pixels.reshape(-1, 3, side, side)
    turns = pixels.reshape(-1, side, side, 3)
    apart = sum(np.abs(np.diff(planes, axis=axis)).sum() for axis in (2, 3))
    three = sum(np.abs(np.diff(turns, axis=axis)).sum() for axis in (1, 2))
    return bool(three < apart)
