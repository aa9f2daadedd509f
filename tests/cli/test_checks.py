"""``lenet checks``."""

import json

import lenet


def test_text(command, monkeypatch):
    monkeypatch.delenv("LENET_DATA", raising=False)
    found = command("checks")
    assert (found.status, found.err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in found.out.splitlines())
    assert lines["lenet"] == lenet.__version__
    assert lines["data"] == "not set"
    assert "engine" in lines
    assert "instruction sets  " in found.out


def test_json(command):
    assert json.loads(command("checks", "--json").out) == lenet.checks()
