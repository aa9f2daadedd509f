"""Pictures in folders: one for each class, perhaps within train/, val/ and test/."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from lenet.data.listing import TEST, TRAIN, UNDECIDED, VALIDATION, Entry, Listing, look_at
from lenet.data.names import class_name
from lenet.errors import DataError
from lenet.net.words import name_text
from lenet.run_folder import holds_runs

PARTS: Final = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
    "testing": TEST,
}
"""What a folder, or a word in a table, may be called to be a part."""
#: What systems leave in folders and show to nobody.
_LITTER: Final = {"thumbs.db", "desktop.ini", "__macosx"}
_DEEPEST: Final = 32
_ADVICE: Final = (
    "put the pictures of each class into a folder of its name, or list them in a .csv of path,label"
)


def list_pictures(root: str) -> Listing:
    """The files below a folder, by class; hidden ones are left out.

    Args:
        root: a real path.

    Raises:
        DataError: there are no class folders, or the folder cannot be read.
    """
    folders, files = _look_into(root)
    if not folders:
        found = "are files but no folders" if files else "is nothing"
        raise DataError(f"there {found} in {root}; {_ADVICE}")
    notes = _left_out(root, root, files)
    parts = _as_parts(folders)
    if not parts:
        return Listing.of(root, _classes(root, "", folders, UNDECIDED), notes)
    given = set(parts.values())
    entries: list[Entry] = []
    for folder, part in parts.items():
        classes, files = _look_into(os.path.join(root, folder))
        if not classes:
            raise DataError(f"{os.path.join(root, folder)} has no folders for classes; {_ADVICE}")
        notes += _left_out(root, folder, files)
        undecided = part == TRAIN and TEST not in given
        entries += _classes(root, f"{folder}/", classes, UNDECIDED if undecided else part)
    return Listing.of(root, entries, notes)


def _as_parts(folders: list[str]) -> dict[str, int]:
    """Each folder's part if all of them are parts, else nothing."""
    known = {folder: PARTS[low] for folder in folders if (low := folder.lower()) in PARTS}
    if len(known) < len(folders) or set(known.values()) == {VALIDATION}:
        return {}
    if len(set(known.values())) < len(known):
        raise DataError(
            f"the folders {' and '.join(sorted(known))} name one part twice; keep one of a kind"
        )
    return known


def _classes(root: str, prefix: str, folders: list[str], part: int) -> Iterator[Entry]:
    for folder in folders:
        label = class_name(folder, f"a folder in {root}")
        path = prefix + folder
        entries = list(_below(root, path, label, part, 1))
        if not entries:
            raise DataError(
                f"the class folder {name_text(path)} has no pictures; fill or remove it"
            )
        yield from entries


def _below(root: str, path: str, label: str, part: int, depth: int) -> Iterator[Entry]:
    folders, files = _look_into(os.path.join(root, *path.split("/")))
    for name in files:
        yield look_at(root, f"{path}/{name}", label, part)
    for name in folders:
        if depth >= _DEEPEST:
            raise DataError(f"{name_text(path)} lies more than {_DEEPEST} folders deep; move it up")
        yield from _below(root, f"{path}/{name}", label, part, depth + 1)


def _look_into(folder: str) -> tuple[list[str], list[str]]:
    """The names of the folders and of everything else that is not hidden."""
    folders: list[str] = []
    others: list[str] = []
    try:
        with os.scandir(folder) as found:
            for entry in found:
                if entry.name.startswith(".") or entry.name.lower() in _LITTER:
                    continue
                # A link to a folder may lead round in circles, or out.
                is_folder = entry.is_dir(follow_symlinks=False)
                if is_folder and holds_runs(entry):  # of trainings that were started here
                    continue
                (folders if is_folder else others).append(entry.name)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"cannot read the folder {folder}: {reason}") from error
    return sorted(folders), sorted(others)


def _left_out(root: str, folder: str, files: list[str]) -> list[str]:
    """The note on files beside the class folders, if there are any."""
    for name in files:
        path = os.path.join(root, folder, name)
        if os.path.islink(path) and os.path.isdir(path):
            raise DataError(f"{path} is a link to a folder; put the folder itself there")
    if not files:
        return []
    shown = ", ".join(name_text(name) for name in files[:3]) + ", ..." * (len(files) > 3)
    return [f"left out, for they lie in no class folder: {len(files):,} in {folder} ({shown})"]
