"""Images in an ``.npz`` file of NumPy, read piece by piece: never more than what they become.

``x`` and ``y`` (or ``images`` and ``labels``), or a pair for each part as in Keras' ``mnist.npz``:
``x_train``, ``y_train``, ``x_test``, ``y_test``. Nothing is ever unpickled.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from lenet.data.collection import Collection
from lenet.data.listing import TEST, TRAIN, UNDECIDED, VALIDATION
from lenet.data.names import class_name, in_order
from lenet.data.preprocess import Images
from lenet.data.scale import Range, to_bytes
from lenet.data.split import digests_of
from lenet.data.stack import Stack, shaped
from lenet.data.wishes import Wishes, bounded, resized_note
from lenet.errors import DataError
from lenet.net.words import shown

_IMAGES: Final = ("x", "images", "data")
_LABELS: Final = ("y", "labels", "target")
_PARTS: Final = {
    "": UNDECIDED,
    "train": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
}
_ALLOWED: Final = (
    "give x and y, or x_train, y_train, x_test and y_test (images and labels will do, too)"
)
_PIECE: Final = 1 << 22  # bytes
_MAX_LABEL: Final = 1000  # bytes


class _Array(NamedTuple):
    """One array of the file, as its header says it is."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class _Pair(NamedTuple):
    part: int
    images: _Array
    labels: _Array
    last: bool  # channels come last


