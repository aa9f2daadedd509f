"""Lists of picture files with their classes and splits, out of folders.

A folder holds a folder of pictures for each class, perhaps within ``train``, ``val`` and ``test``;
or the class is in each file's name, and a pattern says where: ``{label}_*`` for ``cat_0001.png``.
The same patterns find the group of a file: see :mod:`lenet.data.groups`.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Final

from lenet.data.dataset import MAX_NAME, SPLIT_WORDS, TRAIN, VALIDATION, is_class_name
from lenet.errors import DataError, UsageError, reason
from lenet.net.words import listed, name_text, natural, shown
from lenet.run_folder import holds_runs

MAX_FILES: Final = 1_000_000
MAX_CLASSES: Final = 10_000

#: What systems leave in folders and show to nobody.
_LITTER: Final = {"thumbs.db", "desktop.ini", "__macosx"}
_DEEPEST: Final = 32
_ADVICE: Final = (
    "put the pictures of each class into a folder of its name, or list them in a .csv of path,label"
)
#: How the names of picture files end; what a file is, its content says.
PICTURE_ENDINGS: Final = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".ppm", ".pgm", ".pnm", ".webp", ".gif"),
    *(".tif", ".tiff"),
)
#: Kaggle's "test1", and others that mean a split.
_SPLIT_LIKE: Final = re.compile(rf"({'|'.join(SPLIT_WORDS)})[^a-z]*", re.IGNORECASE)
#: Stand for the class and the group in a pattern of names; ``*`` is anything and ``#`` a number.
LABEL_MARK: Final = "{label}"
GROUP_MARK: Final = "{group}"
_MOST_MARKS: Final = {LABEL_MARK: 1, GROUP_MARK: 3}
_MOST_WILDCARDS: Final = 3
_MOST_FREE: Final = 4  # of both in a part of a path: the time to try a long name grows with each
_LONGEST: Final = 255  # characters of a file's name, on every file system
#: What names are tried with when a pattern is proposed.
_PATTERNS: Final = (
    *("{label}_#", "#_{label}", "{label}-#", "#-{label}", "{label}.#", "{label} (#)", "{label}#"),
    *("{label}_*", "*_{label}", "{label}-*", "*-{label}", "{label}.*", "*.{label}"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file to read, its class and its split, a number of :mod:`lenet.data.dataset`."""

    label: str
    path: str  # from the root, with slashes on every system
    split: int
    stamp: tuple[int, int] = (0, 0)  # its size and time of change: is it still the same?
    fault: str = ""  # why it is not to be opened, as the predicate of a sentence
    group: str = ""  # what stays together in every split; empty: nothing but its copies


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
    if not is_class_name(name):
        allowed = f"1 to {MAX_NAME} characters that can be printed"
        raise DataError(f"{where} names a class {shown(text)}; give a name of {allowed}")
    return name


