"""A frame drawn around ink, such as the box on a form.

It is a thin straight line along all four sides of a picture that encloses ink and does not touch
it. So a zero is no frame: its sides are bent, and it is empty.
"""

from __future__ import annotations

from itertools import takewhile
from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.data.centring import ink_boxes

_LINES: Final = 128  # across a picture, at most, show whether a frame runs along a side
_CONTRASTS: Final = (1 / 8, 1 / 2)  # of the range, of a faint frame and of one in uneven light
_WHOLE: Final = 0.85  # of a side has the line: corners may be round
_BENT: Final = 0.04  # of the picture: the line is so straight; a side of a zero is not
_THICK: Final = 0.1  # of the picture: the line is thinner
_NEAR: Final = 0.5  # of the picture, each way, is inside: so near to the border is a frame
_ROUNDED: Final = (0, 0.02, 0.04)  # of the picture may be lost for corners that are round
_SHORTEST: Final = 0.25  # of the inside: what is enclosed is longer; the dot in a zero is not
_FULLEST: Final = 0.3  # of the inside is ink at most; the hole of a bold zero is more

Grey = npt.NDArray[np.uint8]  # (h, w)


def inside_of_frame(grey: Grey) -> tuple[slice, slice] | None:
    """Return the rows and columns within a frame around the ink of (h, w); None without one.

    The light on (h, w) is fairly even; the ink may be dark on light or light on dark.
    """
    height, width = grey.shape
    y, x = max(1, height // _LINES), max(1, width // _LINES)
    some = grey[::y, ::x]
    ground, span = int(np.median(some)), int(np.ptp(some))
    for contrast in _CONTRASTS:
        least = contrast * span
        seen = (grey[::y], grey[:, ::x].T, grey[::y, ::-1], grey[::-1, ::x].T)
        ends = list(takewhile(bool, (_behind_line(_differ(s, ground, least)) for s in seen)))
        if len(ends) < len(seen):
            continue
        left, top, right, bottom = ends
        for inset in (round(share * min(height, width)) for share in _ROUNDED):
            rows = slice(top + inset, height - bottom - inset)
            columns = slice(left + inset, width - right - inset)
            ink = _differ(grey[rows, columns], ground, least)
            if min(ink.shape[0] / height, ink.shape[1] / width) < _NEAR:
                break
            if not (ink[[0, -1]].any() or ink[:, [0, -1]].any()):
                top, left, bottom, right = ink_boxes(ink[np.newaxis] * np.uint8(255))[:, 0]
                is_large = max(bottom - top, right - left) >= _SHORTEST * max(ink.shape)
                is_stroke = 0 < ink.mean() <= _FULLEST
                return (rows, columns) if is_large and is_stroke else None
    return None


def _differ(grey: Grey, ground: int, least: float) -> npt.NDArray[np.bool_]:
    return np.abs(grey.astype(np.int16) - ground) > least


def _behind_line(ink: npt.NDArray[np.bool_]) -> int:
    """Return where a thin straight line along a side ends; 0 if there is none.

    Each of the rows (n, depth) of ``ink`` leads from that side into the picture.
    """
    crossing = np.flatnonzero(ink.any(axis=1))
    if not len(crossing):
        return 0
    ink = ink[crossing[0] : crossing[-1] + 1]
    depth = ink.shape[1]
    first = ink.argmax(axis=1)
    behind = (~ink & (np.arange(depth) > first[:, np.newaxis])).argmax(axis=1)
    is_line = ink.any(axis=1) & (behind > 0) & (behind - first <= _THICK * depth)
    is_line &= np.abs(first - np.median(first)) <= _BENT * depth
    return int(behind[is_line].max()) if is_line.mean() >= _WHOLE else 0
