"""One process at a time in a folder: a lock that ends with the process, however it ends."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from lenet.errors import OutputError, UsageError, reason

NAME: Final = ".lock"


class Lock:
    """Holds a folder until it is released or the process is gone.

    A file is locked, not merely made: what a killed process leaves behind locks nobody out.
    """

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            UsageError: another process holds it.
            OutputError: the folder cannot be written to.
        """
        self._path = folder / NAME
        self._file: int | None = None
        while self._file is None:
            self._file = self._take()

    def release(self) -> None:
        """Let others in; the file is gone, too."""
        if self._file is None:
            return
        with suppress(OSError):  # Windows removes no open file: it is left, and locks nobody out
            self._path.unlink()
        os.close(self._file)
        self._file = None

    def _take(self) -> int | None:
        """The locked file; None if it was another one by then, whose holder has just left."""
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise OutputError(
                f"cannot write {self._path}: {reason(error)}; make the "
                "run's folder writable, or copy it to where it is."
            ) from error
        if not _lock(file):
            os.close(file)
            raise UsageError(
                f"{self._path.parent} is in use by another process that trains it; wait until it "
                "is done, or stop it first."
            )
        with suppress(OSError):
            if os.path.samestat(os.fstat(file), os.stat(self._path)):
                return file
        os.close(file)
        return None


if sys.platform == "win32":

    def _lock(file: int) -> bool:
        import msvcrt

        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def _lock(file: int) -> bool:
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass  # some network file systems have no locks: then there is nothing to hold
        return True
