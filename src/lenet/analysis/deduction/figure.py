"""A figure as papers print it, read into shapes: ``32x32 -> 6@28x28 -> C5: layer 120 -> 10``.

Shapes are parted by arrows, commas, semicolons or line breaks. A shape is ``6@28x28``, ``28x28@6``,
``6x28x28`` or ``28x28x6`` (one order for the whole figure), ``32x32`` (one channel) or ``120`` (a
vector); words before it name it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from lenet.analysis.deduction.windows import windows
from lenet.errors import NotationError, UsageError
from lenet.net import Shape
from lenet.net.layers import MAX_SIZE
from lenet.net.shapes import shape_text
from lenet.net.words import shown

MAX_STAGES: Final = 1_000
MAX_TEXT: Final = 100_000
EXAMPLE: Final = "32x32 -> 6@28x28 -> 6@14x14 -> 120 -> 10"

_LONGEST_PART: Final = 200
_FORMS: Final = "a shape is 6@28x28, 28x28x6, 6x28x28, 28x28 (one channel) or 120 (a vector)"
#: The orders of three sizes, and each spelled out.
_ORDERS: Final = {"first": "channels x height x width", "last": "height x width x channels"}

# The dashes of an arrow are counted: without a bound, a line of dashes would take forever.
_SEPARATOR = re.compile(r"\n|[,;]|[-=–—]{0,9}>+|[→⟶⇒⟹➔➜➝➞]")
_SHAPE = re.compile(
    r"(?<![\w@.])(?:(?P<first>\d+)\s*@\s*)?"
    r"(?P<sizes>\d+(?:\s*[xX×*]\s*\d+)*)"
    r"(?:\s*@\s*(?P<last>\d+))?$",
    re.ASCII,
)
_SIZE = re.compile(r"\d\s*[xX×*]\s*\d", re.ASCII)


@dataclass(frozen=True)
class Stage:
    """One shape of a figure, (channels, height, width) or (units,), and what the figure calls it.

    ``position`` is where it starts in the figure's text.
    """

    shape: Shape
    name: str
    position: int

    def __str__(self) -> str:
        return shape_text(self.shape)


@dataclass(frozen=True)
class Figure:
    """The shapes of a figure in order; ``notes`` say what had to be assumed to read them."""

    text: str
    stages: tuple[Stage, ...]
    notes: tuple[str, ...]


def read_figure(text: str) -> Figure:
    """Read a figure.

    Raises:
        NotationError: the text is no figure; the error shows the place.
        UsageError: ``text`` is no string, or longer than any figure.
    """
    if not isinstance(text, str):
        raise UsageError(f"a figure is a text such as {EXAMPLE!r}, not {shown(text)}.")
    if len(text) > MAX_TEXT:
        raise UsageError(
            f"the figure has {len(text):,} characters; at most {MAX_TEXT:,} are allowed."
        )
    written = list(_shapes(text))
    if len(written) < 2:
        why = "a figure has at least two shapes, what goes in and what comes out"
        raise NotationError(f"{why}; write it as in {EXAMPLE!r}.", text, len(text.rstrip()))
    if len(written) > MAX_STAGES:
        raise UsageError(
            f"the figure has {len(written):,} shapes; at most {MAX_STAGES:,} are allowed."
        )
    order, notes = _order(written, text)
    stages = tuple(Stage(one.shape(order), one.name, one.position) for one in written)
    return Figure(text, stages, (*notes, *_notes(written)))


@dataclass(frozen=True)
class _Written:
    """A shape before the order of its sizes is known."""

    channels: int | None  # where an @ names them
    sizes: tuple[int, ...]
    name: str
    position: int
    text: str

    @property
    def is_unclear(self) -> bool:
        """Could it be channels first as well as channels last?"""
        return self.channels is None and len(self.sizes) == 3 and len(set(self.sizes)) > 1

    def shape(self, order: str = "first") -> Shape:
        if self.channels is not None:
            return self.channels, self.sizes[0], self.sizes[-1]
        if len(self.sizes) == 3:
            return self.sizes if order == "first" else (self.sizes[2], *self.sizes[:2])
        return (1, *self.sizes) if len(self.sizes) == 2 else self.sizes

    def is_oblong(self, order: str) -> bool:
        _, height, width = self.shape(order)
        return height != width


def _shapes(text: str) -> Iterator[_Written]:
    """Line breaks part shapes; an arrow or a comma also wants one on either side."""

    def missing(position: int) -> NotationError:
        return NotationError(f"a shape is missing here; {_FORMS}.", text, position)

    start, is_missing = 0, True
    for match in _SEPARATOR.finditer(text):
        if text[start : match.start()].strip():
            yield _shape(text[start : match.start()], start, text)
            is_missing = False
        if match[0] != "\n":
            if is_missing:
                raise missing(match.start())
            is_missing = True
        start = match.end()
    if text[start:].strip():
        yield _shape(text[start:], start, text)
    elif is_missing and text.strip():
        raise missing(len(text.rstrip()))


def _shape(part: str, start: int, text: str) -> _Written:
    start += len(part) - len(part.lstrip())
    part = part.strip()
    match = _SHAPE.search(part) if len(part) <= _LONGEST_PART else None
    if match is None or (match["first"] and match["last"]):
        raise NotationError(f"{shown(part)} is no shape; {_FORMS}.", text, start)
    sizes = tuple(
        _number(number[0], start + match.start("sizes") + number.start(), text)
        for number in re.finditer(r"[0-9]+", match["sizes"])
    )
    position, named = start + match.start(), match["first"] or match["last"]
    channels = _number(named, position, text) if named else None
    if len(sizes) > (3 if channels is None else 2):
        raise NotationError(f"{shown(match[0])} has too many sizes; {_FORMS}.", text, position)
    return _Written(channels, sizes, _name(part[: match.start()], start, text), position, match[0])


def _number(digits: str, position: int, text: str) -> int:
    if digits.startswith("0") or len(digits) > len(str(MAX_SIZE)) or int(digits) > MAX_SIZE:
        why = " (write 4096, not 4,096)" if digits.startswith("0") and len(digits) == 3 else ""
        raise NotationError(
            f"a size is {shown(digits)}; it must be a whole number from 1 to {MAX_SIZE:,}, without "
            f"zeros before it{why}.",
            text,
            position,
        )
    return int(digits)


def _name(before: str, start: int, text: str) -> str:
    """The name in the words before a shape: all up to a colon, or else all.

    A kernel there is refused, not overlooked: it would have to narrow the answer.
    """
    name, colon, rest = before.partition(":")
    words = rest.split() if colon else before.split()
    if _SIZE.search(before) or not all(word[0].isalpha() for word in words):
        raise NotationError(
            f"{shown(before.strip())} cannot stand before a shape: only a name can, such as 'C1:'; "
            "a kernel that you know is given beside the figure, as 'conv0 k5'.",
            text,
            start,
        )
    return name.strip() if colon else " ".join(words)


def _order(written: Sequence[_Written], text: str) -> tuple[str, list[str]]:
    """Whether the figure writes channels first or last, and how that was found."""
    unclear = [one for one in written if one.is_unclear]
    if not unclear:
        return "first", []
    _check_mixture(unclear, text)
    misfits, oblong = {}, {}
    for order in _ORDERS:
        steps = pairwise(one.shape(order) for one in written)
        misfits[order] = sum(_is_misfit(source, target) for source, target in steps)
        oblong[order] = sum(one.is_oblong(order) for one in unclear)
    best, other = sorted(_ORDERS, key=lambda order: (misfits[order], oblong[order], order))
    reading = f"{unclear[0].text} is read as {_ORDERS[best]}"
    if not oblong[best]:
        return best, [f"{reading}: that way every map is square."]
    if misfits[best] < misfits[other]:
        return best, [f"{reading}: that way the steps fit each other."]
    if oblong[best] < oblong[other]:
        return best, [f"{reading}: that way more maps are square."]
    instead = shape_text(unclear[0].shape(other))
    would = f"{_ORDERS[other]} would fit as well: write {instead} if it is meant"
    return best, [f"{reading}, and {would}."]


def _check_mixture(unclear: Sequence[_Written], text: str) -> None:
    """Refuse 28x28x6 beside 6x14x14: all are square, but not in one order."""
    first, last = ([one for one in unclear if not one.is_oblong(order)] for order in _ORDERS)
    if first and last and len(first) + len(last) == len(unclear):
        a, b = first[0], last[0]
        meant = f"{shape_text(a.shape('first'))} and {shape_text(b.shape('last'))}"
        raise NotationError(
            f"{a.text} has its channels first and {b.text} last; write one order throughout, or "
            f"{meant}.",
            text,
            max(a.position, b.position),
        )


def _is_misfit(source: Shape, target: Shape) -> bool:
    """Is there no usual window between two maps?"""
    if len(source) != 3 or len(target) != 3:
        return len(source) < len(target)
    return not all(
        any(axis.is_expected(size) for axis in windows(size, result))
        for size, result in zip(source[1:], target[1:], strict=True)
    )


def _notes(written: Sequence[_Written]) -> Iterator[str]:
    """What was assumed about single shapes; the first of each sort is told."""
    flat = [one for one in written if one.channels is None and len(one.sizes) == 2]
    for one in flat[:1]:
        yield f"{one.text} names no channels: it is read as one, {shape_text(one.shape())}."
    square = [one for one in written if one.channels is not None and len(one.sizes) == 1]
    for one in square[:1]:
        yield f"{one.text} names one size: it is read as square, {shape_text(one.shape())}."
