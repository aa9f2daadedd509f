"""Files of one array each, IDX, ``.npy`` or ``.npz``: those of one data set beside each other.

As MNIST and its relatives come: images and labels, and each of them for every split. A file's name
tells the data set, the split and, where its array's shape leaves it open, whether it has labels. Or
there is a file for each class, as Quick Draw gives them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy.typing as npt

from lenet.data import idx
from lenet.data.arrays import (
    ALLOWED,
    IMAGES,
    LABELS,
    NPY_MAGIC,
    NPZ_MAGIC,
    Array,
    Pair,
    array_of_stream,
    has_role,
    intact,
    make_pair,
    npz_arrays,
    read_pairs,
    words_of,
)
from lenet.data.collection import Collection, LoadOptions
from lenet.data.dataset import SPLIT_WORDS, TEST, TRAIN
from lenet.data.folders import class_name, listed_names
from lenet.errors import DataError
from lenet.files import open_regular, read_regular
from lenet.net.words import name_text

#: Words in the names of files of one array that do not tell which data set it is.
_ROLES: Final = {
    *(*IMAGES, *LABELS, "image", "img", "imgs", "label", "targets"),
    *("idx1", "idx2", "idx3", "idx4", "ubyte", "int", "gz", "npy", "npz", "idx"),
}
_SPLITS: Final = {**SPLIT_WORDS, "t10k": TEST}


@dataclass(frozen=True)
class _File:
    """A file of one array: what its name and its header say."""

    path: str
    array: Array
    split: int | None
    words: tuple[str, ...]  # those of its name that tell which data set it is of

    @property
    def name(self) -> str:
        return os.path.basename(self.path)

    @property
    def has_labels(self) -> bool:
        """Does it hold labels? One number each, or as in QMNIST several, the class first."""
        shape, roles = self.array.shape, {"label", "labels"}
        several = len(shape) == 2 and not roles.isdisjoint(words_of(self.name))
        return len(shape) == 1 or shape[1:] == (1,) or several


def _look(path: str) -> _File | None:
    """Return what a file of one array holds; None for any other file."""
    if (array := _array_of(path)) is None:
        return None
    name = os.path.basename(path)
    split = next((_SPLITS[word] for word in words_of(name) if word in _SPLITS), None)
    return _File(path, array, split, _own_words(name))


def _own_words(name: str) -> tuple[str, ...]:
    return tuple(word for word in words_of(name) if word not in _ROLES and word not in _SPLITS)


def _array_of(path: str) -> Array | None:
    name = os.path.basename(path)
    try:
        with open_regular(path) as file:
            start = file.read(len(NPY_MAGIC))
    except OSError:
        return None
    if start == NPY_MAGIC:
        with intact(path):
            return array_of_stream(path, name, partial(open_regular, path))
    if start[:2] == NPZ_MAGIC and name.lower().endswith(".npz"):
        members = npz_arrays(path)
        is_one = len(members) == 1 and not has_role(members[0].name)
        return replace(members[0], name=name) if is_one else None
    if found := idx.look(path):
        dtype, shape = found
        return Array(
            name, shape, dtype, lambda step: Array.of(name, idx.read_numbers(path)).rows(step)
        )
    return None


def is_array_file(path: str) -> bool:
    """Is it a file of one array, IDX, ``.npy`` or ``.npz``?"""
    return _array_of(path) is not None


def set_name(path: str) -> str:
    """Return what the data set of a file of one array is called; "" for other files."""
    folder, name = os.path.split(path)
    return ("-".join(_own_words(name)) or os.path.basename(folder)) if is_array_file(path) else ""


def read_beside(path: str, options: LoadOptions) -> Collection:
    """Read the data set that a file of one array belongs to, with the files beside it."""
    given = _look(path)
    if given is None:
        raise DataError(f"{path} is no file of one array; {ALLOWED}")
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
    path: str, pairs: Sequence[Pair], options: LoadOptions, names: Mapping[str, str]
) -> Collection:
    """Read pairs, and say which files they are: a person named one of them or none."""
    collection = read_pairs(path, pairs, options, names)
    files = [a.name for p in pairs for a in (p.images, p.labels) if isinstance(a, Array)]
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


def _paired(path: str, members: Sequence[_File], all_files: Sequence[_File]) -> list[Pair]:
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
            if os.path.basename(path) == own[0].name:
                what = f"{path} has images without labels, and no file beside it has them"
            if len(own) > 1 or labels:
                what = f"{path} has more than one file of a kind: {files}"
            advice = "name them alike, as x-images-idx3-ubyte and x-labels-idx1-ubyte"
            raise DataError(f"{what}; {advice}")
        place = TRAIN if split is None else split
        pairs.append(make_pair(path, place, own[0].array, _first_column(labels[0].array)))
    if not pairs or len({pair.split for pair in pairs}) < len(pairs):
        raise DataError(f"{path} has no images with labels, each split once; {ALLOWED}")
    return sorted(pairs, key=lambda pair: pair.split)


def _first_column(labels: Array) -> Array:
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
    pairs = [make_pair(path, TRAIN, f.array, name) for f, name in zip(found, names, strict=True)]
    collection = read_pairs(path, pairs, options)
    notes = [f"every file is a class, called by its name without {shared!r}"] if shared else []
    return replace(collection, notes=(*notes, *collection.notes))
