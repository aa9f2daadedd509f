"""A process killed before each single thing that it does to its run's folder, in turn: whoever goes
on then gets the very files of a run that was never killed."""

import json
import os
import re

import pytest

import lenet
from lenet.run_folder import HISTORY, INFO, PAGE, is_run, read_run
from lenet.training import Recipe, loop, run

NETWORK = "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10"
RECIPE = Recipe(epochs=2, batch_size=150, validation_fraction=0.2, restore_best=True)
#: What changes a folder; what a file holds before it has its name is read by nobody.
CALLS = ("mkdir", "rmdir", "open", "replace", "unlink")
#: The figures that depend on the clock: how long it took. When it began is always the same here.
SECONDS = re.compile(rb"(?<=<dt>seconds of training, 2 epochs</dt><dd>)[\d.]+")


class Death:
    """Ends the process, without any good-bye, before the given of its calls in a folder."""

    def __init__(self, folder, place):
        self._folder, self._left = os.path.abspath(folder), place
        for name in CALLS:
            setattr(os, name, self._guarded(getattr(os, name)))

    def _guarded(self, call):
        def guarded(path, *rest, **named):
            writes = call.__name__ != "open" or rest[0] & os.O_CREAT
            if writes and os.path.abspath(os.fspath(path)).startswith(self._folder):
                self._left -= 1
                if self._left == 0:
                    os._exit(9)
            return call(path, *rest, **named)

        return guarded


def lives(folder, data, place):
    """Let a child begin or go on, and kill it at a place; return whether it was done before."""
    child = os.fork()
    if child == 0:
        try:
            Death(folder, place)
            go_on(folder, data)
        except BaseException:
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9)
    return status == 0


def go_on(folder, data):
    if is_run(folder):
        lenet.resume(folder, data, threads=1, checkpoint_seconds=0.0)
    else:
        lenet.train(start(), data, RECIPE, run=folder, threads=1, checkpoint_seconds=0.0)


def start():
    """A model to train further: one more file that is written before a run begins."""
    return lenet.Model(NETWORK).initialize("kaiming", 1)


def contents(folder):
    """Every file, but for what depends on the clock, and on how often it was resumed."""
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    info = json.loads(found[INFO])
    for values in (info, *info["epochs"]):
        for name in ("resumed", "train_seconds", "seconds"):
            values.pop(name, None)
    found[INFO] = info
    place = found[HISTORY].splitlines()[0].split(b",").index(b"seconds")
    rows = [line.split(b",") for line in found[HISTORY].splitlines()]
    found[HISTORY] = [row[:place] + row[place + 1 :] for row in rows]
    found[PAGE] = SECONDS.sub(b"", found[PAGE])
    return found


@pytest.fixture
def whole(few, tmp_path, monkeypatch):
    """What an unkilled run leaves, with a checkpoint at every step."""
    monkeypatch.setattr(loop, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(run, "WRITING_SHARE", 1e9)
    monkeypatch.setattr(run, "_now", lambda: "2026-01-01T00:00:00+00:00")
    folder = tmp_path / "whole" / "a"
    folder.parent.mkdir()
    monkeypatch.chdir(folder.parent)
    lenet.train(start(), few, RECIPE, run="a", threads=1, checkpoint_seconds=0.0)
    return contents(folder)


def test_killed_before_each_call(few, tmp_path, whole, monkeypatch):
    place, is_done = 0, False
    while not is_done:
        place += 1
        home = tmp_path / f"killed-{place}"
        home.mkdir()
        monkeypatch.chdir(home)
        is_done = lives("a", few, place)
        go_on("a", few)
        assert contents(home / "a") == whole, place
        assert read_run("a").is_complete
    assert place > 40


def test_killed_again_and_again(few, tmp_path, whole, monkeypatch):
    """Each life comes a little further than the one before, and is killed."""
    home = tmp_path / "killed"
    home.mkdir()
    monkeypatch.chdir(home)
    done = [lives("a", few, place) for place in range(1, 41)]
    assert done.index(True) > 10
    assert contents(home / "a") == whole
    assert read_run("a").is_complete
