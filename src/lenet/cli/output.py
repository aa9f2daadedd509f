"""What the verbs share in printing."""

from __future__ import annotations

import json
import sys
from typing import Any


def print_json(values: dict[str, Any]) -> None:
    """One JSON object on stdout, and nothing else."""
    print(json.dumps(values, indent=2, ensure_ascii=False))


def note(message: str) -> None:
    """A message on stderr."""
    print(message, file=sys.stderr, flush=True)


def percent(share: float) -> str:
    """``0.98891`` as ``98.89 %``."""
    return f"{100 * share:.2f} %"
