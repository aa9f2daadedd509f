"""``lenet.drawing.draw``: what it takes, what it gives, what it refuses."""

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lenet
from lenet.drawing import FORMATS, STYLES, THEMES, draw
from lenet.drawing.scene import DARK, LIGHT, Box
from lenet.errors import OutputError, ShapeError, UsageError
from lenet.writing.html import NOTEBOOK_PAPER, NOTEBOOK_THEMES
from refusals import refused

#: The styles that show a network as a whole, whatever it is.
WHOLE = ("figure", "graph")
ROOT = Path(__file__).parent.parent.parent
PICTURES = ROOT / "docs" / "pictures"
DOCUMENT = (ROOT / "docs" / "draw.md").read_text(encoding="utf-8")


def test_a_network_by_object_name_and_notation():
    network = lenet.zoo.lenet()
    by_object, by_name = draw(network), draw("lenet")
    assert by_object.scene == by_name.scene == draw(str(network)).scene
    # A network of the zoo is known by what it is, as everywhere.
    assert by_object.title == by_name.title == "lenet: 1@28x28 to 10 in 5 layers"
    assert draw(network, name="mine").title.startswith("mine: ")


def test_a_network_without_a_name_needs_no_title():
    for drawing in (draw("1x8x8 | dense 10"), draw(lenet.parse("1x8x8 | dense 10"))):
        # It said "Network: ...", a name that nobody gave.
        assert drawing.title == "1@8x8 to 10 in 1 layer"


def test_a_notebook_shows_it():
    drawing = draw("lenet")
    assert drawing._repr_svg_() == drawing.svg
    assert drawing.svg.startswith("<svg ")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_notebook_shows_a_chosen_theme_whatever_its_own(theme):
    drawing = draw("lenet", theme=theme)
    assert drawing._repr_html_() == drawing.svg


def test_in_a_notebook_pictures_and_tables_have_one_theme():
    html, table = draw("lenet")._repr_html_(), lenet.explain("lenet")._repr_html_()
    for name, colors in (("light", LIGHT), ("dark", DARK)):
        where, page = NOTEBOOK_THEMES[name], NOTEBOOK_PAPER.format(color=colors["page"])
        assert f"{where} .lenet-drawing .f-page{{fill:{page}}}" in html
        assert f"{where} .lenet-drawing .s-conv-edge{{stroke:{colors['conv-edge']}}}" in html
        (rule,) = re.findall(re.escape(where) + r" \.lenet-report\{(.*?)\}", table)
        variables = dict(part.split(":") for part in rule.split(";"))
        shared = {"--paper0": "page", "--ink0": "text", "--faint0": "muted", "--line0": "frame"}
        assert {variables[name] for name in shared} == {colors[role] for role in shared.values()}
        assert rule in table.split(where)[0]  # and so by itself, or where the screen is dark
        assert NOTEBOOK_PAPER.format(color="var(--paper0)") in table


@pytest.mark.parametrize(
    ("width", "pixels"),
    [
        (600, 600),
        (600.5, 600.5),
        (np.float64(600), 600),
        ("600", 600),
        ("600px", 600),
        (" 5 in ", 480),
        ("85mm", 85 * 96 / 25.4),
        ("8.5cm", 85 * 96 / 25.4),
        ("240pt", 320),
        (100, 100),
        (19_000, 19_000),
    ],
)
@pytest.mark.parametrize("style", WHOLE)
def test_a_width_is_kept(width, pixels, style):
    assert draw("lenet", style=style, width=width).scene.width == pytest.approx(pixels)


@pytest.mark.parametrize(
    "width",
    [
        99,
        0,
        -1,
        math.nan,
        math.inf,
        1e300,
        10**400,
        19_001,
        True,
        "",
        "mm",
        "85 m",
        "٨٥mm",
        "1e3",
        [85],
        b"8",
    ],
)
def test_widths_that_are_none(width):
    with refused(UsageError, "width is", "100 to 19,000 px", "85mm") as caught:
        draw("lenet", width=width)
    assert caught.value.parameter == "width"


@pytest.mark.parametrize("rows", [0, -1, 1.0, True, "1", [1]])
def test_rows_that_are_none(rows):
    with refused(UsageError, "rows is", "whole number from 1") as caught:
        draw("lenet", rows=rows)
    assert caught.value.parameter == "rows"


def test_rows_out_of_an_array():
    assert draw("lenet", rows=np.int64(2)).scene == draw("lenet", rows=2).scene


