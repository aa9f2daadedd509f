"""What a picture shows its ink on: whether that is light or dark, and whether it is ink at all."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Images = npt.NDArray[np.uint8]  # (N, C, H, W)
#: Of the background: "dark" for white on black as in MNIST, "light" for black on white.
Polarity = Literal["dark", "light"]

FLAT: Final = 16  # levels from the darkest to the lightest: less is a picture without ink
_CLEAR_MAJORITY: Final = 0.995
SMALL: Final = 48  # of the small copy on which the background is looked for
_WINDOW: Final = 19  # of the local median, in its pixels: strokes are narrower than half of it
_EVERY: Final = 3  # pixels of the window, each way, one counts
_UNEVEN: Final = 0.2  # of the range of a picture: a border that differs more is not of one level
_APART: Final = 0.3  # of the ink's contrast with its neighbourhood: the border has less
_ONESMALLD: Final = 0.2  # from -1 to 1: how much all ink is on one side of its neighbourhood
_CHROMA: Final = 64  # between the channels of a pixel that has colour
_COLOURED: Final = 0.1  # of the pixels: with less, a picture has no colour
_ONE_HUE: Final = 0.98  # from 0 to 1: how much all colour points the same way
_REACHED: Final = 0.4  # of the border is at most coloured ink, where that is cropped tightly


def borders(images: Images) -> Images:
    """Return (N, C, P), the pixels along the edges of each image."""
    top, bottom = images[:, :, 0], images[:, :, -1]
    left, right = images[:, :, 1:-1, 0], images[:, :, 1:-1, -1]
    return np.concatenate([top, bottom, left, right], axis=2)


def has_light_border(images: Images) -> npt.NDArray[np.bool_]:
    """Return (N,) whether at least half of an image's border is nearer to its lightest pixel.

    Of an image that is all but flat, whether its border is lighter than the middle of all levels.
    """
    if not len(images):
        return np.zeros(0, np.bool_)
    lightest, darkest = (of(images, axis=(1, 2, 3)).astype(np.int64) for of in (np.max, np.min))
    middle = np.where(lightest - darkest < FLAT, 128, (lightest + darkest + 1) // 2)
    light = borders(images) >= middle[:, np.newaxis, np.newaxis]
    return np.asarray(light.mean(axis=(1, 2)) >= 0.5)


def background(images: Images) -> npt.NDArray[np.uint8]:
    """Return (C,) uint8, what images go on with beyond their edges: the median of all borders.

    0 for white on black as in MNIST, 255 for black on white, something between for photographs.
    """
    return np.asarray(np.quantile(borders(images), 0.5, axis=(0, 2), method="lower"), np.uint8)


def own_backgrounds(images: Images) -> npt.NDArray[np.uint8]:
    """Return (N, C) uint8, the same of each image by itself: the median of its border."""
    return np.asarray(np.median(borders(images), axis=2).astype(np.uint8))


def shared_polarity(light: int, count: int) -> Polarity | None:
    """Return the background of (nearly) all of ``count`` images, ``light`` of which have a light
    one; None where they differ."""
    if light >= _CLEAR_MAJORITY * count:
        return "light"
    if count - light >= _CLEAR_MAJORITY * count:
        return "dark"
    return None


def background_of(grey: Images) -> tuple[Polarity, bool]:
    """Return the background of a grey picture (h, w), and whether light falls unevenly on it.

    The border decides, held against the darkest and the lightest of the picture itself, so that dim
    paper is paper. Where the border is uneven and yet without ink, light falls unevenly on the
    ground: the side on which the ink stands out from its neighbourhood then decides.
    """
    from PIL import Image  # a data set that has a name is read without it

    picture = Image.fromarray(grey).resize((SMALL, SMALL), Image.Resampling.BILINEAR)
    small = np.asarray(picture, np.int64)
    darkest, lightest = _ends(small)
    span = max(1.0, float(lightest - darkest))
    low, high = _ends(border_of(small))
    if high - low > _UNEVEN * span:
        above = small - local_median(small)
        side = float((above**3).sum() / max(1, np.abs(above**3).sum()))
        darkest, lightest = _ends(above)
        low, high = _ends(border_of(above))
        # Where ink reaches the border, it is not the light that makes the border uneven.
        if side < -_ONESMALLD and low > _APART * darkest:
            return "light", True
        if side > _ONESMALLD and high < _APART * lightest:
            return "dark", True
    return "light" if has_light_border(grey[np.newaxis, np.newaxis])[0] else "dark", False


def _ends(values: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Return the first and the last percentile, as NumPy's function does in many times the time."""
    ordered = np.sort(values, axis=None)
    last = len(ordered) - 1
    low, high = int(last * 0.01), int(last * 0.99)
    first, second = ordered[low : low + 2].tolist(), ordered[high : high + 2].tolist()
    return _between(first, last * 0.01 - low), _between(second, last * 0.99 - high)


def _between(pair: list[int], share: float) -> float:
    return pair[0] + (pair[-1] - pair[0]) * share


def local_median(small: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the local median of a small picture: its ground, where strokes are thin."""
    padded = np.pad(small, _WINDOW // 2, mode="edge")
    windows = sliding_window_view(padded, (_WINDOW, _WINDOW))[..., ::_EVERY, ::_EVERY]
    values = windows.reshape(*small.shape, -1)
    middle = values.shape[-1] // 2
    return np.asarray(np.partition(values, middle)[..., middle])


def has_colour(picture: Images) -> bool:
    """Return whether a picture (C, h, w) has more than next to no colour.

    The paper's own tint does not count.
    """
    if len(picture) != 3:
        return False
    pixels, _ = _as_on_white(picture)
    return bool((np.ptp(pixels, axis=0) > _CHROMA).mean() > _COLOURED)


def _as_on_white(picture: Images) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return some pixels (3, n) and the border (3, P), as if the paper were white under a lamp."""
    border = border_of(picture.transpose(1, 2, 0)).T.astype(np.float64)
    paper = np.median(border, axis=1, keepdims=True)
    gain = paper.max() / paper if paper.min() >= _CHROMA else 1.0
    pixels = picture.reshape(3, -1)
    pixels = np.minimum(255, pixels[:, :: max(1, pixels.shape[1] // 10_000)] * gain)
    return pixels, np.minimum(255, border * gain)


def is_ink(picture: Images, is_uneven: bool) -> bool:
    """Return whether a picture (C, h, w) is ink on paper, and no photograph with colours.

    It has next to no colour, or one hue on a ground without colour and of one level; the level may
    differ where light falls unevenly.
    """
    if not has_colour(picture):
        return True
    pixels, border = _as_on_white(picture)
    coloured = pixels[:, np.ptp(pixels, axis=0) > _CHROMA]
    hues = coloured - coloured.mean(axis=0)
    lengths = np.linalg.norm(hues, axis=0)
    if np.linalg.norm(hues.sum(axis=1)) < _ONE_HUE * lengths.sum():
        return False
    neutral = border[:, np.ptp(border, axis=0) <= _CHROMA].mean(axis=0)
    if neutral.size < (1 - _REACHED) * border.shape[1]:
        return False
    low, high = np.percentile(neutral, (5, 95))
    return is_uneven or bool(high - low <= _UNEVEN * np.ptp(pixels.mean(axis=0)))


def border_of(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return (P, ...), what lies along the edges of one image (h, w, ...)."""
    return np.concatenate([values[0], values[-1], values[1:-1, 0], values[1:-1, -1]])
