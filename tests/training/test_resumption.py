"""Going on with a run: what is refused, what is said, and what needs no doing."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import lenet
from digit_pictures import write_digits
from lenet.data import Dataset, Split
from lenet.errors import DataError, DivergenceError, ModelFileError, OutputError, UsageError
from lenet.run_folder import CHECKPOINTS, read_run
from lenet.trainer import run_training
from lenet.training import Recipe, Run, loop, resume_run
from lenet.training.checkpoint import Checkpoint
from refusals import refused
from stopping import Stop, StopAt

QUICK = Recipe(epochs=3, batch_size=100)


@pytest.fixture(scope="module")
def stopped(few, tmp_path_factory):
    """A run that was stopped, one step into its second epoch."""
    folder = tmp_path_factory.mktemp("runs") / "stopped"
    network = "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "LOOK_SECONDS", 0.0)
        with pytest.raises(KeyboardInterrupt):
            lenet.train(network, few, QUICK, run=folder, callback=Stop())
    return folder


@pytest.fixture
def cut(stopped, tmp_path):
    """A copy of it, to be changed."""
    return shutil.copytree(stopped, tmp_path / "cut")


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_goes_on(few, small, cut):
    whole = lenet.train(small, few, QUICK)
    model = lenet.resume(cut, few, threads=2)
    assert model.table.tobytes() == whole.table.tobytes()
    info = read_run(cut).info
    assert info["status"] == "finished"
    assert len(info["resumed"]) == 1
    assert not [name for name in os.listdir(cut) if "checkpoint" in name or name[0] == "."]


def test_a_finished_run_is_only_loaded(few, cut):
    model = lenet.resume(cut, few)
    before = {path: path.stat().st_mtime_ns for path in cut.iterdir()}
    again = lenet.resume(cut)
    assert again.table.tobytes() == model.table.tobytes()
    assert again.training == model.training
    assert {path: path.stat().st_mtime_ns for path in cut.iterdir()} == before


def test_the_best_of_a_finished_run_is_loaded(few, small, tmp_path):
    recipe = Recipe(
        epochs=3, lr=0.3, schedule="constant", validation_fraction=0.3, restore_best=True
    )
    model = lenet.train(small, few, recipe, run=tmp_path / "a")
    assert lenet.resume(tmp_path / "a").table.tobytes() == model.table.tobytes()


def test_the_data_are_found_again_by_name(small, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        lenet.train(small, "digits", QUICK, run=tmp_path / "a", callback=Stop())
    assert len(lenet.resume(tmp_path / "a").training["epochs"]) == 3


def test_pictures_that_have_moved(tmp_path):
    write_digits(tmp_path / "here", {"2": 20, "3": 20}, scale=2)
    whole = lenet.train("lenet-relu", tmp_path / "here", QUICK, run=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        lenet.train("lenet-relu", tmp_path / "here", QUICK, run=tmp_path / "a", callback=Stop())
    (tmp_path / "here").rename(tmp_path / "there")
    with refused(UsageError, "say where they are"):
        lenet.resume(tmp_path / "a")
    model = lenet.resume(tmp_path / "a", tmp_path / "there")
    assert model.table.tobytes() == whole.table.tobytes()
    one, other = ((tmp_path / name / "last.safetensors").read_bytes() for name in ("whole", "a"))
    assert one == other


def test_pictures_that_have_moved_are_read_as_before(tmp_path):
    """At the size that a network of one's own takes."""
    write_digits(tmp_path / "here", {"2": 20, "3": 20}, scale=2)
    network = "1x12x10 | conv 4 k3 relu | dense 2"
    whole = lenet.train(network, tmp_path / "here", QUICK)
    with pytest.raises(KeyboardInterrupt):
        lenet.train(network, tmp_path / "here", QUICK, run=tmp_path / "a", callback=Stop())
    (tmp_path / "here").rename(tmp_path / "there")
    model = lenet.resume(tmp_path / "a", tmp_path / "there")
    assert model.table.tobytes() == whole.table.tobytes()


def test_data_without_a_name_must_be_given(cut):
    with refused(UsageError, "where its data are"):
        lenet.resume(cut)


