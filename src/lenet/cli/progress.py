"""How work goes: one line per epoch on stdout, and between two lines a bar on stderr.

The bar is drawn by hand: rich takes 37 ms to load, and draws in a thread of its own, which takes
time from those that train.
"""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, Final, Self

from lenet.terminal import can_show, unguarded

if TYPE_CHECKING:
    from lenet.training import EpochRecord

#: Columns of the bar, where the terminal has room for it.
WIDTH: Final = 40


class Line:
    """One line of stderr that is written over; it shows on a terminal only."""

    def __init__(self, shows: bool = True) -> None:
        self.shows = shows and sys.stderr.isatty()
        self.length = 0  # of what is on the screen

    def write(self, text: str) -> None:
        if self.shows:
            print(f"\r{text:<{self.length}}", end="", file=unguarded(sys.stderr), flush=True)
            self.length = len(text)

    def wipe(self) -> None:
        if self.length:
            print(f"\r{'':<{self.length}}\r", end="", file=unguarded(sys.stderr), flush=True)
            self.length = 0


class KeptLine(Line):
    """A line about work that is kept as it goes: at Ctrl-C it says where, and how to go on."""

    def __init__(self, kept: str, shows: bool = True) -> None:
        super().__init__(shows)
        self.kept = kept  # says what is done, and where it is

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        self.wipe()
        if kind is KeyboardInterrupt:
            words = f"stopped by Ctrl-C; {self.kept}; the same command goes on."
            raise KeyboardInterrupt(words) from None


class Display:
    """Shows how a training goes, as its callback; the bar wipes itself."""

    def __init__(self, epochs: int, lines: bool, bar: bool) -> None:
        self._epochs, self._lines = epochs, lines
        self._line = Line(bar)
        self._start = time.monotonic()

    def step(self, epoch: int, share: float) -> None:
        """Draw the bar."""
        if not self._line.shows or (share == 1 and not self._line.length):
            return  # an epoch of one look needs no bar
        left = (time.monotonic() - self._start) * (1 - share) / share
        before = f"epoch {epoch}/{self._epochs} "
        after = f" {100 * share:3.0f} %, {clock(left)} left"
        # A line that fills the terminal would wrap, and could not be overwritten.
        room = shutil.get_terminal_size().columns - len(before) - len(after) - 1
        bar = _bar(share, min(WIDTH, room)) + after if room >= 0 else ""
        self._line.write(before + bar)

    def epoch(self, record: EpochRecord) -> None:
        """Print the epoch's line."""
        self.close()
        self._start = time.monotonic()
        if self._lines:
            print(record.text(self._epochs), flush=True)

    def notice(self, text: str) -> None:
        """Say what goes wrong without stopping anything."""
        self.close()
        print(f"lenet: {text}", file=sys.stderr)

    def close(self) -> None:
        self._line.wipe()


def share_bar(what: str, share: float) -> str:
    """Write how far work is, as a bar that fits into the terminal."""
    after = f" {100 * share:3.0f} %"
    room = shutil.get_terminal_size().columns - len(what) - len(after) - 2
    return f"{what} {_bar(share, min(WIDTH, room))}{after}" if room > 0 else after


def _bar(share: float, width: int) -> str:
    done = round(share * width)
    full, empty = "━─" if can_show("━─", sys.stderr) else "#-"
    return full * done + empty * (width - done)


def clock(seconds: float) -> str:
    """Write a time as 0:00:00."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
