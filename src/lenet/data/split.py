"""Which images are to train on and which to test on: decided by what is on them.

An image's side follows from a hash of its own pixels, so that it stays where it is when others
come or go, whatever the files are called, and a copy of it is always on its side.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.data.preprocess import Images

TEST_SHARE: Final = 0.2

Digests = npt.NDArray[np.uint64]
"""(N,) a hash of each image's shape and pixels."""


def digest(image: Images) -> int:
    """64 bits of BLAKE2b (RFC 7693) over the shape and the pixels of one (C, H, W) image."""
    state = hashlib.blake2b(repr(image.shape).encode(), digest_size=8)
    state.update(np.ascontiguousarray(image).data)
    return int.from_bytes(state.digest(), "little")


def digests_of(images: Images) -> Digests:
    """The digest of each of (N, C, H, W) images."""
    return np.fromiter((digest(image) for image in images), np.uint64, len(images))


def for_testing(digests: Digests, labels: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which images are to test on: those whose hash is in the lowest fifth of all hashes.

    A class of two or more different images that would have none on one side gives that side the
    one that is nearest to it, and one of a single image is to train on; only in such classes can
    an image change sides when others come.

    Args:
        digests: (N,) of the images.
        labels: (N,) their classes.

    Returns:
        (N,) bool.
    """
    test = digests < np.uint64(TEST_SHARE * 2**64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        own, side = digests[members], test[members]
        if own.min() == own.max():
            test[members] = False
        elif side.all() or not side.any():
            moved = own == (own.max() if side.all() else own.min())
            test[members[moved]] = not side.all()
    return test
