"""Every reader against inputs that nobody meant: what it may do, and what it may cost.

A reader may return a value or raise a documented error: one sentence of printable characters, and
not a long one. Whatever it returns and can be written is written, and must be printable too.
"""

from __future__ import annotations

import contextlib
import re
import resource
import signal
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from hostile.readers import Reader
from lenet.errors import LenetError, NotationError, visible_lines

#: Characters of a message; what a notation's place adds is bounded too.
LONGEST = 2_000
#: Seconds of processor time, and bytes of memory, that one input may take.
SECONDS = 1.0
BYTES = 500_000_000
#: After so many seconds of processor time an input counts as one that hangs.
HANGS = 20.0
#: A full stop inside a sentence; what is cut ends in three.
_TWO_ENDS = re.compile(r"(?<!\.)\.;")


@dataclass
class Outcome:
    """What all inputs of one reader led to."""

    name: str
    inputs: int = 0
    refused: int = 0
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0
    slow: list[str] = field(default_factory=list)
    largest: int = 0

    def __str__(self) -> str:
        return (
            f"{self.name:<16} {self.inputs:>7,} inputs  {self.refused:>7,} refused  "
            f"{len(self.faults):>3} faults  slowest {self.slowest:6.3f} s  "
            f"memory +{self.largest / 1e6:,.0f} MB"
        )


class _HangError(BaseException):
    """An input takes so long that nobody waits for it; no reader may swallow it."""


def fuzz(reader: Reader, folder: Path, inputs: int, seed: int = 0, first: int = 0) -> Outcome:
    """Try ``inputs`` inputs on a reader, from the number ``first`` on; each depends on it alone."""
    outcome = Outcome(reader.name)
    target = reader.prepare(folder)
    for number in range(first, first + inputs):
        content = target.make(Random(f"{reader.name} {seed} {number}"))
        label = f"{reader.name}, seed {seed}, input {number}: {content[:120]!r}"
        before, start = _peak(), time.process_time()
        try:
            with _limit(), warnings.catch_warnings():
                warnings.simplefilter("error")
                fault = _try(target.read, content, outcome)
        except _HangError:
            fault = f"takes more than {HANGS} s"
        spent, grown = time.process_time() - start, _peak() - before
        outcome.inputs += 1
        outcome.slowest = max(outcome.slowest, spent)
        outcome.largest = max(outcome.largest, grown)
        if grown > BYTES:
            fault = fault or f"takes {grown:,} bytes"
        if spent > SECONDS:
            outcome.slow.append(f"{spent:.1f} s for {label}")
        if fault:
            outcome.faults.append(f"{label}\n{fault}")
    return outcome


def _try(read: object, content: bytes, outcome: Outcome) -> str:
    """Return what is wrong with what ``read`` does; nothing if all is well."""
    try:
        written = read(content)  # type: ignore[operator]
    except LenetError as error:
        outcome.refused += 1
        return fault_of_message(error, content)
    except MemoryError:
        return "MemoryError"
    except Exception:
        return traceback.format_exc(limit=-6)
    texts = written if isinstance(written, list | tuple) else [written]
    for text in texts:
        if isinstance(text, str) and text != visible_lines(text):
            return f"writes what cannot be printed: {text[:300]!r}"
    return ""


def fault_of_message(error: LenetError, content: bytes = b"") -> str:
    """Say what is wrong with an error's message: it is one short sentence that can be printed."""
    message = str(error)
    sentence, *below = message.split("\n")
    if below and not isinstance(error, NotationError):
        return f"a message of several lines: {message[:300]!r}"
    if not sentence.strip() or len(message) > LONGEST:
        return f"a message of {len(message):,} characters: {message[:300]!r}"
    if not all(line.isprintable() for line in below) or visible_lines(sentence) != sentence:
        return f"a message that cannot be printed: {message[:300]!r}"
    if _TWO_ENDS.search(sentence) and not any(ends in content for ends in (b".;", b".\0;\0")):
        return f"a sentence with two ends: {message[:300]!r}"
    return ""


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@contextlib.contextmanager
def _limit() -> Iterator[None]:
    """Raise in the middle of what does not end."""

    def hang(*_: object) -> None:
        raise _HangError

    old = signal.signal(signal.SIGVTALRM, hang)
    signal.setitimer(signal.ITIMER_VIRTUAL, HANGS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, old)
