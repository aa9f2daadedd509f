"""Words for error messages: names as they are, lists, and the word that was probably meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

from lenet.arguments import LONGEST
from lenet.arguments import shown as shown
from lenet.errors import UsageError

_T = TypeVar("_T")


def name_text(name: str) -> str:
    """Write a name out of a file as it is, or ``shown`` if it is long, no plain text, or looks like
    the end of a sentence."""
    is_plain = name.isprintable() and len(name) <= LONGEST and name[-1:] not in (*".;:,",)
    return name if is_plain else shown(name)


def natural(name: str) -> tuple[tuple[str | tuple[int, str], ...], str]:
    """Return the key that sorts names as a person counts: 1, 2, 10; capitals beside small ones."""
    # A number is its length, then its digits: it may be longer than what int() reads.
    words = re.split(r"0*([0-9]+)", name.casefold())
    return tuple((len(w), w) if i % 2 else w for i, w in enumerate(words)), name


def in_told_order(things: Sequence[_T], name: Callable[[_T], str]) -> list[_T]:
    """Return things in the order that the numbers in their names tell, or else their places.

    Where neither tells any, since places follow the alphabet and names have no numbers, it is that
    of the alphabet. Things of one name keep their order.
    """
    by_name = sorted(things, key=lambda thing: natural(name(thing)))
    is_sorted = list(things) == sorted(things, key=name)
    return by_name if is_sorted or are_numbered(map(name, by_name)) else list(things)


def are_numbered(names: Iterable[str]) -> bool:
    """Do numbers alone tell the order of names that are in their natural order?"""
    keys = [natural(name)[0] for name in dict.fromkeys(names)]
    for key, after in pairwise(keys):
        place = next((i for i, (a, b) in enumerate(zip(key, after, strict=False)) if a != b), 0)
        if place % 2 == 0:
            return False
    return True


def with_article(words: str) -> str:
    """Write ``a max pooling``, ``an average pooling``, ``an 8x8``, ``an 11x11``."""
    number = words.partition("x")[0]
    vowel = words[0] in "ae8" or number in ("11", "18")
    return f"{'an' if vowel else 'a'} {words}"


def did_you_mean(word: object, choices: Iterable[str]) -> str:
    """Write `` (did you mean 'relu'?)`` for the choice nearest to ``word``, if one is near."""
    from difflib import get_close_matches  # only an error pays for this import

    text = word[:LONGEST].lower() if isinstance(word, str) else ""
    near = get_close_matches(text, list(choices), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def check_choice(
    given: object, choices: Iterable[str], what: str, parameter: str = "", more: str = ""
) -> None:
    """Refuse a value that is none of ``choices``; ``what`` it is for, and what ``more`` may be.

    Raises:
        UsageError: it is none of them; the error names the nearest, and all.
    """
    names = list(choices)
    if not isinstance(given, str) or given not in names:
        allowed = listed([name or '""' for name in names], "or") + more
        found = f"{what} is {shown(given)}{did_you_mean(given, names)}"
        raise UsageError(f"{found}; it must be {allowed}.", parameter=parameter)


def check_text(given: object, parameter: str) -> None:
    """Refuse what is no text.

    Raises:
        UsageError: it is something else.
    """
    if not isinstance(given, str):
        raise UsageError(f"{parameter} is {shown(given)}; give a text.", parameter=parameter)


def check_key(key: object, keys: Iterable[str], owner: str) -> None:
    """Refuse a name that stands for nothing in ``owner``, which has ``keys``.

    Raises:
        UsageError: it is none of them; the error names the nearest, and all.
    """
    names = list(keys)
    if key not in names:
        found = f"{owner} has no {shown(key)}{did_you_mean(key, names)}"
        raise UsageError(f"{found}; it has {listed(names)}.")


def listed(names: Sequence[str], last: str = "and") -> str:
    """Write ``a``, ``a and b``, ``a, b and c``."""
    return f" {last} ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
