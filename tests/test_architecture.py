"""The house: who may import whom and what, and that no modules import each other in a circle.

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
    ("arguments", "errors"),
    ("files", "terminal"),
    ("cluster", "tensor_files", "optimizers", "randomness", "version", "kinds"),
    ("net",),
    ("writing", "run_folder"),
    ("analysis", "data", "engine", "metrics", "profile"),
    ("drawing", "model"),
    ("formats", "inference", "looking", "models", "training"),
    ("interop", "reporting"),
    ("trainer",),
    ("benchmarking", "cleaning", "estimator", "installation", "serving", "studies"),
    ("cli",),
)
ROW = {room: row for row, rooms in enumerate(ROWS) for room in rooms}
#: The root: the map of public names, and ``python -m lenet``.
FREE = {"__init__", "__main__"}

#: Packages from elsewhere, by room; a room not named here takes none.
PACKAGES = {
    "randomness": {"numpy"},
    "version": {"numpy"},
    "data": {"numpy", "PIL", "pyarrow", "requests", "rich"},
    "engine": {"numpy", "torch"},
    "metrics": {"numpy"},
    "profile": {"numpy"},
    "cluster": {"ray"},
    "model": {"numpy"},
    "tensor_files": {"numpy", "safetensors"},
    "drawing": {"reportlab", "resvg_py"},
    "reporting": {"IPython", "numpy"},
    "inference": {"numpy", "pyarrow"},
    "looking": {"numpy"},
    "training": {"numpy", "safetensors", "tensorboard"},
    "writing": {"reportlab"},
    "cli": {"click"},
    "benchmarking": {"numpy", "onnxruntime", "torch"},
    "interop": {"numpy", "torch"},
    "formats": {"numpy", "onnx", "onnxruntime", "torch"},
    "estimator": {"numpy", "sklearn"},
    "cleaning": {"numpy"},
    "studies": {"numpy", "optuna"},
    "serving": {"starlette", "uvicorn"},
}
#: Never, unless a room is given it above: other frameworks, and what runs code out of a file.
BANNED = {"torch", "sklearn", "pickle", "joblib", "marshal", "shelve", "dill", "cloudpickle"}
#: Where imports stand inside functions, and what start-up would pay for them otherwise. None
#: of them hides a circle: ``test_no_circles`` counts them too.
DELAYED = {
    "analysis.__init__": "one question loads no other",
    "analysis.diagnosis.__init__": "the text of an error, which few commands print",
    "analysis.diagnosis.weights": "what reads files; a network alone has none",
    "cleaning.result": "the page with pictures, for who saves one",
    "benchmarking.worker": "PyTorch and ONNX Runtime, each in a process of its own",
    "cli": "a verb loads what it needs when it runs; the overview needs no verb",
    "data.ground": "Pillow, for backgrounds: named data need it only when they are trained on",
    "data.showing": "Pillow, for who looks at images in a notebook",
    "data.__init__": "the readers of one's own pictures, which named data do without",
    "data.sources": "requests and rich, for a download",
    "drawing.formats": "reportlab and resvg, for PDF and PNG",
    "data.parquet": "pyarrow, for files that need it",
    "studies.sampling": "Optuna, for strategies of its own",
    "formats.export": "PyTorch and onnx, for the files that need them",
    "formats.importing": "PyTorch and onnx, for their files",
    "formats.runtimes": "ONNX Runtime and PyTorch, for the check of their files",
    "engine.native": "the extension, which may be missing",
    "model": "the analysis, for summary()",
    "net.document": "json",
    "cluster": "Ray, which may be missing",
    "inference.table": "pyarrow, for files that need it",
    "reporting.notebook": "IPython, which a notebook has",
    "serving.__init__": "Starlette and uvicorn, which may be missing",
    "net.network": "the root, for network.explain() and network.draw()",
    "net.sources": "what reads files, lenet's and, through the root, other programs'",
    "net.words": "difflib, for an error",
    "tensor_files": "safetensors and NumPy, for more than a header",
    "terminal": "shutil",
    "trainer": "the report, once, at a run's end; and a notebook's curve",
    "training.checkpoint": "safetensors",
    "files": "the lock of this system",
    "training.monitoring": "TensorBoard, if it is asked for",
    "training.run": "safetensors, before anything is trained",
    "version": "NumPy, for its version",
    "writing.pdf": "reportlab, for a page to print",
    "writing.__init__": "the writers of the formats that are not asked for",
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
    if rest[:2] == ["engine", "_native"] and dotted(found.path) != "engine.native":
        return f"{found.place} imports the extension; only engine/native.py may"
    if not rest:  # the root itself: for network.explain() and model.export(), and a file of ONNX
        ones = ("net.network", "net.sources", "model")
        only = f"only {', '.join(ones)} import the root, for its short hands"
        return None if dotted(found.path) in ones else f"{found.place}: {only}"
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
        ("data/a.py", "from lenet.engine import plan", "data may import itself and ['arguments'"),
        ("data/a.py", "if TYPE_CHECKING:\n import lenet.cli", "data/a.py:2 imports lenet.cli"),
        ("model.py", "from lenet.engine import _native", "only engine/native.py"),
        ("__init__.py", "import torch", "nothing of lenet may"),
        ("metrics.py", "import lenet", "only net.network, net.sources, model import"),
        ("cli/a.py", "from lenet import train", "name the room it lies in"),
    ],
)
def test_what_is_not_allowed_is_found(path, text, words):
    (found,) = imports(SOURCE / path, text)
    assert words in (complaint(found) or "")


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_no_import_by_string(path):
    """Such an import would slip past the test above; the root's map of public names is the
    place for it, and the program's end clears a flag of Python's so."""
    if dotted(path) in ("__init__", "cli.main"):
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
        ("lenet.analysis", {"numpy", "rich", "PIL"}),
        ("lenet.cli.main", {"numpy", "rich", "PIL"}),
        ("lenet.cli.program", {"numpy", "PIL", "safetensors", "requests", "lenet.net"}),
        ("lenet.drawing", {"numpy", "rich", "PIL", "reportlab", "resvg_py"}),
        ("lenet.training", {"lenet.drawing", "requests", "rich"}),
        ("lenet.trainer", {"lenet.drawing", "lenet.reporting", "requests", "rich"}),
    ],
)
def test_light_at_import(module, heavy):
    code = f"import sys, {module}; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    loaded = heavy & set(found.stdout.split())
    assert not loaded, f"importing {module} imports {sorted(loaded)}; import it where it is used"


def imported_modules(path: Path) -> set[str]:
    """The modules of ours that a file imports, wherever the import stands."""
    known = {dotted(module) for module in modules()}
    found = set()
    for one in imports(path):
        name = one.name.removeprefix("lenet").removeprefix(".")
        while name and name not in known and f"{name}.__init__" not in known:
            name = name.rpartition(".")[0]
        if name:
            found.add(name if name in known else f"{name}.__init__")
    return found - {dotted(path)}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that import each other (Tarjan 1972, iterated until nothing leaves)."""
    left = dict(graph)
    while leaves := [m for m, uses in left.items() if not uses & left.keys()]:
        for leaf in leaves:
            del left[leaf]
    used = set().union(*left.values()) if left else set()
    while tops := [m for m in left if m not in used]:
        for top in tops:
            del left[top]
        used = set().union(*left.values()) if left else set()
    return [sorted(left)] if left else []


def test_no_circles():
    """A package's ``__init__`` re-exports its modules; they never import it."""
    graph = {dotted(path): imported_modules(path) for path in modules()}
    del graph["__init__"]
    assert circles(graph) == []


def test_imports_inside_functions_are_few_and_listed():
    delayed = set()
    for path in modules():
        functions = [
            node
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.FunctionDef)
        ]
        if any(
            isinstance(inner, ast.Import | ast.ImportFrom)
            for function in functions
            for inner in ast.walk(function)
        ):
            delayed.add("cli" if room(path) == "cli" else dotted(path))
    assert delayed == DELAYED.keys()


def test_a_circle_is_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path}: no docstring"
