"""What LeCun et al. 1998 fixed by hand: connection tables, and the targets of an RBF layer.

A connection table says which channels each channel of a convolution sees. The targets are figures
of 7 x 12 pixels: an RBF layer measures how far its input lies from each of them.
"""

from __future__ import annotations

from typing import Final

Table = tuple[tuple[int, ...], ...]


def _table(text: str) -> Table:
    """Read a table as papers print it: the channels that each channel sees, digit by digit."""
    return tuple(tuple(map(int, seen)) for seen in text.split())


#: By name, for each channel that comes out those that it sees. lenet-5 is the paper's table I;
#: lenet-1 is that of LeCun et al. 1990, in which no channel sees more than two. Of LeNet-4 the
#: paper says only that maps are "connected in pairs": here all six pairs take turns.
TABLES: Final[dict[str, Table]] = {
    "lenet-5": _table(
        "012 123 234 345 045 015 0123 1234 2345 0345 0145 0125 0134 1245 0235 012345"
    ),
    "lenet-4": _table("01 12 23 03 02 13 01 12 23 03 02 13 01 12 23 03"),
    "lenet-1": _table("0 01 01 1 01 01 2 23 23 3 23 23"),
}


def links(name: str, channels: int) -> tuple[tuple[bool, ...], ...] | None:
    """Return which channel sees which of ``channels``, (O, C); None where there is no table."""
    if not name:
        return None
    return tuple(tuple(c in seen for c in range(channels)) for seen in TABLES[name])


#: The ten digits of the paper's figure 3, row by row: a # is +1, a point is -1.
_DIGITS: Final = """
.#####. ...##.. .#####. ####### .#####. .#####. ..####. ####### .#####. .#####.
....... ..###.. ....... .....## ....... ....... .##.... .....## ##...## ##..###
..###.. .####.. .#####. ....##. ....... ####### ##..... .....## ##...## ##...##
.##.##. ...##.. ##...## ...##.. .##..## ##..... ##..... ....##. ##...## ##...##
##...## ...##.. #....## ..####. .##..## ##..... ######. ...##.. .#####. ##..###
##...## ...##.. ....##. .....## ###..## .####.. ###..## ...##.. ##...## .######
##...## ...##.. ..###.. .....## ##...## ..####. ##...## ..##... ##...## .....##
##...## ...##.. .##.... .....## ##...## .....## ##...## ..##... ##...## .....##
.##.##. ...##.. ##..... ##...## ##..### ##...## ###..## ..##... ##...## ....##.
..###.. .###### ####### .#####. .###### .#####. .#####. ..##... .#####. .####..
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
"""


def _figures(text: str) -> tuple[tuple[int, ...], ...]:
    figures = zip(*(line.split() for line in text.strip().splitlines()), strict=True)
    return tuple(tuple(1 if pixel == "#" else -1 for pixel in "".join(f)) for f in figures)


#: (10, 84), each +1 or -1: what the 84 units below the output should say of each digit.
DIGITS: Final = _figures(_DIGITS)
