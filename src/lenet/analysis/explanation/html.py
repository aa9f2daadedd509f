"""A report as a piece of HTML: no scripts, no outside files, its style inside.

Colours are variables that follow the reader's light or dark scheme, and a notebook's own theme
where it has one. Wide tables scroll by themselves, so that the page stays readable on a phone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
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
)
from lenet.writing.numbers import whole_percent
from lenet.writing.prose import notation_blocks

_LIGHT: Final = (
    "color-scheme:light;--ink:#1b1f24;--paper:#fff;--faint:#5b6470;--line:#d5dae0;--bar:#bcdcf7"
)
_DARK: Final = (
    "color-scheme:dark;--ink:#e6e9ed;--paper:#15181c;--faint:#9aa4b0;--line:#363c44;--bar:#1f4a70"
)
_STYLE: Final = f"""<style>
.lenet-report{{{_LIGHT};color:var(--ink);background:var(--paper);padding:1em;
font:15px/1.5 system-ui,sans-serif;max-width:70em}}
@media (prefers-color-scheme:dark){{.lenet-report{{{_DARK}}}}}
[data-jp-theme-light="true"] .lenet-report{{{_LIGHT}}}
[data-jp-theme-light="false"] .lenet-report{{{_DARK}}}
.lenet-report h2{{margin:0;font-size:1.3em}}
.lenet-report h3{{margin:1.2em 0 .3em;font-size:1em}}
.lenet-report p{{margin:.3em 0}}
.lenet-report .note{{color:var(--faint);font-size:.9em}}
.lenet-report .wide{{overflow-x:auto}}
.lenet-report table{{border-collapse:collapse;margin:0;font-size:.9em;
font-variant-numeric:tabular-nums}}
.lenet-report caption{{text-align:left;font-weight:600;padding:1em 0 .3em}}
.lenet-report th,.lenet-report td{{padding:.2em .6em;text-align:left;white-space:nowrap;
color:inherit;border-bottom:1px solid var(--line)}}
.lenet-report thead th{{color:var(--faint);font-weight:400}}
.lenet-report tbody th,.lenet-report tfoot th{{position:sticky;left:0;background:var(--paper)}}
.lenet-report tfoot th,.lenet-report tfoot td{{font-weight:600;border-bottom:0}}
.lenet-report .right{{text-align:right}}
.lenet-report .share{{background:linear-gradient(to right,var(--bar) var(--share),transparent 0)}}
.lenet-report pre{{margin:0;white-space:pre-wrap;color:inherit;background:none}}
</style>"""


def render_html(report: Report) -> str:
    """A ``section`` element with its style; ends without a line break."""
    flow = flow_columns(report)
    # The row's own name comes first: it stays in sight while the rest scrolls.
    layer = flow.pop("layer")
    sections = [
        '<section class="lenet-report">',
        _STYLE,
        f"<h2>{escape(report.name or 'network')}</h2>",
        f"<p>{escape(in_and_out(report)).replace('    ', ', ')}</p>",
        f"<p>{escape(layer_count(report))}</p>",
        f"<p>{escape(block_count(report))}</p>",
        *_table("What flows", [layer._replace(total=""), *flow.values()]),
        *_table("What it costs", [layer, *cost_columns(report).values()]),
        *_table("Memory", memory_columns(report)),
        *(f'<p class="note">{escape(note)}</p>' for note in memory_notes(report)),
        *_findings(report.findings),
        "<h3>As notation, to copy and change</h3>",
        f"<pre><code>{escape(chr(10).join(notation_blocks(report.network)))}</code></pre>",
        "</section>",
    ]
    return "\n".join(sections)


def _findings(texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield "<h3>Stands out</h3>"
        yield "<ul>"
        yield from (f"<li>{escape(text)}</li>" for text in texts)
        yield "</ul>"


def _table(caption: str, columns: Sequence[Column]) -> Iterator[str]:
    """A table whose first column names its rows."""
    yield f'<div class="wide" tabindex="0" role="region" aria-label="{caption}">'
    yield f"<table><caption>{caption}</caption>"
    heads = (f'<th scope="col"{_aligned(c)}>{escape(c.title)}</th>' for c in columns)
    yield f"<thead><tr>{''.join(heads)}</tr></thead>"
    yield "<tbody>"
    for index in range(len(columns[0].cells)):
        yield _row(_cell(column, index) for column in columns)
    yield "</tbody>"
    if any(column.total for column in columns):
        yield "<tfoot>"
        yield _row(_plain(column, column.total) for column in columns)
        yield "</tfoot>"
    yield "</table></div>"


def _row(cells: Iterable[str]) -> str:
    first, *others = cells
    name = first.replace("<td", '<th scope="row"').replace("</td>", "</th>")
    return f"<tr>{name}{''.join(others)}</tr>"


def _cell(column: Column, index: int) -> str:
    text = column.cells[index]
    if not column.shares or text == "-":
        return _plain(column, text)
    share = column.shares[index]
    return (
        f'<td class="right share" style="--share:{100 * share:.1f}%">{escape(text)} '
        f"<small>{escape(whole_percent(share))} %</small></td>"
    )


def _plain(column: Column, text: str) -> str:
    return f"<td{_aligned(column)}>{escape(text)}</td>"


def _aligned(column: Column) -> str:
    return ' class="right"' if column.right else ""
