"""Data of one's own that need a word: turned on their side, or labelled by their files' names."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lenet
from digit_pictures import write_digits
from lenet.data import idx

DIGITS = lenet.load("digits")
NET = ["--net", "1x8x8 | conv 8 k3 relu, maxpool 2 | dense 10"]


def write_part(folder, name, split, transpose=False):
    images = split.images[:1000, 0].swapaxes(1, 2) if transpose else split.images[:1000, 0]
    idx.write(folder / f"{name}-images-idx3-ubyte", np.ascontiguousarray(images))
    idx.write(folder / f"{name}-labels-idx1-ubyte", split.labels[:1000].astype(np.uint8))


@pytest.fixture
def emnist(here):
    """Digits on their side, as EMNIST has them, in two parts that are data sets of their own."""
    (folder := here / "emnist").mkdir()
    for name, split in (("emnist-a", DIGITS.train), ("emnist-b", DIGITS.test)):
        write_part(folder, name, split, transpose=True)
    return "emnist"


NOTE = "EMNIST has rows and columns of its images swapped; the option transpose sets them right"


def test_transposed(command, emnist):
    source = f"{emnist}/emnist-a-images-idx3-ubyte"
    values = json.loads(command("train", source, *NET, "--dry-run", "--json").out)
    assert NOTE in values["notes"]
    found = command(
        "train",
        source,
        "--transpose",
        *NET,
        "--batch-size",
        "16",
        "--epochs",
        "8",
        "--run",
        "x",
        "--json",
    )
    trained = json.loads(found.out)
    assert NOTE not in found.err
    info = json.loads(Path("runs/x/run.json").read_text())
    assert info["arguments"]["transpose"] is True
    model = trained["model"]

    def accuracy(*words):
        return json.loads(command("evaluate", model, *words, "--json").out)["accuracy"]

    assert accuracy(source) == info["test_accuracy"] > 0.8
    other = f"{emnist}/emnist-b-images-idx3-ubyte"  # beside it: read in the same way
    assert accuracy(other, "--all") == accuracy(other, "--all", "--transpose") > 0.8
    assert accuracy("digits") > 0.8  # upright
    report = json.loads(command("report", "runs/x", "--json").out)
    assert report["test"]["accuracy"] == info["test_accuracy"]


def test_the_same_numbers_elsewhere_are_not_turned(command, here, emnist):
    source = f"{emnist}/emnist-a-images-idx3-ubyte"
    command(
        "train", source, "--transpose", *NET, "--batch-size", "16", "--epochs", "8", "--run", "x"
    )
    (here / "upright").mkdir()
    write_part(here / "upright", "digits", DIGITS.test)
    model, other = "runs/x/last.safetensors", "upright/digits-images-idx3-ubyte"
    values = json.loads(command("evaluate", model, other, "--all", "--json").out)
    assert values["accuracy"] > 0.8


@pytest.fixture
def flat(here):
    (here / "flat").mkdir()
    for number, (image, label) in enumerate(
        zip(DIGITS.train.images[:200, 0], DIGITS.train.labels[:200], strict=True)
    ):
        Image.fromarray(image).save(here / "flat" / f"{label}_{number:04}.png")
    return "flat"


def test_classes_in_the_names(command, refused, flat):
    words = ["files but no folders", "label_from_name='{label}_#'", "--label-from-name"]
    refused(["train", flat], 1, *words)
    name = ["--label-from-name", "{label}_#"]
    command("train", flat, *name, *NET, "--epochs", "2", "--run", "x")
    info = json.loads(Path("runs/x/run.json").read_text())
    assert info["arguments"]["label_from_name"] == "{label}_#"
    assert info["classes"] == list("0123456789")
    model = "runs/x/last.safetensors"
    for words in ([], name):
        values = json.loads(command("evaluate", model, flat, "--json", *words).out)
        assert values["accuracy"] == info["test_accuracy"]
    assert json.loads(command("report", "runs/x", "--json").out)["test"]["count"] == values["count"]
    refused(["train", flat, "--label-from-name", "x"], 2, "write {label} once")
    refused(["train", "digits", *name], 2, "label_from_name", "digits is ready")


def test_what_neither_is_for(refused, here, flat, emnist):
    name = ["--label-from-name", "{label}_#"]
    refused(
        ["train", flat, *name, "--transpose"], 1, "transpose is for images that come as numbers"
    )
    source = f"{emnist}/emnist-a-images-idx3-ubyte"
    refused(["train", source, *name], 1, "is no folder, and label_from_name is for")


@pytest.mark.parametrize("verb", [["report"], ["compare", "runs/x"]])
def test_a_run_whose_test_images_were_chosen_by_another_rule(command, here, verb):
    """As in a run of an older lenet: its own page stays, and a sentence says what to do."""
    write_digits(here / "mine", {"3": 20, "5": 20})
    net = "1x8x8 | dense 2"
    command("train", "mine", "--net", net, "--epochs", "1", "--run", "x")
    path = here / "runs" / "x" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"test_hash": "0" * 64}))
    found = command(*verb, "runs/x", "--data", "mine")
    assert (found.status, found.out) == (1, "")
    assert found.err.count("\n") == 1
    assert "if an older lenet chose them, its rule was another: train again" in found.err
