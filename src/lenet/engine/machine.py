"""This machine and the compiled extension: the one place that imports it.

``LENET_ISA`` (baseline, avx2, avx512) picks an instruction set by hand; by default the best that
the processor has is taken. ``LENET_ENGINE=reference`` runs everything on the readable NumPy engine
instead: slow, and the same numbers within rounding.
"""

from __future__ import annotations

import os
from typing import Any

from lenet.errors import EngineError, LenetError, UsageError

MAX_THREADS = 1024
#: What the extension raises.
FOREIGN = (ValueError, MemoryError, RuntimeError)


def instruction_sets() -> tuple[str, ...]:
    """What this build holds and this processor runs, best first."""
    return tuple(extension().available_isas())


def measure_peak(threads: int = 1, seconds: float = 0.3) -> float:
    """This machine's float32 multiply-add rate in FLOP/s, two per multiply-add, measured now.

    Raises:
        UsageError: ``threads`` or ``seconds`` out of range.
    """
    check_threads(threads)
    isa = os.environ.get("LENET_ISA") or "auto"
    try:
        return float(extension().measure_peak(isa, threads, seconds))
    except FOREIGN as error:
        raise own(error) from error


def processors() -> int:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity to ask for
        return os.cpu_count() or 1


def check_threads(threads: int | None) -> int | None:
    """``threads`` itself.

    Raises:
        UsageError: it is out of range.
    """
    whole = isinstance(threads, int) and not isinstance(threads, bool)
    if threads is not None and not (whole and 1 <= threads <= MAX_THREADS):
        raise UsageError(
            f"threads is {threads!r}; it must be from 1 to {MAX_THREADS} "
            f"(this machine has {processors()} processors for us)."
        )
    return threads


def is_native() -> bool:
    """Whether ``LENET_ENGINE`` names the native engine, as by default.

    Raises:
        UsageError: it names none.
    """
    name = os.environ.get("LENET_ENGINE") or "native"
    if name not in ("native", "reference"):
        raise UsageError(f"LENET_ENGINE is {name!r}; it must be native or reference.")
    return name == "native"


def extension() -> Any:
    """The extension's module.

    Raises:
        EngineError: it is missing from this installation.
    """
    try:
        import lenet.engine._native as found
    except ImportError as error:
        raise EngineError(
            f"the native engine cannot be loaded ({error}); reinstall lenet with "
            "'pip install --force-reinstall lenet', or set LENET_ENGINE=reference to run slowly."
        ) from error
    return found


def own(error: Exception) -> LenetError:
    """What the extension refuses or cannot get, as an error of ours."""
    if isinstance(error, ValueError):
        return UsageError(str(error))
    return EngineError(
        f"this machine gives too little memory or too few threads for the network "
        f"({error}); use fewer threads or a smaller network."
    )
