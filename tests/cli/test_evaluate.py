"""``lenet evaluate``, and model files that are not what they should be."""

import csv
import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import lenet
from digit_pictures import write_digits


def test_text(command, model):
    found = command("evaluate", model, "digits")
    assert (found.status, found.err) == (0, "")
    lines = found.out.splitlines()
    assert " % of 360 test images of digits, loss " in lines[0]
    assert lines[2].startswith("The expected calibration error of its probabilities is ")
    assert lines[4].split() == ["class", "images", "accuracy"]
    assert [line.split()[0] for line in lines[5:15]] == list("0123456789")
    start = lines.index("if the unsurest are left open")
    assert lines[start + 1].split() == ["answered", "from", "probability", "accuracy"]
    shares = [
        [float(word) for word in line.replace("%", "").split()] for line in lines[start + 2 :][:6]
    ]
    assert [share for share, _, _ in shares] == pytest.approx([100, 99, 98, 95, 90, 80], abs=0.3)
    assert [least for _, least, _ in shares] == sorted(least for _, least, _ in shares)
    start = next(i for i, line in enumerate(lines) if line.startswith("confusion matrix"))
    table = [line.split()[2:] for line in lines[start + 2 : start + 12]]
    counts = [int(line.split()[1]) for line in lines[5:15]]
    assert [sum(int(n) for n in row if n != ".") for row in table] == counts


def test_json(command, model):
    values = json.loads(command("evaluate", model, "digits", "--json").out)
    assert (values["model"], values["dataset"], values["count"]) == (model, "digits", 360)
    assert 0.8 < values["accuracy"] <= 1
    assert values["loss"] > 0
    assert [one["name"] for one in values["classes"]] == list("0123456789")
    assert sum(map(sum, values["confusion"])) == 360
    right = sum(values["confusion"][i][i] for i in range(10))
    assert values["accuracy"] == pytest.approx(right / 360)


def test_a_run_is_tested_on_its_own_data(command, refused, here, model):
    write_digits(here / "own", dict.fromkeys("0123456789", 9))
    command("train", "own", "--net", "tiny", "--epochs", "1", "--run", "a")
    given, itself = (command("evaluate", "runs/a", *data, "--json").out for data in (["own"], []))
    values = json.loads(itself)
    assert values.pop("dataset") == str(here / "own")
    assert {"dataset": "own", **values} == json.loads(given)
    words = command("evaluate", here / "runs/a/last.safetensors").out
    assert f"test images of {here / 'own'}" in words
    refused(["evaluate", model], 2, "of no run", "name the data")
    with pytest.raises(lenet.errors.UsageError):
        lenet.evaluate(lenet.Model.load(here / model))


