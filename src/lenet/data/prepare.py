"""A picture, made like the images that a network was trained on: one rule for all.

``lenet.predict`` on files and ``lenet.evaluate`` on a path both go through
:func:`prepare_picture`, which says what it did. Arrays are taken to be prepared already.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from lenet.data.centring import are_centred, centres_of_mass, ink_boxes
from lenet.data.decoder import Picture
from lenet.data.frame import inside_of_frame
from lenet.data.ground import FLAT, SMALL, background_of, border_of, is_ink, local_median
from lenet.data.preprocess import Images, Preprocessing, fit_to, fitted_size, match, set_in_middle
from lenet.net.shapes import pair_text

#: What was done to a picture of other proportions.
_FITTED: Final = {"stretch": "stretched", "pad": "padded", "crop": "cropped", "border": "centred"}
_FAR: Final = 2  # times as many pixels on the longer side
_SLACK: Final = 2  # pixels that ink may be smaller than its box without being enlarged
_NOISE: Final = 4.0  # times the median of the ground's own variation is no ink
_MOST_NOISE: Final = 0.4  # of the ink
_SLOPE: Final = 0.15  # of the ink's height: more on the border is ink, not light
_MOST_OF: Final = 0.8  # of the border must be ground for a plane through it
_GAIN: Final = 1.2  # strokes that are made smaller or larger lose so much of their light
_EVEN: Final = 2  # levels of difference on a border of one level


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
    done = [*picture.done, *_far_from(picture, preprocessing)]
    if pixels is not picture.pixels and depth < 16:
        done.append(f"{depth} of 16 bits")
    image: Images = match(pixels[np.newaxis], (channels, *pixels.shape[1:]))
    image, picture = _with_margin(image, picture, preprocessing, done)
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


def _with_margin(
    image: Images, picture: Picture, preprocessing: Preprocessing, done: list[str]
) -> tuple[Images, Picture]:
    """Set a small picture in the middle, where the training images were; an older lenet did not."""
    if not (preprocessing.fit and preprocessing.margin):
        return image, picture
    given, within = image, set_in_middle(image, preprocessing.input_shape)
    if within is not given:
        sizes = [(of.shape[2], of.shape[3]) for of in (given, within)]
        done.append(" in the middle of ".join(map(pair_text, sizes)))
        picture = replace(picture, size=sizes[1])
    return within, picture


def _far_from(picture: Picture, preprocessing: Preprocessing) -> Iterator[str]:
    """Say that a picture is far smaller than all that a network was trained on."""
    if preprocessing.sizes is None:
        return
    smallest = preprocessing.sizes[0]
    most = max(preprocessing.input_shape[1:])
    if _FAR * max(picture.size) <= min(most, max(smallest)):
        yield f"far smaller than the smallest trained on, {pair_text(smallest)}"


def _sized(
    image: Images, picture: Picture, preprocessing: Preprocessing, done: list[str]
) -> tuple[Images, tuple[str, ...]]:
    """Bring (1, C, h, w) to the network's size, and say so."""
    _, height, width = preprocessing.input_shape
    size, fit = (height, width), preprocessing.fit or "border"
    if picture.size != size:
        whole = fitted_size(picture.size, size)
        inner = whole if fit in ("pad", "border") else size
        done.append(f"{pair_text(picture.size)} to {pair_text(inner)}")
        if whole != size:
            done.append(_FITTED[fit])
    return fit_to(image, size, fit, picture.size)[0], tuple(done)


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
    if not ink.any():
        return grey, ()
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
    return int(grey.max()) - int(grey.min()) < FLAT


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
        height, width = fitted_size((grey.shape[0], grey.shape[1]), (SMALL, SMALL))
        picture = Image.fromarray(grey).resize((width, height), Image.Resampling.BOX)
        small = np.asarray(picture, np.int64)
        above = np.asarray(small - local_median(small), np.float32)
    else:
        above = grey - _plane(grey)
    noise = float(np.median(np.abs(above)))
    ink = np.maximum(0, above)
    if ink.max() <= 0:  # nothing is lighter than the ground
        return np.zeros(ink.shape, np.uint8)
    peak = float(np.percentile(ink[ink > ink.max() / 3], 90))
    floor = min(_MOST_NOISE * peak, _NOISE * noise)
    span = max(peak - floor, 1e-6 * peak)
    return np.asarray(((ink - floor) * (255 / span)).clip(0, 255), np.uint8)


def _plane(grey: Images) -> npt.NDArray[np.float32]:
    """Return the plane (h, w) through the border of a picture; its median where that is none."""
    border = border_of(grey).astype(np.float64)
    middle = float(np.median(border))
    y, x = np.mgrid[0 : grey.shape[0], 0 : grey.shape[1]].astype(np.float32)
    points = np.stack([np.ones(len(border)), border_of(y), border_of(x)], axis=1)
    kept = np.abs(border - middle) <= max(4.0, _SLOPE * (float(grey.max()) - middle))
    if kept.mean() > _MOST_OF and np.ptp(border) > _EVEN:
        slopes = np.linalg.lstsq(points[kept], border[kept], rcond=None)[0]
        left = border[kept] - points[kept] @ slopes
        if left.std() < border[kept].std() / 2:
            return np.asarray(slopes[0] + slopes[1] * y + slopes[2] * x, np.float32)
    return np.full(grey.shape, middle, np.float32)
