"""What a data set promises, and what it refuses to be made of."""

import numpy as np
import pytest

from lenet.data import Dataset, Split
from lenet.errors import DataError


def part(count=4, shape=(1, 8, 8), label=0):
    return Split(np.zeros((count, *shape), np.uint8), np.full(count, label, np.int64))


def test_shape_length_and_summary():
    data = Dataset("shapes", part(1437), part(360), ("a", "b"))
    assert data.image_shape == (1, 8, 8)
    assert len(data.train) == 1437
    expected = "shapes · 1,797 images of 8x8, 2 classes · 1,437 to train on, 360 to test"
    assert data.summary() == expected
    assert repr(data) == f"<Dataset {expected}>"
    assert repr(data.train) == "<Split 1,437 images of 8x8>"


def test_a_part_to_validate():
    data = Dataset("x", part(6), part(2), ("a", "b"), part(3, label=1), notes=("n",))
    assert list(data.parts) == ["train", "validation", "test"]
    assert data.class_counts == {"train": [6, 0], "validation": [0, 3], "test": [2, 0]}
    assert data.summary().startswith("x · 11 images of 8x8, 2 classes · 6 to train on, 3 to val")
    with pytest.raises(DataError, match="trains on images of 8x8 but validates on images of 9x9"):
        Dataset("x", part(), part(), ("a",), part(shape=(1, 9, 9)))
    with pytest.raises(DataError, match="but validation image 0 has label 3; correct"):
        Dataset("x", part(), part(), ("a",), part(label=3))


def test_without_a_part_to_test():
    data = Dataset("x", part(6), None, ("a",))
    assert list(data.parts) == ["train"]
    assert data.summary() == "x · 6 images of 8x8, 1 classes · 6 to train on"
    with pytest.raises(DataError, match="x has no images to test on; give a part of them"):
        _ = data.tested
    assert Dataset("x", part(6), data.train, ("a",)).tested is data.train


def test_chosen_images_keep_their_labels_and_weights():
    images, labels = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1), np.arange(4)
    weights = np.array([0, 1, 2, 3], np.float32)
    for which in (np.array([False, True, False, True]), np.array([1, 3])):
        found = Split(images, labels, weights).chosen(which)
        assert found.images.ravel().tolist() == found.labels.tolist() == [1, 3]
        assert found.weights.tolist() == [1, 3]
        assert Split(images, labels).chosen(which).weights is None


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            np.ones(2),
            r"the weights are float64 of shape \(2,\); give a NumPy array \(N,\) of float32",
        ),
        (np.ones((2, 1), np.float32), "the weights are float32 of shape"),
        ([1.0, 1.0], "the weights are a list"),
        (np.ones(3, np.float32), "there are 3 weights for 2 images; give one each"),
        (np.ones(0, np.float32), "there are 0 weights for 2 images; give one each"),
        (np.array([1, -1], np.float32), "the weights go from -1 to 1; give 0 or more, not all 0"),
        (np.array([1, np.nan], np.float32), "the weights go from nan to nan; give 0 or more"),
        (np.array([1, np.inf], np.float32), "the weights go from 1 to inf; give 0 or more"),
        (np.zeros(2, np.float32), "the weights go from 0 to 0; give 0 or more, not all 0"),
    ],
)
def test_weights_that_cannot_be(weights, message):
    with pytest.raises(DataError, match=message):
        Split(np.zeros((2, 1, 1, 1), np.uint8), np.zeros(2, np.int64), weights)


@pytest.mark.parametrize(
    ("channels", "words"),
    [(1, "images of 8x6,"), (3, "images of 8x6 RGB,"), (4, "images of 8x6 with 4 channels,")],
)
def test_summary_names_the_channels(channels, words):
    data = Dataset("x", part(shape=(channels, 8, 6)), part(shape=(channels, 8, 6)), ("a",))
    assert words in data.summary()


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 1, 3, 3)), np.zeros(2, np.int64), "the images are float64 of shape"),
        (np.zeros((2, 3, 3), np.uint8), np.zeros(2, np.int64), r"give a NumPy array \(N, C, H, W"),
        ([[0]], np.zeros(1, np.int64), "the images are a list"),
        (np.zeros((2, 1, 3, 3), np.uint8), np.zeros(2, np.uint8), "the labels are uint8"),
        (np.zeros((2, 1, 3, 3), np.uint8), np.zeros((2, 1), np.int64), r"of shape \(2, 1\)"),
        (np.zeros((0, 1, 3, 3), np.uint8), np.zeros(0, np.int64), "give at least one image"),
        (np.zeros((1, 1, 3, 0), np.uint8), np.zeros(1, np.int64), "no pixels in images of shape"),
    ],
)
def test_part_refuses(images, labels, message):
    with pytest.raises(DataError, match=message):
        Split(images, labels)


def test_counts_that_differ():
    images, labels = np.zeros((60_000, 1, 1, 1), np.uint8), np.zeros(59_999, np.int64)
    with pytest.raises(DataError, match="60,000 images but 59,999 labels; every image needs"):
        Split(images, labels)


def test_parts_of_different_shapes():
    message = "x trains on images of 8x8 but tests on images of 9x9; all parts need the same"
    with pytest.raises(DataError, match=message):
        Dataset("x", part(), part(shape=(1, 9, 9)), ("a",))


@pytest.mark.parametrize("label", [-1, 2])
def test_label_without_a_class(label):
    message = f"x has 2 classes, labels 0 to 1, but test image 0 has label {label}; correct"
    with pytest.raises(DataError, match=message):
        Dataset("x", part(), part(label=label), ("a", "b"))
