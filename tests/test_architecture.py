"""The house: who may import whom and what, how long a file may be, and which test it has.

Imports are read with ``ast``, those inside functions and under ``TYPE_CHECKING`` too: a type is
knowledge as well. Only the package's root, which is a map of all rooms, may look everywhere.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "src" / "lenet"

#: A file imports from rows above its own, or from its own room; rooms in a row are strangers.
ROWS = (
    ("errors",),
    ("files", "model_files", "randomness", "version"),
    ("net",),
    ("anatomy", "data", "engine", "metrics"),
    ("drawing", "model"),
    ("reporting",),
    ("inference", "training"),
    ("benchmarking", "estimator", "installation"),
    ("cli",),
)
ROW = {room: row for row, rooms in enumerate(ROWS) for room in rooms}
#: The root: the map of public names, and ``python -m lenet``.
FREE = {"__init__", "__main__"}

#: Packages from elsewhere, by room; a room not named here takes none.
PACKAGES = {
    "randomness": {"numpy"},
    "data": {"numpy", "PIL", "pooch", "rich"},
    "engine": {"numpy"},
    "metrics": {"numpy"},
    "model": {"numpy"},
    "model_files": {"numpy", "safetensors"},
    "drawing": {"reportlab", "resvg_py"},
    "reporting": {"numpy", "tensorboard"},
    "inference": {"numpy"},
    "training": {"numpy", "safetensors"},
    "benchmarking": {"numpy", "onnx", "onnxruntime", "torch"},
    "estimator": {"numpy", "sklearn"},
}
#: Never, unless a room is given it above: other frameworks, and what runs code out of a file.
BANNED = {"torch", "sklearn", "pickle", "joblib", "marshal", "shelve", "dill", "cloudpickle"}

LONGEST = 400

#: Modules without a test file of the mirrored name, and where they are held instead.
UNMIRRORED = {
    "__init__": "test_public.py",
    "__main__": "cli/test_main.py runs it as a process",
    "errors": "its classes are what the other tests expect",
    "metrics": "test_inference.py and test_model.py: what evaluate() returns",
    "version": "cli/test_main.py: lenet --version",
    "anatomy.__init__": "re-exports only",
    "anatomy.balancing.__init__": "re-exports only",
    "anatomy.comparison.__init__": "re-exports only",
    "anatomy.deduction.__init__": "re-exports only",
    "anatomy.deduction.budget": "deduction/test_chain.py, --params",
    "anatomy.deduction.figure": "deduction/test_chain.py reads figures of every spelling",
    "anatomy.deduction.given": "deduction/test_chain.py, --given",
    "anatomy.deduction.impossible": "deduction/test_chain.py, figures that cannot be",
    "anatomy.deduction.priors": "deduction/test_chain.py, what is ranked first",
    "anatomy.deduction.render": "cli/test_deduce.py compares every page",
    "anatomy.deduction.result": "deduction/test_chain.py, what deduce() returns",
    "anatomy.deduction.wording": "deduction/test_chain.py and cli/test_deduce.py: its sentences",
    "anatomy.diagnosis.__init__": "re-exports only",
    "anatomy.explanation.__init__": "re-exports only",
    "cli.__init__": "a docstring only",
    "benchmarking.__init__": "re-exports only",
    "benchmarking.with_lenet": "benchmarking/test_worker.py",
    "benchmarking.with_onnxruntime": "benchmarking/test_worker.py",
    "benchmarking.with_torch": "benchmarking/test_worker.py",
    "data.__init__": "data/test_load.py",
    "drawing.__init__": "re-exports only",
    "engine.__init__": "a docstring only",
    "engine.machine": "engine/test_native.py, test_native_processes.py and test_installation.py",
    "engine.operations": "engine/test_reference.py and parity/test_reference_pytorch.py",
    "estimator.__init__": "a docstring only",
    "engine.results": "protocols and records; every engine's test uses them",
    "net.__init__": "re-exports only",
    "reporting.__init__": "a docstring only",
    "reporting.card": "reporting/test_run_report.py: the recipe and the card on the page",
    "reporting.sections": "reporting/test_run_report.py: every section on the page",
    "reporting.versus_page": "reporting/test_versus.py: saved as .html",
    "reporting.versus_text": "reporting/test_versus.py and cli/test_report.py",
    "training.__init__": "training/test_train.py",
    "training.prepared": "training/test_loop.py: what is refused",
    "training.summary": "training/test_run.py: what a run and its model say",
}


@dataclass(frozen=True)
class Import:
    """One import: where it stands, and the whole name of what is imported."""

    path: Path
    line: int
    name: str

    @property
    def place(self) -> str:
        return f"{self.path.relative_to(SOURCE.parent)}:{self.line}"


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def room(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imports(path: Path, text: str | None = None) -> Iterator[Import]:
    """Every import of a file, wherever it stands; of ``from a import b`` the name is ``a.b``."""
    for node in ast.walk(ast.parse(text or path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively; write lenet.…"
            for alias in node.names:
                yield Import(path, node.lineno, f"{node.module}.{alias.name}")


def complaint(found: Import) -> str | None:
    """Why an import is not allowed: the file, the line, what is allowed; None if it is."""
    here, (package, *rest) = room(found.path), found.name.split(".")
    if package in BANNED - PACKAGES.get(here, set()):
        return f"{found.place} imports {found.name}: nothing of lenet may"
    if here in FREE or package in sys.stdlib_module_names or package == "__future__":
        return None
    if package != "lenet":
        allowed = PACKAGES.get(here, set())
        if package in allowed:
            return None
        return f"{found.place} imports {package}; {here} may use {sorted(allowed) or 'no package'}"
    if rest[:2] == ["engine", "_native"] and dotted(found.path) != "engine.machine":
        return f"{found.place} imports the extension; only engine/machine.py may"
    if not rest:  # the root itself: only for the short hands network.explain() and .draw()
        only = "only net/network.py imports the root, for its short hands"
        return None if dotted(found.path) == "net.network" else f"{found.place}: {only}"
    there = rest[0]
    if there not in ROW:
        return f"{found.place} imports {found.name}; name the room it lies in, one of {list(ROW)}"
    if there == here or ROW[there] < ROW[here]:
        return None
    above = [name for row in ROWS[: ROW[here]] for name in row]
    return f"{found.place} imports lenet.{there}; {here} may import itself and {above}"


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports(path):
    assert room(path) in FREE or room(path) in ROW, f"{path} is in no room; add it to ROWS"
    complaints = [text for found in imports(path) if (text := complaint(found))]
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("net/a.py", "import numpy", "net/a.py:1 imports numpy; net may use no package"),
        ("net/a.py", "def f():\n  from lenet.data import x", "net/a.py:2 imports lenet.data"),
        ("data/a.py", "from lenet.engine import plan", "data may import itself and ['errors'"),
        ("data/a.py", "if TYPE_CHECKING:\n import lenet.cli", "data/a.py:2 imports lenet.cli"),
        ("model.py", "from lenet.engine import _native", "only engine/machine.py"),
        ("__init__.py", "import torch", "nothing of lenet may"),
        ("model.py", "import lenet", "only net/network.py imports the root"),
        ("cli/a.py", "from lenet import train", "name the room it lies in"),
    ],
)
def test_what_is_not_allowed_is_found(path, text, words):
    (found,) = imports(SOURCE / path, text)
    assert words in (complaint(found) or "")


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_no_import_by_string(path):
    """Such an import would slip past the test above; the root's map of public names and the
    parser's of verbs are the places for it."""
    if dotted(path) in ("__init__", "cli.parser"):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = getattr(node, "id", getattr(node, "attr", None))
        assert name not in ("import_module", "__import__", "exec", "eval"), (
            f"{path}:{node.lineno} uses {name}; write the import out"
        )


