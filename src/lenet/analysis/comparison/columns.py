"""Networks side by side: what each costs, and how each differs from the first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any, Final

from lenet.analysis.align import align
from lenet.analysis.counts import LayerCounts, count_layers, count_network
from lenet.analysis.memory import DEFAULT_BATCH, Memory, measure_memory
from lenet.analysis.receptive import receptive_fields
from lenet.errors import UsageError
from lenet.net import Layer, Network, PlacedLayer, Source, read_named
from lenet.net.layers import Trained
from lenet.net.shapes import Pair, shape_text

#: The counts that are compared.
COUNTS: Final = ("parameters", "multiply_adds", "activations")

#: A layer of the first network and one of another; None where one has none.
Beside = tuple[PlacedLayer | None, PlacedLayer | None]


@dataclass(frozen=True)
class Column:
    """One of the networks and its numbers.

    Attributes:
        name: what it is called; no two of a comparison are called the same.
        network: the network.
        layer_count: convolutions and dense layers.
        counts: all layers' counts together.
        memory: in bytes.
        receptive_field: what a unit of the last map sees, in input pixels; None without maps.
    """

    name: str
    network: Network
    layer_count: int
    counts: LayerCounts
    memory: Memory
    receptive_field: Pair | None


@dataclass(frozen=True)
class Difference:
    """How one layer differs from the first network's.

    Attributes:
        first: the layer's name in the first network; None if it was added.
        other: its name in the other; None if it was dropped.
        kind: changed, added or dropped.
        what: in words, "units 120 -> 60".
    """

    first: str | None
    other: str | None
    kind: str
    what: str


@dataclass(frozen=True)
class Comparison:
    """What :func:`compare` found out; ``print`` it to read it.

    Attributes:
        columns: the networks in the order given; ratios are to the first.
        pairs: for each other network, its layers beside the first's.
        differences: for each other network, what differs from the first.
    """

    columns: tuple[Column, ...]
    pairs: tuple[tuple[Beside, ...], ...]
    differences: tuple[tuple[Difference, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON can hold it: dicts, lists, numbers, strings and None."""
        from lenet.analysis.comparison.document import to_dict

        return to_dict(self)

    def __str__(self) -> str:
        from lenet.analysis.comparison.text import render_comparison
        from lenet.terminal import columns

        return render_comparison(self, columns())


def compare(*networks: Source, names: Sequence[str] = ()) -> Comparison:
    """Put networks side by side; ``print`` the comparison to read it.

    Args:
        *networks: two or more, each a network, zoo name, notation or ``.json`` file.
        names: what to call them; by default their zoo names or files, else A, B, ...

    Raises:
        UsageError: fewer than two, or not as many names as networks.
        ShapeError: one does not fit together.
    """
    if len(networks) < 2:
        raise UsageError(f"compare takes two or more networks, not {len(networks)}; name another.")
    if names and len(names) != len(networks):
        raise UsageError(
            f"{len(names)} names and {len(networks)} networks are given; give one name for each."
        )
    read = [read_named(one) for one in networks]
    unique = _unique(names or [name for _, name in read])
    columns = tuple(_column(name, one) for name, (one, _) in zip(unique, read, strict=True))
    first = columns[0].network
    pairs = tuple(tuple(_aligned(first, other.network)) for other in columns[1:])
    differences = tuple(
        tuple(_differences(first, column.network, beside))
        for column, beside in zip(columns[1:], pairs, strict=True)
    )
    return Comparison(columns, pairs, differences)


def numbers(column: Column) -> dict[str, int]:
    """What can be compared as a ratio: counts, and memory in bytes."""
    return {
        **{name: getattr(column.counts, name) for name in COUNTS},
        "inference_bytes": column.memory.inference(),
        "training_bytes": column.memory.training(DEFAULT_BATCH),
    }


def _column(name: str, network: Network) -> Column:
    maps = [field for field in receptive_fields(network) if field.jump is not None]
    return Column(
        name=name,
        network=network,
        layer_count=count_layers(network),
        counts=count_network(network),
        memory=measure_memory(network),
        receptive_field=maps[-1].size if maps else None,
    )


def _unique(names: Sequence[str]) -> list[str]:
    """Every network with a name of its own: A, B, ... where there is none, then lenet (2), ..."""
    unique: list[str] = []
    for place, name in enumerate(names):
        name = own = name or (chr(ord("A") + place) if place < 26 else f"network {place + 1}")
        count = 2
        while own in unique:
            own, count = f"{name} ({count})", count + 1
        unique.append(own)
    return unique


def _aligned(first: Network, other: Network) -> Iterator[Beside]:
    for a, b in align(first.layers, other.layers, _cost):
        yield None if a is None else first.placed[a], None if b is None else other.placed[b]


def _cost(first: Layer, other: Layer) -> float:
    """Nothing for equal layers, more the more fields differ, never a pair of different kinds."""
    if first == other:
        return 0
    if first.stem != other.stem:
        return float("inf")
    ratio = 0.0
    if isinstance(first, Trained) and isinstance(other, Trained):
        # Of equally many changes, the smaller ones: 84 units became 60, not 120 did.
        ratio = abs(log2(first.width / other.width))
    return 1 + 0.2 * sum(1 for _ in _fields(first, other)) + 0.02 * min(ratio, 5)


def _differences(first: Network, other: Network, pairs: Sequence[Beside]) -> Iterator[Difference]:
    if first.input_shape != other.input_shape:
        shapes = f"{shape_text(first.input_shape)} -> {shape_text(other.input_shape)}"
        yield Difference("input", "input", "changed", shapes)
    for a, b in pairs:
        if a is None and b is not None:
            yield Difference(None, b.name, "added", b.layer.notation())
        elif b is None and a is not None:
            yield Difference(a.name, None, "dropped", a.layer.notation())
        elif a is not None and b is not None and a.layer != b.layer:
            yield Difference(a.name, b.name, "changed", ", ".join(_fields(a.layer, b.layer)))


def _fields(first: Layer, other: Layer) -> Iterator[str]:
    """Every field that differs between layers of one kind, with both values."""
    if type(first) is not type(other):
        yield f"{first.keyword} -> {other.keyword}"
    for (what, a), (_, b) in zip(_values(first), _values(other), strict=True):
        if a != b:
            yield f"{what} {a} -> {b}"


def _values(layer: Layer) -> Iterator[tuple[str, str]]:
    for field in layer.fields:
        yield field.noun, field.text(getattr(layer, field.name))
