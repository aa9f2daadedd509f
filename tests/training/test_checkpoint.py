"""Checkpoints: all of it comes back, and nothing that is not all of it."""

import os
import random

import numpy as np
import pytest

from lenet import files
from lenet.errors import ModelFileError, OutputError
from lenet.training.checkpoint import NAMES, Checkpoint, Checkpoints

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
    assert sorted(os.listdir(tmp_path)) == sorted(NAMES)
    kept.remove()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("torn", [0, 1])
def test_going_on_writes_over_the_older_or_the_torn_one(tmp_path, torn):
    kept = Checkpoints(tmp_path)
    for epochs in (1, 2):
        kept.save(checkpoint(epochs))
    (tmp_path / NAMES[torn]).write_bytes(b"torn")
    again = Checkpoints(tmp_path)
    found, complaints = again.newest()
    assert found.place == (2 - torn, 0)
    assert complaints == [
        f"{tmp_path / NAMES[torn]} is no intact checkpoint: it is cut or changed."
    ]
    again.save(checkpoint(9))
    both = [Checkpoint.from_bytes((tmp_path / name).read_bytes(), tmp_path) for name in NAMES]
    assert sorted(each.place[0] for each in both) == [2 - torn, 9]


def test_every_cut_and_every_changed_byte_is_noticed(tmp_path):
    content, chance = checkpoint(1).to_bytes(), random.Random(0)
    for _ in range(300):
        place = chance.randrange(len(content))
        changed = bytearray(content)
        changed[place] ^= 1 << chance.randrange(8)
        for damaged in (content[:place], bytes(changed), content + b"x"):
            with pytest.raises(ModelFileError, match=r"is no intact checkpoint: it(s| is) .*\.$"):
                Checkpoint.from_bytes(damaged, tmp_path)


@pytest.mark.parametrize("content", [b"", b"\0" * 8, b"\xff" * 100, b"\2\0\0\0\0\0\0\0{}"])
def test_other_files(tmp_path, content):
    with pytest.raises(ModelFileError, match="it is cut or changed"):
        Checkpoint.from_bytes(content, tmp_path)


def test_a_model_is_no_checkpoint(tmp_path, few, small):
    import lenet

    path = lenet.train(small, few, lenet.recipe(epochs=1)).save(tmp_path / "m.safetensors")
    with pytest.raises(ModelFileError, match="is no intact checkpoint"):
        Checkpoint.from_bytes(path.read_bytes(), path)


def test_a_writing_that_fails_leaves_both(tmp_path, monkeypatch):
    kept = Checkpoints(tmp_path)
    for epochs in (1, 2):
        kept.save(checkpoint(epochs))
    before = {name: (tmp_path / name).read_bytes() for name in NAMES}

    def refuse(path, content, *more):
        raise OutputError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_bytes", refuse)
        with pytest.raises(OutputError):
            kept.save(checkpoint(3))
    assert {name: (tmp_path / name).read_bytes() for name in NAMES} == before
    kept.save(checkpoint(3))
    assert kept.newest()[0].place == (3, 0)


def test_a_folder_where_a_checkpoint_should_be(tmp_path):
    (tmp_path / NAMES[0]).mkdir()
    found, (complaint,) = Checkpoints(tmp_path).newest()
    assert found is None
    assert complaint.startswith(f"cannot read {tmp_path / NAMES[0]}: it is no regular file")
