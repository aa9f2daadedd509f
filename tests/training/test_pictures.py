"""The learning curve."""

import io

import pytest
from PIL import Image

from lenet.training import EpochRecord
from lenet.training.pictures import draw_learning_curve


@pytest.mark.parametrize("epochs", [1, 2, 31])
def test_is_a_picture(epochs):
    history = [EpochRecord(n, 1 / n, 1 - 0.5 / n, 1 - 0.6 / n, 0.1) for n in range(1, epochs + 1)]
    with Image.open(
        io.BytesIO(draw_learning_curve(history, r"a · title with $\nonsense$ and 図"))
    ) as picture:
        picture.load()
        assert picture.format == "PNG"
        assert picture.size == (1080, 432)
        assert len(picture.convert("RGB").getcolors(10**6) or ()) > 10


def test_extreme_values():
    history = [EpochRecord(1, 0.0, 0.0, 0.0, 0.0), EpochRecord(2, 1e30, 1.0, 1.0, 0.0)]
    assert draw_learning_curve(history, "").startswith(b"\x89PNG\r\n\x1a\n")
