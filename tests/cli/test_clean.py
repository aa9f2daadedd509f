"""``lenet clean``."""

import json
import shutil

import pytest

from digit_pictures import write_digits


@pytest.fixture
def own(here):
    """Digits as files, with one picture in two classes."""
    write_digits(here / "own", dict.fromkeys("0123456789", 12))
    shutil.copy(here / "own" / "3" / "5.png", here / "own" / "4" / "both.png")
    return "own"


def test_text(command, own):
    found = command("clean", own, "--folds", "2")
    assert (found.status, found.err) == (0, "")
    assert found.out.startswith("own: 121 images of 8x8, 10 classes    ")
    assert "one picture in two classes" in found.out
    assert "4/both.png  4      3/5.png" in found.out


def test_files(command, here, own):
    found = command("clean", own, "-o", "a.html", "--folds", "2", "--seed", "3", "--threads", "1")
    assert found.out.endswith("\na.html\n")
    assert "<h1>own</h1>" in (here / "a.html").read_text()
    found = command("clean", own, "-o", "a.csv", "--folds", "2", "--json")
    values = json.loads(found.out)
    assert values["file"] == "a.csv"
    lines = (here / "a.csv").read_text().splitlines()
    assert len(lines) == 1 + len(values["findings"])
    assert any(line.startswith("4/both.png,in two classes,4,") for line in lines)


def test_a_name(command):
    found = command("clean", "digits", "--folds", "2", "--json")
    values = json.loads(found.out)
    assert (values["images"], values["seed"]) == (1797, 0)
    assert all(
        row["image"].startswith(("digits/train[", "digits/test[")) for row in values["findings"]
    )


def test_refusals(refused, own):
    refused(["clean"], 2, "missing argument 'DATA'")
    refused(["clean", "nothing-here"], 2, "no data set is called")
    refused(["clean", own, "--folds", "1"], 2, "folds is 1")
    refused(["clean", own, "-o", "a.txt"], 2, "end it in .html or .csv")
    refused(["clean", "digits", "--gray"], 2, "for pictures of your own")
