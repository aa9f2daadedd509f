"""One form for a training set, however its samples were given."""

import numpy as np
import pytest

from lenet.estimator.samples import canonical


@pytest.fixture
def some():
    """Ten images with many zeros, labels, whole weights."""
    draw = np.random.default_rng(0)
    images = draw.integers(0, 3, (10, 1, 2, 3), np.uint8)
    images[3] = images[4] = 0
    return images, draw.integers(0, 300, 10), draw.integers(1, 5, 10).astype(np.float64)


def same(one, other):
    np.testing.assert_array_equal(one.images, other.images)
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.weights, other.weights)


def test_order_and_repetition_do_not_matter(some):
    expected = canonical(*some)
    images, labels, weights = (part.repeat(some[2].astype(int), axis=0) for part in some)
    order = np.random.default_rng(1).permutation(len(labels))
    same(canonical(images[order], labels[order], np.ones(len(order))), expected)
    order = np.random.default_rng(2).permutation(10)
    same(canonical(*(part[order] for part in some)), expected)
    assert weights.size > 10


def test_sums_of_fractions_do_not_depend_on_the_order():
    draw = np.random.default_rng(3)
    images, labels = np.zeros((1000, 1, 1, 1), np.uint8), np.arange(1000) % 2
    weights = draw.uniform(1e-9, 1, 1000)
    order = draw.permutation(1000)
    same(
        canonical(images, labels, weights), canonical(images[order], labels[order], weights[order])
    )


def test_nothing_is_lost(some):
    images, labels, weights = some
    found = canonical(*some)
    for image, label, weight in zip(images, labels, weights, strict=True):
        (place,) = np.flatnonzero((found.images == image).all((1, 2, 3)) & (found.labels == label))
        share = found.weights[place] / found.weights.sum()
        alike = (images == image).all((1, 2, 3)) & (labels == label)
        assert share == pytest.approx(weights[alike].sum() / weights.sum())
        assert weight > 0
    assert found.weights.dtype == np.float32
    assert found.weights.mean() == pytest.approx(1)


def test_equal_images_of_two_classes_stay_two():
    images = np.zeros((4, 1, 2, 2), np.uint8)
    found = canonical(images, np.array([0, 256, 0, 0]), np.ones(4))
    assert found.labels.tolist() == [0, 256]
    assert found.weights.tolist() == [1.5, 0.5]
    assert len(found) == 2


def test_equal_weights_are_none(some):
    images, labels, _ = some
    distinct = images + np.arange(10, dtype=np.uint8)[:, None, None, None] * 3
    for weight in (1.0, 7.0, 1e308, 1e-308):
        assert canonical(distinct, labels, np.full(10, weight)).weights is None
