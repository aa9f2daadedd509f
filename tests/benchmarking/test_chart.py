"""Bars in a terminal."""

import pytest

from lenet.benchmarking.chart import SHORTEST, Bar, draw_bars

BARS = (Bar("a", 100.0, "100"), Bar("long", 50.0, "50", "half"), Bar("c", 0.1, "0.1", "less"))


def test_bars_are_in_proportion_and_notes_in_a_column():
    assert list(draw_bars(BARS, 33)) == [
        "a     100  ████████████████",
        "long   50  ████████          half",
        "c     0.1  █                 less",
    ]


@pytest.mark.parametrize("width", [10, 40, 80, 200])
def test_width(width):
    lines = list(draw_bars(BARS, width, "#"))
    least = len("long  100  ") + SHORTEST + len("  half")
    assert max(map(len, lines)) <= max(width, least)
    assert all(line.isascii() for line in lines)


def test_nothing_has_no_bar_and_a_little_has_one():
    lines = list(draw_bars((Bar("a", 0.0, "0"), Bar("b", 1e-9, "1"), Bar("c", 1.0, "9")), 40))
    assert [line.count("█") for line in lines][:2] == [0, 1]


def test_one_alone_has_no_bar():
    assert list(draw_bars(BARS[:1], 40)) == ["a  100"]
    assert list(draw_bars(BARS[1:2], 40)) == ["long  50  half"]
