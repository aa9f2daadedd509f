"""What users hand over, in one form: rows, weights and labels, which image a sample is, bytes."""

import numpy as np
import pytest

import lenet
from lenet.errors import UsageError
from lenet.estimator.samples import (
    Layout,
    canonical,
    find_layout,
    find_range,
    indices_of,
    listed,
    plain,
    rows_of,
    to_bytes,
    weighted,
)
from refusals import refused


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
    with refused(UsageError, "dim 5"):
        rows_of(np.zeros((1, 1, 1, 1, 1)))


def test_places_of_labels():
    classes = np.array(["a", "c", "e"])
    assert indices_of(np.array(["e", "a", "a"]), classes).tolist() == [2, 0, 0]
    for strange in ("A", "b", "f"):
        with pytest.raises(UsageError, match=f"label '{strange}'"):
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
        ([1, 1], "3 samples"),
        (np.ones((3, 1)), "3 samples"),
        (1.0, "3 samples"),
        ([1, -1, 1], "NaN"),
        ([1, np.nan, 1], "NaN"),
        ([1, np.inf, 1], "NaN"),
        ([0, 0, 0], "All of sample_weight is zero"),
    ],
)
def test_no_weights(weights, text):
    with pytest.raises(UsageError, match=text):
        weighted(np.eye(3), np.arange(3), weights)


@pytest.mark.parametrize(
    ("sample", "wanted", "image", "last"),
    [
        ((64,), None, (1, 8, 8), False),
        ((784,), None, (1, 28, 28), False),
        ((49,), None, (49, 1, 1), False),  # a square too small to be taken for an image
        ((30,), None, (30, 1, 1), False),
        ((1,), None, (1, 1, 1), False),
        ((64,), (4, 16), (1, 4, 16), False),
        ((64,), [64, 1, 1], (64, 1, 1), False),
        ((49,), np.array([7, 7]).tolist(), (1, 7, 7), False),
        ((12, 9), None, (1, 12, 9), False),
        ((12, 9), (1, 12, 9), (1, 12, 9), False),
        ((3, 9, 12), None, (3, 9, 12), False),
        ((9, 12, 3), None, (3, 9, 12), True),
        ((4, 4, 4), (4, 4, 4), (4, 4, 4), False),
        ((2, 5, 9), (9, 2, 5), (9, 2, 5), True),
    ],
)
def test_the_image_of_a_sample(sample, wanted, image, last):
    found = find_layout(sample, wanted, None)
    assert (found.image_shape, found.channels_last) == (image, last)
    assert found.sample_shape == sample
    assert found.is_image == (image[1:] != (1, 1))


def test_the_networks_input_tells():
    network = lenet.parse("3x4x4 | dense 2")
    assert find_layout((48,), None, network).image_shape == (3, 4, 4)
    assert find_layout((64,), None, network).image_shape == (1, 8, 8)
    assert find_layout((48,), (6, 8), network).image_shape == (1, 6, 8)


@pytest.mark.parametrize(
    ("sample", "wanted", "text"),
    [
        ((64,), (8, 9), "72 values"),
        ((64,), (64,), "whole numbers from 1 to"),
        ((64,), (8, 8.0), "whole numbers from 1 to"),
        ((64,), (True, 64), "whole numbers from 1 to"),
        ((64,), (-8, -8), "whole numbers from 1 to"),
        ((64,), "88", "whole numbers from 1 to"),
        ((64,), 64, "whole numbers from 1 to"),
        ((8, 9), (9, 8), "leave image_shape out"),
        ((3, 8, 9), (3, 9, 8), "leave image_shape out"),
        ((784,), (28, 28, 1), "did you mean .1, 28, 28."),
        ((28, 28, 1), (28, 28, 1), "did you mean .1, 28, 28."),
        ((8, 3, 8), None, "which axis"),
    ],
)
def test_shapes_that_cannot_be(sample, wanted, text):
    with pytest.raises(UsageError, match=text):
        find_layout(sample, wanted, None)


def test_axes_are_moved():
    images = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    first = Layout((3, 4, 5), (3, 4, 5))
    last = Layout((4, 5, 3), (3, 4, 5), channels_last=True)
    np.testing.assert_array_equal(first.images(images.reshape(2, 60)), images)
    moved = images.transpose(0, 2, 3, 1).reshape(2, 60)
    np.testing.assert_array_equal(last.images(moved), images)


def test_what_may_be_predicted():
    flat = Layout((64,), (1, 8, 8))
    assert all(map(flat.takes, [(64,), (7,), (8, 8), (1, 8, 8)]))  # not how many: that is elsewhere
    assert not any(map(flat.takes, [(4, 16), (8, 8, 1)]))
    colour = Layout((8, 9, 3), (3, 8, 9), channels_last=True)
    assert colour.takes((8, 9, 3))
    assert not colour.takes((3, 8, 9))


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
    with refused(UsageError, "value_range"):
        find_range(EVERY_BYTE, IMAGE, given)


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
