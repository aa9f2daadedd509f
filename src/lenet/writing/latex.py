"""Pages as LaTeX: tables in the style of booktabs, to put into a document of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lenet.writing.document import Block, Bullets, Column, Document, Notation, Paragraph, Table

#: The x of 5x3, and a formula that is rounded down.
_TIMES = re.compile(r"(?<=\d)x(?=\d)")
_FLOOR = re.compile(r"floor\((\([^)]*\) / \d+)\)")
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def write_latex(document: Document) -> str:
    r"""Write a ``tabular`` for each table, and the text around them; it needs ``booktabs``."""
    name = escaped(" ".join(document.title.split()))
    parts = []
    for section in document.sections:
        title = escaped(" ".join(section.title.split()))
        head = f"% {name}: {title[:1].lower()}{title[1:]}" if title else f"% {name}"
        blocks = [line for block in section.blocks for line in _block(block)]
        parts.append("\n".join([head, *blocks]))
    return "\n".join([r"% \usepackage{booktabs}", "\n\n".join(parts)])


def escaped(text: str) -> str:
    """Return text that LaTeX prints as it is."""
    return "".join(_ESCAPES.get(character, character) for character in text)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Table():
            yield from _tabular(block)
        case Paragraph(text):
            yield escaped(text)
        case Bullets(texts):
            items = (rf"\item {escaped(text)}" for text in texts)
            yield from (r"\begin{itemize}", *items, r"\end{itemize}")
        case Notation():
            yield from (r"\begin{verbatim}", *block.lines, r"\end{verbatim}")


def _tabular(table: Table) -> Iterator[str]:
    columns = [part for c in table.columns if not c.bars for part in _with_shares(c)]
    kinds = [r"p{0.5\linewidth}" if c.is_prose else "r" if c.right else "l" for c in columns]
    yield from (rf"\begin{{tabular}}{{{''.join(kinds)}}}", r"\toprule")
    if table.has_titles:
        yield from (_row([escaped(column.title) for column in columns]), r"\midrule")
    written = (map(_formula if c.is_formula else _cell, c.cells) for c in columns)
    yield from map(_row, zip(*written, strict=True))
    if table.has_totals:
        yield from (r"\midrule", _row([escaped(column.total) for column in columns]))
    yield from (r"\bottomrule", r"\end{tabular}")


def _cell(text: str) -> str:
    return _TIMES.sub(r"$\\times$", escaped(text.strip()))


def _formula(text: str) -> str:
    rounded = _FLOOR.sub(r"\\lfloor\1\\rfloor", text).replace(" x ", r" \times ")
    return text and f"${rounded}$"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _with_shares(column: Column) -> Iterator[Column]:
    """Yield the numbers, and beside them their shares in a column of their own."""
    yield column
    if column.shares:
        yield Column("", tuple(column.share_texts()), right=True)
