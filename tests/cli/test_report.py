"""``lenet report``, ``lenet compare`` of runs, and their pages in docs/."""

import json
import os

import pytest

from pages import read_page, run_python

PAGE = read_page("report.md")
SMALL = (
    "--net",
    "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10",
    "--recipe",
    "original",
    "--lr",
    "0.1",
)


@pytest.fixture
def run(command, here):
    """The name of a finished run."""
    found = command("train", *SMALL, "--epochs", "2", "--run", "a", "--quiet")
    assert found.status == 0
    return "runs/a"


def test_a_run_leaves_a_page_and_says_how_to_see_it(command, here, run):
    found = command("train", *SMALL, "--epochs", "1", "--quiet")
    assert "  look at it      runs/digits-custom-original-1/report.html\n" in found.out
    assert (here / "runs/digits-custom-original-1/report.html").exists()


def test_the_page_is_made_again(command, here, run):
    page = (here / run / "report.html").read_bytes()
    (here / run / "report.html").unlink()
    found = command("report", run)
    assert (found.status, found.out, found.err) == (0, "runs/a/report.html\n", "")
    assert (here / run / "report.html").read_bytes() == page


def test_elsewhere(command, here, run):
    assert command("report", run, "-o", "x.html").out == "x.html\n"
    assert (here / "x.html").read_bytes() == (here / run / "report.html").read_bytes()


def test_json_writes_nothing(command, here, run):
    (here / run / "report.html").unlink()
    values = json.loads(command("report", run, "--json").out)
    assert values["file"] is None
    assert "report.html" not in os.listdir(run)
    for key in [*values, *values["test"], *values["test"]["classes"][0]]:
        assert f"`{key}`" in PAGE, key


@pytest.mark.parametrize("name", ["learning-curve", "confusion", "mistakes", "classes", "windows",
                                  "signals", "calibration", "coverage", "network"])  # fmt: skip
def test_a_picture(command, here, run, name):
    found = command("report", run, "--picture", name, "-o", "p.svg", "--theme", "dark")
    assert (found.status, found.out, found.err) == (0, "p.svg\n", "")
    assert (here / "p.svg").read_text().startswith("<svg")
    assert f"`{name}`" in PAGE


def test_without_the_data(command, here, run):
    path = here / run / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"dataset": "mine"}))
    found = command("report", run, "-o", "x.html")
    assert (found.status, (here / "x.html").exists()) == (0, True)
    assert "without the test images: no data set is called 'mine'" in found.out
    assert command("report", run, "--data", "digits").out == "runs/a/report.html\n"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["runs/a", "-o", "x.pdf"], 2, "the page is HTML and x.pdf has another ending; end it in"),
        (["runs/a", "--theme", "dark"], 2, "--theme is a picture's; the page follows its reader"),
        ([], 2, "'RUN'"),
        (["nowhere"], 2, "'nowhere' is no run: it has no run.json; name a folder"),
        (["runs/a", "--picture", "confusion"], 2, "no file is given to draw into"),
        (["runs/a", "--picture", "x", "-o", "x.svg"], 2, "no picture 'x' of this run"),
        (["runs/a", "--picture", "confusion", "-o", "x.gif"], 2, "does not say its format"),
        (["runs/a", "--data", "mnits"], 2, "no data set is called 'mnits'"),
        (["runs/a", "-o", "nowhere/x.html"], 1, "cannot write nowhere/x.html"),
        (["runs/a", "--theme", "pink", "--picture", "network", "-o", "x.svg"], 2, "'pink'"),
        (["runs/a", "--theme", "pink", "--picture", "classes", "-o", "x.svg"], 2, "'pink'"),
    ],
)
def test_refused(refused, run, arguments, status, words):
    refused(["report", *arguments], status, words)


def test_runs_beside_each_other(command, here, run):
    command("train", *SMALL, "--epochs", "4", "--run", "b", "--quiet")
    found = command("compare", "runs/a", "runs/b", "-o", "c.html")
    assert (found.status, found.err) == (0, "")
    assert found.out.splitlines()[0].split() == ["a", "b"]
    assert found.out.endswith("\n\nc.html\n")
    values = json.loads(command("compare", "runs/a", "runs/b", "--json").out)
    page = read_page("compare.md")
    for key in [*values, *values["runs"][0], *values["differences"][0], *values["duels"][0]]:
        assert f"`{key}`" in page, key


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["runs/a"], "two or more runs to compare, not 1"),
        (["runs/a", "lenet", "-o", "x.svg"], "are for runs"),
        (["lenet", "lenet-60", "-o", "x.svg"], "are for runs"),
        (["runs/a", "runs/a", "-o", "x.gif"], "does not say its format"),
    ],
)
def test_comparisons_refused(refused, run, arguments, words):
    refused(["compare", *arguments], 2, words)


@pytest.mark.parametrize("verb", [["report"], ["compare", "runs/a"]])
def test_images_that_the_run_was_not_tested_on(command, here, run, verb):
    """As many, of the same classes, as well answered, and others."""
    path = here / run / "run.json"
    info = json.loads(path.read_text())
    path.write_text(json.dumps(info | {"test_hash": "0" * 64}))
    found = command(*verb, run, "--data", "digits")
    assert (found.status, found.out) == (1, "")
    assert "not the images that a was tested on" in found.err


def test_a_run_that_was_killed(command, here, run):
    (here / run / "last.safetensors").unlink()
    found = command("report", run)
    assert (found.status, found.out) == (1, "")
    assert "runs/a has no model: its training is not done" in found.err
    assert "lenet train --resume runs/a goes on" in found.err


def test_the_folder_of_the_data_is_remembered(command, here, run):
    path = here / run / "run.json"
    info = json.loads(path.read_text())
    path.write_text(json.dumps(info | {"dataset": "mnist", "arguments": {"data_dir": "/nowhere"}}))
    assert "/nowhere" in command("report", run).err


def test_the_pages_python_runs(here, run):
    run_python(PAGE)


def test_pictures_of_ones_own(command, here):
    from PIL import Image

    import lenet

    part = lenet.load("digits").train
    for number, (image, label) in enumerate(zip(part.images[:120], part.labels, strict=False)):
        folder = here / "pictures" / f"class {label}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0]).resize((24, 28)).save(folder / f"{number}.png")
    assert command("train", "pictures", "--epochs", "1", "--run", "p", "--quiet").status == 0
    page = (here / "runs/p/report.html").read_bytes()
    assert command("report", "runs/p").out == "runs/p/report.html\n"
    assert (here / "runs/p/report.html").read_bytes() == page
    (here / "pictures").rename(here / "elsewhere")
    found = command("report", "runs/p")
    assert (found.status, found.out) == (1, "")
    assert "the test images are not at hand (" in found.err
    assert "runs/p/report.html is left as it is; --output FILE.html" in found.err
    assert (here / "runs/p/report.html").read_bytes() == page
    found = command("report", "runs/p", "--data", "digits")
    assert found.status == 1
    assert command("report", "runs/p", "--data", "elsewhere").out == "runs/p/report.html\n"
