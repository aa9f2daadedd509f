"""The command line as a person meets it: in an empty folder, with exit status, stdout, stderr."""

import io
import os
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

import lenet
from lenet.cli.main import main


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The empty folder that the commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command(here, capsys):
    """Runs ``lenet`` in this process."""

    def run(*arguments):
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Outcome(status, captured.out, captured.err)

    return run


def tree(folder):
    """Everything in a folder and below, with sizes."""
    return {(str(path), path.stat().st_size) for path in folder.rglob("*")}


@pytest.fixture
def refused(command, here):
    """Runs ``lenet`` and holds that it refuses: one sentence, and not a trace of it on the disk."""

    def run(arguments, status, *words):
        before = tree(here)
        found = command(*arguments)
        assert (found.status, found.out) == (status, "")
        assert found.err.startswith("lenet: ")
        sentence, *more = found.err.removesuffix("\n").split("\n")
        # One sentence; a network that cannot be read shows the place with an arrow, and one that
        # does not fit shows what would make it fit.
        misfit = any("each was tried" in line for line in more)
        arrow = len(more) == 2 and more[1].strip() == "^"
        assert misfit or ((not more or arrow) and sentence.endswith((".", "?")))
        text = " ".join(found.err.split())
        for word in words:
            assert " ".join(word.split()) in text
        assert tree(here) == before, "something was left behind"
        return found.err

    return run


@pytest.fixture
def process(here):
    """Runs ``lenet`` as a process of its own."""

    def run(*arguments, **settings):
        environment = {**os.environ, **settings.pop("env", {})}
        settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **settings}
        line = [sys.executable, "-m", "lenet", *map(str, arguments)]
        done = subprocess.run(
            line, cwd=here, env=environment, text=True, timeout=60, check=False, **settings
        )
        return Outcome(done.returncode, done.stdout or "", done.stderr or "")

    return run


@pytest.fixture(scope="session")
def trained_bytes(tmp_path_factory):
    """A model file that knows the digits somewhat."""
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    network = "1x8x8 | conv 8 k3 relu, maxpool 2 | dense 10"
    return lenet.train(network, "digits", lenet.recipe(epochs=5)).save(path).read_bytes()


@pytest.fixture
def model(here, trained_bytes):
    """The name of that file, in the folder that the commands run in."""
    (here / "m.safetensors").write_bytes(trained_bytes)
    return "m.safetensors"


def idx_bytes(array, magic=None):
    """An IDX file of unsigned bytes."""
    header = magic or bytes([0, 0, 8, array.ndim])
    return header + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


@pytest.fixture
def idx_folder(here):
    """A tiny MNIST in ./data: 20 random images to train on, 10 to test on."""
    folder = here / "data"
    folder.mkdir()
    pixels = np.random.default_rng(0)
    for part, count in (("train", 20), ("t10k", 10)):
        images = pixels.integers(0, 256, (count, 28, 28)).astype(np.uint8)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        labels = (np.arange(count) % 10).astype(np.uint8)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    return folder


@pytest.fixture
def picture_bytes():
    """Makes a PNG picture, of one colour."""

    def make(mode="L", size=(8, 8), colour=0):
        from PIL import Image

        with io.BytesIO() as buffer:
            Image.new(mode, size, colour).save(buffer, "png")
            return buffer.getvalue()

    return make