def test_answers_and_names_of_mistakes(command, here, model):
    write_digits(here / "own", dict.fromkeys("0123456789", 9))
    (here / "own" / "3" / "0.png").rename(here / "own" / "4" / "wrong.png")
    found = command("evaluate", model, "own", "--all", "-o", "a.csv")
    assert (found.status, found.err) == (0, "")
    with open(here / "a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 90
    wrong = [row["image"] for row in rows if row["correct"] == "0"]
    assert "4/wrong.png" in wrong
    values = json.loads(command("evaluate", model, "own", "--all", "--json").out)
    assert {one["image"] for one in values["mistakes"]} == set(wrong)
    assert values["accuracy"] == pytest.approx(1 - len(wrong) / 90)
    assert all(one["class"] != one["label"] for one in values["mistakes"])
    surest = values["mistakes"][0]
    assert surest["probability"] == max(one["probability"] for one in values["mistakes"])
    assert surest["image"] in found.out[found.out.index("wrong, the surest first") :]


def test_what_was_done_to_each_picture_is_in_the_answers(command, here, model):
    write_digits(here / "own", dict.fromkeys("0123456789", 3), scale=2)
    path = (here / "own" / "3" / "0.png").rename(here / "own" / "4" / "wrong.png")
    Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    command("evaluate", model, "own", "--all", "-o", "a.csv")
    with open(here / "a.csv", newline="") as file:
        done = {row["image"]: row["prepared"] for row in csv.DictReader(file)}
    assert done.pop("4/wrong.png") == "inverted, 16x16 to 8x8"
    assert set(done.values()) == {"16x16 to 8x8"}
    wrong = json.loads(command("evaluate", model, "own", "--all", "--json").out)["mistakes"]
    assert {one["image"]: one["prepared"] for one in wrong}["4/wrong.png"] == (
        "inverted, 16x16 to 8x8"
    )


def test_answers_of_images_that_are_numbered(command, here, model):
    assert command("evaluate", model, "digits", "-o", "a.csv").status == 0
    lines = (here / "a.csv").read_text().splitlines()
    columns = "image,label,class,probability,correct,second,second_probability"
    assert (len(lines), lines[0]) == (361, columns)
    rows = list(csv.DictReader(lines))
    assert [row["image"] for row in rows] == [f"digits/test[{i}]" for i in range(360)]
    for row in rows:
        assert row["second"] != row["class"]
        assert float(row["second_probability"]) <= float(row["probability"])
    wrong = {row["image"] for row in rows if row["correct"] == "0"}
    values = json.loads(command("evaluate", model, "digits", "--json").out)
    assert {one["image"] for one in values["mistakes"]} == wrong


def test_answers_of_a_table_and_of_an_array_file(command, here, model):
    """Each image is called as it is there, and has its own label."""
    write_digits(here / "own", dict.fromkeys("0123456789", 2))
    paths = sorted(path.relative_to(here / "own") for path in (here / "own").rglob("*.png"))
    lines = (f"{path.as_posix()},{path.parts[0]},test" for path in paths[5:])
    (here / "own" / "list.csv").write_text("\n".join(["path,label,split", *lines]))
    assert command("evaluate", model, "own/list.csv", "-o", "a.csv").status == 0
    with open(here / "a.csv", newline="") as file:
        named = {row["image"]: row["label"] for row in csv.DictReader(file)}
    assert named == {path.as_posix(): path.parts[0] for path in paths[5:]}
    test = lenet.load("digits").test
    np.savez(here / "t.npz", x_train=test.images[:20], y_train=test.labels[:20],
             x_test=test.images[20:50], y_test=test.labels[20:50])  # fmt: skip
    assert command("evaluate", model, "t.npz", "-o", "a.csv").status == 0
    with open(here / "a.csv", newline="") as file:
        named = [(row["image"], row["label"]) for row in csv.DictReader(file)]
    assert named == [
        (f"t.npz/x_test[{i}]", str(label)) for i, label in enumerate(test.labels[20:50])
    ]


def test_what_is_left_open(command, here, model):
    values = json.loads(command("evaluate", model, "digits", "--reject", "0.9", "--json").out)
    found = lenet.evaluate(here / model, "digits").answers
    sure = found.probabilities >= 0.9
    assert values["answered"]["threshold"] == 0.9
    assert values["answered"]["share"] == pytest.approx(sure.mean())
    assert values["answered"]["accuracy"] == pytest.approx(found.correct[sure].mean())
    text = command("evaluate", model, "digits", "--reject", "0.9", "-o", "a.csv").out
    assert f"{sure.sum()} of 360 images are answered, with a probability of 0.90 or more" in text
    with open(here / "a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] != "" for row in rows] == sure.tolist()
    for row in rows:
        if not row["class"]:
            assert (row["correct"], row["second"], row["second_probability"]) == ("", "", "")
    nothing = json.loads(command("evaluate", model, "digits", "--reject", "1", "--json").out)
    assert nothing["answered"]["share"] < 0.5


def test_a_share_of_the_images(command, model):
    """By the thresholds that the training wrote into the model, of its test images here."""
    for share in (0.95, 0.9, 0.5):
        out = command("evaluate", model, "digits", "--coverage", share, "--json").out
        assert json.loads(out)["answered"]["share"] == pytest.approx(share, abs=0.003)
    assert "answered" not in json.loads(
        command("evaluate", model, "digits", "--coverage", "1", "--json").out
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--reject", "1.5"], "reject is 1.5; it must be a probability, from 0 to 1"),
        (["--coverage", "0"], "coverage is 0.0; it must be a share of the images, up to 1"),
        (["--coverage", "0.3"], "the model knows shares from 0.5 on"),
        (["--coverage", "0.9", "--reject", "0.9"], "give one of them"),
    ],
)
def test_what_leaves_nothing_sensible(refused, model, given, words):
    refused(["evaluate", model, "digits", *given], 2, words)


def test_a_class_that_is_never_recognised_comes_first(command, here):
    digits = lenet.load("digits")
    only = digits.train.chosen(digits.train.labels != 3)
    data = replace(digits, train=only)
    lenet.train("1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10", data).save(here / "m.safetensors")
    found = command("evaluate", "m.safetensors", "digits")
    assert found.out.splitlines()[2] == "No image of class 3 is recognised."
    values = json.loads(command("evaluate", "m.safetensors", "digits", "--json").out)
    assert values["unrecognised"] == ["3"]


def test_idx_files(command, model, idx_folder):
    assert "of 10 test images" in command("evaluate", model, "mnist", "--data-dir", "data").out


def test_options_of_a_path_are_not_for_data_with_a_name(refused, model):
    for option in (["--all"], ["--skip-bad"], ["--transpose"], ["--split-seed", "0"]):
        refused(["evaluate", model, "digits", *option], 2, option[0], "read from a path")


def test_no_data(refused, model):
    refused(["evaluate", model, "mnits"], 2, "'mnits'", "did you mean 'mnist'?")
    refused(["evaluate", model, "mnist", "--data-dir", "x"], 1, "the data folder is x")


def header(content):
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def with_header(content, **metadata):
    values, rest = header(content)
    values["__metadata__"] |= metadata
    text = json.dumps(values).encode()
    return struct.pack("<Q", len(text)) + text + rest


DAMAGES = {
    "empty": lambda content: b"",
    "cut in its header": lambda content: content[:100],
    "cut in its weights": lambda content: content[:-1],
    "longer": lambda content: content + b"x",
    "no header": lambda content: b"hello world" * 100,
    "a header of 2^60 bytes": lambda content: struct.pack("<Q", 2**60) + content[8:],
    "a header of 20 MB": lambda content: struct.pack("<Q", 20_000_000) + b" " * 20_000_001,
    "no number": lambda content: content[:-4] + struct.pack("<f", float("nan")),
    "newer": lambda content: with_header(content, version="2"),
    "another format": lambda content: with_header(content, format="pt"),
    "another network": lambda content: with_header(content, network="{}"),
    "other classes": lambda content: with_header(content, classes='["a"]'),
    "no preprocessing": lambda content: with_header(content, preprocessing="null"),
    "deep metadata": lambda content: with_header(content, training="[" * 50_000),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_models(refused, here, model, trained_bytes, damage):
    (here / model).write_bytes(DAMAGES[damage](trained_bytes))
    words = {
        "newer": ["format '2' and this lenet reads 1", "upgrade lenet"],
        "another format": ["no lenet model", "give a file that lenet saved"],
    }.get(damage, ["is not an intact model", "save or copy it anew"])
    for arguments in (["evaluate", model, "digits"], ["predict", model, "a.png"]):
        refused(arguments, 1, model, *words)


@pytest.mark.parametrize("damage", ["empty", "cut in its header", "newer", "another network"])
def test_a_damaged_header_is_no_network(refused, here, model, trained_bytes, damage):
    """Of a saved model, a network is read from the header alone."""
    (here / model).write_bytes(DAMAGES[damage](trained_bytes))
    refused(["explain", model], 1, model)


@pytest.mark.parametrize("name", ["nowhere", "nowhere.safetensors", ".", "/dev/null"])
def test_no_model(refused, name):
    refused(["evaluate", name, "digits"], 1)
