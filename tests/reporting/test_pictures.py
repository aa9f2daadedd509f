"""The pictures of a run: every number of epochs, classes and images, and what they say."""

import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lenet
from lenet.drawing.scene import DARK, SERIES, Box
from lenet.reporting.pictures import (
    MOST_CLASSES,
    class_sentence,
    draw_calibration,
    draw_classes,
    draw_confusion,
    draw_coverage,
    draw_learning,
    draw_thumbnails,
    learning_charts,
    make_thumbnail,
    mistake_thumbnails,
    probability_text,
    signal_charts,
    thinned,
    window_thumbnails,
    worst,
)
from lenet.run_folder import LayerSignal, RunRecord


def epoch(number, loss, train, test):
    return {"epoch": number, "loss": loss, "train_accuracy": train, "test_accuracy": test}


def record(epochs, **info):
    return RunRecord(Path("a"), {"epochs": epochs, "classes": list("0123456789"), **info})


def history(epochs):
    return [epoch(n, 1 / n, 1 - 0.5 / n, 1 - 0.6 / n) for n in range(1, epochs + 1)]


@pytest.mark.parametrize("epochs", [1, 2, 31, 1000])
def test_is_a_picture(epochs):
    drawing = draw_learning(record(history(epochs)), r"a · title with $\nonsense$ and 図")
    with Image.open(io.BytesIO(drawing.png)) as picture:
        picture.load()
        assert picture.format == "PNG"
        assert picture.size == (1760, 684)
        colors = {color for _, color in picture.convert("RGB").getcolors(1 << 20)}
    for role in SERIES[:2]:
        color = drawing.scene.roles & {role}
        assert color == {role}
    assert len(colors) > 10


def test_says_what_happened():
    drawing = draw_learning(record(history(4)), "digits · 44,426 parameters")
    texts = [text.text for text in drawing.scene.texts]
    assert texts[0] == "digits · 44,426 parameters"
    assert {"Cross-entropy loss in nats", "Accuracy in %", "epoch", "1", "2", "3", "4"} <= {*texts}
    assert {"train 0.250", "train 87.50", "test 85.00"} <= {*texts}
    assert drawing.title == "Learning curve: digits · 44,426 parameters"
    assert drawing.description == (
        "Cross-entropy loss in nats by epoch: train: 1 at 1, 0.25 at 4. "
        "Accuracy in % by epoch: train: 50 at 1, 87.5 at 4; test: 40 at 1, 85 at 4."
    )


@pytest.mark.parametrize(("accuracy", "whole"), [(0.19, True), (0.195, False)])
def test_who_is_no_better_than_guessing_is_shown_on_an_axis_from_0_to_100(accuracy, whole):
    """Otherwise a rise from 9.8 to 10.2 % fills the picture."""
    epochs = [epoch(1, 2.3, 0.1, 0.17), epoch(2, 2.3, 0.1, accuracy)]
    axis = learning_charts(record(epochs, chance=0.1029))[1].y_axis
    assert ((axis.low, axis.high) == (0, 100)) == whole


def test_in_the_dark():
    svg = replace(draw_learning(record(history(3))), theme="dark").svg
    assert DARK["page"] in svg
    assert DARK["series-1"] in svg


@pytest.mark.parametrize("loss", [0.0, 1e30, 1e308, math.inf, math.nan])
def test_extreme_values(loss):
    records = [epoch(1, 0.0, 0.0, 0.0), epoch(2, loss, 1.0, 1.0)]
    for shown in (records, records[1:]):
        assert draw_learning(record(shown), "").png.startswith(b"\x89PNG\r\n\x1a\n")


def test_other_losses_and_accuracies_are_drawn_too():
    records = [
        {**epoch, "validation_loss": 1.0, "validation_accuracy": 0.5} for epoch in history(2)
    ]
    texts = [text.text for text in draw_learning(record(records), "").scene.texts]
    assert {"validation 1.00", "validation 50.00"} <= {*texts}


def signal(epoch, layer, saturated, gradient=0.5, sparsity=None, dead=None):
    return LayerSignal(epoch, layer, 2.0, gradient, 1.0, saturated, sparsity, dead)


