"""What there is to know about a network, computed once; every rendering reads it from here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from lenet.anatomy.counts import LayerCounts, count_layer, total
from lenet.anatomy.findings import findings
from lenet.net import Conv2d, Dense, Network, PlacedLayer, name_of, read_network
from lenet.net.layers import KEYWORDS, Pair, Sides
from lenet.net.shapes import Shape, size_formula


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
    """One layer where it stands; shares are parts of the network's total, from 0 to 1."""

    name: str
    kind: str  # the notation's word: conv, maxpool, avgpool, dense
    block: int  # from 1
    window: Window | None  # a dense layer has none
    activation: str | None  # a pooling has none
    input_shape: Shape
    output_shape: Shape
    counts: LayerCounts
    parameter_share: float
    multiply_add_share: float


@dataclass(frozen=True)
class Report:
    """Everything :func:`explain` found out."""

    name: str
    network: Network
    blocks: tuple[BlockRow, ...]
    layers: tuple[LayerRow, ...]
    total: LayerCounts
    findings: tuple[str, ...]

    def count(self, *kinds: str) -> int:
        """How many layers are of these kinds."""
        return sum(row.kind in kinds for row in self.layers)

    @property
    def layer_count(self) -> int:
        """Convolutions and dense layers; a pooling belongs to its convolution."""
        return self.count("conv", "dense")

    def __str__(self) -> str:
        from lenet.anatomy.text import render_text

        return render_text(self)


def explain(network: Network | str | os.PathLike[str], name: str = "") -> Report:
    """Find out what there is to know about a network; ``print`` the report to read it.

    Args:
        network: a network, zoo name, notation or ``.json`` file.
        name: what to call it; by default its zoo name or file.

    Raises:
        UsageError: ``network`` names none.
        ShapeError: the network does not fit together.
    """
    if not isinstance(network, Network):
        name = name or name_of(network)
        network = read_network(network)
    counts = [count_layer(placed) for placed in network.placed]
    everything = total(counts)
    return Report(
        name=name,
        network=network,
        blocks=_blocks(network),
        layers=tuple(
            _layer(placed, count, everything)
            for placed, count in zip(network.placed, counts, strict=True)
        ),
        total=everything,
        findings=findings(network, counts),
    )


def to_dict(report: Report) -> dict[str, Any]:
    """The report as JSON can hold it: dicts, lists, numbers, strings and None."""
    return {
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


def _layer(placed: PlacedLayer, counts: LayerCounts, everything: LayerCounts) -> LayerRow:
    layer = placed.layer
    return LayerRow(
        name=placed.name,
        kind=KEYWORDS[type(layer)],
        block=placed.block + 1,
        window=_window(placed),
        activation=layer.activation if isinstance(layer, Conv2d | Dense) else None,
        input_shape=placed.input_shape,
        output_shape=placed.output_shape,
        counts=counts,
        # A network of poolings alone has no parameters and no multiply-adds to share.
        parameter_share=counts.parameters / max(1, everything.parameters),
        multiply_add_share=counts.multiply_adds / max(1, everything.multiply_adds),
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
        **_counts_dict(row.counts),
        "parameter_share": row.parameter_share,
        "multiply_add_share": row.multiply_add_share,
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
