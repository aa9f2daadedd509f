"""What a person gives in words: one text or a list of them, and an amount such as ``50k``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from lenet.arguments import plain
from lenet.errors import UsageError
from lenet.net.words import check_choice, shown

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


def read_budget(
    budget: Mapping[str, int] | Iterable[str] | str | None, costs: Collection[str], example: str
) -> dict[str, int]:
    """Read limits on ``costs``: a table of numbers, or texts such as ``example``.

    Raises:
        UsageError: a name that is none, twice the same, or no whole number from 1 up.
    """
    if isinstance(budget, Mapping):
        pairs = list(budget.items())
    else:
        pairs = [_read_limit(text, example) for text in listed_texts(budget)]
    limits: dict[str, int] = {}
    for name, most in pairs:
        check_choice(name, costs, "a name in the budget", "budget")
        if name in limits:
            what = f"the budget names {name} more than once; give it once."
            raise UsageError(what, parameter="budget")
        limits[name] = most = plain(most)
        if isinstance(most, bool) or not isinstance(most, int) or most < 1:
            what = f"the budget for {name} is {shown(most)}"
            raise UsageError(f"{what}; it must be a whole number from 1 up.", parameter="budget")
    return limits


def _read_limit(text: object, example: str) -> tuple[str, int]:
    name, _, number = text.lower().partition("=") if isinstance(text, str) else ("", "", "")
    amount = read_amount(number)
    if amount is None:
        what = f"the budget is {shown(text)}; write a name and a number, such as {example}."
        raise UsageError(what, parameter="budget")
    return name.strip(), amount
