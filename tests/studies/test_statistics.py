"""Intervals against printed tables, and against a computation by hand."""

import pytest

from lenet.studies.statistics import Mean, difference, mean, quantile


@pytest.mark.parametrize(
    ("freedom", "t"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (10, 2.228), (30, 2.042)],
)
def test_students_t(freedom, t):
    """The tables print three decimals."""
    assert quantile(freedom) == pytest.approx(t, abs=5e-4)


def test_many_values_are_as_of_the_normal_distribution():
    assert quantile(100_001) == pytest.approx(1.959964, abs=1e-4)
    assert quantile(100_000, 0.5) == pytest.approx(0.674490, abs=1e-4)


def test_a_mean_by_hand():
    """Squares around 3: 4 + 0 + 4 = 8, variance 4, root of 4 / 3 times 4.3027."""
    found = mean([1.0, 3.0, 5.0])
    assert found.value == 3.0
    assert found.half == pytest.approx(4.302653 * (4 / 3) ** 0.5)
    assert (found.low, found.high) == (3.0 - found.half, 3.0 + found.half)


def test_one_value_has_no_interval():
    assert mean([0.5]) == Mean(0.5, None)
    assert mean([0.5]).low is mean([0.5]).high is None


def test_pairs_take_out_what_both_share():
    """The seeds differ by a lot, and the variants always by 1."""
    found = difference([11.0, 51.0, 91.0], [10.0, 50.0, 90.0])
    assert found == Mean(1.0, 0.0)
    with pytest.raises(ValueError, match="zip"):
        difference([1.0, 2.0], [1.0])
