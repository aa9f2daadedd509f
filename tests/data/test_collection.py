"""Images in the order of their splits, and what is said of them before they are trained on."""

import numpy as np
import pytest

from lenet.data.collection import Collection, arrange, describe_balance, describe_copies
from lenet.data.dataset import TEST, TRAIN, VALIDATION, digests_of
from lenet.errors import DataError
from refusals import refused


def collect(labels, splits, classes=("a", "b")):
    count = len(labels)
    images = np.arange(count * 4, dtype=np.uint8).reshape(count, 1, 2, 2)
    return Collection.of(
        images.copy(),
        [classes[label] for label in labels],
        np.array(splits, np.int64),
        digests=digests_of(images),
        name=str,
        notes=["first"],
    )


@pytest.mark.parametrize("seed", range(5))
def test_arrange(seed):
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (50, 1, 2, 3)).astype(np.uint8)
    order = random.permutation(50)
    expected = images[order]
    arrange(images, order)
    np.testing.assert_array_equal(images, expected)


def test_splits_in_order():
    found = collect([0, 1, 0, 1, 0], [TEST, TRAIN, VALIDATION, TEST, TRAIN]).dataset("n", "path")
    assert [len(split) for split in found.splits.values()] == [2, 1, 2]
    assert found.train.images[:, 0, 0, 0].tolist() == [4, 16]
    assert found.validation.images[0, 0, 0, 0] == 8
    assert found.test.images[:, 0, 0, 0].tolist() == [0, 12]
    assert (found.test.labels.tolist(), found.train.labels.tolist()) == ([0, 1], [1, 0])
    assert (found.name, found.source, found.notes[0]) == ("n", "path", "first")
    assert found.summary().endswith("2 to train on, 1 to validate, 2 to test")


def test_the_undecided_are_split():
    found = collect([0, 1] * 30, [TRAIN] * 60)
    assert found.counts[1] == 0
    assert found.counts == (48, 0, 12)
    assert "a fifth of each class, chosen by content, is kept for testing" in found.notes


def test_copies_stay_together_and_are_counted():
    images = np.arange(100 * 4, dtype=np.uint32).astype(np.uint8).reshape(100, 1, 2, 2)
    images[:40] = 7
    images[99] = images[98]
    found = Collection.of(
        images.copy(),
        ["a", "b"] * 50,
        np.zeros(100, np.int64),
        digests=digests_of(images),
        name="{}.png".format,
    )
    sides = [part.images[:, 0, 0, 0].tolist() for part in found.dataset("n", "p").splits.values()]
    assert sides[0].count(7) == 40
    assert len(sides[1]) == 20
    assert (
        "copies: 42 images are copies of another, such as 0.png and 1.png; they stay together"
        in found.notes
    )
    assert "40 images in more than one class" not in " ".join(found.notes)


def test_validation_stays_where_there_is_no_test():
    found = collect([0, 1] * 30, [TRAIN] * 50 + [VALIDATION] * 10)
    assert found.counts == (40, 10, 10)


@pytest.mark.parametrize(
    ("labels", "splits", "classes", "words"),
    [
        ([0, 0], [TRAIN, TEST], ("a",), "one class only, a"),
        ([0, 1], [TEST, TEST], ("a", "b"), "no images to train on"),
        ([0, 1], [TRAIN, TRAIN], ("a", "b"), "no images to test on"),
        ([0, 1], [TRAIN] * 2, ("a", "b"), "at least two different"),
        ([0, 1], [TRAIN, TEST], ("a", "b"), "class 'b' but none to train on"),
    ],
)
def test_no_dataset(labels, splits, classes, words):
    with refused(DataError, words):
        collect(labels, splits, classes).dataset("n", "here")


def test_a_split_for_a_model():
    found = collect([0, 1, 1], [TRAIN, TEST, TRAIN])
    split = found.split_for(("x", "b", "a"), False, "here")
    assert (split.labels.tolist(), split.images[0, 0, 0, 0]) == ([1], 4)
    assert sorted(found.split_for(("x", "b", "a"), True, "here").labels.tolist()) == [1, 1, 2]
    with refused(DataError, "class 'b'", "a, c apart"):
        found.split_for(("a", "c"), False, "here")
    with refused(DataError, "no images to test on", "everything=True") as caught:
        collect([0], [TRAIN]).split_for(("a", "b"), False, "here")
    assert caught.value.parameter == "everything"


def told(digests, labels, splits):
    arrays = (np.array(digests, np.uint64), np.array(labels), np.array(splits))
    return list(describe_copies(*arrays, lambda index: f"{index}.png"))


def test_no_copies():
    assert told([1, 2, 3], [0, 0, 1], [TRAIN, TEST, TEST]) == []
    assert told([1, 1, 3], [0, 0, 1], [TRAIN, TRAIN, TEST]) == []


def test_copies_across_splits_and_classes():
    splits = [TRAIN, TRAIN, TRAIN, TEST, VALIDATION, TEST]
    assert told([5, 7, 9, 7, 9, 9], [0, 0, 0, 0, 0, 1], splits) == [
        "2 images in more than one split, which makes tests look too good: 1.png is 3.png "
        "(train and test)",
        "1 image in more than one class: 2.png is 5.png",
    ]


def test_balance():
    classes = ("few", "many", "none\n")
    labels = np.array([0] * 2 + [1] * 7 + [2] * 2)
    splits = np.array([TRAIN, TEST] + [TRAIN] * 6 + [TEST] + [TRAIN] * 2)
    assert list(describe_balance(labels, splits, classes)) == [
        "no images to test 1 class: 'none\\n'",
        "classes are unbalanced: many has 6.0 times as many images to train on as few; "
        '--balance (class_weight="balanced") finds more of these',
    ]
    assert list(describe_balance(np.array([0, 1, 0, 1]), np.array([0, 0, 2, 2]), ("a", "b"))) == []
