"""Much work of the same kind, such as reading pictures, on all processors.

Small pictures take more Python than decoding, and a process runs Python on one processor at a
time. So the first pieces of work are done in threads, which begin at once; where there are many,
each thread passes them on to a process of its own. What comes of it is the same, in the same order.

A process that cannot be started, or dies, is not missed: its thread does the work itself. The
processes are no children of ``multiprocessing``, which would run a user's script again in each, and
make any object of what it is sent. Here a message is a line of JSON and the bytes that it names:
plain values, arrays, and dataclasses of lenet. Nothing else is made of it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import partial
from itertools import islice
from typing import IO, Any, Final, Generic, TypeVar

import numpy as np
from PIL import Image

_BATCH: Final = 32  # items
_MOST: Final = 8  # threads: each holds a whole picture, and a photograph may take 100 MB
_AHEAD: Final = 4  # batches for each thread
#: Batches in threads before processes are worth their start, which takes a quarter of a second.
_FEW: Final = 64

#: What goes wrong where a process is gone, or something cannot be sent.
_BROKEN: Final = (OSError, EOFError, ValueError, TypeError, AttributeError, LookupError)

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


def in_order(work: Callable[[_Item], _Made], items: Iterable[_Item]) -> Iterator[_Made]:
    """Yield what ``work`` makes of each item, in order; some dozens are worked on ahead, not more.

    Processes are used where ``work`` is a module's function, or a ``partial`` of one, and it, the
    items and what is made of them can be sent.
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
                found: list[_Made] = _read(process.stdout)
                return found
            except _BROKEN:
                self._own.process = None
        return _made(work, batch)

    def _process(self) -> subprocess.Popen[bytes] | None:
        if not hasattr(self._own, "process"):
            self._own.process = None
            with suppress(*_BROKEN):
                self._own.process = self._started()
        found: subprocess.Popen[bytes] | None = self._own.process
        return found

    def _started(self) -> subprocess.Popen[bytes]:
        work = _named(self._work)
        path = os.pathsep.join(os.path.abspath(folder) for folder in sys.path)
        process = subprocess.Popen(
            # -P: code in the folder of the data is none of ours.
            [sys.executable, "-P", "-c", f"import {work[0]}, {__name__} as own; own.serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._all.append(process)
        _write(process.stdin, (*work, Image.MAX_IMAGE_PIXELS))
        return process

    def close(self) -> None:
        """End the processes: each ends with what it reads."""
        for process in self._all:
            with suppress(OSError):
                process.stdin.close()  # type: ignore[union-attr]
            process.stdout.close()  # type: ignore[union-attr]
            process.wait()


def _named(work: Callable[..., Any]) -> tuple[str, str, tuple[Any, ...]]:
    """Return where a function stands, its name, and what it is given first."""
    given: tuple[Any, ...] = ()
    function: Any = work
    if isinstance(work, partial):
        function, given = work.func, work.args
    module, name = function.__module__, function.__qualname__
    if not all(part.isidentifier() for part in (*module.split("."), name)):
        raise TypeError("only a module's own function can be named")
    return module, name, given


def _write(sink: Any, values: object) -> None:
    parts: list[bytes] = []
    line = json.dumps(_plain(values, parts)).encode() + b"\n"
    sink.write(b"".join((line, *parts)))
    sink.flush()


def _read(source: Any) -> Any:
    line = source.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return _made_of(json.loads(line), source)


def _plain(value: Any, parts: list[bytes]) -> Any:
    """Return a value for JSON; bytes go into ``parts``, in the order in which they are named."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, list):
        return [_plain(one, parts) for one in value]
    if isinstance(value, tuple):
        return {"tuple": [_plain(one, parts) for one in value]}
    if isinstance(value, bytes):
        parts.append(value)
        return {"bytes": len(value)}
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        parts.append(value.tobytes())
        return {"array": value.shape, "type": value.dtype.str}
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        each = [_plain(getattr(value, field.name), parts) for field in fields(value)]
        return {"made": each, "module": kind.__module__, "name": kind.__qualname__}
    raise TypeError(f"{type(value)} cannot be sent")


def _made_of(found: Any, source: IO[bytes]) -> Any:
    """Return the inverse of :func:`_plain`; the bytes come from ``source``."""
    if isinstance(found, list):
        return [_made_of(one, source) for one in found]
    if not isinstance(found, dict):
        return found
    if "tuple" in found:
        return tuple(_made_of(one, source) for one in found["tuple"])
    if "bytes" in found:
        return _exactly(source, found["bytes"])
    if "array" in found:
        kind = np.dtype(found["type"])
        size = int(np.prod(found["array"], dtype=np.int64)) * kind.itemsize
        return np.frombuffer(bytearray(_exactly(source, size)), kind).reshape(found["array"])
    made = getattr(sys.modules.get(found["module"]), found["name"], None)
    if not (found["module"].startswith("lenet.") and is_dataclass(made)):
        raise ValueError("only dataclasses of lenet are made")
    return made(*(_made_of(one, source) for one in found["made"]))  # type: ignore[operator]


def _exactly(source: IO[bytes], size: int) -> bytes:
    content = source.read(size)
    if len(content) < size:
        raise EOFError
    return content


def serve() -> None:
    """Do what another process asks for, until it asks no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that asks decides when it ends
    warnings.simplefilter("ignore")
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing else may stand among the answers
    module, name, given, Image.MAX_IMAGE_PIXELS = _read(source)
    work = partial(getattr(sys.modules[module], name), *given)
    with suppress(EOFError, OSError):
        while True:
            _write(sink, _made(work, _read(source)))
