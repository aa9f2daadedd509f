"""Pictures as PDF and PNG."""

import base64
import io
import re
import struct
import zlib

import pytest
import resvg_py
from PIL import Image, ImageChops

from lenet.drawing import Drawing, draw
from lenet.drawing.formats import covers
from lenet.drawing.scene import DARK, LIGHT, Box, Group, Paint, Path, Scene, Text, text_width

LETTERS = "Hamburgefons 123, 4x4"


def picture(png):
    """As seen on white: the corners of the page are round."""
    seen = Image.open(io.BytesIO(png)).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")


def rgb(color):
    return tuple(bytes.fromhex(color[1:]))


def drawing(*marks, theme="light", title="", width=200, height=100):
    return Drawing(Scene(width, height, (Group("", marks),)), theme, title, "")


def inked(image, color):
    """What the dots of about this colour cover: left, top, right, bottom, in pixels."""
    ground = Image.new("RGB", image.size, rgb(color))
    away = ImageChops.difference(image, ground).convert("L").point(lambda value: 255 * (value < 60))
    return [n / 2 for n in away.getbbox()]


@pytest.mark.parametrize(("theme", "colors"), [("auto", LIGHT), ("light", LIGHT), ("dark", DARK)])
def test_a_png_has_two_dots_a_pixel(theme, colors):
    drawing = draw("lenet", theme=theme)
    image = picture(drawing.png)
    assert image.width == pytest.approx(2 * drawing.scene.width, abs=1)
    assert image.height == pytest.approx(2 * drawing.scene.height, abs=1)
    assert image.getpixel((20, 1)) == rgb(colors["page"])
    colors_seen = {color for _, color in image.getcolors(1 << 20)}
    for role in ("data-face", "conv-face", "pool-face", "dense-face", "text"):
        assert rgb(colors[role]) in colors_seen, role


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize(("anchor", "left"), [("start", 90), ("middle", 200), ("end", 310)])
def test_a_png_is_set_in_the_font_that_was_measured(bold, anchor, left):
    text = Text(left, 50, LETTERS, 12, anchor, bold)
    ink = inked(picture(drawing(text, width=400).png), LIGHT["text"])
    start, _, end, _ = text.box
    # The ink begins and ends inside the letters' widths; pairs of letters may stand closer.
    assert ink[0] == pytest.approx(start, abs=2.5)
    assert ink[2] == pytest.approx(end, abs=2.5)


def test_only_what_the_font_lacks_is_looked_for_on_the_machine(monkeypatch):
    asked = []
    render = resvg_py.svg_to_bytes

    def spy(**options):
        asked.append(options["skip_system_fonts"])
        return render(**options)

    monkeypatch.setattr(resvg_py, "svg_to_bytes", spy)
    assert drawing(Text(9, 20, "lenet · é ≤ 2²", 12)).png
    assert drawing(Text(9, 20, "図", 12)).png
    assert asked == [True, False]


def test_a_png_says_its_title_and_its_fineness():
    with Image.open(io.BytesIO(drawing(title="réseau 図\0").png)) as image:
        image.load()
        assert image.info["Title"] == "réseau 図\\x00"
        assert image.info["dpi"] == pytest.approx((192, 192), abs=0.1)


def chunks(png):
    """Kind and content of all chunks; their checksums hold."""
    at = 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        content = png[at + 8 : at + 8 + size]
        assert zlib.crc32(kind + content) == int.from_bytes(png[at + 8 + size :][:4], "big")
        yield kind.decode(), content
        at += 12 + size


def test_a_png_is_well_formed():
    kinds = [kind for kind, _ in chunks(drawing(title="a" * 1000).png)]
    assert kinds[:3] == ["IHDR", "pHYs", "iTXt"]
    assert kinds[-1] == "IEND"


def test_a_pdf_is_one_page_of_the_scenes_size_with_its_fonts():
    drawing = draw("lenet", style="graph")
    pdf = drawing.pdf
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\s", pdf)) == 1
    width, height = (0.75 * n for n in (drawing.scene.width, drawing.scene.height))
    box = pdf.split(b"/MediaBox [")[1].split(b"]")[0].split()
    assert [float(n) for n in box] == pytest.approx([0, 0, width, height], abs=0.01)
    # Both are embedded, and no other is asked for.
    fonts = set(re.findall(rb"/BaseFont /([\w+-]+)", pdf))
    assert fonts == {b"AAAAAA+BitstreamVeraSans-Roman", b"AAAAAA+BitstreamVeraSans-Bold"}
    assert pdf.count(b"/FontFile2") == 2


