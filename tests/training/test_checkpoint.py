"""Checkpoints: all of it comes back, and nothing that is not all of it; and whose they are."""

import os
import random
from dataclasses import replace

import numpy as np
import pytest

import lenet
from lenet import files
from lenet.data import Split
from lenet.errors import ModelFileError, OutputError
from lenet.run_folder import CHECKPOINTS
from lenet.training import Recipe, Training
from lenet.training.checkpoint import (
    Checkpoint,
    Checkpoints,
    difference,
    identity,
)
from refusals import refused

IDENTITY = {"data": "abc", "recipe": {"lr": 0.1 + 0.2}}


def checkpoint(epochs, steps=0):
    tensors = {
        "table": np.arange(40, dtype=np.float32) + epochs,
        "state": np.zeros((0, 40), np.float32),
        "losses": np.array([0.1, np.nextafter(1, 2), -0.0]),
    }
    return Checkpoint(tensors, {"epochs": epochs, "steps": steps, "x": 1e-300}, IDENTITY)


def test_comes_back(tmp_path):
    found = Checkpoint.from_bytes(checkpoint(3, 7).to_bytes(), tmp_path)
    assert (found.place, found.identity, found.progress["x"]) == ((3, 7), IDENTITY, 1e-300)
    for name, tensor in checkpoint(3, 7).tensors.items():
        assert found.tensors[name].tobytes() == tensor.tobytes()
        assert found.tensors[name].shape == tensor.shape


def test_two_take_turns(tmp_path):
    kept = Checkpoints(tmp_path)
    assert kept.newest() == (None, [])
    for epochs in range(1, 5):
        kept.save(checkpoint(epochs))
        assert Checkpoints(tmp_path).newest()[0].place == (epochs, 0)
    assert sorted(os.listdir(tmp_path)) == sorted(CHECKPOINTS)
    kept.remove()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("torn", [0, 1])
def test_going_on_writes_over_the_older_or_the_torn_one(tmp_path, torn):
    kept = Checkpoints(tmp_path)
    for epochs in (1, 2):
        kept.save(checkpoint(epochs))
    (tmp_path / CHECKPOINTS[torn]).write_bytes(b"torn")
    again = Checkpoints(tmp_path)
    found, complaints = again.newest()
    assert found.place == (2 - torn, 0)
    assert complaints == [
        f"{tmp_path / CHECKPOINTS[torn]} is no intact checkpoint: it is cut or changed."
    ]
    again.save(checkpoint(9))
    both = [Checkpoint.from_bytes((tmp_path / name).read_bytes(), tmp_path) for name in CHECKPOINTS]
    assert sorted(each.place[0] for each in both) == [2 - torn, 9]


def test_every_cut_and_every_changed_byte_is_noticed(tmp_path):
    content, chance = checkpoint(1).to_bytes(), random.Random(0)
    for _ in range(300):
        place = chance.randrange(len(content))
        changed = bytearray(content)
        changed[place] ^= 1 << chance.randrange(8)
        for damaged in (content[:place], bytes(changed), content + b"x"):
            with pytest.raises(ModelFileError, match=r"it(s| is) "):
                Checkpoint.from_bytes(damaged, tmp_path)


@pytest.mark.parametrize("content", [b"", b"\0" * 8, b"\xff" * 100, b"\2\0\0\0\0\0\0\0{}"])
def test_other_files(tmp_path, content):
    with refused(ModelFileError, "cut"):
        Checkpoint.from_bytes(content, tmp_path)


def test_a_model_is_no_checkpoint(tmp_path, few, small):
    path = lenet.train(small, few, lenet.recipe(epochs=1)).save(tmp_path / "m.safetensors")
    with refused(ModelFileError, "intact"):
        Checkpoint.from_bytes(path.read_bytes(), path)


def test_a_writing_that_fails_leaves_both(tmp_path, monkeypatch):
    kept = Checkpoints(tmp_path)
    for epochs in (1, 2):
        kept.save(checkpoint(epochs))
    before = {name: (tmp_path / name).read_bytes() for name in CHECKPOINTS}

    def refuse(path, content, *more):
        raise OutputError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_bytes", refuse)
        with pytest.raises(OutputError):
            kept.save(checkpoint(3))
    assert {name: (tmp_path / name).read_bytes() for name in CHECKPOINTS} == before
    kept.save(checkpoint(3))
    assert kept.newest()[0].place == (3, 0)


