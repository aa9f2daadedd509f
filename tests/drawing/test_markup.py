"""Pictures as SVG and as LaTeX source, and the images in them."""

import base64
import io
import re
import shutil
import subprocess
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from lenet.drawing import Drawing, draw
from lenet.drawing.formats import png_address, png_file, to_svg
from lenet.drawing.scene import DARK, LIGHT, Box, Group, Paint, Path, Pixels, Scene, Text

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg):
    return ElementTree.fromstring(svg)


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
@pytest.mark.parametrize("style", ["figure", "graph"])
def test_valid_and_accessible(style, theme):
    root = parsed(draw("lenet", style=style, theme=theme).svg)
    assert (root.tag, root.get("role")) == (f"{SVG}svg", "img")
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title.text == "lenet: 1@28x28 to 10 in 5 layers"
    assert "conv1: convolution, 5x5" in desc.text
    assert root.get("aria-labelledby").split() == [title.get("id"), desc.get("id")]
    width, height = root.get("width"), root.get("height")
    assert root.get("viewBox") == f"0 0 {width} {height}"


def test_text_stays_text():
    root = parsed(draw("lenet").svg)
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert {"conv0", "6@24x24", "Max pooling", "sigmoid"} <= set(texts)


def test_nothing_comes_from_elsewhere(crowd):
    for network in crowd[::5]:
        for style in ("figure", "graph"):
            svg = draw(network, style=style).svg.replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"https?:|href|url\(|@import|<script|<image|<foreignObject", svg)
            assert parsed(svg) is not None
            assert "nan" not in svg
            assert "inf" not in svg


def test_every_color_stands_as_an_attribute_and_changes_in_the_dark():
    svg = draw("lenet", theme="auto").svg
    for element in parsed(svg).iter():
        kinds = [word for word in (element.get("class") or "").split() if word[1] == "-"]
        for use, role in (kind.split("-", 1) for kind in kinds):
            attribute = {"f": "fill", "s": "stroke"}[use]
            assert element.get(attribute) == LIGHT[role]
            assert f".{use}-{role}{{{attribute}:{DARK[role]}}}" in svg
    assert "@media (prefers-color-scheme:dark)" in svg


def test_the_style_sheet_names_only_the_colors_that_are_used():
    scene = Scene(10, 20, (Group("", (Text(1, 2, "a", 12),)),))
    svg = to_svg(scene, "auto", "", "")
    (sheet,) = re.findall(r"<style>(.*)</style>", svg)
    assert set(re.findall(r"\.[fs]-([\w-]+)", sheet)) == {"page", "text"}


@pytest.mark.parametrize(("theme", "colors"), [("light", LIGHT), ("dark", DARK)])
def test_a_chosen_theme_needs_no_style_sheet(theme, colors):
    svg = draw("lenet", theme=theme).svg
    assert "<style" not in svg
    used = set(re.findall(r"#[0-9a-f]{6}", svg))
    assert used <= set(colors.values())
    assert colors["page"] in used


def test_every_layer_says_what_it_is_to_a_pointer():
    root = parsed(draw("lenet", style="graph").svg)
    titles = [group.findtext(f"{SVG}title") for group in root.iter(f"{SVG}g")]
    assert any(title.startswith("conv1: convolution, 5x5, stride 1") for title in titles)


def test_marks():
    marks = (
        Box(0, 1, 2.345, 3, Paint("page", "line", 1.5), radius=4),
        Path(((0, 0), (1.999, -0.001)), Paint(stroke="line")),
        Path(((0, 0), (1, 1), (2, 0)), Paint("text", opacity=0.5), closed=True),
        Text(1, 2, "<&>", 12, "end", bold=True),
    )
    svg = to_svg(Scene(10, 20, (Group("a<b", marks),)), "light", "t & t", 'd "<" \x00\x1b')
    assert '<rect x="0" y="1" width="2.35" height="3" rx="4" fill="#ffffff" stroke=' in svg
    assert 'd="M0 0L2 0"' in svg
    assert 'd="M0 0L1 1L2 0Z"' in svg
    assert 'fill-opacity="0.5"' in svg
    assert ">&lt;&amp;&gt;</text>" in svg
    root = parsed(svg)
    assert root.findtext(f"{SVG}title") == "t & t"
    assert root.findtext(f"{SVG}desc") == 'd "<" \\x00\\x1b'


@pytest.mark.parametrize("name", ["<script>", "a&b", "\udcff", "ключ", "]]>", '"x"'])
def test_any_name_makes_valid_xml(name):
    svg = draw("1x9x9 | dense 10", name=name).svg
    assert parsed(svg.encode("utf-8")) is not None


def test_two_pictures_in_a_page_share_no_id():
    ids = [
        re.findall(r' id="([^"]*)"', draw("lenet", style=style, theme=theme).svg)
        for style in ("figure", "graph")
        for theme in ("auto", "dark")
    ]
    everything = [name for names in ids for name in names]
    assert len(everything) == len(set(everything)) == 8


def has_tex():
    """Is there a TeX with what the source asks for?"""
    if not shutil.which("pdflatex") or not shutil.which("kpsewhich"):
        return False
    files = ("standalone.cls", "tikz.sty")
    return all(subprocess.run(["kpsewhich", f], capture_output=True).returncode == 0 for f in files)


