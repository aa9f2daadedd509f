"""What there is to know about a network, computed once; every rendering reads it from here."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lenet.anatomy.counts import LayerCounts, count_layer, total
from lenet.anatomy.explanation.findings import findings
from lenet.anatomy.memory import DEFAULT_BATCH, Memory, measure_memory
from lenet.anatomy.receptive import ReceptiveField, receptive_fields
from lenet.errors import UsageError
from lenet.net import Conv2d, Dense, Network, PlacedLayer, name_of, read_network
from lenet.net.layers import KEYWORDS, Pair, Sides
from lenet.net.shapes import Shape, size_formula
from lenet.net.words import shown


@dataclass(frozen=True)
class BlockRow:
    """A block: its number from 1, the earlier block it repeats, and its layers' names."""

    number: int
    repeats: int | None
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Window:
    """How a convolution or a pooling slides: pairs are (height, width).

    ``padding`` is one side's (top, bottom, left, right), ``formulas`` is the size formula with
    its numbers put in for height and for width.
    """

    kernel_size: Pair
    stride: Pair
    padding: Sides
    total_padding: Pair
    formulas: tuple[str, str]


@dataclass(frozen=True)
class LayerRow:
    """One layer where it stands; shares are parts of the network's total, from 0 to 1.

    ``kept_bytes`` is what it adds to the activations kept for the backward pass of one image.
    """

    name: str
    kind: str  # the notation's word: conv, maxpool, avgpool, dense
    block: int  # from 1
    window: Window | None  # a dense layer has none
    activation: str | None  # a pooling has none
    input_shape: Shape
    output_shape: Shape
    receptive_field: ReceptiveField
    counts: LayerCounts
    kept_bytes: int
    parameter_share: float
    multiply_add_share: float
    activation_share: float
    connection_share: float


@dataclass(frozen=True)
class Report:
    """Everything :func:`explain` found out."""

    name: str
    network: Network
    blocks: tuple[BlockRow, ...]
    layers: tuple[LayerRow, ...]
    total: LayerCounts
    memory: Memory
    findings: tuple[str, ...]

    def count(self, *kinds: str) -> int:
        """How many layers are of these kinds."""
        return sum(row.kind in kinds for row in self.layers)

    @property
    def layer_count(self) -> int:
        """Convolutions and dense layers; a pooling belongs to its convolution."""
        return self.count("conv", "dense")

    def __str__(self) -> str:
        from lenet.anatomy.explanation.text import render_text

        return render_text(self)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from lenet.anatomy.explanation.html import render_html

        return render_html(self)


def explain(
    network: Network | str | os.PathLike[str],
    name: str = "",
    *,
    batch: int = DEFAULT_BATCH,
    optimizer: str = "sgd",
    input_shape: Iterable[int] | str | None = None,
) -> Report:
    """Find out what there is to know about a network; ``print`` the report to read it.

    Args:
        network: a network, zoo name, notation or ``.json`` file.
        name: what to call it; by default its zoo name or file.
        batch: images a training step, for the memory it takes.
        optimizer: sgd, momentum or adamw, for the same.
        input_shape: look at the network on this input instead of its own: (channels, height,
            width), or text such as ``3x64x64``.

    Raises:
        UsageError: ``network`` names none, or another argument is out of range.
        ShapeError: the network does not fit together.
    """
    if not isinstance(network, Network):
        name = name or name_of(network)
        network = read_network(network)
    if input_shape is not None:
        shape = read_shape(input_shape) if isinstance(input_shape, str) else input_shape
        network = Network(shape, network.blocks)
    counts = [count_layer(placed) for placed in network.placed]
    fields = receptive_fields(network)
    memory = measure_memory(network, batch, optimizer)
    everything = total(counts)
    facts = zip(network.placed, counts, fields, memory.kept, strict=True)
    return Report(
        name=name,
        network=network,
        blocks=_blocks(network),
        layers=tuple(_layer(*fact, everything) for fact in facts),
        total=everything,
        memory=memory,
        findings=findings(network, counts, fields, memory),
    )


def read_shape(text: str) -> tuple[int, ...]:
    """The sizes in ``3x64x64``: channels, height, width.

    Raises:
        UsageError: ``text`` is anything else.
    """
    parts = text.strip().lower().split("x")
    # Not int() alone: it reads "1_0" and the digits of every script, and some of great length.
    if len(parts) != 3 or not all(p.isascii() and p.isdigit() and len(p) < 20 for p in parts):
        raise UsageError(
            f"the input is {shown(text)}; it must be channels x height x width, such as 3x64x64."
        )
    return tuple(map(int, parts))


