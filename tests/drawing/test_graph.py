"""The layer graph, laid out."""

from itertools import pairwise

import pytest

import lenet
from lenet.drawing.graph import draw_graph
from lenet.drawing.scene import Box, Path


def test_no_texts_overlap(graphs, overlaps):
    for network, scene in graphs:
        assert not overlaps(scene), network


def outline(box):
    left, top, right, bottom = box.x, box.y, box.right, box.bottom
    corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    return pairwise(corners)


def test_no_line_runs_through_a_text(graphs):
    for network, scene in graphs[::3]:
        lines = []
        for mark in scene.marks:
            if isinstance(mark, Box):
                lines += outline(mark)
            elif isinstance(mark, Path) and not mark.closed:
                lines += pairwise(mark.points)
        spans = [(min(x, u), min(y, v), max(x, u), max(y, v)) for (x, y), (u, v) in lines]
        for text in scene.texts:
            left, top, right, bottom = text.box
            hit = [
                s for s in spans if left < s[2] and s[0] < right and top < s[3] and s[1] < bottom
            ]
            assert not hit, f"{text.text} in {network}"


def test_everything_is_on_the_page(graphs):
    for _, scene in graphs:
        boxes = [mark for mark in scene.marks if isinstance(mark, Box)]
        ways = [point for mark in scene.marks if isinstance(mark, Path) for point in mark.points]
        assert min(box.x for box in boxes) >= 0
        assert max(box.right for box in boxes) <= scene.width
        assert max(box.bottom for box in boxes) <= scene.height
        assert all(0 <= x <= scene.width and 0 <= y <= scene.height for x, y in ways)


def test_lenet_says_everything():
    texts = [text.text for text in draw_graph(lenet.zoo.lenet_d2l()).texts]
    for words in (
        *("input", "1@28x28", "block 1", "conv0", "convolution"),
        *("5x5, stride 1, padding 2, sigmoid", "156 parameters, 117,600 multiply-adds"),
        *("pool0", "average pooling", "nothing to train", "120 units, sigmoid", "10", "output"),
    ):
        assert words in texts


def test_a_layer_has_one_box_and_a_block_one_frame(crowd, graphs):
    for network, (_, scene) in zip(crowd, graphs, strict=True):
        boxes = [mark for mark in scene.marks if isinstance(mark, Box)]
        layers = [box for box in boxes if box.radius == 6]
        frames = [box for box in boxes if box.paint.stroke == "frame"]
        assert len(layers) == len(network.layers)
        assert len(frames) >= len(network.blocks)
        for box in layers:
            around = [f for f in frames if f.x < box.x < box.right < f.right]
            assert any(f.y < box.y < box.bottom < f.bottom for f in around)


@pytest.mark.parametrize(
    ("width", "columns"), [(321, 1), (480, 1), (661, 2), (1000, 3), (19_000, 5)]
)
def test_a_chosen_width_is_kept_with_columns_whose_letters_can_be_read(width, columns, overlaps):
    scene = draw_graph(lenet.zoo.lenet(), width=width)
    assert scene.width == width
    assert 28 / 3 <= min(text.size for text in scene.texts) <= 16.001
    assert not overlaps(scene)
    boxes = [mark for mark in scene.marks if isinstance(mark, Box)]
    assert len({round(box.x) for box in boxes if box.paint.stroke == "frame"}) == min(columns, 3)
    assert min(box.x for box in boxes) >= 0
    assert max(box.right for box in boxes) <= width


def test_names_stand_in_the_boxes():
    texts = {text.text for text in draw_graph(lenet.zoo.tiny(), ("A", "B", "C", "D")).texts}
    assert "A" in texts
    assert "conv0" not in texts


def test_a_long_network_stands_in_columns(long):
    scene = draw_graph(long)
    assert 0.4 < scene.width / scene.height < 2.5
