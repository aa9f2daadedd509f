"""Much work of the same kind, such as reading pictures, on all processors.

Small pictures take more Python than decoding, and a process runs Python on one processor at a
time. So the first pieces of work are done in threads, which begin at once; where there are many,
each thread passes them on to a process of its own. What comes of it is the same, in the same order.

A process that cannot be started, or dies, is not missed: its thread does the work itself. The
processes are no children of ``multiprocessing``, which would run a user's script again in each.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import Any, Final, Generic, TypeVar

from PIL import Image

_BATCH: Final = 32  # items
_MOST: Final = 8  # threads: each holds a whole picture, and a photograph may take 100 MB
_AHEAD: Final = 4  # batches for each thread
#: Batches in threads before processes are worth their start, which takes a quarter of a second.
_FEW: Final = 64

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


def in_order(work: Callable[[_Item], _Made], items: Iterable[_Item]) -> Iterator[_Made]:
    """Yield what ``work`` makes of each item, in order; some dozens are worked on ahead, not more.

    ``work``, the items and what is made of them must be such as can be pickled.
    """
    waiting = iter(items)
    batches = iter(lambda: list(islice(waiting, _BATCH)), [])
    threads = min(os.cpu_count() or 1, _MOST)
    processes = _Processes(work) if threads > 1 and not hasattr(sys, "frozen") else None
    ahead: deque[Future[list[_Made]]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for number, batch in enumerate(batches):
            is_long = processes is not None and number >= _FEW
            ahead.append(
                pool.submit(processes.made if is_long and processes else _made, work, batch)
            )
            if len(ahead) > _AHEAD * threads:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        if processes is not None:
            processes.close()


def _made(work: Callable[[_Item], _Made], batch: list[_Item]) -> list[_Made]:
    return list(map(work, batch))


class _Processes(Generic[_Item, _Made]):
    """A process for each thread that asks for one."""

    def __init__(self, work: Callable[[_Item], _Made]) -> None:
        self._work = work
        self._own = threading.local()
        self._all: list[subprocess.Popen[bytes]] = []

    def made(self, work: Callable[[_Item], _Made], batch: list[_Item]) -> list[_Made]:
        """Return what is made of a batch: by this thread's process, if there is one."""
        process = self._process()
        if process is not None:
            try:
                _write(process.stdin, batch)
                found: list[_Made] = pickle.load(process.stdout)  # type: ignore[arg-type]
                return found
            except (OSError, EOFError, ValueError, pickle.PickleError, AttributeError):
                self._own.process = None
        return _made(work, batch)

    def _process(self) -> subprocess.Popen[bytes] | None:
        if not hasattr(self._own, "process"):
            self._own.process = None
            with suppress(OSError, ValueError, TypeError, AttributeError, pickle.PickleError):
                self._own.process = self._started()
        found: subprocess.Popen[bytes] | None = self._own.process
        return found

    def _started(self) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(os.path.abspath(folder) for folder in sys.path)
        process = subprocess.Popen(
            [sys.executable, "-c", "from lenet.data.workers import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._all.append(process)
        _write(process.stdin, (self._work, Image.MAX_IMAGE_PIXELS))
        return process

    def close(self) -> None:
        """End the processes: each ends with what it reads."""
        for process in self._all:
            with suppress(OSError):
                process.stdin.close()  # type: ignore[union-attr]
            process.stdout.close()  # type: ignore[union-attr]
            process.wait()


def _write(sink: Any, values: object) -> None:
    pickle.dump(values, sink, pickle.HIGHEST_PROTOCOL)
    sink.flush()


def serve() -> None:
    """Do what another process asks for, until it asks no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that asks decides when it ends
    warnings.simplefilter("ignore")
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing else may stand among the answers
    work, Image.MAX_IMAGE_PIXELS = pickle.load(source)
    with suppress(EOFError, OSError):
        while True:
            _write(sink, _made(work, pickle.load(source)))