def page(drawing):
    """The commands that draw the page of a PDF."""
    stream = re.search(rb"/ASCII85Decode.*?stream\r?\n(.*?)endstream", drawing.pdf, flags=re.DOTALL)
    text = zlib.decompress(base64.a85decode(b"<~" + stream[1].strip(), adobe=True))
    return " ".join(text.decode("latin-1").split())


def test_text_in_a_pdf_is_text_in_both_weights():
    commands = page(drawing(Text(10, 20, "conv0", 12), Text(90, 40, "pool", 10, bold=True)))
    (thin, size, conv), (bold, other, pool) = re.findall(
        r"/(F\S+) (\d+) Tf \S+ TL \((\w+)\) Tj", commands
    )
    assert (size, conv, other, pool) == ("12", "conv0", "10", "pool")
    assert thin != bold


@pytest.mark.parametrize(("anchor", "share"), [("start", 0), ("middle", 0.5), ("end", 1)])
def test_text_in_a_pdf_stands_at_its_anchor(anchor, share):
    commands = page(drawing(Text(150, 20, "conv0", 12, anchor)))
    x, y = re.search(r"1 0 0 1 (\S+) (\S+) Tm", commands).groups()
    assert float(x) == pytest.approx(150 - share * text_width("conv0", 12), abs=0.1)
    assert float(y) == 100 - 20


def test_shapes_in_a_pdf():
    commands = page(
        drawing(
            Box(10, 20, 30, 40, Paint("conv-face")),
            Box(10, 20, 30, 40, Paint("text", "text", 1.5)),
            Path(((1, 2), (3, 4), (5, 2)), Paint(stroke="text")),
            Path(((1, 2), (3, 4), (5, 2)), Paint("text"), closed=True),
            Box(10, 20, 6, 6, Paint("text"), radius=9),
        )
    )
    ground, plain, outlined, line, area, dot = commands.split(" n ")[1:]
    assert ground.startswith("0 0 200 100 re f")
    red, green, blue = (f"{n / 255:.6f}".lstrip("0").rstrip("0") for n in rgb(LIGHT["conv-face"]))
    assert f"{red} {green} {blue} rg" in ground
    assert plain.startswith("10 40 30 40 re f")
    assert " 1.5 w" in plain
    assert outlined.startswith("10 40 30 40 re B")
    assert line.startswith("1 98 m 3 96 l 5 98 l S")
    assert area.startswith("1 98 m 3 96 l 5 98 l h f")
    assert dot.startswith("13 74 m")  # a circle: its radius is cut to half of its side
    assert dot.count(" c ") == 4


def test_what_is_tinted_in_a_pdf_is_followed_by_what_is_not():
    half = Box(0, 0, 9, 9, Paint("text", opacity=0.5))
    tinted = drawing(half, Box(0, 0, 9, 9, Paint("text")))
    states = dict(re.findall(r"/(\w+) <<\s+/ca (\S+)", tinted.pdf.decode("latin-1")))
    chosen = [states[name] for name in re.findall(r"/(\w+) gs", page(tinted))]
    assert [float(opacity) for opacity in chosen] == [0.5, 1]


def test_a_pdf_has_no_dates_and_says_its_title_only():
    about = drawing(title="lenet (1)").pdf.decode("latin-1")
    assert "/Title (lenet \\(1\\))" in about
    for key in ("Author", "Creator", "Producer", "Subject", "Keywords"):
        assert f"/{key} ()" in about
    assert set(re.findall(r"\(D:(\d{4})", about)) == {"2000"}


def test_the_same_picture_is_the_same_file():
    assert draw("lenet").pdf == draw("lenet").pdf
    assert draw("lenet").png == draw("lenet").png


def test_pictures_hold_only_what_the_font_has(figures, graphs):
    for network, scene in (*figures, *graphs):
        assert all(covers(text.text) for text in scene.texts), network


@pytest.mark.parametrize(
    "name", ["図", "ключ", "عربى", "😀", "a\0\x1b\udcff\ufffe", "<&>()\\", "]]>"]
)
def test_any_words_in_any_format(name):
    words = drawing(Text(9, 20, name, 12, bold=True), title=name)
    for picture in (words, draw("lenet", name=name)):
        assert picture.png.startswith(b"\x89PNG")
        assert picture.pdf.startswith(b"%PDF")


def test_an_enormous_picture_has_fewer_dots(long):
    image = picture(draw(long).png)
    assert 23e6 < image.width * image.height < 25e6
