"""What a person gives in words: one text or a list of them, and an amount such as ``50k``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

#: A k is 1,000, a Ki 1,024.
_SCALES: Final = {
    prefix + binary: base**power
    for power, prefix in enumerate(("", *"kmgt"))
    for binary, base in (("", 1000), ("i", 1024))
}
_NUMBER: Final = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,6}))?((?:[kmgt]i?)?)b?")


def listed_texts(given: object) -> list[object]:
    """Return what is given as a list: one text, a list of them, or nothing (None)."""
    if isinstance(given, Iterable) and not isinstance(given, str):
        return list(given)
    return [] if given is None else [given]


def read_amount(text: str) -> int | None:
    """Read ``60000``, ``60,000``, ``50k``, ``1.5M`` or ``256KiB``; None if it is no amount.

    Decimals below one are cut off.
    """
    match = _NUMBER.fullmatch(re.sub("[ ,_]", "", text.lower()))
    if match is None:
        return None
    whole, decimals, unit = match.groups("")
    # In whole numbers: 0.1 of a million is exactly 100,000.
    return int(whole + decimals) * int(_SCALES[unit]) // int(10 ** len(decimals))
