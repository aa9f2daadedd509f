"""The paper's figure: its bodies to scale, and how they are laid out."""

import pytest

import lenet
from lenet.drawing.figure import (
    LARGEST,
    MAX_WIDTH,
    MOST_SHEETS,
    Slab,
    Stack,
    draw_figure,
    join,
    make_scale,
)
from lenet.drawing.scene import Box, Path, Text


def extent(mark):
    match mark:
        case Text():
            return mark.box
        case Box():
            return mark.x, mark.y, mark.right, mark.bottom
        case Path():
            xs, ys = zip(*mark.points, strict=True)
            return min(xs), min(ys), max(xs), max(ys)


def test_no_texts_overlap(figures, overlaps):
    for network, scene in figures:
        assert not overlaps(scene), network


def test_everything_is_on_the_page(figures):
    for network, scene in figures:
        for mark in scene.marks:
            left, top, right, bottom = extent(mark)
            assert left >= 0, network
            assert top >= 0, network
            assert right <= scene.width, network
            assert bottom <= scene.height, network


def test_no_text_stands_on_a_body(figures):
    for network, scene in figures:
        sheets = [extent(mark) for mark in scene.marks if isinstance(mark, Box)]
        for text in scene.texts:
            left, top, right, bottom = text.box
            under = [
                s for s in sheets if left < s[2] and s[0] < right and top < s[3] and s[1] < bottom
            ]
            assert not under, f"{text.text} in {network}"


def test_a_page_is_not_too_wide(figures):
    for network, scene in figures:
        assert scene.width <= MAX_WIDTH + 60, network


def test_lenet_stands_in_one_row_and_names_everything():
    texts = [text.text for text in draw_figure(lenet.zoo.lenet()).texts]
    assert [text for text in texts if text.startswith(("conv", "pool", "dense"))] == [
        *("conv0", "pool0", "conv1", "pool1", "dense0", "dense1", "dense2")
    ]
    for words in ("6@24x24", "16@4x4", "120", "10", "Convolutions", "5x5, stride 1", "sigmoid"):
        assert words in texts
    assert "block 2 = block 1 again" in texts
    assert not [text for text in texts if text.endswith("0 again")]


def test_a_long_network_breaks_into_rows_that_repeat_the_last_body(long):
    scene = draw_figure(long)
    again = [
        text.text for text in scene.texts if text.text in {f"conv{i} again" for i in range(99)}
    ]
    assert len(again) > 5
    assert scene.height > scene.width


def boxes(marks):
    return [mark for mark in marks if isinstance(mark, Box)]


def test_sizes_are_in_proportion_where_that_can_be_seen():
    scale = make_scale([28, 24, 12, 8, 4], bottom=15)
    assert scale(28) == LARGEST
    for size in (24, 12, 8, 4):
        assert scale(size) / scale(28) == pytest.approx(size / 28)


def test_sizes_too_far_apart_are_logarithmic():
    scale = make_scale([224, 112, 56, 28, 14, 7], bottom=15)
    assert (scale(7), scale(224)) == pytest.approx((15, LARGEST))
    steps = [scale(size) - scale(size // 2) for size in (224, 112, 56, 28, 14)]
    assert steps == pytest.approx([steps[0]] * 5)


@pytest.mark.parametrize("sizes", [[], [1], [1, 2], [1, 10**7]])
def test_every_scale_stays_within_its_bounds(sizes):
    scale = make_scale(sizes, bottom=15)
    assert all(15 <= scale(size) <= LARGEST for size in sizes)


@pytest.mark.parametrize("channels", [1, 6, MOST_SHEETS, MOST_SHEETS + 1, 10**7])
def test_a_stack_draws_one_sheet_per_map_and_dots_for_the_rest(channels):
    stack = Stack(channels, 60, 40, "conv", 100, 50)
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
    source = Stack(1, 112, 112, "data", 0, 0)
    target = Stack(6, 96, 96, "conv", 200, 0)
    *_, window, pixel = join(source, target, placed, turn=0)
    column = round((pixel.x - target.front.x) / 4)
    row = round((pixel.y - target.front.y) / 4)
    assert (window.width, pixel.width) == pytest.approx((5 * 4, 4))
    assert (window.x, window.y) == pytest.approx((4 * column, 4 * row))


def test_the_window_of_a_padded_layer_is_cut_at_the_edge():
    placed = lenet.parse("1x4x4 | conv 1 k7 p3 | dense 1").placed[0]
    source = Stack(1, 40, 40, "data", 0, 0)
    target = Stack(1, 40, 40, "conv", 100, 0)
    for turn in (0, 1):
        *_, window, pixel = join(source, target, placed, turn)
        assert source.front.x <= window.x <= window.right <= source.front.right
        assert source.front.y <= window.y <= window.bottom <= source.front.bottom
        assert target.front.x <= pixel.x <= pixel.right <= target.front.right


def test_full_connections_lead_from_edge_to_edge():
    placed = lenet.zoo.lenet().placed
    maps, units = Stack(16, 16, 16, "pool", 0, 0), Slab(120, 90, "dense", 100, 0)
    area, upper, lower = join(maps, units, placed[4], turn=5)
    assert isinstance(area, Path)
    assert area.closed
    assert (upper.points[0], lower.points[0]) == maps.exits()
    assert (upper.points[1], lower.points[1]) == units.entries()
