"""Images that are centred as MNIST's are: the ink in a box of one size, its mass in the middle.

"The original black and white images were size normalized to fit in a 20x20 pixel box while
preserving their aspect ratio ... centered in a 28x28 image by computing the center of mass of the
pixels" (http://yann.lecun.com/exdb/mnist/). Here all ink is light on a dark ground.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

INK: Final = 32  # levels: what is lighter is ink
_SAMPLE: Final = 2000  # images, spread over all, that show whether all are so
_SMALLEST: Final = 16  # pixels of a side: less has no room for a box
_LARGEST_BOX: Final = 0.9  # of the side
#: How far images that are known may be off, and how far one to be judged: sides of the box in
#: pixels, and the centre of mass.
_KNOWN: Final = (2, 0.6)
_JUDGED: Final = (3, 1.0)

Greys = npt.NDArray[np.uint8]  # (N, H, W)
Numbers = npt.NDArray[np.float64]


def ink_boxes(greys: Greys) -> npt.NDArray[np.int64]:
    """Return (4, N): the first row and column of each image's ink, and those behind the last."""
    ink: npt.NDArray[np.bool_] = greys > INK
    rows, columns = (np.asarray(ink.any(axis=axis)) for axis in (2, 1))
    height, width = greys.shape[1:]
    return np.stack(
        [
            rows.argmax(axis=1),
            columns.argmax(axis=1),
            height - rows[:, ::-1].argmax(axis=1),
            width - columns[:, ::-1].argmax(axis=1),
        ]
    )


def centres_of_mass(greys: Greys) -> tuple[Numbers, Numbers]:
    """Return (N,) rows and (N,) columns, counted from 0, of where each image's mass lies."""
    total = np.maximum(1.0, greys.sum(axis=(1, 2), dtype=np.float64))
    rows = greys.sum(axis=2, dtype=np.float64) @ np.arange(greys.shape[1])
    columns = greys.sum(axis=1, dtype=np.float64) @ np.arange(greys.shape[2])
    return rows / total, columns / total


def are_centred(greys: Greys, box: int, known: bool = False) -> npt.NDArray[np.bool_]:
    """Return (N,) whether the ink fills a box of this size with its mass in the middle."""
    slack, reach = _KNOWN if known else _JUDGED
    top, left, bottom, right = ink_boxes(greys)
    sides = np.maximum(bottom - top, right - left)
    middle_y, middle_x = (side / 2 for side in greys.shape[1:])
    rows, columns = centres_of_mass(greys)
    near = (np.abs(rows - middle_y) <= reach) & (np.abs(columns - middle_x) <= reach)
    return np.asarray(near & (sides >= box - slack) & (sides <= box + (0 if known else 1)))


def find_box(greys: Greys, inverted: bool = False) -> int | None:
    """Return the size of the box that the ink of all images (N, H, W) fills.

    None where they are not centred so. ``inverted``: the ink is dark on light.
    """
    greys = greys[:: max(1, len(greys) // _SAMPLE)]
    greys = np.invert(greys) if inverted else greys
    height, width = greys.shape[1:]
    if height != width or height < _SMALLEST:
        return None
    top, left, bottom, right = ink_boxes(greys)
    box = int(np.maximum(bottom - top, right - left).max())
    is_small = box <= _LARGEST_BOX * height
    return box if is_small and bool(are_centred(greys, box, known=True).all()) else None
