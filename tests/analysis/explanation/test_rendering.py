"""Every format of two networks, and three papers' as text, against files that a person has read.

After a change that is meant, write them anew with ``LENET_WRITE_GOLDEN=1 pytest tests/analysis``
and read what ``git diff`` shows.
"""

import json
import os
from pathlib import Path

import pytest

from lenet.analysis import explain, render
from lenet.analysis.explanation.rendering import FORMATS
from lenet.errors import UsageError
from papers import ALEXNET, LENET_5, VGG_16

GOLDEN = Path(__file__).parent / "golden"
ENDINGS = {
    "text": "txt",
    "json": "json",
    "markdown": "md",
    "html": "html",
    "latex": "tex",
    "csv": "csv",
}


PAPERS = {"lenet-5": LENET_5, "alexnet": ALEXNET, "vgg-16": VGG_16}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["lenet", "lenet-d2l"])
def test_golden(name: str, form: str) -> None:
    # As bytes: a CSV file's line ends are part of its format.
    found = (render(explain(name), form) + ("" if form == "csv" else "\n")).encode()
    _compare(found, GOLDEN / f"{name}.{ENDINGS[form]}")


@pytest.mark.parametrize("name", PAPERS)
def test_papers(name: str) -> None:
    found = str(explain(PAPERS[name], name))
    assert max(map(len, found.splitlines())) <= 80
    _compare(f"{found}\n".encode(), GOLDEN / f"{name}.txt")


def _compare(found: bytes, path: Path) -> None:
    if os.environ.get("LENET_WRITE_GOLDEN"):
        path.write_bytes(found)
    assert found == path.read_bytes()


def test_json_is_the_reports_own() -> None:
    report = explain("lenet-60")
    assert json.loads(render(report, "json")) == report.to_dict()


def test_text_takes_a_width_and_plain_characters() -> None:
    report = explain("lenet")
    assert render(report) == str(report)
    assert len(render(report, "text", 200).splitlines()) < len(str(report).splitlines())
    assert render(report, "text", 80, ascii_only=True).isascii()


def test_an_unknown_format() -> None:
    with pytest.raises(UsageError, match=r"'htlm' \(did you mean 'html'\?\); .* text, json, mark"):
        render(explain("lenet"), "htlm")
