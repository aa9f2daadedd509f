"""A comparison as JSON; docs/compare.md explains every key."""

from __future__ import annotations

from typing import Any

from lenet.analysis.comparison.columns import Column, Comparison, Difference, numbers
from lenet.analysis.memory import DEFAULT_BATCH


def to_dict(comparison: Comparison) -> dict[str, Any]:
    """The comparison as dicts, lists, numbers, strings and None."""
    first, *others = comparison.columns
    return {
        "format": "lenet-comparison",
        "version": 1,
        "networks": [_column_dict(column, first) for column in comparison.columns],
        "differences": [
            {"name": column.name, "layers": list(map(_difference_dict, differences))}
            for column, differences in zip(others, comparison.differences, strict=True)
        ],
    }


def _column_dict(column: Column, first: Column) -> dict[str, Any]:
    own, base = numbers(column), numbers(first)
    field = column.receptive_field
    return {
        "name": column.name,
        "network": str(column.network),
        "input_shape": list(column.network.input_shape),
        "output_shape": list(column.network.output_shape),
        "layer_count": column.layer_count,
        **own,
        "training_batch": DEFAULT_BATCH,
        "receptive_field": None if field is None else list(field),
        "ratios": {name: own[name] / base[name] if base[name] else None for name in own},
    }


def _difference_dict(one: Difference) -> dict[str, Any]:
    return {"first": one.first, "other": one.other, "kind": one.kind, "what": one.what}
