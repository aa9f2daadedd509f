"""What is read from a path, and how: the load options, images of one size, and their classes."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from statistics import median
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.arguments import plain
from lenet.data import likeness
from lenet.data.dataset import (
    SPLIT_NAMES,
    TEST,
    TRAIN,
    Dataset,
    Digests,
    Labels,
    Numbered,
    Split,
    digests_of,
)
from lenet.data.folders import classes_of, name_reader
from lenet.data.ground import has_colour
from lenet.data.groups import GROUPS, TOO_GOOD, check_divisible, check_group, describe_groups
from lenet.data.preprocess import (
    Fit,
    Images,
    Preprocessing,
    Size,
    fit_to,
    fitted_size,
    read_fit,
    to_grey,
)
from lenet.data.splitting import split_by_content
from lenet.errors import DataError, UsageError
from lenet.net.shapes import pair_text, read_sizes
from lenet.net.words import name_text, shown
from lenet.randomness import checked_seed
from lenet.writing.numbers import plural

_UNBALANCED: Final = 3.0  # from so many times as many images on, classes are said to be so
_LARGEST_SIDE: Final = 32  # where no size is asked for: a small network learns from less
#: How pictures of one's own get their size, unless a person says it: docs/pictures.md has figures.
DEFAULT_FIT: Final[Fit] = "stretch"
_MAX_SIDE: Final = 4096  # where one is asked for
_BESIDE: Final = 64  # bytes per image, for its label, its hash and its name
_MOST_DONE: Final = 8  # kinds of preparation that are named
_TRIED: Final = 64  # images: of so many one is asked for its colours
_PAIRS: Final = re.compile(r"\d+x\d+ to \d+x\d+", re.ASCII)
_OTHERS: Final = " and other sizes"
_KEPT: Final = "is kept for testing"
_UNTESTED: Final = "no images to test"
_UNBALANCED_NOTE: Final = "classes are unbalanced"


@dataclass(frozen=True)
class LoadOptions:
    """What a person chooses about reading pictures."""

    size: Size | None = None  # of every image; None: as the pictures are, within limits
    channels: int | None = None  # 1 makes all grey, 3 all RGB; None: RGB if one has colour
    skip_bad: bool = False  # leave out what cannot be read instead of refusing all
    transpose: bool = False  # swap rows and columns of images that come as numbers
    label_from_name: str | None = None  # the pattern that says where a file's name has its class
    group: str | None = None  # the pattern or the column that says what stays together
    split_seed: int = 0  # which split is drawn, where there is no test split
    #: Of the model that is to see the pictures, without scaling; None: they are to be learned from.
    preprocessing: Preprocessing | None = None
    fit: Fit | None = None  # how pictures of other proportions get the size; None: stretched

    @classmethod
    def of(
        cls,
        size: int | str | Sequence[int] | None,
        gray: bool,
        rgb: bool,
        skip_bad: bool,
        transpose: bool = False,
        label_from_name: str | None = None,
        group: str | None = None,
        split_seed: int = 0,
        fit: str | None = None,
    ) -> LoadOptions:
        """Return what the arguments of ``lenet.load`` say."""
        if gray and rgb:
            raise UsageError("both gray and rgb are asked for; give one of them, or neither.")
        channels = 1 if gray else 3 if rgb else None
        if label_from_name is not None:
            name_reader(label_from_name)
        if group is not None:
            check_group(group)
        read = None if size is None else read_size(size)
        seed = checked_seed(split_seed)
        how = None if fit is None else read_fit(fit)
        return cls(read, channels, skip_bad, transpose, label_from_name, group, seed, fit=how)

    def resized_note(self, own: Size, size: Size) -> list[str]:
        """Return the note that large images of one size become smaller, where nobody asked."""
        if self.size is not None or own == size:
            return []
        sizes = f"{pair_text(own)} become {pair_text(size)}"
        return [f"images of {sizes}; the option size chooses another"]


def read_size(given: int | str | Sequence[int]) -> Size:
    """Read (height, width) from ``28``, ``"28"``, ``"28x32"`` or ``(28, 32)``."""
    sizes = read_sizes(given) if isinstance(given, str) else plain(given)
    sides: list[Any] = list(sizes) if isinstance(sizes, Sequence) else [sizes]
    if len(sides) == 1:
        sides *= 2
    if len(sides) != 2 or not all(type(n) is int and 0 < n <= _MAX_SIDE for n in sides):
        allowed = f"one number such as 28, or height x width such as 28x32, from 1 to {_MAX_SIDE:,}"
        raise UsageError(f"the size is {shown(given)}; it must be {allowed}.")
    return sides[0], sides[1]


def bounded(size: Size, most: int = _LARGEST_SIDE) -> Size:
    """Return ``size`` with its longer side at most ``most``, its proportions kept."""
    scale = min(1.0, most / max(size))
    height, width = (max(1, round(side * scale)) for side in size)
    return height, width


def middle(sizes: Sequence[Size]) -> Size:
    """Return the median height and the median width of pictures."""
    height, width = (round(median(sides)) for sides in zip(*sizes, strict=True))
    return height, width


def by_area(sizes: Sequence[Size]) -> list[Size]:
    """Return the sizes that there are, the smallest first."""
    return sorted(set(sizes), key=lambda size: (size[0] * size[1], size))


def three_sizes(sizes: Sequence[Size]) -> tuple[Size, Size, Size]:
    """Return the smallest size, the median height and width, and the largest size."""
    ordered = by_area(sizes)
    return ordered[0], middle(sizes), ordered[-1]


def require_room(count: int, channels: int, size: Size) -> None:
    """Hold that so many images fit into half of this machine's memory."""
    needed = count * (channels * size[0] * size[1] + _BESIDE)
    if needed > (memory := machine_memory()) / 2:
        filled = f"{needed / 1e9:,.1f} GB of this machine's {memory / 1e9:,.1f} GB of memory"
        what = f"{count:,} images of {pair_text(size)} would fill {filled}"
        raise DataError(f"{what}; make them smaller, as with size=28", parameter="size")