def test_other_data_are_refused(few, cut):
    images = few.train.images.copy()
    images[0, 0, 0, 0] ^= 1
    other = Dataset("few", Split(images, few.train.labels), few.test, few.classes)
    with refused(UsageError, "other images or labels"):
        lenet.resume(cut, other)
    lenet.resume(cut, few)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        (
            "recipe.toml",
            "lr = 0.01",
            "lr = 0.02",
            "with lr = 0.01 and its recipe.toml now says 0.0",
        ),
        ("recipe.toml", "dense 10", "dense 12 relu, dense 10", "was begun with network '1x8x8"),
        ("recipe.toml", "epochs = 3", "epochs = 'x'", "recipe.toml: epochs is 'x'"),
        ("recipe.toml", "epochs = 3", "epochs =", "cannot read the recipe"),
        ("run.json", '"lenet": "', '"lenet": "9', "was begun with lenet '9"),
        ("run.json", '"seed": 0', '"seed": 1', "was begun with seed 0 and now has 1"),
        ("run.json", '"data_hash"', '"hash"', "lacks 'data_hash'); begin a new run with --recipe"),
        ("run.json", '"interrupted"', '"diverged"', "diverged, and would again; begin a new run"),
    ],
)
def test_what_was_changed_is_refused_and_named(few, cut, name, old, new, words):
    change(cut / name, old, new)
    before = {path.name: path.read_bytes() for path in cut.iterdir()}
    with pytest.raises(UsageError) as caught:
        lenet.resume(cut, few)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {path.name: path.read_bytes() for path in cut.iterdir()} == before


def test_a_checkpoint_of_another_run_is_refused(few, cut, small, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        lenet.train(small, few, QUICK, seed=5, run=tmp_path / "b", callback=Stop())
    shutil.copy(tmp_path / "b" / "checkpoint-1.safetensors", cut)
    with refused(UsageError, "seed 5"):
        lenet.resume(cut, few)


def test_without_any_checkpoint_it_begins_anew(few, small, cut):
    for path in cut.glob("checkpoint*"):
        path.unlink()
    whole = lenet.train(small, few, QUICK)
    assert lenet.resume(cut, few).table.tobytes() == whole.table.tobytes()


def test_what_a_killed_writing_left_is_cleared_away(few, cut):
    for name in (".run.json.abc", ".checkpoint-1.safetensors.x_y", ".last.safetensors.1", ".mine"):
        (cut / name).write_bytes(b"half")
    lenet.resume(cut, few)
    assert [name for name in os.listdir(cut) if name.startswith(".")] == [".mine"]


def test_a_diverged_run_is_refused(few, small, tmp_path):
    wild = Recipe(epochs=3, batch_size=50, optimizer="sgd", schedule="constant", lr=1e20)
    with pytest.raises(DivergenceError):
        lenet.train(small, few, wild, run=tmp_path / "a")
    with refused(UsageError, "would again"):
        lenet.resume(tmp_path / "a", few)


def test_it_diverges_where_it_would_have(few, small, tmp_path):
    """Resumed in the middle of the epoch in which it diverges: the same place, the same weights."""
    wild = Recipe(
        epochs=3, batch_size=10, optimizer="momentum", schedule="constant", lr=2e3, ema_decay=0.5
    )
    with pytest.raises(DivergenceError) as first:
        lenet.train(small, few, wild, run=tmp_path / "a")
    with pytest.raises(KeyboardInterrupt):
        lenet.train(small, few, wild, run=tmp_path / "b", callback=StopAt(1))
    with pytest.raises(DivergenceError) as second:
        lenet.resume(tmp_path / "b", few)
    assert str(first.value) == str(second.value)
    one, other = ((tmp_path / name / "last.safetensors").read_bytes() for name in "ab")
    assert one == other


@pytest.mark.parametrize("name", ["nowhere", "file", "empty", "zero\0byte"])
def test_folders_that_hold_no_run(tmp_path, name):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises((UsageError, DataError)) as caught:
        lenet.resume(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert sorted(os.listdir(tmp_path)) == ["empty", "file"]
    assert os.listdir(tmp_path / "empty") == []


def test_a_pipe_keeps_nobody_waiting(few, cut):
    for name in ("run.json", "checkpoint-1.safetensors"):
        (cut / name).rename(cut / "kept")
        os.mkfifo(cut / name)
        if name == "run.json":
            with refused(UsageError, "no run"):
                lenet.resume(cut, few)
            (cut / "kept").replace(cut / name)
    with refused(OutputError, name, "no file; remove it"):  # it would be waited for in the end
        lenet.resume(cut, few)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b"[" * 100_000, b"null"])
