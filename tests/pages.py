"""The documents: their commands with outputs, their Python, and the code they quote.

``scripts/pages`` writes all of it anew with what is here; the tests hold that nothing changes.
"""

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"

#: A command with the output below it, both indented.
_TRANSCRIPT = re.compile(
    r"^    \$ lenet (.*)\n((?:    (?!\$ ).*\n|\n(?=    (?!\$ )))*)", re.MULTILINE
)
#: A quotation: its language, the file it is from, what it is called there, and the code.
_QUOTE = re.compile(r"^```(\w+) (\S+)#(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: A table with one line per file of a folder, taken from what each file says first.
_FILES = re.compile(r"<!-- files: (.*?) -->\n(.*?)<!-- end -->", re.DOTALL)
#: What differs from run to run and from machine to machine.
_VARYING = (
    # A column of times is as wide as its longest.
    (re.compile(r" *\b\d+\.\d+ s\b|(?<=about) \d+ s\b"), " 0.0 s"),
    (re.compile(r" +time$", re.MULTILINE), " time"),
    (re.compile(r"(native \w+|reference), \d+ threads?"), "engine"),
)
#: The engine that a transcript was made with.
_ENGINE = re.compile(r"native (\w+), \d+ threads?")


def read_page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def commands(page: str) -> list[tuple[str, str]]:
    """Every ``$ lenet ...`` of the page without its first word, and the output below it."""
    return [(line, _unindented(text)) for line, text in _TRANSCRIPT.findall(page)]


def run_python(page: str) -> None:
    """Run the page's blocks of Python, each by itself; OpenCV's is run where OpenCV is, by
    tests/formats/test_runtimes.py."""
    for block in re.findall(r"```python\n(?!import cv2)(.*?)```", page, flags=re.DOTALL):
        exec(compile(block, "page", "exec"), {})


def answers(shown: str) -> str:
    """What a person types in a transcript: the lines behind a prompt."""
    return "".join(f"{line[2:]}\n" for line in shown.splitlines() if line.startswith("> "))


def run_command(line: str, folder: Path, isa: str = "", typed: str = "") -> str:
    """What ``lenet LINE`` prints in ``folder``; it must succeed, or refuse in words."""
    environment = {**os.environ, "COLUMNS": "80"} | ({"LENET_ISA": isa} if isa else {})
    done = subprocess.run(
        [sys.executable, "-m", "lenet", *shlex.split(line)],
        cwd=folder,
        env=environment,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout or done.stderr


def engine_of(text: str) -> str:
    """The instruction set that a transcript names, or nothing."""
    match = _ENGINE.search(text)
    return match[1] if match else ""


def steady(text: str) -> str:
    """``text`` without what differs between runs and machines."""
    for pattern, constant in _VARYING:
        text = pattern.sub(constant, text)
    return text.strip("\n")


def matches(shown: str, output: str) -> bool:
    """Is ``shown`` the output? A line ``...`` stands for any number of lines."""
    parts = [re.escape(part) for part in re.split(r"^\.\.\.$", steady(shown), flags=re.MULTILINE)]
    return re.fullmatch(".*".join(parts), steady(output), flags=re.DOTALL) is not None


def renewed(shown: str, output: str) -> str:
    """``output`` cut as ``shown`` is: what it leaves out with ``...`` is left out again."""
    if matches(shown, output):
        return shown
    before, gap, after = shown.partition("\n...")
    lines = output.strip("\n").splitlines()
    if not gap:
        return output.strip("\n") + "\n"
    first, last = len(before.splitlines()), len(after.strip("\n").splitlines())
    return "\n".join([*lines[:first], "...", *lines[len(lines) - last :]]) + "\n"


def with_transcripts(page: str, run: Callable[[str, str], str]) -> str:
    """The page with every transcript as ``run(line, shown)`` prints it now."""

    def replace(match: re.Match[str]) -> str:
        line, shown = match[1], _unindented(match[2])
        if not shown.strip():
            run(line, shown)
            return match[0]
        text = renewed(shown, run(line, shown))
        body = "".join(f"    {row}".rstrip() + "\n" for row in text.strip("\n").splitlines())
        end = "\n" if match[2].endswith("\n\n") else ""
        return f"    $ lenet {line}\n{body}{end}"

    return _TRANSCRIPT.sub(replace, page)


def with_quotes(page: str) -> str:
    """The page with every quotation as the code stands now."""

    def replace(match: re.Match[str]) -> str:
        language, file, name, _ = match.groups()
        return f"```{language} {file}#{name}\n{quoted(ROOT / file, name)}```"

    return _QUOTE.sub(replace, page)


def with_files(page: str) -> str:
    """The page with every table of files as the folders are now."""

    def replace(match: re.Match[str]) -> str:
        rows = [
            f"| `{path.relative_to(ROOT).as_posix()}` | {first_sentence(path)} |\n"
            for place in match[1].split()
            for path in files_of(ROOT / place)
        ]
        table = "".join(["\n| file | what it holds |\n|---|---|\n", *rows, "\n"])
        return f"<!-- files: {match[1]} -->\n{table}<!-- end -->"

    return _FILES.sub(replace, page)


def files_of(folder: Path) -> list[Path]:
    """The source files of a folder and below; a file itself is its own folder."""
    kinds = {".py", ".h", ".cpp", ".js"}
    found = sorted(folder.rglob("*")) if folder.is_dir() else [folder]
    paths = [path for path in found if path.suffix in kinds]
    return [path for path in paths if first_sentence(path) and path.name != "__init__.py"]


def first_sentence(path: Path) -> str:
    """What a file says of itself first: its docstring's or comment's first sentence."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        words = ast.get_docstring(ast.parse(text)) or ""
    else:
        words = re.match(r"((?://.*\n)*)", text)[1].replace("// ", "").replace("//", "")
    paragraph = " ".join(words.partition("\n\n")[0].split())
    sentence = re.split(r"(?<=\.)(?<!et al\.)\s", paragraph)[0].rstrip(".")
    return sentence.replace("|", "\\|").replace("``", "`")


def quoted(path: Path, name: str) -> str:
    """The definition of ``name`` in a file, with the comment or decorator above it; * is all."""
    text = path.read_text(encoding="utf-8")
    if name == "*":
        return text
    return _python(text, name) if path.suffix == ".py" else _cpp(text, name)


def _python(text: str, name: str) -> str:
    body: list[ast.stmt] = ast.parse(text).body
    node: ast.AST | None = None
    for part in name.split("."):
        node = next(one for one in body if part in _names(one))
        body = getattr(node, "body", [])
    assert isinstance(node, ast.stmt)
    decorators = getattr(node, "decorator_list", [])
    start = min([node.lineno, *(one.lineno for one in decorators)]) - 1
    lines = text.splitlines()[start : node.end_lineno]
    indent = len(lines[0]) - len(lines[0].lstrip())
    return "".join(f"{line[indent:]}\n" for line in lines)


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign):
        return [node.target.id] if isinstance(node.target, ast.Name) else []
    return [getattr(node, "name", "")]


def _cpp(text: str, name: str) -> str:
    """From the comment above the definition to the brace that closes it."""
    lines = text.splitlines()
    place = next(
        i for i, line in enumerate(lines) if re.search(rf"\b{name}\b", line) and "//" not in line
    )
    start = place
    while start and re.match(r"\s*(//|template|inline|#)", lines[start - 1]):
        start -= 1
    depth, end = 0, place
    for end in range(place, len(lines)):
        depth += lines[end].count("{") - lines[end].count("}")
        if depth == 0 and ("}" in lines[end] or ";" in lines[end]):
            break
    return "".join(f"{line}\n" for line in lines[start : end + 1])


def _unindented(text: str) -> str:
    return re.sub(r"^    ", "", text, flags=re.MULTILINE)
