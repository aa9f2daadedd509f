"""What a data set promises, and what it refuses to be made of."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from lenet.data import Dataset, Split, class_table, class_weights
from lenet.errors import DataError
from refusals import refused


def split(count=4, shape=(1, 8, 8), label=0):
    return Split(np.zeros((count, *shape), np.uint8), np.full(count, label, np.int64))


def test_shape_length_and_summary():
    data = Dataset("shapes", split(1437), split(360), ("a", "b"))
    assert data.image_shape == (1, 8, 8)
    assert len(data.train) == 1437
    expected = "shapes · 1,797 images of 8x8, 2 classes · 1,437 to train on, 360 to test"
    assert data.summary() == expected
    assert repr(data) == f"<Dataset {expected}>"
    assert repr(data.train) == "<Split 1,437 images of 8x8>"


def test_a_split_to_validate():
    data = Dataset("x", split(6), split(2), ("a", "b"), split(3, label=1), notes=("n",))
    assert list(data.splits) == ["train", "validation", "test"]
    assert data.class_counts == {"train": [6, 0], "validation": [0, 3], "test": [2, 0]}
    assert data.summary().startswith("x · 11 images of 8x8, 2 classes · 6 to train on, 3 to val")
    with refused(DataError, "trains on images of 8x8", "validates on images of 9x9"):
        Dataset("x", split(), split(), ("a",), split(shape=(1, 9, 9)))
    with refused(DataError, "validation image 0 has label 3"):
        Dataset("x", split(), split(), ("a",), split(label=3))


def test_names_of_files():
    images = np.arange(12, dtype=np.uint8).reshape(3, 1, 2, 2)
    named = Split(images, [0, 1, 0], names=("a.png", "b.png", "c.png"))
    assert named.chosen(np.array([True, False, True])).names == ("a.png", "c.png")
    assert named.chosen(np.array([2, 0])).names == ("c.png", "a.png")
    assert named.fingerprint() == Split(images, [0, 1, 0]).fingerprint()
    assert named.chosen(np.array([True, False, True])).images[1, 0, 0, 0] == 8
    assert Split(images, [0, 1, 0]).chosen(np.array([1])).names is None
    prepared = Split(images, [0, 1, 0], prepared=["", "inverted", "centred"])
    assert prepared.chosen(np.array([2, 1])).prepared == ("centred", "inverted")
    with refused(DataError, "2 texts in prepared for 3 images"):
        Split(images, [0, 1, 0], prepared=("", ""))
    with refused(DataError, "2 names for 3 images"):
        Split(images, [0, 1, 0], names=("a", "b"))


def test_without_a_split_to_test():
    data = Dataset("x", split(6), None, ("a",))
    assert list(data.splits) == ["train"]
    assert data.summary() == "x · 6 images of 8x8, 1 classes · 6 to train on"
    with refused(DataError, "no images to test on"):
        _ = data.tested
    assert Dataset("x", split(6), data.train, ("a",)).tested is data.train


def test_wrong_types_are_told():
    assert Split(split(3).images, [0, 1, 2]).labels.dtype == np.int64
    for labels in ([0, 1, 0.5], ["a", "b", "c"], None):
        with refused(DataError, "labels"):
            Split(split(3).images, labels)
    for train, test in ((("a", "b"), split()), (split(), split().images), (None, None)):
        with refused(DataError, "train, test, classes"):
            Dataset("mine", train, test, ("a",))
        with refused(DataError, "train, test, classes"):
            Dataset("mine", train, test)
    for classes in (2, (), None):
        with refused(DataError, "train, test, classes"):
            Dataset("mine", split(), split(), classes)
    assert Dataset("mine", split(), split(), ["a", "b"]).classes == ("a", "b")


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
            "the weights are float64 of shape (2,)",
        ),
        (np.ones((2, 1), np.float32), "the weights are float32 of shape"),
        ([1.0, 1.0], "the weights are a list"),
        (np.ones(3, np.float32), "3 weights for 2 images"),
        (np.ones(0, np.float32), "0 weights for 2 images"),
        (np.array([1, -1], np.float32), "from -1 to 1"),
        (np.array([1, np.nan], np.float32), "from nan to nan"),
        (np.array([1, np.inf], np.float32), "from 1 to inf"),
        (np.zeros(2, np.float32), "from 0 to 0"),
    ],
)
def test_weights_that_cannot_be(weights, message):
    with refused(DataError, message):
        Split(np.zeros((2, 1, 1, 1), np.uint8), np.zeros(2, np.int64), weights)


@pytest.mark.parametrize(
    ("channels", "words"),
    [(1, "images of 8x6,"), (3, "images of 8x6 RGB,"), (4, "images of 8x6 with 4 channels,")],
)
def test_summary_names_the_channels(channels, words):
    data = Dataset("x", split(shape=(channels, 8, 6)), split(shape=(channels, 8, 6)), ("a",))
    assert words in data.summary()


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 1, 3, 3)), np.zeros(2, np.int64), "the images are float64 of shape"),
        (np.zeros((2, 3, 3), np.uint8), np.zeros(2, np.int64), "(N, C, H, W)"),
        ([[0]], np.zeros(1, np.int64), "the images are a list"),
        (np.zeros((2, 1, 3, 3), np.uint8), np.zeros(2, np.uint8), "the labels are uint8"),
        (np.zeros((2, 1, 3, 3), np.uint8), np.zeros((2, 1), np.int64), "of shape (2, 1)"),
        (np.zeros((0, 1, 3, 3), np.uint8), np.zeros(0, np.int64), "give at least one image"),
        (np.zeros((1, 1, 3, 0), np.uint8), np.zeros(1, np.int64), "no pixels in images of shape"),
    ],
)
def test_split_refuses(images, labels, message):
    with refused(DataError, message):
        Split(images, labels)


def test_counts_that_differ():
    images, labels = np.zeros((60_000, 1, 1, 1), np.uint8), np.zeros(59_999, np.int64)
    with refused(DataError, "60,000 images", "59,999 labels"):
        Split(images, labels)


def test_splits_of_different_shapes():
    with refused(DataError, "trains on images of 8x8", "tests on images of 9x9"):
        Dataset("x", split(), split(shape=(1, 9, 9)), ("a",))


@pytest.mark.parametrize("label", [-1, 2])
def test_label_without_a_class(label):
    with refused(DataError, "labels 0 to 1", f"test image 0 has label {label}"):
        Dataset("x", split(), split(label=label), ("a", "b"))


def many(classes, validation=None):
    def one(labels):
        return Split(np.zeros((len(labels), 1, 2, 2), np.uint8), np.array(labels, np.int64))

    labels = list(range(len(classes)))
    middle = one(validation) if validation else None
    return Dataset("x", one(labels * 1200), one(labels), classes, middle)


def test_table():
    assert class_table(many(("a", "a long name"), [1])).splitlines() == [
        "class        train  validation  test",
        "a            1,200           0     1",
        "a long name  1,200           1     1",
        "total        2,400           1     2",
    ]


def test_a_table_of_many_classes():
    lines = class_table(many(tuple(map(str, range(100)))), most=5).splitlines()
    assert [line.split()[0] for line in lines] == ["class", "0", "1", "2", "96", "99", "total"]
    assert lines[4].split() == ["96", "more", "115,200", "96"]
    assert len(class_table(many(tuple(map(str, range(100))))).splitlines()) == 102


def test_a_fingerprint_is_of_the_content():
    data = Dataset("x", split(6), split(2), ("a", "b"), split(3, label=1))
    state = hashlib.sha256(json.dumps(["a", "b"]).encode())
    for name, content in data.splits.items():
        state.update(f"{name} {content.images.shape}".encode())
        state.update(content.images.tobytes() + content.labels.astype("<i8").tobytes())
    assert data.fingerprint() == state.hexdigest() == replace(data, name="y").fingerprint()
    assert data.fingerprint(["test"]) != data.fingerprint(["train"]) != data.fingerprint()
    assert data.fingerprint(["test"]) == replace(data, train=split(5)).fingerprint(["test"])


def test_a_fingerprint_of_a_split():
    weighted = replace(split(), weights=np.ones(4, np.float32))
    others = [split(), split(3), split(label=1), split(shape=(1, 4, 16)), weighted]
    assert len({other.fingerprint() for other in others}) == len(others)
    columns = np.asfortranarray(np.zeros((4, 1, 8, 8), np.uint8))
    assert Split(columns, split().labels).fingerprint() == split().fingerprint()


def test_by_hand():
    weights = class_weights(np.array([0, 0, 0, 1]), 2)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, [4 / (2 * 3), 4 / (2 * 1)])


@pytest.mark.parametrize("classes", [3, 5])
def test_every_class_counts_alike_and_an_image_one_on_average(classes):
    labels = np.random.default_rng(0).choice(3, 500, p=[0.7, 0.2, 0.1])
    weights = class_weights(labels, classes)
    assert weights[labels].mean() == pytest.approx(1)
    sums = np.bincount(labels, weights[labels], minlength=classes)
    np.testing.assert_allclose(sums[:3], 500 / 3, rtol=1e-6)
    assert (weights[3:] == 0).all()


def test_a_weight_is_a_repetition():
    labels, times = np.array([0, 1, 1, 2]), np.array([3, 1, 1, 0], np.float32)
    found = class_weights(labels, 3, times)
    np.testing.assert_array_equal(found, class_weights(labels.repeat(times.astype(int)), 3))
    assert (found[labels] * times).sum() == pytest.approx(5)


@pytest.mark.parametrize("labels", [[], [2], [-1]])
def test_no_labels(labels):
    with refused(DataError, "none of 0 to 1"):
        class_weights(np.array(labels, np.int64), 2)
