"""The learning curve."""

import io
import math

import pytest
from lenet.training.pictures import learning_curve
from PIL import Image

from lenet.drawing.palette import DARK, SERIES
from lenet.training import EpochRecord


def history(epochs):
    return [EpochRecord(n, 1 / n, 1 - 0.5 / n, 1 - 0.6 / n, 0.1) for n in range(1, epochs + 1)]


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
    records = [EpochRecord(1, 0.0, 0.0, 0.0, 0.0), EpochRecord(2, loss, 1.0, 1.0, 0.0)]
    for shown in (records, records[1:]):
        assert learning_curve(shown, "").png.startswith(b"\x89PNG\r\n\x1a\n")
