"""``lenet.drawing.draw``: what it takes, what it gives, what it refuses."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lenet
from lenet.drawing import FORMATS, STYLES, THEMES, draw
from lenet.errors import OutputError, ShapeError, UsageError
from refusals import refused

ROOT = Path(__file__).parent.parent.parent
PICTURES = ROOT / "docs" / "pictures"
DOCUMENT = (ROOT / "docs" / "draw.md").read_text(encoding="utf-8")


def test_a_network_by_object_name_and_notation():
    network = lenet.zoo.lenet()
    by_object, by_name = draw(network), draw("lenet")
    assert by_object.scene == by_name.scene == draw(str(network)).scene
    assert by_object.title.startswith("Network: ")
    assert by_name.title.startswith("lenet: ")
    assert draw(network, name="mine").title.startswith("mine: ")


def test_a_notebook_shows_it():
    drawing = draw("lenet")
    assert drawing._repr_svg_() == drawing.svg
    assert drawing.svg.startswith("<svg ")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"style": "grpah"}, "did you mean 'graph'"),
        ({"theme": "black"}, "'black'; choose auto, light, dark"),
        ({"style": None}, "None; choose figure, graph"),
        ({"style": []}, "[]; choose figure, graph"),
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


@pytest.mark.parametrize("style", STYLES)
def test_the_same_every_time(long, style):
    assert draw(long, style=style).svg == draw(long, style=style).svg


@pytest.mark.parametrize("style", STYLES)
def test_thousands_of_layers_do_not_hang(style):
    network = "1x9x9 | " + " | ".join(["conv 1 k1"] * 3000)
    assert draw(network, style=style).svg


@pytest.mark.skipif("LENET_DATA" not in os.environ, reason="strips of MNIST need LENET_DATA")
def test_the_pictures_in_the_documents_are_todays(tmp_path):
    line = [sys.executable, str(ROOT / "scripts" / "pictures"), str(tmp_path)]
    subprocess.run(line, check=True, capture_output=True)
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    drawn = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(drawn) > len(lenet.zoo.names()) * len(STYLES)
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
