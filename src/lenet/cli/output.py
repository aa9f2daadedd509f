"""What the verbs share in printing."""

from __future__ import annotations

from typing import Any

from lenet.writing import json_text


def print_json(values: dict[str, Any]) -> None:
    """Print one JSON object on stdout, and nothing else."""
    print(json_text(values))
