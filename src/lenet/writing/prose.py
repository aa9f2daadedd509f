"""Sentences, chains, tables and notations in lines of a width."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Final

#: A space at which no line is broken.
GLUE: Final = "\u00a0"
#: The signs of a formula, where no line is broken either.
_IN_FORMULA: Final = re.compile(r"(?<=[\w)]) ([-+/=]) (?=[\w(])")


def wrapped(text: str, width: int, first: str = "", others: str = "") -> list[str]:
    """Return ``text`` in lines of at most ``width``, broken at spaces."""
    lines = wrap(
        _IN_FORMULA.sub(rf"{GLUE}\1{GLUE}", text),
        width,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(GLUE, " ") for line in lines]


def notation_blocks(notation: object) -> Iterator[str]:
    """Yield the input and each block of a notation; the lines can be read back together."""
    start, *blocks = str(notation).split(" | ")
    yield start
    for block in blocks:
        yield f"| {block}"


def notation_lines(notation: object, width: int, indent: str) -> Iterator[str]:
    """Yield the notation on one line if it fits, else one line per block, as it can be read."""
    text = str(notation)
    if len(indent) + len(text) <= width:
        yield indent + text
        return
    for block in notation_blocks(text):
        # A line ends behind a layer, and within one only where it is too long by itself.
        whole_layers = block.replace(" ", GLUE).replace(f",{GLUE}", ", ")
        lines = wrapped(whole_layers, width, indent, f"{indent}  ")
        if max(map(len, lines)) > width:
            lines = wrapped(block, width, indent, f"{indent}  ")
        yield from lines


def chain(texts: Iterable[str], longest: int = 8) -> str:
    """Write ``28 -> 12 -> 4``; of more than ``longest`` links, the middle is left out."""
    links = list(texts)
    if len(links) > longest:
        head = longest // 2 - 1
        links[head : 1 - head] = ["..."]
    return " -> ".join(links)


def side_by_side(
    rows: Sequence[Sequence[str]], right: Collection[int] = (), width: int | None = None
) -> list[str]:
    """Return the lines of a table, all of one length; its columns are two spaces apart."""
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
