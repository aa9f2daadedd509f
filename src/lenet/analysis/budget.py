"""A budget as text: ``parameters=60000``, ``macs=300k``, ``memory=256KiB``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from lenet.errors import UsageError
from lenet.net.words import shown

#: A k is 1,000, a Ki 1,024.
_SCALES: Final = {
    "": 1,
    **{unit: 1000 ** (power + 1) for power, unit in enumerate("kmgt")},
    **{f"{unit}i": 1024 ** (power + 1) for power, unit in enumerate("kmgt")},
}
_NUMBER: Final = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,6}))?((?:[kmgt]i?)?)b?")


def read_budget(budget: Mapping[str, int] | Iterable[str] | str) -> dict[str, int]:
    """Read texts such as ``memory=256kB``; a table of numbers is given back."""
    if isinstance(budget, Mapping):
        return dict(budget)
    limits: dict[str, int] = {}
    for text in [budget] if isinstance(budget, str) else budget:
        name, _, number = text.lower().partition("=")
        name = name.strip()
        match = _NUMBER.fullmatch(re.sub("[ ,_]", "", number))
        if match is None:
            raise UsageError(
                f"the budget is {shown(text)}; write a name and a number, such as "
                "parameters=60000 or memory=256kB.",
                parameter="budget",
            )
        if name in limits:
            raise UsageError(
                f"the budget names {name} more than once; give it once.", parameter="budget"
            )
        whole, decimals, unit = match.groups("")
        # In whole numbers: 0.1 of a million is exactly 100,000.
        limits[name] = int(whole + decimals) * _SCALES[unit] // 10 ** len(decimals)
    return limits
