"""``lenet drift`` as a person and a nightly job meet it."""

import json

import numpy as np
import pytest

import lenet
from striped import striped, trained


@pytest.fixture
def model(here):
    return str(trained().save(here / "m.safetensors"))


@pytest.fixture
def dark(here, model):
    images = striped(300, 9).images
    np.save(here / "same.npy", images)
    np.save(here / "dark.npy", (images * 0.6).astype(np.uint8))
    return "dark.npy"


def test_what_differs_is_told_in_words(command, model, dark):
    found = command("drift", model, dark)
    assert (found.status, found.err) == (0, "")
    assert found.out.startswith("drift in ")
    assert "The pictures are darker" in found.out
    same = command("drift", model, "same.npy")
    assert same.out.startswith("no drift: 300 pictures against the 600 test images")


def test_a_job_is_told_by_the_exit_status(command, model, dark):
    found = command("drift", model, dark, "--fail-above", "0.25", "--json")
    assert found.status == 3
    assert found.err.startswith("lenet: the drift is above 0.25: brightness ")
    assert "brightness" in json.loads(found.out)["drifted"]
    assert command("drift", model, "same.npy", "--fail-above", "0.1").status == 0
    assert command("drift", model, dark, "--fail-above", "100").status == 0


@pytest.mark.parametrize("level", ["-1", "nan", "x", ""])
def test_a_level_that_is_none(command, model, dark, level):
    found = command("drift", model, dark, "--fail-above", level)
    assert (found.status, found.out) == (2, "")
    assert "fail-above" in found.err


def test_formats(command, model, dark):
    assert command("drift", model, dark, "--format", "html").out.startswith("<!DOCTYPE html>")
    rows = command("drift", model, dark, "--format", "csv").out.splitlines()
    assert rows[0] == "name,before,now,drift,chance"
    assert rows[1].startswith("brightness,0.4")


def test_against_other_pictures_and_models_without_a_profile(command, here, model, dark):
    assert command("drift", model, dark, "--against", dark).out.startswith("no drift")
    lenet.Model("3x16x16 | dense 3").initialize().save(here / "bare.safetensors")
    found = command("drift", "bare.safetensors", dark)
    assert found.status == 2
    assert "no profile of its training" in found.err
    assert "--against" in found.err
    assert command("drift", "bare.safetensors", dark, "--against", "same.npy").status == 0


def test_files_that_cannot_be_read(command, here, model, dark):
    (here / "a.png").write_text("no picture")
    found = command("drift", model, dark, "a.png")
    assert found.status == 1
    assert "--skip-bad" in found.err
    found = command("drift", model, dark, "a.png", "--skip-bad")
    assert found.status == 0
    assert "a.png" in found.err
