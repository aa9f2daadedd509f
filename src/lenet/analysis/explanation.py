"""``lenet.explain``: layers, shapes, costs, memory, and what stands out, as a page and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, ClassVar, Final

from lenet.analysis.counts import (
    DEFAULT_BATCH,
    KEPT_RULE,
    NORMALISED_RULE,
    LayerCounts,
    Memory,
    ReceptiveField,
    count_layer,
    count_layers,
    measure_memory,
    receptive_fields,
    total,
)
from lenet.analysis.findings import findings
from lenet.net import Network, PlacedLayer, Source, read_named
from lenet.net.layers import Sides, Windowed, padding_text
from lenet.net.shapes import Pair, Shape, pair_text, shape_text, size_text
from lenet.net.words import name_text
from lenet.writing import Result, plain
from lenet.writing.document import (
    Bullets,
    Column,
    Document,
    Notation,
    Paragraph,
    Section,
    Table,
    table_of,
)
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
_NOT_IN_LATEX: Final = ("input", "both")
#: What narrow text leaves out, the fuller choice first; left out formulas follow below.
_NOT_IN_TEXT: Final = (
    *((), ("input",), ("input", "both"), ("size",), ("size", "input"), ("size", "input", "both")),
    ("size", "input", "both", "block"),
)
#: The size of a map in symbols, and in the form in which every row has it.
_SIZE: Final = "size = floor((n + 2p - k) / s) + 1"
_SIZE_IN_ROWS: Final = "floor((n - k + 2p + s) / s)"
_AXES: Final = ("height", "width")


@dataclass(frozen=True)
class BlockRow:
    """A block: its number from 1, the earlier block it repeats, and its layers' names."""

    number: int
    repeats: int | None
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Window:
    """How a convolution or a pooling slides; pairs are (height, width)."""

    kernel_size: Pair
    stride: Pair
    padding: Sides  # top, bottom, left, right
    total_padding: Pair
    formulas: tuple[str, str]  # the size formula with its numbers put in


@dataclass(frozen=True)
class LayerRow:
    """One layer where it stands; shares are parts of the network's total, from 0 to 1."""

    name: str
    kind: str  # the notation's word: conv, maxpool, avgpool, dense
    block: int  # from 1
    window: Window | None  # a dense layer has none
    activation: str | None  # a pooling has none
    groups: int | None  # as batch_norm: of a convolution only
    batch_norm: bool | None
    input_shape: Shape
    output_shape: Shape
    receptive_field: ReceptiveField
    counts: LayerCounts
    parameter_share: float
    multiply_add_share: float
    activation_share: float
    connection_share: float
    kept_bytes: int  # what is kept for the backward pass of one image


