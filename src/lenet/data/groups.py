"""Groups of pictures that belong together, such as the frames of one film: never on two sides.

A pattern finds the group in a file's path: ``{group}_*`` in its name, ``{group}/*`` in the folder
that it lies in. Or a table has a column for it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.data.dataset import SPLIT_NAMES, Digests, Labels, Split
from lenet.data.folders import GROUP_MARK, Listing, name_reader, pattern_advice
from lenet.data.splitting import units_of
from lenet.errors import DataError, UsageError
from lenet.net.words import name_text, shown
from lenet.writing.numbers import plural

#: In sentences that are about the parts of the data.
GROUPS: Final = "groups: "
TOO_GOOD: Final = "which makes tests look too good"
_VERBS: Final = ("to train on", "to validate", "to test on")  # as the splits are numbered
_ADVICE: Final = "give smaller groups, more pictures, or a test split of your own"


def is_pattern(group: str) -> bool:
    """Is it a pattern of names, not the title of a column?"""
    return GROUP_MARK in group


def check_group(group: object) -> None:
    """Refuse what is neither a pattern nor the title of a column."""
    if not isinstance(group, str) or not group.strip():
        what = f"the group is {shown(group)}"
        advice = f"give a pattern of names with {GROUP_MARK}, or the title of a table's column"
        raise UsageError(f"{what}; {advice}.")
    if is_pattern(group):
        name_reader(group, GROUP_MARK)


def with_groups(listing: Listing, pattern: str) -> Listing:
    """Return a list of files with the group that a pattern finds for each."""
    read = name_reader(pattern, GROUP_MARK)
    found = [read(os.path.splitext(entry.path)[0]) or "" for entry in listing.entries]
    if not any(found):
        example = name_text(listing.entries[0].path)
        what = f"no file in {listing.root} has a name as {pattern!r} says ({example} is there)"
        advice = f"{pattern_advice(GROUP_MARK)}; a pattern with slashes is about folders, too"
        raise DataError(f"{what}; {advice}", parameter="group")
    entries = tuple(
        replace(entry, group=name) for entry, name in zip(listing.entries, found, strict=True)
    )
    return replace(listing, entries=entries)


def grouped(listing: Listing, path: str, group: str | None) -> Listing:
    """Return the files of a folder with their groups, if there are to be any."""
    if group is None:
        return listing
    if not is_pattern(group):
        what = f"{path} is a folder, which has no columns, and the group is {shown(group)}"
        advice = f"write where it is in the names of files, such as '{GROUP_MARK}_*'"
        raise DataError(f"{what}; {advice}", parameter="group")
    return with_groups(listing, group)


def joined_groups(splits: Iterable[Split]) -> tuple[str, ...] | None:
    """Return the group of every image, split after split, empty for none; None without any."""
    parts = list(splits)
    if all(split.groups is None for split in parts):
        return None
    return tuple(chain.from_iterable(split.groups or ("",) * len(split) for split in parts))


def check_divisible(
    groups: Sequence[str], digests: Digests, labels: Labels, classes: Sequence[str]
) -> None:
    """Refuse groups of which no class, or not every class, can be on both sides of a split."""
    numbers = units_of(digests, groups)
    units = np.unique(numbers)
    names = sorted(set(groups) - {""})
    if len(units) == 1 and names:
        what = f"all {len(groups):,} images are in one group, {name_text(names[0])}"
        raise DataError(f"{what}; {_ADVICE}", parameter="group")
    for label in np.unique(labels).tolist():
        own = np.flatnonzero(labels == label)
        if len(own) > 1 and len(np.unique(numbers[own])) == 1 and (name := groups[own[0]]):
            what = f"all {len(own):,} images of class {name_text(classes[label])} are in one group"
            raise DataError(f"{what}, {name_text(name)}; {_ADVICE}", parameter="group")


def describe_groups(
    groups: Sequence[str], splits: npt.NDArray[np.int64], are_kept: bool
) -> Iterator[str]:
    """Yield sentences on groups: those in more than one split, and how all are divided.

    ``are_kept`` says that the split was made here, and that they are kept together in it.
    """
    sizes = Counter(groups)
    alone = sizes.pop("", 0)
    if not sizes:
        what = "no picture is in a group"
        raise DataError(f"{what}; fill the column, or leave it out", parameter="group")
    sides: dict[str, set[int]] = {}
    for group, split in zip(groups, splits.tolist(), strict=True):
        if group:
            sides.setdefault(group, set()).add(split)
    torn = [group for group, kinds in sides.items() if len(kinds) > 1]
    if torn:
        where = " and ".join(SPLIT_NAMES[kind] for kind in sorted(sides[torn[0]]))
        share = f"{len(torn):,} of {plural(len(sides), 'group')} in more than one split"
        yield f"{share}, {TOO_GOOD}: {name_text(torn[0])} is in {where}"
    counts = Counter(min(kinds) for kinds in sides.values() if len(kinds) == 1)
    divided = ", ".join(f"{counts[kind]:,} {_VERBS[kind]}" for kind in sorted(counts))
    least, most = min(sizes.values()), plural(max(sizes.values()), "image")
    same = least == max(sizes.values())
    ends = f"{most} each" if same and len(sizes) > 1 else most if same else f"{least:,} to {most}"
    kept = ", none on two sides" * are_kept
    yield f"{GROUPS}{len(sizes):,} of {ends}: {divided}{kept}".removesuffix(": ")
    if alone:
        yield f"{plural(alone, 'image')} in no group: only copies of each stay together"
