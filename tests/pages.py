"""The documents' examples: every command of a page with its output, and every block of Python."""

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def read_page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def commands(page: str) -> list[tuple[str, str]]:
    """Every ``$ lenet ...`` of the page without its first word, and the output below it."""
    blocks = re.findall(r"^    \$ lenet (.*)\n((?:    .*\n|\n(?=    ))*)", page, re.MULTILINE)
    return [(line, re.sub(r"^    ", "", text, flags=re.MULTILINE)) for line, text in blocks]


def run_python(page: str) -> None:
    """Run the page's blocks of Python, each by itself."""
    for block in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(compile(block, "page", "exec"), {})
