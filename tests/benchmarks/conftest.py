"""The scripts in benchmarks/ as modules; each finds its neighbours, as when it is started."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="session")
def folder():
    return FOLDER


@pytest.fixture(scope="session")
def load():
    """Imports a script by its name."""
    sys.path.insert(0, str(FOLDER))
    yield import_module
    sys.path.remove(str(FOLDER))


@pytest.fixture(scope="session")
def run(load):
    return load("run")


@pytest.fixture(scope="session")
def grid(load):
    return load("grid")


@pytest.fixture(scope="session")
def plain_pytorch(load):
    pytest.importorskip("torch")
    return load("plain_pytorch")
