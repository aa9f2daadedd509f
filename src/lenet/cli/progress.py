"""How training goes: a line an epoch on stdout, and between two lines a bar on stderr.

The bar is drawn by hand: a library for it takes a tenth of a second to load, and draws in a thread
of its own, which takes time from those that train.
"""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lenet.training import EpochRecord

#: Columns of the bar, where the terminal has room for it.
WIDTH: Final = 40


class Display:
    """A :class:`lenet.training.Callback`; the bar shows on a terminal only, and wipes itself."""

    def __init__(self, epochs: int, lines: bool, bar: bool) -> None:
        self._epochs, self._lines = epochs, lines
        self._bar = bar and sys.stderr.isatty()
        self._shown = 0  # columns of the bar that is on the screen
        self._start = time.monotonic()

    def step(self, epoch: int, share: float) -> None:
        """Draw the bar."""
        if not self._bar or (share == 1 and not self._shown):
            return  # an epoch of one look needs no bar
        left = (time.monotonic() - self._start) * (1 - share) / share
        before = f"epoch {epoch}/{self._epochs} "
        after = f" {100 * share:3.0f} %, {_clock(left)} left"
        # A line that fills the terminal would wrap, and could not be overwritten.
        room = shutil.get_terminal_size().columns - len(before) - len(after) - 1
        text = before + _bar(share, max(0, min(WIDTH, room))) + after if room >= 0 else before
        print(f"\r{text:<{self._shown}}", end="", file=sys.stderr, flush=True)
        self._shown = len(text)

    def epoch(self, record: EpochRecord) -> None:
        """Print the epoch's line."""
        self.close()
        self._start = time.monotonic()
        if not self._lines:
            return
        width = len(str(self._epochs))
        shares = {
            "train": record.train_accuracy,
            "validation": record.validation_accuracy,
            "test": record.test_accuracy,
        }
        found = (f"{name} {share:.4f}   " for name, share in shares.items() if share is not None)
        print(
            f"epoch {record.epoch:>{width}}/{self._epochs}   loss {record.loss:.4f}   "
            f"{''.join(found)}{record.seconds:.{2 if record.seconds >= 0.1 else 3}f} s",
            flush=True,
        )

    def notice(self, text: str) -> None:
        """Say what goes wrong without stopping anything."""
        self.close()
        print(f"lenet: {text}", file=sys.stderr)

    def close(self) -> None:
        """Wipe the bar."""
        if self._shown:
            print(f"\r{'':<{self._shown}}", end="\r", file=sys.stderr, flush=True)
            self._shown = 0


def _bar(share: float, width: int) -> str:
    done = round(share * width)
    try:
        "━─".encode(sys.stderr.encoding or "ascii")
        return "━" * done + "─" * (width - done)
    except UnicodeEncodeError:
        return "#" * done + "-" * (width - done)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
