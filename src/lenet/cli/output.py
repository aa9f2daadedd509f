"""What the verbs share in printing."""

from __future__ import annotations

import json
import math
from typing import Any, Protocol


class Result(Protocol):
    """What the library's functions return: ``str`` of it is what a person reads."""

    def to_dict(self) -> dict[str, Any]:
        """The same as values for JSON."""


def show(result: Result, as_json: bool) -> None:
    """Print a result as a person reads it, or as JSON."""
    if as_json:
        print_json(result.to_dict())
    else:
        print(result)


def print_json(values: dict[str, Any]) -> None:
    """Print one JSON object on stdout, and nothing else."""
    # In ASCII, so that it arrives in every terminal's encoding.
    print(json.dumps(_plain(values), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    """Return the same with null for numbers that are not finite: JSON has none."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def percent(share: float) -> str:
    """Write ``0.98891`` as ``98.89 %``."""
    return f"{100 * share:.2f} %"
