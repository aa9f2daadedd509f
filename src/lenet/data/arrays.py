"""Images as numbers, in an ``.npz`` of NumPy or a table, read piece by piece.

Never more than what they become is held, and nothing is ever unpickled. An ``.npz`` has ``x`` and
``y`` (or ``images`` and ``labels``), or a pair for each split as in Keras' ``mnist.npz``:
``x_train``, ``y_train``, ``x_test``, ``y_test``. A table of pixels has one row per image, a label
and the values of a square, as Kaggle gives MNIST.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from lenet.data.collection import Collection, LoadOptions, gather
from lenet.data.dataset import SPLIT_WORDS, TRAIN
from lenet.data.folders import LABEL_TITLES, Start, class_name, decoded_lines, is_number
from lenet.data.preprocess import Images, channels_first, reaches_one, to_bytes
from lenet.errors import DataError
from lenet.net.shapes import pair_text
from lenet.net.words import shown

_IMAGES: Final = ("x", "images", "data")
_LABELS: Final = ("y", "labels", "target")
_ALLOWED: Final = "give x and y (or images and labels), or x_train, y_train, x_test and y_test"
_PIECE: Final = 1 << 22  # bytes
_MAX_LABEL: Final = 1000  # bytes
_ROWS: Final = 1000  # at a time
_ROW_ADVICE: Final = "give a label and the pixels of a square image, grey or RGB, in each row"


@dataclass(frozen=True)
class _Array:  # as its header says it is
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class _Pair:
    split: int
    images: _Array
    labels: _Array
    channels_last: bool

    @property
    def size(self) -> tuple[int, int]:
        shape = self.images.shape
        height, width = shape[1:3] if len(shape) == 3 or self.channels_last else shape[2:]
        return height, width


def read(path: str, file: IO[bytes], options: LoadOptions) -> Collection:
    """Read the images of an ``.npz`` file, their labels, and which split they are in."""
    try:
        with zipfile.ZipFile(file) as archive:
            return _Reader(path, archive).read(options)
    except DataError:
        raise
    except Exception as error:  # a damaged file may make its readers raise anything
        advice = "save it with numpy.savez"
        raise DataError(f"{path} is not an intact .npz of numbers; {advice}") from error


class _Reader:
    def __init__(self, path: str, archive: zipfile.ZipFile) -> None:
        self.path, self.archive = path, archive

    def read(self, options: LoadOptions) -> Collection:
        pairs = self._pairs()
        own, *others = sorted({pair.size for pair in pairs})
        if others:
            sizes = " and ".join(map(pair_text, (own, *others)))
            raise self._error(f"images of {sizes}", "give all one size")
        count = sum(pair.images.shape[0] for pair in pairs)
        return gather(self._batches(pairs), count, own, options, "image {:,}".format)

    def _batches(self, pairs: list[_Pair]) -> Iterator[tuple[int, list[str], Images]]:
        for pair in pairs:
            names = self._label_names(pair.labels)
            for images in self._images(pair):
                yield pair.split, list(islice(names, len(images))), images

    def _error(self, what: str, advice: str) -> DataError:
        return DataError(f"{self.path} has {what}; {advice}")

    def _pairs(self) -> list[_Pair]:
        """Return the arrays that belong together, split by split."""
        names = [n.removesuffix(".npy") for n in self.archive.namelist() if n.endswith(".npy")]
        arrays = {name.casefold(): self._header(name) for name in names}
        pairs: dict[str, _Pair] = {}
        for word, split in {"": TRAIN, **SPLIT_WORDS}.items():
            images = self._only(arrays, _IMAGES, word)
            labels = self._only(arrays, _LABELS, word)
            if images and labels:
                pairs[word] = self._pair(split, images, labels)
            elif alone := images or labels:
                other = "labels" if images else "images"
                raise self._error(f"{shown(alone.name)} but no {other} for it", _ALLOWED)
        kinds = {pair.split for pair in pairs.values()}
        if not pairs or len(kinds) < len(pairs) or ("" in pairs and len(pairs) > 1):
            some = ", ".join(shown(array.name) for array in list(arrays.values())[:8])
            raise self._error(f"the arrays {some or 'none'}", _ALLOWED)
        return list(pairs.values())

    def _only(self, arrays: dict[str, _Array], words: tuple[str, ...], split: str) -> _Array | None:
        """Return the array that one of these words names for a split, if there is one."""
        names = [f"{w}_{split}" for w in words] + [f"{split}_{w}" for w in words]
        known = [arrays[name] for name in (names if split else words) if name in arrays]
        if len(known) > 1:
            both = " and ".join(shown(array.name) for array in known[:2])
            raise self._error(f"both {both}", "keep one of them")
        return known[0] if known else None

    def _pair(self, split: int, images: _Array, labels: _Array) -> _Pair:
        if len(labels.shape) == 2 and labels.shape[1] == 1:
            labels = replace(labels, shape=labels.shape[:1])
        what = f"{shown(images.name)} of shape {images.shape}"
        label_text = f"{shown(labels.name)} of type {labels.dtype} and shape {labels.shape}"
        first, last = (len(images.shape) == 4 and images.shape[axis] in (1, 3) for axis in (1, 3))
        if images.dtype.kind not in "uifb":
            what = f"{shown(images.name)} of type {images.dtype}"
            advice = "give whole numbers 0..255 or floats 0..1"
        elif len(labels.shape) != 1 or labels.dtype.kind not in "uifbU":
            what, advice = label_text, "give one whole number or text for each image, (N,)"
        elif labels.dtype.itemsize > _MAX_LABEL:
            what, advice = label_text, "give shorter ones"
        elif images.shape[:1] != labels.shape or not math.prod(images.shape):
            what += f" and {label_text}"
            advice = "give as many labels as images, at least one"
        elif first and last:
            what += ", where channels may come first or last"
            advice = "give (N, H, W) for grey images, or another size"
        elif len(images.shape) != 3 and not (first or last):
            advice = "give (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels"
        else:
            return _Pair(split, images, labels, last)
        raise self._error(what, advice)

    def _header(self, name: str) -> _Array:
        with self.archive.open(f"{name}.npy") as stream:
            shape, fortran, dtype = _read_header(stream)
        if fortran and len(shape) > 1:
            advice = "save it after numpy.ascontiguousarray"
            raise self._error(f"{shown(name)} in Fortran order", advice)
        return _Array(name, shape, dtype)

    def _pieces(self, array: _Array) -> Iterator[npt.NDArray[Any]]:
        """Yield the array, some rows at a time."""
        row = array.dtype.itemsize * math.prod(array.shape[1:])
        step = max(1, _PIECE // max(1, row))
        with self.archive.open(f"{array.name}.npy") as stream:
            _read_header(stream)
            for start in range(0, array.shape[0], step):
                count = min(step, array.shape[0] - start)
                content = stream.read(count * row)
                yield np.frombuffer(content, array.dtype).reshape(count, *array.shape[1:])

    def _images(self, pair: _Pair) -> Iterator[Images]:
        """Yield pieces of (n, C, H, W) uint8."""
        unit = False
        if pair.images.dtype != np.uint8:
            ends = np.array([(piece.min(), piece.max()) for piece in self._pieces(pair.images)])
            what = f"{self.path} has {shown(pair.images.name)} with"
            is_float = pair.images.dtype.kind == "f"
            unit = reaches_one(ends[:, 0].min(), ends[:, 1].max(), what, is_float)
        for piece in self._pieces(pair.images):
            images = channels_first(piece, pair.channels_last)
            yield np.ascontiguousarray(to_bytes(images, unit))

    def _label_names(self, array: _Array) -> Iterator[str]:
        for labels in self._pieces(array):
            kinds, inverse = np.unique(labels, return_inverse=True)
            if kinds.dtype.kind == "U":
                names = [class_name(text, self.path) for text in kinds.tolist()]
            elif (np.rint(kinds) == kinds).all():
                names = [str(int(kind)) for kind in kinds.tolist()]
            else:
                what = f"{shown(array.name)} that are no whole numbers"
                raise self._error(what, "give one class for each image")
            yield from (names[index] for index in inverse)


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    form = np.lib.format
    readers = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}
    shape, fortran, dtype = readers[form.read_magic(stream)](stream)
    if dtype.hasobject or min(shape, default=1) < 0:
        raise ValueError("no array of numbers")
    return shape, fortran, dtype


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
        reaches_one(table.least, table.greatest, f"{path} has", table.is_float)
        if table.unit == table.is_unit:
            return collection
        unit = table.is_unit  # the first rows were all dark, and misled


class _PixelTable:
    """One reading of a table; ``unit``: its values reach to 1; None: as the first rows say."""

    def __init__(
        self, path: str, file: io.BufferedReader, layout: _Layout, unit: bool | None
    ) -> None:
        self.path, self.file, self.layout, self.unit = path, file, layout, unit
        self.is_unit, self.is_float, self.least, self.greatest = False, False, 0.0, 0.0

    def batches(self) -> Iterator[tuple[int, list[str], Images]]:
        """Yield the split, labels and (n, C, H, W) uint8 of some rows at a time."""
        known: dict[str, str] = {}  # a class's name is checked once, not in every row
        lines = enumerate(decoded_lines(self.path, self.file), 1)
        filled = islice((line for line in lines if line[1].strip()), self.layout.titles, None)
        while rows := list(islice(filled, _ROWS)):
            names, values = zip(*(self._divided(*row) for row in rows), strict=True)
            pixels = self._numbers(values, rows[0][0])
            self.least = np.minimum(self.least, pixels.min())
            self.greatest = np.maximum(self.greatest, pixels.max())
            self.is_float |= bool((pixels != np.rint(pixels)).any())
            self.is_unit = reaches_one(self.least, self.greatest, f"{self.path} has")
            self.unit = self.is_unit if self.unit is None else self.unit
            labels = [known.get(n) or known.setdefault(n, class_name(n, self.path)) for n in names]
            yield TRAIN, labels, to_bytes(self._as_images(pixels), self.unit)

    def _divided(self, number: int, line: str) -> tuple[str, str]:
        """Return the label and the rest of a line."""
        layout = self.layout
        if (columns := line.count(layout.delimiter) + 1) != layout.columns:
            what = f"{columns:,} columns where the first has {layout.columns:,}"
            raise DataError(f"{self.path}, line {number:,}, has {what}; {_ROW_ADVICE}")
        if layout.label_last:
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
    raise DataError(f"{path} has {pixels + 1:,} columns, {why}; {_ROW_ADVICE}")


def _label_is_last(path: str, titles: list[str], rows: Sequence[Sequence[str]]) -> bool:
    """Is the label the last column? Otherwise it is the first."""
    titled = [title in LABEL_TITLES for title in (titles[:1] + titles[-1:])] or [False, False]
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
