"""Lists of picture files with their classes and splits, and how folders become one.

A folder holds a folder of pictures for each class, perhaps within ``train``, ``val`` and ``test``.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.data.split import SPLIT_WORDS, TRAIN, VALIDATION, Labels
from lenet.errors import DataError, reason
from lenet.net.words import name_text, natural, shown

MAX_FILES: Final = 1_000_000
MAX_NAME: Final = 200
MAX_CLASSES: Final = 10_000
RUN_FILE: Final = "run.json"
"""What a folder holds that a training wrote."""

#: What systems leave in folders and show to nobody.
_LITTER: Final = {"thumbs.db", "desktop.ini", "__macosx"}
_DEEPEST: Final = 32
_ADVICE: Final = (
    "put the pictures of each class into a folder of its name, or list them in a .csv of path,label"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file to read.

    Attributes:
        label: the name of its class.
        path: from the root, with slashes on every system.
        split: one of the three of :mod:`lenet.data.split`.
        stamp: its size and time of change; with its path it says whether it is still the same.
        fault: why it is not to be opened, as the predicate of a sentence; empty if it is.
    """

    label: str
    path: str
    split: int
    stamp: tuple[int, int] = (0, 0)
    fault: str = ""


@dataclass(frozen=True, eq=False)
class Listing:
    """Files in the order in which their images will stand: by class, then by path.

    Attributes:
        root: the folder that the paths start from.
        entries: the files.
        classes: the names of all classes in natural order.
        notes: sentences on what was found.
    """

    root: str
    entries: tuple[Entry, ...]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, root: str, entries: Iterable[Entry], notes: Iterable[str] = ()) -> Listing:
        """Put entries that come in any order into a list.

        Raises:
            DataError: they are too many to be meant, or of too many classes.
        """
        by_class: dict[str, list[Entry]] = {}
        for number, entry in enumerate(entries):
            if number >= MAX_FILES:
                raise DataError(
                    f"there are more than {MAX_FILES:,} files in {root}; give pictures alone, or "
                    "an .npz file of so many"
                )
            by_class.setdefault(entry.label, []).append(entry)
        classes = classes_of(by_class)
        for members in by_class.values():  # class by class: the keys of all would fill memory
            members.sort(key=lambda entry: natural(entry.path))
        ordered = chain.from_iterable(by_class[name] for name in classes)
        return cls(root, tuple(ordered), classes, tuple(notes))

    @property
    def labels(self) -> Labels:
        """(N,) each file's class."""
        return indices_of([entry.label for entry in self.entries], self.classes)

    @property
    def splits(self) -> npt.NDArray[np.int64]:
        """(N,) each file's split."""
        return np.array([entry.split for entry in self.entries], np.int64)


def class_name(text: str, where: str) -> str:
    """Return a class's name in one of Unicode's forms: systems write folders in different ones.

    Raises:
        DataError: it is empty, too long, or holds what cannot be printed.
    """
    name = unicodedata.normalize("NFC", text.strip())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise DataError(
            f"{where} names a class {shown(text)}; a class needs a name of 1 to {MAX_NAME} "
            "characters that can be printed"
        )
    return name


