"""Tables of pixels: a row an image, a label and the values of a square, as Kaggle gives MNIST."""

from __future__ import annotations

import io
import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from lenet.data.collection import Collection
from lenet.data.listing import UNDECIDED
from lenet.data.names import class_name, in_order
from lenet.data.preprocess import Images
from lenet.data.scale import Range, to_bytes
from lenet.data.split import digests_of
from lenet.data.stack import Stack, shaped
from lenet.data.tables import LABEL_TITLES, Start, is_number, read_lines
from lenet.data.wishes import Wishes, bounded, resized_note
from lenet.errors import DataError

_ROWS: Final = 1000  # at a time
_ADVICE: Final = "give a label and the pixels of a square image, grey or RGB, in each row"


class _Layout(NamedTuple):
    """Where things stand in a row."""

    delimiter: str
    columns: int
    label_last: bool
    titles: int  # lines of them
    channels: int
    side: int
    interleaved: bool  # r, g, b of each pixel in turn


def read(path: str, file: io.BufferedReader, start: Start, wishes: Wishes) -> Collection:
    """Read the images and their labels.

    Args:
        path: of the table.
        file: the table, at its beginning.
        start: what it begins with.
        wishes: the size and colour to bring the images to.

    Raises:
        DataError: rows of different lengths, values that are no pixels, or no square images.
    """
    layout = _layout(path, start)
    count = sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b"")) + 1
    unit: bool | None = None
    while True:
        file.seek(0)
        table = _Table(path, file, layout, unit)
        found = table.read(count, wishes)
        if table.values.is_unit == table.unit:
            return found
        unit = table.values.is_unit  # the first rows were all dark, and misled


