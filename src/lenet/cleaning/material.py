"""What is looked through: all images of the data, whatever they were to be used for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np

from lenet.data import Dataset
from lenet.data.collection import Collection
from lenet.data.dataset import SPLIT_NAMES, Digests, Labels, digests_of
from lenet.data.preprocess import Images, Size


@dataclass(frozen=True, eq=False)
class Material:
    """N images with their labels, and what to call each."""

    name: str
    images: Images  # (N, C, H, W)
    labels: Labels  # (N,) indices into the classes
    classes: tuple[str, ...]
    names: tuple[str, ...]  # N: a file, or a split and a number in it
    notes: tuple[str, ...] = ()  # sentences on what was found when it was read
    sizes: tuple[Size, ...] | None = None  # N: of picture files, as they were
    source: str = ""  # the path they were read from

    @classmethod
    def of_dataset(cls, data: Dataset) -> Self:
        """Return the images of all splits."""
        splits = data.splits
        names = [
            name
            for word, split in splits.items()
            for name in split.names or (f"{word} {number}" for number in range(len(split)))
        ]
        return cls(
            data.name,
            np.concatenate([split.images for split in splits.values()]),
            np.concatenate([split.labels for split in splits.values()]),
            data.classes,
            tuple(names),
            source=data.source,
        )

    @classmethod
    def of_collection(cls, found: Collection, name: str, path: str | os.PathLike[str]) -> Self:
        """Return all images of a folder, a table or an array file.

        Images out of a file of numbers are called by their number in it; where it has parts, by
        the part and the number in that.
        """
        names = found.files or _numbered(found)
        source = os.fspath(path)
        return cls(
            name,
            found.images,
            found.labels,
            found.classes,
            names,
            found.notes,
            found.sizes,
            os.fsdecode(source),
        )

    @cached_property
    def digests(self) -> Digests:
        """(N,) a hash of each image: equal images have equal ones."""
        return digests_of(self.images)

    def __len__(self) -> int:
        return len(self.images)

    def path(self, index: int) -> str:
        """Return where a picture file lies; "" of an image without one."""
        if self.sizes is None or not os.path.isdir(self.source):
            return ""
        return str(Path(self.source, *self.names[index].split("/")))


def _numbered(found: Collection) -> tuple[str, ...]:
    places = found.places or ()
    if list(places) != list(range(len(places))):
        return tuple(f"image {place}" for place in places)
    return tuple(
        f"{name} {number}"
        for name, count in zip(SPLIT_NAMES, found.counts, strict=True)
        for number in range(count)
    )
