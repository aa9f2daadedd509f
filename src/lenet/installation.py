"""What this installation is made of and will use: the first thing to look at in a bug report."""

from __future__ import annotations

import os
from typing import Any

from lenet.data.sources import cache_folder
from lenet.engine.native import instruction_sets, processors
from lenet.errors import EngineError
from lenet.training.run import machine


def checks() -> dict[str, Any]:
    """Versions, machine, engine, threads and folders, as values for JSON."""
    found: dict[str, Any] = machine()
    try:
        sets = instruction_sets()
        chosen = os.environ.get("LENET_ISA") or sets[0]
        engine = os.environ.get("LENET_ENGINE") or f"native, {chosen}"
        found |= {"engine": engine, "instruction_sets": list(sets)}
    except EngineError as error:
        found |= {"engine": str(error), "instruction_sets": []}
    data = os.environ.get("LENET_DATA")
    return found | {"threads": processors(), "cache": str(cache_folder()), "data": data}
