"""A report as Markdown, with tables in GitHub's form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

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
from lenet.writing.numbers import whole_percent
from lenet.writing.prose import notation_blocks

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")


def render_markdown(report: Report) -> str:
    """Headings, tables and lists; ends without a line break."""
    flow = flow_columns(report)
    costs = [_shared(column) for column in cost_columns(report).values()]
    lines = [
        f"## {_escaped(report.name or 'network')}",
        "",
        f"{in_and_out(report).replace('    ', ', ')}. {layer_count(report)}. "
        f"{block_count(report)}.",
        *_section("What flows", _table([c._replace(total="") for c in flow.values()])),
        *_section("What it costs", _table([flow["layer"], *costs])),
        *_section("Memory", _table(memory_columns(report))),
        *(line for note in memory_notes(report) for line in ("", note)),
    ]
    if report.findings:
        lines += _section("Stands out", (f"- {_escaped_stars(text)}" for text in report.findings))
    notation = ("```", *notation_blocks(report.network), "```")
    return "\n".join([*lines, *_section("As notation, to copy and change", notation)])


def _section(title: str, lines: Iterable[str]) -> list[str]:
    return ["", f"### {title}", "", *lines]


def _table(columns: Sequence[Column]) -> Iterator[str]:
    for index, row in enumerate(rows_of(columns)):
        yield f"| {' | '.join(row)} |"
        if index == 0:
            yield "".join("| ---: " if column.right else "| :--- " for column in columns) + "|"


def _shared(column: Column) -> Column:
    if not column.shares:
        return column
    cells = tuple(
        cell if cell == "-" else f"{cell} ({whole_percent(share)} %)"
        for cell, share in zip(column.cells, column.shares, strict=True)
    )
    return column._replace(cells=cells)


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _escaped_stars(text: str) -> str:
    return re.sub(r"([*_<])", r"\\\1", text)
