"""The run folder: what was asked, what happened, and the model.

    run.json            arguments, recipe, versions, machine, seed, status, epochs
    history.csv         a line an epoch
    last.safetensors    the model after the last step
    signals.csv         a line a layer and epoch: gradients, saturation
    learning-curve.png  loss and accuracy over the epochs
    report.html         all of it as a page to look at

Every file is written whole or not at all.
"""

from __future__ import annotations

import csv
import io
import json
import os
import platform
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from lenet import files
from lenet.errors import LenetError, OutputError, UsageError
from lenet.reporting.board import Board, require_tensorboard
from lenet.reporting.signals import SignalLog
from lenet.training.loop import EpochRecord, Training
from lenet.version import VERSION

FORMAT: Final = "lenet-run"
FORMAT_VERSION: Final = 1
MODEL: Final = "last.safetensors"
_COLUMNS: Final = ("epoch", "loss", "train_accuracy", "test_accuracy", "seconds")
#: Seconds between two writings of a history that grows quickly.
_PAUSE: Final = 1.0


class Run:
    """One run's folder, made new; nothing that exists is ever overwritten."""

    def __init__(self, folder: str | os.PathLike[str], tensorboard: bool = False) -> None:
        """Make the folder.

        Args:
            folder: where; the folders above it are made too.
            tensorboard: write files for TensorBoard as well?

        Raises:
            UsageError: it exists already, or TensorBoard is not installed.
            OutputError: it cannot be made.
        """
        self.folder = Path(folder)
        self._board = Board(self.folder) if tensorboard else None
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            raise _cannot_make(self.folder, error) from error
        try:
            self.folder.mkdir()
        except FileExistsError as error:
            raise UsageError(
                f"{self.folder} exists already and is never overwritten; choose another name."
            ) from error
        except (OSError, ValueError) as error:
            raise _cannot_make(self.folder, error) from error
        self._written = 0.0
        self._signals = SignalLog(self.folder)
        #: Why there is no page to look at; empty if there is one.
        self.no_page = "no epoch was finished"
        self._started = datetime.now(UTC)

    @classmethod
    def numbered(cls, root: str | os.PathLike[str], stem: str, tensorboard: bool = False) -> Run:
        """The first of ``root/stem-1``, ``root/stem-2``, ... that does not exist yet."""
        if tensorboard:
            require_tensorboard()
        number = 1
        while True:
            try:
                return cls(Path(root) / f"{stem}-{number}", tensorboard)
            except UsageError:
                number += 1

    @property
    def model(self) -> Path:
        """Where the model is saved."""
        return self.folder / MODEL

    def start(self, training: Training) -> None:
        """Write down what is about to be done.

        Raises:
            OutputError: it cannot be written; the empty folder is gone again then.
        """
        try:
            self._write_info(training, "running")
            self._measure(training)
        except OutputError:
            self.discard()
            raise

    def discard(self) -> None:
        """Take the folder away again, if nothing is in it yet."""
        with suppress(OSError):
            self.folder.rmdir()

    def record(self, training: Training) -> None:
        """Write the history so far, about once a second at most."""
        self._measure(training)
        if self._board:
            self._board.write(training.history[-1].to_dict(), self._signals.latest)
        if time.monotonic() - self._written >= _PAUSE:
            self._write_history(training.history)
            self._signals.write()
            self._written = time.monotonic()

    def finish(self, training: Training, status: str) -> dict[str, Any]:
        """Save everything; ``status`` is finished, interrupted or diverged.

        Returns:
            What ``run.json`` holds.
        """
        training.model.training = summary(training, status)
        training.model.save(self.model)
        self._write_history(training.history)
        self._signals.write()
        info = self._write_info(training, status)
        if self._board:
            self._board.close()
        if training.history:
            self.no_page = self._draw(training, info)
        return info

    def _draw(self, training: Training, info: dict[str, Any]) -> str:
        """Make the picture and the page; if that fails, why: a run is not lost for it."""
        # Takes time to import, and a run needs it once, at its end.
        from lenet.reporting.record import RunRecord
        from lenet.reporting.run_report import write_pages

        try:
            record = RunRecord(self.folder, info, self._signals.found)
            write_pages(record, training.model, training.data, training.engine.threads)
        except LenetError as error:
            return str(error)
        except Exception as error:  # whatever it is: the weights are saved, and are what counts
            return f"{type(error).__name__}: {error}"
        return ""

    def _measure(self, training: Training) -> None:
        epoch = len(training.history)
        self._signals.measure(training.model, training.data.train, training.engine, epoch)

    def _write_history(self, history: Sequence[EpochRecord]) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(record.to_dict() for record in history)
        files.write_text(self.folder / "history.csv", text.getvalue())

    def _write_info(self, training: Training, status: str) -> dict[str, Any]:
        info = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "started": self._started.isoformat(timespec="seconds"),
            **summary(training, status),
            "source": training.data.source or None,
            "train_images": len(training.data.train),
            "test_images": len(training.data.test),
            "machine": machine(),
        }
        files.write_text(self.folder / "run.json", json.dumps(info, indent=2) + "\n")
        return info


def _cannot_make(folder: Path, error: OSError | ValueError) -> OutputError:
    # ValueError: a name with a zero byte in it
    reason = (getattr(error, "strerror", None) or str(error)).lower()
    return OutputError(
        f"cannot make the run folder {folder}: {reason}; work in a folder that is writable and "
        "has room."
    )


def summary(training: Training, status: str) -> dict[str, Any]:
    """What a training did, as values for JSON; the model file carries it too."""
    history = training.history
    return {
        "status": status,
        "network": str(training.model.network),
        "parameters": training.model.plan.parameters,
        "dataset": training.data.name,
        "classes": list(training.data.classes),
        "recipe": training.recipe.to_dict(),
        "seed": training.seed,
        "threads": training.engine.threads,
        "engine": training.engine.name,
        "epochs": [record.to_dict() for record in history],
        "test_accuracy": history[-1].test_accuracy if history else None,
        "train_seconds": training.seconds,
    }


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
