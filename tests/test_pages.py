"""What the documents show is what comes out: every command is run, every quotation compared."""

import re
import shutil
from pathlib import Path

import pytest

import pages
from lenet.engine.native import instruction_sets
from lenet.model import Model

#: docs/bench.md shows seconds of one machine; tests/cli/test_bench.py holds its form.
PAGES = [
    path
    for path in (pages.ROOT / "README.md", *sorted(pages.DOCS.glob("*.md")))
    if path.name != "bench.md"
]
#: Blocks of these stand alone; those on scikit-learn and reports are run by tests of their own.
PYTHON = [
    path.name
    for path in sorted(pages.DOCS.glob("*.md"))
    if path.stem not in ("report", "sklearn") and "```python\n" in path.read_text(encoding="utf-8")
]


def prepared(page: Path, folder: Path) -> None:
    """Put into ``folder`` what a page's commands work with."""
    if page.name == "diagnose.md":
        body = "conv 6 k5, maxpool 2 | conv 16 k5, maxpool 2 | dense 120, dense 84, dense 10"
        Model(f"1x32x32 | {body}").initialize().save(folder / "mine.safetensors")
    if page.name == "export.md":
        for file in (pages.ROOT / "tests" / "formats" / "files").glob("lenet-*"):
            shutil.copy(file, folder)
    if page.name in ("pictures.md", "clean.md"):
        first = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)[0]
        code = first.replace('Path("my-pictures")', f"Path({str(folder)!r}, 'my-pictures')")
        exec(compile(code, "page", "exec"), {})
    if page.name == "production.md":
        first = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)[0]
        code = first.replace("Path(folder)", f"Path({str(folder)!r}, folder)")
        exec(compile(code, "page", "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_transcripts(page: Path, tmp_path: Path) -> None:
    prepared(page, tmp_path)

    def run(line: str, shown: str) -> str:
        isa = pages.engine_of(shown)
        known = not isa or isa in instruction_sets()
        output = pages.run_command(line, tmp_path, isa if known else "", pages.answers(shown))
        # Another instruction set rounds otherwise: then only the form can be compared.
        told, seen = (
            text if known else re.sub(r"\d+(\.\d+)?", "0", pages.steady(text))
            for text in (shown, output)
        )
        assert not shown.strip() or pages.matches(told, seen), f"run scripts/pages\n{output}"
        return output

    pages.with_transcripts(page.read_text(encoding="utf-8"), run)


@pytest.mark.parametrize("name", PYTHON)
def test_every_block_of_python_runs(name: str, tmp_path: Path, monkeypatch) -> None:
    if name == "export.md":
        pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    pages.run_python(pages.read_page(name))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_quotations(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert pages.with_quotes(text) == text, "run scripts/pages"
    assert pages.with_files(text) == text, "run scripts/pages"


def test_a_gap_stands_for_lines() -> None:
    assert pages.matches("a\n...\nd\n", "a\nb\nc\nd\n")
    assert pages.matches("took 1.5 s\n", "took 0.2 s\n")
    assert not pages.matches("a\n...\nd\n", "a\nb\nc\n")
    assert pages.renewed("a\n...\nd\n", "x\nb\nc\ny\n") == "x\n...\ny\n"
