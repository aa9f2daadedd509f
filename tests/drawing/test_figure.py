"""The paper's figure: its bodies to scale, and how they are laid out."""

from itertools import pairwise

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


def test_of_sizes_too_far_apart_equal_ratios_stay_equal():
    # Logarithms, which stood here, made half of the largest size nearly as large as itself.
    scale = make_scale([224, 112, 56, 28, 14, 7], bottom=15)
    assert (scale(7), scale(224)) == pytest.approx((15, LARGEST))
    ratios = [scale(size) / scale(size // 2) for size in (224, 112, 56, 28, 14)]
    assert ratios == pytest.approx([(LARGEST / 15) ** 0.2] * 5)


def front(group):
    """The front sheet of a stack, or None."""
    sheets = [m for m in group.marks if isinstance(m, Box) and m.paint.fill.endswith("-face")]
    return sheets[-1] if sheets else None


def stacks(scene):
    """The front sheets from left to right, without those that are drawn again."""
    found = [(group.title, front(group)) for group in scene.groups if front(group)]
    return list(dict(found).values())


PILOT_NET = (
    "3x66x200 | conv 24 k5 s2 relu, conv 36 k5 s2 relu, conv 48 k5 s2 relu | "
    "conv 64 k3 relu, conv 64 k3 relu | dense 100 relu, dense 50 relu, dense 10 relu, dense 1"
)


@pytest.mark.parametrize(
    ("network", "shapes"),
    [
        (PILOT_NET, [(66, 200), (31, 98), (14, 47), (5, 22), (3, 20)]),
        ("1x40x9 | conv 8 k7x3, maxpool 3x1 | conv 16 k5x3 | dense 5", [(40, 9), (34, 7), (11, 7)]),
        ("3x64x48 | conv 4 k3 same, avgpool 64x48", [(64, 48), (64, 48), (1, 1)]),
    ],
)
@pytest.mark.parametrize("width", [None, 321, 1500])
def test_a_feature_map_keeps_its_aspect(network, shapes, width):
    scene = draw_figure(lenet.parse(network), width=width)
    for (height, wide), sheet in zip(shapes, stacks(scene), strict=False):
        assert sheet.height / sheet.width == pytest.approx(height / wide, rel=0.01)


def test_a_map_too_thin_to_be_seen_is_thicker_and_the_picture_says_so():
    scene = draw_figure(lenet.parse(PILOT_NET))
    *_, last = stacks(scene)
    assert last.height == 6  # of 1x18
    assert last.width > 30
    assert scene.note == (
        "Not to scale: small or thin feature maps, small windows and small dense layers are drawn "
        "larger."
    )


@pytest.mark.parametrize("size", [32, 200])
def test_a_square_window_is_square_on_a_map_that_is_none(size):
    placed = lenet.parse(f"1x32x{size} | conv 1 k5 s2 | dense 1").placed[0]
    scene = draw_figure(lenet.parse(f"1x32x{size} | conv 1 k5 s2 | dense 1"))
    window, pixel = (
        mark for mark in scene.marks if isinstance(mark, Box) and mark.paint.fill == "conv-edge"
    )
    assert window.width == pytest.approx(window.height)
    assert pixel.width == pytest.approx(pixel.height)
    assert placed.output_shape[1:] != (1, 1)


@pytest.mark.parametrize(
    ("network", "note"),
    [
        ("lenet", "Not to scale: small dense layers are drawn larger."),
        ("compact", "Not to scale: small feature maps are drawn larger."),
        ("1x28x28 | conv 6 k5 | dense 10", ""),
        ("1x28x28 | dense 10", ""),
        ("1x28x28 | dense 20, dense 10", ""),
        ("3x224x224 | conv 8 k3 s2 | dense 9", "Not to scale: small windows are drawn larger."),
        ("1x1x128 | conv 8 k1x64 s1x64", "Not to scale: small or thin feature maps are"),
        ("1x2x128 | conv 8 k2x1", "Not to scale: thin feature maps and small windows are"),
    ],
)
def test_what_is_not_to_scale_is_said(network, note):
    drawing = lenet.draw(network)
    assert drawing.scene.note.startswith(note)
    assert bool(drawing.scene.note) == bool(note)
    if note:
        assert drawing.description.endswith(drawing.scene.note)
        assert " ".join(text.text for text in drawing.scene.texts).endswith(drawing.scene.note)
    assert "Not to scale" not in lenet.draw(network, style="graph").description


WIDTHS = (321, 661, 2000)  # a column of a paper, two columns, a poster


@pytest.mark.parametrize("width", WIDTHS)
def test_a_picture_of_any_width_is_laid_out_as_well(crowd, overlaps, width):
    for network in crowd[::4]:
        scene = draw_figure(network, width=width)
        assert scene.width == width
        assert not overlaps(scene), network
        for mark in scene.marks:
            left, top, right, bottom = extent(mark)
            assert left >= 0, network
            assert top >= 0, network
            assert right <= width + 1e-6, network
            assert bottom <= scene.height, network


@pytest.mark.parametrize("name", lenet.zoo.names())
@pytest.mark.parametrize("width", ["80mm", "85mm", "3.5in", "17.5cm", "400pt", 1500])
def test_letters_can_be_read_in_a_column_of_a_paper(name, width):
    drawing = lenet.draw(name, width=width)
    # Of many layers they are a little smaller, so that the picture gets no longer than a page.
    assert (7 if name.startswith("lenet") else 6) <= drawing.letters <= 12
    assert drawing.scene.height < 3.6 * drawing.scene.width


def row_count(scene):
    return len({text.y for text in scene.texts if text.text in ("image", "layer", "feature maps")})


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_as_many_rows_as_are_wanted(rows):
    for network in (lenet.zoo.lenet(), lenet.zoo.compact(), lenet.parse(PILOT_NET)):
        assert row_count(draw_figure(network, rows=rows)) == rows
        assert row_count(draw_figure(network, rows=rows, width=661)) == rows


def test_there_are_no_more_rows_than_operations():
    assert row_count(draw_figure(lenet.parse("1x9x9 | conv 2 k3 | dense 3"), rows=9)) == 2


def test_hundreds_of_layers_in_one_row(long):
    scene = draw_figure(long, rows=1)
    assert row_count(scene) == 1
    assert scene.width > 100 * scene.height / 10


def test_dense_layers_of_the_same_size_stand_evenly():
    scene = draw_figure(lenet.parse("1x28x28 | " + ", ".join(["dense 50"] * 6)))
    places = [text.x for text in scene.texts if text.text.startswith("dense")]
    steps = [b - a for a, b in pairwise(places)]
    assert max(steps) < 1.1 * min(steps)


def test_names_stand_above_the_bodies():
    texts = {text.text for text in draw_figure(lenet.zoo.tiny(), names=("A", "B", "C", "D")).texts}
    assert "A" in texts
    assert "conv0" not in texts


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
