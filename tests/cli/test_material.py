"""Pictures of one's own on the command line: what is shown before training, and refusals."""

import io
import json
import os
import re
import shlex
import shutil
from contextlib import redirect_stdout

import numpy as np
import pytest

import lenet
from digit_pictures import write_digits
from pages import commands, matches, read_page


@pytest.fixture
def mine(here):
    """./mine: 20 of each of four digits, 32x32."""
    write_digits(here / "mine", dict.fromkeys("2358", 20), scale=4)
    return here / "mine"


def test_the_header_has_the_table(command, mine):
    found = command("train", "mine", "--epochs", "3")
    assert (found.status, found.err) == (0, "")
    lines = found.out.splitlines()
    assert lines[0].startswith("mine · 80 images of 32x32, 4 classes · ")
    assert lines[1].startswith("compact for 4 classes of 1x32x32 · 8 layers (7 conv + 1 dense)")
    assert lines[3].split() == ["class", "train", "test"]
    rows = [line.split() for line in lines[4:9]]
    assert [row[0] for row in rows] == ["2", "3", "5", "8", "total"]
    assert all(row[1:3] == ["16", "4"] for row in rows[:4])
    assert lines[9] == "- a fifth of each class, chosen by content, is kept for testing"
    assert lines[11].startswith("chosen by looking at the images")
    assert "3 epochs in batches of 8, about " in lines[13]
    assert lines[16].startswith("epoch 1/3")
    (line,) = [line for line in lines if line.startswith("  test it")]
    assert line.endswith("lenet evaluate runs/mine-compact-1/last.safetensors mine")
    model = lenet.Model.load("runs/mine-compact-1/last.safetensors")
    assert (model.network.input_shape, model.classes) == ((1, 32, 32), ("2", "3", "5", "8"))


def test_what_to_type_next_has_quotes(command, mine, here):
    mine.rename(here / "my pictures")
    found = command("train", "my pictures", "--epochs", "1", "--quiet")
    model = "'runs/my pictures-compact-1/last.safetensors'"
    lines = found.out.splitlines()
    assert f"  use it          lenet predict {model} your-image.png" in lines
    assert f"  test it         lenet evaluate {model} 'my pictures'" in lines
    assert "the real thing" not in found.out


def test_dry_run(command, mine, here):
    before = sorted(os.listdir(here))
    found = command("train", "mine", "--dry-run", "--size", "28", "--rgb")
    assert (found.status, found.err) == (0, "")
    lines = found.out.splitlines()
    assert "compact for 4 classes of 3x28x28" in lines[1]
    assert lines[-2].startswith("The network would see 3x28x28, the background dark;")
    assert sorted(os.listdir(here)) == before


def test_dry_run_as_json(command, mine):
    values = json.loads(command("train", "mine", "--dry-run", "--json").out)
    assert (values["dataset"], values["source"]) == ("mine", "mine")
    assert values["image_shape"] == [1, 32, 32]
    assert values["classes"] == ["2", "3", "5", "8"]
    assert sum(map(sum, values["counts"].values())) == 80
    assert lenet.parse(values["network"]).output_shape == (4,)
    assert values["preprocessing"]["polarity"] == "dark"


def test_dry_run_of_a_named_set(command):
    found = command("train", "--dry-run")
    assert found.status == 0
    lines = found.out.splitlines()
    assert lines[1].startswith("lenet-relu · 5 layers")
    assert lines[14].split() == ["total", "1,437", "360"]