def test_signals_by_layer():
    signals = [
        signal(n, layer, share) for n in (0, 1) for layer, share in (("a", 0.25), ("b", None))
    ]
    gradient, flat = signal_charts(signals)
    assert [(line.name, line.points) for line in gradient.series] == [
        ("a", ((0, 0.25), (1, 0.25))),
        ("b", ((0, 0.25), (1, 0.25))),
    ]
    assert [(line.name, line.points) for line in flat.series] == [("a", ((0, 25.0), (1, 25.0)))]
    assert len(signal_charts([signal(0, "b", None)])) == 1


def test_what_saturates_is_sparse_and_is_dead_has_axes_of_its_own():
    signals = [signal(0, "a", 0.25), signal(0, "b", None, sparsity=0.5, dead=0.125)]
    charts = {chart.title: chart for chart in signal_charts(signals)[1:]}
    assert {
        title: [(line.name, *line.points) for line in c.series] for title, c in charts.items()
    } == {
        "Saturated outputs in %": [("a", (0, 25.0))],
        "Sparsity: outputs that are zero, in %": [("b", (0, 50.0))],
        "Dead units in %": [("b", (0, 12.5))],
    }
    assert {(chart.y_axis.low, chart.y_axis.high) for chart in charts.values()} == {(0, 100)}


def test_many_layers_are_spread():
    signals = [signal(0, f"conv{i}", 0.0) for i in range(100)]
    names = [line.name for line in signal_charts(signals)[0].series]
    assert len(names) == len(SERIES)
    assert (names[0], names[-1]) == ("conv0", "conv99")


@pytest.mark.parametrize("count", [1, 399, 400, 401, 5000, 100_000])
def test_thinned(count):
    points = tuple((n, float(n)) for n in range(count))
    kept = thinned(points)
    assert kept[-1] == points[-1]
    assert min(count, 200) <= len(kept) <= 400
    assert set(kept) <= set(points)


def boxes(drawing, role):
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
def test_a_matrix_of_any_number_of_classes(random_predictions, overlaps, classes, heading):
    drawing = draw_confusion(random_predictions(classes, 2000), heading)
    inside(drawing.scene)
    assert not overlaps(drawing.scene)
    assert drawing.svg.count("nan") == 0


@pytest.mark.parametrize("classes", [2, 4])
def test_long_names(random_predictions, overlaps, classes):
    drawing = draw_confusion(random_predictions(classes, 200, LONG[:classes]))
    inside(drawing.scene)
    assert not overlaps(drawing.scene)
    assert any(text.text.endswith("… · 0") for text in drawing.scene.texts)


def test_every_number_is_there(random_predictions):
    predictions = random_predictions(6, 300)
    drawing = draw_confusion(predictions)
    table = predictions.evaluation.confusion
    titles = [group.title for group in drawing.scene.groups]
    for true in range(6):
        of = table[true].sum()
        for predicted in range(6):
            count = table[true, predicted]
            word = f"{true} taken for {predicted}: {count} of {of}"
            word = f"{true}: {count} of {of} correct" if true == predicted else word
            assert (word in titles) == bool(count)
    assert len(boxes(drawing, "series-1")) == 6
    assert len(boxes(drawing, "series-2")) == (table > 0).sum() - 6


def test_a_cell_lies_where_its_classes_are(predictions_of):
    drawing = draw_confusion(predictions_of([[0.1, 0.9, 0], [0, 1, 0], [0, 0, 1]], [0, 1, 2]))
    (wrong,) = boxes(drawing, "series-2")
    right = boxes(drawing, "series-1")
    assert len(right) == 2  # a class without an image has no cell of its own
    assert wrong.x == right[0].x
    assert wrong.y == right[0].y - right[0].height


def test_no_mistake_in_words(predictions_of):
    drawing = draw_confusion(predictions_of([[1, 0], [0, 1]], [0, 1]), "mine")
    assert drawing.description == "2 classes, 2 images, 2 on the diagonal: correct. No mistake."
    assert drawing.title == "Confusion matrix: mine"


def test_a_thousand_classes_stay_small(random_predictions):
    assert len(draw_confusion(random_predictions(1000, 10_000, wrong=0.9)).svg) < 500_000


def test_classes_in_words(predictions_of):
    drawing = draw_classes(predictions_of([[0.9, 0.1, 0], [0.8, 0.2, 0], [0.1, 0.9, 0]], [0, 1, 1]))
    assert drawing.description == (
        "0: 1 image, precision 50.00 %, recall 100.00 %, F1 66.67 %. "
        "1: 2 images, precision 100.00 %, recall 50.00 %, F1 66.67 %. 2: 0 images."
    )


