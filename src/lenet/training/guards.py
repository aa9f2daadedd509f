"""What keeps a run whole: one process at a time in its folder, and a Ctrl-C that waits."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Self

from lenet import files
from lenet.errors import OutputError, UsageError, reason
from lenet.run_folder import LOCK


class FolderLock:
    """Holds a folder until it is released or the process is gone.

    A file is locked, not merely made: what a killed process leaves behind locks nobody out.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        self._file: int | None = None
        while self._file is None:
            self._file = self._take()

    def release(self) -> None:
        """Let others in, and remove the file."""
        if self._file is not None:
            if sys.platform == "win32":  # removes no open file, and so none that another has locked
                os.close(self._file)
            with suppress(OSError):
                self._path.unlink()
            if sys.platform != "win32":
                os.close(self._file)
            self._file = None

    @property
    def holds(self) -> bool:
        """Is the file that it locked still the folder's? The folder may be gone, or another's."""
        with suppress(OSError):
            return self._file is not None and os.path.samestat(
                os.fstat(self._file), os.lstat(self._path)
            )
        return False

    def _take(self) -> int | None:
        """Return the locked file; None if its holder has just left and taken it away."""
        try:
            # No link is followed: it would be made, locked and left where it points to.
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            file = os.open(self._path, flags, 0o666)
        except OSError as error:
            raise OutputError(
                f"cannot write {self._path}: {reason(error)}; make the run's folder writable, or "
                "copy it to where it is."
            ) from error
        if not files.lock(file):
            os.close(file)
            raise UsageError(
                f"{self._path.parent} is in use by another process that trains it; wait until it "
                "is done, or stop it first."
            )
        with suppress(OSError):
            if os.path.samestat(os.fstat(file), os.lstat(self._path)):
                return file
        os.close(file)
        return None


class DelayedInterrupt:
    """Keeps the first Ctrl-C in its ``with`` block until :meth:`check` passes it on; a second one
    goes at once to whom it was meant for, which by default raises ``KeyboardInterrupt``.

    Only the main thread hears of Ctrl-C; in others, and where it is off, nothing changes.
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

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if kind is None:
            self.check()

    def check(self) -> None:
        """Pass on the Ctrl-C that was kept, if there was one."""
        if self._kept is not None:
            number, self._kept = self._kept, None
            self._before(number, None)

    def _keep(self, number: int, frame: FrameType | None) -> None:
        if self._kept is not None:
            self._kept = None
            self._before(number, frame)
        else:
            self._kept = number
