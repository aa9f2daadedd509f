"""The terminal that is printed to: how wide it is, which characters it has, and what it is spared.

A terminal obeys some characters in place of showing them, and what is printed may come out of
anybody's file: all that a command prints goes through :class:`Guard`.
"""

from __future__ import annotations

import re
import sys
from typing import Any, Final, TextIO

from lenet.errors import visible_lines

#: The bytes of a file name that is no text, as Python reads them.
_BYTES: Final = re.compile("([\udc80-\udcff]+)")


class Guard:
    """A stream that writes out what cannot be printed, but for line breaks; otherwise as it was."""

    def __init__(self, stream: TextIO) -> None:
        self.unguarded = stream

    def write(self, text: str) -> int:
        """Write ``text`` as :func:`lenet.errors.visible_lines` has it.

        Bytes that are no text go out as they came in, where the stream can do that.
        """
        if getattr(self.unguarded, "errors", "") == "surrogateescape":
            parts = enumerate(_BYTES.split(text))
            seen = "".join(part if i % 2 else visible_lines(part) for i, part in parts)
        else:
            seen = visible_lines(text)
        self.unguarded.write(seen)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unguarded, name)


def unguarded(stream: TextIO) -> TextIO:
    """Return the stream behind a guard, for who moves the cursor on purpose."""
    return stream.unguarded if isinstance(stream, Guard) else stream


def columns() -> int:
    """Return the terminal's width in characters: at least 80, which it is where there is none."""
    import shutil  # slow to import: who prints nothing need not wait for it

    return max(80, shutil.get_terminal_size((80, 24)).columns)


def in_notebook() -> bool:
    """Is this process the kernel of a notebook? Told without importing IPython."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def can_show(text: str, stream: TextIO | None = None) -> bool:
    """Can ``stream``, or stdout, write ``text``? One in memory, which has no encoding, can."""
    try:
        text.encode(getattr(stream or sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