def machine_memory() -> int:
    """Return how many bytes of memory this machine has; 8 GB where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 * 10**9


def shaped(images: Images, size: Size, options: LoadOptions, own: Size | None = None) -> Images:
    """Bring (n, C, h, w) images to one size, and to grey where all of them can be.

    ``own`` is the size that they had before they were shrunk, whose proportions count.
    """
    if images.shape[1] == 3:
        if options.channels == 1:
            images = to_grey(images)
        elif options.channels is None and bool((images == images[:, :1]).all()):
            images = images[:, :1]
    return fit_to(images, size, options.fit or DEFAULT_FIT, own)


class Stack:
    """Up to ``count`` images of one size, in a row: grey until the first with colour."""

    def __init__(self, count: int, size: Size, channels: int | None) -> None:
        self._count, self._size, self._filled = count, size, 0
        self._images = self._room(channels or 1)

    def add(self, images: Images) -> None:
        """Put (n, 1 or 3, H, W) images behind those that are there."""
        if images.shape[1] > self._images.shape[1]:
            grey, self._images = self._images, self._room(3)
            self._images[: self._filled] = grey[: self._filled]
        self._images[self._filled : self._filled + len(images)] = images
        self._filled += len(images)

    @property
    def images(self) -> Images:
        """(N, C, H, W) all images so far."""
        return self._images[: self._filled]

    def _room(self, channels: int) -> Images:
        require_room(self._count, channels, self._size)
        return np.empty((self._count, channels, *self._size), np.uint8)


@dataclass(frozen=True, eq=False)
class Collection:
    """What a folder, a table or an array file holds."""

    images: Images  # (N, C, H, W), split after split
    labels: Labels  # (N,) indices into the classes
    digests: Digests  # (N,) of the images as they were read
    counts: tuple[int, int, int]  # how many to train on, to validate and to test on
    classes: tuple[str, ...]  # all names in natural order
    notes: tuple[str, ...] = ()  # sentences on what was found
    files: Sequence[str] | None = None  # N: the path of each image, or where it lies in a file
    depth: int | None = None  # how many bits the pictures use, where some have 16
    prepared: tuple[tuple[str, ...], ...] | None = None  # N: what was done to each for a model
    groups: tuple[str, ...] | None = None  # N: what stays together, empty for nothing
    near_copies: npt.NDArray[np.int64] | None = None  # of the images to test on, as in a Split
    sizes: tuple[Size, ...] | None = None  # N: of each picture file, before it was brought to one
    has_colours: bool = False  # and all are grey now
    fit: Fit | None = None  # how they got their size; None of arrays that kept their proportions
    is_divided: bool = False  # whether lenet chose what is to test on

    @classmethod
    def of(
        cls,
        images: Images,
        names: Sequence[str],
        splits: npt.NDArray[np.int64],
        *,
        digests: Digests,
        name: Callable[[int], str],
        notes: Iterable[str] = (),
        files: bool | Numbered = False,
        depth: int | None = None,
        prepared: Sequence[tuple[str, ...]] | None = None,
        groups: Sequence[str] | None = None,
        split_seed: int = 0,
        sizes: Sequence[Size] | None = None,
    ) -> Collection:
        """Keep a fifth for testing if nothing is, put the splits in order, see what stands out.

        ``name`` says what to call an image in a sentence; ``files`` that this is the path of its
        file, or where each lies in one.
        """
        classes, sentences = classes_of(names), list(notes)
        place = {label: index for index, label in enumerate(classes)}
        labels = np.fromiter((place[label] for label in names), np.int64, len(names))
        is_split_here = bool((splits == TRAIN).any()) and TEST not in splits
        if is_split_here:
            if groups is not None:
                check_divisible(groups, digests, labels, classes)
            splits = _with_test(splits, digests, labels, groups, split_seed)
            drawn = f" (split {split_seed})" * bool(split_seed)
            sentences.append(f"a fifth of each class, chosen by content{drawn}, {_KEPT}")
            sentences += _describe_same(digests, name)
        elif split_seed:
            what = f"the split_seed is {split_seed} and there is a test split"
            raise DataError(f"{what}; leave it out, no split is drawn", parameter="split_seed")
        if groups is not None:
            sentences = [*describe_groups(groups, splits, is_split_here), *sentences]
        sentences += describe_copies(digests, labels, splits, name)
        sentences += describe_balance(labels, splits, classes)
        order = np.argsort(splits, kind="stable")
        arrange(images, order)
        train_count, validation, test_count = np.bincount(splits, minlength=3).tolist()
        counts = (train_count, validation, test_count)
        places = order.tolist()
        paths = (
            (files and tuple(map(name, places))) if isinstance(files, bool) else files.chosen(order)
        )
        done, together = (
            None if texts is None else tuple(texts[place] for place in places)
            for texts in (prepared, groups)
        )
        labels, digests, near = labels[order], digests[order], None
        if files is True and paths and train_count and test_count and done is None:
            near, words = _near_copies(images, labels, counts, digests, paths)
            sentences += words
        return cls(
            images,
            labels,
            digests,
            counts,
            classes,
            tuple(sentences),
            paths or None,
            depth,
            done,
            together,
            near,
            None if sizes is None else tuple(sizes[place] for place in places),
            is_divided=is_split_here,
        )

    def dataset(self, name: str, source: str) -> Dataset:
        """Return the data set to train and to test on."""
        train, validation, test = self._splits()
        learnt = np.bincount(train.labels if train else [], minlength=len(self.classes))
        if len(self.classes) < 2:
            what = f"one class only, {name_text(self.classes[0])}; give a place with two or more"
        elif not train:
            what = "no images to train on; add a train split"
        elif not test:
            advice = "add a test split, or at least two different images to a class"
            what = f"no images to test on; {advice}"
        elif not learnt.all():
            strange = f"class {shown(self.classes[int(learnt.argmin())])} but none to train on"
            what = f"images of {strange}; add some, or take the class out"
        else:
            found = name, train, test, self.classes, validation, source, self.notes
            sizes = self.sizes and three_sizes(self.sizes)
            return Dataset(*found, self.depth, self.fit, sizes, self.has_colours)
        raise DataError(f"{source} has {what}")

    def split_for(self, classes: Sequence[str], everything: bool, source: str) -> Split:
        """Return the images to test a model of ``classes`` on, or all; labels follow its order."""
        place = {name: index for index, name in enumerate(classes)}
        if strange := [name for name in self.classes if name not in place]:
            known = ", ".join(map(name_text, classes[:10])) + ", ..." * (len(classes) > 10)
            what = f"the class {shown(strange[0])}, which the model does not know"
            raise DataError(f"{source} has {what}; it tells {known} apart")
        split = self._part(0, len(self.images)) if everything else self._splits()[TEST]
        if split is None:
            what = f"{source} has no images to test on; everything=True takes those it has"
            raise DataError(what, parameter="everything")
        return replace(split, labels=np.array([place[n] for n in self.classes])[split.labels])

    def _splits(self) -> list[Split | None]:
        ends = np.cumsum(self.counts).tolist()
        train, validation, test = (
            self._part(end - count, end) if count else None
            for count, end in zip(self.counts, ends, strict=True)
        )
        return [train, validation, test and replace(test, near_copies=self.near_copies)]

    def _part(self, start: int, end: int) -> Split:
        part = slice(start, end)
        names, groups = self.files and self.files[part], self.groups and self.groups[part]
        images, labels, digests = self.images[part], self.labels[part], self.digests[part]
        split = Split(images, labels, names=names, groups=groups, digests=digests)
        if self.prepared is None:
            return split
        done = self.prepared[part]
        words = tuple(map(", ".join, done))
        return replace(split, notes=_describe_preparation(done), prepared=words)


def _with_test(
    splits: npt.NDArray[np.int64],
    digests: Digests,
    labels: Labels,
    groups: Sequence[str] | None,
    seed: int,
) -> npt.NDArray[np.int64]:
    """Return the splits with a fifth of what is to train on put aside to test on."""
    train = splits == TRAIN
    some = groups and [groups[place] for place in np.flatnonzero(train).tolist()]
    test = split_by_content(digests[train], labels[train], some, seed=seed)
    changed = splits.copy()
    changed[train] = np.where(test, TEST, TRAIN)
    return changed


def gather(
    batches: Iterable[tuple[int, Sequence[str], Images]],
    most: int,
    own: Size,
    options: LoadOptions,
    name: Callable[[int], str],
    files: Sequence[tuple[str, int]],
) -> Collection:
    """Put images of one size together as they are read, never holding more than they become.

    ``files`` are what they lie in, with how many each holds, in the order in which they come.
    """
    own = own[::-1] if options.transpose else own
    size = options.size or bounded(own)
    stack = Stack(most, size, options.channels)
    names: list[str] = []
    digests, splits = [], []
    has_colours = False
    for split, labels, images in batches:
        if options.transpose:
            images = np.ascontiguousarray(images.swapaxes(2, 3))
        digests.append(digests_of(images))
        splits.append(np.full(len(images), split))
        has_colours |= options.channels == 1 and any(map(has_colour, images[::_TRIED]))
        stack.add(shaped(images, size, options))
        names += labels
    found = Collection.of(
        stack.images,
        names,
        np.concatenate(splits),
        digests=np.concatenate(digests),
        name=name,
        files=Numbered.of(files),
        notes=options.resized_note(own, size),
        split_seed=options.split_seed,
    )
    fit = options.fit or (None if fitted_size(own, size) == size else DEFAULT_FIT)
    return replace(found, has_colours=has_colours, fit=fit)


def arrange(images: Images, order: npt.NDArray[np.intp]) -> None:
    """Do ``images[:] = images[order]`` without a second copy: follow each cycle once."""
    places = order.tolist()
    for start, source in enumerate(places):
        if source in (start, -1):
            continue
        kept = images[start].copy()
        place = start
        while source != start:
            images[place] = images[source]
            places[place], place = -1, source
            source = places[place]
        images[place] = kept
        places[place] = -1


def _describe_same(digests: Digests, name: Callable[[int], str]) -> Iterator[str]:
    """Yield a sentence on images that are equal, and so are on one side of the split."""
    _, group_of, sizes = np.unique(digests, return_inverse=True, return_counts=True)
    if copies := int(sizes[sizes > 1].sum()):
        first, second = np.flatnonzero(group_of == sizes.argmax())[:2].tolist()
        example = f"such as {name(first)} and {name(second)}"
        yield f"copies: {copies:,} images are copies of another, {example}; they stay together"


def _describe_preparation(done: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the note on what was done to pictures that a model is to see.

    What differs only in sizes is told once, with those that most have.
    """
    kinds: dict[str, list[tuple[int, str]]] = {}
    for name, count in Counter(chain.from_iterable(done)).items():
        kinds.setdefault(_PAIRS.sub("", name), []).append((count, name))
    told = [
        (sum(count for count, _ in same), max(same)[1] + _OTHERS * (len(same) > 1))
        for same in kinds.values()
    ]
    told.sort(key=lambda one: -one[0])
    what = [f"{name} ({count:,} of {len(done):,})" for count, name in told]
    what[_MOST_DONE:] = ["..."] * (len(what) > _MOST_DONE)
    return (f"pictures were prepared: {', '.join(what)}",) if what else ()


