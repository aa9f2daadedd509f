"""What was read from a path: images with their classes, in the order train, validation, test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.data.dataset import Dataset, Split
from lenet.data.folders import classes_of, indices_of
from lenet.data.options import LoadOptions, Size, Stack, bounded, shaped
from lenet.data.preprocess import Images
from lenet.data.split import (
    SPLIT_NAMES,
    TEST,
    TRAIN,
    Digests,
    Labels,
    digests_of,
    split_by_content,
)
from lenet.errors import DataError
from lenet.net.words import name_text, shown

#: From so many times as many images on, classes are said to be unbalanced.
_UNBALANCED: Final = 3.0


@dataclass(frozen=True, eq=False)
class Collection:
    """What a folder, a table or an array file holds.

    Attributes:
        images: (N, C, H, W) uint8, split after split.
        labels: (N,) indices into ``classes``.
        counts: how many to train on, to validate and to test on; they add up to N.
        classes: the names of the classes, in natural order.
        notes: sentences on what was found.
    """

    images: Images
    labels: Labels
    counts: tuple[int, int, int]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        images: Images,
        labels: Labels,
        splits: npt.NDArray[np.int64],
        classes: Sequence[str],
        *,
        digests: Digests,
        name: Callable[[int], str],
        notes: Iterable[str] = (),
    ) -> Collection:
        """Keep a fifth for testing if nothing is, put the splits in order, see what stands out.

        Args:
            images: (N, C, H, W) uint8; taken over, and put in order where they are.
            labels: (N,).
            splits: (N,).
            classes: all names.
            digests: (N,) of the images as they were found.
            name: what to call an image, by its index.
            notes: what is known already.
        """
        sentences = list(notes)
        train = splits == TRAIN
        if train.any() and TEST not in splits:
            splits = splits.copy()
            test = split_by_content(digests[train], labels[train])
            splits[train] = np.where(test, TEST, TRAIN)
            sentences.append("a fifth of the images, chosen by their content, is kept for testing")
        sentences += describe_copies(digests, labels, splits, name)
        sentences += describe_balance(labels, splits, classes)
        order = np.argsort(splits, kind="stable")
        arrange(images, order)
        first, second, third = np.bincount(splits, minlength=3).tolist()
        counts = (first, second, third)
        return cls(images, labels[order], counts, tuple(classes), tuple(sentences))

    def dataset(self, name: str, source: str) -> Dataset:
        """Return the data set to train and to test on.

        Raises:
            DataError: a split or the difference between classes is missing.
        """
        train, validation, test = self._splits()
        if len(self.classes) < 2:
            raise DataError(
                f"{source} has one class only, {name_text(self.classes[0])}; give the place that "
                "has a folder, or a label, for each of two or more classes"
            )
        if not train:
            raise DataError(f"{source} has no images to train on; add a train split")
        if not test:
            raise DataError(
                f"{source} has no images to test on; add a test split, or at least two different "
                "images to a class: a fifth of them is kept for testing then"
            )
        learnt = np.bincount(train.labels, minlength=len(self.classes))
        if not learnt.all():
            raise DataError(
                f"{source} has images of class {shown(self.classes[int(learnt.argmin())])} to test "
                "or validate on but none to train on; add some, or take the class out"
            )
        return Dataset(name, train, test, self.classes, validation, source, self.notes)

    def split_for(self, classes: Sequence[str], everything: bool, source: str) -> Split:
        """Return the images to test a model on that tells ``classes`` apart, or all images.

        Labels are indices into ``classes``.

        Raises:
            DataError: there are images of other classes, or none to test on.
        """
        place = {name: index for index, name in enumerate(classes)}
        if strange := [name for name in self.classes if name not in place]:
            raise DataError(
                f"{source} has the class {shown(strange[0])}, which the model does not know; it "
                f"tells {', '.join(map(name_text, classes[:10]))}{', ...' * (len(classes) > 10)} "
                "apart"
            )
        split = Split(self.images, self.labels) if everything else self._splits()[TEST]
        if split is None:
            raise DataError(
                f"{source} has no images to test on; everything=True takes those it has",
                parameter="everything",
            )
        return Split(split.images, np.array([place[n] for n in self.classes])[split.labels])

    def _splits(self) -> list[Split | None]:
        ends = np.cumsum(self.counts).tolist()
        return [
            Split(self.images[end - count : end], self.labels[end - count : end]) if count else None
            for count, end in zip(self.counts, ends, strict=True)
        ]


def gather(
    batches: Iterable[tuple[int, Sequence[str], Images]],
    most: int,
    own: Size,
    options: LoadOptions,
    name: Callable[[int], str],
) -> Collection:
    """Put images of one size together as they are read, never holding more than they become.

    Args:
        batches: a split, n labels and n images (n, C, h, w) at a time.
        most: how many images there are at most.
        own: the images' (height, width).
        options: the size and colour to bring them to.
        name: what to call an image, by its index.

    Raises:
        DataError: they would not fit into memory, or have too many classes.
    """
    size = options.size or bounded(own)
    stack = Stack(most, size, options.channels)
    labels: list[str] = []
    digests, splits = [], []
    for split, names, images in batches:
        digests.append(digests_of(images))
        splits.append(np.full(len(images), split))
        stack.add(shaped(images, size, options.channels))
        labels += names
    classes = classes_of(labels)
    return Collection.of(
        stack.images,
        indices_of(labels, classes),
        np.concatenate(splits),
        classes,
        digests=np.concatenate(digests),
        name=name,
        notes=options.resized_note(own, size),
    )


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


def describe_copies(
    digests: Digests, labels: Labels, splits: npt.NDArray[np.int64], name: Callable[[int], str]
) -> Iterator[str]:
    """Yield a sentence on images that are in more than one split, and in more than one class.

    Args:
        digests: (N,) of the images.
        labels: (N,) their classes.
        splits: (N,) their splits.
        name: what to call an image, by its index.
    """
    order = np.argsort(digests, kind="stable")
    starts = np.flatnonzero(np.diff(digests[order]) != 0) + 1
    groups = [group for group in np.split(order, starts) if len(group) > 1]
    for kinds, what in ((splits, "split, which makes tests look too good"), (labels, "class")):
        mixed = [group for group in groups if np.ptp(kinds[group])]
        if mixed:
            first = mixed[0][0]
            other = next(index for index in mixed[0] if kinds[index] != kinds[first])
            where = ""
            if kinds is splits:
                names = [SPLIT_NAMES[kinds[index]] for index in (first, other)]
                where = f" ({' and '.join(sorted(names, key=SPLIT_NAMES.index))})"
            yield (
                f"{_count(len(mixed), 'image', 'images')} in more than one {what}: {name(first)} "
                f"is {name(other)}{where}"
            )


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
        yield f"no images to test {_count(len(missing), 'class', 'classes')}: {some}"
    most, least = int(train.argmax()), int(train.argmin())
    if train[least] and train[most] / train[least] >= _UNBALANCED:
        yield (
            f"classes are unbalanced: {name_text(classes[most])} has "
            f"{train[most] / train[least]:.1f} times as many images to train on as "
            f"{name_text(classes[least])}"
        )


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
