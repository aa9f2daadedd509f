"""Pages as plain text in lines of a width, as far as their numbers allow that."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from textwrap import wrap
from typing import Final

from lenet.writing.document import Bullets, Column, Document, Notation, Paragraph, Section, Table

#: A space at which no line is broken.
GLUE: Final = "\u00a0"
#: The signs of a formula, where no line is broken either.
_IN_FORMULA: Final = re.compile(r"(?<=[\w)]) ([-+/=]) (?=[\w(])")
#: Sentences in longer lines are hard to read.
_PROSE: Final = 100
#: The length of a bar beside a share, and the least of one that fills a line, in characters.
_SHORT_BAR: Final = 5
_LONG_BAR: Final = 10
#: The least room for prose beside a row's other cells.
_NARROWEST_PROSE: Final = 24
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_BESIDE: Final = "    "


def write_text(document: Document, width: int = 80, ascii_only: bool = False) -> str:
    """Write lines of at most ``width`` characters; ``ascii_only`` draws bars with ``#``."""
    parts = [_header(document, width)]
    parts += [_section(section, width, ascii_only) for section in document.sections]
    return "\n\n".join("\n".join(line.rstrip() for line in lines) for lines in parts if lines)


def fits(table: Table, width: int, bars: bool = False) -> bool:
    """Does ``table`` fit into lines of ``width`` characters, with or without its bars?"""
    return all(len(line) <= width for line in _table(table, width, bars, ascii_only=True))


def glued(text: str) -> str:
    """Return ``text`` with formulas that no line breaks."""
    return _IN_FORMULA.sub(rf"{GLUE}\1{GLUE}", text)


def wrapped(text: str, width: int, first: str = "", others: str = "") -> list[str]:
    """Return ``text`` in lines of at most ``width``, broken at spaces but not within formulas."""
    lines = wrap(
        glued(text),
        width,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(GLUE, " ") for line in lines]


def notation_lines(notation: Notation, width: int, indent: str) -> Iterator[str]:
    """Yield the notation on one line if it fits, else one line per block, as it can be read."""
    if len(indent) + len(notation.text) <= width:
        yield indent + notation.text
        return
    for block in notation.lines:
        # A line ends behind a layer, and within one only where it is too long by itself.
        whole_layers = block.replace(" ", GLUE).replace(f",{GLUE}", ", ")
        lines = wrapped(whole_layers, width, indent, f"{indent}  ")
        if max(map(len, lines)) > width:
            lines = wrapped(block, width, indent, f"{indent}  ")
        yield from lines


def side_by_side(
    rows: Sequence[Sequence[str]], right: Collection[int] = (), width: int | None = None
) -> list[str]:
    """Return a table's lines, all of one length; one space parts columns where two do not fit.

    The columns ``right``, counted from 0, have cells that end below each other.
    """
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    fits = width is None or sum(widths) + 2 * (len(widths) - 1) <= width
    return [
        ("  " if fits else " ").join(
            cell.rjust(wide) if index in right else cell.ljust(wide)
            for index, (cell, wide) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _header(document: Document, width: int) -> list[str]:
    lines = [document.title]
    for remark in document.beside:
        joined = _BESIDE.join(filter(None, (lines[-1], remark)))
        if len(joined) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(remark)
    below = (line for remark in document.below for line in wrapped(remark, width, others="  "))
    return [*filter(None, lines), *below]


def _section(section: Section, width: int, ascii_only: bool) -> list[str]:
    lines = wrapped(section.title, width, others="  ")
    for block in section.blocks:
        match block:
            case Table():
                parts = block.in_words.parted(lambda table: fits(table, width))
                for place, part in enumerate(parts):
                    lines += [""] * (place > 0)
                    lines += _table(part, width, fits(part, width, bars=True), ascii_only)
            case Paragraph(text):
                lines += wrapped(text, min(width, _PROSE))
            case Bullets(texts):
                for text in texts:
                    lines += wrapped(text, min(width, _PROSE), "- ", "  ")
            case Notation():
                lines += notation_lines(block, width, "  ")
    return lines


def _table(table: Table, width: int, bars: bool, ascii_only: bool) -> list[str]:
    *_, last = table.columns
    columns = table.columns[:-1] if table.has_tail else table.columns
    stacks = [_stack(table, _with_shares(column, bars, ascii_only)) for column in columns]
    right = [index for index, column in enumerate(columns) if column.right]
    lines = side_by_side(list(zip(*stacks, strict=True)), right, width - table.indent)
    lines = [" " * table.indent + line for line in lines]
    return list(_with_tail(lines, last, table, width, ascii_only)) if table.has_tail else lines


def _stack(table: Table, column: Column) -> list[str]:
    return [column.title] * table.has_titles + [*column.cells] + [column.total] * table.has_totals


def _with_tail(
    lines: list[str], last: Column, table: Table, width: int, ascii_only: bool
) -> Iterator[str]:
    """Yield the lines with what fills them: a bar, or sentences."""
    if last.bars:
        room = max(_LONG_BAR, width - len(lines[0]) - 2)
        sign = "#" if ascii_only else "█"
        last = replace(last, cells=tuple(sign * max(1, round(room * bar)) for bar in last.bars))
    for line, tail in zip(lines, _stack(table, last), strict=True):
        hang = len(line) + 2
        if width - hang < _NARROWEST_PROSE:
            hang = table.indent + 4
        if last.bars or not tail:
            yield f"{line}  {tail}"
        else:
            yield from wrapped(tail, width, f"{line}  ", " " * hang)


def _with_shares(column: Column, bars: bool, ascii_only: bool) -> Column:
    """Return the column with its shares inside its cells, in percent and, with ``bars``, drawn."""
    if not column.shares:
        return column
    texts = column.share_texts("%")
    space = 1 + max(map(len, texts))
    cells = tuple(
        cell + text.rjust(space) + (" " + _bar(share, ascii_only) if bars else "")
        for cell, text, share in zip(column.cells, texts, column.shares, strict=True)
    )
    added = len(cells[0]) - len(column.cells[0])
    return replace(column, cells=cells, total=column.total + " " * added)


def _bar(share: float, ascii_only: bool) -> str:
    """Draw a bar whose full length is the whole; anything above nothing shows."""
    if ascii_only:
        return ("#" * max(round(share * _SHORT_BAR), share > 0)).ljust(_SHORT_BAR)
    eighths = max(round(share * _SHORT_BAR * 8), share > 0)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + _EIGHTHS[part]).strip().ljust(_SHORT_BAR)
