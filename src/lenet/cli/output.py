"""What the verbs share in printing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lenet.writing import Result


def show(result: Result, as_json: bool) -> None:
    """Print a result as a person reads it, or as JSON."""
    if as_json:
        print_json(result.to_dict())
    else:
        print(result)


def print_json(values: dict[str, Any]) -> None:
    """Print one JSON object on stdout, and nothing else."""
    from lenet.writing import json_text

    print(json_text(values))
