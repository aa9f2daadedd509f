"""The paper's figure, laid out."""

import time

import lenet
from lenet.drawing.figure import MAX_WIDTH, draw_figure
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


def test_a_hundred_layers_take_no_time(long):
    start = time.perf_counter()
    draw_figure(long)
    assert time.perf_counter() - start < 1
