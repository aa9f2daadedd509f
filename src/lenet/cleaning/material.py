"""What is looked through: all images of the data, whatever they were to be used for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from lenet.data import Dataset
from lenet.data.collection import Collection, is_about_split
from lenet.data.dataset import Digests, Labels
from lenet.data.groups import joined_groups
from lenet.data.preprocess import Images, Size


@dataclass(frozen=True, eq=False)
class Material:
    """N images with their labels, and what to call each."""

    name: str
    images: Images  # (N, C, H, W)
    labels: Labels  # (N,) indices into the classes
    classes: tuple[str, ...]
    names: Sequence[str]  # N: a file, or where the image lies in one
    digests: Digests  # (N,) a hash of each picture: equal pictures have equal ones
    notes: tuple[str, ...] = ()  # sentences on what was found when it was read
    sizes: tuple[Size, ...] | None = None  # N: of picture files, as they were
    groups: tuple[str, ...] | None = None  # N: what belongs together, empty for nothing

    @classmethod
    def of_dataset(cls, data: Dataset) -> Self:
        """Return the images of all splits; one without a name is called by its split and number."""
        splits = data.splits
        names = [
            name
            for word, split in splits.items()
            for name in split.names or (f"{word}[{number}]" for number in range(len(split)))
        ]
        return cls(
            data.name,
            np.concatenate([split.images for split in splits.values()]),
            np.concatenate([split.labels for split in splits.values()]),
            data.classes,
            tuple(names),
            np.concatenate([split.known_digests() for split in splits.values()]),
            groups=joined_groups(splits.values()),
        )

    @classmethod
    def of_collection(cls, found: Collection, name: str) -> Self:
        """Return all images of a folder, a table or an array file."""
        names = found.files or [f"image {number}" for number in range(len(found.images))]
        read = found.images, found.labels, found.classes
        # What is found here is about all images, in whatever part they are.
        notes = tuple(note for note in found.notes if not is_about_split(note))
        return cls(name, *read, names, found.digests, notes, found.sizes, found.groups)

    def __len__(self) -> int:
        return len(self.images)
