"""What users hand over."""

import numpy as np
import pytest

from lenet.errors import UsageError
from lenet.estimator.given import indices_of, listed, plain, rows_of, weighted


def test_rows_and_the_shape_of_a_sample():
    images = np.arange(120).reshape(2, 3, 4, 5)
    rows, shape = rows_of(images)
    assert shape == (3, 4, 5)
    np.testing.assert_array_equal(rows, images.reshape(2, 60))
    rows, shape = rows_of(images[:, 0].tolist())
    assert (rows.shape, shape) == ((2, 20), (4, 5))
    assert rows_of(np.empty((0, 4, 5)))[0].shape == (0, 20)


@pytest.mark.parametrize("X", [np.zeros((3, 2)), np.zeros(3), np.zeros(()), [[1, 2], [3]]])
def test_what_is_for_others_to_judge(X):
    assert rows_of(X)[0] is X
    assert rows_of(X)[1] is None


def test_too_many_dimensions():
    with pytest.raises(UsageError, match=r"Found array with dim 5; give \(N, features\)"):
        rows_of(np.zeros((1, 1, 1, 1, 1)))


def test_places_of_labels():
    classes = np.array(["a", "c", "e"])
    assert indices_of(np.array(["e", "a", "a"]), classes).tolist() == [2, 0, 0]
    for strange in ("A", "b", "f"):
        with pytest.raises(UsageError, match=f"label '{strange}', which is none of the classes"):
            indices_of(np.array(["a", strange]), classes)


def test_words():
    assert listed(np.arange(3)) == "[0, 1, 2]"
    assert listed(np.arange(99)).endswith("8, 9] and more")
    assert [type(plain(value)) for value in (np.int8(1), np.float32(1), np.True_, "a", 1)] == [
        int,
        float,
        bool,
        str,
        int,
    ]


def test_what_weighs_nothing_goes():
    rows, labels = np.eye(3), np.array(["a", "b", "c"])
    assert weighted(rows, labels, None)[2].tolist() == [1, 1, 1]
    assert weighted(rows, labels, [1, 2, 3])[0] is rows
    kept, names, weights = weighted(rows, labels, [0, 2, 0.5])
    assert (kept.tolist(), names.tolist()) == (rows[1:].tolist(), ["b", "c"])
    assert weights.tolist() == [2, 0.5]


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        ([1, 1], r"sample_weight has shape \(2,\) and there are 3 samples; give one weight each"),
        (np.ones((3, 1)), r"has shape \(3, 1\)"),
        (1.0, r"has shape \(\)"),
        ([1, -1, 1], "negative values, NaN or infinity; give 0 or more"),
        ([1, np.nan, 1], "negative values, NaN or infinity; give 0 or more"),
        ([1, np.inf, 1], "negative values, NaN or infinity; give 0 or more"),
        ([0, 0, 0], "All of sample_weight is zero"),
    ],
)
def test_no_weights(weights, text):
    with pytest.raises(UsageError, match=text):
        weighted(np.eye(3), np.arange(3), weights)
