"""Sentences, lists, tables and notations in lines of a width, for every text in this room."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Final

from lenet.net import Network

#: A space at which no line is broken.
GLUE: Final = "\u00a0"
#: The signs of a formula, where no line is broken either.
_IN_FORMULA: Final = re.compile(r"(?<=[\w)]) ([-+/=]) (?=[\w(])")


def wrapped(text: str, width: int, first: str = "", others: str = "") -> list[str]:
    """``text`` in lines of at most ``width``, broken at spaces, but not in formulas or at ``GLUE``.

    What is longer than a line by itself stays whole.
    """
    lines = wrap(
        _IN_FORMULA.sub(rf"{GLUE}\1{GLUE}", text),
        width,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(GLUE, " ") for line in lines]


def notation_blocks(network: Network) -> Iterator[str]:
    """The notation with the input and each block on a line; it can be read back."""
    start, *blocks = str(network).split(" | ")
    yield start
    for block in blocks:
        yield f"| {block}"


def notation_lines(network: Network, width: int, indent: str) -> Iterator[str]:
    """The notation on one line if it fits, else a block a line; it can be read either way."""
    text = str(network)
    if len(indent) + len(text) <= width:
        yield indent + text
        return
    for block in notation_blocks(network):
        # A line ends behind a layer, and within one only where it is too long by itself.
        whole_layers = block.replace(" ", GLUE).replace(f",{GLUE}", ", ")
        lines = wrapped(whole_layers, width, indent, f"{indent}  ")
        if max(map(len, lines)) > width:
            lines = wrapped(block, width, indent, f"{indent}  ")
        yield from lines


def listed(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def chain(texts: Iterable[str], longest: int = 8) -> str:
    """``28 -> 12 -> 4``; of more than ``longest``, the middle is left out."""
    links = list(texts)
    if len(links) > longest:
        head = longest // 2 - 1
        links[head : 1 - head] = ["..."]
    return " -> ".join(links)


def side_by_side(
    rows: Sequence[Sequence[str]], right: Collection[int] = (), width: int | None = None
) -> list[str]:
    """A table's lines, as long as each other; its columns are two spaces apart.

    Args:
        rows: cells, as many in each.
        right: the columns, counted from 0, whose cells end below each other.
        width: if two spaces would make a line longer than this, one has to do.
    """
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    fits = width is None or sum(widths) + 2 * (len(widths) - 1) <= width
    gap = "  " if fits else " "
    return [
        gap.join(
            cell.rjust(wide) if index in right else cell.ljust(wide)
            for index, (cell, wide) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
