"""Pixels in two scales."""

import numpy as np
import pytest

from lenet.data.scale import Range, to_bytes
from lenet.errors import DataError


def seen(*values):
    found = Range()
    for value in values:
        found.see(np.array(value))
    return found


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([0, 255], False),
        ([0.0, 1.0], True),
        ([True], True),
        ([0, 1], True),
        ([0.0], False),
        ([1.5], False),
    ],
)
def test_scale(values, unit):
    assert seen(values[:1], values).is_unit == unit


def test_bytes():
    assert to_bytes(np.array([0, 0.5, 1.0]), True).tolist() == [0, 128, 255]
    assert to_bytes(np.array([False, True]), True).tolist() == [0, 255]
    assert to_bytes(np.array([0, 1.6, 255.0]), False).tolist() == [0, 2, 255]
    assert to_bytes(np.array([0, 300]), False).dtype == np.uint8


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([[-1.0], [0]], "values from -1 to 0"),
        ([[256]], "values from 0 to 256"),
        ([[np.inf]], "values from 0 to inf"),
        ([[1.0], [np.nan], [2.0]], "values that are no numbers"),
    ],
)
def test_no_pixels(values, words):
    with pytest.raises(DataError, match=f"x has {words}; give whole numbers 0 to 255, or floats"):
        seen(*values).require_pixels("x has")
