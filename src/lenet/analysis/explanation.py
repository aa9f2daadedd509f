"""``lenet.explain``: layers, shapes, costs, memory, and what stands out, as a page and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from lenet.analysis.counts import (
    DEFAULT_BATCH,
    KEPT_RULE,
    NORMALISED_RULE,
    LayerCounts,
    Memory,
    count_layer,
    measure_memory,
    receptive_fields,
    total,
)
from lenet.analysis.facts import BlockRow, LayerRow, Window, block_rows, layer_rows
from lenet.analysis.findings import findings
from lenet.net import Network, Source, read_named
from lenet.net.layers import padding_text
from lenet.net.shapes import pair_text, shape_text, size_text
from lenet.writing import Result, plain
from lenet.writing.document import Bullets, Column, Document, Notation, Paragraph, Section, Table
from lenet.writing.numbers import bytes_text, plural, short_count
from lenet.writing.text import fits

#: Title, the count's name in LayerCounts, and its share's in LayerRow; connections go without.
_COUNTED: Final = (
    ("parameters", "parameters", "parameter_share"),
    ("multiply-adds", "multiply_adds", "multiply_add_share"),
    ("activations", "activations", "activation_share"),
    ("connections", "connections", ""),
)
#: More blocks than this are counted, not listed; of more layers, the first and the last are.
_BLOCKS_LISTED: Final = 6
_LAYERS_LISTED: Final = 8
#: What the formula's numbers tell too would make LaTeX's table wider than a page.
_NOT_IN_LATEX: Final = ("kind", "input", "both")
#: What narrow text leaves out, the fuller choice first; formulas then follow below.
_NOT_IN_TEXT: Final = (("kind",), ("kind", "input"), ("kind", "input", "both"))
_FORMULAS_BELOW: Final = ("kind", "input", "size")
_AXES: Final = ("height", "width")


@dataclass(frozen=True)
class Report(Result):
    """Everything :func:`explain` found out; ``print`` it to read it.

    Attributes:
        name: what the network is called; may be empty.
        network: the network.
        blocks: its blocks.
        layers: one row per layer.
        total: the counts of all layers together.
        memory: what it takes in training and in use.
        findings: what stands out, in sentences.
    """

    name: str
    network: Network
    blocks: tuple[BlockRow, ...]
    layers: tuple[LayerRow, ...]
    total: LayerCounts
    memory: Memory
    findings: tuple[str, ...]

    csv_key = "layers"
    csv_parts: ClassVar = {
        "kernel_size": _AXES,
        "stride": _AXES,
        "padding": ("top", "bottom", "left", "right"),
        "total_padding": _AXES,
        "formulas": _AXES,
        "receptive_field": _AXES,
        "jump": _AXES,
    }

    def count(self, *kinds: str) -> int:
        """Return how many layers are of these kinds."""
        return sum(row.kind in kinds for row in self.layers)

    @property
    def layer_count(self) -> int:
        """Convolutions and dense layers; a pooling belongs to its convolution."""
        return self.count("conv", "dense")

    @property
    def layer_text(self) -> str:
        """How many layers there are, and the rule by which they are counted."""
        kinds = {"conv": self.count("conv"), "dense": self.count("dense")}
        parts = " + ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
        rule = ""
        if self.layer_count < len(self.layers):
            counted = "belongs to its convolution" if kinds["conv"] else "not counted"
            rule = f" (pooling {counted})"
        return f"{plural(self.layer_count, 'layer')}{': ' * bool(parts)}{parts}{rule}"

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON can hold it; docs/explain.md explains every key."""
        values = {
            "format": "lenet-explanation",
            "version": 1,
            "name": self.name,
            "network": str(self.network),
            "input_shape": self.network.input_shape,
            "output_shape": self.network.output_shape,
            "layer_count": self.layer_count,
            "convolutions": self.count("conv"),
            "dense_layers": self.count("dense"),
            "poolings": len(self.layers) - self.layer_count,
            "blocks": list(map(vars, self.blocks)),
            "layers": list(map(_layer_dict, self.layers)),
            "total": _counts_dict(self.total),
            "memory": _memory_dict(self.memory),
            "findings": self.findings,
        }
        return dict(plain(values))

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Lay the report out; text chooses tables that fit ``width``, LaTeX has only tables."""
        network, is_text = self.network, form == "text"
        tables = _text_tables(self, width) if is_text else _tables(self, form)
        ends = f"in {shape_text(network.input_shape)}", f"out {shape_text(network.output_shape)}"
        return Document(
            self.name or "network",
            (*tables, *([] if form == "latex" else self._remarks())),
            beside=(("    " if is_text else ", ").join(ends), self.layer_text),
            below=(block_text(self.blocks),),
        )

    def _remarks(self) -> Iterator[Section]:
        notes = [Paragraph(note, is_note=True) for note in memory_notes(self.memory)]
        yield Section("Memory", (Table(memory_columns(self.memory)), *notes))
        if self.findings:
            yield Section("Stands out", (Bullets(self.findings),))
        yield Section("As notation, to copy and change", (Notation(str(self.network)),))


def explain(
    network: Source,
    *,
    name: str = "",
    input_shape: Iterable[int] | str | None = None,
    batch: int = DEFAULT_BATCH,
    optimizer: str = "sgd",
) -> Report:
    """Find out what there is to know about a network; ``print`` the report to read it.

    Args:
        network: a network, a model, a zoo name, a notation, a ``.json`` file or a saved model.
        name: what to call it; by default its zoo name or file.
        input_shape: look at the network on this input instead of its own: (channels, height,
            width), or text such as ``3x64x64``.
        batch: images per training step, for the memory it takes.
        optimizer: sgd, momentum, nesterov or adamw, for the same.

    Raises:
        UsageError: ``network`` names none, or another argument is out of range.
        ShapeError: the network does not fit together.
    """
    network, name = read_named(network, name, input_shape)
    counts = [count_layer(placed) for placed in network.placed]
    fields = receptive_fields(network)
    memory = measure_memory(network, batch, optimizer)
    everything = total(counts)
    return Report(
        name=name,
        network=network,
        blocks=block_rows(network),
        layers=layer_rows(network, counts, fields, memory.kept, everything),
        total=everything,
        memory=memory,
        findings=findings(network, counts, fields, memory),
    )


def block_text(blocks: Sequence[BlockRow]) -> str:
    """Say which layers are a block, and which blocks repeat an earlier one."""
    count = plural(len(blocks), "block")
    if len(blocks) > _BLOCKS_LISTED:
        repeats = sum(block.repeats is not None for block in blocks)
        return f"{count}, {repeats:,} of them like an earlier one but for their channels or units"
    return f"{count}: {', '.join(map(_one_block_text, blocks))}"


def _one_block_text(block: BlockRow) -> str:
    names = " ".join(block.layers)
    if len(block.layers) > _LAYERS_LISTED:
        names = f"{block.layers[0]} to {block.layers[-1]}"
    if block.repeats is None:
        return names
    if block.repeats == block.number - 1:
        return f"the same again ({names})"
    return f"block {block.repeats} again ({names})"


def flow_columns(report: Report, formula: Callable[[str], str] = str) -> dict[str, Column]:
    """Return what flows: windows, shapes, and what a unit sees; ``formula`` writes formulas."""
    rows = report.layers
    fields = [row.receptive_field for row in rows]
    windows = [row.window for row in rows]
    cells = {
        "block": _block_cells(report.blocks),
        "layer": [row.name for row in rows],
        "kind": map(_kind, rows),
        "kernel": [pair_text(w.kernel_size) if w else "" for w in windows],
        "stride": [size_text(w.stride) if w else "" for w in windows],
        "pad": [padding_text(w.padding) if w else "" for w in windows],
        "both": [size_text(w.total_padding) if w else "" for w in windows],
        "input": [shape_text(row.input_shape) for row in rows],
        "output": [shape_text(row.output_shape) for row in rows],
        "size": [_formulas(window, formula) for window in windows],
        "sees": [pair_text(field.size) for field in fields],
        "jump": [size_text(field.jump) if field.jump else "" for field in fields],
    }
    columns = {title: Column(title, tuple(texts)) for title, texts in cells.items()}
    columns["layer"] = replace(columns["layer"], total="total")
    columns["size"] = replace(columns["size"], is_formula=True)
    return columns


def cost_columns(report: Report, number: Callable[[int], str] = "{:,}".format) -> dict[str, Column]:
    """Return what it costs; ``number`` writes counts."""
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


def memory_columns(memory: Memory) -> tuple[Column, ...]:
    """Return what it takes in memory, for one image and, if it is larger, for the batch."""
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


def memory_notes(memory: Memory) -> tuple[str, str]:
    """Return the rules behind the memory table."""
    rule, held = KEPT_RULE, "the parameters"
    if memory.statistics:
        rule, held = f"{KEPT_RULE} {NORMALISED_RULE}", f"{held}, means and variances"
    return (
        rule,
        f"Inference holds {held}, and input and output of one layer at a time: "
        f"{memory.largest_layer} needs most, {bytes_text(memory.largest_pair)} per image.",
    )


def _tables(report: Report, form: str) -> Iterator[Section]:
    """Yield what flows and what it costs, for Markdown, HTML and LaTeX."""
    flow = flow_columns(report)
    layer = flow["layer"]
    if form == "latex":
        flow = {key: column for key, column in flow.items() if key not in _NOT_IN_LATEX}
    if form == "html":  # the row's own name comes first: it stays in sight while others scroll
        flow = {"layer": layer, **flow}
    yield Section("What flows", (_table(_without_totals(flow.values())),))
    yield Section("What it costs", (_table([layer, *cost_columns(report).values()]),))


def _text_tables(report: Report, width: int) -> Iterator[Section]:
    """Yield all in one table where that fits, else what flows, then what it costs."""
    # (28-5+0+1)/1=24: spaces would take the room of other columns.
    flow = flow_columns(report, lambda formula: formula.replace(" ", ""))
    costs = list(cost_columns(report).values())
    full = _table([*flow.values(), *costs])
    if fits(full, width, bars=True):
        yield Section("", (full,))
        return
    yield from _text_flow(flow, width)
    table = _table([flow["layer"], *costs])
    if not fits(table, width):
        table = _table([flow["layer"], *cost_columns(report, short_count).values()])
    yield Section("What it costs", (table,))


def _text_flow(flow: dict[str, Column], width: int) -> Iterator[Section]:
    """Yield what flows without what other columns tell too; if need be, formulas below."""
    for left_out in (*_NOT_IN_TEXT, _FORMULAS_BELOW):
        columns = [column for key, column in flow.items() if key not in left_out]
        table = _table(_without_totals(columns))
        if fits(table, width):
            break
    yield Section("What flows", (table,))
    sizes = [
        (name, size)
        for name, size in zip(flow["layer"].cells, flow["size"].cells, strict=True)
        if size
    ]
    if left_out == _FORMULAS_BELOW and sizes:
        below = Table(tuple(Column("", cells) for cells in zip(*sizes, strict=True)), indent=2)
        yield Section("Sizes", (below,))


def _table(columns: Iterable[Column]) -> Table:
    return Table(tuple(columns))


def _without_totals(columns: Iterable[Column]) -> Iterator[Column]:
    return (replace(column, total="") for column in columns)


def _kind(row: LayerRow) -> str:
    activation = row.activation if row.activation != "identity" else None
    return " ".join(filter(None, (row.kind, "batchnorm" * bool(row.batch_norm), activation)))


def _block_cells(blocks: Iterable[BlockRow]) -> Iterator[str]:
    for block in blocks:
        yield str(block.number) if block.repeats is None else f"{block.number} = {block.repeats}"
        yield from [""] * (len(block.layers) - 1)


def _formulas(window: Window | None, write: Callable[[str], str]) -> str:
    """Write the size formula; both axes' where they differ, height x width."""
    return " x ".join(dict.fromkeys(map(write, window.formulas))) if window else ""


