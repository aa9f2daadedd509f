"""A process that answers questions: a line of JSON each way.

Each framework has one of its own: their pools of threads spin while they wait, and would take each
other's processors. :class:`Process` is the asking side, :func:`serve` the answering one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from lenet.errors import EngineError

#: Seconds that a process gets to end by itself.
PATIENCE: Final = 2.0
_LONGEST: Final = 300

Answer = dict[str, Any]


class Process:
    """The asking side; a context manager that ends the process."""

    def __init__(self, name: str, arguments: Sequence[str]) -> None:
        """Start Python with ``arguments``; ``name`` is what messages call it."""
        self._name = name
        # Frameworks write what they like there; only a process that ends early has it read.
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            text=True,
        )

    def ask(self, **request: Any) -> Answer:
        """Its answer.

        Raises:
            EngineError: it could not do what was asked, or has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise EngineError(f"the process that runs {self._name} ended early: {self._last()}")
        answer: Answer = json.loads(line)
        if "error" in answer:
            raise EngineError(answer["error"])
        return answer

    def close(self) -> None:
        """End the process; one that is busy is stopped."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._messages.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _last(self) -> str:
        """The last it said, or how it ended."""
        status = self._process.wait()
        self._messages.seek(0)
        lines = self._messages.read().decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return said[-1][:_LONGEST] if said else f"its exit status is {status}."


def serve(answer: Callable[[Answer], Answer]) -> None:
    """Answer requests from stdin on stdout until there are no more; errors are answers too."""
    # Ctrl-C reaches every process of the terminal: it is the asking side's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a framework prints must not come between: stdout becomes stderr, a copy is the answers'.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        for line in sys.stdin:
            try:
                found = answer(json.loads(line))
            except Exception as error:  # every one: the other side decides what it means
                found = {"error": one_line(error)}
            print(json.dumps(found), file=answers, flush=True)


def one_line(error: Exception) -> str:
    """The message of ``error`` in one line that is not too long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
