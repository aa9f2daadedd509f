"""What the terminal that is printed to can show: how wide it is, and which characters it has."""

from __future__ import annotations

import sys
from typing import TextIO


def columns() -> int:
    """Return the terminal's width in characters: at least 80, which it is where there is none."""
    import shutil  # slow to import: who prints nothing need not wait for it

    return max(80, shutil.get_terminal_size((80, 24)).columns)


def can_show(text: str, stream: TextIO | None = None) -> bool:
    """Can ``stream``, or stdout, write ``text``? One in memory, which has no encoding, can."""
    try:
        text.encode(getattr(stream or sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
