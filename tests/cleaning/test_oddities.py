"""Blank and odd pictures: found among others, and silent on what is only various."""

import numpy as np
import pytest

import lenet
from bursts import scene
from lenet.cleaning.material import Material
from lenet.cleaning.oddities import find_blank, find_odd
from lenet.data.dataset import digests_of

DIGITS = lenet.load("digits")


def material(images, sizes=None):
    labels = np.zeros(len(images), np.int64)
    names = tuple(f"train[{number}]" for number in range(len(images)))
    return Material("some", images, labels, ("a", "b"), names, digests_of(images), sizes=sizes)


def photos(count=120):
    return np.stack([scene(seed).transpose(2, 0, 1) for seed in range(count)])


def odd_ones(images, sizes=None):
    found = find_odd(material(images, sizes), find_blank(images))
    return {oddity.index: oddity.why for oddity in found}


def test_blank():
    images = photos(6)
    images[2] = 90
    images[4] = np.random.default_rng(0).integers(200, 210, images[4].shape)
    assert find_blank(images).tolist() == [2, 4]
    assert not odd_ones(images)


def test_nothing_is_odd_about_digits_or_photographs():
    assert not odd_ones(DIGITS.train.images)
    assert not odd_ones(photos())


def test_a_negative_among_digits():
    images = DIGITS.train.images.copy()
    images[10] = 255 - images[10]
    assert list(odd_ones(images)) == [10]


def test_a_picture_on_the_other_ground():
    """Its brightness alone would not tell: most of it is dark, but for the ground."""
    images = DIGITS.train.images.copy()
    images[10] = 0
    images[10, 0, [0, -1], :] = images[10, 0, :, [0, -1]] = 255
    images[10, 0, 1, 1] = 128
    assert list(odd_ones(images)) == [10]


@pytest.mark.parametrize("images", [DIGITS.train.images, photos(400)], ids=["digits", "photos"])
def test_noise_is_unlike_all(images):
    images = images.copy()
    rng = np.random.default_rng(0)
    mean = images.mean()
    images[30] = (rng.integers(0, 2, images[30].shape) * 2 * min(mean, 127)).astype(np.uint8)
    assert odd_ones(images) == {30: "unlike all others"}


def test_much_lighter_and_much_darker():
    images = (photos() * 0.2 + 100).astype(np.uint8)
    images[5] = np.minimum(images[5] + 100, 255)
    images[6] = images[6] - 85
    found = odd_ones(images)
    assert found[5] == "much lighter than most"
    assert found[6] == "much darker than most"


def test_another_shape():
    sizes = [(24, 24)] * 118 + [(20, 100), (90, 20)]
    found = odd_ones(photos(), tuple(sizes))
    assert found[118] == "of 20x100, another shape than most"
    assert set(found) == {118, 119}


def test_few_images_and_only_blank_ones():
    assert not odd_ones(photos(3))
    assert not odd_ones(np.zeros((5, 1, 8, 8), np.uint8))
