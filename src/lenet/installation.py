"""What this installation is made of and will use: the first thing to look at in a bug report."""

from __future__ import annotations

import os
from typing import Any

from lenet.data.sources import cache_folder
from lenet.engine.machine import instruction_sets, processors
from lenet.errors import EngineError, UsageError
from lenet.model import Model
from lenet.version import machine


def checks() -> dict[str, Any]:
    """Versions, machine, engine, threads and folders, as values for JSON."""
    return machine() | {
        "engine": _engine(),
        "instruction_sets": _instruction_sets(),
        "threads": processors(),
        "cache": str(cache_folder()),
        "data": os.environ.get("LENET_DATA") or None,
    }


def _engine() -> str:
    """The engine that a training would get now, or why it would get none."""
    try:
        return Model("1x1x1 | dense 1").engine(threads=1).name
    except (EngineError, UsageError) as error:
        return str(error)


def _instruction_sets() -> list[str]:
    try:
        return list(instruction_sets())
    except EngineError:
        return []
