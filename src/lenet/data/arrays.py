"""Images as numbers, in arrays of NumPy's that are read piece by piece.

Never more than what they become is held, and nothing is ever unpickled. An ``.npz`` has ``x`` and
``y`` (or ``images`` and ``labels``), or a pair for each split as in Keras' ``mnist.npz``:
``x_train``, ``y_train``, ``x_test``, ``y_test``.
"""

from __future__ import annotations

import math
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, repeat
from types import MappingProxyType
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from lenet.data.collection import Collection, LoadOptions, gather
from lenet.data.dataset import SPLIT_WORDS, TRAIN
from lenet.data.folders import class_name
from lenet.data.preprocess import Images, channels_first, reaches_one, to_bytes
from lenet.errors import DataError
from lenet.net.shapes import pair_text
from lenet.net.words import shown

NPY_MAGIC: Final = b"\x93NUMPY"
NPZ_MAGIC: Final = b"PK"
IMAGES: Final = ("x", "images", "data")
LABELS: Final = ("y", "labels", "target")
ALLOWED: Final = "give x and y (or images and labels), or x_train, y_train, x_test and y_test"
_PIECE: Final = 1 << 22  # bytes
_MAX_LABEL: Final = 1000  # bytes
_LARGEST_LABEL: Final = 2**53  # up to here floats count one by one

Pieces = Callable[[int], Iterator[npt.NDArray[Any]]]


@dataclass(frozen=True)
class Array:
    """An array as its header says it is, and what reads it, so many rows at a time."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    rows: Pieces

    @classmethod
    def of(cls, name: str, values: npt.NDArray[Any]) -> Array:
        """Return an array whose values are at hand."""

        def rows(step: int) -> Iterator[npt.NDArray[Any]]:
            return (values[start : start + step] for start in range(0, len(values), step))

        return cls(name, values.shape, values.dtype, rows)

    def pieces(self) -> Iterator[npt.NDArray[Any]]:
        """Yield the array, a few megabytes at a time."""
        row = self.dtype.itemsize * math.prod(self.shape[1:])
        return self.rows(max(1, _PIECE // max(1, row)))

    def is_unit(self, what: str) -> bool:
        """Do its pixels reach from 0 to 1 instead of 255? ``what`` begins the error for others."""
        if self.dtype == np.uint8:
            return False
        with np.errstate(all="ignore"):  # what is no number is refused by what follows
            ends = np.array([(piece.min(), piece.max()) for piece in self.pieces()], np.float64)
        return reaches_one(ends[:, 0].min(), ends[:, 1].max(), what, self.dtype.kind == "f")


@dataclass(frozen=True)
class Pair:
    """Images and their labels, or the one class that all of them have."""

    split: int
    images: Array
    labels: Array | str
    channels_last: bool

    @property
    def size(self) -> tuple[int, int]:
        shape = self.images.shape
        height, width = shape[1:3] if len(shape) == 3 or self.channels_last else shape[2:]
        return height, width


@contextmanager
def intact(path: str) -> Iterator[None]:
    """Let a damaged file, which may make its readers raise anything, be told as such."""
    try:
        yield
    except (DataError, MemoryError):
        raise
    except Exception as error:
        kind = ".npy" if path.lower().endswith(".npy") else ".npz"
        advice = f"save it with numpy.save{'z' if kind == '.npz' else ''}"
        raise DataError(f"{path} is not an intact {kind} of numbers; {advice}") from error


def read(path: str, file: IO[bytes], options: LoadOptions) -> Collection:
    """Read the images of an ``.npz`` file, their labels, and which split they are in."""
    with intact(path), zipfile.ZipFile(file) as archive:
        arrays = _members_of(path, archive)
        if not arrays and archive.namelist():
            raise DataError(f"{path} is an archive without arrays; unpack it, and give its folder")
        return read_pairs(path, _pairs(path, arrays), options, within=os.path.basename(path))


def npz_arrays(path: str) -> list[Array]:
    """Return the arrays of an ``.npz`` file, which is opened again when one is read."""
    with intact(path), zipfile.ZipFile(path) as archive:
        members = _members_of(path, archive)

    def reopened(index: int) -> Pieces:
        def rows(step: int) -> Iterator[npt.NDArray[Any]]:
            with intact(path), zipfile.ZipFile(path) as archive:
                yield from _members_of(path, archive)[index].rows(step)

        return rows

    return [replace(array, rows=reopened(index)) for index, array in enumerate(members)]


def _members_of(path: str, archive: zipfile.ZipFile) -> list[Array]:
    names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    return [array_of_stream(path, name, partial(archive.open, f"{name}.npy")) for name in names]


def array_of_stream(path: str, name: str, opened: Callable[[], IO[bytes]]) -> Array:
    """Return the array of a stream in NumPy's format."""
    with opened() as stream:
        shape, fortran, dtype = read_header(stream)
    if fortran and len(shape) > 1:
        what = f"{path} has {shown(name)} in Fortran order"
        raise DataError(f"{what}; save it after numpy.ascontiguousarray")

    def rows(step: int) -> Iterator[npt.NDArray[Any]]:
        size = dtype.itemsize * math.prod(shape[1:])
        with intact(path), opened() as stream:
            read_header(stream)
            for start in range(0, shape[0], step):
                count = min(step, shape[0] - start)
                content = stream.read(count * size)
                yield np.frombuffer(content, dtype).reshape(count, *shape[1:])

    return Array(name, shape, dtype, rows)


