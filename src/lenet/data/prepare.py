"""A free picture, made like the images that a network was trained on: one rule for all.

``lenet.predict`` on files and ``lenet.evaluate`` on a path both go through
:func:`prepare_picture`, which says what it did. Arrays are taken to be prepared already.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from lenet.data.centring import are_centred, centres_of_mass, ink_boxes
from lenet.data.decoder import Picture
from lenet.data.frame import inside_of_frame
from lenet.data.preprocess import (
    Images,
    Polarity,
    Preprocessing,
    centre,
    fitted_size,
    has_light_border,
    match,
)
from lenet.net.shapes import pair_text

_SIDE: Final = 48  # of the small copy on which the background is looked for
_WINDOW: Final = 19  # of the local median, in its pixels: strokes are narrower than half of it
_EVERY: Final = 3  # pixels of the window, each way, one counts
_UNEVEN: Final = 0.2  # of the range of a picture: a border that differs more is not of one level
_APART: Final = 0.3  # of the ink's contrast with its neighbourhood: the border has less
_ONE_SIDED: Final = 0.2  # from -1 to 1: how much all ink is on one side of its neighbourhood
_FLAT: Final = 16  # levels: less is a picture without ink
_SLACK: Final = 2  # pixels that ink may be smaller than its box without being enlarged
_NOISE: Final = 4.0  # times the median of the ground's own variation is no ink
_MOST_NOISE: Final = 0.4  # of the ink
_SLOPE: Final = 0.15  # of the ink's height: more on the border is ink, not light
_MOST_OF: Final = 0.8  # of the border must be ground for a plane through it
_GAIN: Final = 1.2  # strokes that are made smaller or larger lose so much of their light
_EVEN: Final = 2  # levels of difference on a border of one level
_CHROMA: Final = 64  # between the channels of a pixel that has colour
_COLOURED: Final = 0.1  # of the pixels: with less, a picture has no colour
_ONE_HUE: Final = 0.98  # from 0 to 1: how much all colour points the same way
_REACHED: Final = 0.4  # of the border is at most coloured ink, where that is cropped tightly


def prepare_picture(
    picture: Picture, preprocessing: Preprocessing
) -> tuple[Images, tuple[str, ...]]:
    """Make a picture what a network was trained on; return (C, H, W) uint8 and what was done.

    The words are short, such as ``inverted``, ``600x800 to 28x21`` and ``centred``, and none where
    the picture goes through as it is. It is turned into its negative where its background is light
    and the training images' dark, or the reverse; never where it has colours and is not ink on
    paper, or the network sees colour, or the training images had both.
    """
    channels, side, _ = preprocessing.input_shape
    pixels, depth = picture.bytes_of(preprocessing.depth)
    done = list(picture.done)
    if pixels is not picture.pixels and depth < 16:
        done.append(f"{depth} of 16 bits")
    image: Images = match(pixels[np.newaxis], (channels, *pixels.shape[1:]))
    polarity, box = preprocessing.polarity, preprocessing.box
    if polarity is None or channels > 1:
        return _sized(image, picture, preprocessing, done)
    flip = np.invert if polarity == "light" else np.asarray
    if box is not None and _is_done(flip(image[0, 0]), box, side):
        return image[0], tuple(done)
    if box is not None and (inside := inside_of_frame(image[0, 0])) is not None:
        pixels, image = pixels[(..., *inside)], image[(..., *inside)]
        shrunk = picture.size[0] / picture.pixels.shape[1]
        size = round(shrunk * image.shape[2]), round(shrunk * image.shape[3])
        picture = replace(picture, size=size)
        done.append("frame left out")
    background, is_uneven = background_of(image[0, 0])
    if background != polarity:
        if not is_ink(pixels, is_uneven):
            done.append("not inverted, for it has colour")
            return _sized(image, picture, preprocessing, done)
        image = np.invert(image)
        done.append("inverted")
    if box is not None:
        grey = flip(image[0, 0])
        moved, what = centred_by_mass(grey, box, side, picture.size[0], is_uneven)
        if what:
            return flip(moved)[np.newaxis], (*done, *what)
    return _sized(image, picture, preprocessing, done)


def _sized(
    image: Images, picture: Picture, preprocessing: Preprocessing, done: list[str]
) -> tuple[Images, tuple[str, ...]]:
    """Bring (1, C, h, w) to the network's size, and say so."""
    _, height, width = preprocessing.input_shape
    if picture.size != (height, width):
        inner = fitted_size(picture.size, (height, width))
        done.append(f"{pair_text(picture.size)} to {pair_text(inner)}")
        if inner != (height, width):
            done.append("centred")
    return centre(image, height, width, picture.size)[0], tuple(done)


