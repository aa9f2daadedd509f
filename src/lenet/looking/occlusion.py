"""Where a picture matters for its answer: each part of it is covered in turn.

After Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", section 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.data.ground import Images, background
from lenet.model import Model

#: The cover's side is about such a part of the picture's.
_PART: Final = 5
#: Places along a side, at most: larger pictures are covered in larger steps.
_MOST_PLACES: Final = 32
#: Bytes of covered pictures at a time.
_CHUNK: Final = 1 << 24


def cover_of(shape: Sequence[int]) -> tuple[int, int]:
    """Return (height, width) of what covers an image (C, H, W): odd numbers."""
    height, width = (max(1, side // _PART) // 2 * 2 + 1 for side in shape[1:])
    return height, width


def occlusion(model: Model, image: Images, answer: int) -> npt.NDArray[np.float64]:
    """Return how much less probable ``answer`` is where the middle of the cover lies, (P, Q).

    The cover has the colour of the picture's border. P and Q are the image's own height and width,
    or of a large one fewer, evenly spread.
    """
    _, height, width = image.shape
    tall, wide = cover_of((1, height, width))
    color = background(image[np.newaxis])[:, np.newaxis, np.newaxis]
    rows, columns = (
        np.unique(np.linspace(0, side - 1, min(side, _MOST_PLACES)).round().astype(int))
        for side in (height, width)
    )
    places = [(int(row), int(column)) for row in rows for column in columns]
    step = max(1, _CHUNK // image.size)
    found = []
    for start in range(0, len(places), step):
        part = places[start : start + step]
        covered = np.repeat(image[np.newaxis], len(part), axis=0)
        for one, (row, column) in zip(covered, part, strict=True):
            top, left = max(0, row - tall // 2), max(0, column - wide // 2)
            one[:, top : row + tall // 2 + 1, left : column + wide // 2 + 1] = color
        found.append(model.predict_proba(covered)[:, answer].astype(np.float64))
    whole = float(model.predict_proba(image[np.newaxis])[0, answer])
    return (whole - np.concatenate(found)).reshape(len(rows), len(columns))