def classes_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the different names, each once, in natural order."""
    different = set(names)
    whole = all(re.fullmatch("-?[0-9]{1,20}", name) for name in different)
    classes = sorted(different, key=lambda name: (int(name), name) if whole else natural(name))
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


def list_pictures(root: str, given: str = "") -> Listing:
    """List the files below ``root``, a real path, by class; hidden ones are left out.

    ``given`` is the same place as a person wrote it.
    """
    given = given or root
    folders, files = look_into(root)
    if not folders:
        what = f"there {'are files but no folders' if files else 'is nothing'} in {root}"
        raise _without_folders(what, given, files)
    tables = _tables(given, files)
    notes = _left_out(root, root, files)
    splits = _as_splits(folders)
    if not splits:
        _refuse_outer(root, given, folders)
        return Listing.of(root, _classes(root, "", folders, TRAIN), notes)
    entries: list[Entry] = []
    for folder, split in splits.items():
        place = os.path.join(root, folder)
        classes, files = look_into(place)
        if not classes:
            inner = os.path.join(given, folder)
            raise _without_folders(f"{place} has no folders for classes", inner, files, tables)
        notes += _left_out(root, folder, files)
        entries += _classes(root, f"{folder}/", classes, split)
    return Listing.of(root, entries, notes)


def _refuse_outer(root: str, given: str, folders: list[str]) -> None:
    """Refuse a folder around a data set, whose folders are no classes, and name that below it."""
    if len(folders) == 1:
        place, inside = folders[0], look_into(os.path.join(root, folders[0]))[0]
        while len(inside) == 1 and not _as_splits(inside):
            place = os.path.join(place, inside[0])
            inside = look_into(os.path.join(root, place))[0]
        if inside:
            what = f"{given} holds one folder, {name_text(place)}"
            inner = os.path.join(given, place)
            raise DataError(f"{what}, with {listed_names(inside)} in it; give {inner}")
    if len(folders) > 1 and all(map(_SPLIT_LIKE.fullmatch, folders)):
        what = f"{given} has {listed_names(folders)}, which look like splits and not like classes"
        inner = os.path.join(given, folders[-1])
        raise DataError(f"{what}; call them train, val and test, or give one, such as {inner}")
    contents = {name: look_into(os.path.join(root, name))[0] for name in folders}
    outer = [name for name in folders if len(_as_splits(contents[name])) > 1]
    if len(outer) > 1:
        what = f"in {given}, {listed_names(outer)} have splits in them"
        advice = f"put the classes into the splits, as train/{outer[0]} and test/{outer[0]}"
        raise DataError(f"{what}; {advice}")
    for name in outer:
        what = f"{given} has the folder {name_text(name)} with {listed_names(contents[name])} in it"
        raise DataError(f"{what}; give {os.path.join(given, name)}")
    splits = [name for name in folders if name.lower() in SPLIT_WORDS and len(contents[name]) > 1]
    if splits:
        others = [name for name in folders if name.lower() not in SPLIT_WORDS]
        what = f"{given} has {name_text(splits[0])} and, beside it, {listed_names(others)}"
        advice = f"keep train, val and test alone there, or give {os.path.join(given, splits[0])}"
        raise DataError(f"{what}; {advice}")


def listed_names(names: Sequence[str]) -> str:
    """Write the first few of names out of a folder."""
    some = [*map(name_text, names[:3]), *(["..."] if len(names) > 3 else [])]
    return ", ".join(some) if len(names) > 3 else listed(some)


def _tables(given: str, files: Sequence[str]) -> list[str]:
    """Return the paths of files that may list pictures or hold them."""
    names = [name for name in files if name.lower().endswith((".csv", ".tsv", ".npz"))]
    return [os.path.join(given, name) for name in names]


def _without_folders(
    what: str, given: str, files: Sequence[str], tables: Sequence[str] = ()
) -> DataError:
    """Say that a place has no folders for classes, and how its files may be read instead.

    ``tables`` are those in the folder above.
    """
    tables = [*tables, *_tables(given, files)]
    stems = [stem for name in files if (stem := _stem(name))]
    if tables:
        return DataError(f"{what}; give the file that lists them: {listed(tables[:3], 'or')}")
    if len(stems) > 1 and (pattern := proposed_pattern(stems)):
        reader = name_reader(pattern)
        classes = classes_of(label for stem in stems if (label := reader(stem)))
        example = next(name for name in files if _stem(name))
        label = reader(_stem(example))
        advice = (
            f"if the class is in each name ({listed_names(classes)}), say "
            f"label_from_name={pattern!r}, or list them in a .csv of path,label with lines such "
            f"as {example},{label}"
        )
        return DataError(f"{what}; {advice}", parameter="label_from_name")
    return DataError(f"{what}; {_ADVICE}")


def _stem(name: str) -> str:
    """Return a picture's name without its ending; "" for other files."""
    stem, ending = os.path.splitext(name)
    return stem if ending.lower() in PICTURE_ENDINGS else ""


