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
from typing import Final, NamedTuple

from lenet.analysis.deduction.solve import windows
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
    raw = list(_shapes(text))
    if len(raw) < 2:
        raise NotationError(
            "a figure has at least two shapes, what goes in and what comes out; write it as in "
            f"{EXAMPLE!r}.",
            text,
            len(text.rstrip()),
        )
    if len(raw) > MAX_STAGES:
        raise UsageError(f"the figure has {len(raw):,} shapes; at most {MAX_STAGES:,} are allowed.")
    order, order_notes = _order(raw, text)
    stages = tuple(Stage(one.read(order), one.name, one.position) for one in raw)
    return Figure(text, stages, (*order_notes, *_notes(raw)))


class _Raw(NamedTuple):
    """A shape before the order of its sizes is known."""

    channels: int | None  # where an @ names them
    sizes: tuple[int, ...]
    name: str
    position: int
    text: str

    @property
    def is_ordered(self) -> bool:
        """Could it be channels first as well as channels last?"""
        return self.channels is None and len(self.sizes) == 3 and len(set(self.sizes)) > 1

    def read(self, order: str) -> Shape:
        if self.channels is not None:
            return self.channels, self.sizes[0], self.sizes[-1]
        if len(self.sizes) == 3:
            return self.sizes if order == "first" else (self.sizes[2], *self.sizes[:2])
        return (1, *self.sizes) if len(self.sizes) == 2 else self.sizes


def _shapes(text: str) -> Iterator[_Raw]:
    """Line breaks part shapes; an arrow or a comma also wants one on either side."""
    start, is_missing = 0, True
    for match in _SEPARATOR.finditer(text):
        if text[start : match.start()].strip():
            yield _shape(text[start : match.start()], start, text)
            is_missing = False
        if match[0] != "\n":
            if is_missing:
                raise _missing(text, match.start())
            is_missing = True
        start = match.end()
    if text[start:].strip():
        yield _shape(text[start:], start, text)
    elif is_missing and text.strip():
        raise _missing(text, len(text.rstrip()))


def _missing(text: str, position: int) -> NotationError:
    return NotationError(f"a shape is missing here; {_FORMS}.", text, position)


def _shape(part: str, start: int, text: str) -> _Raw:
    start += len(part) - len(part.lstrip())
    part = part.strip()
    match = _SHAPE.search(part) if len(part) <= _LONGEST_PART else None
    if match is None or (match["first"] and match["last"]):
        raise NotationError(f"{shown(part)} is no shape; {_FORMS}.", text, start)
    position = start + match.start()
    sizes = tuple(
        _number(number[0], position + match.start("sizes") - match.start() + number.start(), text)
        for number in re.finditer(r"[0-9]+", match["sizes"])
    )
    written = match["first"] or match["last"]
    channels = _number(written, position, text) if written else None
    if len(sizes) > (3 if channels is None else 2):
        raise NotationError(f"{shown(match[0])} has too many sizes; {_FORMS}.", text, position)
    return _Raw(channels, sizes, _name(part[: match.start()], start, text), position, match[0])


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
            'a kernel that you know is said as in --given "conv0 k5".',
            text,
            start,
        )
    return name.strip() if colon else " ".join(words)


_SPELLED: Final = {"first": "channels x height x width", "last": "height x width x channels"}


def _order(raw: Sequence[_Raw], text: str) -> tuple[str, list[str]]:
    """Whether the figure writes channels first or last, and how that was found."""
    unclear = [one for one in raw if one.is_ordered]
    if not unclear:
        return "first", []
    shapes = {order: [one.read(order) for one in raw] for order in _SPELLED}
    misfits = {order: sum(map(_misfits, pairwise(shapes[order]))) for order in _SPELLED}
    oblong = {order: sum(_is_oblong(one.read(order)) for one in unclear) for order in _SPELLED}
    best = min(_SPELLED, key=lambda order: (misfits[order], oblong[order], order))
    other = "last" if best == "first" else "first"
    _check_mixture(unclear, text)
    sizes = f"{unclear[0].text} is read as {_SPELLED[best]}"
    if not oblong[best]:
        return best, [f"{sizes}: that way every map is square."]
    if misfits[best] < misfits[other]:
        return best, [f"{sizes}: that way the steps fit each other."]
    if oblong[best] < oblong[other]:
        return best, [f"{sizes}: that way more maps are square."]
    instead = shape_text(unclear[0].read(other))
    return best, [
        f"{sizes}, and {_SPELLED[other]} would fit as well: write {instead} if it is meant."
    ]


def _check_mixture(unclear: Sequence[_Raw], text: str) -> None:
    """Refuse 28x28x6 beside 6x14x14: all are square, but not in one order."""
    square = {
        order: [one for one in unclear if not _is_oblong(one.read(order))] for order in _SPELLED
    }
    is_mixed = square["first"] and square["last"]
    if is_mixed and len(square["first"]) + len(square["last"]) == len(unclear):
        first, last = (square[order][0] for order in ("first", "last"))
        meant = f"{shape_text(first.read('first'))} and {shape_text(last.read('last'))}"
        raise NotationError(
            f"{first.text} has its channels first and {last.text} last; write one order "
            f"throughout, or {meant}.",
            text,
            max(first.position, last.position),
        )


def _misfits(step: tuple[Shape, Shape]) -> bool:
    """Is there no usual window between two maps?"""
    source, target = step
    if len(source) != 3 or len(target) != 3:
        return len(source) < len(target)
    return any(
        not any(axis.is_expected(size) for axis in windows(size, result))
        for size, result in zip(source[1:], target[1:], strict=True)
    )


def _is_oblong(shape: Shape) -> bool:
    return shape[1] != shape[2]


def _notes(raw: Sequence[_Raw]) -> Iterator[str]:
    """What was assumed about single shapes; the first of each sort is told."""
    for one in raw:
        if one.channels is None and len(one.sizes) == 2:
            yield f"{one.text} names no channels: it is read as one, {shape_text(one.read(''))}."
            break
    for one in raw:
        if one.channels is not None and len(one.sizes) == 1:
            yield f"{one.text} names one size: it is read as square, {shape_text(one.read(''))}."
            break
