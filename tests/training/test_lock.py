"""One process at a time; and a dead one locks nobody out."""

import os
import signal
import subprocess
import sys

import pytest
from lenet.training.lock import NAME, Lock

from lenet.errors import OutputError, UsageError

HOLD = """
import sys, time
from pathlib import Path
from lenet.training.lock import Lock
lock = Lock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_held_and_released(tmp_path):
    lock = Lock(tmp_path)
    with pytest.raises(UsageError, match=r"is in use by another process that trains it; wait"):
        Lock(tmp_path)
    lock.release()
    lock.release()
    assert os.listdir(tmp_path) == []
    Lock(tmp_path).release()


def test_it_ends_with_the_process(tmp_path):
    line = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match="is in use by another process"):
            Lock(tmp_path)
        process.send_signal(signal.SIGKILL)
    assert os.listdir(tmp_path) == [NAME]
    Lock(tmp_path).release()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("folder", ["nowhere", "file", "/proc"])
def test_a_place_that_cannot_be_written(tmp_path, folder):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write .*\.lock: .*; make the run's folder"):
        Lock(tmp_path / folder)


def test_the_lock_of_one_who_has_just_left(tmp_path, monkeypatch):
    """Another process takes its file away between our opening and our locking it."""
    from lenet.training import lock

    once = [True]

    def late(file):
        if once:
            once.clear()
            (tmp_path / NAME).unlink()
        return True

    monkeypatch.setattr(lock, "_lock", late)
    held = Lock(tmp_path)
    assert (tmp_path / NAME).exists()
    held.release()
