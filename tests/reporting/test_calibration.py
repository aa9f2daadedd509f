"""The reliability diagram."""

import pytest

from lenet.drawing.scene import Box
from lenet.reporting.calibration import reliability_diagram


def boxes(drawing, role):
    return [m for m in drawing.scene.marks if isinstance(m, Box) and m.paint.fill == role]


def test_bars_gaps_and_words(answers_of):
    values = [[0.95, 0.05]] * 20 + [[0.45, 0.55]] * 20
    labels = [0] * 10 + [1] * 10 + [1] * 20  # too sure where it says 95 %, not sure enough at 55
    drawing = reliability_diagram(answers_of(values, labels), "mine")
    low, high = boxes(drawing, "series-1")
    (missing,), (more,) = boxes(drawing, "series-2"), boxes(drawing, "series-3")
    assert high.height == pytest.approx(0.5 * 300)
    assert missing.height == pytest.approx(0.45 * 300)
    assert missing.bottom == pytest.approx(high.y)
    assert low.height == pytest.approx(0.55 * 300, rel=1e-4)
    assert more.bottom == pytest.approx(low.y)
    assert drawing.title == "Calibration: mine"
    assert "Expected calibration error 45.00 %." in drawing.description
    assert "93 to 100 %: 20 images, mean probability 95.0 %, right 50.0 %." in drawing.description


def test_few_images_are_faint(answers_of):
    drawing = reliability_diagram(answers_of([[0.95, 0.05]] * 20 + [[0.6, 0.4]], [0] * 21))
    faint, full = boxes(drawing, "series-1")
    assert faint.paint.opacity < full.paint.opacity


@pytest.mark.parametrize("classes", [1, 2, 10, 200])
def test_nothing_leaves_the_page(random_answers, overlapping, classes):
    scene = reliability_diagram(random_answers(classes, 500), "h" * 300).scene
    assert not overlapping(scene)
    for mark in scene.marks:
        if isinstance(mark, Box):
            assert mark.height >= 0
            assert 0 <= mark.x <= mark.right <= scene.width
            assert 0 <= mark.y <= mark.bottom <= scene.height
    for text in scene.texts:
        assert text.box[2] <= scene.width
        assert text.box[3] <= scene.height