@dataclass(frozen=True, repr=False)
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
        """Convolutions, dense and RBF layers; a pooling belongs to its convolution."""
        return count_layers(self.network)

    @property
    def layer_text(self) -> str:
        """How many layers there are, and the rule by which they are counted."""
        kinds = {kind: self.count(kind) for kind in ("conv", "dense", "rbf")}
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
        network, gap = self.network, ", "
        if form == "text":
            tables, gap = list(_text_tables(self, width)), "    "
        else:
            tables = list(_tables(self, form))
        ends = f"in {shape_text(network.input_shape)}{gap}out {shape_text(network.output_shape)}"
        legend = _legend(self, tables, () if form == "text" else ("column", "meaning"))
        sections = (*tables, legend, *([] if form == "latex" else self._remarks()))
        below = (block_text(self.blocks),)
        return Document(name_text(self.name) or "network", sections, (ends, self.layer_text), below)

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
        network: a network, a model, a zoo name, a notation, a ``.json`` or ``.onnx`` file or a
            saved model.
        name: what to call it; by default its zoo name or file.
        input_shape: look at the network on this input instead of its own: (channels, height,
            width), or text such as ``3x64x64``.
        batch: images per training step, for the memory it takes.
        optimizer: sgd, momentum, nesterov, adamw or levenberg-marquardt, for the same.

    Raises:
        UsageError: ``network`` names none, or another argument is out of range.
        ShapeError: the network does not fit together.
    """
    network, name = read_named(network, name, input_shape)
    counts = [count_layer(placed) for placed in network.placed]
    fields = receptive_fields(network)
    memory = measure_memory(network, batch, optimizer)
    everything = total(counts)
    facts = zip(network.placed, counts, fields, memory.kept, strict=True)
    return Report(
        name=name,
        network=network,
        blocks=tuple(_block_rows(network)),
        layers=tuple(_layer_row(*fact, everything) for fact in facts),
        total=everything,
        memory=memory,
        findings=findings(network, counts, fields, memory),
    )


def _block_rows(network: Network) -> Iterator[BlockRow]:
    for index, layers in groupby(network.placed, lambda placed: placed.block):
        like = network.first_like(index)
        names = tuple(placed.name for placed in layers)
        yield BlockRow(index + 1, None if like is None else like + 1, names)


def _layer_row(
    placed: PlacedLayer, counts: LayerCounts, field: ReceptiveField, kept: int, total: LayerCounts
) -> LayerRow:
    layer, values, window = placed.layer, placed.layer.values, None
    if isinstance(layer, Windowed):
        sizes = layer.kernel_size, layer.stride, layer.padding, layer.total_padding
        window = Window(*sizes, layer.size_formulas(placed.input_shape))
    return LayerRow(
        name=placed.name,
        kind=layer.keyword,
        block=placed.block + 1,
        window=window,
        activation=values.get("activation"),
        groups=values.get("groups"),
        batch_norm=values.get("batch_norm"),
        input_shape=placed.input_shape,
        output_shape=placed.output_shape,
        receptive_field=field,
        counts=counts,
        # A network of poolings alone has no parameters and no multiply-adds to share.
        parameter_share=counts.parameters / max(1, total.parameters),
        multiply_add_share=counts.multiply_adds / max(1, total.multiply_adds),
        activation_share=counts.activations / total.activations,
        connection_share=counts.connections / total.connections,
        kept_bytes=kept,
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
    which = "the same" if block.repeats == block.number - 1 else f"block {block.repeats}"
    return f"{which} again ({names})"


def flow_columns(report: Report, formula: Callable[[str], str] = str) -> dict[str, Column]:
    """Return what flows: windows, shapes, and what a unit sees; ``formula`` writes formulas."""
    rows, windows = report.layers, [row.window for row in report.layers]
    fields = [row.receptive_field for row in rows]
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
        "size": [" x ".join(dict.fromkeys(map(formula, w.formulas))) if w else "" for w in windows],
        "sees": [pair_text(field.size) for field in fields],
        "jump": [size_text(field.jump) if field.jump else "" for field in fields],
    }
    extra: dict[str, dict[str, Any]] = {"layer": {"total": "total"}, "size": {"is_formula": True}}
    return {t: Column(t, tuple(texts), **extra.get(t, {})) for t, texts in cells.items()}


def cost_columns(report: Report, number: Callable[[int], str] = "{:,}".format) -> dict[str, Column]:
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
    most = f"{memory.largest_layer} needs most, {bytes_text(memory.largest_pair)} per image"
    return rule, f"Inference holds {held}, and input and output of one layer at a time: {most}."


def _tables(report: Report, form: str) -> Iterator[Section]:
    """Yield what flows and what it costs, for Markdown, HTML and LaTeX."""
    flow = flow_columns(report)
    if form != "markdown":  # the row's own name stays in sight while others scroll, or are parted
        flow = {"layer": flow["layer"], **flow}
    left_out = _NOT_IN_LATEX if form == "latex" else ()
    yield Section("What flows", (_flow(flow, left_out), *_size_note(report)))
    costs = cost_columns(report).values()
    yield Section("What it costs", (Table((flow["layer"], flow["kind"], *costs)),))


def _text_tables(report: Report, width: int) -> Iterator[Section]:
    """Yield all in one table where that fits, else what flows, then what it costs."""
    # (28-5+0+1)/1=24: spaces would take the room of other columns.
    flow = flow_columns(report, lambda formula: formula.replace(" ", ""))
    full = Table((*flow.values(), *cost_columns(report).values()))
    if fits(full, width, bars=True):
        yield Section("", (full, *_size_note(report)))
        return
    for left_out in _NOT_IN_TEXT:
        table = _flow(flow, left_out)
        if fits(table, width):
            break
    layer, kind, size = flow["layer"], flow["kind"], flow["size"]
    sizes = [pair for pair in zip(layer.cells, size.cells, strict=True) if pair[1]]
    if "size" in left_out and sizes:
        yield Section("What flows", (table,))
        yield Section("Sizes", (table_of(sizes, indent=2), *_size_note(report)))
    else:
        yield Section("What flows", (table, *_size_note(report)))
    yield Section("What it costs", (_costs((layer, kind), report, width),))


def _costs(named: tuple[Column, ...], report: Report, width: int) -> Table:
    """Return what it costs in as much room as there is: with shorter numbers, then with fewer."""
    columns = (cost_columns(report), cost_columns(report, short_count))
    tables = [Table((*named, *costs.values())) for costs in columns]
    # A network of 1998 is counted as then, by its connections.
    least = "activations" if _is_old(report) else "connections"
    for costs in columns:
        costs.pop(least)
        tables.append(Table((*named, *costs.values())))
    return next((table for table in tables if fits(table, width)), tables[1])


def _is_old(report: Report) -> bool:
    """Has it layers that no other program counts?"""
    return report.count("subsample", "rbf") > 0


def _size_note(report: Report) -> Iterator[Paragraph]:
    """Yield the size formula in symbols, if any layer has a window."""
    if any(row.window for row in report.layers):
        text = (
            f"{_SIZE}, with input n, kernel k, padding p on each side, stride s; it equals "
            f"{_SIZE_IN_ROWS}, which the rows have."
        )
        yield Paragraph(text, is_note=True, formulas=(_SIZE, _SIZE_IN_ROWS))


def _legend(report: Report, tables: Iterable[Section], titles: Sequence[str]) -> Section:
    """Say what the columns of ``tables`` mean, but for those that say it themselves."""
    blocks = [block for section in tables for block in section.blocks]
    shown = {c.title for block in blocks if isinstance(block, Table) for c in block.columns}
    meanings = {
        "block": any(block.repeats for block in report.blocks)
        and "2 = 1: block 2 is like block 1, but for its channels or units",
        "pad": "padding on one side" + "; both: on both sides together" * ("both" in shown),
        "sees": "receptive field: how many input pixels one unit depends on",
        "jump": "how many input pixels neighbouring units lie apart",
        "multiply-adds": "MACs: forward, for one image, without biases; twice as many are FLOPs."
        + f" torchinfo counts biases, too: {_torchinfo_count(report):,}" * (not _is_old(report)),
        "activations": "how many numbers the layer gives for one image",
        "connections": "each weight and bias, once for every output that uses it",
        "kept": "bytes of one image, kept for the backward pass",
    }
    rows = [(title, text) for title, text in meanings.items() if text and title in shown]
    return Section("Columns", (table_of(rows, titles, prose=True, indent=2),))


def _torchinfo_count(report: Report) -> int:
    """Return what torchinfo calls mult-adds, for one image.

    It counts a bias at every place, and of a batch normalisation a scale and a shift once.
    """
    counts = [row.counts for row in report.layers if row.window is None or row.activation]
    return sum(c.multiply_adds + c.scales + c.biases if c.scales else c.connections for c in counts)


def _flow(columns: Mapping[str, Column], left_out: Sequence[str]) -> Table:
    chosen = (replace(column, total="") for key, column in columns.items() if key not in left_out)
    return Table(tuple(chosen))


def _kind(row: LayerRow) -> str:
    activation = row.activation if row.activation != "identity" else None
    groups = f"g{row.groups}" if (row.groups or 1) > 1 else ""
    words = (row.kind, groups, "batchnorm" * bool(row.batch_norm), activation)
    return " ".join(filter(None, words))


def _block_cells(blocks: Iterable[BlockRow]) -> Iterator[str]:
    for block in blocks:
        yield str(block.number) if block.repeats is None else f"{block.number} = {block.repeats}"
        yield from [""] * (len(block.layers) - 1)


def _layer_dict(row: LayerRow) -> dict[str, Any]:
    """Return the row with the fields of its records in their place."""
    window, field = row.window, row.receptive_field
    inner = {
        "window": vars(window) if window else dict.fromkeys(Window.__dataclass_fields__),
        "receptive_field": {"receptive_field": field.size, "jump": field.jump},
        "counts": _counts_dict(row.counts),
    }
    parts = (inner.get(name, {name: value}) for name, value in vars(row).items())
    return {name: value for part in parts for name, value in part.items()}


def _counts_dict(counts: LayerCounts) -> dict[str, int]:
    return {"parameters": counts.parameters, **vars(counts)}


def _memory_dict(memory: Memory) -> dict[str, Any]:
    """Bytes of float32; what grows with the batch is given for one image and for the batch."""
    fixed = ("optimizer", "batch", "parameters", "statistics", "gradients", "optimizer_state")
    values = {name: getattr(memory, name) for name in fixed}
    for name in ("activations", "training", "inference"):
        measure = getattr(memory, name)
        values[name] = {"image": measure(1), "batch": measure(memory.batch)}
    return {**values, "largest_layer": memory.largest_layer}
