"""Load options, and images brought to one size, colour and scale."""

import numpy as np
import pytest

from lenet.data import collection
from lenet.data.collection import (
    LoadOptions,
    Stack,
    bounded,
    middle,
    read_size,
    require_room,
    shaped,
)
from lenet.data.preprocess import FITS, fit_to, reaches_one, to_bytes, to_grey
from lenet.errors import DataError, UsageError
from refusals import refused

GREY = np.arange(2 * 12, dtype=np.uint8).reshape(2, 1, 3, 4)
RGB = np.random.default_rng(0).integers(0, 256, (2, 3, 3, 4), dtype=np.uint8)


@pytest.mark.parametrize(
    ("given", "size"),
    [
        (28, (28, 28)),
        ("28", (28, 28)),
        ("28x32", (28, 32)),
        (" 28X32 ", (28, 32)),
        ((28, 32), (28, 32)),
        ([1, 4096], (1, 4096)),
    ],
)
def test_sizes(given, size):
    assert read_size(given) == size


@pytest.mark.parametrize(
    "given",
    [
        0,
        -1,
        4097,
        "0",
        "28x",
        "x28",
        "28x28x3",
        "",
        "1_0",
        "٣",
        "9" * 5000,
        True,
        (1, 2, 3),
        (),
        2.5,
    ],
)
def test_no_sizes(given):
    with refused(UsageError, "the size is", "28x32"):
        read_size(given)


def test_colours():
    assert LoadOptions.of(None, True, False, False).channels == 1
    assert LoadOptions.of(None, False, True, True) == LoadOptions(None, 3, True)
    assert LoadOptions.of("3x4", False, False, False) == LoadOptions((3, 4))
    with refused(UsageError, "both gray and rgb"):
        LoadOptions.of(None, True, True, False)


def test_large_sizes_are_bounded_with_their_proportions():
    assert bounded((32, 32)) == (32, 32)
    assert bounded((3000, 4000)) == (24, 32)
    assert bounded((1, 10_000)) == (1, 32)
    assert middle([(10, 10), (20, 12), (30, 50)]) == (20, 12)


def test_room(monkeypatch):
    monkeypatch.setattr(collection, "machine_memory", lambda: 10**9)
    require_room(1000, 1, (28, 28))
    with refused(DataError, "1,000 images of 1024x1024", "1.0 GB", "size=28") as caught:
        require_room(1000, 1, (1024, 1024))
    assert caught.value.parameter == "size"
    assert collection.machine_memory() == 10**9


def test_memory_is_told():
    assert 10**8 < collection.machine_memory() < 10**15


def test_grey_stays_grey():
    stack = Stack(3, (3, 4), None)
    stack.add(GREY)
    np.testing.assert_array_equal(stack.images, GREY)


def test_the_first_colour_makes_all_rgb():
    stack = Stack(4, (3, 4), None)
    stack.add(GREY)
    stack.add(RGB)
    expected = np.concatenate([np.repeat(GREY, 3, axis=1), RGB])
    np.testing.assert_array_equal(stack.images, expected)


def test_rgb_from_the_start():
    stack = Stack(2, (3, 4), 3)
    stack.add(GREY)
    np.testing.assert_array_equal(stack.images, np.repeat(GREY, 3, axis=1))


def test_shaped():
    assert shaped(np.repeat(GREY, 3, axis=1), (3, 4), LoadOptions()).tolist() == GREY.tolist()
    assert shaped(np.repeat(GREY, 3, axis=1), (3, 4), LoadOptions(channels=3)).shape == (2, 3, 3, 4)
    np.testing.assert_array_equal(shaped(RGB, (3, 4), LoadOptions(channels=1)), to_grey(RGB))
    for fit in FITS:
        made = shaped(GREY, (6, 6), LoadOptions(fit=fit))
        np.testing.assert_array_equal(made, fit_to(GREY, (6, 6), fit))


def test_no_room(monkeypatch):
    monkeypatch.setattr(collection, "machine_memory", lambda: 1000)
    with refused(DataError, "would fill"):
        Stack(100, (28, 28), None)


@pytest.mark.parametrize(
    ("least", "greatest", "unit"),
    [(0, 255, False), (0, 1.0, True), (0, 0, False), (0, 1.5, False), (0.5, 0.5, True)],
)
def test_scale(least, greatest, unit):
    assert reaches_one(least, greatest, "x has") is unit


@pytest.mark.parametrize("greatest", [1.01, 16, 32])
def test_floats_of_another_scale(greatest):
    with refused(DataError, "divide by", f"{greatest:g}"):
        reaches_one(0, greatest, "x has", is_float=True)
    assert not reaches_one(0, 32.5, "x has", is_float=True)
    assert reaches_one(0, 1.0, "x has", is_float=True)


def test_bytes():
    assert to_bytes(np.array([0, 0.5, 1.0]), True).tolist() == [0, 128, 255]
    assert to_bytes(np.array([False, True]), True).tolist() == [0, 255]
    assert to_bytes(np.array([0, 1.6, 255.0]), False).tolist() == [0, 2, 255]
    assert to_bytes(np.array([0, 300]), False).dtype == np.uint8


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ((-1, 0), "from -1 to 0"),
        ((0, 256), "from 0 to 256"),
        ((0, np.inf), "from 0 to inf"),
        ((np.nan, np.nan), "no numbers"),
    ],
)
def test_no_pixels(ends, words):
    with refused(DataError, "x has values", words):
        reaches_one(*ends, "x has")