@pytest.mark.parametrize("classes", [1, 2, 10, 40, 41, 300])
def test_rows_of_any_number_of_classes(random_predictions, overlaps, classes):
    drawing = draw_classes(random_predictions(classes, 900), "heading")
    assert not overlaps(drawing.scene)
    for mark in drawing.scene.marks:
        if isinstance(mark, Box):
            assert 0 <= mark.x <= mark.right <= drawing.scene.width
    assert drawing.scene.height < 60 + 22 * MOST_CLASSES + 100


def test_of_many_the_worst_are_shown(random_predictions):
    figures = random_predictions(60, 900).class_metrics
    shown = worst(figures, 20)
    assert len(shown) == 20
    assert max(row.f1 for row in shown) <= min(row.f1 for row in figures if row not in shown)
    assert worst(figures, 60) == figures


def test_a_dot_lies_at_its_number(predictions_of):
    predictions = predictions_of([[0.9, 0.1]] * 4, [0, 0, 0, 1], ("a", "b"))
    scene = draw_classes(predictions).scene
    (row,) = (
        group
        for group in scene.groups
        if group.title == class_sentence(predictions.class_metrics[0])
    )
    blue, orange, _ = (mark for mark in row.marks if isinstance(mark, Box))
    ticks = {text.text: text.x for text in scene.texts}
    at = ticks["0"] + (ticks["100"] - ticks["0"]) * 0.75
    assert blue.x + 4 == pytest.approx(at)
    assert orange.x + 4 == pytest.approx(ticks["100"])


def test_bars_gaps_and_words(predictions_of):
    values = [[0.95, 0.05]] * 20 + [[0.45, 0.55]] * 20
    labels = [0] * 10 + [1] * 10 + [1] * 20  # too sure where it says 95 %, not sure enough at 55
    drawing = draw_calibration(predictions_of(values, labels), "mine")
    low, high = boxes(drawing, "series-1")
    (missing,), (more,) = boxes(drawing, "series-2"), boxes(drawing, "series-3")
    assert high.height == pytest.approx(0.5 * 300)
    assert missing.height == pytest.approx(0.45 * 300)
    assert missing.bottom == pytest.approx(high.y)
    assert low.height == pytest.approx(0.55 * 300, rel=1e-4)
    assert more.bottom == pytest.approx(low.y)
    assert drawing.title == "Calibration: mine"
    assert "Expected calibration error 45.00 %." in drawing.description
    assert "93 to 100 %: 20 images, mean probability 95.0 %, correct 50.0 %." in drawing.description


def test_few_images_are_faint(predictions_of):
    drawing = draw_calibration(predictions_of([[0.95, 0.05]] * 20 + [[0.6, 0.4]], [0] * 21))
    faint, full = boxes(drawing, "series-1")
    assert faint.paint.opacity < full.paint.opacity


@pytest.mark.parametrize("classes", [1, 2, 10, 200])
def test_nothing_leaves_the_page(random_predictions, overlaps, classes):
    scene = draw_calibration(random_predictions(classes, 500), "h" * 300).scene
    assert not overlaps(scene)
    for mark in scene.marks:
        if isinstance(mark, Box):
            assert mark.height >= 0
            assert 0 <= mark.x <= mark.right <= scene.width
            assert 0 <= mark.y <= mark.bottom <= scene.height
    for text in scene.texts:
        assert text.box[2] <= scene.width
        assert text.box[3] <= scene.height


def test_mistakes_say_what_was_predicted_and_what_is_true(predictions_of):
    predictions = predictions_of(
        [[0.9, 0.1], [0.25, 0.75], [0.9996, 0.0004]], [0, 0, 1], ("cat", "dog")
    )
    first, second = mistake_thumbnails(predictions)
    assert first.lines == ("predicted cat, >99.9\u00a0%", "is dog, <0.1\u00a0%", "test image 2")
    assert second.lines == ("predicted dog, 75.0\u00a0%", "is cat, 25.0\u00a0%", "test image 1")
    assert second.words == "test image 1: predicted dog (75.0\u00a0%), is cat (25.0\u00a0%)"
    assert np.array_equal(second.pixels, predictions.split.images[1])
    assert [image.words for image in mistake_thumbnails(predictions, most=1)] == [first.words]


def test_accuracy_by_coverage(predictions_of):
    """Of four images the least sure is wrong: three quarters are all right."""
    predictions = predictions_of([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]], [0, 0, 1, 1])
    drawing = draw_coverage(predictions)
    assert "accuracy: 100 at 50, 75 at 100" in drawing.description
    assert "75.00" in drawing.svg


