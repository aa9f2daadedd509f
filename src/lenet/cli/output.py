"""What the verbs share in printing."""

from __future__ import annotations

from typing import Any

from lenet.writing import Result, json_text


def show(result: Result, as_json: bool) -> None:
    """Print a result as a person reads it, or as JSON."""
    if as_json:
        print_json(result.to_dict())
    else:
        print(result)


def print_json(values: dict[str, Any]) -> None:
    """Print one JSON object on stdout, and nothing else."""
    print(json_text(values))
