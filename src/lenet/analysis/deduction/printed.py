"""Shapes as frameworks print them: ``(None, 26, 26, 32)``, ``torch.Size([1, 6, 24, 24])``, tables.

The first of four numbers is the batch and goes; so does what stands for it (None, -1, ? or a
letter). Two numbers are a vector where the first is the batch, else a grey image.

A table is what Keras' ``model.summary()``, torchinfo or torchsummary prints: a row per layer, with
its output shape and often its parameters. Rows of a module that holds the rows below it are left
out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from lenet.net.shapes import WRITTEN

#: What may stand for the batch.
_BATCH: Final = r"None|-1|\?|[BN]|batch(?:_size)?"
#: A bracket that holds a shape; the numbers are ``items``.
BRACKETED: Final = (
    r"(?:torch\.Size|(?:tf\.)?TensorShape)?[(\[]{1,3}"
    rf"(?P<items>\s*(?:{_BATCH}|[0-9]+)\s*(?:,\s*[0-9]+\s*){{0,4}},?\s*)"
    r"[)\]]{1,3}"
)
_BRACKETED: Final = re.compile(BRACKETED)
_HEADER: Final = re.compile(r"^.*\boutput shape\b.*$", re.IGNORECASE | re.MULTILINE)
_ALONE: Final = re.compile(
    rf"^[ \t]*(?P<shape>{WRITTEN}|{BRACKETED})[ \t\r]*(?:(?:[-=]{{0,9}}>|→).*)?$", re.MULTILINE
)
_PARAMETERS: Final = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+")
#: What draws a table or a tree, around a name.
_FRAME: Final = "│┃├└─|+- \t"
#: A name, with a second one in brackets: Keras has the class there, torchinfo the attribute.
_NAME: Final = re.compile(r"([^(:\s]+)(?:\s*\(([^()\s]*)\)?)?")


@dataclass(frozen=True)
class Row:
    """A row of a table: where its shape stands, and what it says of the layer."""

    names: tuple[str, ...]
    start: int  # of the shape in the text
    end: int
    parameters: int | None


def find_rows(text: str) -> list[Row] | None:
    """Return the rows of a table, with the shapes that stand above it; None if it is no table."""
    header = _HEADER.search(text)
    if header is None or "param" not in header[0].lower():
        return None
    rows = list(_rows_above(text[: header.start()]))
    has_inputs = "input shape" in header[0].lower()
    lines = re.finditer(r"[^\n]+", text[header.end() :])
    shaped = [line for line in lines if _BRACKETED.search(line[0])]
    for line, below in zip_longest(shaped, shaped[1:]):
        if below and _is_inside(below[0], line[0]):
            continue
        start, found = header.end() + line.start(), list(_BRACKETED.finditer(line[0]))
        shape = found[min(int(has_inputs), len(found) - 1)]
        if has_inputs and not rows:
            rows.append(Row((), start + found[0].start(), start + found[0].end(), None))
        name = _NAME.match(line[0][: found[0].start()].strip(_FRAME))
        names = tuple(filter(None, name.groups())) if name else ()
        number = _PARAMETERS.search(line[0], found[-1].end())
        parameters = int(number[0].replace(",", "")) if number and len(number[0]) < 19 else None
        rows.append(Row(names, start + shape.start(), start + shape.end(), parameters))
    return rows


def _rows_above(text: str) -> Iterator[Row]:
    """Shapes on lines of their own: what goes in, which a table may not tell."""
    for line in _ALONE.finditer(text):
        yield Row((), line.start("shape"), line.end("shape"), None)


def _is_inside(below: str, line: str) -> bool:
    """Is the row below a part of this one, in a tree that torchinfo draws?"""
    return re.search("[├└]─", below) is not None and _indent(below) > _indent(line)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(_FRAME))


def read_items(items: str) -> tuple[str | None, list[str]]:
    """Return what stands for the batch in a bracket's items, or None, and the numbers after it."""
    first, *rest = [item.strip() for item in items.split(",") if item.strip()]
    if not first.isdigit():
        return "", rest
    return (first, rest) if len(rest) == 3 else (None, [first, *rest])


def is_vector(numbers: Sequence[int], batches: set[str]) -> bool:
    """Are two numbers a batch and units, and not the height and width of an image?"""
    return len(numbers) == 2 and str(numbers[0]) in batches | {"1"}
