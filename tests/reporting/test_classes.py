"""Class by class, drawn."""

import pytest

from lenet.drawing.scene import Box
from lenet.reporting.classes import MOST, class_chart, sentence, worst


def test_in_words(answers_of):
    drawing = class_chart(answers_of([[0.9, 0.1, 0], [0.8, 0.2, 0], [0.1, 0.9, 0]], [0, 1, 1]))
    assert drawing.description == (
        "0: 1 image, precision 50.00 %, recall 100.00 %, F1 66.67 %. "
        "1: 2 images, precision 100.00 %, recall 50.00 %, F1 66.67 %. 2: 0 images."
    )


@pytest.mark.parametrize("classes", [1, 2, 10, 40, 41, 300])
def test_any_number_of_classes(random_answers, overlapping, classes):
    drawing = class_chart(random_answers(classes, 900), "heading")
    assert not overlapping(drawing.scene)
    for mark in drawing.scene.marks:
        if isinstance(mark, Box):
            assert 0 <= mark.x <= mark.right <= drawing.scene.width
    assert drawing.scene.height < 60 + 22 * MOST + 100


def test_of_many_the_worst_are_shown(random_answers):
    figures = random_answers(60, 900).class_figures
    shown = worst(figures, 20)
    assert len(shown) == 20
    assert max(one.f1 for one in shown) <= min(one.f1 for one in figures if one not in shown)
    assert worst(figures, 60) == figures


def test_a_dot_lies_at_its_number(answers_of):
    answers = answers_of([[0.9, 0.1]] * 4, [0, 0, 0, 1], ("a", "b"))
    scene = class_chart(answers).scene
    (row,) = (group for group in scene.groups if group.title == sentence(answers.class_figures[0]))
    blue, orange, _ = (mark for mark in row.marks if isinstance(mark, Box))
    ticks = {text.text: text.x for text in scene.texts}
    at = ticks["0"] + (ticks["100"] - ticks["0"]) * 0.75
    assert blue.x + 4 == pytest.approx(at)
    assert orange.x + 4 == pytest.approx(ticks["100"])
