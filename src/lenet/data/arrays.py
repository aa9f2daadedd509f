"""Images as numbers in files of NumPy and in IDX files, read piece by piece.

Never more than what they become is held, and nothing is ever unpickled. An ``.npz`` has ``x`` and
``y`` (or ``images`` and ``labels``), or a pair for each split as in Keras' ``mnist.npz``:
``x_train``, ``y_train``, ``x_test``, ``y_test``. Where a file holds one array, IDX, ``.npy`` or
``.npz``, others beside it are its labels and its splits, as MNIST's relatives come; or there is a
file for each class, as Quick Draw's.
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

from lenet.data import idx
from lenet.data.collection import Collection, LoadOptions, gather
from lenet.data.dataset import SPLIT_WORDS, TEST, TRAIN
from lenet.data.folders import class_name, listed_names
from lenet.data.preprocess import Images, channels_first, reaches_one, to_bytes
from lenet.errors import DataError
from lenet.files import open_regular, read_regular
from lenet.net.shapes import pair_text
from lenet.net.words import name_text, shown

NPZ_MAGIC: Final = b"PK"
_NPY_MAGIC: Final = b"\x93NUMPY"
_IMAGES: Final = ("x", "images", "data")
_LABELS: Final = ("y", "labels", "target")
_ALLOWED: Final = "give x and y (or images and labels), or x_train, y_train, x_test and y_test"
#: Words in the names of files of one array that do not tell which data set it is.
_ROLES: Final = {
    *(*_IMAGES, *_LABELS, "image", "img", "imgs", "label", "targets"),
    *("idx1", "idx2", "idx3", "idx4", "ubyte", "int", "gz", "npy", "npz", "idx"),
}
_SPLITS: Final = {**SPLIT_WORDS, "t10k": TEST}
_PIECE: Final = 1 << 22  # bytes
_MAX_LABEL: Final = 1000  # bytes
_LARGEST_LABEL: Final = 2**53  # up to here floats count one by one

Pieces = Callable[[int], Iterator[npt.NDArray[Any]]]


@dataclass(frozen=True)
class _Array:
    """An array as its header says it is, and what reads it, so many rows at a time."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    rows: Pieces

    def pieces(self) -> Iterator[npt.NDArray[Any]]:
        """Yield the array, a few megabytes at a time."""
        row = self.dtype.itemsize * math.prod(self.shape[1:])
        return self.rows(max(1, _PIECE // max(1, row)))


@dataclass(frozen=True)
class _Pair:
    """Images and their labels, or the one class that all of them have."""

    split: int
    images: _Array
    labels: _Array | str
    channels_last: bool

    @property
    def size(self) -> tuple[int, int]:
        shape = self.images.shape
        height, width = shape[1:3] if len(shape) == 3 or self.channels_last else shape[2:]
        return height, width


@contextmanager
def _intact(path: str) -> Iterator[None]:
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
    with _intact(path), zipfile.ZipFile(file) as archive:
        arrays = _members(path, archive)
        if len(arrays) == 1 and not _role(arrays[0].name):
            return read_beside(path, options)
        return _gather(path, _pairs(path, arrays), options)


def _members(path: str, archive: zipfile.ZipFile) -> list[_Array]:
    names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    return [_of_stream(path, name, partial(archive.open, f"{name}.npy")) for name in names]


def _of_stream(path: str, name: str, opened: Callable[[], IO[bytes]]) -> _Array:
    """Return the array of a stream in NumPy's format."""
    with opened() as stream:
        shape, fortran, dtype = _read_header(stream)
    if fortran and len(shape) > 1:
        what = f"{path} has {shown(name)} in Fortran order"
        raise DataError(f"{what}; save it after numpy.ascontiguousarray")

    def rows(step: int) -> Iterator[npt.NDArray[Any]]:
        size = dtype.itemsize * math.prod(shape[1:])
        with _intact(path), opened() as stream:
            _read_header(stream)
            for start in range(0, shape[0], step):
                count = min(step, shape[0] - start)
                content = stream.read(count * size)
                yield np.frombuffer(content, dtype).reshape(count, *shape[1:])

    return _Array(name, shape, dtype, rows)


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    form = np.lib.format
    readers = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}
    shape, fortran, dtype = readers[form.read_magic(stream)](stream)
    if dtype.hasobject or min(shape, default=1) < 0:
        raise ValueError("no array of numbers")
    return shape, fortran, dtype


def _gather(
    path: str,
    pairs: Sequence[_Pair],
    options: LoadOptions,
    names: Mapping[str, str] = MappingProxyType({}),
) -> Collection:
    """Read pairs; ``names`` are those of classes whose labels are numbers."""
    own, *others = sorted({pair.size for pair in pairs})
    if others:
        sizes = " and ".join(map(pair_text, (own, *others)))
        raise DataError(f"{path} has images of {sizes}; give all one size")
    count = sum(pair.images.shape[0] for pair in pairs)
    return gather(_batches(path, pairs, names), count, own, options, "image {:,}".format)


def _batches(
    path: str, pairs: Sequence[_Pair], names: Mapping[str, str]
) -> Iterator[tuple[int, list[str], Images]]:
    for pair in pairs:
        given = pair.labels
        labels = repeat(given) if isinstance(given, str) else _label_names(path, given)
        for images in _images(path, pair):
            found = islice(labels, len(images))
            yield pair.split, [names.get(label, label) for label in found], images


def _pairs(path: str, found: Sequence[_Array]) -> list[_Pair]:
    """Return the arrays of one file that belong together, split by split."""
    arrays = {array.name.casefold(): array for array in found}
    if len(found) == 2 and not any(_role(array.name) for array in found):
        # As numpy.savez(path, images, labels) calls them: arr_0 and arr_1.
        flat, large = sorted(found, key=lambda array: len(array.shape))
        if len(flat.shape) == 1 < len(large.shape):
            return [_pair(path, TRAIN, large, flat)]
    pairs: dict[str, _Pair] = {}
    for word, split in {"": TRAIN, **SPLIT_WORDS}.items():
        images = _only(path, arrays, _IMAGES, word)
        labels = _only(path, arrays, _LABELS, word)
        if images and labels:
            pairs[word] = _pair(path, split, images, labels)
        elif alone := images or labels:
            other = "labels" if images else "images"
            raise DataError(f"{path} has {shown(alone.name)} but no {other} for it; {_ALLOWED}")
    kinds = {pair.split for pair in pairs.values()}
    if not pairs or len(kinds) < len(pairs) or ("" in pairs and len(pairs) > 1):
        some = ", ".join(shown(array.name) for array in found[:8])
        raise DataError(f"{path} has the arrays {some or 'none'}; {_ALLOWED}")
    return list(pairs.values())


def _only(
    path: str, arrays: dict[str, _Array], words: tuple[str, ...], split: str
) -> _Array | None:
    """Return the array that one of these words names for a split, if there is one."""
    names = [f"{w}_{split}" for w in words] + [f"{split}_{w}" for w in words]
    known = [arrays[name] for name in (names if split else words) if name in arrays]
    if len(known) > 1:
        both = " and ".join(shown(array.name) for array in known[:2])
        raise DataError(f"{path} has both {both}; keep one of them")
    return known[0] if known else None


def _role(name: str) -> bool:
    """Does the name of an array in a file say that it is one of a pair?"""
    return not set(_words(name)).isdisjoint((*_IMAGES, *_LABELS))


def _pair(path: str, split: int, images: _Array, labels: _Array | str) -> _Pair:
    """Return images and labels that are found to suit each other."""
    images = _squared(images)
    shape, label_text, trouble = images.shape, "", ("", "")
    if isinstance(labels, _Array):
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
    elif not math.prod(shape) or (isinstance(labels, _Array) and shape[:1] != labels.shape):
        what += f" and {label_text}" if label_text else ""
        advice = "give as many labels as images, at least one"
    elif first and last:
        what += ", where channels may come first or last"
        advice = "give (N, H, W) for grey images, or another size"
    elif len(shape) != 3 and not (first or last):
        advice = "give (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels"
    else:
        pair = _Pair(split, images, labels, last)
        most = Image.MAX_IMAGE_PIXELS or math.inf
        if math.prod(pair.size) <= most:
            return pair
        what, advice = f"images of {pair_text(pair.size)}", f"give at most {most:,} pixels in each"
    raise DataError(f"{path} has {what}; {advice}")


def _label_trouble(labels: _Array) -> tuple[str, str]:
    """Return what is wrong with labels, and what to do; nothing where nothing is."""
    what = f"{shown(labels.name)} of type {labels.dtype} and shape {labels.shape}"
    if len(labels.shape) != 1 or labels.dtype.kind not in "uifbU":
        return what, "give one whole number or text for each image, (N,)"
    return (what, "give shorter ones") if labels.dtype.itemsize > _MAX_LABEL else ("", "")


def _images(path: str, pair: _Pair) -> Iterator[Images]:
    """Yield pieces of (n, C, H, W) uint8."""
    unit = False
    if pair.images.dtype != np.uint8:
        ends = np.array([(piece.min(), piece.max()) for piece in pair.images.pieces()])
        what = f"{path} has {shown(pair.images.name)} with"
        is_float = pair.images.dtype.kind == "f"
        unit = reaches_one(ends[:, 0].min(), ends[:, 1].max(), what, is_float)
    for piece in pair.images.pieces():
        images = channels_first(piece, pair.channels_last)
        yield np.ascontiguousarray(to_bytes(images, unit))


def _label_names(path: str, array: _Array) -> Iterator[str]:
    for labels in array.pieces():
        kinds, inverse = np.unique(labels, return_inverse=True)
        if kinds.dtype.kind == "U":
            names = [class_name(text, path) for text in kinds.tolist()]
        else:
            with np.errstate(invalid="ignore"):
                whole = (np.rint(kinds) == kinds) & (np.abs(kinds) <= _LARGEST_LABEL)
            if kinds.dtype.kind == "f" and not whole.all():
                value = shown(kinds[~whole][0].item())
                what = f"{shown(array.name)} that are no whole numbers, such as {value}"
                raise DataError(f"{path} has {what}; give one class for each image")
            names = [str(int(kind)) for kind in kinds.tolist()]
        yield from (names[index] for index in inverse.ravel())


def _squared(images: _Array) -> _Array:
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


@dataclass(frozen=True)
class _File:
    """A file of one array: what its name and its header say."""

    path: str
    array: _Array
    split: int | None
    words: tuple[str, ...]  # those of its name that tell which data set it is of

    @property
    def name(self) -> str:
        return os.path.basename(self.path)

    @property
    def has_labels(self) -> bool:
        """Does it hold labels? One number each, or as in QMNIST several, the class first."""
        shape, roles = self.array.shape, {"label", "labels"}
        several = len(shape) == 2 and not roles.isdisjoint(_words(self.name))
        return len(shape) == 1 or shape[1:] == (1,) or several


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", name.casefold()) if word]


def _look(path: str) -> _File | None:
    """Return what a file of one array holds; None for any other file."""
    if (array := _array_of(path)) is None:
        return None
    name = os.path.basename(path)
    split = next((_SPLITS[word] for word in _words(name) if word in _SPLITS), None)
    return _File(path, array, split, _own_words(name))


def _own_words(name: str) -> tuple[str, ...]:
    return tuple(word for word in _words(name) if word not in _ROLES and word not in _SPLITS)


def _array_of(path: str) -> _Array | None:
    name = os.path.basename(path)
    try:
        with open_regular(path) as file:
            start = file.read(len(_NPY_MAGIC))
    except OSError:
        return None
    if start == _NPY_MAGIC:
        with _intact(path):
            return _of_stream(path, name, partial(open_regular, path))
    if start[:2] == NPZ_MAGIC and name.lower().endswith(".npz"):
        with _intact(path), zipfile.ZipFile(path) as archive:
            members = _members(path, archive)

        def rows(step: int) -> Iterator[npt.NDArray[Any]]:
            with zipfile.ZipFile(path) as archive:
                yield from _members(path, archive)[0].rows(step)

        return replace(members[0], name=name, rows=rows) if len(members) == 1 else None
    if found := idx.look(path):

        def values(step: int) -> Iterator[npt.NDArray[Any]]:
            numbers = idx.read_numbers(path)
            return (numbers[start : start + step] for start in range(0, len(numbers), step))

        dtype, shape = found
        return _Array(name, shape, dtype, values)
    return None


def is_array_file(path: str) -> bool:
    """Is it a file of one array, IDX, ``.npy`` or ``.npz``?"""
    return _array_of(path) is not None


def read_beside(path: str, options: LoadOptions) -> Collection:
    """Read the data set that a file of one array belongs to, with the files beside it."""
    given = _look(path)
    if given is None:
        raise DataError(f"{path} is no file of one array; {_ALLOWED}")
    folder = os.path.dirname(path)
    names = [name for name in os.listdir(folder or ".") if not name.startswith(".")]
    found = _found(folder, names, given.words)
    members = [file for file in found if file.words == given.words]
    if all(file.has_labels for file in members) and len(_sets(found)) == 1:
        members = found  # the labels have another name than the images
    return _read_set(path, _paired(path, members, found), options, _characters(folder, given))


def read_folder(path: str, names: Sequence[str], options: LoadOptions) -> Collection | None:
    """Read the files of one array in a folder, one data set or a file for each class.

    Returns:
        None, where there is none of these.
    """
    found = _found(path, names)
    if not any(file.has_labels for file in found):
        return _read_classes(path, found, options) if len(found) > 1 else None
    sets = _sets(found)
    if len(sets) > 1:
        names = sorted("-".join(words) or "one without a name" for words in sets)
        what = f"{path} holds {len(sets)} data sets: {listed_names(names)}"
        raise DataError(
            f"{what}; name one by a file of its images, such as {next(reversed(sets.values()))}"
        )
    return _read_set(path, _paired(path, found, found), options, _characters(path, found[0]))


def _read_set(
    path: str, pairs: Sequence[_Pair], options: LoadOptions, names: Mapping[str, str]
) -> Collection:
    """Read pairs, and say which files they are: a person named one of them or none."""
    collection = _gather(path, pairs, options, names)
    files = [a.name for p in pairs for a in (p.images, p.labels) if isinstance(a, _Array)]
    note = f"read: {', '.join(map(name_text, files))}"
    return replace(collection, notes=(note, *collection.notes))


def _characters(folder: str, file: _File) -> dict[str, str]:
    """Return the character of each label, as EMNIST has them beside its images in ``-mapping.txt``.

    A line is a label and the codes of one or more characters.
    """
    try:
        content = read_regular(
            os.path.join(folder, "-".join((*file.words, "mapping.txt"))), 1 << 16
        )
    except OSError:
        return {}
    found = re.findall(rb"^([0-9]{1,6}) ([0-9]{1,6})\b", content, re.MULTILINE)
    names = {label.decode(): chr(int(code)) for label, code in found}
    is_sane = len(set(names.values())) == len(names) and all(n.isalnum() for n in names.values())
    return names if is_sane else {}


def _sets(found: Sequence[_File]) -> dict[tuple[str, ...], str]:
    """Return a file of images for each data set, by the words that tell them apart."""
    return {file.words: file.path for file in reversed(found) if not file.has_labels}


def _found(folder: str, names: Sequence[str], words: tuple[str, ...] | None = None) -> list[_File]:
    """Return the files of one array among these; of a file and its ``.gz`` the first.

    Where ``words`` are given, damaged files of other data sets than theirs are passed over.
    """
    known, found = set(names), []
    for name in sorted(names):
        if name.endswith(".gz") and name.removesuffix(".gz") in known:
            continue
        try:
            found.append(_look(os.path.join(folder, name)))
        except DataError:
            if words is None or _own_words(name) == words:
                raise
    return [file for file in found if file]


def _paired(path: str, members: Sequence[_File], all_files: Sequence[_File]) -> list[_Pair]:
    """Return the images of a data set with their labels, split by split."""
    pairs = []
    images = [file for file in members if not file.has_labels]
    for split in dict.fromkeys(file.split for file in images):
        own = [file for file in images if file.split == split]
        labels = [file for file in members if file.has_labels and file.split == split]
        if not labels:  # of another name, where there is no doubt
            labels = [file for file in all_files if file.has_labels and file.split == split]
        if len(own) > 1 or len(labels) != 1:
            files = listed_names([file.name for file in (*own, *labels)])
            what = f"{path} has no labels for {name_text(own[0].name)}"
            if len(own) > 1 or labels:
                what = f"{path} has more than one file of a kind: {files}"
            advice = "name them alike, as x-images-idx3-ubyte and x-labels-idx1-ubyte"
            raise DataError(f"{what}; {advice}")
        place = TRAIN if split is None else split
        pairs.append(_pair(path, place, own[0].array, _first_column(labels[0].array)))
    if not pairs or len({pair.split for pair in pairs}) < len(pairs):
        raise DataError(f"{path} has no images with labels, each split once; {_ALLOWED}")
    return sorted(pairs, key=lambda pair: pair.split)


def _first_column(labels: _Array) -> _Array:
    if len(labels.shape) < 2:
        return labels

    def rows(step: int) -> Iterator[npt.NDArray[Any]]:
        return (piece[:, 0] for piece in labels.rows(step))

    return replace(labels, shape=labels.shape[:1], rows=rows)


def _read_classes(path: str, found: Sequence[_File], options: LoadOptions) -> Collection:
    """Read files that hold a class each, called by it: ``apple.npy``, ``axe.npy``."""
    stems = [file.name.removesuffix(".gz").rpartition(".")[0] or file.name for file in found]
    alike = [len(set(letters)) == 1 for letters in zip(*stems, strict=False)]
    shared = stems[0][: [*alike, False].index(False)]
    shared = shared[: max(shared.rfind("_"), shared.rfind("-")) + 1]
    names = [class_name(stem[len(shared) :], path) for stem in stems]
    pairs = [_pair(path, TRAIN, f.array, name) for f, name in zip(found, names, strict=True)]
    collection = _gather(path, pairs, options)
    notes = [f"every file is a class, called by its name without {shared!r}"] if shared else []
    return replace(collection, notes=(*notes, *collection.notes))