def test_many_classes_do_not_fill_the_screen(command, here):
    np.savez(here / "x.npz", x=np.arange(50 * 16).reshape(50, 4, 4) % 256, y=np.arange(50) // 2)
    found = command("train", "x.npz", "--epochs", "1", "--net", "1x4x4 | dense 25").out
    assert "6 more" in found
    assert "6 more" not in command("train", "x.npz", "--dry-run", "--net", "1x4x4 | dense 25").out


def test_evaluate_by_path(command, mine, here):
    command("train", "mine", "--epochs", "10", "--run", "x")
    model = "runs/x/last.safetensors"
    found = command("evaluate", model, "mine")
    assert (found.status, found.err) == (0, "")
    assert " test images of mine, loss " in found.out
    some = json.loads(command("evaluate", model, "mine", "--json").out)
    everything = json.loads(command("evaluate", model, "mine", "--all", "--json").out)
    assert (everything["count"], [c["count"] for c in everything["classes"]]) == (80, [20] * 4)
    assert some["count"] < 40
    assert "80 images of mine" in command("evaluate", model, "mine", "--all").out
    write_digits(here / "other", {"8": 6, "2": 1}, start=30, scale=3)
    other = json.loads(command("evaluate", model, "other", "--all", "--json").out)
    assert [c["count"] for c in other["classes"]] == [1, 0, 0, 6]


def test_evaluate_refuses(refused, command, mine, here):
    command("train", "mine", "--epochs", "1", "--run", "x")
    write_digits(here / "other", {"9": 2}, scale=4)
    model = "runs/x/last.safetensors"
    refused(
        ["evaluate", model, "other"],
        1,
        "other has the class '9', which the model does not know",
        "it tells 2, 3, 5, 8 apart",
    )
    write_digits(here / "one", {"2": 1}, scale=4)
    assert command("evaluate", model, "one").status == 0  # others than it was trained on: all
    model = shutil.copy(model, "m.safetensors")  # nobody knows what this was trained on
    refused(["evaluate", model, "one"], 1, "no images to test on", "--all")
    (here / "one" / "2" / "bad.png").write_text("no")
    refused(["evaluate", model, "one", "--all"], 1, "1 of 2 pictures", "--skip-bad")
    assert command("evaluate", model, "one", "--all", "--skip-bad").status == 0


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["nowhere/"], 2, ["no data set is called 'nowhere/'", "or name a folder, .csv or .npz"]),
        (["mine", "--size", "0"], 2, ["the size is '0'; it must be one number such as 28, or"]),
        (["mine", "--size", "28x"], 2, ["the size is '28x'", "28x32"]),
        (["mine", "--gray", "--rgb"], 2, ["both gray and rgb are asked for"]),
        (["digits", "--gray"], 2, ["are for pictures of your own", "./digits"]),
        (
            ["mine", "--net", "lenet", "--size", "8"],
            2,
            ["the images are 1@8x8, too small", "size 28", "--size"],
        ),
        (["mine", "--net", "1x28x28 | dense 10"], 2, ["10 outputs", "4 classes", "'dense 4'"]),
        (["mine", "--net", "2x28x28 | dense 4"], 1, ["channels cannot become 2"]),
        (["mine/2"], 1, ["mine/2", "are files but no folders", "path,label"]),
        (["mine/2/0.png"], 1, ["mine/2/0.png", "one picture", "folder"]),
        (["/dev/zero"], 1, ["cannot read /dev/zero", "a pipe or a device"]),
        ([".", "--size", "28"], 1, [". holds one folder, mine, with 2, 3, 5", "give ./mine"]),
        (["mine", "--size", "4096", "--dry-run", "--net", "lenet"], 1, ["GB of this machine's"]),
    ],
    ids=lambda value: " ".join(map(str, value))[:40] if isinstance(value, list) else None,
)
def test_refusals(refused, mine, monkeypatch, arguments, status, words):
    monkeypatch.setattr("lenet.data.collection.machine_memory", lambda: 10**9)
    refused(["train", *arguments], status, *words)


def test_bad_pictures(refused, mine, command):
    (mine / "2" / "x.png").write_bytes(b"\x89PNG")
    (mine / "3" / "notes.txt").write_text("hello")
    refused(
        ["train", "mine"],
        1,
        "2 of 82 pictures in",
        "2/x.png is damaged, 3/notes.txt is a text file",
        "--skip-bad",
    )
    found = command("train", "mine", "--dry-run", "--skip-bad").out
    assert "- left out, because they cannot be read: 2/x.png is damaged, 3/notes.txt" in found


def test_the_page_on_pictures(command, here):
    page = read_page("pictures.md")
    first, *others = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    exec(compile(first, "page", "exec"), {})
    lines = commands(page)
    assert len(lines) == 5
    for line, shown in lines:
        found = command(*shlex.split(line))
        assert (found.status, found.err) == (0, "")
        assert not shown or matches(shown, found.out)
    with redirect_stdout(io.StringIO()):
        for block in others:
            exec(compile(block, "page", "exec"), {})
