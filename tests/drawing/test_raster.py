"""Images among the marks, in every format."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from lenet.drawing import Drawing
from lenet.drawing.raster import png_address, png_file
from lenet.drawing.scene import Group, Pixels, Scene


def pixels(channels, rows=5, columns=7):
    data = np.random.default_rng(0).integers(0, 256, (rows, columns, channels)).astype(np.uint8)
    return data, Pixels(10, 20, 70, 50, (rows, columns), channels, data.tobytes())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(5, 7), (1, 1), (1, 300)])
def test_a_png_holds_the_very_pixels(channels, size):
    data, image = pixels(channels, *size)
    with Image.open(io.BytesIO(png_file(image))) as picture:
        assert picture.mode == {1: "L", 3: "RGB"}[channels]
        assert np.array_equal(np.asarray(picture).reshape(data.shape), data)
    address = png_address(image)
    assert base64.b64decode(address.removeprefix("data:image/png;base64,")) == png_file(image)


@pytest.mark.parametrize("channels", [1, 3])
def test_in_a_picture(channels):
    data, image = pixels(channels)
    drawing = Drawing(Scene(100, 90, (Group("", (image,)),)), "light", "", "")
    assert drawing.scene.roles == frozenset()
    (tag,) = re.findall(r"<image [^>]*/>", drawing.svg)
    assert 'x="10" y="20" width="70" height="50"' in tag
    with Image.open(io.BytesIO(drawing.png)) as picture:
        seen = np.asarray(picture.convert("RGB"))[2 * 20 : 2 * 70, 2 * 10 : 2 * 80]
    centres = seen[10::20, 10::20]
    wanted = np.broadcast_to(data, (5, 7, 3))
    assert np.abs(centres.astype(int) - wanted).max() <= 1
    assert b"/Image" in drawing.pdf


def test_in_tex_equal_pixels_are_one_rectangle():
    image = Pixels(0, 0, 30, 20, (2, 3), 1, bytes([7, 7, 7, 0, 255, 255]))
    tex = Drawing(Scene(30, 20, (Group("", (image,)),)), "light", "", "").tex
    fills = re.findall(r"\\fill\[fill=\{rgb,255:red,(\d+).*\] (.*);", tex)
    assert fills == [
        ("7", "(0.00,0.00) rectangle (30.00,10.00)"),
        ("0", "(0.00,10.00) rectangle (10.00,20.00)"),
        ("255", "(10.00,10.00) rectangle (30.00,20.00)"),
    ]