def _layer_dict(row: LayerRow) -> dict[str, Any]:
    window, field = row.window, row.receptive_field
    return {
        "name": row.name,
        "kind": row.kind,
        "block": row.block,
        **(vars(window) if window else dict.fromkeys(Window.__dataclass_fields__)),
        "activation": row.activation,
        "batch_norm": row.batch_norm,
        "input_shape": row.input_shape,
        "output_shape": row.output_shape,
        "receptive_field": field.size,
        "jump": field.jump,
        **_counts_dict(row.counts),
        "parameter_share": row.parameter_share,
        "multiply_add_share": row.multiply_add_share,
        "activation_share": row.activation_share,
        "connection_share": row.connection_share,
        "kept_bytes": row.kept_bytes,
    }


def _counts_dict(counts: LayerCounts) -> dict[str, int]:
    return {"parameters": counts.parameters, **vars(counts)}


def _memory_dict(memory: Memory) -> dict[str, Any]:
    """Bytes of float32; what grows with the batch is given for one image and for the batch."""
    fixed = ("optimizer", "batch", "parameters", "statistics", "gradients", "optimizer_state")
    growing = {
        "activations": memory.activations,
        "training": memory.training,
        "inference": memory.inference,
    }
    return {
        **{name: getattr(memory, name) for name in fixed},
        **{key: {"image": of(1), "batch": of(memory.batch)} for key, of in growing.items()},
        "largest_layer": memory.largest_layer,
    }
