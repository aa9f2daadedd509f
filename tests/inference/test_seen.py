"""What a run has learnt from: kept in its folder, and said when its model is tested on it."""

import csv
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import lenet
from digit_pictures import write_digits
from lenet.data.seen import read_seen, seen_among
from lenet.errors import DataError
from lenet.run_folder import SEEN, SPLIT, read_run
from lenet.studies.folds import joined
from refusals import refused

NETWORK = "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 3"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures") / "own"
    write_digits(folder, {"3": 40, "5": 40, "8": 40})
    return folder


@pytest.fixture(scope="module")
def run(pictures, tmp_path_factory):
    """A run on the pictures, of which a tenth is set aside to validate."""
    folder = tmp_path_factory.mktemp("runs") / "one"
    lenet.train(NETWORK, pictures, run=folder, epochs=2, validation_fraction=0.125)
    return folder


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_the_run_says_which_file_went_where(run, pictures):
    data = lenet.load(pictures)
    found = {row["file"]: row["split"] for row in rows(run / SPLIT)}
    assert len(found) == 120
    assert {name for name, split in found.items() if split == "test"} == set(data.test.names)
    assert list(found.values()).count("validation") == 12
    assert {row["class"] for row in rows(run / SPLIT)} == {"3", "5", "8"}
    assert set(rows(run / SPLIT)[0]) == {"file", "class", "split"}


def test_what_was_trained_on_is_said(run, pictures):
    found = lenet.evaluate(run, pictures, everything=True)
    told = found.seen_in_training
    assert (told["trained_on"], told["validated_on"], told["others"]) == (84, 12, 24)
    test = lenet.evaluate(run, pictures)
    assert told["others_accuracy"] == test.accuracy
    assert found.warning == (
        "84 of these 120 images were trained on and 12 validated on; the other 24 give "
        f"{100 * test.accuracy:.2f} %."
    )
    for text in (str(found), found._repr_html_()):
        assert found.warning in " ".join(text.split())
    assert found.to_dict()["seen_in_training"] == told
    assert test.warning == ""
    assert test.to_dict()["seen_in_training"]["trained_on"] == 0


@pytest.mark.parametrize("place", ["", "last.safetensors"])
def test_copies_by_other_names_are_found(run, pictures, tmp_path, place):
    train = [row["file"] for row in rows(run / SPLIT) if row["split"] == "train"]
    for number, name in enumerate(train[:10]):
        (tmp_path / "x" / name[0]).mkdir(parents=True, exist_ok=True)
        with Image.open(pictures / name) as image:  # another format, the same pixels
            image.save(tmp_path / "x" / name[0] / f"new {number}.bmp")
    write_digits(tmp_path / "x", {"3": 5, "5": 5, "8": 5}, start=60)
    found = lenet.evaluate(run / place, tmp_path / "x", everything=True)
    assert found.seen_in_training["trained_on"] == 10
    assert "10 of these 25 images were trained on; the other 15 give" in found.warning


def test_all_of_them(run, pictures, tmp_path):
    for row in rows(run / SPLIT):
        if row["split"] == "train":
            (tmp_path / row["class"]).mkdir(exist_ok=True)
            shutil.copy(pictures / row["file"], tmp_path / row["file"])
    found = lenet.evaluate(run, tmp_path, everything=True)
    assert found.warning == "84 of these 84 images were trained on: this says nothing of new ones."
    assert found.seen_in_training["others_accuracy"] is None


def test_each_answer_says_it(run, pictures, tmp_path):
    from lenet.inference.evaluating import save_answers

    save_answers(lenet.evaluate(run, pictures, everything=True), tmp_path / "a.csv")
    seen = {row["image"]: row["seen"] for row in rows(tmp_path / "a.csv")}
    split = {row["file"]: row["split"].replace("test", "") for row in rows(run / SPLIT)}
    assert seen == split
    save_answers(lenet.evaluate(run, pictures), tmp_path / "b.csv")
    assert "seen" not in rows(tmp_path / "b.csv")[0]


def test_a_split_of_arrays(run, pictures):
    data = lenet.load(pictures)
    assert lenet.evaluate(run, data.train).seen_in_training["trained_on"] == 84
    assert lenet.evaluate(run, data).seen_in_training["trained_on"] == 0
    assert "trained on" not in lenet.evaluate(lenet.Model.load(run), data.train).warning


def test_a_model_elsewhere_knows_nothing(run, pictures, tmp_path):
    shutil.copy(run / "last.safetensors", tmp_path / "m.safetensors")
    found = lenet.evaluate(tmp_path / "m.safetensors", pictures, everything=True)
    assert (found.seen_in_training, found.warning) == ({}, "")
    assert "seen_in_training" not in found.to_dict()


def test_data_with_a_name_are_read_again(tmp_path):
    network = "1x8x8 | dense 10"
    lenet.train(network, "digits", run=tmp_path / "run", epochs=1)
    assert not (tmp_path / "run" / SEEN).exists()
    write_digits(tmp_path / "own", {str(digit): 5 for digit in range(10)})
    found = lenet.evaluate(tmp_path / "run", tmp_path / "own", everything=True)
    assert found.seen_in_training["trained_on"] == 50
    assert lenet.evaluate(tmp_path / "run", "digits").warning == ""
    train = lenet.load("digits").train
    assert lenet.evaluate(tmp_path / "run", train).seen_in_training["trained_on"] == len(train)


