"""Pages as Markdown, with tables in GitHub's form."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lenet.writing.document import Bullets, Column, Document, Notation, Paragraph, Table
from lenet.writing.prose import notation_blocks

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")
#: What would begin something inside a sentence, or end a cell.
_IN_PROSE = re.compile(r"([\\`*_|]|<(?=[a-zA-Z/!?]))")


def write_markdown(document: Document) -> str:
    """Write headings, tables and lists; the text ends without a line break."""
    lines = [f"## {escaped(document.title)}"] if document.title else []
    if remarks := (*document.beside, *document.below):
        lines += ["", ". ".join(map(_prose, remarks)) + "."]
    for section in document.sections:
        if section.title:
            lines += ["", f"### {_prose(section.title)}"]
        for block in section.blocks:
            lines += ["", *_block(block)]
    return "\n".join(lines).lstrip("\n")


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _prose(text: str) -> str:
    return _IN_PROSE.sub(r"\\\1", " ".join(text.split()))


def _block(block: Table | Paragraph | Bullets | Notation) -> Iterator[str]:
    match block:
        case Table():
            yield from _table(block)
        case Paragraph(text):
            yield _prose(text)
        case Bullets(texts):
            yield from (f"- {_prose(text)}" for text in texts)
        case Notation(text):
            yield from ("```", *notation_blocks(text), "```")


def _table(table: Table) -> Iterator[str]:
    columns = [column for column in table.columns if not column.bars]
    yield _row([column.title for column in columns])
    yield "".join("| ---: " if column.right else "| :--- " for column in columns) + "|"
    for cells in zip(*map(_cells, columns), strict=True):
        yield _row(list(cells))
    if table.has_totals:
        yield _row([column.total for column in columns])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(map(_prose, cells))} |"


def _cells(column: Column) -> list[str]:
    if not column.shares:
        return list(column.cells)
    pairs = zip(column.cells, column.share_texts(), strict=True)
    return [f"{cell} ({share})" if share else cell for cell, share in pairs]