def read(path: str, file: IO[bytes], wishes: Wishes) -> Collection:
    """Read the images, their labels, and which part they are.

    Raises:
        DataError: the file is damaged, or its arrays are not images with labels.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            return _Reader(path, archive).read(wishes)
    except DataError:
        raise
    except Exception as error:  # a damaged file may make its readers raise anything
        raise DataError(
            f"{path} is not an intact .npz file of numbers; save it anew with numpy.savez"
        ) from error


class _Reader:
    def __init__(self, path: str, archive: zipfile.ZipFile) -> None:
        self.path, self.archive = path, archive

    def read(self, wishes: Wishes) -> Collection:
        pairs = self._pairs()
        counts = [pair.images.shape[0] for pair in pairs]
        sizes = {_size(pair) for pair in pairs}
        if len(sizes) > 1:
            raise self._error(
                f"has images of {' and '.join(f'{h}x{w}' for h, w in sorted(sizes))}",
                "give all one size",
            )
        (own,) = sizes
        size = wishes.size or bounded(own)
        stack = Stack(sum(counts), size, wishes.channels)
        digests, start = [], 0
        for pair in pairs:
            for images in self._images(pair):
                digests.append(digests_of(images))
                stack.put(start, shaped(images, size, wishes.channels))
                start += len(images)
        classes, labels = self._labels(pairs)
        parts = np.repeat([pair.part for pair in pairs], counts).astype(np.int64)
        if TEST not in parts:
            parts[parts == TRAIN] = UNDECIDED
        notes = [] if own == size else [resized_note(own, size)] * (wishes.size is None)
        return Collection.of(
            stack.take(),
            labels,
            parts,
            classes,
            digests=np.concatenate(digests),
            name=lambda index: f"image {index:,}",
            notes=notes,
        )

    def _error(self, what: str, advice: str) -> DataError:
        return DataError(f"{self.path} {what}; {advice}")

    def _pairs(self) -> list[_Pair]:
        """The arrays that belong together, part by part."""
        arrays = {name.casefold(): self._header(name) for name in self._names()}
        pairs = []
        for word, part in _PARTS.items():
            images = self._one_of(arrays, _IMAGES, word)
            labels = self._one_of(arrays, _LABELS, word)
            if images and labels:
                pairs.append(self._pair(part, images, labels))
            elif images or labels:
                lonely = (images or labels or _Array("", (), np.dtype(int))).name
                other = "labels" if images else "images"
                raise self._error(f"has the array {shown(lonely)} but no {other} for it", _ALLOWED)
        parts = [pair.part for pair in pairs]
        if not pairs or (UNDECIDED in parts and len(parts) > 1) or len(set(parts)) < len(parts):
            names = ", ".join(shown(array.name) for array in list(arrays.values())[:8])
            raise self._error(f"holds the arrays {names or 'none'}", _ALLOWED)
        return pairs

    def _names(self) -> list[str]:
        return [n.removesuffix(".npy") for n in self.archive.namelist() if n.endswith(".npy")]

    def _one_of(
        self, arrays: Mapping[str, _Array], words: tuple[str, ...], part: str
    ) -> _Array | None:
        spellings = [
            name
            for word in words
            for name in ((f"{word}_{part}", f"{part}_{word}"), (word,))[not part]
        ]
        found = [arrays[name] for name in spellings if name in arrays]
        if len(found) > 1:
            raise self._error(
                f"has both {shown(found[0].name)} and {shown(found[1].name)}", "keep one of them"
            )
        return found[0] if found else None

    def _pair(self, part: int, images: _Array, labels: _Array) -> _Pair:
        shape, name = images.shape, shown(images.name)
        if images.dtype.kind not in "uifb":
            raise self._error(
                f"has {name} of type {images.dtype}", "give whole numbers 0..255 or floats 0..1"
            )
        if len(labels.shape) == 2 and labels.shape[1] == 1:
            labels = labels._replace(shape=labels.shape[:1])
        if len(labels.shape) != 1 or labels.dtype.kind not in "uifbU":
            raise self._error(
                f"has {shown(labels.name)} of type {labels.dtype} and shape {labels.shape}",
                "give one whole number or text for each image, (N,)",
            )
        if not shape or shape[0] != labels.shape[0] or not math.prod(shape):
            raise self._error(
                f"has {name} of shape {shape} and {shown(labels.name)} of shape {labels.shape}",
                "give as many labels as images, at least one",
            )
        return _Pair(part, images, labels, self._channels_last(images))

    def _channels_last(self, images: _Array) -> bool:
        shape = images.shape
        first = len(shape) == 4 and shape[1] in (1, 3)
        last = len(shape) == 4 and shape[3] in (1, 3)
        if first and last:
            raise self._error(
                f"has {shown(images.name)} of shape {shape}, where channels may come first or last",
                "give (N, H, W) for grey images, or another size",
            )
        if len(shape) != 3 and not (first or last):
            raise self._error(
                f"has {shown(images.name)} of shape {shape}",
                "give (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels",
            )
        return last

    def _header(self, name: str) -> _Array:
        with self.archive.open(f"{name}.npy") as stream:
            shape, fortran, dtype = _read_header(stream)
        if fortran and len(shape) > 1:
            raise self._error(
                f"has {shown(name)} in Fortran order", "save it after numpy.ascontiguousarray"
            )
        return _Array(name, shape, dtype)

    def _pieces(self, array: _Array) -> Iterator[npt.NDArray[Any]]:
        """The array, some rows at a time."""
        row = array.dtype.itemsize * math.prod(array.shape[1:])
        step = max(1, _PIECE // max(1, row))
        with self.archive.open(f"{array.name}.npy") as stream:
            _read_header(stream)
            for start in range(0, array.shape[0], step):
                count = min(step, array.shape[0] - start)
                content = stream.read(count * row)
                yield np.frombuffer(content, array.dtype).reshape(count, *array.shape[1:])

    def _images(self, pair: _Pair) -> Iterator[Images]:
        """Pieces of (n, C, H, W) uint8."""
        values = Range()
        if pair.images.dtype != np.uint8:
            for piece in self._pieces(pair.images):
                values.see(piece)
        values.require_pixels(f"{self.path} has {shown(pair.images.name)} with")
        for piece in self._pieces(pair.images):
            if piece.ndim == 3:
                piece = piece[:, np.newaxis]
            elif pair.last:
                piece = piece.transpose(0, 3, 1, 2)
            yield np.ascontiguousarray(to_bytes(piece, values.is_unit))

    def _labels(self, pairs: list[_Pair]) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
        found: dict[str, int] = {}  # in the order in which they come
        pieces = []
        for pair in pairs:
            if pair.labels.dtype.itemsize > _MAX_LABEL:
                raise self._error(f"has labels of {pair.labels.dtype}", "give shorter ones")
            for piece in self._pieces(pair.labels):
                values, inverse = np.unique(piece, return_inverse=True)
                names = self._class_names(values, pair.labels.name)
                numbers = np.array([found.setdefault(name, len(found)) for name in names])
                pieces.append(numbers[inverse])
        classes = in_order(found)
        place = {name: index for index, name in enumerate(classes)}
        return classes, np.array([place[name] for name in found])[np.concatenate(pieces)]

    def _class_names(self, labels: npt.NDArray[Any], array: str) -> list[str]:
        if labels.dtype.kind == "U":
            return [class_name(text, self.path) for text in labels.tolist()]
        if labels.dtype.kind == "f" and not (np.rint(labels) == labels).all():
            raise self._error(
                f"has {shown(array)} that are no whole numbers", "give one class for each image"
            )
        return [str(int(value)) for value in labels.tolist()]


def _size(pair: _Pair) -> tuple[int, int]:
    shape = pair.images.shape
    height, width = shape[1:3] if len(shape) == 3 or pair.last else shape[2:]
    return height, width


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    shape, fortran, dtype = read(stream)
    if dtype.hasobject or min(shape, default=1) < 0:
        raise ValueError("no array of numbers")
    return shape, fortran, dtype