def test_data_with_a_name_whose_test_part_was_trained_on(tmp_path):
    whole = joined(lenet.load("digits"))
    data = replace(whole, name="all")
    lenet.train("1x8x8 | dense 10", data, "modern", run=tmp_path / "run", epochs=1)
    found = lenet.evaluate(tmp_path / "run", "digits")
    assert found.warning == (
        "360 of these 360 images were trained on: this says nothing of new ones."
    )


def test_a_name_may_be_written_in_capitals(tmp_path):
    lenet.train("1x8x8 | dense 10", "Digits", run=tmp_path / "run", epochs=1)
    assert not (tmp_path / "run" / SEEN).exists()
    train = lenet.load("digits").train
    assert lenet.evaluate(tmp_path / "run", train).seen_in_training["trained_on"] == len(train)


def test_the_same_seed_and_group_test_on_the_same_images(tmp_path):
    write_digits(tmp_path / "own", {"3": 40, "5": 40})
    for number, path in enumerate(sorted((tmp_path / "own").rglob("*.png"))):
        path.rename(path.with_name(f"{number // 4}_{path.name}"))
    from lenet.cli.main import main

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        options = ["--group", "{group}_*", "--split-seed", "4", "--epochs", "1", "--quiet"]
        assert main(["train", "own", "--size", "8", "--net", "tiny", "--run", "r", *options]) == 0
        found = lenet.evaluate("runs/r", "own")
    split = rows(tmp_path / "runs" / "r" / SPLIT)
    tested = {row["file"] for row in split if row["split"] == "test"}
    assert set(found.answers.names) == tested
    assert found.warning == ""
    assert {row["group"] for row in split} == {
        row["file"].split("/")[1].split("_")[0] for row in split
    }
    other = lenet.evaluate(tmp_path / "runs" / "r", tmp_path / "own", split_seed=0)
    assert set(other.answers.names) != tested
    assert "were trained on" in other.warning


@pytest.mark.parametrize("damage", [b"", b"PK\3\4 no", "float", "huge", "names", "objects"])
def test_a_damaged_file_is_told(run, pictures, tmp_path, damage):
    folder = shutil.copytree(run, tmp_path / "run")
    if isinstance(damage, bytes):
        (folder / SEEN).write_bytes(damage)
    elif damage == "huge":
        np.savez_compressed(folder / SEEN, train=np.zeros(10**6, np.uint64))
    elif damage == "objects":
        np.savez(folder / SEEN, train=np.array([{}], object))
    else:
        name = "other" if damage == "names" else "train"
        np.savez(folder / SEEN, **{name: np.zeros(3, float if damage == "float" else np.uint64)})
    with refused(DataError, "trained-on.npz"):
        read_seen(read_run(folder))
    found = lenet.evaluate(folder, pictures, everything=True)
    assert found.notes[0].startswith("nobody knows which of these images were trained on")
    assert found.seen_in_training == {}


def test_what_is_in_both_was_trained_on():
    digests = {"train": np.array([1, 5], np.uint64), "validation": np.array([5, 7], np.uint64)}
    found = seen_among(np.array([7, 5, 1, 2], np.uint64), digests)
    assert found == ("validation", "train", "train", "")


def test_all_of_other_pictures_are_tested(tmp_path):
    """Of a run's own pictures a fifth is for testing; of others none was trained on."""
    write_digits(tmp_path / "own", {"3": 20, "5": 20})
    write_digits(tmp_path / "new", {"3": 30, "5": 30})
    lenet.train("tiny", tmp_path / "own", run=tmp_path / "run", epochs=1)
    assert lenet.evaluate(tmp_path / "run", tmp_path / "own").count == 8
    found = lenet.evaluate(tmp_path / "run", tmp_path / "new")
    assert found.count == 60
    assert found.seen_in_training["trained_on"] == 32
    lone = lenet.Model.load(tmp_path / "run")
    assert lenet.evaluate(lone, tmp_path / "new").count == 12


def test_a_record_without_images_is_damaged(tmp_path):
    write_digits(tmp_path / "own", {"3": 20, "5": 20})
    lenet.train("tiny", tmp_path / "own", run=tmp_path / "run", epochs=1)
    for arrays in ({}, {"train": np.zeros(0, np.uint64)}):
        np.savez(tmp_path / "run" / SEEN, **arrays)
        found = lenet.evaluate(tmp_path / "run", tmp_path / "own", everything=True)
        assert any("nobody knows" in note for note in found.notes)


def test_an_export_is_checked_on_the_images_that_the_run_tests_on(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (80, 8, 8), np.uint8)
    for number, pixels in enumerate(noise):  # known by heart or not at all
        place = tmp_path / "own" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{number}.png")
    from lenet.cli.main import main

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        options = ["--split-seed", "4", "--recipe", "modern", "--epochs", "40", "--run", "r"]
        network = ["--net", "1x8x8 | dense 64 relu, dense 2", "--quiet"]
        assert main(["train", "own", *options, *network]) == 0
        right = [lenet.evaluate("runs/r", "own", split_seed=seed).accuracy for seed in (4, 0)]
        assert right[0] < right[1] - 0.2
        assert lenet.export("runs/r", "a.safetensors", check="own").check.accuracy == right[0]
