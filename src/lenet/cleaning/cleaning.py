"""``lenet.clean``: what in a collection of pictures should be looked at before training."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from lenet.arguments import plain
from lenet.cleaning.findings import Finding
from lenet.cleaning.kinds import BLANK, COPY, NEAR_COPY, ODD, TITLES, TWO_CLASSES, WRONG_LABEL
from lenet.cleaning.labels import Doubts, deal, find_doubts
from lenet.cleaning.material import Material
from lenet.cleaning.oddities import find_blank, find_odd
from lenet.cleaning.result import Cleaning
from lenet.data import Dataset, is_name, load, read_collection
from lenet.data.dataset import Labels
from lenet.data.likeness import UNKNOWN, nearest
from lenet.engine.native import check_threads
from lenet.errors import DataError, UsageError
from lenet.net.shapes import pair_text
from lenet.net.words import shown
from lenet.randomness import checked_seed
from lenet.writing.numbers import percent, plural

_MOST_FOLDS: Final = 20
#: Of more pairs of images of one class, near-copies of a part are looked for.
_MOST_PAIRS: Final = 1_000_000_000


def clean(
    data: Dataset | str | os.PathLike[str],
    *,
    folds: int = 5,
    seed: int = 0,
    threads: int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    size: int | str | Sequence[int] | None = None,
    gray: bool = False,
    rgb: bool = False,
    skip_bad: bool = False,
    transpose: bool = False,
    label_from_name: str | None = None,
    group: str | None = None,
    progress: Callable[[float], object] = lambda share: None,
) -> Cleaning:
    """Look through all images of a data set for what is likely wrong; nothing is changed.

    Likely wrong labels, one picture in two classes, copies, near-copies, blank and odd pictures.
    Labels are judged by small networks, each trained shortly on the other folds; they are ranked
    by the probability of the label. It takes about a minute per 60,000 small images.

    Args:
        data: a data set, the name of one, or the path of pictures, as ``lenet.load`` takes it.
        folds: parts that the images are dealt to, 2 to 20; so many networks are trained.
        seed: decides the parts and the first weights.
        threads: to train with; by default one per processor. The result does not depend on it.
        data_dir: the folder that holds the IDX files already.
        size, gray, rgb, skip_bad, transpose, label_from_name, group: of a path, as in
            ``lenet.load``. Images of a group that have one label are in one fold, and near-copies
            within a group are not told.
        progress: is told the share of the training that is done, from 0 to 1.

    Returns:
        The findings; ``print`` shows the first of each kind, ``save`` writes all of them as a page
        with the pictures (.html) or as a table (.csv).

    Raises:
        UsageError: an argument that cannot be meant.
        DataError: the data cannot be read.
        DivergenceError: a training failed, which no sane images lead to.
    """
    start = time.perf_counter()
    folds, seed = _checked_folds(folds), checked_seed(seed)
    check_threads(threads)
    how = {"size": size, "gray": gray, "rgb": rgb, "skip_bad": skip_bad}
    how |= {"transpose": transpose, "label_from_name": label_from_name, "group": group}
    material = _material(data, data_dir, how)
    near, likeness = nearest(material.images, material.labels, most=_MOST_PAIRS)
    doubts, notes = None, [*material.notes, *_notes_on_near(near)]
    if len(material.classes) < 2:
        notes.append("there is one class only, so no label can be judged")
    elif len(material) < folds:
        count = plural(len(material), "image")
        raise DataError(
            f"{count} cannot be dealt to {folds} folds; give more images, or fewer folds"
        )
    else:
        fold = deal(material, near, folds, seed)
        doubts = find_doubts(material, fold, seed, threads, progress)
        notes += _notes_on_labels(doubts)
    blank = find_blank(material.images)
    found = [
        *_labels(material, doubts, blank),
        *_copies(material, doubts, blank),
        *_near_copies(material, near, likeness),
        *_strange(material, blank),
    ]
    order = list(TITLES)
    found.sort(key=lambda finding: (order.index(finding.what), -finding.score))
    seconds = time.perf_counter() - start
    return Cleaning(material, tuple(found), doubts, folds, seed, seconds, tuple(notes))


def _checked_folds(folds: int) -> int:
    number = plain(folds)
    if type(number) is not int or not 2 <= number <= _MOST_FOLDS:
        allowed = f"a whole number from 2 to {_MOST_FOLDS}"
        raise UsageError(f"folds is {shown(folds)}; it must be {allowed}.")
    return number


def _material(data: Any, data_dir: Any, how: dict[str, Any]) -> Material:
    if isinstance(data, Dataset):
        return Material.of_dataset(data)
    if is_name(data):
        return Material.of_dataset(load(data, data_dir=data_dir, **how))
    collection, name = read_collection(data, **how)
    return Material.of_collection(collection, name)


def _notes_on_near(near: Labels) -> Iterator[str]:
    if (looked := int((near != UNKNOWN).sum())) < len(near):
        yield f"near-copies of {looked:,} of {len(near):,} images were looked for"


def _notes_on_labels(doubts: Doubts) -> Iterator[str]:
    if alone := len(doubts.own) - len(doubts.ranking):
        whose = (
            "1 image cannot be judged: it is"
            if alone == 1
            else f"{alone:,} images cannot be judged: they are"
        )
        yield f"the labels of {whose} all that their classes have"


def _labels(material: Material, doubts: Doubts | None, blank: Labels) -> Iterator[Finding]:
    """Yield the likely wrong labels; of a blank picture none is right."""
    if doubts is None:
        return
    for index in np.setdiff1d(np.flatnonzero(doubts.doubted), blank).tolist():
        own, probability = float(doubts.own[index]), float(doubts.probability[index])
        label, suspected = (
            material.classes[place] for place in (material.labels[index], doubts.suspected[index])
        )
        why = f"rather {suspected} ({percent(probability)}) than {label} ({percent(own)})"
        name = material.names[index]
        yield Finding(
            name, WRONG_LABEL, label, suspected, 1 - own, None, why, index, probability=probability
        )


def _copies(material: Material, doubts: Doubts | None, blank: Labels) -> Iterator[Finding]:
    """Yield each image that another is equal to, but for the first of them."""
    order = np.argsort(material.digests, kind="stable")
    starts = np.flatnonzero(np.diff(material.digests[order]) != 0) + 1
    empty = set(blank.tolist())
    for group in np.split(order, starts):
        if len(group) < 2 or int(group[0]) in empty:
            continue
        labels = material.labels[group]
        for index, label in zip(group[1:].tolist(), labels[1:].tolist(), strict=True):
            others = group[labels != label]
            if len(others):
                yield _in_two_classes(material, doubts, index, int(others[0]))
            else:
                first, name = int(group[0]), material.names[index]
                given, other = material.classes[label], material.names[first]
                why = "the same picture twice"
                yield Finding(name, COPY, given, None, 1.0, other, why, index, first)


def _in_two_classes(material: Material, doubts: Doubts | None, index: int, other: int) -> Finding:
    """Return the finding of two equal images, with the class that a network holds for likely."""
    given, theirs = (material.classes[material.labels[place]] for place in (index, other))
    suspected = None
    if doubts is not None and np.isfinite(doubts.own[index]):
        suspected = material.classes[doubts.suspected[index]]
    why = f"the same picture is in {given} and in {theirs}"
    names = material.names[index], material.names[other]
    return Finding(
        names[0], TWO_CLASSES, given, suspected, 1.0, names[1], why, index, other, theirs
    )


def _near_copies(material: Material, near: Labels, likeness: Any) -> Iterator[Finding]:
    """Yield each pair once; copies are told as such."""
    for index in np.flatnonzero(near >= 0).tolist():
        other = int(near[index])
        is_told = near[other] == index and other < index
        if is_told or material.digests[index] == material.digests[other]:
            continue
        if material.groups and material.groups[index] == material.groups[other] != "":
            continue
        names, score = (material.names[index], material.names[other]), float(likeness[index])
        label, why = material.classes[material.labels[index]], "nearly the same picture"
        yield Finding(names[0], NEAR_COPY, label, None, score, names[1], why, index, other)


def _strange(material: Material, blank: Labels) -> Iterator[Finding]:
    """Yield the pictures on which there is nothing, and those that are unlike the others."""
    for index in blank.tolist():
        label = material.classes[material.labels[index]]
        why = f"nearly one value everywhere, at {pair_text(material.images.shape[2:])} pixels"
        yield Finding(material.names[index], BLANK, label, None, 1.0, None, why, index)
    for odd in find_odd(material, blank):
        name, label = material.names[odd.index], material.classes[material.labels[odd.index]]
        yield Finding(name, ODD, label, None, odd.score, None, odd.why, odd.index)
