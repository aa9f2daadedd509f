"""What the verbs share in printing."""

from __future__ import annotations

import json
import math
from typing import Any


def print_json(values: dict[str, Any]) -> None:
    """One JSON object on stdout, and nothing else."""
    # In ASCII, so that it arrives in every terminal's encoding.
    print(json.dumps(_plain(values), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    """The same with null for numbers that are not finite: JSON has none."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
