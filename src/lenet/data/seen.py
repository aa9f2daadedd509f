"""Which images a run has learnt from: written into its folder, and asked when a model is tested.

``split.csv`` says of each image where it went. ``trained-on.npz`` has the digests of those that
were trained on and validated on: they find a copy whatever its file is called. Data that have a
name never change, so that nothing is written of them; they are read again when somebody asks.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Final

import numpy as np

from lenet import files
from lenet.data.arrays import npz_arrays
from lenet.data.dataset import SPLIT_NAMES, TRAIN, VALIDATION, Dataset, Digests, Split
from lenet.data.sources import NAMES, at_hand, load_named, plain_name
from lenet.errors import DataError
from lenet.run_folder import SEEN, RunRecord, write_split

#: Splits that a training learns from, or chooses by.
_LEARNT: Final = (SPLIT_NAMES[TRAIN], SPLIT_NAMES[VALIDATION])


def write_seen(folder: Path, data: Dataset) -> None:
    """Write which images are in which split, and the digests of those that are learnt from.

    Raises:
        OutputError: a file cannot be written.
    """
    parts = data.splits
    if all(split.names is not None for split in parts.values()):
        columns = ["file", "class", "split", *["group"] * _has_groups(data)]
        rows = chain.from_iterable(_rows(data, name, split) for name, split in parts.items())
        write_split(folder, columns, rows)
    splits = {name: parts[name] for name in _LEARNT if name in parts}
    arrays: dict[str, Any] = {
        name: np.unique(split.known_digests()) for name, split in splits.items()
    }
    with io.BytesIO() as file:
        np.savez(file, **arrays)
        files.write_bytes(folder / SEEN, file.getvalue())


def _has_groups(data: Dataset) -> bool:
    return any(split.groups is not None for split in data.splits.values())


def _rows(data: Dataset, name: str, split: Split) -> Iterator[tuple[str, ...]]:
    """Yield a row for each image of a split: its name, class and split, perhaps its group."""
    classes = map(data.classes.__getitem__, split.labels.tolist())
    columns = [split.names or (), classes, repeat(name, len(split))]
    if _has_groups(data):
        columns.append(split.groups or repeat("", len(split)))
    return zip(*columns, strict=True)


def read_seen(record: RunRecord) -> Mapping[str, Digests]:
    """Return the digests of the images that a run trained on and validated on, each in order.

    Nothing is known of a run of an older lenet, or where data that have a name are not at hand.

    Raises:
        DataError: the file is damaged.
    """
    path = record.folder / SEEN
    if path.is_file():
        found = {array.name: _digests(path, array) for array in npz_arrays(str(path))}
        if not len(found.get(_LEARNT[0], ())):  # every run has learnt from some
            raise DataError(f"{path} is damaged; bring an intact copy back, or do without")
        return found
    if (name := named_source(record)) and name in at_hand():
        train = load_named(name, record.data_dir).train
        return {_LEARNT[0]: np.unique(train.known_digests())}
    return {}


def named_source(record: RunRecord) -> str:
    """Return the name of the data that a run was trained on; "" if they have none."""
    name = plain_name(str(record.arguments.get("source", "")))
    return name if name in NAMES else ""


def _digests(path: Path, array: Any) -> Digests:
    known = array.name in _LEARNT and array.dtype == np.uint64 and len(array.shape) == 1
    if not known or 8 * array.shape[0] > path.stat().st_size:
        raise DataError(f"{path} is damaged; bring an intact copy back, or do without")
    return np.concatenate([np.empty(0, np.uint64), *array.pieces()])


def seen_among(digests: Digests, seen: Mapping[str, Digests]) -> tuple[str, ...]:
    """Return for each image ``train`` or ``validation``; empty for one that is new."""
    found = np.full(len(digests), "", object)
    for name in reversed(_LEARNT):  # what is in both was trained on
        if name in seen:
            found[np.isin(digests, seen[name])] = name
    return tuple(found.tolist())
