"""Tables as text: one that lists picture files, or one that holds the pixels themselves.

A table of files is ``path,label`` or ``path,label,split``, with a line of titles or without; with
one, columns may stand in any order and others beside them. Paths start from the table's folder.
A table of pixels has one row per image, a label and the values of a square, as Kaggle gives MNIST.
Its rows are read a thousand at a time: never more than what the images become is held.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.data.collection import Collection, LoadOptions, gather
from lenet.data.dataset import SPLIT_WORDS, TRAIN
from lenet.data.folders import Entry, Listing, class_name, look_at
from lenet.data.preprocess import Images, reaches_one, to_bytes
from lenet.errors import DataError
from lenet.net.words import shown

_PATH_TITLES: Final = ("path", "file", "filename", "file_name", "image", "image_path", "picture")
_LABEL_TITLES: Final = ("label", "class", "class_name", "target", "category", "y")
_SPLIT_TITLES: Final = ("split", "part", "set", "subset")
_DELIMITERS: Final = ",;\t"
_START: Final = 1 << 20  # bytes to see what a table is: a row of 200x200 RGB fits
_FEWEST: Final = 5  # columns of a table of pixels: a label and 2x2 pixels
_ROWS: Final = 1000  # at a time
_ADVICE: Final = "give a label and the pixels of a square image, grey or RGB, in each row"
_ALLOWED: Final = "give path,label[,split], or a label and the pixels of a square image in each row"


@dataclass(frozen=True)
class Start:
    """What a table begins with."""

    delimiter: str  # comma, semicolon or tab
    rows: list[list[str]]  # as texts without spaces around them
    has_pixels: bool  # or do they list files?


def is_number(text: str) -> bool:
    """Is it a number as tables have them?"""
    try:
        float(text)
    except ValueError:
        return False
    return True


def look_at_start(path: str, file: io.BufferedReader) -> Start:
    """Find out what kind of table a file is; it stands at its beginning before and after."""
    content = file.read(_START)
    file.seek(0)
    lines = content if len(content) < _START else content[: content.rfind(b"\n") + 1]
    try:
        text = lines.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
    if not text.strip() or "\0" in text:
        raise DataError(f"{path} is no table in UTF-8 and no .npz file; {_ALLOWED}")
    first = text.lstrip().partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    rows = [row for _, row in islice(_rows(path, io.StringIO(text), delimiter), 1000)]
    row = rows[:2][-1]  # the first may be titles
    numbers = sum(map(is_number, row))
    return Start(delimiter, rows, len(row) >= _FEWEST and numbers >= len(row) - 1)


def _rows(path: str, lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, each with its line's number."""
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        for row in reader:
            if any(fields := [field.strip() for field in row]):
                yield reader.line_num, fields
    except csv.Error as error:
        what = f"line {reader.line_num:,}, is no row of a table: {error}"
        raise DataError(f"{path}, {what}") from error


def _lines(path: str, file: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(file, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            what = f"line {number:,}, is no text in UTF-8; save it as UTF-8"
            raise DataError(f"{path}, {what}") from error


def list_files(path: str, file: io.BufferedReader, start: Start) -> Listing:
    """List the files that a table names, whose paths start from its folder."""
    root = os.path.dirname(os.path.realpath(path))
    listing = Listing.of(root, _entries(path, root, file, start))
    if not listing.entries:
        raise DataError(f"{path} lists no pictures; {_ALLOWED}")
    return listing


def _entries(path: str, root: str, file: io.BufferedReader, start: Start) -> Iterator[Entry]:
    path_at, label_at, split_at, titles = _columns(path, start.rows[0])
    rows = _rows(path, _lines(path, file), start.delimiter)
    kinds = set()
    for number, row in islice(rows, titles, None):
        where = f"{path}, line {number:,},"
        if len(row) <= max(path_at, label_at):
            raise DataError(f"{where} has {len(row)} columns; {_ALLOWED}")
        split = ""
        if split_at is not None and len(row) > split_at:
            split = row[split_at].casefold()
            if split and split not in SPLIT_WORDS:
                raise DataError(f"{where} has the split {shown(split)}, not train, val or test")
        kinds.add(bool(split))
        if len(kinds) > 1:
            raise DataError(f"{path} names the split of some pictures only; name it for all")
        name, label = _relative(row[path_at], where), class_name(row[label_at], where)
        yield look_at(root, name, label, SPLIT_WORDS.get(split, TRAIN))


def _columns(path: str, first: Sequence[str]) -> tuple[int, int, int | None, int]:
    """Return which columns are path, label and split, and how many lines of titles there are."""
    titles = [title.casefold().replace(" ", "_") for title in first]
    path_at, label_at, split_at = (
        next((titles.index(word) for word in words if word in titles), None)
        for words in (_PATH_TITLES, _LABEL_TITLES, _SPLIT_TITLES)
    )
    if path_at is not None and label_at is not None:
        return path_at, label_at, split_at, 1
    if len(first) in (2, 3):
        return 0, 1, 2, 0
    what = f"{len(first)} columns, and no titles that say which are path and label"
    raise DataError(f"{path} has {what}; {_ALLOWED}")


def _relative(text: str, where: str) -> str:
    """Return a path from the table's folder, with slashes."""
    name = text.replace("\\", "/") if os.sep == "\\" else text
    steps = [step for step in name.split("/") if step not in ("", ".")]
    if os.path.isabs(text) or os.path.splitdrive(text)[0] or ".." in steps or not steps:
        advice = "put the table above the pictures"
        raise DataError(f"{where} has the path {shown(text)}, which leads elsewhere; {advice}")
    return "/".join(steps)


@dataclass(frozen=True)
class _Layout:
    """Where things stand in a row of pixels."""

    delimiter: str
    columns: int
    label_last: bool
    titles: int  # lines of them
    channels: int
    side: int
    interleaved: bool  # r, g, b of each pixel in turn


def read_pixels(
    path: str, file: io.BufferedReader, start: Start, options: LoadOptions
) -> Collection:
    """Read the images of a table of pixels, and their labels."""
    layout = _layout(path, start)
    count = sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b"")) + 1
    unit: bool | None = None
    while True:
        file.seek(0)
        table = _PixelTable(path, file, layout, unit)
        own = (layout.side, layout.side)
        collection = gather(table.batches(), count, own, options, lambda i: f"row {i + 1:,}")
        if table.unit == table.is_unit:
            return collection
        unit = table.is_unit  # the first rows were all dark, and misled


