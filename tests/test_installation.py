"""What this installation is made of."""

import json

import pytest

import lenet
from lenet.engine import native
from lenet.errors import EngineError

FIELDS = {
    "lenet",
    "python",
    "numpy",
    "system",
    "processor",
    "processors",
    "engine",
    "instruction_sets",
    "threads",
    "cache",
    "data",
}


def test_fields(monkeypatch):
    monkeypatch.delenv("LENET_DATA", raising=False)
    found = lenet.checks()
    assert set(found) == FIELDS
    assert json.loads(json.dumps(found)) == found
    assert found["lenet"] == lenet.__version__
    assert found["data"] is None
    assert 1 <= found["threads"] <= found["processors"]


def test_the_engine_is_the_one_that_trains(monkeypatch):
    monkeypatch.delenv("LENET_ENGINE", raising=False)
    monkeypatch.delenv("LENET_ISA", raising=False)
    found = lenet.checks()
    assert found["engine"] == f"native {found['instruction_sets'][0]}"
    assert "baseline" in found["instruction_sets"]
    monkeypatch.setenv("LENET_ISA", "baseline")
    assert lenet.checks()["engine"] == "native baseline"
    monkeypatch.setenv("LENET_ENGINE", "reference")
    assert lenet.checks()["engine"] == "reference"


@pytest.mark.parametrize("name", ["LENET_ISA", "LENET_ENGINE"])
def test_a_setting_that_cannot_be_is_told(monkeypatch, name):
    monkeypatch.setenv(name, "nonsense")
    engine = lenet.checks()["engine"]
    assert "'nonsense'" in engine
    assert "baseline" in engine or "reference" in engine


def test_without_the_extension(monkeypatch):
    def fail():
        raise EngineError("the native engine cannot be loaded")

    monkeypatch.setattr(native, "extension", fail)
    found = lenet.checks()
    assert found["engine"] == "the native engine cannot be loaded"
    assert found["instruction_sets"] == []


def test_folders(monkeypatch):
    monkeypatch.setenv("LENET_DATA", "/some/data")
    monkeypatch.setenv("LENET_CACHE", "/some/cache")
    found = lenet.checks()
    assert (found["data"], found["cache"]) == ("/some/data", "/some/cache")
