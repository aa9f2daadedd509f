"""How pictures get their size, chosen once: a model then needs no word of it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lenet

#: Chosen by its looks: its proportions are others than the network's.
WIDE = np.zeros((10, 30, 3), np.uint8)
WIDE[2:8, 4:9] = (250, 40, 40)
WIDE[2:8, 22:27] = (40, 40, 250)


@pytest.fixture
def signs(here):
    """./signs: two classes of wide pictures and tall ones, in colour."""
    random = np.random.default_rng(0)
    for label, picture in (("a", WIDE), ("b", WIDE[:, ::-1].transpose(1, 0, 2))):
        (here / "signs" / label).mkdir(parents=True)
        for n in range(10):
            noisy = np.clip(picture + random.integers(0, 30, picture.shape), 0, 255)
            Image.fromarray(noisy.astype(np.uint8)).save(here / "signs" / label / f"{n}.png")
    return "signs"


TRAIN = ["--net", "3x12x12 | conv 4 k3 relu | dense 2", "--epochs", "3", "--run", "x"]


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop", "border", None])
def test_it_is_said_once(command, signs, fit):
    words = [] if fit is None else ["--fit", fit]
    found = command("train", signs, *TRAIN, *words, "--json")
    assert found.status == 0
    info = json.loads(Path("runs/x/run.json").read_text())
    assert info["arguments"].get("fit") == fit
    model = lenet.Model.load("runs/x")
    assert model.preprocessing.fit == (fit or "stretch")
    assert model.preprocessing.sizes == ((10, 30), (20, 20), (30, 10))
    values = json.loads(command("evaluate", "runs/x", signs, "--json").out)
    assert values["accuracy"] == info["test_accuracy"]
    report = json.loads(command("report", "runs/x", "--json").out)
    assert report["test"]["accuracy"] == info["test_accuracy"]
    for file in ("m.safetensors", "m.html"):
        assert command("export", "runs/x", file, "--check", signs).status == 0
    (prediction,) = json.loads(command("predict", "runs/x", "signs/a/0.png", "--json").out)[
        "predictions"
    ]
    word = {"pad": "padded", "crop": "cropped", "border": "centred"}.get(fit, "stretched")
    size = "10x30 to 4x12" if fit in ("pad", "border") else "10x30 to 12x12"
    assert prediction["prepared"] == f"{size}, {word}"


def test_a_dry_run_says_it(command, signs):
    found = command("train", signs, "--size", "28", "--fit", "crop", "--dry-run")
    last = "Pictures are brought to 28x28; those of other proportions cut to their middle."
    assert found.out.splitlines()[-1] == last


def test_what_is_no_fit(refused, signs):
    refused(["train", signs, "--fit", "squeeze"], 2, "'squeeze'", "stretch, pad, crop or border")
    refused(["train", "digits", "--fit", "pad"], 2, "fit", "digits is ready")


def test_far_smaller_pictures_are_told(command, signs):
    command("train", signs, *TRAIN)
    Image.fromarray(WIDE[::2, ::6]).save("tiny.png")
    (found,) = json.loads(command("predict", "runs/x", "tiny.png", "--json").out)["predictions"]
    assert found["prepared"].startswith("far smaller than the smallest trained on, 10x30")
