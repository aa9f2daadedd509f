"""Ctrl-C waits for the moment at which nothing is half done; a second one does not."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupts:
    """Within its ``with`` block, the first Ctrl-C is kept until :meth:`check` passes it on.

    It goes to whom it was meant for, which by default raises ``KeyboardInterrupt``. Only the main
    thread hears of Ctrl-C; in others, and where it is switched off, nothing changes.
    """

    def __init__(self) -> None:
        self._kept: int | None = None
        self._before: Any = None

    def __enter__(self) -> Self:
        before = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread() and callable(before):
            self._before = before
            signal.signal(signal.SIGINT, self._keep)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if error is None:
            self.check()

    def check(self) -> None:
        """This is a moment to stop at.

        Raises:
            KeyboardInterrupt: there was a Ctrl-C.
        """
        if self._kept is not None:
            number, self._kept = self._kept, None
            self._before(number, None)

    def _keep(self, number: int, frame: FrameType | None) -> None:
        if self._kept is not None:
            self._kept = None
            self._before(number, frame)
        else:
            self._kept = number