def test_only_main_and_the_processes_start_import_main():
    importers = {
        dotted(path)
        for path in modules()
        if any(found.name.startswith("lenet.cli.main") for found in imports(path))
    }
    assert importers == {"__main__"}


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("lenet", {"numpy", "rich", "PIL", "safetensors", "sklearn"}),
        ("lenet.net", {"numpy", "rich", "PIL"}),
        ("lenet.anatomy", {"numpy", "rich", "PIL"}),
        ("lenet.cli.main", {"numpy", "rich", "PIL"}),
        ("lenet.cli.parser", {"numpy", "PIL", "safetensors", "pooch"}),
        ("lenet.drawing", {"numpy", "rich", "PIL", "reportlab", "resvg_py"}),
        ("lenet.training", {"lenet.drawing", "pooch", "rich"}),
    ],
)
def test_light_at_import(module, heavy):
    code = f"import sys, {module}; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    loaded = heavy & set(found.stdout.split())
    assert not loaded, f"importing {module} imports {sorted(loaded)}; import it where it is used"


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_length(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST, f"{path} has {lines} lines, at most {LONGEST} are allowed; divide it"


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_has_a_test_file(path):
    mirror = TESTS / path.relative_to(SOURCE).with_name(f"test_{path.name}")
    if dotted(path) in UNMIRRORED:
        assert not mirror.exists(), f"{mirror} exists; take {dotted(path)} out of UNMIRRORED"
    else:
        assert mirror.exists(), f"{path} has no {mirror}; write it, or say in UNMIRRORED why not"


def test_exceptions_name_modules_that_exist():
    assert set(UNMIRRORED) <= {dotted(path) for path in modules()}


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path}: no docstring"
