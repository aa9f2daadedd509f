"""Killed at any moment and resumed: the same weights, the same history, the same files.

A dozen kills; ``LENET_KILLS=200 pytest tests/training/test_resume.py`` is the full form.
"""

import csv
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import lenet
from lenet.run_folder import CHECKPOINTS, read_run
from lenet.trainer import run_training
from lenet.training import Recipe, Run, Training, loop, resume_run, run
from stopping import StopAt

KILLS = int(os.environ.get("LENET_KILLS", "12"))
NETWORK = "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 12 relu, dense 10"
#: Everything that keeps a state: a moving average, moments, the best weights, dropout by step.
EVERYTHING = Recipe(
    epochs=4,
    batch_size=100,
    optimizer="adamw",
    schedule="cosine",
    warmup_epochs=0.5,
    label_smoothing=0.1,
    dropout=0.2,
    max_grad_norm=1.0,
    ema_decay=0.9,
    class_weight="balanced",
    validation_fraction=0.1,
    restore_best=True,
    augment=lenet.Augmentation(shift=1, rotate=10, noise=5),
)

#: Writes a checkpoint whenever it could, so that many kills fall into the middle of a writing.
#: A life is a fork of a process that has everything imported, for speed.
SERVER = """
import os, sys, traceback
import lenet.reporting.results
from lenet.trainer import run_training
from lenet.training import loop, resume_run, run

run.WRITING_SHARE, loop.LOOK_SECONDS = 1e9, 0.0

def tell(*words):
    # In one piece that nothing divides, however Python buffers its output.
    os.write(1, f"{' '.join(map(str, words))}\\n".encode())

class Tells:
    def step(self, epoch, share):
        tell("step")
    def epoch(self, record): ...

def live(folder, threads):
    resumed = resume_run(folder, threads=int(threads), checkpoint_seconds=0.0)
    tell("at", *resumed.training.place, *resumed.notes)
    run_training(resumed.training, resumed.run, Tells())

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            live(*line.split())
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    tell("pid", child)
    tell("end", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def begin(folder, recipe):
    """A run of which nothing but its beginning is done."""
    training = Training(lenet.parse(NETWORK), lenet.load("digits"), recipe, 3, 1)
    run = Run(folder, {"source": "digits"})
    run.start(training)
    run.close()


class Lives:
    """Resumes a run in processes that are killed."""

    def __init__(self, server, folder, chance):
        self._server, self._folder, self._chance = server, folder, chance

    def live(self, steps, seconds=0.0):
        """One life of so many steps and then seconds; of None, to its end.

        Returns:
            Where it began: epochs and steps.
        """
        self._server.stdin.write(f"{self._folder} {self._chance.choice((1, 2, 3))}\n")
        self._server.stdin.flush()
        found = dict(self._line() for _ in range(2))
        for _ in range(steps or 0):
            assert self._line()[0] == "step"
        if steps is not None:
            time.sleep(seconds)
            os.kill(int(found["pid"]), signal.SIGKILL)
        while (line := self._line())[0] == "step":
            pass
        assert line == ("end", str(0 if steps is None else -signal.SIGKILL))
        place = found["at"].split()
        assert len(place) == 2, f"a damaged checkpoint: {place}"
        return tuple(map(int, place))

    def _line(self):
        what, _, rest = self._server.stdout.readline().strip().partition(" ")
        return what, rest


@pytest.fixture
def lives():
    """Makes :class:`Lives` of a folder."""
    line = [sys.executable, "-c", SERVER]
    with subprocess.Popen(line, stdin=-1, stdout=-1, text=True) as server:
        yield lambda folder, chance: Lives(server, folder, chance)
        server.stdin.close()


def history(folder):
    with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def assert_equal_runs(one, other):
    for name in ("last.safetensors", "best.safetensors"):
        assert (one / name).exists() == (other / name).exists()
        if (one / name).exists():
            assert (one / name).read_bytes() == (other / name).read_bytes()
    assert history(one) == history(other)
    assert (one / "signals.csv").read_text() == (other / "signals.csv").read_text()
    assert sorted(os.listdir(one)) == sorted(os.listdir(other))


def test_kills(tmp_path, lives):
    # More than all lives together can do, a step of half a millisecond taken for a quick one.
    recipe = EVERYTHING.replace(epochs=max(80, 4 * KILLS))
    lenet.train(NETWORK, "digits", recipe, seed=3, run=tmp_path / "whole")
    begin(tmp_path / "killed", recipe)
    chance = random.Random(KILLS)
    several = lives(tmp_path / "killed", chance)
    places = [several.live(chance.randrange(6), chance.uniform(0, 0.04)) for _ in range(KILLS)]
    assert places == sorted(places), "a resumed run never falls back"
    assert len(set(places)) > len(places) / 2
    places.append(several.live(None))
    print(f"{KILLS} kills; began at epoch, step: {places}")
    assert_equal_runs(tmp_path / "killed", tmp_path / "whole")


@pytest.fixture
def each_step(monkeypatch):
    """A look after each step, and a checkpoint at each look."""
    monkeypatch.setattr(loop, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(run, "WRITING_SHARE", 1e9)


RECIPES = {
    "everything": EVERYTHING.replace(epochs=2),
    "plain": Recipe(epochs=2, batch_size=100, optimizer="sgd", schedule="constant", lr=0.1),
    "momentum": Recipe(epochs=2, batch_size=100, optimizer="momentum", lr=0.05),
    "nesterov": Recipe(epochs=2, batch_size=100, optimizer="nesterov", lr=0.05, ema_decay=0.5),
    "patience": Recipe(
        epochs=6,
        batch_size=100,
        lr=0.1,
        schedule="constant",
        ema_decay=0.5,
        validation_fraction=0.3,
        patience=2,
        restore_best=True,
    ),
}


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("look", [1, 3, 5])
def test_stopped_at_each_step(few, tmp_path, each_step, name, look):
    recipe, network = RECIPES[name], "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 12 relu, dense 10"
    whole = lenet.train(network, few, recipe, run=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        lenet.train(network, few, recipe, run=tmp_path / "cut", callback=StopAt(look))
    model = lenet.resume(tmp_path / "cut", few)
    assert model.table.tobytes() == whole.table.tobytes()
    assert model.training == whole.training
    assert_equal_runs(tmp_path / "cut", tmp_path / "whole")


def test_the_last_look_of_all(few, tmp_path, each_step):
    """Every step is made, and the last epoch's record is not."""
    recipe = EVERYTHING.replace(epochs=2)
    whole = lenet.train(NETWORK, few, recipe)
    looks = 2 * Training(lenet.parse(NETWORK), few, recipe, 0, 1).steps
    with pytest.raises(KeyboardInterrupt):
        lenet.train(NETWORK, few, recipe, run=tmp_path / "cut", callback=StopAt(looks))
    resumed = resume_run(tmp_path / "cut", few)
    assert resumed.training.place == (1, looks // 2)
    model = run_training(resumed.training, resumed.run, None)
    assert model.table.tobytes() == whole.table.tobytes()


def test_a_model_of_a_run_that_stopped_within_an_epoch_is_what_its_figures_say(
    few, tmp_path, each_step
):
    recipe = EVERYTHING.replace(restore_best=False, calibrate=False)
    looks = Training(lenet.parse(NETWORK), few, recipe, 0, 1).steps
    with pytest.raises(KeyboardInterrupt):
        lenet.train(NETWORK, few, recipe, run=tmp_path / "cut", callback=StopAt(looks + 2))
    record = read_run(tmp_path / "cut")
    assert resume_run(tmp_path / "cut", few).training.place[0] == record.info["kept_epoch"] == 1
    model = lenet.Model.load(record.model)
    assert model.evaluate(few).accuracy == record.info["test_accuracy"]
    assert model.evaluate(few).loss == pytest.approx(record.kept["test_loss"])


def test_stopped_after_the_last_epoch(few, tmp_path):
    """The state is that of the end; the last epoch's signals are written by who goes on."""

    class Stop(StopAt):
        def epoch(self, record):
            if record.epoch == EVERYTHING.epochs:
                raise KeyboardInterrupt

    lenet.train(NETWORK, few, EVERYTHING, run=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        lenet.train(NETWORK, few, EVERYTHING, run=tmp_path / "cut", callback=Stop(0))
    lenet.resume(tmp_path / "cut", few)
    assert_equal_runs(tmp_path / "cut", tmp_path / "whole")


def test_stopped_again_and_again(few, tmp_path, each_step):
    whole = lenet.train(NETWORK, few, EVERYTHING, run=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        lenet.train(NETWORK, few, EVERYTHING, run=tmp_path / "cut", callback=StopAt(2))
    for _ in range(30):
        try:
            model = lenet.resume(tmp_path / "cut", few, callback=StopAt(2))
            break
        except KeyboardInterrupt:
            pass
    assert np.array_equal(model.table, whole.table)
    assert_equal_runs(tmp_path / "cut", tmp_path / "whole")
    info = read_run(tmp_path / "cut").info
    assert info["status"] == "finished"
    assert len(info["resumed"]) > 1


def test_one_of_them_stops_early(few):
    recipe = RECIPES["patience"]
    whole = lenet.train(NETWORK, few, recipe)
    done = len(whole.training["epochs"])
    assert whole.training["stopped_early"]
    assert done < recipe.epochs
    assert whole.training["kept_epoch"] == done - recipe.patience


@pytest.mark.parametrize("offset", [0, 7, 8, 100, 600, 5000, -1, -3000])
@pytest.mark.parametrize("way", ["cut", "changed"])
def test_a_torn_checkpoint_is_told_and_the_one_before_is_taken(
    few, tmp_path, each_step, offset, way
):
    whole = lenet.train(NETWORK, few, EVERYTHING)
    with pytest.raises(KeyboardInterrupt):
        lenet.train(NETWORK, few, EVERYTHING, run=tmp_path / "a", callback=StopAt(5))
    torn = newest(tmp_path / "a")
    content = bytearray(torn.read_bytes())
    if way == "cut":
        content = content[:offset]
    else:
        content[offset] ^= 0x10
    torn.write_bytes(content)
    resumed = resume_run(tmp_path / "a", few)
    (note,) = resumed.notes
    assert note.startswith(f"{torn} is no intact checkpoint: ")
    assert note.endswith(" going on after epoch 1.")
    model = run_training(resumed.training, resumed.run, None)
    assert model.table.tobytes() == whole.table.tobytes()


def newest(folder):
    return max((folder / name for name in CHECKPOINTS), key=lambda path: path.stat().st_mtime_ns)


def test_no_intact_checkpoint_at_all_begins_anew(few, tmp_path, each_step):
    whole = lenet.train(NETWORK, few, EVERYTHING)
    with pytest.raises(KeyboardInterrupt):
        lenet.train(NETWORK, few, EVERYTHING, run=tmp_path / "a", callback=StopAt(5))
    for name in CHECKPOINTS:
        (tmp_path / "a" / name).write_bytes(b"nonsense")
    resumed = resume_run(tmp_path / "a", few)
    assert [note.partition("; ")[2] for note in resumed.notes] == ["going on at its start."] * 2
    model = run_training(resumed.training, resumed.run, None)
    assert model.table.tobytes() == whole.table.tobytes()