@pytest.mark.parametrize("style", ["figure", "graph"])
def test_structure(crowd, style):
    for network in crowd[::6]:
        tex = draw(network, style=style).tex
        body = tex.split("\\begin{document}")[1]
        assert tex.count("{") == tex.count("}")
        assert body.rstrip().endswith("\\end{tikzpicture}\n\\end{document}")
        assert all(line.endswith(";") for line in body.splitlines() if line.startswith("\\path"))
        assert tex.isascii()
        used = set(re.findall(r"(?:fill|draw|text)=([a-z-]+)", body))
        assert used == set(re.findall(r"\\definecolor\{([a-z-]+)\}", tex))


def test_the_same_texts_as_the_svg():
    drawing = draw("lenet", style="graph")
    for text in drawing.scene.texts:
        assert f"{{{text.text}}};" in drawing.tex


def test_a_name_cannot_leave_its_comment():
    tex = draw("1x9x9 | dense 10", name="a\n\\input{b}\r\x0b\u2028\\c").tex
    (line,) = [line for line in re.split(r"[\r\n]", tex) if "\\input" in line]
    assert line.startswith("%")


def test_only_the_dark_theme_paints_a_page():
    assert "fill=page" not in draw("lenet").tex
    assert "fill=page" in draw("lenet", theme="dark").tex


HOSTILE = (
    "\x1b]0;owned\x07\x1b[31mRED",
    "\ud800",
    "a\n\nb\r\x0b\u2028c",
    "\x7f\x80\ufffe\ufeff\u202e",
    r"\input{x} %$#&_~^{} \end{document}",
    "]]><script>&amp;",
    "図 ключ عربى 😀 e\u0301 ß…",
)


@pytest.mark.parametrize("style", ["figure", "graph"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_in_every_format(name, style):
    drawing = draw("1x9x9 | conv 2 k3 | dense 10", style=style, name=name, names=[name, name])
    for text in (drawing.svg, drawing.tex, drawing._repr_html_()):
        assert text.encode()  # a half of a character could not be
        assert not re.search("[\0-\x08\x0b-\x1f\u2028]", text)
    assert parsed(drawing.svg).find(f"{SVG}title") is not None
    assert "<script" not in drawing.svg
    body = drawing.tex.split("\\begin{document}")[1]
    assert body.count("\\end{document}") == 1
    assert "\\input" not in body
    assert all(c.isprintable() or c == "\n" for c in drawing.tex)
    assert drawing.png.startswith(b"\x89PNG")
    assert drawing.pdf.startswith(b"%PDF")


@pytest.mark.skipif(not has_tex(), reason="no pdflatex with standalone and tikz")
def test_hostile_names_compile(tmp_path):
    network = "1x30x30 | " + ", ".join(["conv 2 k3"] * len(HOSTILE))
    draw(network, names=HOSTILE, name="\n".join(HOSTILE)).save(tmp_path / "net.tex")
    line = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "net.tex"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.skipif(not has_tex(), reason="no pdflatex with standalone and tikz")
@pytest.mark.parametrize(("style", "theme"), [("figure", "light"), ("graph", "dark")])
def test_it_compiles(tmp_path, style, theme):
    draw("lenet", style=style, theme=theme).save(tmp_path / "net.tex")
    line = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "net.tex"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "(1 page," in done.stdout


def test_what_tex_takes_for_commands_is_escaped():
    marks = (Text(1, 2, r"a_b & 50% #1 {x} $~^\ <>", 12),)
    tex = Drawing(Scene(30, 20, (Group("", marks),)), "light", "", "").tex
    assert (
        r"{a\_b \& 50\% \#1 \{x\} \$\textasciitilde{}\textasciicircum{}\textbackslash{} "
        r"\textless{}\textgreater{}};"
    ) in tex


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


def paletted():
    places = np.arange(35, dtype=np.uint8) % 6
    palette = np.random.default_rng(0).integers(0, 256, (6, 3)).astype(np.uint8)
    image = Pixels(10, 20, 70, 50, (5, 7), 1, places.tobytes(), palette.tobytes())
    return palette[places].reshape(5, 7, 3), image


def test_a_palette_is_the_colours():
    colors, image = paletted()
    with Image.open(io.BytesIO(png_file(image))) as picture:
        assert picture.mode == "P"
        assert np.array_equal(np.asarray(picture.convert("RGB")), colors)
    assert [image.color(place) for place in range(35)] == list(map(tuple, colors.reshape(-1, 3)))
    drawing = Drawing(Scene(100, 90, (Group("", (image,)),)), "light", "", "")
    with Image.open(io.BytesIO(drawing.png)) as picture:
        seen = np.asarray(picture.convert("RGB"))[50:140:20, 30:160:20]
    assert np.abs(seen.astype(int) - colors).max() <= 1
    assert b"/Image" in drawing.pdf
    red, green, blue = colors[0, 0]
    assert f"rgb,255:red,{red};green,{green};blue,{blue}" in drawing.tex


def test_in_tex_equal_pixels_are_one_rectangle():
    image = Pixels(0, 0, 30, 20, (2, 3), 1, bytes([7, 7, 7, 0, 255, 255]))
    tex = Drawing(Scene(30, 20, (Group("", (image,)),)), "light", "", "").tex
    fills = re.findall(r"\\fill\[fill=\{rgb,255:red,(\d+).*\] (.*);", tex)
    assert fills == [
        ("7", "(0.00,0.00) rectangle (30.00,10.00)"),
        ("0", "(0.00,10.00) rectangle (10.00,20.00)"),
        ("255", "(10.00,10.00) rectangle (30.00,20.00)"),
    ]
