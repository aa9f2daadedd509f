"""How numbers and values are written for people: shares, ratios, bytes, large counts, chains."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

_PREFIXES: Final = ("", *"kMGTPEZY")


def percent(share: float) -> str:
    """Write a share from 0 to 1 with two decimals: ``98.89 %``."""
    return f"{100 * share:.2f} %"


def seconds_text(seconds: float) -> str:
    """Write seconds with one decimal, ``12.3``; of less than half a tenth one digit, ``0.02``."""
    return f"{seconds:,.1f}" if seconds >= 0.05 or not seconds else f"{seconds:.1g}"


def whole_percent(share: float) -> str:
    """Write a share from 0 to 1 in whole percent: ``69``; ``<1`` and ``>99`` before 0 and 100."""
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
    return _scaled(count, "B")


def short_count(count: int) -> str:
    """Write a count with three digits where it has more than six, e.g. ``768 M``; else in full."""
    return f"{count:,}" if count < 10**6 else _scaled(count, "")


def plural(count: int, word: str) -> str:
    """Write ``1 layer`` or ``1,000 layers``."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def value_text(value: object) -> str:
    """Write a setting as a person reads it."""
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:,.6g}"
        case dict():  # what is switched off needs no words
            on = (f"{key} {value_text(one)}" for key, one in value.items() if one)
            return ", ".join(on) or "-"
        case list():
            return ", ".join(map(value_text, value)) or "-"
    return value if isinstance(value, str) else json.dumps(value)


def chain(texts: Iterable[str], longest: int = 8) -> str:
    """Write ``28 -> 12 -> 4``; of more than ``longest`` links, the middle is left out."""
    links = list(texts)
    if len(links) > longest:
        head = longest // 2 - 1
        links[head : 1 - head] = ["..."]
    return " -> ".join(links)


def _scaled(count: int, unit: str) -> str:
    value, power = float(count), 0
    # 999.5 would be written as 1000 with three digits.
    while value >= 999.5 and power < len(_PREFIXES) - 1:
        value, power = value / 1000, power + 1
    if value >= 999.5:  # beyond the largest prefix
        return f"{_scientific(count)} {unit}".rstrip()
    number = f"{value:.{_decimals(value)}f}" if power else str(count)
    return f"{number} {_PREFIXES[power]}{unit}".rstrip()


def _decimals(value: float) -> int:
    """Return how many decimals make three digits of a number."""
    return 2 if value < 9.995 else 1 if value < 99.95 else 0


def _scientific(value: float) -> str:
    digits, exponent = f"{value:.2e}".split("e")
    return f"{digits}e{int(exponent)}"