def test_a_folder_where_a_checkpoint_should_be(tmp_path):
    (tmp_path / CHECKPOINTS[0]).mkdir()
    found, (complaint,) = Checkpoints(tmp_path).newest()
    assert found is None
    assert complaint.startswith(f"cannot read {tmp_path / CHECKPOINTS[0]}: it is a folder, no file")


def test_equal_trainings_are_equal(few, small):
    one, other = (
        identity(Training(lenet.parse(small), few, Recipe(), 0, threads)) for threads in (1, 2)
    )
    assert one == other
    assert difference(one, other, "runs/x") is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("lenet", "0.0.1", ["lenet '0.0.1'", "install that version"]),
        ("engine", "native vax", ["engine 'native vax'", "LENET_ISA"]),
        ("network", "1x8x8 | dense 10", ["network '1x8x8 | dense 10'", "put that back"]),
        ("seed", 3, ["runs/x", "seed 3 and now has 0", "put that back"]),
        ("data", "?", ["other images or labels", "bring the same"]),
        ("start", "?", ["other weights", "bring the model"]),
        ("recipe", {**Recipe().to_dict(), "lr": 0.02}, ["lr = 0.02", "now says 0.01"]),
        ("recipe", {}, ["epochs = None", "recipe.toml now says 20"]),
    ],
)
def test_what_is_not_as_it_was_is_named(few, small, name, value, words):
    now = identity(Training(lenet.parse(small), few, Recipe(), 0, 1))
    found = difference({**now, name: value}, now, "runs/x") or ""
    assert [word for word in words if word not in found] == []


def test_a_recipe_under_its_former_names_is_the_same(few, small):
    now = identity(Training(lenet.parse(small), few, Recipe(), 0, 1))
    former = {**now["recipe"], "keep": "last", "balance": False, "clip": 0.0}
    for name in ("restore_best", "class_weight", "max_grad_norm"):
        del former[name]
    assert difference({**now, "recipe": former}, now, "runs/x") is None


def test_the_hash_knows_every_pixel_label_and_class(few):
    train, test = few.train, few.test
    pixel = train.images.copy()
    pixel[17, 0, 3, 3] ^= 1
    label = test.labels.copy()
    label[-1] = (label[-1] + 1) % 10
    others = [
        replace(few, train=Split(pixel, train.labels)),
        replace(few, test=Split(test.images, label)),
        replace(few, classes=(*few.classes[:9], "nine")),
        replace(few, validation=few.test),
        replace(few, test=None),
        replace(few, train=Split(train.images, train.labels, np.ones(300, np.float32))),
        replace(few, train=Split(train.images[:-1], train.labels[:-1])),
        replace(
            few,
            train=Split(train.images.reshape(300, 1, 4, 16), train.labels),
            test=Split(test.images.reshape(100, 1, 4, 16), test.labels),
        ),
    ]
    hashes = {data.fingerprint() for data in (few, *others)}
    assert len(hashes) == 1 + len(others)
    assert few.fingerprint() == replace(few, name="other").fingerprint()
    columns = Split(np.asfortranarray(train.images), train.labels)
    assert few.fingerprint() == replace(few, train=columns).fingerprint()


def test_the_hash_of_a_split_is_its_own(few):
    hashed = few.test.fingerprint()
    assert hashed == Split(few.test.images.copy(), few.test.labels).fingerprint()
    assert hashed != few.test.chosen(slice(None, None, -1)).fingerprint()
    assert hashed != few.train.fingerprint()


def test_hashes_are_those_that_stand_in_the_runs_of_earlier_versions(digits):
    assert digits.fingerprint() == (
        "9510e614be5f45fe30ba2546458b3e8d1e9f61c58bb260a18ae1c5843dafb543"
    )
    assert digits.test.fingerprint() == (
        "be5f9d0f7b5ad83c8736c7ed920ce6ebbc7d07e77aa9316ef0b28e34d699eb5c"
    )
