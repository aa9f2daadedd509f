"""The version of this package, and what else decides a figure: versions and the machine."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

try:
    VERSION = version("lenet")
except PackageNotFoundError:  # run from a checkout that was never installed
    VERSION = "0+unknown"


def machine() -> dict[str, Any]:
    """Return the versions and the machine that a figure is measured with."""
    import numpy  # takes long to import, and the version alone needs none

    return {
        "lenet": VERSION,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "system": platform.platform(),
        "processor": _processor(),
        "processors": os.cpu_count(),
    }


def _processor() -> str:
    """Return the processor's name; ``platform`` does not know it on Linux."""
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
