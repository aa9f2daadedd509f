"""A list of picture files with their classes and parts, whether from folders or from a table."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from lenet.data.names import in_order, natural
from lenet.errors import DataError

TRAIN: Final = 0
VALIDATION: Final = 1
TEST: Final = 2
MAX_FILES: Final = 1_000_000
UNDECIDED: Final = 3
"""To be split into train and test by :mod:`lenet.data.split`."""


class Entry(NamedTuple):
    """A file to read.

    Attributes:
        label: the name of its class.
        path: from the root, with slashes on every system.
        part: one of the four above.
        stamp: its size and time of change; with its path it says whether it is still the same.
        fault: why it is not to be opened, as the predicate of a sentence; empty if it is.
    """

    label: str
    path: str
    part: int
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
        """The same list from entries in any order.

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
        classes = in_order(by_class)
        for found in by_class.values():  # class by class: the keys of all would fill memory
            found.sort(key=lambda entry: natural(entry.path))
        ordered = chain.from_iterable(by_class[name] for name in classes)
        return cls(root, tuple(ordered), classes, tuple(notes))

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """(N,) each file's class."""
        place = {name: index for index, name in enumerate(self.classes)}
        return np.array([place[entry.label] for entry in self.entries], np.int64)

    @property
    def parts(self) -> npt.NDArray[np.int64]:
        """(N,) each file's part."""
        return np.array([entry.part for entry in self.entries], np.int64)


def look_at(root: str, path: str, label: str, part: int) -> Entry:
    """The entry of a file below ``root``, which must be a real path: what may be opened of it.

    A link may lead to another place below the root; pipes and devices are never opened.
    """
    full = os.path.join(root, *path.split("/"))
    try:
        found = os.lstat(full)
        if stat.S_ISLNK(found.st_mode):
            target = os.path.realpath(full)
            if os.path.commonpath([root, target]) != root:
                return Entry(label, path, part, fault="is a link that leads out of the folder")
            found = os.stat(full)
    except (OSError, ValueError) as error:  # ValueError: a zero byte, or another drive
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        return Entry(label, path, part, fault=f"cannot be opened ({reason})")
    if stat.S_ISDIR(found.st_mode):
        return Entry(label, path, part, fault="is a folder, or a link to one")
    if not stat.S_ISREG(found.st_mode):
        return Entry(label, path, part, fault="is a pipe or a device, no file")
    return Entry(label, path, part, (found.st_size, found.st_mtime_ns))
