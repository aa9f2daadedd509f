"""What users hand over, as a split: rows and arrays of any numbers to images of bytes.

A sample is an image, or features that are none. Networks see bytes, so numbers become the 256
levels from low to high. Equal samples of one class are merged, and all are sorted: what is trained
then depends neither on the order of the samples nor on whether one was repeated or weighted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt, prod
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lenet.arguments import plain, shown
from lenet.data import Split
from lenet.data.dataset import fault_of_names
from lenet.errors import UsageError
from lenet.net import Network
from lenet.net.layers import MAX_SIZE
from lenet.net.shapes import channels_first, is_channels_last

#: A smaller square of features is taken for what it nearly always is: no image.
SMALLEST_SIDE: Final = 8
#: Tukey's outer fences (Exploratory Data Analysis, 1977), in distances between the quartiles.
FENCE: Final = 3.0
#: Scales that pixels come in; data that use the upper half of one are taken to be in it.
SCALES: Final = (1.0, 255.0)
#: Numbers turned into bytes at a time.
_CHUNK: Final = 1 << 20

Range = NDArray[np.float64]
"""(2, C): what becomes byte 0 in each channel, and what becomes byte 255."""


@dataclass(frozen=True)
class Layout:
    """How a sample of numbers is an image."""

    sample_shape: tuple[int, ...]  # as it was given to ``fit``, e.g. (64,) or (32, 32, 3)
    image_shape: tuple[int, int, int]  # (C, H, W); no image is C channels of one pixel
    channels_last: bool = False  # whether the sample's last axis is its channels

    @property
    def is_image(self) -> bool:
        """Whether its numbers have neighbours."""
        return self.image_shape[1:] != (1, 1)

    def images(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return rows of numbers (N, features) as (N, C, H, W)."""
        channels, height, width = self.image_shape
        if self.channels_last:
            return rows.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)
        return rows.reshape(-1, channels, height, width)

    def takes(self, sample_shape: tuple[int, ...]) -> bool:
        """Return whether samples of this shape can be predicted: as fitted, flat (however many
        features), or the image that flat ones are."""
        if len(sample_shape) == 1 or sample_shape == self.sample_shape:
            return True
        image = self.image_shape
        allowed = (image, image[1:]) if image[0] == 1 else (image,)
        return len(self.sample_shape) == 1 and sample_shape in allowed


