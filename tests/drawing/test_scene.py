"""Marks and what they cover."""

import pytest

from lenet.drawing.scene import Box, Group, Paint, Path, Scene, Text


@pytest.mark.parametrize(("anchor", "left"), [("start", 50), ("middle", 0), ("end", -50)])
def test_a_text_covers_a_box(anchor, left):
    text = Text(50, 20, "m" * 100, 100 / 97.4, anchor)  # an m is 974 thousandths wide
    assert text.width == pytest.approx(100)
    assert text.box == pytest.approx(
        (left, 20 - 0.76 * text.size, left + 100, 20 + 0.24 * text.size)
    )


def test_a_scene_lists_its_marks_in_order():
    box, text = Box(0, 0, 3, 4, Paint("page")), Text(0, 0, "a", 12)
    scene = Scene(10, 10, (Group("one", (box,)), Group("two", (text,))))
    assert list(scene.marks) == [box, text]
    assert scene.texts == (text,)
    assert (box.right, box.bottom) == (3, 4)


def test_a_scene_knows_its_colors():
    marks = (
        Path(((0, 0), (1, 1)), Paint(stroke="line")),
        Box(0, 0, 3, 4, Paint("page", "frame")),
        Text(0, 0, "a", 12, role="muted"),
    )
    assert Scene(10, 10, (Group("", marks),)).roles == {"line", "page", "frame", "muted"}
    assert Scene(10, 10, ()).roles == frozenset()
