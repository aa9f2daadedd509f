"""A report as LaTeX: two tables in booktabs' style, to put into a document of one's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from lenet.analysis.explanation.report import Report
from lenet.analysis.explanation.tables import Column, cost_columns, flow_columns
from lenet.writing.numbers import whole_percent

#: What the formula's numbers tell too would make the table wider than a page.
_LEFT_OUT = ("kind", "input", "both")
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


def render_latex(report: Report) -> str:
    r"""Two ``tabular`` environments, what flows and what it costs; they need ``booktabs``.

    Ends without a line break.
    """
    flow = flow_columns(report)
    columns = [
        _written(c, _formula if key == "size" else _sizes)._replace(total="")
        for key, c in flow.items()
        if key not in _LEFT_OUT
    ]
    costs = [part for c in cost_columns(report).values() for part in _with_shares(c)]
    name = escaped(" ".join((report.name or "network").split()))
    return "\n".join(
        [
            r"% \usepackage{booktabs}",
            f"% {name}: what flows",
            *_tabular(columns),
            "",
            f"% {name}: what it costs",
            *_tabular([flow["layer"], *(_written(column, escaped) for column in costs)]),
        ]
    )


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return "".join(_ESCAPES.get(character, character) for character in text)


def _written(column: Column, write: Callable[[str], str]) -> Column:
    return column._replace(cells=tuple(map(write, column.cells)))


def _sizes(text: str) -> str:
    return _TIMES.sub(r"$\\times$", escaped(text))


def _formula(text: str) -> str:
    if not text:
        return ""
    rounded = _FLOOR.sub(r"\\lfloor\1\\rfloor", text)
    return "$" + rounded.replace(" x ", r" \times ") + "$"


def _tabular(columns: Sequence[Column]) -> Iterator[str]:
    yield rf"\begin{{tabular}}{{{''.join('r' if c.right else 'l' for c in columns)}}}"
    yield r"\toprule"
    yield _row([column.title for column in columns])
    yield r"\midrule"
    for cells in zip(*(column.cells for column in columns), strict=True):
        yield _row(cells)
    if any(column.total for column in columns):
        yield r"\midrule"
        yield _row([column.total for column in columns])
    yield r"\bottomrule"
    yield r"\end{tabular}"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _with_shares(column: Column) -> Iterator[Column]:
    """The numbers, and beside them their shares in a column of their own."""
    yield column
    if column.shares:
        texts = (
            "" if cell == "-" else f"{whole_percent(share)} %"
            for cell, share in zip(column.cells, column.shares, strict=True)
        )
        yield Column("", tuple(texts), right=True)
