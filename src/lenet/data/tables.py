"""Tables, as Kaggle and others give them: what one is, and the picture files that it lists.

A list of files is ``path,label`` or ``path,label,split``, with a line of titles or without; with
one, columns may stand in any order and others beside them. Paths start from the table's folder and
stay in it. A file that is not where its path says is looked for below: by its name, or where a
table has numbers instead of names, by its name without an ending.
"""

from __future__ import annotations

import codecs
import csv
import io
import ntpath
import os
import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Final

from lenet.data.dataset import SPLIT_WORDS, TRAIN
from lenet.data.folders import (
    MAX_FILES,
    PICTURE_ENDINGS,
    Entry,
    Listing,
    class_name,
    listed_names,
    look_at,
)
from lenet.data.idx import GZIP_MAGIC
from lenet.errors import DataError
from lenet.net.words import listed, name_text, shown
from lenet.writing.numbers import plural

#: As :func:`plain_title` writes them; the first that is there counts.
PATH_TITLES: Final = (
    *("path", "filepath", "filepaths", "file", "filename", "imagepath", "imgpath", "imagefile"),
    *("imagename", "imgname", "image", "images", "img", "picture", "photo", "imageid", "id"),
)
LABEL_TITLES: Final = (
    *("label", "labels", "class", "classes", "classname", "classid", "target", "targets"),
    *("category", "categoryid", "y"),
)
_SPLIT_TITLES: Final = ("split", "part", "set", "subset")
_DELIMITERS: Final = ",;\t"
_START: Final = 1 << 20  # bytes to see what a table is: a row of 200x200 RGB fits
_FEWEST: Final = 5  # columns of a table of pixels: a label and 2x2 pixels
_TABLES: Final = "give path,label[,split], or a label and the pixels of a square image in each row"
_UTF8: Final = "utf-8-sig"
_UTF16: Final = "utf-16"
#: What spreadsheets may have above a table.
_SEPARATOR: Final = re.compile(r"\Asep=.(?=\r?\n)")
_OWN_FOLDER: Final = "give paths from the table's folder, and put it above the pictures"


@dataclass(frozen=True)
class Start:
    """What a table begins with."""

    encoding: str
    delimiter: str  # comma, semicolon, tab or space
    rows: list[list[str]]  # as texts without spaces around them
    has_pixels: bool  # or do they list files?


def is_number(text: str) -> bool:
    """Is it a number as tables have them?"""
    try:
        float(text)
    except ValueError:
        return False
    return True


def plain_title(text: str) -> str:
    """Return a column's title in small letters and digits alone: ``classid`` for ``Class_ID``."""
    return "".join(character for character in text.casefold() if character.isalnum())


def look_at_start(path: str, file: io.BufferedReader, advice: str = _TABLES) -> Start:
    """Find out what kind of table a file is; it stands at its beginning before and after.

    ``advice`` ends the error for what is no text.
    """
    content = file.read(_START)
    file.seek(0)
    encoding = _UTF16 if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else _UTF8
    is_whole = len(content) < _START
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(content, is_whole)
    except UnicodeDecodeError:
        raise _foreign(path, content, advice) from None
    if not is_whole:
        text = text[: text.rfind("\n") + 1]
    text = _SEPARATOR.sub("", text)
    if "\0" in text:
        raise _foreign(path, content, advice)
    delimiter = _delimiter(text)
    rows = [row for _, row in islice(_rows(path, io.StringIO(text), delimiter), 1000)]
    if not rows:
        raise _foreign(path, b"", advice)
    return Start(encoding, delimiter, rows, _has_pixels(rows))


def _delimiter(text: str) -> str:
    lines = "\n".join(islice((line for line in text.split("\n", 50) if line.strip()), 2))
    delimiter = max(_DELIMITERS, key=lines.count)
    return delimiter if delimiter in lines or " " not in lines else " "


def _has_pixels(rows: list[list[str]]) -> bool:
    """Is it a table of pixels, as far as its first rows tell?"""
    row, titles = rows[:2][-1], set(map(plain_title, rows[0]))  # the first may be titles
    if any(map(_is_file_name, row)) or not titles.isdisjoint(PATH_TITLES[:-1]):
        return False
    return len(row) >= _FEWEST and sum(map(is_number, row)) >= len(row) - 1


def _is_file_name(text: str) -> bool:
    return text.lower().endswith(PICTURE_ENDINGS)


def _foreign(path: str, content: bytes, advice: str) -> DataError:
    """Say that it is no table in UTF-8, and which encoding it may be in instead."""
    if _is_file_name(path):
        advice = "give the folder that has a folder with such pictures for each class"
        return DataError(f"{path} is called like one picture; {advice}")
    if content.startswith(GZIP_MAGIC):
        return DataError(f"{path} is compressed; unpack it first, and give what was in it")
    if not (name := _guessed_encoding(content)):
        return DataError(f"{path} is no table in UTF-8 and no .npz file; {advice}")
    how = f"in a spreadsheet as CSV UTF-8, or with iconv -f {name} -t UTF-8"
    return DataError(f"{path} is no table in UTF-8, but perhaps in {name}; save it as UTF-8, {how}")


