"""Weights of classes that have more or fewer images."""

import numpy as np
import pytest

from lenet.data.weights import class_weights
from lenet.errors import DataError


def test_all_classes_count_alike():
    labels = np.array([0] * 6 + [1] * 3 + [3], np.int64)
    weights = class_weights(labels, 4)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, [10 / 18, 10 / 9, 0, 10 / 3], rtol=1e-6)
    assert weights[labels].mean() == pytest.approx(1)


@pytest.mark.parametrize("labels", [[], [-1], [4]])
def test_labels_that_are_none(labels):
    with pytest.raises(DataError, match="the labels are none of 0 to 3, or there are none at all"):
        class_weights(np.array(labels, np.int64), 4)
