"""The numbers beside a chart."""

import math

import pytest

from lenet.drawing.axes import linear_axis, logarithmic_axis, whole_axis

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("values", "options", "labels"),
    [
        ((0.02, 1.9), {"from_zero": True}, "0.0 0.5 1.0 1.5 2.0"),
        ((96.1, 99.3), {}, "96 97 98 99 100"),
        ((96.1, 99.3), {"limits": (0, 100)}, "96 97 98 99 100"),
        ((99.91, 99.98), {"limits": (0, 100)}, "99.90 99.92 99.94 99.96 99.98"),
        ((100, 100), {"limits": (0, 100)}, "94 96 98 100"),
        ((0, 0), {"limits": (0, 100)}, "0.0 0.2 0.4 0.6"),
        ((5,), {}, "4.7 4.8 4.9 5.0 5.1 5.2 5.3"),
        ((-3, 3), {}, "-4 -2 0 2 4"),
        ((0, 250_000), {}, "0 50,000 100,000 150,000 200,000 250,000"),
        ((0, 2e30), {}, "0 5e29 1e30 1.5e30 2e30"),
        ((1e6, 3e6), {}, "1e6 1.5e6 2e6 2.5e6 3e6"),
        ((0, 4e-7), {}, "0 1e-7 2e-7 3e-7 4e-7"),
        ((0.3, NAN, INF, -INF, 0.4), {}, "0.30 0.32 0.34 0.36 0.38 0.40"),
        ((105, 110), {"limits": (0, 100)}, "105 106 107 108 109 110"),
    ],
)
def test_round_numbers(values, options, labels):
    axis = linear_axis(values, **options)
    assert " ".join(axis.labels) == labels
    assert [float(label.replace(",", "")) for label in axis.labels] == pytest.approx(axis.ticks)


@pytest.mark.parametrize(
    "values",
    [
        *((0.0, 10.0**power) for power in range(-320, 309, 7)),
        *((-(10.0**power), 3 * 10.0**power) for power in range(-300, 300, 11)),
        *((1.0, 1.0 + 10.0**power) for power in range(-17, 3)),
        *((x / 7, x / 7 + y / 3) for x in range(-20, 20, 3) for y in range(0, 40, 7)),
        (-1e300, 1e300),
        (5e-324, 1.7e308),
    ],
)
@pytest.mark.parametrize("make", [linear_axis, logarithmic_axis])
def test_every_value_has_a_place_beside_few_numbers(make, values):
    axis = make(values)
    assert axis.low < axis.high
    assert 0 <= len(axis.ticks) == len(axis.labels) <= 8
    assert list(axis.ticks) == sorted(axis.ticks)
    for value in (*axis.ticks, *filter(axis.shows, values)):
        assert -1e-6 <= axis.share(value) <= 1 + 1e-6


def test_ends_and_middle():
    axis = linear_axis([0, 10])
    assert [axis.share(value) for value in (0, 5, 10)] == [0, 0.5, 1]
    axis = logarithmic_axis([0.01, 100])
    assert [axis.share(value) for value in (0.01, 1, 100)] == pytest.approx([0, 0.5, 1])


def test_what_has_no_place():
    axis = linear_axis([-1, 1])
    assert [axis.shows(value) for value in (NAN, INF, -INF, 0, -1)] == [False] * 3 + [True] * 2
    axis = logarithmic_axis([0.1, 1])
    assert [axis.shows(value) for value in (NAN, INF, 0, -1, 0.5)] == [False] * 4 + [True]


@pytest.mark.parametrize("make", [linear_axis, logarithmic_axis, whole_axis])
def test_no_values(make):
    axis = make([])
    assert (axis.ticks, axis.labels) == ((), ())
    assert axis.low < axis.high


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ((3e-9, 0.2), "1e-9 1e-7 1e-5 0.001 0.1 10"),
        ((0.3, 0.8), "0.1 1"),
        ((1, 1), "1 10"),
        ((0, -1, NAN, 20, 300_000), "10 100 1,000 10,000 100,000 1e6"),
    ],
)
def test_powers_of_ten(values, labels):
    assert " ".join(logarithmic_axis(values).labels) == labels


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ((1, 2), "1 2"),
        ((1, 2, 3), "1 2 3"),
        (range(1, 11), "1 2 4 6 8 10"),
        (range(1, 21), "1 5 10 15 20"),
        (range(1, 301), "1 100 200 300"),
        (range(1, 1001), "1 200 400 600 800 1,000"),
        (range(17), "0 5 10 15 16"),
        ((7,), "7"),
        ((-5, 10**21), None),
    ],
)
def test_whole_numbers(values, labels):
    axis = whole_axis(values)
    assert axis.low < axis.high == max(values)
    assert len(axis.ticks) == len(set(axis.ticks)) <= 7
    if labels:
        assert " ".join(axis.labels) == labels


def test_one_whole_number_lies_at_the_upper_end():
    assert whole_axis([7]).share(7) == 1
