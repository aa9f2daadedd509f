"""What there is to know about a network, computed once; every rendering reads it from here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lenet.analysis.counts import LayerCounts, count_layer, total
from lenet.analysis.explanation.findings import findings
from lenet.analysis.memory import DEFAULT_BATCH, Memory, measure_memory
from lenet.analysis.receptive import ReceptiveField, receptive_fields
from lenet.net import Conv2d, Network, PlacedLayer, Source, read_named
from lenet.net.layers import Sides, Trained, Windowed
from lenet.net.shapes import Pair, Shape, size_formula


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

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it: dicts, lists, numbers, strings and None."""
        from lenet.analysis.explanation.document import to_dict

        return to_dict(self)

    def __str__(self) -> str:
        from lenet.analysis.explanation.text import render_text
        from lenet.terminal import can_show, columns

        return render_text(self, columns(), ascii_only=not can_show("█▏"))

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from lenet.analysis.explanation.html import render_html

        return render_html(self)


def explain(
    network: Source,
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
    network, name = read_named(network, name, input_shape)
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
        kind=layer.keyword,
        block=placed.block + 1,
        window=_window(placed),
        activation=layer.activation if isinstance(layer, Trained) else None,
        batch_norm=layer.batch_norm if isinstance(layer, Conv2d) else None,
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
    if not isinstance(layer, Windowed):
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
