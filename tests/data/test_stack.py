"""Images put together: grey until one has colour."""

import numpy as np
import pytest

from lenet.data import wishes
from lenet.data.pictures import centre
from lenet.data.preprocess import to_grey
from lenet.data.stack import Stack, shaped
from lenet.errors import DataError

GREY = np.arange(2 * 12, dtype=np.uint8).reshape(2, 1, 3, 4)
RGB = np.random.default_rng(0).integers(0, 256, (2, 3, 3, 4), dtype=np.uint8)


def test_grey_stays_grey():
    stack = Stack(2, (3, 4), None)
    stack.put(0, GREY)
    np.testing.assert_array_equal(stack.take(), GREY)
    assert stack.take(np.array([False, True])).tolist() == GREY[1:].tolist()


def test_the_first_colour_makes_all_rgb():
    stack = Stack(4, (3, 4), None)
    stack.put(0, GREY)
    stack.put(2, RGB)
    expected = np.concatenate([np.repeat(GREY, 3, axis=1), RGB])
    np.testing.assert_array_equal(stack.take(), expected)


def test_rgb_from_the_start():
    stack = Stack(2, (3, 4), 3)
    stack.put(0, GREY)
    np.testing.assert_array_equal(stack.take(), np.repeat(GREY, 3, axis=1))


def test_shaped():
    assert shaped(np.repeat(GREY, 3, axis=1), (3, 4), None).tolist() == GREY.tolist()
    assert shaped(np.repeat(GREY, 3, axis=1), (3, 4), 3).shape == (2, 3, 3, 4)
    np.testing.assert_array_equal(shaped(RGB, (3, 4), 1), to_grey(RGB))
    np.testing.assert_array_equal(shaped(GREY, (6, 6), None), centre(GREY, 6, 6))


def test_many_are_centred_as_one_is():
    both = centre(RGB, 7, 5)
    for index in range(2):
        np.testing.assert_array_equal(both[index], centre(RGB[index : index + 1], 7, 5)[0])


def test_no_room(monkeypatch):
    monkeypatch.setattr(wishes, "machine_memory", lambda: 1000)
    with pytest.raises(DataError, match="would fill"):
        Stack(100, (28, 28), None)
