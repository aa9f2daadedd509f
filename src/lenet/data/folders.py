"""Lists of picture files with their classes and splits, out of folders or out of a table.

A folder holds a folder of pictures for each class, perhaps within ``train``, ``val`` and ``test``.
A table is ``path,label`` or ``path,label,split``, with a line of titles or without; with one,
columns may stand in any order and others beside them. Paths start from the table's folder.
"""

from __future__ import annotations

import csv
import io
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
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
_PATH_TITLES: Final = ("path", "file", "filename", "file_name", "image", "image_path", "picture")
LABEL_TITLES: Final = ("label", "class", "class_name", "target", "category", "y")
_SPLIT_TITLES: Final = ("split", "part", "set", "subset")
_DELIMITERS: Final = ",;\t"
_START: Final = 1 << 20  # bytes to see what a table is: a row of 200x200 RGB fits
_FEWEST: Final = 5  # columns of a table of pixels: a label and 2x2 pixels
_TABLES: Final = "give path,label[,split], or a label and the pixels of a square image in each row"


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


@dataclass(frozen=True)
class Start:
    """What a table begins with."""

    delimiter: str  # comma, semicolon or tab
    rows: list[list[str]]  # as texts without spaces around them
    has_pixels: bool  # or do they list files?


def is_number(text: str) -> bool:
    """Is it a number as tables have them?"""
    try:
        float(text)
    except ValueError:
        return False
    return True


def look_at_start(path: str, file: io.BufferedReader) -> Start:
    """Find out what kind of table a file is; it stands at its beginning before and after."""
    content = file.read(_START)
    file.seek(0)
    lines = content if len(content) < _START else content[: content.rfind(b"\n") + 1]
    try:
        text = lines.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
    if not text.strip() or "\0" in text:
        raise DataError(f"{path} is no table in UTF-8 and no .npz file; {_TABLES}")
    first = text.lstrip().partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    rows = [row for _, row in islice(_rows(path, io.StringIO(text), delimiter), 1000)]
    row = rows[:2][-1]  # the first may be titles
    numbers = sum(map(is_number, row))
    return Start(delimiter, rows, len(row) >= _FEWEST and numbers >= len(row) - 1)


def _rows(path: str, lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, each with its line's number."""
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        for row in reader:
            if any(fields := [field.strip() for field in row]):
                yield reader.line_num, fields
    except csv.Error as error:
        what = f"line {reader.line_num:,}, is no row of a table: {error}"
        raise DataError(f"{path}, {what}") from error


def decoded_lines(path: str, file: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(file, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            what = f"line {number:,}, is no text in UTF-8; save it as UTF-8"
            raise DataError(f"{path}, {what}") from error


def list_files(path: str, file: io.BufferedReader, start: Start) -> Listing:
    """List the files that a table names, whose paths start from its folder."""
    root = os.path.dirname(os.path.realpath(path))
    listing = Listing.of(root, _entries(path, root, file, start))
    if not listing.entries:
        raise DataError(f"{path} lists no pictures; {_TABLES}")
    return listing


def _entries(path: str, root: str, file: io.BufferedReader, start: Start) -> Iterator[Entry]:
    path_at, label_at, split_at, titles = _columns(path, start.rows[0])
    rows = _rows(path, decoded_lines(path, file), start.delimiter)
    kinds = set()
    for number, row in islice(rows, titles, None):
        where = f"{path}, line {number:,},"
        if len(row) <= max(path_at, label_at):
            raise DataError(f"{where} has {len(row)} columns; {_TABLES}")
        split = ""
        if split_at is not None and len(row) > split_at:
            split = row[split_at].casefold()
            if split and split not in SPLIT_WORDS:
                raise DataError(f"{where} has the split {shown(split)}, not train, val or test")
        kinds.add(bool(split))
        if len(kinds) > 1:
            raise DataError(f"{path} names the split of some pictures only; name it for all")
        name, label = _relative(row[path_at], where), class_name(row[label_at], where)
        yield look_at(root, name, label, SPLIT_WORDS.get(split, TRAIN))


def _columns(path: str, first: Sequence[str]) -> tuple[int, int, int | None, int]:
    """Return which columns are path, label and split, and how many lines of titles there are."""
    titles = [title.casefold().replace(" ", "_") for title in first]
    path_at, label_at, split_at = (
        next((titles.index(word) for word in words if word in titles), None)
        for words in (_PATH_TITLES, LABEL_TITLES, _SPLIT_TITLES)
    )
    if path_at is not None and label_at is not None:
        return path_at, label_at, split_at, 1
    if len(first) in (2, 3):
        return 0, 1, 2, 0
    what = f"{len(first)} columns, and no titles that say which are path and label"
    raise DataError(f"{path} has {what}; {_TABLES}")


def _relative(text: str, where: str) -> str:
    """Return a path from the table's folder, with slashes."""
    name = text.replace("\\", "/") if os.sep == "\\" else text
    steps = [step for step in name.split("/") if step not in ("", ".")]
    if os.path.isabs(text) or os.path.splitdrive(text)[0] or ".." in steps or not steps:
        advice = "put the table above the pictures"
        raise DataError(f"{where} has the path {shown(text)}, which leads elsewhere; {advice}")
    return "/".join(steps)
