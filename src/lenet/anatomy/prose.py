"""Sentences and notations in lines of a width, for every text in this room."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from lenet.net import Network


def wrapped(text: str, width: int, first: str = "", others: str = "") -> list[str]:
    """``text`` in lines of at most ``width``, broken at spaces only."""
    return wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )


def notation_lines(network: Network, width: int, indent: str) -> Iterator[str]:
    """The notation on one line if it fits, else a block a line; it can be read either way."""
    text = str(network)
    if len(indent) + len(text) <= width:
        yield indent + text
        return
    start, *blocks = text.split(" | ")
    yield indent + start
    for block in blocks:
        yield from wrapped(block, width, f"{indent}| ", f"{indent}  ")
