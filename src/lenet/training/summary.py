"""What a training did, in values for JSON; and the machine that did it."""

from __future__ import annotations

import os
import platform
from typing import Any

import numpy as np

from lenet.training.history import best_epoch
from lenet.training.loop import Training
from lenet.version import VERSION


def summary(training: Training, status: str, kept: str = "last") -> dict[str, Any]:
    """What was done and what came out, for the model file: nothing that differs between two
    trainings with equal arguments, such as seconds, so that their files are equal too.

    Args:
        training: as far as it came.
        status: running, finished, interrupted or diverged.
        kept: which weights: last, or best; a file name that begins so will do.
    """
    history = training.history
    best = best_epoch(history) if kept.startswith("best") else None
    epoch = best or len(history)
    return {
        "status": status,
        "stopped_early": training.stops_early,
        "network": str(training.model.network),
        "parameters": training.model.plan.parameters,
        "dataset": training.data.name,
        "classes": list(training.data.classes),
        "recipe": training.recipe.to_dict(),
        "seed": training.seed,
        "engine": training.engine.name,
        "epochs": [_without_seconds(record.to_dict()) for record in history],
        "kept_epoch": epoch,
        "test_accuracy": history[epoch - 1].test_accuracy if history else None,
    }


def details(training: Training, status: str, kept: str = "last") -> dict[str, Any]:
    """:func:`summary` and how long it took, on how many threads."""
    return {
        **summary(training, status, kept),
        "threads": training.engine.threads,
        "epochs": [record.to_dict() for record in training.history],
        "train_seconds": training.seconds,
    }


def _without_seconds(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "seconds"}


def machine() -> dict[str, Any]:
    """The versions and the machine that a figure was measured with."""
    return {
        "lenet": VERSION,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "system": platform.platform(),
        "processor": _processor(),
        "processors": os.cpu_count(),
    }


def _processor() -> str:
    """The processor's name; ``platform`` does not know it on Linux."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
