"""How numbers are written for people: shares, ratios, bytes, large counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_BYTES: Final = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
_COUNTS: Final = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")


def percent(share: float) -> str:
    """Write a share from 0 to 1 with two decimals: ``98.89 %``."""
    return f"{100 * share:.2f} %"


def whole_percent(share: float) -> str:
    """Write a share from 0 to 1 in whole percent, without the sign: ``69``, ``<1``, ``>99``."""
    if 0 < share <= 0.005:
        return "<1"
    return ">99" if 0.995 <= share < 1 else f"{100 * share:.0f}"


def times(ratio: float) -> str:
    """Write a ratio with three digits, ``1.19x``; in full from 100 to a million, ``39,474x``."""
    if 0 < ratio < 0.01:
        return "<0.01x"
    if ratio >= 999_999.5:
        return f"{_scientific(ratio)}x"
    return f"{ratio:,.{_decimals(ratio)}f}x"


def bytes_text(count: int) -> str:
    """Write bytes with three digits and the unit, e.g. ``3.07 GB``; a kB is 1,000 bytes (SI)."""
    return _scaled(count, _BYTES)


def short_count(count: int) -> str:
    """Write a count with three digits where it has more than six, e.g. ``768 M``; else in full."""
    return f"{count:,}" if count < 10**6 else _scaled(count, _COUNTS)


def plural(count: int, word: str) -> str:
    """Write ``1 layer`` or ``1,000 layers``."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _scaled(count: int, units: Sequence[str]) -> str:
    if count < 1000:
        return f"{count} {units[0]}".rstrip()
    value, power = float(count), 0
    # 999.5 would be written as 1000 with three digits.
    while value >= 999.5 and power < len(units) - 1:
        value, power = value / 1000, power + 1
    if value >= 999.5:  # beyond the largest unit
        return f"{_scientific(count)} {units[0]}".rstrip()
    return f"{value:.{_decimals(value)}f} {units[power]}"


def _decimals(value: float) -> int:
    """Return how many decimals make three digits of a number."""
    return 2 if value < 9.995 else 1 if value < 99.95 else 0


def _scientific(value: float) -> str:
    """Write ``1.25e42``."""
    digits, exponent = f"{value:.2e}".split("e")
    return f"{digits}e{int(exponent)}"
