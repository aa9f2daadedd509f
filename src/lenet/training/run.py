"""The run folder: what was asked, what happened, and the model.

    run.json             arguments, recipe, versions, machine, seed, status, epochs
    recipe.toml          the recipe, every value written out; ``--recipe`` takes it
    history.csv          a line an epoch
    last.safetensors     the model after the last step
    best.safetensors     the model with the lowest validation loss, if the recipe keeps that one
    signals.csv          a line a layer and epoch: gradients, saturation
    learning-curve.png   loss and accuracy over the epochs
    report.html          all of it as a page to look at
    checkpoint-1, -2     while it is not finished: all that is needed to go on

Every file is written whole or not at all. While training runs, a disk that is full costs no more
than the checkpoints; at its end, what cannot be written is an error, and the run can be resumed.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lenet import files
from lenet.errors import LenetError, OutputError, UsageError, reason
from lenet.reporting.board import FOLDER as BOARD
from lenet.reporting.board import Board, require_tensorboard
from lenet.reporting.signals import FILE as SIGNALS
from lenet.reporting.signals import SignalLog
from lenet.training.checkpoint import NAMES as CHECKPOINTS
from lenet.training.checkpoint import Checkpoint, Checkpoints
from lenet.training.history import EpochRecord
from lenet.training.identity import identity
from lenet.training.lock import Lock
from lenet.training.loop import Training
from lenet.training.pacing import Pacing
from lenet.training.recipe_file import recipe_text
from lenet.training.summary import details, machine, summary

FORMAT: Final = "lenet-run"
FORMAT_VERSION: Final = 1
INFO: Final = "run.json"
RECIPE: Final = "recipe.toml"
LAST: Final = "last.safetensors"
BEST: Final = "best.safetensors"
HISTORY: Final = "history.csv"
CURVE: Final = "learning-curve.png"
PAGE: Final = "report.html"
#: All that is written into the folder.
FILES: Final = (INFO, RECIPE, LAST, BEST, HISTORY, SIGNALS, CURVE, PAGE, *CHECKPOINTS)
#: Seconds between two checkpoints within an epoch.
CHECKPOINT_SECONDS: Final = 60.0

__all__ = ["CHECKPOINT_SECONDS", "Run", "machine", "summary"]


class Run:
    """One run's folder, held against other processes until it is finished or closed."""

    _board: Board | None

    def __init__(
        self,
        folder: str | os.PathLike[str],
        arguments: Mapping[str, Any] | None = None,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        tensorboard: bool = False,
    ) -> None:
        """Make the folder; nothing that exists is ever overwritten.

        Args:
            folder: to be made.
            arguments: what ``lenet.load`` reads the data again with, so that a resumed run finds
                them by itself.
            checkpoint_seconds: between two checkpoints within an epoch.
            tensorboard: write files for TensorBoard as well?

        Raises:
            UsageError: it exists already, or TensorBoard is not installed.
            OutputError: it cannot be made.
        """
        check_seconds(checkpoint_seconds)
        path = Path(folder)
        if tensorboard:
            require_tensorboard()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            raise _cannot_make(path, error) from error
        try:
            path.mkdir()
        except FileExistsError as error:
            raise UsageError(
                f"{path} exists already and is never overwritten; choose another name."
            ) from error
        except (OSError, ValueError) as error:
            raise _cannot_make(path, error) from error
        self._hold(path, dict(arguments or {}), checkpoint_seconds)
        if tensorboard:
            self._board = Board(self.folder)

    def _hold(self, folder: Path, arguments: dict[str, Any], checkpoint_seconds: float) -> None:
        self.folder = folder
        self.trouble = ""
        self._arguments = arguments
        self._seconds = checkpoint_seconds
        self._started, self._resumed = _now(), list[str]()
        self._checkpoints, self._pacing = Checkpoints(folder), Pacing()
        self._look_pacing = Pacing()
        self._board = None
        self._identity: dict[str, Any] = {}
        self._keeps = LAST
        self._signals = SignalLog(folder)
        #: Why there is no page to look at; empty if there is one.
        self.no_page = "no epoch was finished"
        self._lock = Lock(folder)

    @classmethod
    def numbered(
        cls,
        root: str | os.PathLike[str],
        stem: str,
        arguments: Mapping[str, Any] | None = None,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        tensorboard: bool = False,
    ) -> Run:
        """The first of ``root/stem-1``, ``root/stem-2``, ... that does not exist yet."""
        if tensorboard:
            require_tensorboard()
        number = 1
        while True:
            try:
                return cls(
                    Path(root) / f"{stem}-{number}", arguments, checkpoint_seconds, tensorboard
                )
            except UsageError:
                number += 1

    @classmethod
    def reopen(
        cls, folder: str | os.PathLike[str], checkpoint_seconds: float = CHECKPOINT_SECONDS
    ) -> Run:
        """A run that is there already, to go on with; ``resumption`` does the rest.

        Raises:
            UsageError: another process trains it.
            OutputError: it cannot be written to.
        """
        check_seconds(checkpoint_seconds)
        run = cls.__new__(cls)
        run._hold(Path(folder), {}, checkpoint_seconds)
        for name in FILES:
            files.remove_leftovers(run.folder / name)
        if (run.folder / BOARD).is_dir():  # begun with it; where the package is gone, without
            with suppress(UsageError):
                run._board = Board(run.folder)
        return run

    @property
    def model(self) -> Path:
        """Where the model is saved that the recipe keeps."""
        return self.folder / self._keeps

    @property
    def command(self) -> str:
        """What resumes it."""
        return f"lenet train --resume {shlex.quote(str(self.folder))}"

    def take_over(self, info: Mapping[str, Any], arguments: Mapping[str, Any], epochs: int) -> None:
        """Go on from what ``run.json`` says, after so many epochs."""
        self._signals.take_up(epochs)
        self._started, self._arguments = info["started"], dict(arguments)
        self._resumed = [*info.get("resumed", ()), _now()]

    def newest_checkpoint(self) -> tuple[Checkpoint | None, list[str]]:
        """How far it came, and what is wrong with a checkpoint that cannot be read."""
        return self._checkpoints.newest()

    @property
    def is_begun(self) -> bool:
        """Is there something that could be finished?"""
        return bool(self._identity) and self.folder.exists()

    def start(self, training: Training) -> None:
        """Write down what is about to be done.

        Raises:
            OutputError: it cannot be written; :meth:`discard` takes an empty folder away.
        """
        self._identity = identity(training)
        with self._pacing:
            self._write_recipe(training)
            self._write_info(training, "running")
        self._measure(training)

    def discard(self) -> None:
        """Let others have it, and take the folder away again if nothing was begun in it."""
        empty = not self._resumed and not (self.folder / INFO).exists()
        if empty:
            with suppress(OSError):
                (self.folder / RECIPE).unlink(missing_ok=True)
        self.close()
        if empty:
            with suppress(OSError):
                self.folder.rmdir()

    def close(self) -> None:
        """Let others resume it."""
        self._lock.release()

    def pause(self, training: Training) -> None:
        """Within an epoch: write a checkpoint, if the last one is long ago."""
        if self._pacing.due(self._seconds):
            self._write_state(training)

    def record(self, training: Training) -> None:
        """After an epoch: write the history and a checkpoint, if that costs little enough."""
        self._measure(training)
        if self._pacing.due():
            self._write_state(training)
        elif self._look_pacing.due():
            self._write_figures(training)

    def finish(self, training: Training, status: str) -> None:
        """Save everything; ``status`` is finished, interrupted or diverged.

        The model then has the weights that the recipe keeps.

        Raises:
            OutputError: some of it cannot be written; all that can be is.
        """
        if status == "finished":  # the last epoch is not recorded before
            self._measure(training)
        attempts: list[Callable[[], object]] = []
        if not (self.folder / RECIPE).exists():  # stopped at the very start
            attempts.append(lambda: self._write_recipe(training))
        if status == "interrupted" and training.is_whole:
            attempts.append(lambda: self._write_checkpoint(training))
        attempts += [
            lambda: self._save_models(training, status),
            lambda: self._write_history(training.history),
            self._signals.write,
        ]
        try:
            _all_of(attempts)
            info = self._write_info(training, status)
            if status != "interrupted":
                self._checkpoints.remove()
        except OutputError as error:
            raise self._unsaved(error) from error
        finally:
            if self._board:
                self._board.close()
        if training.history:
            self.no_page = self._draw(training, info)

    def _write_figures(self, training: Training) -> None:
        """For who looks on: what is a checkpoint's waits for the disk, this does not."""
        with suppress(OutputError), self._look_pacing:
            self._write_history(training.history, durable=False)
            self._signals.write(durable=False)

    def _write_state(self, training: Training) -> None:
        try:
            with self._pacing:
                self._write_history(training.history)
                self._signals.write()
                self._write_checkpoint(training)
            self.trouble = ""
        except OutputError as error:
            self.trouble = str(error)

    def _write_checkpoint(self, training: Training) -> None:
        tensors, progress = training.snapshot()
        self._checkpoints.save(Checkpoint(tensors, progress, self._identity))

    def _save_models(self, training: Training, status: str) -> None:
        if status != "diverged":  # then it has the weights of the last whole epoch
            training.publish()
        model = training.model
        model.training = summary(training, status, LAST)
        model.save(self.folder / LAST)
        if training.publish_best():
            self._keeps = BEST
            model.training = summary(training, status, BEST)
            model.save(self.folder / BEST)

    def _write_recipe(self, training: Training) -> None:
        about = f"The recipe of {self.folder.name}; lenet train --recipe takes this file."
        files.write_text(self.folder / RECIPE, recipe_text(training.recipe, about))

    def _write_history(self, history: Sequence[EpochRecord], durable: bool = True) -> None:
        text = io.StringIO()
        rows = [record.to_dict() for record in history]
        columns = rows[0] if rows else EpochRecord(0, 0, 0, 0).to_dict()
        writer = csv.DictWriter(text, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        files.write_text(self.folder / HISTORY, text.getvalue(), durable)

    def _draw(self, training: Training, info: dict[str, Any]) -> str:
        """Make the picture and the page; if that fails, why: a run is not lost for it."""
        # Takes time to import, and a run needs it once, at its end.
        from lenet.reporting.record import RunRecord
        from lenet.reporting.results import write_pages

        try:
            record = RunRecord(self.folder, info, self._signals.found)
            write_pages(record, training.model, training.data, training.engine.threads)
        except LenetError as error:
            return str(error)
        except Exception as error:  # whatever it is: the weights are saved, and are what counts
            return f"{type(error).__name__}: {error}"
        return ""

    def _measure(self, training: Training) -> None:
        """What the layers do, after an epoch or before the first."""
        epoch = len(training.history)
        self._signals.measure(training.model, training.data.train, training.engine, epoch)
        if self._board and training.history:
            self._board.write(training.history[-1].to_dict(), self._signals.latest)

    def _write_info(self, training: Training, status: str) -> dict[str, Any]:
        info = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "started": self._started,
            "resumed": self._resumed,
            "arguments": self._arguments,
            "source": training.data.source or None,
            **details(training, status, self._keeps),
            **{f"{name}_images": len(part) for name, part in training.data.splits.items()},
            "data_hash": self._identity["data"],
            "machine": machine(),
        }
        files.write_text(self.folder / INFO, json.dumps(info, indent=2) + "\n")
        return info

    def _unsaved(self, error: OutputError) -> OutputError:
        why = str(error).partition(";")[0]
        return OutputError(f"{why}; make room, then {self.command} goes on.")


def kept_model(folder: str | os.PathLike[str]) -> Path:
    """The model of a finished run: the best, if its recipe keeps that, or the last."""
    best = Path(folder) / BEST
    return best if best.exists() else Path(folder) / LAST


def check_seconds(seconds: float) -> None:
    """Can that be the time between two checkpoints?

    Raises:
        UsageError: it cannot.
    """
    if not (isinstance(seconds, int | float) and 0 <= seconds <= 1e9):
        raise UsageError(
            f"the time between checkpoints is {seconds!r}; it must be a number of seconds from 0 "
            "to 1e9."
        )


def _all_of(attempts: Sequence[Callable[[], object]]) -> None:
    """Every one of them, then the last error there was."""
    errors = []
    for attempt in attempts:
        try:
            attempt()
        except OutputError as error:
            errors.append(error)
    if errors:
        raise errors[-1]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _cannot_make(folder: Path, error: OSError | ValueError) -> OutputError:
    # ValueError: a name with a zero byte in it
    return OutputError(
        f"cannot make the run folder {folder}: {reason(error)}; work in a folder that is "
        "writable and has room."
    )