def name_reader(pattern: str, mark: str = LABEL_MARK) -> Callable[[str], str | None]:
    """Return what finds a class, or what ``mark`` stands for, in a path without its ending.

    The pattern is about as many parts of the path, from its end, as it has itself: one without a
    slash is about the file's name. What it finds is None where it does not fit; of several marks
    it is all their texts, with slashes.

    Raises:
        UsageError: the pattern does not say where the class is.
    """
    text = pattern if isinstance(pattern, str) else ""
    words = [word for word in re.split(rf"({re.escape(mark)}|\*+|#)", text) if word]
    wildcards = sum(word[0] in "*#" for word in words)
    free = max(sum(part.count(sign) for sign in (mark, "*", "#")) for part in text.split("/"))
    few = wildcards <= _MOST_WILDCARDS and free <= _MOST_FREE
    if not (1 <= words.count(mark) <= _MOST_MARKS[mark] and few):
        what = f"the pattern of names is {shown(pattern)}"
        raise UsageError(f"{what}; {pattern_advice(mark)}, such as '{mark}_*' for cat_0001.png.")
    for first, second in pairwise(words):
        if mark in (first, second) and {first[0], second[0]} <= {mark[0], "*"}:
            what = f"the pattern of names is {shown(pattern)}"
            why = f"{first}{second} does not say where one ends"
            raise UsageError(f"{what}, and {why}; write what stands between them, such as _ or /.")
    signs = {mark: "([^/]+?)", "#": "[0-9]+"}
    parts = ("[^/]*" if word[0] == "*" else signs.get(word) or re.escape(word) for word in words)
    expression, count = re.compile("".join(parts)), text.count("/") + 1

    def read(path: str) -> str | None:
        last = path.split("/")[-count:]
        found = expression.fullmatch("/".join(part[:_LONGEST] for part in last))
        return found and "/".join(found.groups())

    return read


def pattern_advice(mark: str) -> str:
    """Say how a pattern of names is written."""
    once = " once" * (_MOST_MARKS[mark] == 1)
    return f"write {mark}{once}, * for anything and # for a number"


def proposed_pattern(stems: Sequence[str]) -> str:
    """Return a pattern that finds a few classes in all of these names; "" if there is none."""
    for pattern in _PATTERNS:
        labels = list(map(name_reader(pattern), stems))
        if None not in labels and 2 <= len(set(labels)) <= len(labels) / 2:
            return pattern
    return ""


def list_by_name(root: str, pattern: str) -> Listing:
    """List the files below ``root``, a real path, whose names hold their class."""
    read = name_reader(pattern)
    folders, files = look_into(root)
    splits = _as_splits(folders)
    strange: list[str] = []

    def entries() -> Iterator[Entry]:
        found = [look_at(root, name, "", TRAIN) for name in files]
        below = (_below(root, folder, "", splits.get(folder, TRAIN), 1) for folder in folders)
        for entry in chain(found, chain.from_iterable(below)):
            if label := read(os.path.splitext(entry.path)[0]):
                yield replace(entry, label=class_name(label, name_text(entry.path)))
            else:
                strange.append(entry.path)

    listing = Listing.of(root, entries())
    if not listing.entries:
        what = f"no file in {root} has a name as {pattern!r} says"
        example = f" ({name_text(strange[0])} is there)" if strange else ""
        advice = pattern_advice(LABEL_MARK)
        raise DataError(f"{what}{example}; {advice}", parameter="label_from_name")
    if not strange:
        return listing
    note = f"left out, because their names do not fit {pattern}: {len(strange):,}"
    return replace(listing, notes=(f"{note} ({listed_names(strange)})",))


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
    folders, files = look_into(os.path.join(root, *path.split("/")))
    for name in files:
        yield look_at(root, f"{path}/{name}", label, split)
    for name in folders:
        if depth >= _DEEPEST:
            raise DataError(f"{name_text(path)} lies more than {_DEEPEST} folders deep; move it up")
        yield from _below(root, f"{path}/{name}", label, split, depth + 1)


def look_into(folder: str) -> tuple[list[str], list[str]]:
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
