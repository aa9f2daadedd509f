"""``lenet balance``."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable

from lenet.cli.output import print_json

_SCALES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def run(net: str, /, *, budget: list[str] | None = None, json: bool = False) -> None:
    """Are neighbouring layers about equally large? With a budget: channels that are.

    Parameters
    ----------
    net
        A zoo name, a notation, a .json file or a saved model.
    budget
        The most that proposals may cost: parameters=60000, macs=300k, activations=6000 or
        memory=256kB (in use on one image). May be given several times.
    json
        Print one JSON object instead.
    """
    from lenet.analysis.balance import balance
    from lenet.cli.networks import network_of
    from lenet.net import name_of
    from lenet.writing import render

    found = balance(network_of(net), budget=parse_budget(budget or ()), name=name_of(net))
    if json:
        print_json(found.to_dict())
    else:
        width = max(80, shutil.get_terminal_size((80, 24)).columns)
        unicode = (sys.stdout.encoding or "").lower().startswith("utf")
        print(render(found, "text", width, ascii_only=not unicode))


def parse_budget(texts: Iterable[str]) -> dict[str, int]:
    """``parameters=60000`` and the like as a table; a k is 1,000, a Ki 1,024.

    Raises:
        UsageError: no NAME=NUMBER, or a name given twice.
    """
    from lenet.errors import UsageError

    limits: dict[str, int] = {}
    for text in texts:
        name, _, number = text.partition("=")
        match = re.fullmatch(
            r"([0-9]{1,15})(?:\.([0-9]{1,6}))?(?:([kmgt])(i)?)?b?",
            number.strip().lower().replace(",", "").replace("_", ""),
        )
        if match is None:
            raise UsageError(
                f"--budget is {text[:40]!r}; write a name and a number, such as parameters=60000 "
                "or memory=256kB."
            )
        whole, part, unit, binary = match.groups()
        scale = _BINARY[unit] if binary else _SCALES[unit or ""]
        name = name.strip().lower()
        if name in limits:
            raise UsageError(f"--budget names {name} more than once; give it once.")
        # In whole numbers: 0.1 of a million is exactly 100,000.
        limits[name] = int(whole + (part or "")) * scale // 10 ** len(part or "")
    return limits