class _PixelTable:
    """One reading of a table; ``unit``: its values reach to 1; None: as the first rows say."""

    def __init__(
        self, path: str, file: io.BufferedReader, layout: _Layout, unit: bool | None
    ) -> None:
        self.path, self.file, self.layout, self.unit = path, file, layout, unit
        self.is_unit, self.least, self.greatest = False, 0.0, 0.0

    def batches(self) -> Iterator[tuple[int, list[str], Images]]:
        """Yield the split, labels and (n, C, H, W) uint8 of some rows at a time."""
        known: dict[str, str] = {}  # a class's name is checked once, not in every row
        lines = enumerate(_lines(self.path, self.file), 1)
        filled = islice((line for line in lines if line[1].strip()), self.layout.titles, None)
        while rows := list(islice(filled, _ROWS)):
            names, values = zip(*(self._divided(*row) for row in rows), strict=True)
            pixels = self._numbers(values, rows[0][0])
            self.least = np.minimum(self.least, pixels.min())
            self.greatest = np.maximum(self.greatest, pixels.max())
            self.is_unit = reaches_one(self.least, self.greatest, f"{self.path} has")
            self.unit = self.is_unit if self.unit is None else self.unit
            labels = [known.get(n) or known.setdefault(n, class_name(n, self.path)) for n in names]
            yield TRAIN, labels, to_bytes(self._as_images(pixels), self.unit)

    def _divided(self, number: int, line: str) -> tuple[str, str]:
        """Return the label and the rest of a line."""
        layout = self.layout
        if (columns := line.count(layout.delimiter) + 1) != layout.columns:
            what = f"{columns:,} columns where the first has {layout.columns:,}"
            raise DataError(f"{self.path}, line {number:,}, has {what}; {_ADVICE}")
        if layout.label_last:
            rest, _, label = line.rpartition(layout.delimiter)
        else:
            label, _, rest = line.partition(layout.delimiter)
        return label.strip().strip('"'), rest

    def _numbers(self, lines: Sequence[str], first: int) -> npt.NDArray[np.float32]:
        delimiter = self.layout.delimiter
        try:
            return np.loadtxt(
                lines, np.float32, comments=None, delimiter=delimiter, quotechar='"', ndmin=2
            )
        except ValueError as error:
            values = ((n, text) for n, line in enumerate(lines) for text in line.split(delimiter))
            strange = ((n, t.strip()) for n, t in values if not is_number(t.strip().strip('"')))
            offset, text = next(strange, (0, lines[0]))
            what = f"{text[:40]!r} for a pixel near line {first + offset:,}"
            raise DataError(f"{self.path} has {what}; {_ADVICE}") from error

    def _as_images(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        side, channels = self.layout.side, self.layout.channels
        if self.layout.interleaved:
            turns = pixels.reshape(-1, side, side, channels)
            return np.ascontiguousarray(turns.transpose(0, 3, 1, 2))
        return pixels.reshape(-1, channels, side, side)


def _layout(path: str, start: Start) -> _Layout:
    first = start.rows[0]
    titles = int(sum(not is_number(text) for text in first) > 1)
    rows = [row for row in start.rows[titles:] if len(row) == len(first)]
    if len(start.rows) == titles:
        raise DataError(f"{path} has titles but no rows; {_ADVICE}")
    channels, side = _square(path, len(first) - 1)
    last = _label_is_last(path, [title.casefold() for title in first] if titles else [], rows)
    pixels = [row[:-1] if last else row[1:] for row in rows]
    interleaved = channels == 3 and _is_interleaved(pixels, side)
    return _Layout(start.delimiter, len(first), last, titles, channels, side, interleaved)


def _square(path: str, pixels: int) -> tuple[int, int]:
    """Return channels and side of the images."""
    for channels in (1, 3):
        side = math.isqrt(pixels // channels)
        if channels * side * side == pixels:
            return channels, side
    side, why = math.isqrt(pixels + 1), f"and {pixels:,} pixels are no square image"
    if side * side == pixels + 1:
        why = f"which would be {side}x{side} pixels without a label"
    raise DataError(f"{path} has {pixels + 1:,} columns, {why}; {_ADVICE}")


def _label_is_last(path: str, titles: list[str], rows: Sequence[Sequence[str]]) -> bool:
    """Is the label the last column? Otherwise it is the first."""
    titled = [title in _LABEL_TITLES for title in (titles[:1] + titles[-1:])] or [False, False]
    if titled[0] != titled[1]:
        return titled[1]
    columns = [[row[place] for row in rows] for place in (0, -1)]
    texts = [not all(map(is_number, column)) for column in columns]
    if any(texts):
        return not texts[0]
    likely = [_looks_like_labels(column) for column in columns]
    if likely[0] != likely[1]:
        return likely[1]
    advice = "put a line of titles above: label,pixel0,pixel1,..."
    raise DataError(f"{path} may have its first or its last column for the label; {advice}")


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
