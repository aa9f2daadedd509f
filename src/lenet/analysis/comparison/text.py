"""A comparison as plain text: a table of a few networks, a list of many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lenet.analysis.comparison.columns import Column, Comparison, Difference, numbers
from lenet.analysis.memory import DEFAULT_BATCH
from lenet.net import PlacedLayer
from lenet.net.shapes import pair_text, shape_text
from lenet.writing.numbers import bytes_text, times
from lenet.writing.prose import side_by_side, wrapped

#: More networks are a list, one below the other.
_MOST_COLUMNS: Final = 4
_TITLES: Final = {
    "parameters": "parameters",
    "multiply_adds": "multiply-adds",
    "activations": "activations",
    "inference_bytes": "memory in use",
    "training_bytes": "in training",
}


def render_comparison(comparison: Comparison, width: int = 80) -> str:
    """``comparison`` in lines of at most ``width`` characters, as far as its numbers allow."""
    sections = []
    table = [["", *(column.name for column in comparison.columns)], *_number_rows(comparison)]
    layers = [["layer", *table[0][1:]], *_layer_rows(comparison)]
    lines, layer_lines = side_by_side(table), side_by_side(layers)
    if len(comparison.columns) <= _MOST_COLUMNS and len(lines[0]) <= width:
        sections.append(lines)
        if len(layer_lines[0]) <= width:
            sections.append(layer_lines)
    else:
        sections += [list(_listed(table, place)) for place in range(1, len(table[0]))]
    first = comparison.columns[0].name
    for column, differences in zip(comparison.columns[1:], comparison.differences, strict=True):
        sections.append([f"{first} -> {column.name}", *_difference_lines(differences, width)])
    note = (
        f"Memory in use is for one image, in training for {DEFAULT_BATCH} with plain SGD; "
        "ratios are to the first network."
    )
    sections.append(wrapped(note, width))
    return "\n\n".join("\n".join(line.rstrip() for line in lines) for lines in sections)


def _number_rows(comparison: Comparison) -> Iterator[list[str]]:
    columns = comparison.columns
    yield ["input", *(shape_text(column.network.input_shape) for column in columns)]
    yield ["output", *(shape_text(column.network.output_shape) for column in columns)]
    yield ["layers", *(str(column.layer_count) for column in columns)]
    base = numbers(columns[0])
    for key, title in _TITLES.items():
        yield [title, *(_cell(column, key, base[key]) for column in columns)]
    yield ["receptive field", *map(_field, columns)]


def _cell(column: Column, key: str, base: int) -> str:
    number = numbers(column)[key]
    text = bytes_text(number) if key.endswith("bytes") else f"{number:,}"
    return text if number in (0, base) or not base else f"{text} {times(number / base)}"


def _field(column: Column) -> str:
    return "-" if column.receptive_field is None else pair_text(column.receptive_field)


def _layer_rows(comparison: Comparison) -> Iterator[list[str]]:
    """What every layer gives: the first network's layers, and between them the others' own."""
    count = len(comparison.columns)
    for cells in _rows(comparison):
        names = [placed.name for placed in cells if placed]
        label = names[0] if cells[0] else f"+ {names[0]}"
        yield [label, *("-" if p is None else shape_text(p.output_shape) for p in cells[:count])]


def _rows(comparison: Comparison) -> Iterator[list[PlacedLayer | None]]:
    layers = comparison.columns[0].network.placed
    others = len(comparison.pairs)
    # own[gap][k]: what network k alone has before the first's layer number gap.
    own: list[list[list[PlacedLayer]]] = [
        [[] for _ in range(others)] for _ in range(len(layers) + 1)
    ]
    beside: list[list[PlacedLayer | None]] = [[] for _ in layers]
    for k, pairs in enumerate(comparison.pairs):
        gap = 0
        for a, b in pairs:
            if a is not None:
                beside[gap].append(b)
                gap += 1
            elif b is not None:
                own[gap][k].append(b)
    for gap, some in enumerate(own):
        for row in range(max(map(len, some), default=0)):
            yield [None, *(mine[row] if row < len(mine) else None for mine in some)]
        if gap < len(layers):
            yield [layers[gap], *beside[gap]]


def _difference_lines(differences: tuple[Difference, ...], width: int) -> Iterator[str]:
    if not differences:
        yield "  the same input and layers"
        return
    names = [_mark(one) for one in differences]
    longest = max(map(len, names))
    for name, one in zip(names, differences, strict=True):
        yield from wrapped(one.what, width, f"  {name:<{longest}}  ", " " * (longest + 4))


def _mark(difference: Difference) -> str:
    if difference.kind == "added":
        return f"+ {difference.other}"
    if difference.kind == "dropped":
        return f"- {difference.first}"
    renamed = difference.first != difference.other
    return f"  {difference.first}" + (f" ({difference.other})" if renamed else "")


def _listed(table: list[list[str]], place: int) -> Iterator[str]:
    yield table[0][place]
    for title, *cells in table[1:]:
        yield f"  {title:<15}  {cells[place - 1]}"