def describe_copies(
    digests: Digests, labels: Labels, splits: npt.NDArray[np.int64], name: Callable[[int], str]
) -> Iterator[str]:
    """Yield a sentence on images that are in more than one split, and in more than one class."""
    order = np.argsort(digests, kind="stable")
    starts = np.flatnonzero(np.diff(digests[order]) != 0) + 1
    groups = [group for group in np.split(order, starts) if len(group) > 1]
    for kinds, what in ((splits, f"split, {TOO_GOOD}"), (labels, "class")):
        mixed = [group for group in groups if np.ptp(kinds[group])]
        if mixed:
            first = mixed[0][0]
            other = next(index for index in mixed[0] if kinds[index] != kinds[first])
            where = ""
            if kinds is splits:
                names = (SPLIT_NAMES[split] for split in sorted((kinds[first], kinds[other])))
                where = f" ({' and '.join(names)})"
            count = plural(len(mixed), "image")
            yield f"{count} in more than one {what}: {name(first)} is {name(other)}{where}"


def _near_copies(
    images: Images,
    labels: Labels,
    counts: tuple[int, int, int],
    digests: Digests,
    files: Sequence[str],
) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Return what the images to test on are near-copies of, and the sentence on it, if any.

    All is in the order of the splits.
    """
    train, start = counts[0], len(images) - counts[2]
    known = images[:train], labels[:train]
    near, _ = likeness.nearest(images[start:], labels[start:], known)
    are_copies = np.isin(digests[start:], digests[:train])
    told = likeness.describe(
        near, are_copies, lambda mine, other: (files[start + mine], files[other])
    )
    return near, list(told)


def describe_balance(
    labels: Labels, splits: npt.NDArray[np.int64], classes: Sequence[str]
) -> Iterator[str]:
    """Yield a sentence on classes without images to test, and on classes of different sizes."""
    train, test = (
        np.bincount(labels[splits == split], minlength=len(classes)) for split in (TRAIN, TEST)
    )
    missing = [name_text(name) for name, count in zip(classes, test, strict=True) if not count]
    if missing and test.any():
        some = ", ".join(missing[:3]) + ", ..." * (len(missing) > 3)
        kind = "class" if len(missing) == 1 else "classes"
        yield f"{_UNTESTED} {len(missing):,} {kind}: {some}"
    most, least = int(train.argmax()), int(train.argmin())
    if train[least] and (times := train[most] / train[least]) >= _UNBALANCED:
        larger, smaller = name_text(classes[most]), name_text(classes[least])
        what = f"{larger} has {times:.1f} times as many images to train on as {smaller}"
        remedy = '--balance (class_weight="balanced") finds more of these'
        yield f"{_UNBALANCED_NOTE}: {what}; {remedy}"


def is_about_split(note: str) -> bool:
    """Is a sentence on data about the parts that they are in, not about all images?"""
    words = (GROUPS, TOO_GOOD, _KEPT, _UNTESTED, _UNBALANCED_NOTE)
    return any(word in note for word in words)
