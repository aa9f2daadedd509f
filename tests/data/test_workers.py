"""Work in threads and in processes is the same work, in the same order, whatever happens."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

import lenet
from lenet.data import workers
from lenet.data.pictures import Fault
from lenet.data.unlabelled import read_unlabelled
from lenet.data.workers import in_order


@pytest.fixture(autouse=True)
def processors(monkeypatch):
    """Two, of which processes make use at once; they find this file as pytest did."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2])
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(workers, "_FEW", 2)


@pytest.fixture
def started(monkeypatch):
    """The processes that are started."""
    found: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments, **how):
            super().__init__(*arguments, **how)
            found.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    return found


def power(exponent: int, number: int) -> int:
    return int(number**exponent)


def where(number: int) -> tuple[int, int | None]:
    return os.getpid(), Image.MAX_IMAGE_PIXELS


def fatal(home: int, number: int) -> int:
    """Be killed, wherever that is not the process that asks."""
    if os.getpid() != home and number % 100 == 99:
        os.kill(os.getpid(), signal.SIGKILL)
    return -number


def refused(number: int) -> int:
    if number == 700:
        raise MemoryError
    return number


def test_everything_is_done_in_order(started):
    assert list(in_order(partial(power, 2), range(1000))) == [n * n for n in range(1000)]
    assert len(started) == 2
    assert all(process.returncode == 0 for process in started)
    assert not list(in_order(partial(power, 2), []))


def test_code_in_the_folder_of_the_data_is_not_run(started, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "json.py").write_text("open('run', 'w')")
    assert list(in_order(partial(power, 1), range(1000))) == list(range(1000))
    assert started
    assert not (tmp_path / "run").exists()


def test_processes_do_it_as_this_one_would(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 12_345)
    found = list(in_order(where, range(1000)))
    assert {limit for _, limit in found} == {12_345}
    assert {process for process, _ in found[:64]} == {os.getpid()}
    assert os.getpid() not in {process for process, _ in found[64:]}


def test_a_process_that_dies_is_not_missed(started):
    home = os.getpid()
    assert list(in_order(partial(fatal, home), range(1000))) == [-n for n in range(1000)]
    assert -signal.SIGKILL in {process.returncode for process in started}


def test_what_cannot_be_sent_is_done_here(monkeypatch):
    assert list(in_order(lambda n: -n, range(300))) == [-n for n in range(300)]
    monkeypatch.setattr(sys, "executable", None)
    assert list(in_order(partial(power, 1), range(300))) == list(range(300))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert list(in_order(partial(power, 1), range(300))) == list(range(300))


def test_pictures_come_back_as_they_are_here(tmp_path, started, monkeypatch):
    """Faults, arrays and all that a file's work is given go to a process and back."""
    for number in range(200):
        Image.new("L", (8, 8), number).save(tmp_path / f"{number}.png")
    (tmp_path / "60.png").write_bytes(b"no picture")
    seen = lenet.Preprocessing((1, 28, 28), (0.1,), (0.3,), polarity="dark", box=20)

    def read():
        found = list(read_unlabelled([tmp_path], seen))
        return [f if isinstance(f, Fault) else (f.names, f.images.tobytes(), f.done) for f in found]

    there = read()
    assert len(started) == 2
    assert all(process.returncode == 0 for process in started)
    monkeypatch.setattr(workers, "_FEW", 10**9)
    assert read() == there
    assert [f.path for f in there if isinstance(f, Fault)] == [str(tmp_path / "60.png")]


def test_nothing_but_data_is_made_of_a_message():
    for module, name in (("os", "system"), ("lenet.data.workers", "serve"), ("builtins", "eval")):
        line = json.dumps({"made": ["1"], "module": module, "name": name}).encode() + b"\n"
        with pytest.raises(ValueError, match="dataclasses"):
            workers._read(io.BytesIO(line))


def test_an_error_is_the_same_as_here():
    with pytest.raises(MemoryError):
        list(in_order(refused, range(1000)))


def test_only_a_few_are_worked_on_ahead():
    """So that thousands of pictures need no more memory than dozens."""
    begun = []

    def work(number):
        begun.append(number)
        return -number

    found = in_order(work, range(20_000))
    assert [next(found) for _ in range(3)] == [0, -1, -2]
    assert len(begun) <= 11 * 32
    assert list(found) == [-number for number in range(3, 20_000)]


def test_who_stops_early_leaves_no_process(started):
    found = in_order(partial(power, 2), range(100_000))
    assert [next(found) for _ in range(2000)][-1] == 1999**2
    found.close()
    assert len(started) == 2
    assert all(process.returncode is not None for process in started)


def test_a_script_is_not_run_again(tmp_path):
    """A process of multiprocessing would begin with the script that asks for it."""
    script = tmp_path / "script.py"
    script.write_text(
        "import os\nfrom lenet.data import workers\nworkers._FEW = 1\nprint('once')\n"
        "os.cpu_count = lambda: 2\nprint(sum(workers.in_order(abs, range(1000))))\n"
    )
    line = [sys.executable, str(script)]
    done = subprocess.run(line, check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("once\n499500\n", "")
