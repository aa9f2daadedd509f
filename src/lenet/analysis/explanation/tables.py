"""The report's tables and sentences, for text, Markdown, HTML and LaTeX to lay out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from lenet.analysis.explanation.report import BlockRow, LayerRow, Report, Window
from lenet.analysis.memory import KEPT_RULE, NORMALISED_RULE
from lenet.net.layers import padding_text
from lenet.net.shapes import pair_text, shape_text, size_text
from lenet.writing.numbers import bytes_text, plural

#: Title, the count's name in LayerCounts, and its share's in LayerRow; connections go without.
_COUNTED = (
    ("parameters", "parameters", "parameter_share"),
    ("multiply-adds", "multiply_adds", "multiply_add_share"),
    ("activations", "activations", "activation_share"),
    ("connections", "connections", ""),
)
#: More blocks than this are counted, not listed; of more layers, the first and the last are.
_BLOCKS_LISTED = 6
_LAYERS_LISTED = 8


class Column(NamedTuple):
    """Title, a cell a layer, and below them the total; with ``shares``, each cell's part of it."""

    title: str
    cells: tuple[str, ...]
    total: str = ""
    right: bool = False
    shares: tuple[float, ...] = ()


def rows_of(columns: Sequence[Column]) -> list[tuple[str, ...]]:
    """The columns' cells row by row: titles first, and totals last if there are any."""
    has_totals = any(column.total for column in columns)
    stacks = [(c.title, *c.cells, *([c.total] if has_totals else [])) for c in columns]
    return list(zip(*stacks, strict=True))


def in_and_out(report: Report) -> str:
    """What goes in and what comes out."""
    network = report.network
    return f"in {shape_text(network.input_shape)}    out {shape_text(network.output_shape)}"


def layer_count(report: Report) -> str:
    """How many layers there are, and the rule by which they are counted."""
    kinds = {"conv": report.count("conv"), "dense": report.count("dense")}
    parts = " + ".join(f"{n:,} {kind}" for kind, n in kinds.items() if n)
    rule = ""
    if report.layer_count < len(report.layers):
        rule = (
            " (pooling belongs to its convolution)" if kinds["conv"] else " (pooling not counted)"
        )
    return f"{plural(report.layer_count, 'layer')}{': ' * bool(parts)}{parts}{rule}"


def block_count(report: Report) -> str:
    """Which layers are a block, and which blocks repeat an earlier one."""
    blocks = report.blocks
    count = plural(len(blocks), "block")
    if len(blocks) > _BLOCKS_LISTED:
        repeats = sum(block.repeats is not None for block in blocks)
        return f"{count}, {repeats:,} of them like an earlier one but for their channels or units"
    return f"{count}: {', '.join(map(_block_text, blocks))}"


def _block_text(block: BlockRow) -> str:
    names = " ".join(block.layers)
    if len(block.layers) > _LAYERS_LISTED:
        names = f"{block.layers[0]} to {block.layers[-1]}"
    if block.repeats is None:
        return names
    if block.repeats == block.number - 1:
        return f"the same again ({names})"
    return f"block {block.repeats} again ({names})"


def flow_columns(report: Report, formula: Callable[[str], str] = str) -> dict[str, Column]:
    """What flows: windows, shapes, and what a unit sees; ``formula`` writes formulas."""
    rows = report.layers
    fields = [row.receptive_field for row in rows]
    windows = [row.window for row in rows]
    return {
        "block": Column("block", _block_cells(report)),
        "layer": Column("layer", tuple(row.name for row in rows), "total"),
        "kind": Column("kind", tuple(map(_kind, rows))),
        "kernel": Column("kernel", tuple(pair_text(w.kernel_size) if w else "" for w in windows)),
        "stride": Column("stride", tuple(size_text(w.stride) if w else "" for w in windows)),
        "pad": Column("pad", tuple(padding_text(w.padding) if w else "" for w in windows)),
        "both": Column("both", tuple(size_text(w.total_padding) if w else "" for w in windows)),
        "input": Column("input", tuple(shape_text(row.input_shape) for row in rows)),
        "output": Column("output", tuple(shape_text(row.output_shape) for row in rows)),
        "size": Column("size", tuple(_formulas(window, formula) for window in windows)),
        "sees": Column("sees", tuple(pair_text(field.size) for field in fields)),
        "jump": Column("jump", tuple(size_text(f.jump) if f.jump else "" for f in fields)),
    }


def cost_columns(report: Report, number: Callable[[int], str] = "{:,}".format) -> dict[str, Column]:
    """What it costs; ``number`` writes counts."""
    rows = report.layers
    columns = {}
    for title, count, share in _COUNTED:
        values = [getattr(row.counts, count) for row in rows]
        columns[title] = Column(
            title,
            tuple(number(value) if value else "-" for value in values),
            number(getattr(report.total, count)),
            right=True,
            shares=tuple(getattr(row, share) for row in rows) if share else (),
        )
    kept = tuple(bytes_text(row.kept_bytes) if row.kept_bytes else "-" for row in rows)
    columns["kept"] = Column("kept", kept, bytes_text(sum(report.memory.kept)), right=True)
    return columns


def memory_columns(report: Report) -> tuple[Column, ...]:
    """What it takes in memory, for one image and, if it is larger, for the batch."""
    memory = report.memory
    statistics = {"running means, variances": memory.statistics} if memory.statistics else {}
    columns: list[Column] = []
    for images in dict.fromkeys((1, memory.batch)):
        amounts = {
            "parameters": memory.parameters,
            **statistics,
            "gradients": memory.gradients,
            f"optimizer state, {memory.optimizer}": memory.optimizer_state,
            "activations kept": memory.activations(images),
            "training, together": memory.training(images),
            "inference": memory.inference(images),
        }
        title = "one image" if images == 1 else f"{images:,} images"
        columns = columns or [Column("float32", tuple(amounts))]
        columns.append(Column(title, tuple(map(bytes_text, amounts.values())), right=True))
    return tuple(columns)


def memory_notes(report: Report) -> tuple[str, str]:
    """The rules behind the memory table."""
    memory = report.memory
    rule, held = KEPT_RULE, "the parameters"
    if memory.statistics:
        rule, held = f"{KEPT_RULE} {NORMALISED_RULE}", f"{held}, means and variances"
    return (
        rule,
        f"Inference holds {held}, and input and output of one layer at a time: "
        f"{memory.largest_layer} needs most, {bytes_text(memory.largest_pair)} an image.",
    )


def _kind(row: LayerRow) -> str:
    activation = row.activation if row.activation != "identity" else None
    return " ".join(filter(None, (row.kind, "batchnorm" * bool(row.batch_norm), activation)))


def _block_cells(report: Report) -> tuple[str, ...]:
    cells: list[str] = []
    for block in report.blocks:
        first = str(block.number) if block.repeats is None else f"{block.number} = {block.repeats}"
        cells += [first, *[""] * (len(block.layers) - 1)]
    return tuple(cells)


def _formulas(window: Window | None, write: Callable[[str], str]) -> str:
    """The size formula; both axes' where they differ, height x width."""
    return " x ".join(dict.fromkeys(map(write, window.formulas))) if window else ""
