r"""Pages as LaTeX: tables in the style of booktabs, to put into a document of one's own.

No table is wider than the line: one with sentences is a ``tabularx``, any other is made smaller
where it must be, and parted where it would become too small to be read. One of many rows is parted,
too, for a ``tabular`` does not go on over the end of a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lenet.writing.document import Block, Bullets, Column, Document, Notation, Paragraph, Table
from lenet.writing.text import GLUE, notation_lines

_PACKAGES = r"% \usepackage{booktabs,graphicx,tabularx}"
#: Rows of footnotesize on a page, with room for the table's title.
_ROWS = 40
#: Characters in a row that is not parted: those of a line of the class article, made smaller.
_CHARACTERS = 105
#: What stands between two columns, in characters.
_GAP = 1.5
#: Characters of footnotesize verbatim in a line of the class article.
_VERBATIM = 78
#: The x of 5x3, a formula that is rounded down, and a name of several letters in a formula.
_TIMES = re.compile(r"(?<=\d)x(?=\d)")
_FLOOR = re.compile(r"floor\((\([^)]*\) / \w+)\)")
_NAME = re.compile(r"(?<![\\a-z])[a-z]{2,}")
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",  # without fonts of one's own, TeX prints a dash
    GLUE: "~",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}
#: What TeX would join or curl, after the characters are escaped.
_SIGNS = {r"-\textgreater{}": r"$\to$", "--": "-{}-", '"': "''"}
#: Makes what follows as wide as it is, and no wider than the line.
_NO_WIDER = r"\noindent\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"


def write_whole_latex(document: Document) -> str:
    """Write a document of the class article; its text ends with a line break."""
    title = escaped(" ".join(document.title.split()))
    remarks = [escaped(remark) for remark in (*document.beside, *document.below)]
    lines = [
        r"\documentclass[11pt,a4paper]{article}",
        r"\usepackage[margin=2.5cm]{geometry}",
        _PACKAGES.removeprefix("% "),
        r"\begin{document}",
        rf"\noindent{{\Large\textbf{{{title}}}}}\par\medskip" if title else "",
        *(rf"\noindent {remark}\par" for remark in remarks),
        write_latex(document),
        r"\end{document}",
    ]
    return "\n".join(filter(None, lines)) + "\n"


def write_latex(document: Document) -> str:
    r"""Write a table for each table, and the text around them.

    It needs ``booktabs``, ``graphicx`` and ``tabularx``, and says so in its first line.
    """
    name = escaped(" ".join(document.title.split()))
    parts = []
    for section in document.sections:
        title = escaped(" ".join(section.title.split()))
        comment = ": ".join(filter(None, (name, f"{title[:1].lower()}{title[1:]}")))
        lines = [r"\newpage"] * section.is_new_page + [f"% {comment}"] * bool(comment)
        if title:
            lines.append(rf"\par\medskip\noindent\textbf{{{title}}}\par\nobreak\smallskip")
        for block in section.blocks:
            lines += _block(block)
        parts.append("\n".join(lines))
    return "\n".join([_PACKAGES, "\n\n".join(parts)])


def escaped(text: str) -> str:
    """Return text that LaTeX prints as it is."""
    safe = "".join(_ESCAPES.get(character, character) for character in text)
    for sign, written in _SIGNS.items():
        safe = safe.replace(sign, written)
    return safe


def _block(block: Block) -> Iterator[str]:
    match block:
        case Table():
            yield from _table(block)
        case Paragraph(text, is_note, formulas):
            words = _prose(text, formulas)
            yield rf"{{\noindent\footnotesize {words}\par\medskip}}" if is_note else rf"{words}\par"
        case Bullets(texts):
            items = (rf"\item {escaped(text)}" for text in texts)
            yield from (r"\begin{itemize}", *items, r"\end{itemize}")
        case Notation():
            lines = notation_lines(block, _VERBATIM, "")
            yield from (r"{\footnotesize\begin{verbatim}", *lines, r"\end{verbatim}}")


def _prose(text: str, formulas: Sequence[str]) -> str:
    """Escape a text, but set its formulas as mathematics."""
    written = escaped(text)
    for formula in formulas:
        written = written.replace(escaped(formula), _formula(formula))
    return written


def _table(table: Table) -> Iterator[str]:
    written_out = replace(table, columns=tuple(c for c in table.in_words.columns if not c.bars))
    yield r"{\footnotesize\setlength{\tabcolsep}{3pt}%"
    for part in written_out.parted(_fits):
        yield from _part(part)
    yield "}"


def _fits(table: Table) -> bool:
    """Can its rows be read where they have to fit into a line?"""
    columns = [part for column in table.columns for part in _with_shares(column)]
    lengths = (max(map(len, (c.title, c.total, *c.cells))) for c in columns)
    return sum(lengths) + _GAP * len(columns) <= _CHARACTERS


def _part(table: Table) -> Iterator[str]:
    columns = [part for column in table.columns for part in _with_shares(column)]
    written = (map(_formula if c.is_formula else _cell, c.cells) for c in columns)
    rows = list(map(_row, zip(*written, strict=True)))
    titles = [_row([escaped(c.title) for c in columns]), r"\midrule"] * table.has_titles
    totals = [r"\midrule", _row([escaped(c.total) for c in columns])] * table.has_totals
    kinds = "".join("X" if c.is_prose else "r" if c.right else "l" for c in columns)
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        below = totals if start + _ROWS >= len(rows) else []
        lines = (r"\toprule", *titles, *part, *below, r"\bottomrule")
        if "X" in kinds:
            yield rf"\noindent\begin{{tabularx}}{{\linewidth}}{{{kinds}}}"
            yield from (*lines, r"\end{tabularx}\par\medskip")
        else:
            yield from (_NO_WIDER, rf"\begin{{tabular}}{{{kinds}}}")
            yield from (*lines, r"\end{tabular}}\par\medskip")


def _cell(text: str) -> str:
    return _TIMES.sub(r"$\\times$", escaped(text.strip()))


def _formula(text: str) -> str:
    rounded = _FLOOR.sub(r"\\lfloor\1\\rfloor", text).replace(" x ", r" \times ")
    return text and f"${_NAME.sub(_upright, rounded)}$"


def _upright(name: re.Match[str]) -> str:
    return rf"\mathrm{{{name[0]}}}"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _with_shares(column: Column) -> Iterator[Column]:
    """Yield the numbers, and beside them their shares in a column of their own."""
    yield column
    if column.shares:
        yield Column("", tuple(column.share_texts()), right=True)
