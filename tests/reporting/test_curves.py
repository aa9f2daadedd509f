"""The learning curve, and the signal by layer."""

import io
import math

import pytest
from PIL import Image

from lenet.drawing.scene import DARK, SERIES
from lenet.reporting.curves import learning_curve, signal_charts, thinned
from lenet.reporting.signals import LayerSignal


def epoch(number, loss, train, test):
    return {"epoch": number, "loss": loss, "train_accuracy": train, "test_accuracy": test}


def history(epochs):
    return [epoch(n, 1 / n, 1 - 0.5 / n, 1 - 0.6 / n) for n in range(1, epochs + 1)]


@pytest.mark.parametrize("epochs", [1, 2, 31, 1000])
def test_is_a_picture(epochs):
    drawing = learning_curve(history(epochs), r"a · title with $\nonsense$ and 図")
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
    drawing = learning_curve(history(4), "digits · 44,426 parameters")
    texts = [text.text for text in drawing.scene.texts]
    assert texts[0] == "digits · 44,426 parameters"
    assert {"Cross-entropy loss in nats", "Accuracy in %", "epoch", "1", "2", "3", "4"} <= {*texts}
    assert {"train 0.250", "train 87.50", "test 85.00"} <= {*texts}
    assert drawing.title == "Learning curve: digits · 44,426 parameters"
    assert drawing.description == (
        "Cross-entropy loss in nats by epoch: train 0.250: 1 at 1, 0.25 at 4. "
        "Accuracy in % by epoch: train 87.50: 50 at 1, 87.5 at 4; test 85.00: 40 at 1, 85 at 4."
    )


def test_in_the_dark():
    svg = learning_curve(history(3), "", theme="dark").svg
    assert DARK["page"] in svg
    assert DARK["series-1"] in svg


@pytest.mark.parametrize("loss", [0.0, 1e30, 1e308, math.inf, math.nan])
def test_extreme_values(loss):
    records = [epoch(1, 0.0, 0.0, 0.0), epoch(2, loss, 1.0, 1.0)]
    for shown in (records, records[1:]):
        assert learning_curve(shown, "").png.startswith(b"\x89PNG\r\n\x1a\n")


def test_other_losses_and_accuracies_are_drawn_too():
    records = [{**one, "validation_loss": 1.0, "validation_accuracy": 0.5} for one in history(2)]
    texts = [text.text for text in learning_curve(records, "").scene.texts]
    assert {"validation 1.00", "validation 50.00"} <= {*texts}


def signal(epoch, layer, saturated, gradient=0.5):
    return LayerSignal(epoch, layer, 2.0, gradient, 1.0, saturated)


def test_signals_by_layer():
    found = [signal(n, layer, share) for n in (0, 1) for layer, share in (("a", 0.25), ("b", None))]
    gradient, flat = signal_charts(found)
    assert [(line.name, line.points) for line in gradient.series] == [
        ("a", ((0, 0.25), (1, 0.25))),
        ("b", ((0, 0.25), (1, 0.25))),
    ]
    assert [(line.name, line.points) for line in flat.series] == [("a", ((0, 25.0), (1, 25.0)))]
    assert len(signal_charts([signal(0, "b", None)])) == 1


def test_many_layers_are_spread():
    found = [signal(0, f"conv{i}", 0.0) for i in range(100)]
    names = [line.name for line in signal_charts(found)[0].series]
    assert len(names) == len(SERIES)
    assert (names[0], names[-1]) == ("conv0", "conv99")


@pytest.mark.parametrize("count", [1, 399, 400, 401, 5000, 100_000])
def test_thinned(count):
    points = tuple((n, float(n)) for n in range(count))
    found = thinned(points)
    assert found[-1] == points[-1]
    assert min(count, 200) <= len(found) <= 400
    assert set(found) <= set(points)
