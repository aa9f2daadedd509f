"""A report as plain text: a table with one row a layer, and what stands out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import NamedTuple

from lenet.anatomy.findings import percent
from lenet.anatomy.report import LayerRow, Report
from lenet.net.notation import padding_text, size_text
from lenet.net.shapes import pair_text, shape_text

_NARROWEST = 40


def render_text(report: Report, width: int = 80) -> str:
    """``report`` in lines of at most ``width`` characters, as long as its numbers allow that."""
    width = max(width, _NARROWEST)
    sections = [_header(report, width), _table(report, width)]
    if report.findings:
        sections.append(["Stands out", *_bullets(report.findings, width)])
    sections.append(["As notation, to copy and change", *_notation(report, width)])
    return "\n\n".join("\n".join(line.rstrip() for line in lines) for lines in sections)


class _Column(NamedTuple):
    title: str
    cells: list[str]
    right: bool = False

    @property
    def width(self) -> int:
        return max(map(len, (self.title, *self.cells)))

    def lines(self) -> Iterator[str]:
        """Title and cells, all equally wide."""
        width = self.width
        for text in (self.title, *self.cells):
            yield text.rjust(width) if self.right else text.ljust(width)


def _header(report: Report, width: int) -> list[str]:
    network = report.network
    what = (
        f"{report.name or 'network'}    in {shape_text(network.input_shape)}"
        f"    out {shape_text(network.output_shape)}"
    )
    lines = [what, _layer_count(report)]
    joined = "    ".join(lines)
    return [joined] if len(joined) <= width else lines


def _layer_count(report: Report) -> str:
    count = report.layer_count
    kinds = {"conv": report.count("conv"), "dense": report.count("dense")}
    parts = " + ".join(f"{n} {kind}" for kind, n in kinds.items() if n)
    rule = ""
    if count < len(report.layers):
        rule = (
            " (pooling belongs to its convolution)" if kinds["conv"] else " (pooling not counted)"
        )
    return f"{count} {'layer' if count == 1 else 'layers'}{': ' * bool(parts)}{parts}{rule}"


def _table(report: Report, width: int) -> list[str]:
    """One row a layer. Where the sizes' formulas do not fit beside the rest, they follow below."""
    sizes = _Column("size", [_formulas(row) for row in report.layers])
    left, right = list(_left_columns(report)), list(_right_columns(report))
    lines = _joined([*_with_total([*left, sizes]), *right], width)
    if len(lines[0]) <= width or not any(sizes.cells):
        return lines
    names = _Column("", [f"  {row.name}" for row in report.layers if row.window])
    formulas = _Column("", [text for text in sizes.cells if text])
    below = _joined([names, formulas], width)[1:]
    return [*_joined([*_with_total(left), *right], width), "", "Sizes", *below]


def _left_columns(report: Report) -> Iterator[_Column]:
    rows = report.layers
    windows = [row.window for row in rows]
    yield _Column("block", _block_cells(report))
    yield _Column("layer", [row.name for row in rows])
    yield _Column("kernel", [pair_text(w.kernel_size) if w else "" for w in windows])
    yield _Column("stride", [size_text(w.stride) if w else "" for w in windows])
    yield _Column("pad", [padding_text(w.padding) if w else "" for w in windows])
    yield _Column("output", [shape_text(row.output_shape) for row in rows])


def _right_columns(report: Report) -> Iterator[_Column]:
    """Parameters and multiply-adds with their shares; the totals are their last cells."""
    rows, total = report.layers, report.total
    yield _share_column(
        "parameters",
        [(row.counts.parameters, row.parameter_share) for row in rows],
        total.parameters,
    )
    yield _share_column(
        "multiply-adds",
        [(row.counts.multiply_adds, row.multiply_add_share) for row in rows],
        total.multiply_adds,
    )


def _share_column(title: str, entries: list[tuple[int, float]], total: int) -> _Column:
    shares = [f"{percent(share)}%" if number else "" for number, share in entries]
    space = 1 + max(map(len, shares))
    numbers = [f"{number:,}" if number else "-" for number, _ in entries]
    cells = [number + share.rjust(space) for number, share in zip(numbers, shares, strict=True)]
    return _Column(title, [*cells, f"{total:,}" + " " * space], right=True)


def _block_cells(report: Report) -> list[str]:
    cells = []
    for block in report.blocks:
        first = str(block.number) if block.repeats is None else f"{block.number} = {block.repeats}"
        cells += [first, *[""] * (len(block.layers) - 1)]
    return cells


def _formulas(row: LayerRow) -> str:
    """The size formula; both axes' where they differ, height x width."""
    return " x ".join(dict.fromkeys(row.window.formulas)) if row.window else ""


def _with_total(columns: Sequence[_Column]) -> Iterator[_Column]:
    """The columns with a cell more for the row of totals, whose name stands at its very right."""
    *others, last = columns
    for column in others:
        yield column._replace(cells=[*column.cells, ""])
    yield last._replace(cells=[*last.cells, "total".rjust(last.width)])


def _joined(columns: Sequence[_Column], width: int) -> list[str]:
    """The columns side by side, two spaces apart where there is room, else one."""
    natural = sum(column.width for column in columns)
    gap = "  " if natural + 2 * (len(columns) - 1) <= width else " "
    return [gap.join(cells) for cells in zip(*(column.lines() for column in columns), strict=True)]


def _bullets(sentences: Iterable[str], width: int) -> Iterator[str]:
    for sentence in sentences:
        yield from _wrapped(sentence, width, "- ", "  ")


def _notation(report: Report, width: int) -> Iterator[str]:
    """On one line if it fits, else a block a line; it can be read back either way."""
    text = str(report.network)
    if len(text) + 2 <= width:
        yield f"  {text}"
        return
    start, *blocks = text.split(" | ")
    yield f"  {start}"
    for block in blocks:
        yield from _wrapped(block, width, "  | ", "    ")


def _wrapped(text: str, width: int, first: str, others: str) -> list[str]:
    return wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