def test_a_damaged_run_json(few, cut, content):
    (cut / "run.json").write_bytes(content)
    with refused(DataError, "damaged"):
        lenet.resume(cut, few)


@pytest.mark.parametrize("key", ["machine", "recipe", "arguments", "started", "network"])
@pytest.mark.parametrize("value", [None, 3, "x", []])
def test_strange_values_in_a_run_json(few, cut, key, value):
    info = json.loads((cut / "run.json").read_text())
    info[key] = value
    (cut / "run.json").write_text(json.dumps(info))
    try:
        lenet.resume(cut, few)
    except (UsageError, DataError) as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_a_folder_in_use_is_refused(few, cut):
    run = Run.reopen(cut)
    with refused(UsageError, "in use"):
        lenet.resume(cut, few)
    run.close()
    lenet.resume(cut, few)


def test_a_refusal_lets_others_in(few, cut):
    with pytest.raises(UsageError):
        lenet.resume(cut)
    lenet.resume(cut, few)


SLOW = """
import sys, time, lenet
class Slow:
    def step(self, epoch, share):
        print("step", flush=True)
        time.sleep(60)
    def epoch(self, record): ...
lenet.train("1x8x8 | dense 10", "digits", lenet.recipe(epochs=1), run=sys.argv[1], callback=Slow())
"""


def test_a_training_in_another_process_is_left_alone(tmp_path):
    line = [sys.executable, "-c", SLOW, str(tmp_path / "a")]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "step\n"
        with refused(UsageError, "in use"):
            lenet.resume(tmp_path / "a")
        process.kill()
    assert read_run(tmp_path / "a").info["status"] == "running"
    assert lenet.resume(tmp_path / "a").training["status"] == "finished"


def test_the_place_is_known_before_it_goes_on(few, cut):
    resumed = resume_run(cut, few)
    assert resumed.training.place == (1, 1)
    assert resumed.notes == []
    model = run_training(resumed.training, resumed.run, None)
    assert np.isfinite(model.table).all()


def change_checkpoints(folder, progress, tensors):
    """Write checkpoints anew, with checksums that fit."""
    for name in CHECKPOINTS:
        if (path := folder / name).exists():
            found = Checkpoint.from_bytes(path.read_bytes(), path)
            progress = {**found.progress, **progress} if isinstance(progress, dict) else progress
            tensors = {**found.tensors, **tensors}
            path.write_bytes(Checkpoint(tensors, progress, found.identity).to_bytes())


@pytest.mark.parametrize(
    ("progress", "tensors"),
    [
        *(({name: value}, {}) for name in ("correct", "seconds") for value in ("x", None, [1])),
        *(({name: value}, {}) for name in ("steps", "epochs") for value in (1.5, 7)),
        *(({"seconds": value}, {}) for value in (10**400, float("nan"))),
        *(({"history": value}, {}) for value in (5, [5], [{}], [{"epoch": 1}])),
        *(({}, {name: np.zeros(3, np.int64)}) for name in ("losses", "table", "state", "model")),
        ({}, {"evil": np.zeros(1)}),
    ],
)
def test_a_checkpoint_that_is_intact_and_nonsense(few, cut, progress, tensors):
    change_checkpoints(cut, progress, tensors)
    with refused(ModelFileError, "does not fit its network"):
        lenet.resume(cut, few)


@pytest.mark.parametrize("progress", [[1], "x", {"steps": None}, {"epochs": "x"}, {"epochs": -1}])
def test_a_checkpoint_that_counts_nothing_is_none(few, small, cut, progress):
    change_checkpoints(cut, progress, {})
    found = resume_run(cut, few)
    assert found.notes
    assert all("is no intact checkpoint" in note for note in found.notes)
    model = run_training(found.training, found.run, None)
    assert model.table.tobytes() == lenet.train(small, few, QUICK).table.tobytes()
