"""``lenet deduce``, and its page in docs/."""

import json
import re

import pytest

from lenet.analysis.deduction import windows
from lenet.net import parse_network
from pages import read_page

PAGE = read_page("deduce.md")
FIGURE = "32x32 -> 6@28x28 -> 6@14x14 -> 16@10x10 -> 16@5x5 -> 120 -> 84 -> 10"


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def test_the_notation_alone(command):
    (line,) = command("deduce", FIGURE, "--notation", "--activation", "tanh").out.splitlines()
    assert parse_network(line).layers[0].activation == "tanh"


def test_options(command):
    given = "--given", "pool0 avgpool", "--given", "dense0 conv"
    out = command("deduce", FIGURE, *given, "--notation").out
    assert "avgpool 2 | conv 16 k5" in out
    assert "conv 120 k5" in out
    out = command("deduce", "1@28x28 -> 6@28x28", "--params", "=156", "--notation").out
    assert out == "1x28x28 | conv 6 k5 p2 relu\n"
    assert "26 windows" in command("deduce", FIGURE, "--all").out
    assert json.loads(command("deduce", FIGURE, "--json").out)["parameters"] == 61_706


def test_the_page_lists_every_prior():
    rows = re.findall(r"^\| ([+-]\d+) \| ([^|]+) \|", PAGE, flags=re.MULTILINE)
    on_axis = {(prior.points, prior.why) for prior in windows.ON_AXIS}
    assert {(int(points), why) for points, why in rows} == on_axis | set(windows.ON_LAYERS)
