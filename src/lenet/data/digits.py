"""The handwritten digits that ship inside the package: training works without a network.

1,797 images of 8x8 with values 0 to 16: the test set of "Optical Recognition of Handwritten
Digits" (E. Alpaydin and C. Kaynak, 1998, https://doi.org/10.24432/C50P49, CC BY 4.0); see
``files/ATTRIBUTION.md``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from lenet.data import idx
from lenet.data.dataset import Dataset, Split

NAME = "digits"
CLASSES = tuple("0123456789")
TEST_SIZE = 360

_FOLDER = Path(__file__).parent / "files"
_REMEDY = "install lenet again"
_MAX_VALUE = 16


def load() -> Dataset:
    """The digits, 1,437 to train on and 360 to test, always split in the same way.

    Values 0 to 16 become bytes 0 to 255.

    Raises:
        DataError: the installed files are damaged.
    """
    values = idx.read(_FOLDER / "digits-images-idx3-ubyte.gz", _REMEDY)
    images = np.rint(values * (255 / _MAX_VALUE)).astype(np.uint8)[:, np.newaxis]
    labels = idx.read(_FOLDER / "digits-labels-idx1-ubyte.gz", _REMEDY).astype(np.int64)
    test = split(labels, TEST_SIZE)
    train_part = Split(images[~test], labels[~test])
    return Dataset(NAME, train_part, Split(images[test], labels[test]), CLASSES)


def split(labels: npt.NDArray[np.int64], test_size: int) -> npt.NDArray[np.bool_]:
    """Which samples are for testing: a function of the labels alone, the same forever.

    Every class gives its share of ``test_size`` (largest remainders round up), and within a
    class those samples whose index has the smallest hash.

    Returns:
        (N,) bool, exactly ``test_size`` of them true.
    """
    test = np.zeros(len(labels), np.bool_)
    order = np.argsort(_splitmix64(np.arange(len(labels), dtype=np.uint64)), kind="stable")
    for label, share in enumerate(_shares(np.bincount(labels), test_size)):
        test[order[labels[order] == label][:share]] = True
    return test


def _shares(counts: npt.NDArray[np.int64], total: int) -> npt.NDArray[np.int64]:
    """Divide ``total`` in proportion to ``counts`` by the method of largest remainders."""
    shares, remainders = np.divmod(counts * total, counts.sum())
    largest = np.argsort(-remainders, kind="stable")[: total - shares.sum()]
    shares[largest] += 1
    return shares


def _splitmix64(index: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """A hash of 64 bits (Steele, Lea and Flood, OOPSLA 2014), modulo 2**64 on purpose."""
    mixed = (index + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
