"""What callers hand over: their numbers as Python's own, and any value shown short in an error."""

from __future__ import annotations

from typing import Any, Final

#: The longest value that an error message shows, in characters.
LONGEST: Final = 60
#: How the name of a saved model ends. Here, for who reads none need not wait for its reader.
MODEL_ENDING: Final = ".safetensors"


def plain(value: Any) -> Any:
    """Return Python's own numbers for NumPy's: for one, and for a list, a tuple or an array of
    them, which becomes a list; anything else comes back as it is."""
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    return value.tolist() if hasattr(value, "dtype") and hasattr(value, "tolist") else value


def shown(value: object) -> str:
    """Write ``value`` for an error message: its repr on one line, cut where it gets long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an int of over 4,300 digits, a list nested too deep
        return f"something too large to show ({type(value).__name__})"
    text = " ".join(text.split("\n"))  # an array's has lines
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
