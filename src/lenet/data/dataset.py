"""What a data set is: images, labels, the names of the classes, and who is to test on.

Images are bytes as they were found, (N, C, H, W) uint8; :mod:`lenet.data.preprocess` says how a
network sees them. Everything here is checked when it is made, so that later code need not ask.
:mod:`lenet.data.splitting` says which images are to test on, where the data leave it open.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Sequence, Sized
from dataclasses import dataclass, replace
from typing import Any, Final, overload

import numpy as np
import numpy.typing as npt

from lenet.data.preprocess import FITS, Fit, Size, read_three_sizes
from lenet.data.showing import data_page
from lenet.errors import DataError, visible
from lenet.net.words import listed, name_text, shown
from lenet.writing import notebook_html

TRAIN: Final = 0
VALIDATION: Final = 1
TEST: Final = 2
SPLIT_NAMES: Final = ("train", "validation", "test")
#: What a folder, a word in a table or the end of an array's name may be called to be a split.
SPLIT_WORDS: Final = {
    **{"train": TRAIN, "training": TRAIN, "test": TEST, "testing": TEST},
    **{"val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION},
}
#: The longest name of a class, in characters.
MAX_NAME: Final = 200

Labels = npt.NDArray[np.int64]
Digests = npt.NDArray[np.uint64]  # (N,) a hash of each image's shape and pixels


def is_class_name(name: str) -> bool:
    """Can a class be called this, in pictures, pages and a terminal alike?"""
    return 0 < len(name) <= MAX_NAME and name.isprintable()


def fault_of_names(classes: Sequence[str]) -> str:
    """Say what is wrong with the names of classes, without a full stop; nothing if all is well."""
    for name in classes:
        if not is_class_name(name):
            allowed = f"1 to {MAX_NAME} characters that can be printed"
            return f"a class is called {shown(name)}; give each a name of {allowed}"
    if len(set(classes)) < len(classes):
        twice = next(name for name, count in Counter(classes).items() if count > 1)
        return f"two classes are called {shown(twice)}; give each a name of its own"
    return ""


class Numbered(Sequence[str]):
    """The names of images that have no files of their own, ``mnist/test[12]``: made when asked for.

    ``stems`` says what they lie in, ``places`` (N,) which of these, and ``numbers`` (N,) where.
    """

    def __init__(
        self,
        stems: Sequence[str],
        places: npt.NDArray[np.integer[Any]],
        numbers: npt.NDArray[np.integer[Any]],
    ) -> None:
        self._stems, self._places, self._numbers = tuple(stems), places, numbers

    @classmethod
    def of(cls, counts: Sequence[tuple[str, int]]) -> Numbered:
        """Number so many images of each of these, from 0."""
        sizes = [count for _, count in counts]
        numbers = np.concatenate([np.arange(size) for size in sizes])
        return cls([stem for stem, _ in counts], np.repeat(np.arange(len(sizes)), sizes), numbers)

    def chosen(self, which: npt.NDArray[Any] | slice) -> Numbered:
        """Return those that ``which`` picks."""
        return Numbered(self._stems, self._places[which], self._numbers[which])

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Numbered: ...
    def __getitem__(self, index: int | slice) -> str | Numbered:
        if isinstance(index, slice):
            return self.chosen(index)
        return f"{self._stems[self._places[index]]}[{self._numbers[index]}]"


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Images and their labels: what one trains on, validates on or tests on.

    Attributes:
        images: (N, C, H, W) uint8, one byte per value.
        labels: (N,) int64, each the index of a class.
        weights: (N,) float32, how much each image counts in the loss, 0 or more and usually 1 on
            average; None for 1 each.
        names: N texts, the file of each image, or where it lies in one: ``x.npz[12]``; None for
            images that were not read.
        notes: sentences on what was done to its pictures.
        prepared: N texts, what was done to each picture for a model, such as ``inverted``, and
            empty where it went through as it was; None for others.
        groups: N texts, the group that each image belongs to, all on one side of every split, and
            empty where it belongs to none; None where there are no groups.
        digests: (N,) uint64, a hash of each picture as it was read, before it was resized; None
            where the images are as they were read.
        near_copies: (N,) int64, of pictures to test on, the index of the training image that each
            is nearly a copy of; -1 where there is none, -2 where nobody looked. None for others.

    Raises:
        DataError: a wrong type or number of dimensions, different counts, or nothing at all.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32] | None = None
    names: Sequence[str] | None = None
    notes: tuple[str, ...] = ()
    prepared: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    digests: Digests | None = None
    near_copies: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        _require_array("images", self.images, np.uint8, 4, "(N, C, H, W)")
        if isinstance(self.labels, list | tuple) and all(type(n) is int for n in self.labels):
            object.__setattr__(self, "labels", np.array(self.labels, np.int64))
        _require_array("labels", self.labels, np.int64, 1, "(N,)")
        if len(self.images) != len(self.labels):
            counts = f"{len(self.images):,} images but {len(self.labels):,} labels"
            raise DataError(f"{counts}; every image needs exactly one label")
        if self.images.size == 0:
            shape = self.images.shape
            raise DataError(f"no pixels in images of shape {shape}; give at least one image")
        if self.weights is not None:
            self._require_weights(self.weights)
        if self.near_copies is not None:
            _require_array("near_copies", self.near_copies, np.int64, 1, "(N,)")
            self._require_one_each(self.near_copies, "near_copies")
        self._require_texts("names")
        self._require_texts("prepared", "texts in prepared")
        self._require_texts("groups")
        if self.digests is not None:
            _require_array("digests", self.digests, np.uint64, 1, "(N,)")
            self._require_one_each(self.digests, "digests")

    def _require_texts(self, name: str, title: str = "") -> None:
        title = title or name
        if (texts := getattr(self, name)) is None:
            return
        is_array = isinstance(texts, np.ndarray) and texts.ndim == 1
        if not (is_array or isinstance(texts, Sequence)):
            raise DataError(f"the {title} are {shown(texts)}; give a list with one for each image")
        if not isinstance(texts, Numbered):
            object.__setattr__(self, name, tuple(map(str, texts)))
        self._require_one_each(texts, title)

    def _require_one_each(self, values: Sized, title: str) -> None:
        if len(values) != len(self):
            counts = f"{len(values):,} {title} for {len(self):,} images"
            raise DataError(f"there are {counts}; give one each")

    def _require_weights(self, weights: npt.NDArray[np.float32]) -> None:
        _require_array("weights", weights, np.float32, 1, "(N,)")
        self._require_one_each(weights, "weights")
        if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
            ends = f"from {weights.min():g} to {weights.max():g}"
            raise DataError(f"the weights go {ends}; give finite numbers of 0 or more, not all 0")

    def chosen(self, which: npt.NDArray[Any]) -> Split:
        """Return the images that ``which`` picks: (N,) bool, or indices."""
        weights = None if self.weights is None else self.weights[which]
        places = np.arange(len(self))[which].tolist()
        names: Sequence[str] | None = self.names
        if isinstance(names, Numbered):
            names = names.chosen(which)
        elif names:
            names = tuple(names[place] for place in places)
        prepared, groups = (
            texts and tuple(texts[place] for place in places)
            for texts in (self.prepared, self.groups)
        )
        digests, near = (
            None if values is None else values[which] for values in (self.digests, self.near_copies)
        )
        chosen = Split(self.images[which], self.labels[which], weights, names, prepared=prepared)
        return replace(chosen, groups=groups, digests=digests, near_copies=near)

    def known_digests(self) -> Digests:
        """Return (N,) uint64: a hash of each picture as it was read, the same for its copies."""
        return digests_of(self.images) if self.digests is None else self.digests

    def fingerprint(self) -> str:
        """Return a SHA-256 of images, labels, weights and groups, in hexadecimal digits.

        The names of files are not in it.
        """
        return self._add_to(hashlib.sha256(), "").hexdigest()

    def _add_to(self, state: hashlib._Hash, name: str) -> hashlib._Hash:
        state.update(f"{name} {self.images.shape}".encode())
        for array in (self.images, self.labels, self.weights):
            if array is not None:
                state.update(np.ascontiguousarray(array).data)
        if self.groups is not None:
            state.update(json.dumps(self.groups).encode())
        return state

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"<Split {len(self):,} {_describe_images(self.images.shape[1:])}>"


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A named set of labelled images: a split to train on, and usually one to test on.

    Attributes:
        name: what it is called, such as ``mnist``.
        train: the split to train on.
        test: the split to test on, or None; all splits' images have the same (C, H, W).
        classes: the name of each class; a label is an index into them.
        validation: the split to choose settings by, where the data have one of their own.
        source: the path it was read from; empty for others.
        notes: sentences on what was found when it was read.
        depth: how many bits its pictures use, where they have 16 per value; None for others.
        fit: how pictures of other proportions got their size: "stretch", "pad", "crop" or
            "border"; None for others.
        sizes: of picture files, the smallest size, the median height and width, and the largest,
            (height, width) each; None for others.
        has_colours: whether its pictures had colours and are grey now.

    Raises:
        DataError: a wrong type, splits whose shapes differ, a label that names no class, or a class
            whose name cannot be printed or is another's too.
    """

    name: str
    train: Split
    test: Split | None
    classes: tuple[str, ...] = ()  # must be given; an error then says how
    validation: Split | None = None
    source: str = ""
    notes: tuple[str, ...] = ()
    depth: int | None = None
    fit: Fit | None = None
    sizes: tuple[Size, ...] | None = None
    has_colours: bool = False

    def __post_init__(self) -> None:
        self._require_types()
        if not isinstance(self.notes, list | tuple):
            what = f"the notes of {self.name} are {shown(self.notes)}"
            raise DataError(f"{what}; give a list of sentences")
        object.__setattr__(self, "notes", tuple(map(visible, map(str, self.notes))))
        self._require_origin()
        object.__setattr__(self, "classes", tuple(map(str, self.classes)))
        if fault := fault_of_names(self.classes):
            raise DataError(fault)
        own = self.train.images.shape[1:]
        for name, split in self.splits.items():
            shape = split.images.shape[1:]
            if shape != own:
                verb = {"test": "tests", "validation": "validates"}[name]
                both = f"trains on {_describe_images(own)} but {verb} on {_describe_images(shape)}"
                raise DataError(f"{self.name} {both}; all splits need the same shape")
            wrong = np.flatnonzero((split.labels < 0) | (split.labels >= len(self.classes)))
            if len(wrong):
                last, label = len(self.classes) - 1, split.labels[wrong[0]]
                what = f"labels 0 to {last}, but {name} image {wrong[0]:,} has label {label}"
                raise DataError(f"{self.name} has {what}; correct it or name its class")

    def _require_origin(self) -> None:
        """Hold what is known of the pictures before they were images of one size."""
        if self.fit is not None and (type(self.fit) is not str or self.fit not in FITS):
            what = f"fit of {self.name} is {shown(self.fit)}"
            raise DataError(f"{what}; give {listed(FITS, 'or')}, or leave it out")
        if not isinstance(self.has_colours, bool):
            what = f"has_colours of {self.name} is {shown(self.has_colours)}"
            raise DataError(f"{what}; give True or False")
        if self.sizes is not None:
            if (sizes := read_three_sizes(self.sizes)) is None:
                what = f"sizes of {self.name} are {shown(self.sizes)}"
                raise DataError(f"{what}; give three of (height, width), or leave them out")
            object.__setattr__(self, "sizes", sizes)

    def _require_types(self) -> None:
        kinds = {"train": Split, "test": Split | None, "classes": list | tuple | str}
        for name, kind in {**kinds, "validation": Split | None}.items():
            if not isinstance(given := getattr(self, name), kind) or given == ():
                order = (
                    "give Dataset(name, train, test, classes), with a lenet.Split for each split"
                )
                raise DataError(f"{name} of {self.name} is of type {type(given).__name__}; {order}")

    @property
    def splits(self) -> dict[str, Split]:
        """The splits there are, by name: train, perhaps validation, perhaps test."""
        splits = zip(SPLIT_NAMES, (self.train, self.validation, self.test), strict=True)
        return {name: split for name, split in splits if split}

    @property
    def tested(self) -> Split:
        """The split to test on.

        Raises:
            DataError: there is none.
        """
        if self.test is None:
            raise DataError(f"{self.name} has no images to test on; give a test split.")
        return self.test

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image."""
        _, channels, height, width = self.train.images.shape
        return channels, height, width

    @property
    def class_counts(self) -> dict[str, list[int]]:
        """How many images each class has, for each split by its name."""
        return {
            name: np.bincount(split.labels, minlength=len(self.classes)).tolist()
            for name, split in self.splits.items()
        }

    def fingerprint(self, splits: Collection[str] | None = None) -> str:
        """Return a SHA-256 of the classes and of all splits, or of those that are named.

        It is the same for the same images, labels and weights, whatever the data set is called.
        """
        state = hashlib.sha256(json.dumps(self.classes).encode())
        for name, split in self.splits.items():
            if splits is None or name in splits:
                split._add_to(state, name)
        return state.hexdigest()

    def summary(self) -> str:
        """Return one line: the name, how many images of what size, classes, and the splits."""
        total = sum(map(len, self.splits.values()))
        verbs = {"train": "to train on", "validation": "to validate", "test": "to test"}
        splits = ", ".join(f"{len(split):,} {verbs[name]}" for name, split in self.splits.items())
        return (
            f"{self.name} · {total:,} {_describe_images(self.image_shape)}, "
            f"{len(self.classes)} classes · {splits}"
        )

    def __repr__(self) -> str:
        return f"<Dataset {self.summary()}>"

    def _repr_html_(self) -> str:
        first = self.train
        page = data_page(
            self.summary(), self.classes, self.class_counts, first.images, first.labels
        )
        return notebook_html(page)


def class_table(data: Dataset, most: int | None = None) -> str:
    """Return how many images each class has in each split: one row per class, and the totals.

    Of more than ``most`` classes, those in the middle are counted in one row instead.
    """
    counts = np.array([*data.class_counts.values()]).T
    rows = [(name_text(name), row) for name, row in zip(data.classes, counts, strict=True)]
    if most is not None and len(rows) > most:
        middle = counts[most - 2 : -1]
        rows[most - 2 : -1] = [(f"{len(middle):,} more", middle.sum(axis=0))]
    rows.append(("total", counts.sum(axis=0)))
    table = [["class", *data.splits], *([name, *(f"{n:,}" for n in row)] for name, row in rows)]
    name_width, *widths = (max(map(len, column)) for column in zip(*table, strict=True))
    return "\n".join(
        name.ljust(name_width)
        + "".join(f"  {number.rjust(width)}" for number, width in zip(row, widths, strict=True))
        for name, *row in table
    )


def class_weights(
    labels: npt.NDArray[np.int64], classes: int, weights: npt.NDArray[np.float32] | None = None
) -> npt.NDArray[np.float32]:
    """Return a weight for each class, so that all classes count alike and an image 1 on average.

    Of n images in K classes that have any, one of a class with n_k weighs n / (K n_k), as in
    G. King and L. Zeng, "Logistic Regression in Rare Events Data", 2001 ("balanced" in
    scikit-learn).

    Args:
        labels: (n,) the class of each image.
        classes: how many classes there are.
        weights: (n,) how many images each one stands for; None for 1.

    Returns:
        (classes,) float32; 0 for a class without images.

    Raises:
        DataError: there are no labels, or one names no class.
    """
    if not len(labels) or labels.min() < 0 or labels.max() >= classes:
        raise DataError(f"the labels are none of 0 to {classes - 1}; give the class of every image")
    counts = np.bincount(labels, weights, minlength=classes)
    with np.errstate(divide="ignore"):
        balanced = np.where(counts, counts.sum() / (np.count_nonzero(counts) * counts), 0)
    return balanced.astype(np.float32)


def digest(image: npt.NDArray[np.uint8]) -> int:
    """Return 64 bits of BLAKE2b (RFC 7693) over the shape and the pixels of one (C, H, W) image."""
    state = hashlib.blake2b(repr(image.shape).encode(), digest_size=8)
    state.update(np.ascontiguousarray(image).data)
    return int.from_bytes(state.digest(), "little")


def digests_of(images: npt.NDArray[np.uint8]) -> Digests:
    """Return the digest of each of (N, C, H, W) images."""
    return np.fromiter((digest(image) for image in images), np.uint64, len(images))


def _describe_images(shape: tuple[int, ...]) -> str:
    channels, height, width = shape
    kind = {1: "", 3: " RGB"}.get(channels, f" with {channels} channels")
    return f"images of {height}x{width}{kind}"


def _require_array(name: str, array: Any, dtype: type, dimensions: int, layout: str) -> None:
    given = f"a {type(array).__name__}"
    if isinstance(array, np.ndarray):
        if array.dtype == dtype and array.ndim == dimensions:
            return
        given = f"{array.dtype} of shape {array.shape}"
    wanted = f"a NumPy array {layout} of {np.dtype(dtype).name}"
    raise DataError(f"the {name} are {given}; give {wanted}")