def background_of(grey: Images) -> tuple[Polarity, bool]:
    """Return the background of a grey picture (h, w), and whether light falls unevenly on it.

    The border decides, held against the darkest and the lightest of the picture itself, so that dim
    paper is paper. Where the border is uneven and yet without ink, light falls unevenly on the
    ground: the side on which the ink stands out from its neighbourhood then decides.
    """
    picture = Image.fromarray(grey).resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    small = np.asarray(picture, np.int64)
    darkest, lightest = _ends(small)
    span = max(1.0, float(lightest - darkest))
    low, high = _ends(_border(small))
    if high - low > _UNEVEN * span:
        above = small - _local(small)
        side = float((above**3).sum() / max(1, np.abs(above**3).sum()))
        darkest, lightest = _ends(above)
        low, high = _ends(_border(above))
        # Where ink reaches the border, it is not the light that makes the border uneven.
        if side < -_ONE_SIDED and low > _APART * darkest:
            return "light", True
        if side > _ONE_SIDED and high < _APART * lightest:
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


def _local(small: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the local median of a small picture: its ground, where strokes are thin."""
    padded = np.pad(small, _WINDOW // 2, mode="edge")
    windows = sliding_window_view(padded, (_WINDOW, _WINDOW))[..., ::_EVERY, ::_EVERY]
    values = windows.reshape(*small.shape, -1)
    middle = values.shape[-1] // 2
    return np.asarray(np.partition(values, middle)[..., middle])


def centred_by_mass(
    grey: Images, box: int, side: int, height: int, is_uneven: bool
) -> tuple[Images, tuple[str, ...]]:
    """Put light ink on dark (h, w) into the middle of (side, side) as MNIST's is, and say so.

    The ground becomes 0 and the ink 255, the longer side of the ink ``box`` pixels. What is so
    already stays as it is, and so does a picture without ink; then nothing is said. ``height`` is
    the picture's own, before it was shrunk; ``is_uneven`` is what :func:`background_of` says.
    """
    if _is_flat(grey) or _is_done(grey, box, side):
        return grey, ()
    ink = _levelled(grey, is_uneven)
    top, left, bottom, right = ink_boxes(ink[np.newaxis])[:, 0].tolist()
    crop = ink[top:bottom, left:right]
    shrunk = height / ink.shape[0]
    own = (round(shrunk * crop.shape[0]), round(shrunk * crop.shape[1]))
    if max(crop.shape) > box or max(crop.shape) < box - _SLACK:
        crop = _scaled(crop, box)
    rows, columns = centres_of_mass(crop[np.newaxis])
    padded = np.pad(crop, side)
    y, x = (side - round(side / 2 - float(centre[0])) for centre in (rows, columns))
    sizes = " to ".join(pair_text((height, width)) for height, width in (own, crop.shape))
    return padded[y : y + side, x : x + side], (f"ink of {sizes}", "mass-centred")


def _is_flat(grey: Images) -> bool:
    return int(grey.max()) - int(grey.min()) < _FLAT


def _is_done(grey: Images, box: int, side: int) -> bool:
    """Is it light ink on dark that is centred already?"""
    if grey.shape != (side, side) or _is_flat(grey):
        return False
    return bool(are_centred(grey[np.newaxis], box)[0])


def _scaled(crop: Images, box: int) -> Images:
    """Resize ink (h, w) so that it fills a box; rows and columns of faint ink count in part."""
    height, width = (
        len(profile) - 2 + float(profile[0] + profile[-1]) / 255 if len(profile) > 1 else 1.0
        for profile in (crop.max(axis=1).astype(int), crop.max(axis=0).astype(int))
    )
    scale = box / max(height, width, 1.0)
    size = tuple(max(1, round(own * scale)) for own in crop.shape)
    how = Image.Resampling.LANCZOS if scale > 1 else Image.Resampling.BOX
    scaled = np.asarray(Image.fromarray(crop).resize(size[::-1], how), np.float32)
    return np.asarray((scaled * (_GAIN * 255 / scaled.max())).clip(0, 255), np.uint8)


def _levelled(grey: Images, is_uneven: bool) -> Images:
    """Return light ink on a ground that is not even as ink on 0: its lightest is 255.

    Where light falls unevenly it is smaller than before.
    """
    if is_uneven:
        height, width = fitted_size((grey.shape[0], grey.shape[1]), (_SIDE, _SIDE))
        picture = Image.fromarray(grey).resize((width, height), Image.Resampling.BOX)
        small = np.asarray(picture, np.int64)
        above = np.asarray(small - _local(small), np.float32)
    else:
        above = grey - _plane(grey)
    noise = float(np.median(np.abs(above)))
    ink = np.maximum(0, above)
    peak = float(np.percentile(ink[ink > ink.max() / 3], 90))
    floor = min(_MOST_NOISE * peak, _NOISE * noise)
    return np.asarray(((ink - floor) * (255 / (peak - floor))).clip(0, 255), np.uint8)


def _plane(grey: Images) -> npt.NDArray[np.float32]:
    """Return the plane (h, w) through the border of a picture; its median where that is none."""
    border = _border(grey).astype(np.float64)
    middle = float(np.median(border))
    y, x = np.mgrid[0 : grey.shape[0], 0 : grey.shape[1]].astype(np.float32)
    points = np.stack([np.ones(len(border)), _border(y), _border(x)], axis=1)
    kept = np.abs(border - middle) <= max(4.0, _SLOPE * (float(grey.max()) - middle))
    if kept.mean() > _MOST_OF and np.ptp(border) > _EVEN:
        slopes = np.linalg.lstsq(points[kept], border[kept], rcond=None)[0]
        left = border[kept] - points[kept] @ slopes
        if left.std() < border[kept].std() / 2:
            return np.asarray(slopes[0] + slopes[1] * y + slopes[2] * x, np.float32)
    return np.full(grey.shape, middle, np.float32)


def is_ink(picture: Images, is_uneven: bool) -> bool:
    """Return whether a picture (C, h, w) is ink on paper, and no photograph with colours.

    It has next to no colour, or one hue on a ground without colour and of one level; the level may
    differ where light falls unevenly. The paper's own tint does not count.
    """
    if len(picture) == 1:
        return True
    border = _border(picture.transpose(1, 2, 0)).T.astype(np.float64)
    paper = np.median(border, axis=1, keepdims=True)
    # As under a lamp: white is what the paper is.
    gain = paper.max() / paper if paper.min() >= _CHROMA else 1.0
    pixels = picture.reshape(3, -1)
    pixels = np.minimum(255, pixels[:, :: max(1, pixels.shape[1] // 10_000)] * gain)
    border = np.minimum(255, border * gain)
    coloured = pixels[:, np.ptp(pixels, axis=0) > _CHROMA]
    if coloured.shape[1] <= _COLOURED * pixels.shape[1]:
        return True
    hues = coloured - coloured.mean(axis=0)
    lengths = np.linalg.norm(hues, axis=0)
    if np.linalg.norm(hues.sum(axis=1)) < _ONE_HUE * lengths.sum():
        return False
    neutral = border[:, np.ptp(border, axis=0) <= _CHROMA].mean(axis=0)
    if neutral.size < (1 - _REACHED) * border.shape[1]:
        return False
    low, high = np.percentile(neutral, (5, 95))
    return is_uneven or bool(high - low <= _UNEVEN * np.ptp(pixels.mean(axis=0)))


def _border(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.concatenate([values[0], values[-1], values[1:-1, 0], values[1:-1, -1]])
