"""Numbers as bytes: exact for pixels, 256 levels for the rest."""

import numpy as np
import pytest

from lenet.errors import UsageError
from lenet.estimator.layout import Layout
from lenet.estimator.values import find_range, to_bytes

IMAGE = Layout((64,), (1, 8, 8))
EVERY_BYTE = np.arange(256).reshape(4, 64)


def table(features):
    return Layout((features,), (features, 1, 1))


def bytes_of(rows, layout=IMAGE, given=None):
    return to_bytes(rows, layout, find_range(rows, layout, given)).reshape(len(rows), -1)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64, np.uint16])
def test_bytes_stay_what_they_are(dtype):
    np.testing.assert_array_equal(bytes_of(EVERY_BYTE.astype(dtype)), EVERY_BYTE)
    np.testing.assert_array_equal(bytes_of(EVERY_BYTE[:3].astype(dtype)), EVERY_BYTE[:3])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_divided_bytes_become_bytes(dtype):
    rows = (EVERY_BYTE / 255).astype(dtype)
    np.testing.assert_array_equal(bytes_of(rows), EVERY_BYTE)
    np.testing.assert_array_equal(bytes_of(rows[:3]), EVERY_BYTE[:3])


def test_bits_become_black_and_white():
    assert set(bytes_of(np.eye(64, dtype=bool)).ravel()) == {0, 255}


@pytest.mark.parametrize(("low", "high"), [(0, 16), (-3, 7), (0, 100), (1e4, 2e4), (-1e300, 1e300)])
def test_other_images_are_stretched_from_least_to_most(low, high):
    rows = np.linspace(low, high, 64)[None].repeat(2, axis=0)
    found = bytes_of(rows)
    assert (found[0, 0], found[0, -1]) == (0, 255)
    assert (np.diff(found[0].astype(int)) >= 4).all()


def test_the_largest_numbers():
    top = np.finfo(np.float64).max
    tiny = np.finfo(np.float64).smallest_subnormal
    for rows in ([[-top], [0.0], [top]], [[0.0], [tiny], [2 * tiny]], [[0.0], [1e-310], [2e-310]]):
        found = bytes_of(np.array(rows), table(1))
        assert (np.diff(found.ravel().astype(int)) >= 0).all()
    assert bytes_of(np.array([[-top], [0.0], [top]]), table(1)).ravel().tolist() == [0, 128, 255]


def test_a_table_has_a_range_each_feature():
    rows = np.array([[0, 1000, 5], [1, 3000, 5], [2, 2000, 5]])
    expected = [[0, 0, 0], [128, 255, 0], [255, 128, 0]]
    np.testing.assert_array_equal(bytes_of(rows, table(3)), expected)


def test_an_outlier_takes_no_levels_from_the_rest():
    column = np.random.default_rng(0).normal(size=(500, 1))
    rows = np.append(column, [[1e9], [-1e9]], axis=0)
    found = bytes_of(rows, table(1)).ravel()
    assert found[-2:].tolist() == [255, 0]
    assert len(np.unique(found)) > 100
    assert bytes_of(column, table(1)).ravel()[column.argmax()] == 255  # nothing is cut off it


def test_how_often_a_value_occurs_does_not_matter():
    rows = np.random.default_rng(1).normal(size=(50, 3))
    often = np.concatenate([rows, rows[:9].repeat(30, axis=0)])
    for layout in (table(3), Layout((3,), (1, 1, 3))):
        np.testing.assert_array_equal(
            find_range(rows, layout, None), find_range(often, layout, None)
        )


def test_a_given_range():
    rows = np.array([[-5.0, 0, 5, 10, 20]])
    found = bytes_of(rows, Layout((5,), (1, 1, 5)), (0, 10))
    assert found.tolist() == [[0, 0, 128, 255, 255]]
    assert find_range(rows, table(5), (0, 10)).tolist() == [[0] * 5, [10] * 5]


@pytest.mark.parametrize(
    "given", [(1,), (1, 0), (0, 0), (0, np.inf), (np.nan, 1), "01", 3, (None, 1), (0, 1, 2)]
)
def test_no_range(given):
    with pytest.raises(UsageError, match=r"value_range is .*it must be \(low, high\), two numbers"):
        find_range(EVERY_BYTE, IMAGE, given)
