"""The bodies of a figure, to scale."""

import pytest

import lenet
from lenet.drawing.scene import Box, Path
from lenet.drawing.shapes import LARGEST, MOST_SHEETS, Scale, Slab, Stack, join


def boxes(marks):
    return [mark for mark in marks if isinstance(mark, Box)]


def test_sizes_are_in_proportion_where_that_can_be_seen():
    scale = Scale([28, 24, 12, 8, 4], bottom=15)
    assert not scale.logarithmic
    assert scale(28) == LARGEST
    for size in (24, 12, 8, 4):
        assert scale(size) / scale(28) == pytest.approx(size / 28)


def test_sizes_too_far_apart_are_logarithmic():
    scale = Scale([224, 112, 56, 28, 14, 7], bottom=15)
    assert scale.logarithmic
    assert (scale(7), scale(224)) == pytest.approx((15, LARGEST))
    steps = [scale(size) - scale(size // 2) for size in (224, 112, 56, 28, 14)]
    assert steps == pytest.approx([steps[0]] * 5)


@pytest.mark.parametrize("sizes", [[], [1], [1, 2], [1, 10**7]])
def test_every_scale_stays_within_its_bounds(sizes):
    scale = Scale(sizes, bottom=15)
    assert all(15 <= scale(size) <= LARGEST for size in sizes)


@pytest.mark.parametrize("channels", [1, 6, MOST_SHEETS, MOST_SHEETS + 1, 10**7])
def test_a_stack_draws_a_sheet_a_map_and_dots_for_the_rest(channels):
    stack = Stack((channels, 9, 9), 60, 40, "conv").at(100, 50)
    sheets = [box for box in boxes(stack.marks()) if not box.radius]
    dots = [box for box in boxes(stack.marks()) if box.radius]
    assert len(sheets) == min(channels, MOST_SHEETS)
    assert len(dots) == (3 if channels > MOST_SHEETS else 0)
    assert sheets[-1] == stack.front
    assert (stack.front.right, stack.front.bottom) == (100 + stack.width, 50 + stack.height)
    assert min(box.x for box in sheets) >= 100
    assert min(box.y for box in boxes(stack.marks())) >= 49


def test_a_slab_shows_few_units_one_by_one():
    assert len(Slab(10, 80).marks()) == 1 + 9
    assert len(Slab(120, 80).marks()) == 1


def test_the_window_and_its_output_are_where_the_layer_has_them():
    placed = lenet.zoo.lenet().placed[0]
    source = Stack((1, 28, 28), 112, 112, "data").at(0, 0)
    target = Stack((6, 24, 24), 96, 96, "conv").at(200, 0)
    *_, window, pixel = join(source, target, placed, turn=0)
    column = round((pixel.x - target.front.x) / 4)
    row = round((pixel.y - target.front.y) / 4)
    assert (window.width, pixel.width) == pytest.approx((5 * 4, 4))
    assert (window.x, window.y) == pytest.approx((4 * column, 4 * row))


def test_the_window_of_a_padded_layer_is_cut_at_the_edge():
    placed = lenet.parse("1x4x4 | conv 1 k7 p3 | dense 1").placed[0]
    source = Stack((1, 4, 4), 40, 40, "data").at(0, 0)
    target = Stack((1, 4, 4), 40, 40, "conv").at(100, 0)
    for turn in (0, 1):
        *_, window, pixel = join(source, target, placed, turn)
        assert source.front.x <= window.x <= window.right <= source.front.right
        assert source.front.y <= window.y <= window.bottom <= source.front.bottom
        assert target.front.x <= pixel.x <= pixel.right <= target.front.right


def test_full_connections_lead_from_edge_to_edge():
    placed = lenet.zoo.lenet().placed
    maps, units = Stack((16, 4, 4), 16, 16, "pool").at(0, 0), Slab(120, 90).at(100, 0)
    area, upper, lower = join(maps, units, placed[4], turn=5)
    assert isinstance(area, Path)
    assert area.closed
    assert (upper.points[0], lower.points[0]) == maps.exits()
    assert (upper.points[1], lower.points[1]) == units.entries()