def _guessed_encoding(content: bytes) -> str:
    """Name the encoding that a text may be in which is not in UTF-8; "" if it is none."""
    halves = content[::2], content[1::2]
    for half, name in zip(halves, ("UTF-16BE", "UTF-16LE"), strict=True):
        if half and half.count(0) > len(half) / 2:
            return name
    if re.search(rb"[\x00-\x08\x0e-\x1f\x7f]", content):
        return ""
    if not (foreign := re.findall(rb"[\x80-\xff]+", content)):
        return ""
    if max(map(len, foreign)) == 1:  # an accent here and there
        return "WINDOWS-1252"
    for codec, name in (("gb2312", "GBK"), ("shift_jis", "SHIFT_JIS"), ("gbk", "GBK")):
        try:
            codecs.getincrementaldecoder(codec)().decode(content)
        except UnicodeDecodeError:
            continue
        return name
    return "WINDOWS-1252"


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


def decoded_lines(path: str, file: io.BufferedReader, start: Start) -> Iterator[str]:
    """Yield the lines of a table as texts."""
    if start.encoding == _UTF16:
        try:
            text = file.read().decode(_UTF16)
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is no text in UTF-16; save it as UTF-8") from error
        yield from io.StringIO(_SEPARATOR.sub("", text), newline=None)
        return
    for number, line in enumerate(file, 1):
        try:
            text = line.decode(_UTF8 if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            what = f"line {number:,}, is no text in UTF-8; save it as UTF-8"
            raise DataError(f"{path}, {what}") from error
        yield text if number > 1 else _SEPARATOR.sub("", text)


def list_files(
    path: str, file: io.BufferedReader, start: Start, group: str | None = None
) -> Listing:
    """List the files that a table names, whose paths start from its folder.

    ``group`` is the title of the column that has the group of each.
    """
    places = _Places(os.path.dirname(os.path.realpath(path)))
    listing = Listing.of(places.root, _entries(path, places, file, start, group), places.note())
    if not listing.entries:
        raise DataError(f"{path} lists no pictures; {_TABLES}")
    return listing


def _entries(
    path: str, places: _Places, file: io.BufferedReader, start: Start, group: str | None
) -> Iterator[Entry]:
    path_at, label_at, split_at, titles = _columns(path, start.rows)
    group_at = None if group is None else _group_column(path, start.rows[:titles], group)
    rows = _rows(path, decoded_lines(path, file, start), start.delimiter)
    kinds = set()
    for number, row in islice(rows, titles, None):
        where = f"{path}, line {number:,},"
        if len(row) <= max(path_at, label_at):
            raise DataError(f"{where} has {plural(len(row), 'column')}; {_TABLES}")
        split = ""
        if split_at is not None and len(row) > split_at:
            split = row[split_at].casefold()
            if split and split not in SPLIT_WORDS:
                raise DataError(f"{where} has the split {shown(split)}, not train, val or test")
        kinds.add(bool(split))
        if len(kinds) > 1:
            raise DataError(f"{path} names the split of some pictures only; name it for all")
        label = class_name(row[label_at], where)
        entry = places.entry(row[path_at], label, SPLIT_WORDS.get(split, TRAIN), where)
        if group_at is not None and group_at < len(row):
            entry = replace(entry, group=row[group_at])
        yield entry


def _columns(path: str, rows: list[list[str]]) -> tuple[int, int, int | None, int]:
    """Return which columns are path, label and split, and how many lines of titles there are."""
    first, titles = rows[0], list(map(plain_title, rows[0]))
    path_at, label_at, split_at = (
        next((titles.index(word) for word in words if word in titles), None)
        for words in (PATH_TITLES, LABEL_TITLES, _SPLIT_TITLES)
    )
    files_at = _column_of_files(rows)
    if path_at is None and files_at is not None and not _is_file_name(first[files_at]):
        path_at = files_at
    if path_at is None:  # no titles
        if len(first) not in (2, 3):
            what = (
                f"{plural(len(first), 'column')}, and no titles that say which are path and label"
            )
            raise DataError(f"{path} has {what}; {_TABLES}")
        return (1, 0, 2, 0) if files_at == 1 else (0, 1, 2, 0)
    others = [place for place in range(len(first)) if place not in (path_at, split_at)]
    if label_at is None and len(others) == 1:
        label_at = others[0]
    if label_at is None:
        what = f"the titles {listed_names(first)}, and none that says which is the label"
        raise DataError(f"{path} has {what}; call one of them label")
    return path_at, label_at, split_at, 1


def _group_column(path: str, titles: list[list[str]], group: str) -> int:
    """Return which column is called ``group``, word for word or nearly so."""
    if not titles:
        what = f"{path} has no line of titles, and the group is the column {shown(group)}"
        raise DataError(f"{what}; add the line", parameter="group")
    names = titles[0]
    plain = list(map(plain_title, names))
    if group in names:
        return names.index(group)
    if plain.count(plain_title(group)) == 1:
        return plain.index(plain_title(group))
    what = f"{path} has no column called {shown(group)}; it has {listed_names(names)}"
    raise DataError(what, parameter="group")


def _column_of_files(rows: list[list[str]]) -> int | None:
    """Return the column that has names of picture files, if there is one."""
    body = rows[1:] or rows
    counts = Counter(i for row in body for i, text in enumerate(row) if _is_file_name(text))
    columns = [i for i, count in counts.items() if 2 * count > len(body) and i < len(rows[0])]
    return columns[0] if len(columns) == 1 else None


@dataclass
class _Places:
    """Where the files are that a table names; all lie below one folder."""

    root: str  # a real path
    inside: dict[str, bool] = field(default_factory=dict)  # does a folder lie in it?
    found: Counter[str] = field(default_factory=Counter)  # where files were looked for and found

    def entry(self, text: str, label: str, split: int, where: str) -> Entry:
        """Return the entry of the file that a row names."""
        path = self._relative(text, where)
        if not os.path.lexists(os.path.join(self.root, path)):
            found = self._below(path)
            if len(found) > 1:
                fault = f"may be {listed(list(map(name_text, sorted(found)[:3])), 'or')}"
                return Entry(label, path, split, fault=fault)
            if found:
                path = found[0]
                self.found[posixpath.dirname(path)] += 1
        folder = posixpath.dirname(path)
        if folder not in self.inside:
            real = os.path.realpath(os.path.join(self.root, folder))
            self.inside[folder] = os.path.commonpath([self.root, real]) == self.root
        if not self.inside[folder]:
            return Entry(label, path, split, fault="is in a link that leads out of the folder")
        return look_at(self.root, path, label, split)

    def note(self) -> Iterator[str]:
        """Yield the note that files were found elsewhere than their paths say."""
        folders = [folder or "." for folder in self.found]
        if folders:
            where = f"found in {listed_names(folders)}"
            yield f"{self.found.total():,} files that are not where their paths say were {where}"

    def _relative(self, text: str, where: str) -> str:
        """Return a path from the root, with slashes."""
        name = text
        if "\\" in text and not os.path.lexists(os.path.join(self.root, text)):
            name = text.replace("\\", "/")
        if os.path.isabs(name) and "\0" not in name:
            real = os.path.realpath(name)
            if real.startswith(self.root + os.sep):
                return os.path.relpath(real, self.root).replace(os.sep, "/")
        is_absolute = name.startswith("/") or ntpath.splitdrive(text)[0]
        path = posixpath.normpath(name)
        if is_absolute or path.split("/")[0] in ("..", ".") or not name or "\0" in name:
            what = f"{where} has the path {shown(text)}, which leads out of {self.root}"
            raise DataError(f"{what}; {self._tail(name) or _OWN_FOLDER}")
        return path

    def _tail(self, name: str) -> str:
        """Return the advice to write the end of a path that is in the folder, if it is."""
        steps = [step for step in name.split("/") if step]
        for start in range(1, len(steps)):
            path = "/".join(steps[start:])
            if ".." not in steps[start:] and os.path.isfile(os.path.join(self.root, path)):
                return f"give paths from there, such as {name_text(path)}"
        return ""

    def _below(self, path: str) -> list[str]:
        """Return the files whose paths end in this one, with their ending or without."""
        known, end = self._index[posixpath.basename(path)], f"/{path}"
        found = [other for other in known if f"/{other}".endswith(end)]
        if not found:
            stems = ((other, os.path.splitext(other)[0]) for other in known)
            found = [other for other, stem in stems if f"/{stem}".endswith(end)]
        beside = [other for other in found if posixpath.dirname(other) == posixpath.dirname(path)]
        return beside or found

    @cached_property
    def _index(self) -> defaultdict[str, list[str]]:
        """All files below the root, by their names, and by these without their endings."""
        index: defaultdict[str, list[str]] = defaultdict(list)
        count = 0
        for folder, _, names in os.walk(self.root):
            below = os.path.relpath(folder, self.root).replace(os.sep, "/")
            for name in names:
                path = posixpath.normpath(f"{below}/{name}")
                stem, ending = os.path.splitext(name)
                index[name].append(path)
                if ending.lower() in PICTURE_ENDINGS:
                    index[stem].append(path)
            if (count := count + len(names)) > MAX_FILES:
                break
        return index


def list_paths(path: str, file: io.BufferedReader, start: Start) -> Iterator[str]:
    """Yield the paths in a list of files: one column of a table, or each line of a text."""
    titles = list(map(plain_title, start.rows[0]))
    at = next((titles.index(word) for word in PATH_TITLES if word in titles), None)
    has_titles = at is not None
    at = at if at is not None else _column_of_files(start.rows) or 0
    folder = os.path.dirname(path)
    lines = (line.rstrip("\r\n") for line in decoded_lines(path, file, start))
    for line in islice((line for line in lines if line.strip()), int(has_titles), None):
        if not has_titles and any(map(os.path.isfile, (line, os.path.join(folder, line)))):
            yield line
            continue
        for _, row in _rows(path, [line], start.delimiter):
            if text := row[at] if at < len(row) else "":
                yield text.replace("\\", "/") if not os.path.lexists(text) else text