class _Table:
    def __init__(
        self, path: str, file: io.BufferedReader, layout: _Layout, unit: bool | None
    ) -> None:
        self.path, self.file, self.layout, self.unit = path, file, layout, unit
        self.values = Range()

    def read(self, count: int, wishes: Wishes) -> Collection:
        own = (self.layout.side, self.layout.side)
        size = wishes.size or bounded(own)
        stack = Stack(count, size, wishes.channels)
        labels: list[str] = []
        digests = []
        for names, images in self._images():
            digests.append(digests_of(images))
            stack.put(len(labels), shaped(images, size, wishes.channels))
            labels += names
        if not labels:
            raise DataError(f"{self.path} has titles but no rows; {_ADVICE}")
        classes = in_order(labels)
        place = {name: index for index, name in enumerate(classes)}
        notes = [resized_note(own, size)] * (wishes.size is None and own != size)
        return Collection.of(
            stack.take()[: len(labels)],
            np.fromiter((place[name] for name in labels), np.int64, len(labels)),
            np.full(len(labels), UNDECIDED, np.int64),
            classes,
            digests=np.concatenate(digests),
            name=lambda index: f"row {index + 1:,}",
            notes=notes,
        )

    def _images(self) -> Iterator[tuple[list[str], Images]]:
        """Labels and (n, C, H, W) uint8 of some rows at a time."""
        known: dict[str, str] = {}
        for names, pixels in self._pieces():
            self.values.see(pixels)
            self.values.require_pixels(f"{self.path} has")
            if self.unit is None:
                self.unit = self.values.is_unit
            labels = [known.get(n) or known.setdefault(n, class_name(n, self.path)) for n in names]
            yield labels, to_bytes(self._as_images(pixels), self.unit)

    def _as_images(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        layout = self.layout
        shape = (layout.side, layout.side)
        if layout.interleaved:
            return np.ascontiguousarray(
                pixels.reshape(-1, *shape, layout.channels).transpose(0, 3, 1, 2)
            )
        return pixels.reshape(-1, layout.channels, *shape)

    def _pieces(self) -> Iterator[tuple[list[str], npt.NDArray[np.float32]]]:
        lines = self._lines()
        while rows := list(itertools.islice(lines, _ROWS)):
            names, values = zip(*(self._divided(*row) for row in rows), strict=True)
            yield list(names), self._numbers(values, rows[0][0])

    def _lines(self) -> Iterator[tuple[int, str]]:
        lines = enumerate(read_lines(self.path, self.file), 1)
        filled = ((number, line) for number, line in lines if line.strip())
        return itertools.islice(filled, self.layout.titles, None)

    def _divided(self, number: int, line: str) -> tuple[str, str]:
        """The label and the rest of a line."""
        layout = self.layout
        if (columns := line.count(layout.delimiter) + 1) != layout.columns:
            raise DataError(
                f"{self.path}, line {number:,}, has {columns:,} columns where the first has "
                f"{layout.columns:,}; {_ADVICE}"
            )
        if layout.label_last:
            rest, _, label = line.rpartition(layout.delimiter)
        else:
            label, _, rest = line.partition(layout.delimiter)
        return label.strip().strip('"'), rest

    def _numbers(self, lines: Sequence[str], first: int) -> npt.NDArray[np.float32]:
        try:
            return np.loadtxt(
                lines,
                np.float32,
                comments=None,
                delimiter=self.layout.delimiter,
                quotechar='"',
                ndmin=2,
            )
        except ValueError as error:
            for offset, line in enumerate(lines):
                for text in line.split(self.layout.delimiter):
                    if not is_number(text.strip().strip('"')):
                        raise DataError(
                            f"{self.path} has {text.strip()[:40]!r} for a pixel near line "
                            f"{first + offset:,}; {_ADVICE}"
                        ) from error
            raise DataError(f"{self.path} has rows that are no numbers; {_ADVICE}") from error


def _layout(path: str, start: Start) -> _Layout:
    first = start.rows[0]
    titles = int(sum(not is_number(text) for text in first) > 1)
    rows = [row for row in start.rows[titles:] if len(row) == len(first)]
    channels, side = _square(path, len(first) - 1)
    last = _label_is_last(path, [title.casefold() for title in first] if titles else [], rows)
    pixels = [row[:-1] if last else row[1:] for row in rows]
    interleaved = channels == 3 and _is_interleaved(pixels, side)
    return _Layout(start.delimiter, len(first), last, titles, channels, side, interleaved)


def _square(path: str, pixels: int) -> tuple[int, int]:
    """Channels and side of the images."""
    for channels in (1, 3):
        side = math.isqrt(pixels // channels)
        if channels * side * side == pixels:
            return channels, side
    side = math.isqrt(pixels + 1)
    why = (
        f"which would be {side}x{side} pixels without a label"
        if side * side == pixels + 1
        else f"and {pixels:,} pixels are no square image"
    )
    raise DataError(f"{path} has {pixels + 1:,} columns, {why}; {_ADVICE}")


def _label_is_last(path: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the label is the last column; otherwise it is the first."""
    ends = [titles[0] in LABEL_TITLES, titles[-1] in LABEL_TITLES] if titles else [False, False]
    if ends[0] != ends[1]:
        return ends[1]
    columns = [[row[place] for row in rows] for place in (0, -1)]
    for last, column in enumerate(columns):
        if not all(map(is_number, column)):
            return bool(last)
    likely = [_looks_like_labels(column) for column in columns]
    if likely[0] != likely[1]:
        return likely[1]
    raise DataError(
        f"{path} does not tell whether its first or its last column is the label; put a line of "
        "titles above: label,pixel0,pixel1,..."
    )


def _looks_like_labels(column: Sequence[str]) -> bool:
    """Are these whole numbers in a row, each of them often and none nearly always?

    The other column would be a corner of the image: nearly always the same, or of many values.
    """
    counts = Counter(map(float, column))
    span = max(counts) - min(counts)
    return (
        1 < len(counts) <= max(2, len(column) / 2)
        and all(value.is_integer() for value in counts)
        and span < 2 * len(counts)
        and max(counts.values()) <= 0.6 * len(column)
    )


def _is_interleaved(rows: Sequence[Sequence[str]], side: int) -> bool:
    """Do r, g and b of a pixel follow each other? Where they do, equal colours are three apart."""
    try:
        pixels = np.array(rows, np.float32)
    except ValueError:  # the reader says which one is no number
        return False
    planes = pixels.reshape(-1, 3, side, side)
    turns = pixels.reshape(-1, side, side, 3)
    apart = [np.abs(np.diff(planes, axis=axis)).sum() for axis in (2, 3)]
    three = [np.abs(np.diff(turns, axis=axis)).sum() for axis in (1, 2)]
    return bool(sum(three) < sum(apart))
