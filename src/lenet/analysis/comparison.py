"""``lenet.compare``: networks side by side, what each costs and how it differs from the first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from lenet.analysis.counts import (
    DEFAULT_BATCH,
    LayerCounts,
    Memory,
    count_layers,
    count_network,
    measure_memory,
    receptive_fields,
)
from lenet.analysis.differences import Beside, Difference, differences, layers_beside, rows_of
from lenet.errors import UsageError
from lenet.net import Network, Source, read_named
from lenet.net.shapes import Pair, pair_text, shape_text
from lenet.net.words import check_text, listed, name_text, shown
from lenet.writing import Result
from lenet.writing.document import Document, Paragraph, Section, table_of
from lenet.writing.numbers import bytes_text, times
from lenet.writing.text import fits

#: More networks are a list in text, one below the other.
_MOST_COLUMNS: Final = 4
_TITLES: Final = {
    "parameters": "parameters",
    "multiply_adds": "multiply-adds",
    "activations": "activations",
    "inference_bytes": "memory in use",
    "training_bytes": "in training",
}


@dataclass(frozen=True)
class Compared:
    """One of the networks and its numbers."""

    name: str  # no two of a comparison are called the same
    network: Network
    layer_count: int  # convolutions and dense layers
    counts: LayerCounts  # all layers together
    memory: Memory  # in bytes
    receptive_field: Pair | None  # of the last map's units, in input pixels; None without maps

    @property
    def numbers(self) -> dict[str, int]:
        """What can be compared as a ratio: counts, and memory in bytes."""
        return {
            "parameters": self.counts.parameters,
            "multiply_adds": self.counts.multiply_adds,
            "activations": self.counts.activations,
            "inference_bytes": self.memory.inference(),
            "training_bytes": self.memory.training(self.memory.batch),
        }


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """What :func:`compare` found out; ``print`` it to read it.

    Attributes:
        columns: the networks in the order given; ratios are to the first.
    """

    columns: tuple[Compared, ...]

    csv_key = "networks"

    @cached_property
    def pairs(self) -> tuple[tuple[Beside, ...], ...]:
        """For each other network, its layers beside the first's."""
        first, *others = (column.network for column in self.columns)
        return tuple(layers_beside(first, other) for other in others)

    @cached_property
    def differences(self) -> tuple[tuple[Difference, ...], ...]:
        """For each other network, what differs from the first."""
        first, *others = (column.network for column in self.columns)
        both = zip(others, self.pairs, strict=True)
        return tuple(tuple(differences(first, other, beside)) for other, beside in both)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON can hold it; docs/compare.md explains every key."""
        first, *others = self.columns
        return {
            "format": "lenet-comparison",
            "version": 1,
            "networks": [_column_dict(column, first) for column in self.columns],
            "differences": [
                {"name": column.name, "layers": list(map(vars, some))}
                for column, some in zip(others, self.differences, strict=True)
            ],
        }

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Lay the comparison out; narrow text lists the networks one below the other."""
        names = [name_text(column.name) for column in self.columns]
        rows, is_text = list(_number_rows(self)), form == "text"
        tables = [table_of(rows, ["", *names]), table_of(_layer_rows(self), ["layer", *names])]
        sections = [Section("", (table,)) for table in tables]
        if is_text and (len(names) > _MOST_COLUMNS or not fits(tables[0], width)):
            sections = [
                Section(name, (table_of(((row[0], row[place]) for row in rows), indent=2),))
                for place, name in enumerate(names, 1)
            ]
        elif is_text and not fits(tables[1], width):
            del sections[1]
        for name, some in zip(names[1:], self.differences, strict=True):
            table = table_of([("the same input and layers",)], indent=2)
            if some:
                table = table_of(((d.mark, d.what) for d in some), prose=True, indent=2)
            sections.append(Section(f"{names[0]} -> {name}", (table,)))
        if told := [c for c in self.columns if len(c.name) == 1]:  # A, B, ...: the notations
            listing = [(column.name, str(column.network)) for column in told]
            sections.append(Section("Networks", (table_of(listing, prose=True, indent=2),)))
        memory = self.columns[0].memory
        optimizer = "plain SGD" if memory.optimizer == "sgd" else memory.optimizer
        note = (
            f"Memory in use is for one image, in training for {memory.batch:,} with {optimizer}; "
            "ratios are to the first network."
        )
        sections.append(Section("", (Paragraph(note, is_note=True),)))
        return Document("" if is_text else listed(names), tuple(sections))


