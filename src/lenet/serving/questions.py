"""What a request may hold: JSON of a few known values, each read and checked by its kind."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lenet.errors import UsageError
from lenet.net.words import shown

#: Characters of a text, such as a notation.
MOST_TEXT: Final = 20_000


def read(body: bytes) -> dict[str, Any]:
    """Read a body as one JSON object.

    Raises:
        UsageError: it is none.
    """
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):  # ValueError: no text, no JSON, or a number too long
        values = None
    if not isinstance(values, dict):
        raise UsageError("the request is no JSON object.")
    return values


def text(values: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """Return the text called ``name``; one without a ``default`` must be there."""
    value = values.get(name, default)
    if not isinstance(value, str):
        raise UsageError(f"{name} is {shown(value)}; it must be a text.")
    if len(value) > MOST_TEXT:
        raise UsageError(
            f"{name} has {len(value):,} characters; at most {MOST_TEXT:,} are allowed here."
        )
    return value


def whole(values: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    """Return the whole number called ``name``, from ``least`` to ``most``."""
    value = values.get(name, default)
    if type(value) is not int or not least <= value <= most:
        raise UsageError(
            f"{name} is {shown(value)}; it must be a whole number from {least:,} to {most:,}."
        )
    return value


def settings(values: Mapping[str, Any], name: str, allowed: Sequence[str]) -> dict[str, Any]:
    """Return the table of numbers and words called ``name``, of the names ``allowed``."""
    table = values.get(name, {})
    if not isinstance(table, dict):
        raise UsageError(f"{name} is {shown(table)}; it must be a table of values.")
    for key, value in table.items():
        if key not in allowed:
            raise UsageError(f"{name} has {shown(key)}, which cannot be chosen here.")
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise UsageError(f"{key} is {shown(value)}; it must be a number or a word.")
    return {key: _number(value) for key, value in table.items()}


def _number(value: Any) -> Any:
    """Return a number as it was meant: a browser writes 1e20 as a whole number of 21 digits."""
    return float(value) if isinstance(value, int) and 2**53 < abs(value) < 10**300 else value
