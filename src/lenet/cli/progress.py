"""How training goes: a line an epoch on stdout, and between two lines a bar on stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from lenet.training import EpochRecord


class Display:
    """A :class:`lenet.training.Watcher`; the bar shows on a terminal only, and wipes itself."""

    def __init__(self, epochs: int, lines: bool, bar: bool) -> None:
        self._epochs, self._lines = epochs, lines
        self._bar = bar and sys.stderr.isatty()
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def step(self, epoch: int, share: float) -> None:
        """Move the bar."""
        if not self._bar or (share == 1 and self._progress is None):
            return  # an epoch of one look needs no bar
        if self._progress is None:
            self._progress = _make_progress()
            self._task = self._progress.add_task(f"epoch {epoch}/{self._epochs}", total=1.0)
            self._progress.start()
        assert self._task is not None
        self._progress.update(self._task, completed=share)

    def epoch(self, record: EpochRecord) -> None:
        """Print the epoch's line."""
        self.close()
        if not self._lines:
            return
        width = len(str(self._epochs))
        validation = ""
        if record.validation_accuracy is not None:
            validation = f"validation {record.validation_accuracy:.4f}   "
        print(
            f"epoch {record.epoch:>{width}}/{self._epochs}   loss {record.loss:.4f}   "
            f"train {record.train_accuracy:.4f}   {validation}test {record.test_accuracy:.4f}   "
            f"{record.seconds:.2f} s",
            flush=True,
        )

    def notice(self, text: str) -> None:
        """Say what goes wrong without stopping anything."""
        self.close()
        print(f"lenet: {text}", file=sys.stderr)

    def close(self) -> None:
        """Wipe the bar."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _make_progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=40),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
