"""``lenet draw``."""

import json
import subprocess
import sys

import pytest

import lenet


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


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        ([], "lenet.svg"),
        (["--format", "pdf"], "lenet.pdf"),
        (["-o", ".png"], "lenet.png"),
        (["-o", "some/.TEX"], "some/lenet.tex"),
        (["-o", "some"], "some/lenet.svg"),
        (["-o", "some/", "--format", "png"], "some/lenet.png"),
        (["-o", "some/a.b.svg"], "some/a.b.svg"),
    ],
)
def test_what_the_file_is_called_when_nobody_says_so(command, here, arguments, file):
    (here / "some").mkdir()
    found = command("draw", "lenet", *arguments)
    assert (found.status, found.out, found.err) == (0, f"{file}\n", "")
    assert (here / file).is_file()


def test_a_network_without_a_name_has_a_file_all_the_same(command, here, model):
    assert command("draw", "1x8x8 | dense 10").out == "network.svg\n"
    assert command("draw", model).out.endswith(".svg\n")
    assert ">1@8x8 to 10 in 1 layer</title>" in (here / "network.svg").read_text(encoding="utf-8")


def test_width_rows_and_names(command, here):
    names = "C1,S2,C3,S4,C5,F6"
    found = command("draw", "lenet", "--width", "85mm", "--names", names, "--json")
    values = json.loads(found.out)
    assert values["width"] == pytest.approx(85 / 25.4 * 96, abs=0.01)
    assert 7 <= values["letters"] <= 12
    assert "Not to scale: small dense layers are drawn larger." in values["description"]
    svg = (here / "lenet.svg").read_text(encoding="utf-8")
    assert all(f">{name}</text>" in svg for name in (*names.split(","), "output"))
    assert f'width="{values["width"]}"' in svg
    row = command("draw", "compact", "--rows", "1", "--json")
    two = command("draw", "compact", "--rows", "2", "--json")
    assert json.loads(row.out)["width"] > 1.5 * json.loads(two.out)["width"]


def test_letters_that_are_hard_to_read_are_said(command):
    found = command("draw", "compact", "--rows", "1", "--width", "85mm")
    assert (found.status, found.out) == (0, "compact.svg\n")
    assert "points high" in found.err
    assert command("draw", "compact", "--rows", "1", "--width", "400mm").err == ""


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
        (["lenet", "-o", "net.jpg"], 2, ["'net.jpg' does not say its format", ".svg, .pdf, .png"]),
        (["lenet", "-o", "net"], 2, ["'net' does not say its format"]),
        (["lenet", "-o", ".jpg"], 2, ["'.jpg' does not say its format"]),
        (["lenet", "--format", "gif"], 2, ["the format is 'gif'"]),
        (["lenet", "--width", "85 parsecs"], 2, ["--width", "'85 parsecs'", "mm, cm or in"]),
        (["lenet", "--width", "-85mm"], 2, ["'-85mm'"]),
        (["lenet", "--width", "10cm5"], 2, ["'10cm5'"]),
        (["lenet", "--width", "1mm"], 2, ["'1mm'", "100 to 19,000 px"]),
        (["lenet", "--width", "9" * 300], 2, ["'9999"]),
        (["lenet", "--rows", "0"], 2, ["--rows", "whole number from 1"]),
        (["lenet", "--rows", "one"], 2, ["--rows is 'one'"]),
        (["lenet", "--rows", "1", "--style", "graph"], 2, ["rows", "not for graph"]),
        (["lenet", "--names", "C1,S2"], 2, ["--names", "2 names for 7 layers"]),
        (["lenet", "-o", "a.svg", "--format", "gif"], 2, ["the format is 'gif'", "svg, pdf"]),
        (["lenet", "-o", "a.svg", "--style", "figur"], 2, ["did you mean 'figure'"]),
        (["lenet", "-o", "a.svg", "--theme", "blue"], 2, ["the theme is 'blue'"]),
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


def test_a_model_is_not_drawn_over(command, here):
    path = lenet.Model("tiny").initialize().save(here / "m.safetensors")
    before = path.read_bytes()
    found = command("draw", str(path), "-o", str(path), "--format", "svg")
    assert (found.status, path.read_bytes()) == (2, before)
    assert "written over" in found.err
