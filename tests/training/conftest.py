"""Small data and a small network, which train in milliseconds."""

import numpy as np
import pytest

import lenet
from lenet.data import Dataset, Split

SMALL = "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10"


@pytest.fixture(scope="session")
def digits():
    return lenet.load("digits")


@pytest.fixture(scope="session")
def few(digits):
    """300 digits to train on and 100 to test on."""
    return Dataset(
        "few",
        Split(digits.train.images[:300], digits.train.labels[:300]),
        Split(digits.test.images[:100], digits.test.labels[:100]),
        digits.classes,
    )


@pytest.fixture(scope="session")
def blank():
    """A data set that cannot be resized by accident: 20 images, two classes."""
    images = np.zeros((20, 1, 8, 8), np.uint8)
    part = Split(images, np.arange(20, dtype=np.int64) % 2)
    return Dataset("blank", part, part, ("a", "b"))


@pytest.fixture
def small():
    return SMALL
