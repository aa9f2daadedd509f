"""A data set in a notebook: how many images each class has, and what its first ones look like."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.net.words import name_text
from lenet.writing.document import Column, Document, Section, Table

#: So many images of a class are shown, and of so many classes; none is larger than so many pixels.
_IMAGES: Final = 10
_CLASSES: Final = 50
_SIDE: Final = 64


def data_page(
    title: str,
    classes: Sequence[str],
    counts: Mapping[str, Sequence[int]],
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
) -> Document:
    """Return one row per class: how many images each split has of it, and its first images.

    Args:
        title: what the data set is, in a line.
        classes: the K names.
        counts: K numbers for each split.
        images: (N, C, H, W), of which the first of each class are shown.
        labels: (N,).
    """
    names = tuple(map(name_text, classes))
    columns = [Column("class", names, "total")]
    for split, numbers in counts.items():
        cells = tuple(f"{number:,}" for number in numbers)
        columns.append(Column(split, cells, f"{sum(numbers):,}", right=True))
    strips = tuple(_strips(images, labels, len(classes)))
    words = tuple(f"the first images of {name}" for name in names)
    columns.append(Column("first images", words, pictures=strips))
    return Document(title, (Section("", (Table(tuple(columns)),)),))


def _strips(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], classes: int
) -> Iterator[str]:
    """Yield the address of a picture for each class: its first images beside each other."""
    for label in range(min(classes, _CLASSES)):
        places = np.flatnonzero(labels == label)[:_IMAGES]
        yield _address(images[places]) if len(places) else ""
    yield from [""] * (classes - _CLASSES)


def _address(images: npt.NDArray[np.uint8]) -> str:
    """Return an address that holds (N, C, H, W) images as one PNG."""
    from PIL import Image  # who shows no data need not load it

    _, channels, height, width = images.shape
    every = max(1, -(-max(height, width) // _SIDE))
    small = images[:, :, ::every, ::every]
    opaque = np.full_like(small[:, :1], 255)
    row = np.concatenate((small, opaque), axis=1)
    row = np.concatenate(list(np.pad(row, ((0, 0), (0, 0), (0, 0), (0, 1)))), axis=2)
    mode = "LA" if channels == 1 else "RGBA"
    with io.BytesIO() as file:
        size = row.shape[2], row.shape[1]
        Image.frombytes(mode, size, np.moveaxis(row, 0, 2).tobytes()).save(file, "png")
        return f"data:image/png;base64,{b64encode(file.getvalue()).decode('ascii')}"
