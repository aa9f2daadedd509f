"""What the documents say is run, compared, and looked up."""

import io
import json
import re
import tokenize
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import lenet
from lenet.cli.program import program
from lenet.net import from_document

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "lenet"
README = (ROOT / "README.md").read_text(encoding="utf-8")
AUGMENTATION = (ROOT / "docs" / "augmentation.md").read_text(encoding="utf-8")
NETWORKS = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")
MAP = (ROOT / "docs" / "map.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def indented(text: str, first_line: str) -> str:
    """The indented block that begins with ``first_line``, without its indentation."""
    lines = text.splitlines()
    start = lines.index(f"    {first_line}")
    found = []
    for line in lines[start:]:
        if line and not line.startswith("    "):
            break
        found.append(line[4:])
    return "\n".join(found).rstrip()


def run(code: str) -> str:
    with redirect_stdout(io.StringIO()) as output:
        exec(compile(code, "document", "exec"), {})
    return output.getvalue()


def test_the_readmes_loop_prints_what_it_says() -> None:
    loop = next(block for block in blocks(README, "python") if "for layer in net" in block)
    shown = indented(README, "conv0 output shape:\t (1, 6, 24, 24)")
    assert run(loop).rstrip() == shown


def test_the_readmes_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks(README, "python"):
        run("import lenet\n" + block)
    assert (tmp_path / "digits.safetensors").exists()


def test_the_readme_shows_the_true_explanation() -> None:
    shown = indented(README, "$ lenet explain lenet").removeprefix("$ lenet explain lenet\n")
    table = shown.removesuffix("\n...")
    assert str(lenet.explain("lenet")).startswith(table)


def test_the_readme_names_every_verb_and_option() -> None:
    verbs = set(re.findall(r"^\| `lenet (\w+)", README, flags=re.MULTILINE))
    assert verbs == set(program.commands)


def test_every_network_in_the_documents_fits() -> None:
    lines = re.findall(r'"(\d+x\d+x\d+ \|[^"\n]*)"', README + NETWORKS)
    assert len(lines) >= 2
    for text in lines:
        if "rleu" not in text and "32x32x3" not in text:  # shown for their errors
            assert lenet.parse(text).placed


def test_the_documents_on_networks_hold() -> None:
    (document,) = blocks(NETWORKS, "json")
    assert str(from_document(json.loads(document))) == (
        "1x28x28 | conv 6 k5 relu, maxpool 2 | dense 10"
    )
    zoo = re.findall(r"^\| `([\w-]+)` \|.*\| ([\d,]+) \|$", NETWORKS, flags=re.MULTILINE)
    assert [name for name, _ in zoo] == list(lenet.zoo.names())
    for name, count in zoo:
        assert lenet.explain(name).total.parameters == int(count.replace(",", ""))


def test_the_page_on_scikit_learn_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "sklearn.md").read_text(encoding="utf-8")
    shown = re.findall(r"```\n\n    (.+)\n", page)
    assert len(shown) == len(blocks(page, "python")) == 6
    assert run("import lenet\n" + "\n".join(blocks(page, "python"))).splitlines() == shown


def test_the_document_on_augmentation_holds() -> None:
    table = AUGMENTATION.partition("In Python")[0]
    settings = re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)
    assert settings == list(lenet.Augmentation().to_dict())


def test_the_page_on_safety_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "safety.md").read_text(encoding="utf-8")
    (code,) = blocks(page, "python")
    assert f"\n    {run(code)}" in page
    for text, shown in (("\x1b", r"`\x1b`"), ("\u202e", r"`\u202e`"), ("\udcff", r"`\udcff`")):
        assert f"`{lenet.errors.visible(text)}`" == shown
        assert shown in page
    assert not list(tmp_path.iterdir())


def test_the_map_names_every_module() -> None:
    named = set(re.findall(r"^\| `(src/lenet/[^`]+)` \|", MAP, flags=re.MULTILINE))
    modules = {
        path.relative_to(ROOT).as_posix()
        for kind in ("*.py", "*.js")
        for path in SOURCE.rglob(kind)
        if path.name not in ("__init__.py", "__main__.py")
    }
    assert named == modules


def test_links_lead_somewhere() -> None:
    for path in ROOT.glob("**/*.md"):
        if {"build", "node_modules", ".venv", "runs"} & set(path.parts):
            continue
        for link in re.findall(r"\]\(([^)#\s]+)\)", path.read_text(encoding="utf-8")):
            assert link.startswith("http") or (path.parent / link).exists(), f"{path.name}: {link}"


def test_no_line_of_code_is_left_undone() -> None:
    for path in SOURCE.rglob("*.py"):
        with tokenize.open(path) as file:
            text = file.read()
        assert not re.search(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", text), path
