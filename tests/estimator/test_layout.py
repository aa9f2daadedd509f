"""Which image a sample is."""

import numpy as np
import pytest

import lenet
from lenet.errors import UsageError
from lenet.estimator.layout import Layout, find_layout


@pytest.mark.parametrize(
    ("sample", "wanted", "image", "last"),
    [
        ((64,), None, (1, 8, 8), False),
        ((784,), None, (1, 28, 28), False),
        ((49,), None, (49, 1, 1), False),  # a square too small to be taken for an image
        ((30,), None, (30, 1, 1), False),
        ((1,), None, (1, 1, 1), False),
        ((64,), (4, 16), (1, 4, 16), False),
        ((64,), [64, 1, 1], (64, 1, 1), False),
        ((49,), np.array([7, 7]).tolist(), (1, 7, 7), False),
        ((12, 9), None, (1, 12, 9), False),
        ((12, 9), (1, 12, 9), (1, 12, 9), False),
        ((3, 9, 12), None, (3, 9, 12), False),
        ((9, 12, 3), None, (3, 9, 12), True),
        ((4, 4, 4), (4, 4, 4), (4, 4, 4), False),
        ((2, 5, 9), (9, 2, 5), (9, 2, 5), True),
    ],
)
def test_the_image_of_a_sample(sample, wanted, image, last):
    found = find_layout(sample, wanted, None)
    assert (found.image_shape, found.channels_last) == (image, last)
    assert found.sample_shape == sample
    assert found.is_image == (image[1:] != (1, 1))


def test_the_networks_input_tells():
    network = lenet.parse("3x4x4 | dense 2")
    assert find_layout((48,), None, network).image_shape == (3, 4, 4)
    assert find_layout((64,), None, network).image_shape == (1, 8, 8)
    assert find_layout((48,), (6, 8), network).image_shape == (1, 6, 8)


@pytest.mark.parametrize(
    ("sample", "wanted", "text"),
    [
        ((64,), (8, 9), r"image_shape \(1, 8, 9\) has 72 values and a sample .* has 64"),
        ((64,), (64,), r"image_shape is \(64,\); it must be \(height, width\) or"),
        ((64,), (8, 8.0), "whole numbers above 0"),
        ((64,), (True, 64), "whole numbers above 0"),
        ((64,), (-8, -8), "whole numbers above 0"),
        ((64,), "88", "whole numbers above 0"),
        ((64,), 64, "whole numbers above 0"),
        ((8, 9), (9, 8), "leave image_shape out"),
        ((3, 8, 9), (3, 9, 8), "leave image_shape out"),
        ((8, 3, 8), None, "do not say which axis has the channels"),
    ],
)
def test_refusals(sample, wanted, text):
    with pytest.raises(UsageError, match=text):
        find_layout(sample, wanted, None)


def test_axes_are_moved():
    images = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    first = Layout((3, 4, 5), (3, 4, 5))
    last = Layout((4, 5, 3), (3, 4, 5), channels_last=True)
    np.testing.assert_array_equal(first.images(images.reshape(2, 60)), images)
    moved = images.transpose(0, 2, 3, 1).reshape(2, 60)
    np.testing.assert_array_equal(last.images(moved), images)


def test_what_may_be_predicted():
    flat = Layout((64,), (1, 8, 8))
    assert all(map(flat.takes, [(64,), (7,), (8, 8), (1, 8, 8)]))  # not how many: that is elsewhere
    assert not any(map(flat.takes, [(4, 16), (8, 8, 1)]))
    colour = Layout((8, 9, 3), (3, 8, 9), channels_last=True)
    assert colour.takes((8, 9, 3))
    assert not colour.takes((3, 8, 9))
