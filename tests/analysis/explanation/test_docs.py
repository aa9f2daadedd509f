"""docs/explain.md says what is so: its commands are run, its keys are looked up."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from lenet.analysis import explain
from lenet.cli.main import main

TEXT = (Path(__file__).parents[3] / "docs" / "explain.md").read_text(encoding="utf-8")


def _commands() -> list[tuple[str, str]]:
    """Every ``$ lenet ...`` and what stands below it."""
    found = re.findall(r"^    \$ lenet (.+)\n((?:(?:    .*)?\n)+)", TEXT, flags=re.MULTILINE)
    return [
        (line, "\n".join(text.removeprefix("    ") for text in shown.rstrip().split("\n")))
        for line, shown in found
    ]


@pytest.mark.parametrize(("line", "shown"), _commands(), ids=lambda text: text[:40])
def test_commands_print_what_is_shown(
    line: str, shown: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(shlex.split(line)) == 0
    assert capsys.readouterr().out.rstrip("\n") == shown


def test_there_are_commands() -> None:
    assert len(_commands()) >= 3


def test_the_python_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    exec(compile(code, "explain.md", "exec"), {})


def test_every_key_of_the_json_is_explained() -> None:
    missing = {key for key in _keys(explain("lenet").to_dict()) if f"`{key}`" not in TEXT}
    assert not missing


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)
