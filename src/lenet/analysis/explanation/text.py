"""A report as plain text: tables with one row a layer, memory, and what stands out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from lenet.analysis.explanation.report import Report
from lenet.analysis.explanation.tables import (
    Column,
    block_count,
    cost_columns,
    flow_columns,
    in_and_out,
    layer_count,
    memory_columns,
    memory_notes,
    rows_of,
)
from lenet.writing.numbers import short_count, whole_percent
from lenet.writing.prose import notation_lines, side_by_side, wrapped

_NARROWEST: Final = 40
_PROSE: Final = 100  # longer lines are hard to read
_BAR: Final = 5  # characters
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


def render_text(report: Report, width: int = 80, ascii_only: bool = False) -> str:
    """``report`` in lines of at most ``width`` characters, as long as its numbers allow that.

    ``ascii_only`` draws the bars with ``#``, for terminals that have nothing better.
    """
    width = max(width, _NARROWEST)
    sections = [_header(report, width), *_tables(report, width, ascii_only)]
    sections.append(["Memory", *_table(memory_columns(report), width)])
    prose = min(width, _PROSE)
    sections[-1] += [line for note in memory_notes(report) for line in wrapped(note, prose)]
    if report.findings:
        bullets = [line for text in report.findings for line in wrapped(text, prose, "- ", "  ")]
        sections.append(["Stands out", *bullets])
    notation = notation_lines(report.network, width, "  ")
    sections.append(["As notation, to copy and change", *notation])
    return "\n\n".join("\n".join(line.rstrip() for line in lines) for lines in sections)


def _table(columns: Sequence[Column], width: int) -> list[str]:
    right = [index for index, column in enumerate(columns) if column.right]
    return side_by_side(rows_of(columns), right, width)


def _header(report: Report, width: int) -> list[str]:
    lines = [f"{report.name or 'network'}    {in_and_out(report)}", layer_count(report)]
    joined = "    ".join(lines)
    top = [joined] if len(joined) <= width else lines
    return [*top, *wrapped(block_count(report), width, others="  ")]


def _tables(report: Report, width: int, ascii_only: bool) -> Iterator[list[str]]:
    """All in one table where that fits, else what flows, then what it costs."""
    flow = flow_columns(report, _squeezed)
    costs = list(cost_columns(report).values())
    full = _table([*flow.values(), *(_shared(c, True, ascii_only) for c in costs)], width)
    if len(full[0]) <= width:
        yield full
        return
    yield ["What flows", *_flow(flow, width)]
    short = list(cost_columns(report, short_count).values())
    names = flow["layer"]
    choices = [
        _table([names, *(_shared(column, bars, ascii_only) for column in chosen)], width)
        for chosen, bars in ((costs, True), (costs, False), (short, True), (short, False))
    ]
    yield ["What it costs", *_first_that_fits(choices, width)]


def _squeezed(formula: str) -> str:
    """``(28-5+0+1)/1=24``: spaces would take the room of other columns."""
    return formula.replace(" ", "")


def _flow(flow: dict[str, Column], width: int) -> list[str]:
    """Without what the other columns tell too; if need be, formulas follow below."""
    columns = {key: column._replace(total="") for key, column in flow.items() if key != "kind"}
    sizes = columns["size"]
    choices = []
    for left_out in ((), ("input",), ("input", "both"), ("input", "size")):
        choices.append(_table([c for key, c in columns.items() if key not in left_out], width))
    best = _first_that_fits(choices, width)
    if best is not choices[-1]:
        return best
    names = [
        f"  {name}" for name, size in zip(columns["layer"].cells, sizes.cells, strict=True) if size
    ]
    if not names:
        return best
    formulas = tuple(filter(None, sizes.cells))
    below = side_by_side(list(zip(names, formulas, strict=True)), width=width)
    return [*best, "", "Sizes", *below]


def _first_that_fits(choices: Sequence[list[str]], width: int) -> list[str]:
    return next((lines for lines in choices if len(lines[0]) <= width), choices[-1])


def _shared(column: Column, bars: bool, ascii_only: bool) -> Column:
    """The column with its shares inside its cells, in percent and, with ``bars``, drawn."""
    if not column.shares:
        return column
    texts = [
        "" if cell == "-" else f"{whole_percent(share)}%"
        for cell, share in zip(column.cells, column.shares, strict=True)
    ]
    space = 1 + max(map(len, texts))
    tails = [
        text.rjust(space) + (" " + _bar(share, ascii_only) if bars else "")
        for text, share in zip(texts, column.shares, strict=True)
    ]
    cells = tuple(cell + tail for cell, tail in zip(column.cells, tails, strict=True))
    return column._replace(cells=cells, total=column.total + " " * len(tails[0]))


def _bar(share: float, ascii_only: bool) -> str:
    """A bar whose full length is the whole; anything above nothing shows."""
    if ascii_only:
        return ("#" * max(round(share * _BAR), share > 0)).ljust(_BAR)
    eighths = max(round(share * _BAR * 8), share > 0)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + _EIGHTHS[part]).strip().ljust(_BAR)
