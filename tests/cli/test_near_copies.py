"""Bursts that a split tears apart: said by ``lenet train``, in the run, and on its page."""

import json
import shutil

import pytest

from bursts import write_bursts

NET = ["--net", "3x24x24 | conv 4 k5 relu, maxpool 4 | dense 2", "--epochs", "2"]


@pytest.fixture
def bursts(here):
    """Scenes in two frames each, and as many that are alone."""
    write_bursts(here / "bursts", scenes=15, frames=2)
    write_bursts(here / "more", scenes=30, frames=1, first=500)
    for label in "ab":
        for path in (here / "more" / label).iterdir():
            shutil.move(path, here / "bursts" / label / path.name)
    return "bursts"


def test_a_training_says_what_it_does_without_them(command, here, bursts):
    found = command("train", bursts, *NET, "--run", "a")
    assert found.status == 0
    assert "test images are near-copies of training images (such as " in found.out
    values = json.loads((here / "runs" / "a" / "run.json").read_text())
    near = values["near_copies"]
    count = values["test_images"]
    assert near["images_without"] == round(count * (1 - near["share"]))
    answer = next(line for line in found.out.splitlines() if " of training. Saved " in line)
    words = f"{100 * near['accuracy_without']:.2f} % of the {near['images_without']} that are no"
    assert f" of {count} test images; {words} near-copy of a training image, in " in answer


def test_the_page_and_its_json_say_the_same(command, here, bursts):
    command("train", bursts, *NET, "--run", "a", "--quiet")
    values = json.loads((here / "runs" / "a" / "run.json").read_text())["near_copies"]
    told = json.loads(command("report", "runs/a", "--json").out)
    assert told["test"]["near_copies"] == pytest.approx(values)
    page = (here / "runs" / "a" / "report.html").read_text()
    assert "as frames of one burst are, so the accuracy looks better than it is" in page
    assert f"on {values['images_without']} test images that are no near-copy" in page
    as_json = json.loads(command("train", bursts, *NET, "--run", "b", "--json").out)
    assert as_json["near_copies"] == pytest.approx(values)


def test_nothing_is_said_where_there_are_none(command, here):
    write_bursts(here / "alone", scenes=30, frames=1)
    found = command("train", "alone", *NET, "--run", "a")
    assert "near-cop" not in found.out
    assert "near_copies" not in json.loads((here / "runs" / "a" / "run.json").read_text())
    assert "near-cop" not in (here / "runs" / "a" / "report.html").read_text()
