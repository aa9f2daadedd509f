"""Tables as text: one that lists picture files, and how any is opened.

A table of files is ``path,label`` or ``path,label,split``, with a line of titles or without; with
one, columns may stand in any order and others beside them. Paths start from the table's folder.
"""

from __future__ import annotations

import csv
import io
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from lenet.data.folders import PARTS
from lenet.data.listing import MAX_FILES, TEST, TRAIN, UNDECIDED, Entry, Listing, look_at
from lenet.data.names import class_name
from lenet.errors import DataError
from lenet.net.words import shown

_PATH_TITLES: Final = ("path", "file", "filename", "file_name", "image", "image_path", "picture")
LABEL_TITLES: Final = ("label", "class", "class_name", "target", "category", "y")
_PART_TITLES: Final = ("split", "part", "set", "subset")
_DELIMITERS: Final = ",;\t"
#: So much of a file is looked at to see whether it is a table: a row of 200x200 RGB fits.
_START: Final = 1 << 20
#: A table of pixels has this many columns at least: a label and 2x2 pixels.
_FEWEST: Final = 5
_ALLOWED: Final = "give path,label[,split], or a label and the pixels of a square image in each row"


class Start(NamedTuple):
    """What a table begins with.

    Attributes:
        delimiter: comma, semicolon or tab.
        rows: the first rows, as texts without spaces around them.
        has_pixels: are they pixels, or do they list files?
    """

    delimiter: str
    rows: list[list[str]]
    has_pixels: bool


def is_number(text: str) -> bool:
    """Is it a number as tables have them?"""
    try:
        float(text)
    except ValueError:
        return False
    return True


def look_at_start(path: str, file: io.BufferedReader) -> Start:
    """Find out what kind of table a file is; it stands at its beginning before and after.

    Raises:
        DataError: it is no table.
    """
    content = file.read(_START)
    file.seek(0)
    whole = len(content) < _START
    lines = content if whole else content[: content.rfind(b"\n") + 1]
    try:
        text = lines.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
    if not text.strip() or "\0" in text:
        raise DataError(f"{path} is no table in UTF-8 and no .npz file; {_ALLOWED}")
    first = text.lstrip().partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    rows = _rows(path, io.StringIO(text), delimiter)
    found = [row for _, row in itertools.islice(rows, 1000)]
    row = found[:2][-1]  # the first may be titles
    numbers = sum(map(is_number, row))
    return Start(delimiter, found, len(row) >= _FEWEST and numbers >= len(row) - 1)


def list_files(path: str, file: io.BufferedReader, start: Start) -> Listing:
    """The files that a table lists.

    Args:
        path: of the table; its folder is where the files' paths start.
        file: the table, at its beginning.
        start: what it begins with.

    Raises:
        DataError: a row that is none, or a path that leads out of the folder.
    """
    root = os.path.dirname(os.path.realpath(path))
    entries = list(itertools.islice(_entries(path, root, file, start), MAX_FILES + 1))
    if not entries:
        raise DataError(f"{path} lists no pictures; {_ALLOWED}")
    given = {entry.part for entry in entries}
    if UNDECIDED in given and len(given) > 1:
        raise DataError(f"{path} says of some pictures only which split they are in; say it of all")
    if TEST not in given:
        entries = [e._replace(part=UNDECIDED) if e.part == TRAIN else e for e in entries]
    return Listing.of(root, entries)


def _entries(path: str, root: str, file: io.BufferedReader, start: Start) -> Iterator[Entry]:
    columns = _columns(path, start.rows[0])
    rows = _rows(path, read_lines(path, file), start.delimiter)
    for number, row in itertools.islice(rows, columns.skip, None):
        where = f"{path}, line {number:,},"
        if len(row) <= max(columns.path, columns.label):
            raise DataError(f"{where} has {len(row)} columns; {_ALLOWED}")
        part = UNDECIDED
        if columns.part is not None and len(row) > columns.part:
            part = _part(row[columns.part], where)
        name = _relative(row[columns.path], where)
        yield look_at(root, name, class_name(row[columns.label], where), part)


class _Columns(NamedTuple):
    path: int
    label: int
    part: int | None
    skip: int  # lines of titles


def _columns(path: str, first: Sequence[str]) -> _Columns:
    titles = [title.casefold().replace(" ", "_") for title in first]
    found = [
        next((titles.index(word) for word in words if word in titles), None)
        for words in (_PATH_TITLES, LABEL_TITLES, _PART_TITLES)
    ]
    if found[0] is not None and found[1] is not None:
        return _Columns(found[0], found[1], found[2], 1)
    if len(first) in (2, 3):
        return _Columns(0, 1, 2, 0)
    raise DataError(
        f"{path} has {len(first)} columns, and no titles that say which are path and label; "
        f"{_ALLOWED}"
    )


def _part(text: str, where: str) -> int:
    if not text:
        return UNDECIDED
    if text.casefold() not in PARTS:
        raise DataError(f"{where} has the split {shown(text)}; it must be train, val or test")
    return PARTS[text.casefold()]


def _relative(text: str, where: str) -> str:
    """A path from the table's folder, with slashes."""
    name = text.replace("\\", "/") if os.sep == "\\" else text
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if os.path.isabs(text) or os.path.splitdrive(text)[0] or ".." in parts or not parts:
        raise DataError(
            f"{where} has the path {shown(text)}; it must lead from the table's own folder "
            "downwards: put the table above the pictures"
        )
    return "/".join(parts)


def read_lines(path: str, file: Iterable[bytes]) -> Iterator[str]:
    """The lines of a text in UTF-8.

    Raises:
        DataError: it is none.
    """
    for number, line in enumerate(file, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}, line {number:,}, is no text in UTF-8; save it as UTF-8"
            ) from error


def _rows(path: str, lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with its line's number."""
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        for row in reader:
            if any(field := [field.strip() for field in row]):
                yield reader.line_num, field
    except csv.Error as error:
        raise DataError(
            f"{path}, line {reader.line_num:,}, is no row of a table: {error}"
        ) from error
