"""Weights that let every class count alike."""

import numpy as np
import pytest

from lenet.data.weights import class_weights
from lenet.errors import DataError


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
    with pytest.raises(DataError, match="the labels are none of 0 to 1, or there are none"):
        class_weights(np.array(labels, np.int64), 2)
