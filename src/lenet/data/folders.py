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

from lenet.data.dataset import SPLIT_WORDS, TRAIN, VALIDATION
from lenet.errors import DataError, reason
from lenet.net.words import name_text, natural, shown
from lenet.run_folder import holds_runs

MAX_FILES: Final = 1_000_000
MAX_NAME: Final = 200
MAX_CLASSES: Final = 10_000

#: What systems leave in folders and show to nobody.
_LITTER: Final = {"thumbs.db", "desktop.ini", "__macosx"}
_DEEPEST: Final = 32
_ADVICE: Final = (
    "put the pictures of each class into a folder of its name, or list them in a .csv of path,label"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file to read, its class and its split, a number of :mod:`lenet.data.dataset`."""

    label: str
    path: str  # from the root, with slashes on every system
    split: int
    stamp: tuple[int, int] = (0, 0)  # its size and time of change: is it still the same?
    fault: str = ""  # why it is not to be opened, as the predicate of a sentence


@dataclass(frozen=True, eq=False)
class Listing:
    """Files in the order in which their images will stand: by class, then by path."""

    root: str  # the folder that the paths start from
    entries: tuple[Entry, ...]
    classes: tuple[str, ...]  # all names in natural order
    notes: tuple[str, ...] = ()  # sentences on what was found

    @classmethod
    def of(cls, root: str, entries: Iterable[Entry], notes: Iterable[str] = ()) -> Listing:
        """Put entries that come in any order into a list."""
        by_class: dict[str, list[Entry]] = {}
        for number, entry in enumerate(entries):
            if number >= MAX_FILES:
                what = f"there are more than {MAX_FILES:,} files in {root}"
                raise DataError(f"{what}; give pictures alone, or an .npz file of so many")
            by_class.setdefault(entry.label, []).append(entry)
        classes = classes_of(by_class)
        for members in by_class.values():  # class by class: the keys of all would fill memory
            members.sort(key=lambda entry: natural(entry.path))
        ordered = chain.from_iterable(by_class[name] for name in classes)
        return cls(root, tuple(ordered), classes, tuple(notes))


def class_name(text: str, where: str) -> str:
    """Return a class's name in one of Unicode's forms: systems write folders in different ones."""
    name = unicodedata.normalize("NFC", text.strip())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        allowed = f"1 to {MAX_NAME} characters that can be printed"
        raise DataError(f"{where} names a class {shown(text)}; give a name of {allowed}")
    return name


def classes_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the different names, each once, in natural order."""
    classes = sorted(set(names), key=natural)
    if len(classes) > MAX_CLASSES:
        ends = f"from {shown(classes[0])} to {shown(classes[-1])}"
        what = f"there are {len(classes):,} different labels, {ends}"
        raise DataError(f"{what}; give at most {MAX_CLASSES:,} classes")
    return tuple(classes)


def look_at(root: str, path: str, label: str, split: int) -> Entry:
    """Return the entry of a file below ``root``, a real path; links may not lead out of it."""
    full = os.path.join(root, *path.split("/"))
    try:
        status = os.lstat(full)
        if stat.S_ISLNK(status.st_mode):
            if os.path.commonpath([root, os.path.realpath(full)]) != root:
                return Entry(label, path, split, fault="is a link that leads out of the folder")
            status = os.stat(full)
        if stat.S_ISREG(status.st_mode):
            return Entry(label, path, split, (status.st_size, status.st_mtime_ns))
        is_folder = stat.S_ISDIR(status.st_mode)
        fault = "is a folder, or a link to one" if is_folder else "is a pipe or a device, no file"
    except (OSError, ValueError) as error:  # ValueError: a zero byte, or another drive
        fault = f"cannot be opened ({reason(error)})"
    return Entry(label, path, split, fault=fault)


def list_pictures(root: str) -> Listing:
    """List the files below ``root``, a real path, by class; hidden ones are left out."""
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
        both = " and ".join(sorted(splits))
        raise DataError(f"the folders {both} name one split twice; keep one of a kind")
    return splits


def _classes(root: str, prefix: str, folders: list[str], split: int) -> Iterator[Entry]:
    for folder in folders:
        label = class_name(folder, f"a folder in {root}")
        entries = list(_below(root, prefix + folder, label, split, 1))
        if not entries:
            name = name_text(prefix + folder)
            raise DataError(f"the class folder {name} has no pictures; fill or remove it")
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
                if not (is_folder and holds_runs(entry)):
                    names[not is_folder].append(entry.name)
    except OSError as error:
        raise DataError(f"cannot read the folder {folder}: {reason(error)}") from error
    return sorted(names[0]), sorted(names[1])


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
