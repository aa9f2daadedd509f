"""Which image a sample is: from rows of numbers and arrays of any order of axes to (C, H, W)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt, prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lenet.errors import UsageError
from lenet.net import Network

#: A smaller square of features is taken for what it nearly always is: no image.
SMALLEST_SIDE: Final = 8

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Layout:
    """How a sample of numbers is an image.

    Attributes:
        sample_shape: of a sample as it was given to ``fit``, e.g. (64,) or (32, 32, 3).
        image_shape: (C, H, W). Features that are no image are C channels of a single pixel.
        channels_last: whether the sample's last axis is its channels.
    """

    sample_shape: tuple[int, ...]
    image_shape: Shape
    channels_last: bool = False

    @property
    def is_image(self) -> bool:
        """Do its numbers have neighbours?"""
        return self.image_shape[1:] != (1, 1)

    def images(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Rows of numbers (N, features) as (N, C, H, W)."""
        channels, height, width = self.image_shape
        if self.channels_last:
            return rows.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)
        return rows.reshape(-1, channels, height, width)

    def takes(self, sample_shape: tuple[int, ...]) -> bool:
        """May samples of this shape be predicted? As fitted, flat, or the image that flat ones are.

        That flat ones have as many features is not asked here.
        """
        if len(sample_shape) == 1 or sample_shape == self.sample_shape:
            return True
        flat, grey = len(self.sample_shape) == 1, self.image_shape[0] == 1
        return flat and (
            sample_shape == self.image_shape or (grey and sample_shape == self.image_shape[1:])
        )


def find_layout(
    sample_shape: tuple[int, ...], wanted: Sequence[int] | None, network: Network | None
) -> Layout:
    """The image that a sample is.

    Args:
        sample_shape: of one sample: (features,), (H, W), (H, W, C) or (C, H, W).
        wanted: (H, W) or (C, H, W) as the user says it; None to find it out.
        network: whose input tells, if the user chose one.

    Raises:
        UsageError: ``wanted`` is no shape or not the sample's, or the axes cannot be told apart.
    """
    image = None if wanted is None else _read_shape(wanted)
    if image and prod(image) != prod(sample_shape):
        raise UsageError(
            f"image_shape {tuple(image)} has {prod(image):,} values and a sample of shape "
            f"{sample_shape} has {prod(sample_shape):,}; give an image_shape with as many."
        )
    if len(sample_shape) == 1:
        return Layout(sample_shape, image or _flat(sample_shape[0], network))
    if len(sample_shape) == 2:
        height, width = sample_shape
        return _expected(Layout(sample_shape, (1, height, width)), image)
    first, middle, last = sample_shape
    as_given, moved = (first, middle, last), (last, first, middle)
    if image in (as_given, moved):
        return Layout(sample_shape, image, channels_last=image != as_given)
    if first == last:
        raise UsageError(
            f"samples of shape {sample_shape} do not say which axis has the channels; give "
            "image_shape=(channels, height, width)."
        )
    found = Layout(sample_shape, as_given if first < last else moved, first > last)
    return _expected(found, image)


def _expected(found: Layout, image: Shape | None) -> Layout:
    if image is None or image == found.image_shape:
        return found
    raise UsageError(
        f"image_shape is {image} and samples of shape {found.sample_shape} are images of shape "
        f"{found.image_shape}; leave image_shape out."
    )


def _flat(features: int, network: Network | None) -> Shape:
    if network is not None and prod(network.input_shape) == features:
        return network.input_shape
    side = isqrt(features)
    if side * side == features and side >= SMALLEST_SIDE:
        return 1, side, side
    return features, 1, 1


def _read_shape(given: object) -> Shape:
    sizes = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else ()
    whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in sizes)
    if len(sizes) not in (2, 3) or not whole or min(sizes) < 1:
        raise UsageError(
            f"image_shape is {given!r}; it must be (height, width) or (channels, height, width), "
            "whole numbers above 0."
        )
    channels, height, width = (1, *map(int, sizes))[-3:]
    return channels, height, width
