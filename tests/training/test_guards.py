"""One process at a time, and a dead one locks nobody out; Ctrl-C waits for a whole state."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from lenet.errors import OutputError, UsageError
from lenet.run_folder import LOCK
from lenet.training import guards
from lenet.training.guards import DelayedInterrupt, FolderLock
from refusals import refused

HOLD = """
import sys, time
from pathlib import Path
from lenet.training.guards import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_held_and_released(tmp_path):
    lock = FolderLock(tmp_path)
    with refused(UsageError, "in use"):
        FolderLock(tmp_path)
    lock.release()
    lock.release()
    assert os.listdir(tmp_path) == []
    FolderLock(tmp_path).release()


def test_it_ends_with_the_process(tmp_path):
    line = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with refused(UsageError, "in use"):
            FolderLock(tmp_path)
        process.send_signal(signal.SIGKILL)
    assert os.listdir(tmp_path) == [LOCK]
    FolderLock(tmp_path).release()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("folder", ["nowhere", "file", "/proc"])
def test_a_place_that_cannot_be_written(tmp_path, folder):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"\.lock"):
        FolderLock(tmp_path / folder)


def test_the_lock_of_one_who_has_just_left(tmp_path, monkeypatch):
    """Another process takes its file away between our opening and our locking it."""
    once = [True]

    def late(file):
        if once:
            once.clear()
            (tmp_path / LOCK).unlink()
        return True

    monkeypatch.setattr(guards.files, "lock", late)
    held = FolderLock(tmp_path)
    assert (tmp_path / LOCK).exists()
    held.release()


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_waits_and_the_second_does_not():
    with DelayedInterrupt() as interrupts:
        interrupts.check()
        ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
        interrupts.check()
        ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            ctrl_c()
        interrupts.check()


def test_one_at_the_very_end_is_not_lost():
    with pytest.raises(KeyboardInterrupt), DelayedInterrupt():
        ctrl_c()


def test_afterwards_all_is_as_before():
    before = signal.getsignal(signal.SIGINT)
    with DelayedInterrupt():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) is before


def test_it_goes_to_whom_it_was_meant_for():
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        with DelayedInterrupt() as interrupts:
            ctrl_c()
            assert heard == []
            interrupts.check()
            interrupts.check()
            assert heard == [1]
    finally:
        signal.signal(signal.SIGINT, before)


def test_where_it_is_switched_off_it_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with DelayedInterrupt() as interrupts:
            ctrl_c()
            interrupts.check()
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread():
    errors = []

    def use():
        try:
            with DelayedInterrupt() as interrupts:
                interrupts.check()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert not errors
