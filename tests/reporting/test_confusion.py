"""The confusion matrix, from one class to hundreds."""

import pytest

from lenet.drawing.scene import Box
from lenet.reporting.confusion import confusion_matrix


def cells(drawing, role):
    return [m for m in drawing.scene.marks if isinstance(m, Box) and m.paint.fill == role]


def inside(scene):
    for mark in scene.marks:
        if isinstance(mark, Box):
            assert 0 <= mark.x <= mark.right <= scene.width + 1e-6
            assert 0 <= mark.y <= mark.bottom <= scene.height + 1e-6
    for text in scene.texts:
        left, top, right, bottom = text.box
        assert left >= 0
        assert top >= 0
        assert right <= scene.width, text
        assert bottom <= scene.height


LONG = ("T-shirt/top with a very long name", "図" * 30, "a", "W" * 90)


@pytest.mark.parametrize("heading", ["", "a heading " * 20])
@pytest.mark.parametrize("classes", [1, 2, 3, 10, 24, 25, 40, 120, 400])
def test_any_number_of_classes(random_answers, overlapping, classes, heading):
    drawing = confusion_matrix(random_answers(classes, 2000), heading)
    inside(drawing.scene)
    assert not overlapping(drawing.scene)
    assert drawing.svg.count("nan") == 0


@pytest.mark.parametrize("classes", [2, 4])
def test_long_names(random_answers, overlapping, classes):
    drawing = confusion_matrix(random_answers(classes, 200, LONG[:classes]))
    inside(drawing.scene)
    assert not overlapping(drawing.scene)
    assert any(text.text.endswith("… · 0") for text in drawing.scene.texts)


def test_every_number_is_there(random_answers):
    answers = random_answers(6, 300)
    drawing = confusion_matrix(answers)
    table = answers.evaluation.confusion
    titles = [group.title for group in drawing.scene.groups]
    for true in range(6):
        of = table[true].sum()
        for said in range(6):
            count = table[true, said]
            word = f"{true} taken for {said}: {count} of {of}"
            word = f"{true}: {count} of {of} right" if true == said else word
            assert (word in titles) == bool(count)
    assert len(cells(drawing, "series-1")) == 6
    assert len(cells(drawing, "series-2")) == (table > 0).sum() - 6


def test_a_cell_lies_where_its_classes_are(answers_of):
    drawing = confusion_matrix(answers_of([[0.1, 0.9, 0], [0, 1, 0], [0, 0, 1]], [0, 1, 2]))
    (wrong,) = cells(drawing, "series-2")
    right = cells(drawing, "series-1")
    assert len(right) == 2  # a class without an image has no cell of its own
    assert wrong.x == right[0].x
    assert wrong.y == right[0].y - right[0].height


def test_no_mistake_in_words(answers_of):
    drawing = confusion_matrix(answers_of([[1, 0], [0, 1]], [0, 1]), "mine")
    assert drawing.description == "2 classes, 2 images, 2 on the diagonal: right. No mistake."
    assert drawing.title == "Confusion matrix: mine"


def test_a_thousand_classes_stay_small(random_answers):
    assert len(confusion_matrix(random_answers(1000, 10_000, wrong=0.9)).svg) < 500_000
