"""From bytes to what a network sees: channels, size, mean and spread.

What was done to the training images is a property of the trained model and travels with it
(:class:`Preprocessing`), so that a new image can be brought to the same form.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Self, cast

import numpy as np
import numpy.typing as npt

from lenet.arguments import plain
from lenet.data.centring import find_box
from lenet.errors import DataError
from lenet.net.words import shown
from lenet.writing import values_html

Images = npt.NDArray[np.uint8]  # (N, C, H, W)
Size = tuple[int, int]  # (height, width)
#: Of the background: "dark" for white on black as in MNIST, "light" for black on white.
Polarity = Literal["dark", "light"]

_POLARITIES = ("dark", "light", None)
_KEYS = ("input_shape", "mean", "std", "polarity")
_NEWER = ("depth", "box", "margin")  # files of an older lenet have none
_DEPTHS = (8, 10, 12, 14, 16)
_LARGEST = 1_000_000
_SMALLEST_STD = 1e-6  # with this and _LARGEST, scale and shift stay finite in float32
_CLEAR_MAJORITY = 0.995
_FLAT = 16  # levels from the darkest to the lightest: less is no background with something on it
_DARKEST_BYTES = 32  # floats whose largest value is above are taken to go to 255
_SMALLEST_SIDE = 8  # of images that come as rows of any length
_FLATTEST = 8  # times as long as wide: no picture is flatter
_CHUNK = 1 << 19  # pixels at a time: the float32 copies of a chunk fit into the cache
_LUMA = np.array([19595, 38470, 7471], np.uint32)  # 0.299, 0.587, 0.114 in units of 2**-16


@dataclass(frozen=True)
class Preprocessing:
    """What a network's input is made of: x = (byte / 255 - mean) / std, channel by channel.

    Attributes:
        input_shape: (C, H, W) of the network's input.
        mean: one value per channel, in units of [0, 1] pixels.
        std: one value per channel, above 0, in the same units.
        polarity: the brightness of the background that (nearly) all training images have, or
            None if they differ.
        depth: how many bits the training pictures used, where they had 16: 8, 10, 12, 14 or 16;
            None if they had not.
        margin: whether images smaller than the input are set in its middle, with the background
            around them; otherwise they are enlarged.
        box: where all training images are centred as MNIST's are, how many pixels the longer side
            of their ink has: 20; None for others.

    Raises:
        DataError: a value that is none of these, as a damaged file may hold.
    """

    input_shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    polarity: Polarity | None
    depth: int | None = None
    box: int | None = None
    margin: bool | None = None

    def __post_init__(self) -> None:
        for name in ("input_shape", "mean", "std"):
            if not isinstance(values := plain(getattr(self, name)), list | tuple):
                raise _invalid(name, values, "a list of numbers")
            object.__setattr__(self, name, tuple(values))
        shape = self.input_shape
        if len(shape) != 3 or not all(type(size) is int and size > 0 for size in shape):
            raise _invalid("input_shape", shape, "three whole numbers above 0: (C, H, W)")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != shape[0] or not all(map(_is_sane, values)):
                allowed = f"a number of size {_LARGEST:,} at most for each of {shape[0]} channels"
                raise _invalid(name, values, allowed)
        if min(self.std) < _SMALLEST_STD:
            raise _invalid("std", self.std, f"numbers of at least {_SMALLEST_STD}")
        if type(self.polarity) not in (str, type(None)) or self.polarity not in _POLARITIES:
            raise _invalid("polarity", self.polarity, "'dark', 'light' or nothing")
        if self.depth is not None and (type(self.depth) is not int or self.depth not in _DEPTHS):
            raise _invalid("depth", self.depth, f"one of {', '.join(map(str, _DEPTHS))} bits")
        self._check_place()

    def _check_place(self) -> None:
        shape = self.input_shape
        if self.margin is not None and self.margin is not True:
            raise _invalid("margin", self.margin, "true or nothing")
        is_box = type(self.box) is int and 0 < self.box < min(shape[1:])
        if self.box is not None and not (is_box and shape[0] == 1 and self.polarity):
            raise _invalid("box", self.box, "fewer pixels than a grey image's side, and a polarity")

    @classmethod
    def fit(
        cls,
        images: Images,
        input_shape: tuple[int, int, int],
        standardize: bool = True,
        depth: int | None = None,
        pixel_range: tuple[float, float] = (0.0, 1.0),
        margin: bool = False,
    ) -> Self:
        """Measure training images as the network will see them.

        Args:
            images: (N, C, H, W) uint8, of any size; they are matched to ``input_shape``.
            input_shape: (C, H, W) of the network's input.
            standardize: whether each channel gets mean 0 and standard deviation 1; otherwise
                pixels are only scaled to ``pixel_range``.
            depth: how many bits of 16 became these bytes, if any did.
            pixel_range: what black and white become.
            margin: whether images smaller than the input are set in its middle.

        Raises:
            DataError: the images' channels cannot become those of ``input_shape``.
        """
        channels = input_shape[0]
        fits = images.shape[1:] == input_shape
        if margin and not fits:
            images, fits = set_in_middle(images, input_shape), images.shape[1] == channels
        counts = np.zeros((channels, 256), np.int64)
        light = 0
        for _, chunk in _chunks(images, input_shape):
            matched = match(chunk, input_shape)
            light += int(has_light_border(matched).sum())
            for channel in range(channels):
                counts[channel] += np.bincount(matched[:, channel].ravel(), minlength=256)
        polarity = _polarity(light, len(images))
        box = None
        if polarity and fits and channels == 1:
            box = find_box(images[:, 0], polarity == "light")
        more = (polarity, depth, box, margin or None)
        if not standardize:
            black, white = pixel_range
            span = white - black
            return cls(input_shape, (-black / span,) * channels, (1 / span,) * channels, *more)
        means, deviations = zip(*map(_moments, counts), strict=True)
        return cls(input_shape, means, deviations, *more)

    def _repr_html_(self) -> str:
        return values_html("Preprocessing", self.to_dict())

    @property
    def as_it_is(self) -> Self:
        """The same for pictures that are to be neither turned into their negative nor moved."""
        return replace(self, polarity=None, box=None)

    @property
    def without_scaling(self) -> Self:
        """The same as far as bytes go: two that differ in mean and spread alone are equal so."""
        channels = self.input_shape[0]
        return replace(self, mean=(0.0,) * channels, std=(1.0,) * channels)

    def prepare(self, images: Images) -> Images:
        """Bring images to the network's channels and size; see :func:`match`."""
        if self.margin:
            images = set_in_middle(images, self.input_shape)
        return match(images, self.input_shape)

    def scale_and_shift(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return (C,) scale and (C,) shift such that x = byte * scale + shift; read-only."""
        return self._scale_and_shift

    @cached_property  # a third of the time that one image takes
    def _scale_and_shift(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        std = np.array(self.std)
        scale = (1 / (255 * std)).astype(np.float32)
        shift = (-np.array(self.mean) / std).astype(np.float32)
        for values in (scale, shift):
            values.setflags(write=False)
        return scale, shift

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON, nothing rounded."""
        lists = {key: list(getattr(self, key)) for key in _KEYS[:-1]}
        known = {key: getattr(self, key) for key in _NEWER}
        newer = {key: value for key, value in known.items() if value is not None}
        return {**lists, "polarity": self.polarity, **newer}

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Read what :meth:`to_dict` gives; nothing about ``values`` is taken on trust.

        Raises:
            DataError: ``values`` is not what :meth:`to_dict` gives.
        """
        known = isinstance(values, dict) and set(_KEYS) <= values.keys() <= {*_KEYS, *_NEWER}
        if not known:
            given = list(values) if isinstance(values, dict) else values
            raise _invalid("preprocessing", given, f"an object with {', '.join(_KEYS)}")
        for key in _KEYS[:-1]:
            if not isinstance(values[key], list):
                raise _invalid(key, values[key], "a list of numbers")
        shape, mean, std = (tuple(values[key]) for key in _KEYS[:-1])
        shape = cast("tuple[int, int, int]", shape)
        return cls(shape, mean, std, values["polarity"], *map(values.get, _NEWER))


def match(images: Images, input_shape: tuple[int, int, int]) -> Images:
    """Bring (N, c, h, w) images to ``input_shape`` (C, H, W); those that fit are not copied."""
    channels, height, width = input_shape
    if images.shape[1] == 3 and channels == 1:  # first, so that less has to be resized
        return resize(to_grey(images), height, width)
    images = resize(images, height, width)
    if images.shape[1] == channels:
        return images
    if images.shape[1] == 1 and channels == 3:
        return np.repeat(images, 3, axis=1)
    what = f"images with {images.shape[1]} channels cannot become {channels}"
    advice = f"with {channels} channels, or use a network whose input has {images.shape[1]}"
    raise DataError(f"{what}; give images {advice}")


def set_in_middle(images: Images, input_shape: tuple[int, int, int]) -> Images:
    """Set (N, c, h, w) that are smaller than (C, H, W) in its middle, their background around.

    Images that are larger on an axis are returned as they are.
    """
    over = [most - size for most, size in zip(input_shape[1:], images.shape[2:], strict=True)]
    if min(over) < 0 or not any(over) or not len(images):
        return images
    return _on_ground(images, input_shape[1:], background(images))


def to_grey(images: Images) -> Images:
    """Turn (N, 3, H, W) into (N, 1, H, W) by ITU-R BT.601 luma, rounded as Pillow does."""
    grey = np.empty((len(images), 1, *images.shape[2:]), np.uint8)
    for start, chunk in _chunks(images, images.shape[1:]):
        luma = np.einsum("nchw,c->nhw", chunk, _LUMA, dtype=np.uint32)
        grey[start : start + len(chunk), 0] = (luma + 0x8000) >> 16
    return grey


def resize(images: Images, height: int, width: int) -> Images:
    """Resize (N, C, h, w) by bilinear interpolation, antialiased when shrinking.

    It is the triangle filter of Pillow's ``BILINEAR``, within one grey level of it.
    """
    count, channels, old_height, old_width = images.shape
    if (old_height, old_width) == (height, width):
        return images
    rows, columns = _interpolation(old_height, height), _interpolation(old_width, width).T
    resized = np.empty((count, channels, height, width), np.uint8)
    largest = (channels, max(height, old_height), max(width, old_width))
    for start, chunk in _chunks(images, largest):
        values = rows @ (chunk.astype(np.float32) @ columns)
        resized[start : start + len(chunk)] = np.rint(values).clip(0, 255)
    return resized


def fitted_size(own: Size, within: Size) -> Size:
    """Return the largest (height, width) ``within`` another that has the proportions of ``own``."""
    scale = min(within[0] / own[0], within[1] / own[1])
    return max(1, round(own[0] * scale)), max(1, round(own[1] * scale))


def centre(images: Images, height: int, width: int, own: Size | None = None) -> Images:
    """Resize (N, C, h, w), proportions kept, and put it in the middle of its border's median.

    The proportions are those of ``own``, (height, width), of pictures that were shrunk before.
    """
    given = images.shape[2:]
    if given == (height, width):
        return images
    new_height, new_width = fitted_size(own or given, (height, width))
    ground = np.median(_border(images), axis=2).astype(np.uint8)
    return _on_ground(resize(images, new_height, new_width), (height, width), ground)


def _on_ground(images: Images, size: Size, ground: npt.NDArray[np.uint8]) -> Images:
    """Set (N, C, h, w) in the middle of a ``ground``, (C,) or (N, C), of this size."""
    height, width = images.shape[2:]
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    canvas = np.empty((*images.shape[:2], *size), np.uint8)
    canvas[:] = ground[..., np.newaxis, np.newaxis]
    canvas[:, :, top : top + height, left : left + width] = images
    return canvas


def has_light_border(images: Images) -> npt.NDArray[np.bool_]:
    """Return (N,) whether at least half of an image's border is nearer to its lightest pixel.

    Of an image that is all but flat, whether its border is lighter than the middle of all levels.
    """
    if not len(images):
        return np.zeros(0, np.bool_)
    lightest, darkest = (of(images, axis=(1, 2, 3)).astype(np.int64) for of in (np.max, np.min))
    middle = np.where(lightest - darkest < _FLAT, 128, (lightest + darkest + 1) // 2)
    light = _border(images) >= middle[:, np.newaxis, np.newaxis]
    return np.asarray(light.mean(axis=(1, 2)) >= 0.5)


def background(images: Images) -> npt.NDArray[np.uint8]:
    """Return (C,) uint8, what images go on with beyond their edges: the median of all borders.

    0 for white on black as in MNIST, 255 for black on white, something between for photographs.
    """
    return np.asarray(np.quantile(_border(images), 0.5, axis=(0, 2), method="lower"), np.uint8)


def channels_first(array: npt.NDArray[Any], channels_last: bool = False) -> npt.NDArray[Any]:
    """Return (H, W), (N, H, W), (N, C, H, W) or, if so, (N, H, W, C) as a view (N, C, H, W)."""
    if channels_last:
        return array.transpose(0, 3, 1, 2)
    return array[:, np.newaxis] if array.ndim == 3 else array[(np.newaxis,) * (4 - array.ndim)]


def reaches_one(least: float, greatest: float, what: str, is_float: bool = False) -> bool:
    """Do pixels from ``least`` to ``greatest`` reach from 0 to 1 instead of 255?

    Floats with a largest value above 1 and at most 32 are refused: they may have another scale.
    """
    if least >= 0 and greatest <= 255 and not (is_float and 1 < greatest <= _DARKEST_BYTES):
        return bool(0 < greatest <= 1)
    values = "that are no numbers" if np.isnan(greatest) else f"from {least:g} to {greatest:g}"
    advice = "give floats from 0 to 1, or bytes from 0 to 255"
    if least >= 0 and 1 < greatest < np.inf:
        advice += f"; divide by {greatest:g}"
    raise DataError(f"{what} values {values}; {advice}")


def is_raw(values: npt.NDArray[Any]) -> bool:
    """Are these pixels from 0 to 255, and not what :class:`Preprocessing` makes of them?"""
    largest = _DARKEST_BYTES if values.dtype.kind == "f" else 1
    return bool(values.size and values.max() > largest)


def unrolled(
    shape: Sequence[int], input_shape: tuple[int, int, int], what: str
) -> tuple[int, ...] | None:
    """Return (N, C, H, W) for (N, C * H * W), images as rows; None of one image, (H, W).

    Rows are as long as an image of the network, or they are squares, and the array is so narrow or
    so flat as no picture is. ``what`` begins the error for an array that may be either.
    """
    count, columns = shape
    if columns == math.prod(input_shape) and tuple(shape) != input_shape[1:]:
        if count == columns and input_shape[1:] != (1, 1):
            sizes = ", ".join(map(str, input_shape))
            rows = f"{what} the shape {tuple(shape)}, one image or a row for each of {count:,}"
            one = f"reshape(1, {count}, {columns})"
            raise DataError(f"{rows}; give images.reshape(-1, {sizes}), or images.{one}")
        return (count, *input_shape)
    side = math.isqrt(columns)
    is_square = side >= _SMALLEST_SIDE and side * side == columns
    if is_square and not 1 / _FLATTEST <= count / columns <= _FLATTEST:
        return (count, 1, side, side)
    return None


def to_bytes(values: npt.NDArray[Any], unit: bool) -> Images:
    """Return pixels as uint8, rounded; ``unit``: they reach from 0 to 1, not to 255."""
    if unit:
        return np.rint(values * np.float32(255)).astype(np.uint8)
    if values.dtype.kind == "f":
        values = np.rint(values)
    return values.astype(np.uint8, copy=False)


def _border(images: Images) -> Images:
    """Return (N, C, P), the pixels along the edges of each image."""
    top, bottom = images[:, :, 0], images[:, :, -1]
    left, right = images[:, :, 1:-1, 0], images[:, :, 1:-1, -1]
    return np.concatenate([top, bottom, left, right], axis=2)


@functools.lru_cache(maxsize=16)
def _interpolation(old: int, new: int) -> npt.NDArray[np.float32]:
    """Return (new, old) weights of the triangle filter; every row adds up to 1."""
    scale = old / new
    reach = max(scale, 1.0)  # shrinking widens the filter: that is the antialiasing
    centres = (np.arange(new) + 0.5) * scale
    distances = np.abs(np.arange(old) + 0.5 - centres[:, np.newaxis]) / reach
    weights = np.maximum(1 - distances, 0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _polarity(light: int, count: int) -> Polarity | None:
    if light >= _CLEAR_MAJORITY * count:
        return "light"
    if count - light >= _CLEAR_MAJORITY * count:
        return "dark"
    return None


def _moments(histogram: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Return mean and standard deviation in [0, 1] pixels, the latter at least one grey level."""
    values = np.arange(256) / 255
    mean = float((histogram * values).sum() / histogram.sum())
    variance = float((histogram * (values - mean) ** 2).sum() / histogram.sum())
    return mean, max(math.sqrt(variance), 1 / 255)


def _chunks(images: Images, largest: tuple[int, ...]) -> Iterator[tuple[int, Images]]:
    """Yield runs of images with the index of their first: copies of shape ``largest`` stay few."""
    step = max(1, _CHUNK // math.prod(largest))
    return ((start, images[start : start + step]) for start in range(0, len(images), step))


def _is_sane(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= _LARGEST  # false for NaN, too


def _invalid(name: str, given: Any, allowed: str) -> DataError:
    what = f"{name} {shown(given)} where {allowed} is needed"
    return DataError(f"the preprocessing has {what}; use an intact model file")