def compare(
    *networks: Source,
    names: Sequence[str] = (),
    input_shape: Iterable[int] | str | None = None,
    batch: int = DEFAULT_BATCH,
    optimizer: str = "sgd",
) -> Comparison:
    """Put networks side by side; ``print`` the comparison to read it.

    Args:
        *networks: two or more, each as :func:`lenet.explain` takes it.
        names: what to call them; by default their zoo names or files, else A, B, ...
        input_shape: compare them on this input instead of their own.
        batch: images per training step, for the memory it takes.
        optimizer: sgd, momentum, nesterov, adamw or levenberg-marquardt, for the same.

    Raises:
        UsageError: fewer than two networks, not as many names as networks, or another argument is
            out of range.
        ShapeError: one does not fit together.
    """
    if len(networks) < 2:
        is_list = isinstance(networks[0] if networks else None, list | tuple)
        remedy = "write compare(*networks) for a list of them" if is_list else "name another"
        raise UsageError(f"compare takes two or more networks, not {len(networks)}; {remedy}.")
    if not isinstance(names, list | tuple):
        raise UsageError(f"names is {shown(names)}; give a list of them, one for each network.")
    for name in names:
        check_text(name, "names")
    if names and len(names) != len(networks):
        given = f"{len(names)} names and {len(networks)} networks are given"
        raise UsageError(f"{given}; give one name for each.")
    if isinstance(input_shape, Iterable) and not isinstance(input_shape, str):
        input_shape = tuple(input_shape)  # it is read once per network
    read = [read_named(network, "", input_shape) for network in networks]
    unique = _unique(names or [name for _, name in read])
    columns = []
    for name, (network, _) in zip(unique, read, strict=True):
        layers, counts = count_layers(network), count_network(network)
        memory = measure_memory(network, batch, optimizer)
        maps = [field.size for field in receptive_fields(network) if field.jump is not None]
        sees = maps[-1] if maps else None
        columns.append(Compared(name, network, layers, counts, memory, sees))
    return Comparison(tuple(columns))


def _unique(names: Sequence[str]) -> list[str]:
    """Give every network a name of its own: A, B, ... where there is none, then lenet (2), ..."""
    unique: list[str] = []
    for place, name in enumerate(names):
        name = own = name or (chr(ord("A") + place) if place < 26 else f"network {place + 1}")
        count = 2
        while own in unique:
            own, count = f"{name} ({count})", count + 1
        unique.append(own)
    return unique


def _number_rows(comparison: Comparison) -> Iterator[list[str]]:
    columns = comparison.columns
    yield ["input", *(shape_text(column.network.input_shape) for column in columns)]
    yield ["output", *(shape_text(column.network.output_shape) for column in columns)]
    yield ["layers", *(str(column.layer_count) for column in columns)]
    base = columns[0].numbers
    for key, title in _TITLES.items():
        yield [title, *(_cell(key, column.numbers[key], base[key]) for column in columns)]
    fields = (column.receptive_field for column in columns)
    yield ["receptive field", *("-" if field is None else pair_text(field) for field in fields)]


def _cell(key: str, number: int, base: int) -> str:
    text = bytes_text(number) if key.endswith("bytes") else f"{number:,}"
    return text if number in (0, base) or not base else f"{text} {times(number / base)}"


def _layer_rows(comparison: Comparison) -> Iterator[list[str]]:
    """Yield what every layer gives: the first network's, and between them the others' own."""
    for row in rows_of(comparison.pairs):
        names = [placed.name for placed in row if placed]
        label = names[0] if row[0] else f"+ {names[0]}"
        yield [label, *("-" if p is None else shape_text(p.output_shape) for p in row)]


def _column_dict(column: Compared, first: Compared) -> dict[str, Any]:
    own, base = column.numbers, first.numbers
    field = column.receptive_field
    return {
        "name": column.name,
        "network": str(column.network),
        "input_shape": list(column.network.input_shape),
        "output_shape": list(column.network.output_shape),
        "layer_count": column.layer_count,
        **own,
        "training_batch": column.memory.batch,
        "receptive_field": None if field is None else list(field),
        "ratios": {name: own[name] / base[name] if base[name] else None for name in own},
    }
