"""``lenet draw``."""

import json
import subprocess
import sys

import pytest


def test_a_figure(command, here):
    found = command("draw", "lenet", "-o", "net.svg")
    assert (found.status, found.out, found.err) == (0, "net.svg\n", "")
    assert ">feature maps</text>" in (here / "net.svg").read_text(encoding="utf-8")


def test_a_graph_in_the_dark(command, here):
    line = ("draw", "lenet", "--output", "net.svg", "--style", "graph", "--theme", "dark")
    assert command(*line).status == 0
    svg = (here / "net.svg").read_text(encoding="utf-8")
    assert ">156 parameters, 86,400 multiply-adds</text>" in svg
    assert "#0d1117" in svg


@pytest.mark.parametrize(
    ("ending", "start"), [("svg", b"<svg "), ("pdf", b"%PDF"), ("png", b"\x89PNG"), ("tex", b"% ")]
)
def test_formats(command, here, ending, start):
    assert command("draw", "lenet", "-o", f"net.{ending}").status == 0
    assert command("draw", "lenet", "-o", "net", "--format", ending).status == 0
    content = (here / f"net.{ending}").read_bytes()
    assert content.startswith(start)
    assert (here / "net").read_bytes() == content


def test_json(command, here):
    values = json.loads(command("draw", "lenet", "-o", "net.tex", "--json").out)
    assert values["file"] == "net.tex"
    assert (values["format"], values["style"], values["theme"]) == ("tex", "figure", "auto")
    assert values["width"] > values["height"] > 0
    assert "conv0" in values["description"]
    assert (here / "net.tex").exists()


def test_a_saved_model_and_a_notation(command, model):
    assert command("draw", model, "-o", "a.svg").status == 0
    assert command("draw", "1x8x8 | conv 8 k3 relu | dense 10", "-o", "b.svg").status == 0


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["lenet"], 2, ["'--output'"]),
        (["lenet", "-o", "net.jpg"], 2, ["'net.jpg' does not say its format", ".svg, .pdf, .png"]),
        (["lenet", "-o", "net"], 2, ["'net' does not say its format"]),
        (["lenet", "-o", "a.svg", "--format", "gif"], 2, ["no format is called 'gif'", "svg, pdf"]),
        (["lenet", "-o", "a.svg", "--style", "figur"], 2, ["did you mean 'figure'"]),
        (["lenet", "-o", "a.svg", "--theme", "blue"], 2, ["no theme is called 'blue'"]),
        (["lenet", "-o", "no/folder/a.svg"], 1, ["cannot write no/folder/a.svg"]),
        (["lenett", "-o", "a.svg"], 2, ["did you mean 'lenet'"]),
        (["1x4x4 | dense 0", "-o", "a.svg"], 2, ["units is 0"]),
    ],
)
def test_refusals(refused, arguments, status, words):
    refused(["draw", *arguments], status, *words)


def test_an_earlier_picture_survives_a_refusal(command, here):
    (here / "a.svg").write_text("mine")
    assert command("draw", "lenet", "-o", "a.svg", "--style", "none").status == 2
    assert (here / "a.svg").read_text() == "mine"


def test_nobody_waits_for_what_an_svg_does_not_need(here):
    code = "import sys; from lenet.cli.main import main; main(); print(*sys.modules)"
    line = [sys.executable, "-c", code, "draw", "lenet", "-o", "net.svg"]
    out = subprocess.run(line, cwd=here, capture_output=True, text=True, check=True).stdout
    assert not {"numpy", "PIL", "reportlab", "resvg_py"} & set(out.split())