def read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read of a ``.npy`` file its shape, whether its first axis is the fastest, and its type."""
    form = np.lib.format
    readers = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}
    shape, fortran, dtype = readers[form.read_magic(stream)](stream)
    if dtype.hasobject or min(shape, default=1) < 0:
        raise ValueError("no array of numbers")
    return shape, fortran, dtype


def read_pairs(
    path: str,
    pairs: Sequence[Pair],
    options: LoadOptions,
    names: Mapping[str, str] = MappingProxyType({}),
    within: str = "",
) -> Collection:
    """Read pairs; ``names`` are those of classes whose labels are numbers.

    ``within`` is the name of the file that has all of them; otherwise arrays are called by theirs.
    """
    own, *others = sorted({pair.size for pair in pairs})
    if others:
        sizes = " and ".join(map(pair_text, (own, *others)))
        raise DataError(f"{path} has images of {sizes}; give all one size")
    counts = [pair.images.shape[0] for pair in pairs]
    stems = [pair.images.name for pair in pairs]
    if within:  # arrays of one file
        stems = [within] if len(pairs) == 1 else [f"{within}/{stem}" for stem in stems]
    files = list(zip(stems, counts, strict=True))
    batches = _batches(path, pairs, names)
    return gather(batches, sum(counts), own, options, "image {:,}".format, files)


def _batches(
    path: str, pairs: Sequence[Pair], names: Mapping[str, str]
) -> Iterator[tuple[int, list[str], Images]]:
    for pair in pairs:
        given = pair.labels
        labels = repeat(given) if isinstance(given, str) else _label_names(path, given)
        for images in _images(path, pair):
            found = islice(labels, len(images))
            yield pair.split, [names.get(label, label) for label in found], images


def _pairs(path: str, found: Sequence[Array]) -> list[Pair]:
    """Return the arrays of one file that belong together, split by split."""
    arrays: dict[str, Array] = {}
    for array in found:
        first = arrays.setdefault(array.name.casefold(), array)
        if first is not array and has_role(array.name):
            two = f"{shown(first.name)} and {shown(array.name)}"
            raise DataError(f"{path} has both {two}; keep one of them")
    if len(found) == 2 and not any(has_role(array.name) for array in found):
        # As numpy.savez(path, images, labels) calls them: arr_0 and arr_1.
        flat, large = sorted(found, key=lambda array: len(array.shape))
        if len(flat.shape) == 1 < len(large.shape):
            return [make_pair(path, TRAIN, large, flat)]
    pairs: dict[str, Pair] = {}
    for word, split in {"": TRAIN, **SPLIT_WORDS}.items():
        images = _only(path, arrays, IMAGES, word)
        labels = _only(path, arrays, LABELS, word)
        if images and labels:
            pairs[word] = make_pair(path, split, images, labels)
        elif alone := images or labels:
            other = "labels" if images else "images"
            raise DataError(f"{path} has {shown(alone.name)} but no {other} for it; {ALLOWED}")
    kinds = {pair.split for pair in pairs.values()}
    if not pairs or len(kinds) < len(pairs) or ("" in pairs and len(pairs) > 1):
        some = ", ".join(shown(array.name) for array in found[:8])
        raise DataError(f"{path} has the arrays {some or 'none'}; {ALLOWED}")
    return list(pairs.values())


def _only(path: str, arrays: dict[str, Array], words: tuple[str, ...], split: str) -> Array | None:
    """Return the array that one of these words names for a split, if there is one."""
    names = [f"{w}_{split}" for w in words] + [f"{split}_{w}" for w in words]
    known = [arrays[name] for name in (names if split else words) if name in arrays]
    if len(known) > 1:
        both = " and ".join(shown(array.name) for array in known[:2])
        raise DataError(f"{path} has both {both}; keep one of them")
    return known[0] if known else None


def words_of(name: str) -> list[str]:
    """Return the words in a name, in small letters."""
    return [word for word in re.split(r"[^a-z0-9]+", name.casefold()) if word]


def has_role(name: str) -> bool:
    """Does the name of an array in a file say that it is one of a pair?"""
    return not set(words_of(name)).isdisjoint((*IMAGES, *LABELS))


def make_pair(path: str, split: int, images: Array, labels: Array | str) -> Pair:
    """Return images and labels that are found to suit each other."""
    images = _squared(images)
    shape, label_text, trouble = images.shape, "", ("", "")
    if isinstance(labels, Array):
        if len(labels.shape) == 2 and labels.shape[1] == 1:
            labels = replace(labels, shape=labels.shape[:1])
        label_text = f"{shown(labels.name)} of type {labels.dtype} and shape {labels.shape}"
        trouble = _label_trouble(labels)
    what = f"{shown(images.name)} of shape {shape}"
    first, last = (len(shape) == 4 and shape[axis] in (1, 3) for axis in (1, 3))
    if images.dtype.kind not in "uifb":
        what = f"{shown(images.name)} of type {images.dtype}"
        advice = "give whole numbers 0..255 or floats 0..1"
    elif trouble[0]:
        what, advice = trouble
    elif not math.prod(shape) or (isinstance(labels, Array) and shape[:1] != labels.shape):
        what += f" and {label_text}" if label_text else ""
        advice = "give as many labels as images, at least one"
    elif first and last:
        what += ", where channels may come first or last"
        advice = "give (N, H, W) for grey images, or another size"
    elif len(shape) != 3 and not (first or last):
        advice = "give (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels"
    else:
        pair = Pair(split, images, labels, last)
        most = Image.MAX_IMAGE_PIXELS or math.inf
        if math.prod(pair.size) <= most:
            return pair
        what, advice = f"images of {pair_text(pair.size)}", f"give at most {most:,} pixels in each"
    raise DataError(f"{path} has {what}; {advice}")


def _label_trouble(labels: Array) -> tuple[str, str]:
    """Return what is wrong with labels, and what to do; nothing where nothing is."""
    what = f"{shown(labels.name)} of type {labels.dtype} and shape {labels.shape}"
    if len(labels.shape) != 1 or labels.dtype.kind not in "uifbU":
        return what, "give one whole number or text for each image, (N,)"
    return (what, "give shorter ones") if labels.dtype.itemsize > _MAX_LABEL else ("", "")


def _images(path: str, pair: Pair) -> Iterator[Images]:
    """Yield pieces of (n, C, H, W) uint8."""
    unit = pair.images.is_unit(f"{path} has {shown(pair.images.name)} with")
    for piece in pair.images.pieces():
        images = channels_first(piece, pair.channels_last)
        yield np.ascontiguousarray(to_bytes(images, unit))


def _label_names(path: str, array: Array) -> Iterator[str]:
    for labels in array.pieces():
        kinds, inverse = np.unique(labels, return_inverse=True)
        if kinds.dtype.kind == "U":
            try:
                texts = kinds.tolist()
            except SystemError as error:  # numbers that are no characters
                what = f"{path} has {shown(array.name)} that are no texts"
                raise DataError(f"{what}; save them anew") from error
            names = [class_name(text, path) for text in texts]
        else:
            with np.errstate(invalid="ignore"):
                whole = (np.rint(kinds) == kinds) & (np.abs(kinds) <= _LARGEST_LABEL)
            if kinds.dtype.kind == "f" and not whole.all():
                value = shown(kinds[~whole][0].item())
                what = f"{shown(array.name)} that are no whole numbers, such as {value}"
                raise DataError(f"{path} has {what}; give one class for each image")
            names = [str(int(kind)) for kind in kinds.tolist()]
        yield from (names[index] for index in inverse.ravel())


def _squared(images: Array) -> Array:
    """Return images that come as rows, (N, pixels), as squares."""
    if len(images.shape) != 2:
        return images
    for channels in (1, 3):
        side = math.isqrt(images.shape[1] // channels)
        if side > 1 and channels * side * side == images.shape[1]:
            break
    else:
        return images
    shape = (side, side) if channels == 1 else (channels, side, side)

    def rows(step: int) -> Iterator[npt.NDArray[Any]]:
        return (piece.reshape(-1, *shape) for piece in images.rows(step))

    return replace(images, shape=(images.shape[0], *shape), rows=rows)


def image_arrays(path: str) -> list[Array]:
    """Return the arrays of an ``.npz`` file that hold images, by their names or as all there is."""
    arrays = npz_arrays(path)
    named = [array for array in arrays if not set(words_of(array.name)).isdisjoint(IMAGES)]
    others = [array for array in arrays if set(words_of(array.name)).isdisjoint(LABELS)]
    if not (found := named or others):
        some = ", ".join(shown(array.name) for array in arrays[:8])
        raise DataError(f"{path} has the arrays {some or 'none'}; give images as x or images")
    return found
