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
from itertools import chain
from typing import Any, Final, Literal, Self, cast

import numpy as np
import numpy.typing as npt

from lenet.arguments import plain
from lenet.data.centring import find_box
from lenet.data.ground import Images as Images
from lenet.data.ground import (
    Polarity,
    background_of,
    has_colour,
    has_light_border,
    own_backgrounds,
    shared_polarity,
)
from lenet.errors import DataError, UsageError
from lenet.net.shapes import pair_text
from lenet.net.words import listed, shown
from lenet.writing import values_html

Size = tuple[int, int]  # (height, width)
#: How a picture of other proportions becomes an image: stretched; whole, with the pixels of its
#: edges repeated outward; its middle cut out; or whole, on the median colour of its border.
Fit = Literal["stretch", "pad", "crop", "border"]
FITS: Final[tuple[Fit, ...]] = ("stretch", "pad", "crop", "border")
_FITTING: Final[dict[Fit, str]] = {
    "stretch": "stretched",
    "pad": "kept whole, the pixels of their edges repeated outward",
    "crop": "cut to their middle",
    "border": "kept whole, on the median colour of their border",
}

_POLARITIES = ("dark", "light", None)
_KEYS = ("input_shape", "mean", "std", "polarity")
_NEWER = ("depth", "box", "margin", "fit", "sizes")  # files of an older lenet have none
_DEPTHS = (8, 10, 12, 14, 16)
_LARGEST = 1_000_000
_SMALLEST_STD = 1e-6  # with this and _LARGEST, scale and shift stay finite in float32
_TRIED: Final = 64  # images on which the rule for backgrounds is tried
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
            None if they differ, or had colours and are grey now.
        depth: how many bits the training pictures used, where they had 16: 8, 10, 12, 14 or 16;
            None if they had not.
        margin: whether images smaller than the input are set in its middle, with the background
            around them; otherwise they are enlarged.
        box: where all training images are centred as MNIST's are, how many pixels the longer side
            of their ink has: 20; None for others.
        fit: how images of other proportions become the input's: "stretch", "pad" (whole, the
            pixels of the edges repeated outward), "crop" (the middle) or "border" (whole, on the
            median colour of the border). None, as in files of an older lenet: picture files as
            "border", arrays as "stretch".
        sizes: (height, width) of the training pictures before: the smallest, the median and the
            largest; None where they were no picture files.

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
    fit: Fit | None = None
    sizes: tuple[Size, ...] | None = None

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
        if self.fit is not None and (type(self.fit) is not str or self.fit not in FITS):
            raise _invalid("fit", self.fit, f"{', '.join(FITS)} or nothing")
        if self.sizes is not None:
            if (sizes := read_three_sizes(self.sizes)) is None:
                raise _invalid("sizes", self.sizes, "three of (height, width), or nothing,")
            object.__setattr__(self, "sizes", sizes)

    @classmethod
    def measure(
        cls,
        images: Images,
        input_shape: tuple[int, int, int],
        standardize: bool = True,
        depth: int | None = None,
        pixel_range: tuple[float, float] = (0.0, 1.0),
        margin: bool = False,
        fit: Fit | None = None,
        has_colours: bool = False,
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
            fit: how images of other proportions become the input's; None is "stretch" where these
                have others, "border" where all have one kind of background, and otherwise "pad".
            has_colours: whether grey images were made of pictures with colours: what is light and
                dark then says too little for their negatives to be the same.

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
            matched = match(chunk, input_shape, fit or "stretch")
            light += int(has_light_border(matched).sum())
            for channel in range(channels):
                counts[channel] += np.bincount(matched[:, channel].ravel(), minlength=256)
        polarity = shared_polarity(light, len(images))
        if polarity and channels == 1 and (has_colours or not _holds(polarity, images)):
            polarity = None
        box = None
        if polarity and fits and channels == 1:
            box = find_box(images[:, 0], polarity == "light")
        if fit is None:
            keeps = fitted_size(images.shape[2:], input_shape[1:]) == input_shape[1:]
            fit = "stretch" if not keeps else "border" if polarity else "pad"
        more = (polarity, depth, box, margin or None, fit)
        if not standardize:
            black, white = pixel_range
            span = white - black
            return cls(input_shape, (-black / span,) * channels, (1 / span,) * channels, *more)
        means, deviations = zip(*map(_moments, counts), strict=True)
        return cls(input_shape, means, deviations, *more)

    def _repr_html_(self) -> str:
        return values_html("Preprocessing", self.to_dict())

    @property
    def fitting(self) -> str:
        """What becomes of pictures of another size, as the end of a sentence about them."""
        size = pair_text((self.input_shape[1], self.input_shape[2]))
        if self.box is not None:
            ink = f"their ink {self.box} pixels long and its centre of mass in the middle"
            return f"brought to {size}, {ink}"
        how = _FITTING[self.fit or "border"]
        return f"brought to {size}; those of other proportions {how}"

    @property
    def for_programs(self) -> str:
        """What a program does to pictures before it hands their bytes over, in sentences."""
        words = [f"Pictures are {self.fitting}.", "Resize as Pillow's BILINEAR does."]
        if self.polarity:
            marks = "light" if self.polarity == "dark" else "dark"
            words.append(f"They are {marks} on a {self.polarity} background; invert others.")
        if self.depth:
            most = 2**self.depth - 1
            words.append(f"Values of 16 bits end at {most:,}: a byte is value * 255 / {most}.")
        return " ".join(words)

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
        """Bring images (N, c, h, w) to the network's channels and size, (N, C, H, W)."""
        if self.margin:
            images = set_in_middle(images, self.input_shape)
        return match(images, self.input_shape, self.fit or "stretch")

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
        if self.sizes is not None:
            known["sizes"] = list(map(list, self.sizes))
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


def match(images: Images, input_shape: tuple[int, int, int], fit: Fit = "stretch") -> Images:
    """Bring (N, c, h, w) images to ``input_shape`` (C, H, W); those that fit are not copied."""
    channels, *size = input_shape
    if images.shape[1] == 3 and channels == 1:  # first, so that less has to be resized
        return fit_to(to_grey(images), (size[0], size[1]), fit)
    images = fit_to(images, (size[0], size[1]), fit)
    if images.shape[1] == channels:
        return images
    if images.shape[1] == 1 and channels == 3:
        return np.repeat(images, 3, axis=1)
    what = f"images with {images.shape[1]} channels cannot become {channels}"
    advice = f"with {channels} channels, or use a network whose input has {images.shape[1]}"
    raise DataError(f"{what}; give images {advice}")


def set_in_middle(images: Images, input_shape: tuple[int, int, int]) -> Images:
    """Set (N, c, h, w) that are smaller than (C, H, W) in its middle, each one's background around.

    Images that are larger on an axis are returned as they are.
    """
    over = [most - size for most, size in zip(input_shape[1:], images.shape[2:], strict=True)]
    if min(over) < 0 or not any(over) or not len(images):
        return images
    return _on_ground(images, input_shape[1:], own_backgrounds(images))


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


def read_fit(given: str) -> Fit:
    """Return how pictures get their size, as it is called."""
    for fit in FITS:
        if given == fit:
            return fit
    what = f"fit is {shown(given)}; it must be {listed(FITS, 'or')}"
    raise UsageError(f"{what}.", parameter="fit")


def fit_to(images: Images, size: Size, fit: Fit, own: Size | None = None) -> Images:
    """Bring (N, C, h, w) to ``size``, (height, width), in one of the :data:`FITS`.

    The proportions are those of ``own``, (height, width), of pictures that were shrunk before.
    Images of that size are returned as they are.
    """
    given = (images.shape[2], images.shape[3])
    if given == size:
        return images
    if fit == "stretch":
        return resize(images, *size)
    if fit == "crop":
        return resize(_middle(images, size, own or given), *size)
    inner = resize(images, *fitted_size(own or given, size))
    if fit == "border":
        return _on_ground(inner, size, own_backgrounds(images))
    over = [most - side for most, side in zip(size, inner.shape[2:], strict=True)]
    sides = [(left // 2, left - left // 2) for left in over]
    return np.pad(inner, [(0, 0), (0, 0), *sides], "edge")


def _middle(images: Images, size: Size, own: Size) -> Images:
    """Return the largest middle part of (N, C, h, w) that has the proportions of ``size``."""
    scale = max(size[0] / own[0], size[1] / own[1])
    for axis in (0, 1):
        given = images.shape[2 + axis]
        kept = max(1, round(given * size[axis] / (own[axis] * scale)))
        first = (given - kept) // 2
        images = images[(slice(None),) * (2 + axis) + (slice(first, first + kept),)]
    return images


def _on_ground(images: Images, size: Size, ground: npt.NDArray[np.uint8]) -> Images:
    """Set (N, C, h, w) in the middle of a ``ground``, (C,) or (N, C), of this size."""
    height, width = images.shape[2:]
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    canvas = np.empty((*images.shape[:2], *size), np.uint8)
    canvas[:] = ground[..., np.newaxis, np.newaxis]
    canvas[:, :, top : top + height, left : left + width] = images
    return canvas


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


@functools.lru_cache(maxsize=16)
def _interpolation(old: int, new: int) -> npt.NDArray[np.float32]:
    """Return (new, old) weights of the triangle filter; every row adds up to 1."""
    scale = old / new
    reach = max(scale, 1.0)  # shrinking widens the filter: that is the antialiasing
    centres = (np.arange(new) + 0.5) * scale
    distances = np.abs(np.arange(old) + 0.5 - centres[:, np.newaxis]) / reach
    weights = np.maximum(1 - distances, 0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _holds(polarity: Polarity, images: Images) -> bool:
    """Would some of the training images (N, C, H, W) go through as they are, and none has colour?

    Whatever turned one of them into its negative would turn others.
    """
    some = images[:: -(-len(images) // _TRIED)]
    if any(map(has_colour, some)):
        return False
    grey = to_grey(some) if some.shape[1] == 3 else some
    grey = grey[has_light_border(grey) == (polarity == "light")]
    return all(background_of(image[0])[0] == polarity for image in grey)


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


def read_three_sizes(given: Any) -> tuple[Size, ...] | None:
    """Return three of (height, width); None of what are no such sizes."""
    pairs = plain(given)
    is_list = isinstance(pairs, list | tuple) and len(pairs) == 3
    are_pairs = is_list and all(isinstance(p, list | tuple) and len(p) == 2 for p in pairs)
    if are_pairs and all(type(side) is int and 0 < side <= _LARGEST for side in chain(*pairs)):
        return tuple((height, width) for height, width in pairs)
    return None


def _is_sane(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= _LARGEST  # false for NaN, too


def _invalid(name: str, given: Any, allowed: str) -> DataError:
    what = f"{name} {shown(given)} where {allowed} is needed"
    return DataError(f"the preprocessing has {what}; use an intact model file")
