"""Which images are to train on, to validate on and to test on.

Pictures of one's own are split by their content (:func:`split_by_content`): an image stays where
it is when others come or go, whatever the files are called, and a copy is on the same side.
Data sets that never change are split by their labels (:func:`split_by_label`).
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.randomness import hash_index

TRAIN: Final = 0
VALIDATION: Final = 1
TEST: Final = 2
SPLIT_NAMES: Final = ("train", "validation", "test")
#: What a folder, a word in a table or the end of an array's name may be called to be a split.
SPLIT_WORDS: Final = {
    **{"train": TRAIN, "training": TRAIN, "test": TEST, "testing": TEST},
    **{"val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION},
}
TEST_SHARE: Final = 0.2

Labels = npt.NDArray[np.int64]
Digests = npt.NDArray[np.uint64]  # (N,) a hash of each image's shape and pixels


def digest(image: npt.NDArray[np.uint8]) -> int:
    """Return 64 bits of BLAKE2b (RFC 7693) over the shape and the pixels of one (C, H, W) image."""
    state = hashlib.blake2b(repr(image.shape).encode(), digest_size=8)
    state.update(np.ascontiguousarray(image).data)
    return int.from_bytes(state.digest(), "little")


def digests_of(images: npt.NDArray[np.uint8]) -> Digests:
    """Return the digest of each of (N, C, H, W) images."""
    return np.fromiter((digest(image) for image in images), np.uint64, len(images))


def split_by_content(digests: Digests, labels: Labels) -> npt.NDArray[np.bool_]:
    """Return (N,) bool, the images to test on: those whose hash is in the lowest fifth of all.

    A class of two or more different images that would have none on one side gives that side the
    image that is nearest to it. A class of one image has it to train on. Only in such classes can
    an image change sides when others come.
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


def split_by_label(labels: Labels, size: int) -> npt.NDArray[np.bool_]:
    """Return (N,) bool with exactly ``size`` chosen: a function of the labels alone, for ever.

    Every class gives its share (largest remainders round up), and within a class those samples
    whose index has the smallest hash.
    """
    chosen = np.zeros(len(labels), np.bool_)
    order = np.argsort(hash_index(np.arange(len(labels))), kind="stable")
    counts = np.bincount(labels)
    shares, remainders = np.divmod(counts * size, counts.sum())
    shares[np.argsort(-remainders, kind="stable")[: size - shares.sum()]] += 1
    for label, share in enumerate(shares):
        chosen[order[labels[order] == label][:share]] = True
    return chosen