def rows_of(X: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Return images as rows, and their shape; what has two dimensions or fewer as it is."""
    if not hasattr(X, "shape"):
        try:
            X = np.asarray(X)
        except ValueError:  # lists of different lengths: scikit-learn has the words
            return X, None
    shape = tuple(X.shape)
    if len(shape) <= 2:
        return X, None
    if len(shape) > 4:
        allowed = "(N, features), (N, H, W), (N, H, W, C) or (N, C, H, W)"
        raise UsageError(f"Found array with dim {len(shape)}; give {allowed}.")
    return np.asarray(X).reshape(shape[0], prod(shape[1:])), shape[1:]


def weighted(
    rows: NDArray[Any], labels: NDArray[Any], sample_weight: ArrayLike | None
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
    """Return the samples that weigh more than nothing, their labels, and their weights."""
    if sample_weight is None:
        return rows, labels, np.ones(len(rows))
    weights = np.asarray(sample_weight, np.float64)
    if weights.shape != (len(rows),):
        raise UsageError(
            f"sample_weight has shape {weights.shape} and there are {len(rows):,} samples; give "
            "one weight each."
        )
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise UsageError("sample_weight has negative values, NaN or infinity; give 0 or more.")
    heavy = weights > 0
    if not heavy.any():
        raise UsageError("All of sample_weight is zero; at least one weight must be above zero.")
    return (rows, labels, weights) if heavy.all() else (rows[heavy], labels[heavy], weights[heavy])


def indices_of(labels: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.int64]:
    """Return the place of each label (N,) among the sorted classes."""
    indices = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    unknown = labels[classes[indices] != labels]
    if len(unknown):
        label = plain(unknown[0])
        raise UsageError(f"y has the label {shown(label)}, none of the classes {listed(classes)}.")
    return indices


def listed(classes: NDArray[Any]) -> str:
    """Write the classes for an error message, ten of them at most."""
    return f"{classes[:10].tolist()}{' and more' * (len(classes) > 10)}"


def class_names(classes: NDArray[Any]) -> tuple[str, ...]:
    """Return what a model calls these classes, labels of any type: their text, where that can be a
    class's name and is no other's; otherwise their numbers, from 0."""
    names = tuple(map(str, classes))
    return tuple(map(str, range(len(names)))) if fault_of_names(names) else names


def find_layout(
    sample_shape: tuple[int, ...], image_shape: Sequence[int] | None, network: Network | None
) -> Layout:
    """Find out which image a sample of shape (features,), (H, W), (H, W, C) or (C, H, W) is.

    ``image_shape``, (H, W) or (C, H, W), and the network are those that the user chose, if any.
    """
    image = None if image_shape is None else _read_shape(image_shape)
    if image and prod(image) != prod(sample_shape):
        raise UsageError(
            f"image_shape {shown(image)} has {prod(image):,} values and a sample of shape "
            f"{sample_shape} has {prod(sample_shape):,}; give an image_shape with as many."
        )
    if len(sample_shape) == 1:
        return Layout(sample_shape, image or _flat(sample_shape[0], network))
    layout = _shaped(sample_shape, image)
    if image not in (None, layout.image_shape):
        raise UsageError(
            f"image_shape is {image} and samples of shape {sample_shape} are images of shape "
            f"{layout.image_shape}; leave image_shape out."
        )
    return layout


def find_range(rows: NDArray[Any], layout: Layout, given: Sequence[float] | None) -> Range:
    """Return the range of finite rows (N, features); only which values occur matters.

    Pixels of an image share one: [0, 1] or [0, 255] if they all lie in it and some in its upper
    half, so that bytes stay what they are; else from the smallest to the largest. Features that
    are no image have a range each, cut off at Tukey's outer fences of their distinct values.
    ``given`` is the (low, high) that the user chose for all values, if any.
    """
    if given is None and not layout.is_image:
        return np.array([_feature_range(column) for column in rows.T]).T
    if given is None:
        limits = float(rows.min()), float(rows.max())
        tops = (top for top in SCALES if limits[0] >= 0 and top / 2 < limits[1] <= top)
        limits = next(((0.0, top) for top in tops), limits)
    else:
        limits = _read_range(given)
    return np.repeat(np.array([limits]).T, layout.image_shape[0], axis=1)


# Numbers at the ends of float64's range overflow to what is cut off anyway.
@np.errstate(over="ignore", invalid="ignore")
def to_bytes(rows: NDArray[Any], layout: Layout, limits: Range) -> NDArray[np.uint8]:
    """Return rows (N, features) as images (N, C, H, W), rounded, cut off at the limits.

    A channel whose range is a single value is 0 everywhere.
    """
    images = layout.images(rows)
    levels = np.empty(images.shape, np.uint8)
    # Halves: the difference of two numbers near the largest float64 must not overflow.
    low, high = (edge[:, None, None] / 2 for edge in limits)
    scale = np.divide(255, high - low, out=np.zeros_like(low), where=high > low)
    step = max(1, _CHUNK // max(1, rows.shape[1]))
    for start in range(0, len(images), step):
        chunk = images[start : start + step].astype(np.float64) / 2
        scaled = np.rint((chunk.clip(low, high) - low) * scale)
        levels[start : start + step] = np.nan_to_num(scaled).clip(0, 255)
    return levels


def canonical(
    images: NDArray[np.uint8], labels: NDArray[np.int64], weights: NDArray[np.float64]
) -> Split:
    """Merge and order samples; their weights are then 1 on average, or None if all are equal."""
    _, first, places = np.unique(_keys(images, labels), return_index=True, return_inverse=True)
    order = np.argsort(weights, kind="stable")  # a sum's last bit depends on the order of its terms
    sums = np.bincount(places[order], weights[order] / weights.max())
    same = bool((sums == sums[0]).all())
    return Split(
        np.ascontiguousarray(images[first]),
        labels[first],
        None if same else (sums / sums.mean()).astype(np.float32),
    )


def _shaped(sample_shape: tuple[int, ...], image: tuple[int, int, int] | None) -> Layout:
    """Return the layout of samples with two or three axes; ``image`` may tell axes apart."""
    if len(sample_shape) == 2:
        return Layout(sample_shape, (1, *sample_shape))
    first, middle, last = sample_shape
    as_given, moved = (first, middle, last), (last, first, middle)
    if image is None and first == last:
        raise UsageError(
            f"samples of shape {sample_shape} do not say which axis has the channels; give "
            "image_shape=(channels, height, width)."
        )
    is_last = image != as_given if image in (as_given, moved) else first > last
    return Layout(sample_shape, moved if is_last else as_given, is_last)


def _flat(features: int, network: Network | None) -> tuple[int, int, int]:
    if network is not None and prod(network.input_shape) == features:
        return network.input_shape
    side = isqrt(features)
    is_square = side * side == features and side >= SMALLEST_SIDE
    return (1, side, side) if is_square else (features, 1, 1)


def _read_shape(given: object) -> tuple[int, int, int]:
    values = plain(given)
    sizes = tuple(values) if isinstance(values, Sequence) and not isinstance(values, str) else ()
    whole = all(type(n) is int and n <= MAX_SIZE for n in sizes)
    if len(sizes) not in (2, 3) or not whole or min(sizes) < 1:
        raise UsageError(
            f"image_shape is {shown(given)}; it must be (height, width) or (channels, height, "
            f"width), whole numbers from 1 to {MAX_SIZE:,}."
        )
    channels, height, width = shape = (1, *sizes)[-3:]
    if is_channels_last(shape):
        meant = tuple(channels_first(shape))
        raise UsageError(f"image_shape {shape} has its channels last; did you mean {meant}?")
    return channels, height, width


def _read_range(given: Any) -> tuple[float, float]:
    try:
        low, high = np.array(given, np.float64).tolist()
        good = np.isfinite([low, high]).all() and low < high
    except (TypeError, ValueError, OverflowError):
        good = False
    if not good:
        raise UsageError(
            f"value_range is {shown(given)}; it must be (low, high), two numbers, the first "
            "smaller."
        )
    return low, high


@np.errstate(over="ignore", invalid="ignore")
def _feature_range(column: NDArray[Any]) -> tuple[float, float]:
    distinct = np.unique(column.astype(np.float64))
    low, high = float(distinct[0]), float(distinct[-1])
    first, third = np.quantile(distinct, (0.25, 0.75))
    reach = FENCE * (third - first)
    if np.isfinite(reach):
        low, high = max(low, float(first - reach)), min(high, float(third + reach))
    return low, high


def _keys(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> NDArray[np.bytes_]:
    """Return a sortable word per sample: its bytes, then its label's, the highest first."""
    words = labels.astype(">i8")[:, None].view(np.uint8)
    rows = np.concatenate([images.reshape(len(images), -1), words], axis=1)
    # All have one length, so that the zeros which NumPy takes off a word's end decide nothing.
    return rows.view(f"S{rows.shape[1]}").ravel()
