"""Pictures as PDF and PNG."""

import io
import zlib

import matplotlib
import pytest
from PIL import Image

from lenet.drawing import draw
from lenet.drawing.palette import DARK, LIGHT


def picture(png):
    return Image.open(io.BytesIO(png)).convert("RGB")


@pytest.mark.parametrize(("theme", "colors"), [("auto", LIGHT), ("light", LIGHT), ("dark", DARK)])
def test_a_png_has_two_dots_a_pixel(theme, colors):
    drawing = draw("lenet", theme=theme)
    image = picture(drawing.png)
    assert image.width == pytest.approx(2 * drawing.scene.width, abs=1)
    assert image.height == pytest.approx(2 * drawing.scene.height, abs=1)
    assert image.getpixel((1, 1)) == tuple(bytes.fromhex(colors["page"][1:]))
    found = {color for _, color in image.getcolors(1 << 20)}
    for role in ("data-face", "conv-face", "pool-face", "dense-face", "text"):
        assert tuple(bytes.fromhex(colors[role][1:])) in found, role


def test_a_pdf_is_one_page_of_the_scenes_size_with_its_fonts():
    drawing = draw("lenet", "graph")
    pdf = drawing.pdf
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page ") == 1
    width, height = (0.75 * n for n in (drawing.scene.width, drawing.scene.height))
    box = pdf.split(b"/MediaBox [")[1].split(b"]")[0].split()
    assert [float(n) for n in box] == pytest.approx([0, 0, width, height], abs=0.01)
    assert b"DejaVuSans" in pdf
    streams = pdf.split(b"stream\n")[1::2]
    assert any(b" Tf" in inflated(stream) for stream in streams), "text is no text"


def inflated(stream):
    try:
        return zlib.decompressobj().decompress(stream)
    except zlib.error:
        return b""


def test_the_same_picture_is_the_same_file():
    assert draw("lenet").pdf == draw("lenet").pdf
    assert draw("lenet").png == draw("lenet").png


def test_a_users_settings_for_plots_change_nothing():
    plain = draw("lenet").png
    odd = {"text.usetex": True, "savefig.bbox": "tight", "path.sketch": (9, 9, 9), "font.size": 40}
    with matplotlib.rc_context(odd):
        assert draw("lenet").png == plain
        assert matplotlib.rcParams["font.size"] == 40


def test_an_enormous_picture_has_fewer_dots(long):
    drawing = draw(long)
    image = picture(drawing.png)
    assert image.width * image.height < 25e6
