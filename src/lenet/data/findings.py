"""What stands out in a data set: sentences and a table, before it is trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.data.dataset import Dataset
from lenet.data.listing import TEST, TRAIN, VALIDATION
from lenet.data.split import Digests
from lenet.net.words import name_text

#: From so many times as many images on, classes are said to be unbalanced.
_UNBALANCED: Final = 3.0
_WORDS: Final = {TRAIN: "train", VALIDATION: "validation", TEST: "test"}

Labels = npt.NDArray[np.int64]


def copies(
    digests: Digests, labels: Labels, parts: Labels, name: Callable[[int], str]
) -> Iterator[str]:
    """Images that are there more than once where that does harm, a sentence each kind.

    Args:
        digests: (N,) of the images.
        labels: (N,) their classes.
        parts: (N,) their parts.
        name: what to call an image, by its index.
    """
    order = np.argsort(digests, kind="stable")
    starts = np.flatnonzero(np.diff(digests[order]) != 0) + 1
    groups = [group for group in np.split(order, starts) if len(group) > 1]
    in_parts = [group for group in groups if np.ptp(parts[group])]
    if in_parts:
        pair = _pair(in_parts[0], parts)
        places = " and ".join(_WORDS[int(part)] for part in sorted(set(parts[pair].tolist())))
        yield (
            f"{_count(len(in_parts), 'image')} in more than one part, which makes tests look too "
            f"good: {name(pair[0])} is {name(pair[1])} ({places})"
        )
    in_classes = [group for group in groups if np.ptp(labels[group])]
    if in_classes:
        pair = _pair(in_classes[0], labels)
        yield (
            f"{_count(len(in_classes), 'image')} in more than one class: "
            f"{name(pair[0])} is {name(pair[1])}"
        )


def balance(labels: Labels, parts: Labels, classes: Sequence[str]) -> Iterator[str]:
    """Classes without images to test, and classes of very different sizes."""
    train = np.bincount(labels[parts == TRAIN], minlength=len(classes))
    test = np.bincount(labels[parts == TEST], minlength=len(classes))
    missing = [name_text(name) for name, count in zip(classes, test, strict=True) if not count]
    if missing and test.any():
        shown = ", ".join(missing[:3]) + ", ..." * (len(missing) > 3)
        yield f"no images to test {_count(len(missing), 'class', 'classes')}: {shown}"
    most, least = int(train.argmax()), int(train.argmin())
    if train[least] and train[most] / train[least] >= _UNBALANCED:
        yield (
            f"classes are unbalanced: {name_text(classes[most])} has "
            f"{train[most] / train[least]:.1f} times as many images to train on as "
            f"{name_text(classes[least])}"
        )


def class_table(data: Dataset, most: int | None = None) -> str:
    """How many images each class has in each part, a row a class, and the totals.

    Args:
        data: the data set.
        most: rows at most; the classes in the middle are counted instead.
    """
    parts, counts = tuple(data.class_counts), np.array([*data.class_counts.values()])
    rows = [(name_text(name), row) for name, row in zip(data.classes, counts.T, strict=True)]
    total = ("total", counts.sum(axis=1))
    if most is not None and len(rows) > most:
        head, tail = rows[: most - 2], rows[-1:]
        rest = rows[most - 2 : -1]
        between = (f"{len(rest):,} more", np.sum([row for _, row in rest], axis=0))
        rows = [*head, between, *tail]
    rows.append(total)
    names = max(5, *(len(name) for name, _ in rows))
    widths = [max(len(part), len(f"{total[1][i]:,}")) for i, part in enumerate(parts)]
    lines = [["class", *parts], *([name, *(f"{n:,}" for n in row)] for name, row in rows)]
    return "\n".join(
        f"{name:<{names}}" + "".join(f"  {n:>{w}}" for n, w in zip(row, widths, strict=True))
        for name, *row in lines
    )


def _pair(group: npt.NDArray[np.intp], kinds: Labels) -> npt.NDArray[np.intp]:
    """The first of a group, and the first of another kind."""
    other = group[kinds[group] != kinds[group[0]]][0]
    return np.array([group[0], other])


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
