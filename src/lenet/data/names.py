"""Names of classes and files: their natural order, and which can be classes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from lenet.errors import DataError
from lenet.net.words import shown

MAX_NAME: Final = 200
MAX_CLASSES: Final = 10_000

#: What a name is sorted by: texts and numbers in turn, then the name itself.
Key = tuple[tuple[str | tuple[int, str], ...], str]


def natural(name: str) -> Key:
    """The key that sorts 1, 2, 10 as a person counts, and capitals with their small letters."""
    parts = re.split(r"([0-9]+)", name.casefold())
    # A number's length, then its digits: of any length, and without int()'s limit.
    key = (_number(part) if index % 2 else part for index, part in enumerate(parts))
    return tuple(key), name


def class_name(text: str, where: str) -> str:
    """The name of a class, in one of Unicode's forms: systems write folders in different ones.

    Raises:
        DataError: it is empty, too long, or holds what cannot be printed.
    """
    name = unicodedata.normalize("NFC", text.strip())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise DataError(
            f"{where} names a class {shown(text)}; a class needs a name of 1 to {MAX_NAME} "
            "characters that can be printed"
        )
    return name


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The different names, each once, in natural order.

    Raises:
        DataError: there are too many to be classes.
    """
    found = sorted(set(names), key=natural)
    if len(found) > MAX_CLASSES:
        raise DataError(
            f"there are {len(found):,} different labels, from {shown(found[0])} to "
            f"{shown(found[-1])}; at most {MAX_CLASSES:,} classes are told apart"
        )
    return tuple(found)


def _number(digits: str) -> tuple[int, str]:
    plain = digits.lstrip("0")
    return len(plain), plain
