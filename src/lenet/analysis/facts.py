"""What there is to know about a network, computed once: one row per layer, and the blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lenet.analysis.counts import LayerCounts, ReceptiveField
from lenet.net import Network, PlacedLayer
from lenet.net.layers import Sides, Windowed
from lenet.net.shapes import Pair, Shape


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
    batch_norm: bool | None  # only a convolution can have it
    input_shape: Shape
    output_shape: Shape
    receptive_field: ReceptiveField
    counts: LayerCounts
    kept_bytes: int
    parameter_share: float
    multiply_add_share: float
    activation_share: float
    connection_share: float


def block_rows(network: Network) -> tuple[BlockRow, ...]:
    """Return the blocks with their layers' names and what they repeat."""
    names: list[list[str]] = [[] for _ in network.blocks]
    for placed in network.placed:
        names[placed.block].append(placed.name)
    likes = [network.first_like(index) for index in range(len(names))]
    return tuple(
        BlockRow(number, None if like is None else like + 1, tuple(layers))
        for number, (like, layers) in enumerate(zip(likes, names, strict=True), 1)
    )


def layer_rows(
    network: Network,
    counts: Sequence[LayerCounts],
    fields: Sequence[ReceptiveField],
    kept: Sequence[int],
    total: LayerCounts,
) -> tuple[LayerRow, ...]:
    """Return one row per layer of its counts, receptive field and kept bytes, all in order."""
    facts = zip(network.placed, counts, fields, kept, strict=True)
    return tuple(_layer_row(*fact, total) for fact in facts)


def _layer_row(
    placed: PlacedLayer, counts: LayerCounts, field: ReceptiveField, kept: int, total: LayerCounts
) -> LayerRow:
    values = placed.layer.values
    return LayerRow(
        name=placed.name,
        kind=placed.layer.keyword,
        block=placed.block + 1,
        window=_window(placed),
        activation=values.get("activation"),
        batch_norm=values.get("batch_norm"),
        input_shape=placed.input_shape,
        output_shape=placed.output_shape,
        receptive_field=field,
        counts=counts,
        kept_bytes=kept,
        # A network of poolings alone has no parameters and no multiply-adds to share.
        parameter_share=counts.parameters / max(1, total.parameters),
        multiply_add_share=counts.multiply_adds / max(1, total.multiply_adds),
        activation_share=counts.activations / total.activations,
        connection_share=counts.connections / total.connections,
    )


def _window(placed: PlacedLayer) -> Window | None:
    layer = placed.layer
    if not isinstance(layer, Windowed):
        return None
    formulas = layer.size_formulas(placed.input_shape)
    return Window(layer.kernel_size, layer.stride, layer.padding, layer.total_padding, formulas)