@pytest.mark.parametrize("count", [1, 2, 300])
def test_coverage_of_any_number(random_predictions, overlaps, count):
    drawing = draw_coverage(random_predictions(3, count), "heading")
    assert not overlaps(drawing.scene)


@pytest.mark.parametrize(("channels", "shown"), [(1, 1), (2, 1), (3, 3), (4, 1)])
@pytest.mark.parametrize(
    ("size", "small"), [((8, 8), (8, 8)), ((500, 100), (64, 13)), ((1, 300), (1, 64))]
)
def test_any_image_can_be_shown(channels, shown, size, small):
    image = make_thumbnail(np.full((channels, *size), 77, np.uint8), (), "")
    assert image.pixels.shape == (shown, *small)
    assert (image.pixels == 77).all()


def test_mistakes_name_their_files(predictions_of):
    predictions = predictions_of([[0.9, 0.1], [0.8, 0.2]], [1, 1])
    names = ("b/a-very-long-name-of-a-file.png", "b/2.png")
    predictions = replace(predictions, split=replace(predictions.split, names=names))
    first, second = mistake_thumbnails(predictions)
    first, second = sorted((first, second), key=lambda image: len(image.words), reverse=True)
    assert (first.lines[2], second.lines[2]) == ("...e-of-a-file.png", "2.png")
    assert first.words.startswith("b/a-very-long-name-of-a-file.png: predicted 0")


def test_windows_of_a_convolution():
    model = lenet.Model("1x8x8 | conv 5 k3 relu | dense 10").initialize("xavier", 0)
    images = window_thumbnails(model)
    weight = model.state_dict()["conv0.weight"]
    assert len(images) == 5
    assert images[0].pixels.shape == (1, 3, 3)
    flat = np.concatenate([image.pixels.ravel() for image in images]).astype(float)
    expected = 127.5 + 127.5 * weight.ravel() / np.abs(weight).max()
    np.testing.assert_allclose(flat, expected, atol=0.51)


def test_windows_of_a_dense_layer_are_images():
    model = lenet.Model("1x8x8 | dense 10").initialize("xavier", 0)
    assert [image.pixels.shape for image in window_thumbnails(model)] == [(1, 8, 8)] * 10


@pytest.mark.parametrize(
    ("network", "count", "shape"),
    [
        ("3x8x8 | conv 4 k3 | dense 10", 4, (3, 3, 3)),
        ("2x8x8 | conv 4 k3 | dense 10", 4, (1, 3, 3)),
        ("1x8x8 | conv 200 k3 | dense 10", 64, (1, 3, 3)),
        ("1x8x8 | maxpool 2 | conv 4 k3 | dense 10", 4, (1, 3, 3)),
        ("1x8x8 | conv 4 k1 | dense 10", 0, None),
        ("1x8x8 | maxpool 2 | dense 10", 0, None),
    ],
)
def test_windows_of_other_networks(network, count, shape):
    images = window_thumbnails(lenet.Model(network).initialize("xavier", 0))
    assert [image.pixels.shape for image in images] == [shape] * count


def test_weights_that_are_nothing_or_no_numbers():
    model = lenet.Model("1x8x8 | conv 2 k3 | dense 10").initialize()
    for value in (0, np.nan, np.inf):
        model.table[...] = value
        assert window_thumbnails(model) == []


@pytest.mark.parametrize("count", [0, 1, 5, 36])
def test_thumbnails_as_a_picture(random_predictions, overlaps, count):
    names = ("a rather long name of a class", *map(str, range(9)))
    predictions = random_predictions(10, 400, names, channels=3)
    drawing = draw_thumbnails(
        mistake_thumbnails(predictions, count), "t", "heading", columns=6, side=96
    )
    assert not overlaps(drawing.scene)
    with Image.open(io.BytesIO(drawing.png)) as picture:
        assert picture.width == pytest.approx(2 * drawing.scene.width, abs=1)
    assert drawing.svg.count("<image ") == count


def test_probabilities_are_never_certain_by_rounding():
    shown = [probability_text(p).replace("\u00a0", " ") for p in (0, 1e-9, 0.5, 0.99999, 1)]
    assert shown == ["0.0 %", "<0.1 %", "50.0 %", ">99.9 %", "100.0 %"]
