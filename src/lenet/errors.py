"""Every error a user can meet: what was given, what is allowed, what to do next.

There is one class for each cause, and a message is one clear sentence. ``exit_code`` is what the
command line returns: 2 for wrong usage, 1 for work that failed, 3 for drift that was asked for.
"""

from __future__ import annotations

import copyreg
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

_LONGEST_PATH: Final = 300
#: A message says one thing; what makes it longer came out of a file or from the command line.
_LONGEST: Final = 1_500
_END: Final = 400  # of these, the last ones: what to do stands there
_WORD: Final = re.compile(r"\S+")
#: What is not printable to Python, and yet only a space.
_SPACES: Final = frozenset("\u00a0\u1680\u202f\u205f\u3000").union(map(chr, range(0x2000, 0x200B)))


def visible(text: str) -> str:
    """Write ``text`` on one line, with all that cannot be printed written out: ``\\x1b``, ``\\n``.

    That is the door for whatever may come out of a file: control characters, those that turn the
    direction of reading, line breaks and lone surrogates leave as what they are called.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _SPACES else _escaped(c) for c in text)


def visible_lines(text: str) -> str:
    """Write ``text`` as :func:`visible` does, but keep its lines, ended by LF or CR LF."""
    parts = ("\n".join(map(visible, part.split("\n"))) for part in text.split("\r\n"))
    return "\r\n".join(parts)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def path_text(path: object) -> str:
    """Write a path, or what stands for one, for an error message: cut where it is very long."""
    return _shortened(visible(str(path)))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_PATH else f"{text[:120]}...{text[-60:]}"


def _cut(text: str) -> str:
    text = _WORD.sub(lambda word: _shortened(word[0]), visible(text))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - _END]} ... {text[-_END:]}"


def reason(error: Exception) -> str:
    """Return in the system's words, in small letters, why a file cannot be opened or written."""
    if isinstance(error, UnicodeEncodeError):
        return "a character in the name that no file's name has"
    words = (getattr(error, "strerror", None) or str(error)).lower()
    # What Python says of it differs from version to version.
    return "a zero byte in the name" if "embedded null" in words else words


class Advice(NamedTuple):
    """What a thing is, and what to do with it: in Python's words, and in those of a command."""

    what: str
    remedy: str = ""
    command: tuple[str, ...] = ()


class LenetError(Exception):
    """The root of everything that lenet raises on purpose.

    ``parameter`` is the name of the parameter that helps, where one does, such as ``skip_bad``:
    the command line adds its option. A ``remedy`` in Python's words ends the message; the command
    line writes ``command`` in its place, such as ``("train", "--net", "lenet")``, where there is
    one. All goes through :func:`visible`, whatever it is made of, and is cut where it is very long;
    only what this package itself puts ``below`` it is on lines of its own.
    """

    exit_code = 1

    def __init__(
        self,
        message: object = "",
        *,
        parameter: str = "",
        remedy: str = "",
        command: tuple[str, ...] = (),
        below: str = "",
    ) -> None:
        self.parameter, self.command = parameter, command
        self.what = _cut(str(message))
        super().__init__((_cut(f"{message}; {remedy}.") if remedy else self.what) + below)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let another process have it: Python would call the class with the message alone."""
        return copyreg.__newobj__, (type(self), *self.args), vars(self)  # type: ignore[attr-defined]


@contextmanager
def about(parameter: str) -> Iterator[None]:
    """Let an error that comes out of the block carry ``parameter``, unless it has one."""
    try:
        yield
    except LenetError as error:
        error.parameter = error.parameter or parameter
        raise


class UsageError(LenetError, ValueError):
    """An argument that cannot be meant: an unknown name, a number out of range."""

    exit_code = 2


class NotationError(UsageError):
    """A network text that cannot be read; ``text`` and ``position`` say where."""

    WINDOW = 70  # characters of a long text that are shown around the place

    def __init__(self, message: str, text: str, position: int) -> None:
        self.text, self.position = text, position
        start = max(0, min(position - self.WINDOW // 2, len(text) - self.WINDOW))
        end = start + self.WINDOW
        # A line break or an escape code would tear the arrow away from its place.
        shown = "".join(c if c.isprintable() else " " for c in text[start:end])
        before, after = "..." * (start > 0), "..." * (end < len(text))
        arrow = " " * (len(before) + position - start) + "^"
        super().__init__(message, below=f"\n  {before}{shown}{after}\n  {arrow}")


class ShapeError(UsageError):
    """A layer that does not fit on what it is given; ``layer`` is its name.

    ``problem`` says why, and the message adds what to do. ``network`` is the
    :class:`lenet.net.Network` it stands in, where that is known.
    """

    def __init__(self, problem: str, layer: str, remedy: str = "") -> None:
        self.problem, self.layer = problem, layer
        self.network: Any = None  # a Network, which this file must not know
        super().__init__(f"{problem}; {remedy}." if remedy else problem)


class PlanError(LenetError):
    """A plan that breaks one of its invariants, or a network no engine can run."""


class DataError(LenetError):
    """Images or labels that are missing, damaged or do not belong together."""


class DriftError(DataError):
    """Pictures or answers that are no longer like those of the training: nothing else failed."""

    exit_code = 3


class DownloadError(DataError):
    """A data set that no mirror delivered intact."""


class PictureError(DataError):
    """A picture that cannot be read, or is not one."""


class ModelFileError(LenetError):
    """A model file that is cut, damaged, oversized, or of a format we do not know."""


class OutputError(LenetError):
    """A file or folder that cannot be written; nothing half-written is left behind."""


class DivergenceError(LenetError):
    """Training whose loss is no longer a number."""


class MissingPackageError(LenetError, ImportError):
    """A package that only an extra of the installation brings, such as scikit-learn."""


@contextmanager
def needing(package: str, purpose: str, extra: str, instead: str = "") -> Iterator[None]:
    """Let an import that fails in the block say what the package is for, and how to get it.

    ``extra`` is the one of ours that brings it, and ``instead`` what helps, too.
    """
    try:
        yield
    except ImportError as error:
        remedy = f'run pip install "lenet[{extra}]"' + (f", or {instead}" if instead else "")
        raise MissingPackageError(f"{package} is needed {purpose} ({error}); {remedy}.") from error


class EngineError(LenetError):
    """The native engine is missing, or cannot do what was asked on this machine."""
