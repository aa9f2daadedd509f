"""Mutations of valid inputs: of bytes, of text with a grammar's words, and of values in JSON.

All of them draw from a ``Random`` that is handed over: the same seed makes the same inputs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random
from typing import Any

#: What a text out of a file may hold so that it harms whoever prints it.
HOSTILE_TEXTS = (
    "\x1b]0;owned\x07\x1b[31m",
    "a\nlenet: fake",
    "a\rb\x08\x00",
    "\u202eexe.gnp\u2066",
    "\ud800",
    "\udcff",
    "<script>alert(1)</script>",
    '"onload="x',
    "'); import os; os.system('id') #",
    "![x](http://example.org/x)|`$(id)`&#x1b;",
    "\\input{/etc/passwd}~^#%&_{}$",
    "\x9b31m\x7f\u2028\ufeff\U000e0041",
    "=cmd|' /C calc'!A0",
    "A" * 5_000,
)
#: Numbers at the edges of what anything counts in.
NUMBERS = (
    *("0", "-1", "1", "2", "7", "255", "256", "65535", "65536", "2147483647", "4294967296"),
    *("9007199254740993", "9223372036854775808", "18446744073709551616", "1" + "0" * 400),
    *(
        "0.5",
        "-0.0",
        "1e-320",
        "1e308",
        "1e400",
        "nan",
        "inf",
        "-inf",
        "0xff",
        "1_0",
        "٣",
        "9" * 4_400,
    ),
)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 3, 2**31, 2**63, 2**64, 10**400, 0.5, -0.0, 1e308),
    *(float("nan"), float("inf"), "", "0", "lenet", [], {}, [[]], {"a": {}}, [1, 8, 8], [0, 0, 0]),
    *HOSTILE_TEXTS,
)

Mutate = Callable[[Random, bytes], bytes]


def mutated(random: Random, seeds: Sequence[bytes], words: Sequence[bytes] = ()) -> bytes:
    """Return one of ``seeds`` with one to eight things done to it, of which some use ``words``."""
    content = bytearray(random.choice(seeds))
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        _mutate(random, content, seeds, words)
    return bytes(content)


def renumbered(random: Random, seeds: Sequence[bytes]) -> bytes:
    """Return one of ``seeds`` with one to three of its numbers replaced."""
    content = bytearray(random.choice(seeds))
    for _ in range(random.randrange(1, 4)):
        _replace_number(random, content)
    return bytes(content)


def composed(random: Random, words: Sequence[bytes]) -> bytes:
    """Return a text of a grammar's words, in any order."""
    return b"".join(_word(random, words) for _ in range(random.randrange(1, 30)))


def _word(random: Random, words: Sequence[bytes]) -> bytes:
    kind = random.randrange(12)
    if kind == 0:
        return random.choice(NUMBERS).encode()
    if kind == 1:
        return random.choice(HOSTILE_TEXTS).encode("utf-8", "surrogatepass")
    if kind < 4:
        return b"%d" % random.randrange(40)
    return random.choice(words) if words else bytes([random.randrange(256)])


def _mutate(
    random: Random, content: bytearray, seeds: Sequence[bytes], words: Sequence[bytes]
) -> None:
    size = len(content)
    start = random.randrange(size + 1)
    end = min(size, start + 1 + int(random.expovariate(0.2)))
    match random.randrange(9):
        case 0 if size:
            content[start % size] ^= 1 << random.randrange(8)
        case 1:
            content[start:end] = random.randbytes(random.randrange(5))
        case 2:
            del content[start:end]
        case 3:
            content[start:start] = content[start:end] * random.choice((1, 2, 9))
        case 4:
            other = random.choice(seeds)
            cut = random.randrange(len(other) + 1)
            content[start:] = other[cut:]
        case 5:
            del content[start:]
        case 6:
            _replace_number(random, content)
        case _:
            content[start : random.choice((start, end))] = _word(random, words)


def _replace_number(random: Random, content: bytearray) -> None:
    """Put another number in the place of one that stands there in digits."""
    digits = [i for i, byte in enumerate(content[:20_000]) if 48 <= byte <= 57]
    if digits:
        start = end = random.choice(digits)
        while end < len(content) and 48 <= content[end] <= 57:
            end += 1
        small, edge = str(random.randrange(30)), random.choice(NUMBERS)
        content[start:end] = random.choice((small, small, edge)).encode()


def mutated_value(random: Random, value: Any, times: int | None = None) -> Any:
    """Return a copy of a value for JSON with some of its parts replaced, dropped or renamed."""
    value = json.loads(json.dumps(value))
    for _ in range(times or random.choice((1, 1, 2, 4))):
        places = list(_places(value))
        if not places:
            return deepcopy(random.choice(_VALUES))
        holder, key = random.choice(places)
        match random.randrange(8):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[random.choice(HOSTILE_TEXTS)] = holder.pop(key)
            case 2 if isinstance(holder, list):
                holder.insert(key, deepcopy(holder[key]))
            case 3 if isinstance(holder[key], str):
                holder[key] += random.choice(HOSTILE_TEXTS)
            case 4 if isinstance(holder[key], int | float):
                holder[key] = random.choice(
                    (-holder[key], holder[key] * 10**9, 0, str(holder[key]))
                )
            case _:
                holder[key] = deepcopy(random.choice(_VALUES))
    return value


def _places(value: Any) -> Any:
    """Yield every place in a value: what holds it, and its key or index there."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield value, key
            yield from _places(inner)


def json_bytes(random: Random, value: Any) -> bytes:
    """Write a value as JSON; now and then with a key that stands there twice."""
    text = json.dumps(value)
    if random.randrange(20) == 0 and text.startswith('{"'):
        key = text[1 : text.index('"', 2) + 1]
        text = f"{{{key}: null, {text[1:]}"
    return text.encode("utf-8", "surrogatepass")
