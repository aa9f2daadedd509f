"""A report as CSV: one row a layer, under the keys of the JSON form (RFC 4180)."""

from __future__ import annotations

import csv
import io
from typing import Any

from lenet.analysis.explanation.report import Report

#: Keys of pairs (height, width), which become two columns each.
_PAIRS = ("kernel_size", "stride", "total_padding", "receptive_field", "jump", "formulas")
_AXES = ("height", "width")
_SIDES = ("top", "bottom", "left", "right")


def render_csv(report: Report) -> str:
    """A header and a line a layer, parted by commas, each ended by CR LF.

    Pairs are two columns, the four paddings four, shapes one (``6x24x24``); what a layer has not
    is empty.
    """
    rows = [_flat(layer) for layer in report.to_dict()["layers"]]
    with io.StringIO(newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        return file.getvalue()


def _flat(layer: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for key, value in layer.items():
        if key in _PAIRS:
            row |= _spread(key.removesuffix("s"), _AXES, value)
        elif key == "padding":
            row |= _spread(key, _SIDES, value)
        elif isinstance(value, list):
            row[key] = "x".join(map(str, value))
        elif isinstance(value, bool):
            row[key] = str(value).lower()  # as in JSON
        else:
            row[key] = value
    return row


def _spread(key: str, names: tuple[str, ...], values: list[Any] | None) -> dict[str, Any]:
    return {
        f"{key}_{name}": value
        for name, value in zip(names, values or [None] * len(names), strict=True)
    }
