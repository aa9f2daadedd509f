"""``lenet deduce``, and every example of its page in the documents."""

import json
import re
import shlex
from pathlib import Path
from textwrap import dedent

import pytest

from lenet.analysis.deduction import priors
from lenet.cli.program import run
from lenet.errors import LenetError
from lenet.net import parse_network

DOCUMENT = Path(__file__).parents[2] / "docs" / "deduce.md"
FIGURE = "32x32 -> 6@28x28 -> 6@14x14 -> 16@10x10 -> 16@5x5 -> 120 -> 84 -> 10"


def lenet(*arguments: str) -> None:
    run(arguments)


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_the_notation_alone(capsys: pytest.CaptureFixture[str]) -> None:
    lenet("deduce", FIGURE, "--notation", "--activation", "tanh")
    (line,) = capsys.readouterr().out.splitlines()
    assert parse_network(line).layers[0].activation == "tanh"


def test_options(capsys: pytest.CaptureFixture[str]) -> None:
    lenet("deduce", FIGURE, "--given", "pool0 avgpool", "--given", "dense0 conv", "--notation")
    out = capsys.readouterr().out
    assert "avgpool 2 | conv 16 k5" in out
    assert "conv 120 k5" in out
    lenet("deduce", "1@28x28 -> 6@28x28", "--params", "=156", "--notation")
    assert capsys.readouterr().out == "1x28x28 | conv 6 k5 p2 relu\n"
    lenet("deduce", FIGURE, "--all")
    assert "26 windows" in capsys.readouterr().out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    lenet("deduce", FIGURE, "--json")
    assert json.loads(capsys.readouterr().out)["parameters"] == 61_706


def examples() -> list[tuple[str, str]]:
    """Each command of the page, and what the page shows below it."""
    text = DOCUMENT.read_text(encoding="utf-8")
    found = re.findall(
        r"^    \$ lenet (.*)\n((?:(?!    \$ )(?:    .*)?\n)*)", text, flags=re.MULTILINE
    )
    assert len(found) == text.count("$ lenet ")
    return [(command, dedent(shown).strip("\n")) for command, shown in found]


@pytest.mark.parametrize(("command", "shown"), examples())
def test_the_documents_examples(
    command: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        lenet(*shlex.split(command))
        printed = capsys.readouterr().out
    except LenetError as error:
        printed = f"lenet: {error}"
    assert printed.strip("\n") == shown


def test_the_document_lists_every_prior() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([+-]\d+) \| ([^|]+) \|", text, flags=re.MULTILINE)
    on_axis = {(prior.points, prior.why) for prior in priors.ON_AXIS}
    assert {(int(points), why) for points, why in rows} == on_axis | set(priors.ON_LAYERS)


def test_the_documents_python(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), flags=re.DOTALL)
    exec(compile(code, "document", "exec"), {})
    assert "avgpool 2" in capsys.readouterr().out
