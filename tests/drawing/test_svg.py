"""Pictures as SVG: valid, readable by everyone, whole in themselves."""

import re
from xml.etree import ElementTree

import pytest

from lenet.drawing import draw
from lenet.drawing.palette import DARK, LIGHT
from lenet.drawing.scene import Box, Group, Paint, Path, Scene, Text
from lenet.drawing.svg import to_svg

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg):
    return ElementTree.fromstring(svg)


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
@pytest.mark.parametrize("style", ["figure", "graph"])
def test_valid_and_accessible(style, theme):
    root = parsed(draw("lenet", style, theme).svg)
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
            svg = draw(network, style).svg.replace("http://www.w3.org/2000/svg", "")
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
    root = parsed(draw("lenet", "graph").svg)
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
    assert root.findtext(f"{SVG}desc") == 'd "<" \ufffd\ufffd'


@pytest.mark.parametrize("name", ["<script>", "a&b", "\udcff", "ключ", "]]>", '"x"'])
def test_any_name_makes_valid_xml(name):
    svg = draw("1x9x9 | dense 10", name=name).svg
    assert parsed(svg.encode("utf-8")) is not None


def test_two_pictures_in_a_page_share_no_id():
    ids = [
        re.findall(r' id="([^"]*)"', draw("lenet", style, theme).svg)
        for style in ("figure", "graph")
        for theme in ("auto", "dark")
    ]
    everything = [one for found in ids for one in found]
    assert len(everything) == len(set(everything)) == 8