def test_a_graph_has_no_rows():
    with refused(UsageError, "graph", "rows"):
        draw("lenet", style="graph", rows=1)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_width_is_that_of_the_file(tmp_path, ending):
    content = draw("lenet", width="85mm").save(tmp_path / f"a.{ending}").read_bytes()
    if ending == "svg":
        assert b'width="321.26"' in content
    elif ending == "png":
        with Image.open(tmp_path / "a.png") as image:
            assert image.width / image.info["dpi"][0] * 25.4 == pytest.approx(85, abs=0.2)
    elif ending == "pdf":
        (box,) = re.findall(rb"/MediaBox \[ 0 0 (\S+)", content)
        assert float(box) == pytest.approx(85 / 25.4 * 72, abs=0.01)
    else:
        assert b"(0.00,0.00) rectangle (321.26," in content


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"style": "grpah"}, "did you mean 'graph'"),
        ({"theme": "black"}, "'black'; it must be auto, light or dark"),
        ({"style": None}, "None; it must be figure, graph or table"),
        ({"style": []}, "[]; it must be figure, graph or table"),
    ],
)
def test_unknown_choices(options, words):
    with pytest.raises(UsageError, match=re.escape(words)):
        draw("lenet", **options)


def test_networks_that_are_none():
    with refused(UsageError, "'lenet'"):
        draw("lenett")
    with refused(ShapeError, "conv0"):
        draw("1x4x4 | conv 6 k5 | dense 10")


@pytest.mark.parametrize(
    ("ending", "start"), [("svg", b"<svg "), ("pdf", b"%PDF"), ("png", b"\x89PNG"), ("tex", b"% ")]
)
def test_the_ending_chooses_the_format(tmp_path, ending, start):
    drawing = draw("lenet")
    path = drawing.save(tmp_path / f"a.b.{ending.upper()}")
    assert path.read_bytes().startswith(start)
    other = drawing.save(str(tmp_path / "picture"), format=ending)
    assert other.read_bytes() == path.read_bytes()


def test_formats_that_are_none(tmp_path):
    drawing = draw("lenet")
    with pytest.raises(UsageError, match=r"\.svg"):
        drawing.save(tmp_path / "a.jpg")
    with refused(UsageError, "gif"):
        drawing.save(tmp_path / "a.svg", format="gif")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there(tmp_path):
    with refused(OutputError, "no such file"):
        draw("lenet").save(tmp_path / "missing" / "a.svg")


def test_a_picture_too_long_for_a_page(tmp_path):
    drawing = draw("1x9x9 | " + ", ".join(["conv 1 k1"] * 1000))
    for ending in ("pdf", "png", "tex"):
        with pytest.raises(UsageError, match=ending):
            drawing.save(tmp_path / f"a.{ending}")
    drawing.save(tmp_path / "a.svg")


def test_a_connection_table_has_a_square_for_each_pair():
    drawing = draw("lenet-5", style="table")
    squares = [mark for mark in drawing.scene.marks if isinstance(mark, Box)]
    filled = {(box.x, box.y) for box in squares if box.paint.fill == "conv-edge"}
    assert (len(squares), len(filled)) == (6 * 16, 60)
    columns = sorted({box.x for box in squares})
    assert [sum(x == at for x, _ in filled) for at in columns] == [3] * 6 + [4] * 9 + [6]
    assert drawing.scene.texts[0].text.startswith("C3: ")
    with refused(UsageError, "connection table"):
        draw("lenet", style="table")


def test_the_layers_of_1998_have_its_names():
    titles = [group.title for group in draw("lenet-5", style="graph").scene.groups]
    for name in ("C1", "S2", "C3", "S4", "C5", "F6", "OUTPUT"):
        assert any(title.startswith(f"{name}: ") for title in titles), name
    assert any(g.title.startswith("conv0: ") for g in draw("lenet", style="graph").scene.groups)


@pytest.mark.parametrize("style", WHOLE)
def test_the_same_every_time(long, style):
    assert draw(long, style=style).svg == draw(long, style=style).svg


@pytest.mark.parametrize("style", WHOLE)
def test_thousands_of_layers_do_not_hang(style):
    network = "1x9x9 | " + " | ".join(["conv 1 k1"] * 3000)
    assert draw(network, style=style).svg


@pytest.mark.skipif("LENET_DATA" not in os.environ, reason="strips of MNIST need LENET_DATA")
def test_the_pictures_in_the_documents_are_todays(tmp_path):
    line = [sys.executable, str(ROOT / "scripts" / "pictures"), str(tmp_path)]
    subprocess.run(line, check=True, capture_output=True)
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    drawn = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(drawn) > len(lenet.zoo.names()) * len(WHOLE)
    for name, content in drawn.items():
        assert f"pictures/{name})" in pages, f"no page of docs/ shows {name}"
        # A training's last digits differ from one instruction set to the next.
        same = name.startswith("run-") or (PICTURES / name).read_bytes() == content
        assert same, f"{name}: run scripts/pictures"
        assert (PICTURES / name).exists(), name


def test_the_document_runs_and_names_every_choice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for code in re.findall(r"```python\n(.*?)```", DOCUMENT, flags=re.DOTALL):
        exec(compile(code, "draw.md", "exec"), {})
    assert list(tmp_path.iterdir())
    for choice in (*STYLES, *THEMES, *FORMATS):
        assert f"`{choice}`" in DOCUMENT, choice