def classes_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the different names, each once, in natural order.

    Raises:
        DataError: there are too many to be classes.
    """
    classes = sorted(set(names), key=natural)
    if len(classes) > MAX_CLASSES:
        raise DataError(
            f"there are {len(classes):,} different labels, from {shown(classes[0])} to "
            f"{shown(classes[-1])}; at most {MAX_CLASSES:,} classes are told apart"
        )
    return tuple(classes)


def indices_of(names: Iterable[str], classes: tuple[str, ...]) -> Labels:
    """Return the index of each name among the classes."""
    place = {name: index for index, name in enumerate(classes)}
    return np.fromiter((place[name] for name in names), np.int64)


def look_at(root: str, path: str, label: str, split: int) -> Entry:
    """Return the entry of a file below ``root``, a real path: what may be opened of it.

    A link may lead to another place below the root; pipes and devices are never opened.
    """
    full = os.path.join(root, *path.split("/"))
    try:
        found = os.lstat(full)
        if stat.S_ISLNK(found.st_mode):
            if os.path.commonpath([root, os.path.realpath(full)]) != root:
                return Entry(label, path, split, fault="is a link that leads out of the folder")
            found = os.stat(full)
    except (OSError, ValueError) as error:  # ValueError: a zero byte, or another drive
        return Entry(label, path, split, fault=f"cannot be opened ({reason(error)})")
    if stat.S_ISDIR(found.st_mode):
        return Entry(label, path, split, fault="is a folder, or a link to one")
    if not stat.S_ISREG(found.st_mode):
        return Entry(label, path, split, fault="is a pipe or a device, no file")
    return Entry(label, path, split, (found.st_size, found.st_mtime_ns))


def list_pictures(root: str) -> Listing:
    """List the files below a folder, by class; hidden ones are left out.

    Args:
        root: a real path.

    Raises:
        DataError: there are no class folders, or the folder cannot be read.
    """
    folders, files = _look_into(root)
    if not folders:
        content = "are files but no folders" if files else "is nothing"
        raise DataError(f"there {content} in {root}; {_ADVICE}")
    notes = _left_out(root, root, files)
    splits = _as_splits(folders)
    if not splits:
        return Listing.of(root, _classes(root, "", folders, TRAIN), notes)
    entries: list[Entry] = []
    for folder, split in splits.items():
        classes, files = _look_into(os.path.join(root, folder))
        if not classes:
            raise DataError(f"{os.path.join(root, folder)} has no folders for classes; {_ADVICE}")
        notes += _left_out(root, folder, files)
        entries += _classes(root, f"{folder}/", classes, split)
    return Listing.of(root, entries, notes)


def _as_splits(folders: list[str]) -> dict[str, int]:
    """Return each folder's split if all of them are splits, else nothing."""
    splits = {f: SPLIT_WORDS[low] for f in folders if (low := f.lower()) in SPLIT_WORDS}
    kinds = set(splits.values())
    if len(splits) < len(folders) or kinds == {VALIDATION}:
        return {}
    if len(kinds) < len(splits):
        raise DataError(
            f"the folders {' and '.join(sorted(splits))} name one split twice; keep one of a kind"
        )
    return splits


def _classes(root: str, prefix: str, folders: list[str], split: int) -> Iterator[Entry]:
    for folder in folders:
        label = class_name(folder, f"a folder in {root}")
        entries = list(_below(root, prefix + folder, label, split, 1))
        if not entries:
            raise DataError(
                f"the class folder {name_text(prefix + folder)} has no pictures; fill or remove it"
            )
        yield from entries


def _below(root: str, path: str, label: str, split: int, depth: int) -> Iterator[Entry]:
    folders, files = _look_into(os.path.join(root, *path.split("/")))
    for name in files:
        yield look_at(root, f"{path}/{name}", label, split)
    for name in folders:
        if depth >= _DEEPEST:
            raise DataError(f"{name_text(path)} lies more than {_DEEPEST} folders deep; move it up")
        yield from _below(root, f"{path}/{name}", label, split, depth + 1)


def _look_into(folder: str) -> tuple[list[str], list[str]]:
    """Return the names of the folders and of everything else that is not hidden."""
    names: tuple[list[str], list[str]] = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name.lower() in _LITTER:
                    continue
                # A link to a folder may lead round in circles, or out.
                is_folder = entry.is_dir(follow_symlinks=False)
                if not (is_folder and _holds_runs(entry)):
                    names[not is_folder].append(entry.name)
    except OSError as error:
        raise DataError(f"cannot read the folder {folder}: {reason(error)}") from error
    return sorted(names[0]), sorted(names[1])


def _holds_runs(entry: os.DirEntry[str]) -> bool:
    """Is it ``runs``, where trainings that were started here lie with pictures of their own?"""
    if entry.name != "runs":
        return False
    with os.scandir(entry.path) as runs:
        return any(os.path.exists(os.path.join(run.path, RUN_FILE)) for run in runs)


def _left_out(root: str, folder: str, files: list[str]) -> list[str]:
    """Return the note on files beside the class folders, if there are any."""
    for name in files:
        path = os.path.join(root, folder, name)
        if os.path.islink(path) and os.path.isdir(path):
            raise DataError(f"{path} is a link to a folder; put the folder itself there")
    if not files:
        return []
    some = ", ".join(name_text(name) for name in files[:3]) + ", ..." * (len(files) > 3)
    return [f"left out, because no class folder holds them: {len(files):,} in {folder} ({some})"]
