"""Pages as PDF, to print: A4, with tables that go on over the end of a page.

It is set in the PDF's own fonts, Helvetica and Courier, which have the letters of Western Europe;
another character becomes a question mark.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from typing import Any, Final

from lenet.writing.document import Bullets, Column, Document, Notation, Paragraph, Section, Table
from lenet.writing.text import notation_lines

_INK: Final = "#1b2735"
_FAINT: Final = "#566373"
_LINE: Final = "#c6cfda"
_MARGIN: Final = 56.7  # points: 2 cm
_SIZE: Final = 10.0
_LEADING: Final = 14.0
_PADDING: Final = 4.0  # on both sides of a cell
#: Characters of Courier in a line of A4.
_CHARACTERS: Final = 80


def write_pdf(document: Document) -> bytes:
    """Return the bytes of a file; the same page gives the same bytes."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import SimpleDocTemplate

    with io.BytesIO() as buffer:
        margins = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), _MARGIN)
        title = _words(document.title)
        file = SimpleDocTemplate(buffer, pagesize=A4, title=title, invariant=1, **margins)
        file.build(list(_Writer(file.width).page(document)))
        return buffer.getvalue()


def _words(text: str) -> str:
    return text.encode("cp1252", "replace").decode("cp1252")


class _Writer:
    """Makes what reportlab sets, one under the other, of a page so wide."""

    def __init__(self, width: float) -> None:
        self._width = width

    def page(self, document: Document) -> Iterator[Any]:
        yield self._paragraph(document.title, 16, bold=True)
        for remark in (*document.beside, *document.below):
            yield self._paragraph(remark)
        for section in document.sections:
            yield from self._section(section)

    def _section(self, section: Section) -> Iterator[Any]:
        from reportlab.platypus import PageBreak, Preformatted, Spacer

        yield PageBreak() if section.is_new_page else Spacer(1, _SIZE)
        if section.title:
            yield self._paragraph(section.title, 12, bold=True)
        for block in section.blocks:
            match block:
                case Table():
                    yield from self._tables(block.in_words)
                case Paragraph(text, is_note, _):
                    yield self._paragraph(text, color=_FAINT if is_note else _INK)
                case Bullets(texts):
                    yield from (self._paragraph(f"- {text}") for text in texts)
                case Notation():
                    lines = map(_words, notation_lines(block, _CHARACTERS, ""))
                    yield Preformatted("\n".join(lines), self._style("Courier", 9, _INK))

    def _style(self, font: str, size: float, color: str, right: bool = False) -> Any:
        from reportlab.lib.styles import ParagraphStyle

        return ParagraphStyle(
            font, fontName=font, fontSize=size, leading=1.4 * size, textColor=color, spaceAfter=4,
            alignment=2 if right else 0,
        )  # fmt: skip

    def _paragraph(
        self,
        text: str,
        size: float = _SIZE,
        color: str = _INK,
        bold: bool = False,
        right: bool = False,
    ) -> Any:
        from reportlab.platypus import Paragraph as Set

        font = "Helvetica-Bold" if bold else "Helvetica"
        return Set(escape(_words(text), quote=False), self._style(font, size, color, right))

    def _tables(self, table: Table) -> Iterator[Any]:
        """Yield a table of as many columns as fit beside each other, and then of the others."""
        written = replace(table, columns=tuple(c for c in table.columns if not c.bars))
        for part in written.parted(lambda table: sum(map(_needs, table.columns)) <= self._width):
            yield self._table(part)

    def _table(self, table: Table) -> Any:
        from reportlab.platypus import Table as Set

        columns = table.columns
        rows = [[self._paragraph(c.title, color=_FAINT) for c in columns]] * table.has_titles
        cells = zip(*(column.cells_with_shares for column in columns), strict=True)
        for row in [*cells, *[[c.total for c in columns]] * table.has_totals]:
            pairs = zip(row, columns, strict=True)
            rows.append([self._paragraph(text, right=column.right) for text, column in pairs])
        style = [("LINEBELOW", (0, 0), (-1, -1), 0.5, _LINE), ("VALIGN", (0, 0), (-1, -1), "TOP")]
        style += [(f"{side}PADDING", (0, 0), (-1, -1), _PADDING) for side in ("LEFT", "RIGHT")]
        *widths, last = map(_needs, columns)
        widths.append(min(last, max(self._width - sum(widths), self._width / 3)))
        how = {"hAlign": "LEFT", "repeatRows": int(table.has_titles), "splitInRow": 1}
        return Set(rows, widths, style=style, **how)


def _needs(column: Column) -> float:
    """Return how wide a column is that breaks no line."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    texts = map(_words, (column.title, column.total, *column.cells_with_shares))
    return float(max(stringWidth(text, "Helvetica", _SIZE) for text in texts)) + 2 * _PADDING + 1
