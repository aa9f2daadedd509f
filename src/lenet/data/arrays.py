"""Images in an ``.npz`` file of NumPy, read piece by piece: never more than what they become.

``x`` and ``y`` (or ``images`` and ``labels``), or a pair for each split as in Keras' ``mnist.npz``:
``x_train``, ``y_train``, ``x_test``, ``y_test``. Nothing is ever unpickled.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from lenet.data.collection import Collection, gather
from lenet.data.folders import class_name
from lenet.data.options import LoadOptions, channels_first, reaches_one, to_bytes
from lenet.data.preprocess import Images
from lenet.data.split import SPLIT_WORDS, TRAIN
from lenet.errors import DataError
from lenet.net.shapes import pair_text
from lenet.net.words import shown

_IMAGES: Final = ("x", "images", "data")
_LABELS: Final = ("y", "labels", "target")
_ALLOWED: Final = (
    "give x and y, or x_train, y_train, x_test and y_test (images and labels will do, too)"
)
_PIECE: Final = 1 << 22  # bytes
_MAX_LABEL: Final = 1000  # bytes


@dataclass(frozen=True)
class _Array:
    """One array of the file, as its header says it is."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class _Pair:
    """The images of a split and their labels."""

    split: int
    images: _Array
    labels: _Array
    channels_last: bool

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the images."""
        shape = self.images.shape
        height, width = shape[1:3] if len(shape) == 3 or self.channels_last else shape[2:]
        return height, width


def read(path: str, file: IO[bytes], options: LoadOptions) -> Collection:
    """Read the images, their labels, and which split they are in.

    Raises:
        DataError: the file is damaged, or its arrays are not images with labels.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            return _Reader(path, archive).read(options)
    except DataError:
        raise
    except Exception as error:  # a damaged file may make its readers raise anything
        what = f"{path} is not an intact .npz of numbers"
        raise DataError(f"{what}; save it with numpy.savez") from error


class _Reader:
    def __init__(self, path: str, archive: zipfile.ZipFile) -> None:
        self.path, self.archive = path, archive

    def read(self, options: LoadOptions) -> Collection:
        pairs = self._pairs()
        own, *others = sorted({pair.size for pair in pairs})
        if others:
            sizes = " and ".join(map(pair_text, (own, *others)))
            raise self._error(f"has images of {sizes}", "give all one size")
        counts = [pair.images.shape[0] for pair in pairs]
        return gather(self._batches(pairs), sum(counts), own, options, "image {:,}".format)

    def _batches(self, pairs: list[_Pair]) -> Iterator[tuple[int, list[str], Images]]:
        for pair in pairs:
            names = self._label_names(pair.labels)
            for images in self._images(pair):
                yield pair.split, list(islice(names, len(images))), images

    def _error(self, what: str, advice: str) -> DataError:
        return DataError(f"{self.path} {what}; {advice}")

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
                raise self._error(f"has {shown(alone.name)} but no {other} for it", _ALLOWED)
        kinds = {pair.split for pair in pairs.values()}
        if not pairs or len(kinds) < len(pairs) or ("" in pairs and len(pairs) > 1):
            some = ", ".join(shown(array.name) for array in list(arrays.values())[:8])
            raise self._error(f"holds the arrays {some or 'none'}", _ALLOWED)
        return list(pairs.values())

    def _only(self, arrays: dict[str, _Array], words: tuple[str, ...], split: str) -> _Array | None:
        """Return the array that one of these words names for a split, if there is one."""
        names = [f"{w}_{split}" for w in words] + [f"{split}_{w}" for w in words]
        known = [arrays[name] for name in (names if split else words) if name in arrays]
        if len(known) > 1:
            both = " and ".join(shown(array.name) for array in known[:2])
            raise self._error(f"has both {both}", "keep one of them")
        return known[0] if known else None

    def _pair(self, split: int, images: _Array, labels: _Array) -> _Pair:
        image_text = f"{shown(images.name)} of shape {images.shape}"
        if images.dtype.kind not in "uifb":
            raise self._error(
                f"has {shown(images.name)} of type {images.dtype}",
                "give whole numbers 0..255 or floats 0..1",
            )
        if len(labels.shape) == 2 and labels.shape[1] == 1:
            labels = replace(labels, shape=labels.shape[:1])
        label_text = f"{shown(labels.name)} of type {labels.dtype} and shape {labels.shape}"
        if len(labels.shape) != 1 or labels.dtype.kind not in "uifbU":
            advice = "give one whole number or text for each image, (N,)"
            raise self._error(f"has {label_text}", advice)
        if labels.dtype.itemsize > _MAX_LABEL:
            raise self._error(f"has {label_text}", "give shorter ones")
        if images.shape[:1] != labels.shape or not math.prod(images.shape):
            advice = "give as many labels as images, at least one"
            raise self._error(f"has {image_text} and {label_text}", advice)
        first, last = (len(images.shape) == 4 and images.shape[axis] in (1, 3) for axis in (1, 3))
        if first and last:
            raise self._error(
                f"has {image_text}, where channels may come first or last",
                "give (N, H, W) for grey images, or another size",
            )
        if len(images.shape) != 3 and not (first or last):
            advice = "give (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels"
            raise self._error(f"has {image_text}", advice)
        return _Pair(split, images, labels, last)

    def _header(self, name: str) -> _Array:
        with self.archive.open(f"{name}.npy") as stream:
            shape, fortran, dtype = _read_header(stream)
        if fortran and len(shape) > 1:
            raise self._error(
                f"has {shown(name)} in Fortran order", "save it after numpy.ascontiguousarray"
            )
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
            unit = reaches_one(ends[:, 0].min(), ends[:, 1].max(), what)
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
                what = f"has {shown(array.name)} that are no whole numbers"
                raise self._error(what, "give one class for each image")
            yield from (names[index] for index in inverse)


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