def to_dict(report: Report) -> dict[str, Any]:
    """The report as JSON can hold it: dicts, lists, numbers, strings and None."""
    return {
        "format": "lenet-explanation",
        "version": 1,
        "name": report.name,
        "network": str(report.network),
        "input_shape": list(report.network.input_shape),
        "output_shape": list(report.network.output_shape),
        "layer_count": report.layer_count,
        "convolutions": report.count("conv"),
        "dense_layers": report.count("dense"),
        "poolings": report.count("maxpool", "avgpool"),
        "blocks": [
            {"number": block.number, "repeats": block.repeats, "layers": list(block.layers)}
            for block in report.blocks
        ],
        "layers": [_layer_dict(row) for row in report.layers],
        "total": _counts_dict(report.total),
        "memory": _memory_dict(report.memory),
        "findings": list(report.findings),
    }


def _blocks(network: Network) -> tuple[BlockRow, ...]:
    names: list[list[str]] = [[] for _ in network.blocks]
    for placed in network.placed:
        names[placed.block].append(placed.name)
    rows = []
    for index, layers in enumerate(names):
        like = network.first_like(index)
        rows.append(BlockRow(index + 1, None if like is None else like + 1, tuple(layers)))
    return tuple(rows)


def _layer(
    placed: PlacedLayer,
    counts: LayerCounts,
    field: ReceptiveField,
    kept: int,
    everything: LayerCounts,
) -> LayerRow:
    layer = placed.layer
    return LayerRow(
        name=placed.name,
        kind=KEYWORDS[type(layer)],
        block=placed.block + 1,
        window=_window(placed),
        activation=layer.activation if isinstance(layer, Conv2d | Dense) else None,
        input_shape=placed.input_shape,
        output_shape=placed.output_shape,
        receptive_field=field,
        counts=counts,
        kept_bytes=kept,
        # A network of poolings alone has no parameters and no multiply-adds to share.
        parameter_share=counts.parameters / max(1, everything.parameters),
        multiply_add_share=counts.multiply_adds / max(1, everything.multiply_adds),
        activation_share=counts.activations / everything.activations,
        connection_share=counts.connections / everything.connections,
    )


def _window(placed: PlacedLayer) -> Window | None:
    layer = placed.layer
    if isinstance(layer, Dense):
        return None
    _, height, width = placed.input_shape
    height_formula, width_formula = map(
        size_formula, (height, width), layer.kernel_size, layer.total_padding, layer.stride
    )
    return Window(
        layer.kernel_size,
        layer.stride,
        layer.padding,
        layer.total_padding,
        (height_formula, width_formula),
    )


def _layer_dict(row: LayerRow) -> dict[str, Any]:
    window = row.window
    return {
        "name": row.name,
        "kind": row.kind,
        "block": row.block,
        "kernel_size": window and list(window.kernel_size),
        "stride": window and list(window.stride),
        "padding": window and list(window.padding),
        "total_padding": window and list(window.total_padding),
        "formulas": window and list(window.formulas),
        "activation": row.activation,
        "input_shape": list(row.input_shape),
        "output_shape": list(row.output_shape),
        "receptive_field": list(row.receptive_field.size),
        "jump": row.receptive_field.jump and list(row.receptive_field.jump),
        **_counts_dict(row.counts),
        "parameter_share": row.parameter_share,
        "multiply_add_share": row.multiply_add_share,
        "activation_share": row.activation_share,
        "connection_share": row.connection_share,
        "kept_bytes": row.kept_bytes,
    }


def _counts_dict(counts: LayerCounts) -> dict[str, int]:
    return {
        "parameters": counts.parameters,
        "weights": counts.weights,
        "biases": counts.biases,
        "multiply_adds": counts.multiply_adds,
        "activations": counts.activations,
        "connections": counts.connections,
    }


def _memory_dict(memory: Memory) -> dict[str, Any]:
    """Bytes of float32; what grows with the batch is given for one image and for the batch."""
    return {
        "optimizer": memory.optimizer,
        "batch": memory.batch,
        "parameters": memory.parameters,
        "gradients": memory.gradients,
        "optimizer_state": memory.optimizer_state,
        "activations": {"image": memory.activations(), "batch": memory.activations(memory.batch)},
        "training": {"image": memory.training(), "batch": memory.training(memory.batch)},
        "inference": {"image": memory.inference(), "batch": memory.inference(memory.batch)},
        "largest_layer": memory.largest_layer,
    }
