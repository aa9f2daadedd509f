"""Pages as plain text in lines of a width, as far as their numbers allow that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from lenet.writing.document import Bullets, Column, Document, Notation, Paragraph, Section, Table
from lenet.writing.prose import notation_lines, side_by_side, wrapped

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
    """Write ``document`` in lines of at most ``width`` characters, without a last line break."""
    parts = [_header(document, width)]
    parts += [_section(section, width, ascii_only) for section in document.sections]
    return "\n\n".join("\n".join(line.rstrip() for line in lines) for lines in parts if lines)


def fits(table: Table, width: int, bars: bool = False) -> bool:
    """Does ``table`` fit into lines of ``width`` characters, with or without its bars?"""
    return all(len(line) <= width for line in _table(table, width, bars, ascii_only=True))


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
                bars = fits(block, width, bars=True)
                lines += _table(block, width, bars, ascii_only)
            case Paragraph(text):
                lines += wrapped(text, min(width, _PROSE))
            case Bullets(texts):
                for text in texts:
                    lines += wrapped(text, min(width, _PROSE), "- ", "  ")
            case Notation(text):
                lines += notation_lines(text, width, "  ")
    return lines


def _table(table: Table, width: int, bars: bool, ascii_only: bool) -> list[str]:
    *_, last = table.columns
    has_tail = last.is_prose or bool(last.bars)
    columns = table.columns[:-1] if has_tail else table.columns
    columns = tuple(_with_shares(column, bars, ascii_only) for column in columns)
    stacks = [
        [column.title] * table.has_titles + [*column.cells] + [column.total] * table.has_totals
        for column in columns
    ]
    right = [index for index, column in enumerate(columns) if column.right]
    margin = " " * table.indent
    lines = side_by_side(list(zip(*stacks, strict=True)), right, width - table.indent)
    lines = [margin + line for line in lines]
    if not has_tail:
        return lines
    return list(_with_tail(lines, last, table, width, ascii_only))


def _with_tail(
    lines: list[str], last: Column, table: Table, width: int, ascii_only: bool
) -> Iterator[str]:
    """Yield the lines with what fills them: a bar, or sentences."""
    if last.bars:
        room = max(_LONG_BAR, width - len(lines[0]) - 2)
        sign = "#" if ascii_only else "█"
        tails = [sign * max(1, round(room * bar)) for bar in last.bars]
    else:
        tails = list(last.cells)
    tails = [last.title] * table.has_titles + tails + [last.total] * table.has_totals
    for line, tail in zip(lines, tails, strict=True):
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
    tails = [
        text.rjust(space) + (" " + _bar(share, ascii_only) if bars else "")
        for text, share in zip(texts, column.shares, strict=True)
    ]
    cells = tuple(cell + tail for cell, tail in zip(column.cells, tails, strict=True))
    return replace(column, cells=cells, total=column.total + " " * len(tails[0]))


def _bar(share: float, ascii_only: bool) -> str:
    """Draw a bar whose full length is the whole; anything above nothing shows."""
    if ascii_only:
        return ("#" * max(round(share * _SHORT_BAR), share > 0)).ljust(_SHORT_BAR)
    eighths = max(round(share * _SHORT_BAR * 8), share > 0)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + _EIGHTHS[part]).strip().ljust(_SHORT_BAR)
