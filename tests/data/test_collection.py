"""Images in the order of their parts."""

import numpy as np
import pytest

from lenet.data.collection import Collection, arrange
from lenet.data.listing import TEST, TRAIN, UNDECIDED, VALIDATION
from lenet.data.split import digests_of
from lenet.errors import DataError


def collect(labels, parts, classes=("a", "b")):
    count = len(labels)
    images = np.arange(count * 4, dtype=np.uint8).reshape(count, 1, 2, 2)
    return Collection.of(
        images.copy(),
        np.array(labels, np.int64),
        np.array(parts, np.int64),
        classes,
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


def test_parts_in_order():
    found = collect([0, 1, 0, 1, 0], [TEST, TRAIN, VALIDATION, TEST, TRAIN]).dataset("n", "path")
    assert [len(part) for part in found.parts.values()] == [2, 1, 2]
    assert found.train.images[:, 0, 0, 0].tolist() == [4, 16]
    assert found.validation.images[0, 0, 0, 0] == 8
    assert found.test.images[:, 0, 0, 0].tolist() == [0, 12]
    assert (found.test.labels.tolist(), found.train.labels.tolist()) == ([0, 1], [1, 0])
    assert (found.name, found.source, found.notes[0]) == ("n", "path", "first")
    assert found.summary().endswith("2 to train on, 1 to validate, 2 to test")


def test_the_undecided_are_split():
    found = collect([0, 1] * 30, [UNDECIDED] * 60)
    assert found.counts[1] == 0
    assert min(found.counts[0], found.counts[2]) > 4
    assert "a fifth of the images, chosen by their content, is kept for testing" in found.notes


@pytest.mark.parametrize(
    ("labels", "parts", "classes", "message"),
    [
        ([0, 0], [TRAIN, TEST], ("a",), "here has one class only, a; give the place that"),
        ([0, 1], [TEST, TEST], ("a", "b"), "here has no images to train on; add a train part"),
        ([0, 1], [TRAIN, TRAIN], ("a", "b"), "here has no images to test on; add a test part, or"),
        ([0, 1], [UNDECIDED] * 2, ("a", "b"), "no images to test on; .* at least two different"),
        ([0, 1], [TRAIN, TEST], ("a", "b"), "images of class 'b' to test or validate on but none"),
    ],
)
def test_no_dataset(labels, parts, classes, message):
    with pytest.raises(DataError, match=message):
        collect(labels, parts, classes).dataset("n", "here")


def test_part_for_a_model():
    found = collect([0, 1, 1], [TRAIN, TEST, TRAIN])
    part = found.part(("x", "b", "a"), False, "here")
    assert (part.labels.tolist(), part.images[0, 0, 0, 0]) == ([1], 4)
    assert sorted(found.part(("x", "b", "a"), True, "here").labels.tolist()) == [1, 1, 2]
    message = "here has the class 'b', which the model does not know; it tells a, c apart"
    with pytest.raises(DataError, match=message):
        found.part(("a", "c"), False, "here")
    with pytest.raises(DataError, match="here has no images to test on; --all takes those it has"):
        collect([0], [TRAIN]).part(("a", "b"), False, "here")
