"""Pages as Markdown, with tables in GitHub's form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lenet.writing.document import Block, Bullets, Document, Notation, Paragraph, Table

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$-])")
#: What would begin something inside a sentence, or end a cell, or call for a picture.
_IN_PROSE = re.compile(r"([\\`*_|$\[]|<(?=[a-zA-Z/!?])|&(?=[#a-zA-Z]))")


def write_markdown(document: Document) -> str:
    """Write headings, tables and lists; the text ends without a line break."""
    lines = [f"## {_escaped(document.title, _SPECIAL)}"] if document.title else []
    if remarks := (*document.beside, *document.below):
        lines += ["", ". ".join(map(_escaped, remarks)) + "."]
    for section in document.sections:
        if section.title:
            lines += ["", f"### {_escaped(section.title)}"]
        for block in section.blocks:
            lines += ["", *_block(block)]
    return "\n".join(lines).lstrip("\n")


def _escaped(text: str, signs: re.Pattern[str] = _IN_PROSE) -> str:
    return signs.sub(r"\\\1", " ".join(text.split()))


def _block(block: Block) -> Iterator[str]:
    match block:
        case Table():
            yield from _table(block)
        case Paragraph(text):
            yield _escaped(text)
        case Bullets(texts):
            yield from (f"- {_escaped(text)}" for text in texts)
        case Notation():
            yield from ("```", *block.lines, "```")


def _table(table: Table) -> Iterator[str]:
    columns = [column for column in table.in_words.columns if not column.bars]
    yield _row([column.title for column in columns])
    yield "".join("| ---: " if column.right else "| :--- " for column in columns) + "|"
    yield from map(_row, zip(*(column.cells_with_shares for column in columns), strict=True))
    if table.has_totals:
        yield _row([column.total for column in columns])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"
