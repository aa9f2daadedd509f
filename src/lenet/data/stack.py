"""Images of one size put together, grey until the first that has colour."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lenet.data.pictures import centre
from lenet.data.preprocess import Images, to_grey
from lenet.data.wishes import Size, require_room


def shaped(images: Images, size: Size, channels: int | None) -> Images:
    """(n, C, h, w) images as they are put on a stack: of its size, grey where they can be."""
    if images.shape[1] == 3:
        if channels == 1:
            images = to_grey(images)
        elif channels is None and bool((images == images[:, :1]).all()):
            images = images[:, :1]
    return centre(images, *size)


class Stack:
    """Up to ``count`` images of one size, in the order of their numbers."""

    def __init__(self, count: int, size: Size, channels: int | None) -> None:
        """Make room for grey images, or for RGB where ``channels`` is 3.

        Raises:
            DataError: they would not fit into memory.
        """
        self._count, self._size = count, size
        self._images = self._room(channels or 1)

    def put(self, start: int, images: Images) -> None:
        """Store (n, 1 or 3, H, W) as the images from number ``start`` on."""
        if images.shape[1] > self._images.shape[1]:
            grey, self._images = self._images, self._room(3)
            self._images[:start] = grey[:start]
        self._images[start : start + len(images)] = images

    def take(self, kept: npt.NDArray[np.bool_] | None = None) -> Images:
        """The images, (N, C, H, W), or those of them that are kept."""
        if kept is None or bool(kept.all()):
            return self._images
        return np.asarray(self._images[kept])

    def _room(self, channels: int) -> Images:
        require_room(self._count, channels, self._size)
        return np.empty((self._count, channels, *self._size), np.uint8)
