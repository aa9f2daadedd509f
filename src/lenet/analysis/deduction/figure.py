"""What a person says of a network: its figure, what is known of single layers, a limit.

A figure is read as papers print it: ``32x32 -> 6@28x28 -> C5: layer 120 -> 10``. Shapes are parted
by arrows, commas, semicolons or line breaks. A shape is ``6@28x28``, ``28x28@6``, ``6x28x28`` or
``28x28x6`` (one order for the whole figure), ``32x32`` (one channel) or ``120`` (a vector), or
what frameworks print; words before it name it. ``flatten``, ``relu``, ``conv`` or ``global average
pooling`` may stand alone between two arrows.

Of a layer comes first its name, as the deduction or the figure calls it, then the notation's words:
``conv1 k5``, ``pool0 avgpool``, ``C5 conv``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, zip_longest
from typing import Any, Final

from lenet.analysis.deduction.printed import BRACKETED, Row, find_rows, is_vector, read_items
from lenet.analysis.deduction.windows import (
    CONV,
    DENSE,
    FLAT,
    POOL,
    SPELLED,
    AxisGiven,
    is_idle,
    is_named,
    windows,
)
from lenet.analysis.given import listed_texts, read_amount
from lenet.arguments import plain
from lenet.errors import NotationError, UsageError, about
from lenet.net import Shape
from lenet.net.layers import LAYERS, MAX_SIZE, AvgPool2d, Conv2d, Pool2d
from lenet.net.notation import read_option
from lenet.net.shapes import (
    WRITTEN,
    channels_first,
    elements,
    is_channels_last,
    shape_text,
)
from lenet.net.words import listed, shown

MAX_STAGES: Final = 1_000
MAX_TEXT: Final = 100_000
EXAMPLE: Final = "32x32 -> 6@28x28 -> 6@14x14 -> 120 -> 10"

_LONGEST_PART: Final = 200
_FORMS: Final = "a shape is 6@28x28, 28x28x6, 6x28x28, 28x28 (one channel) or 120 (a vector)"
#: The orders of three sizes, and each spelled out.
_ORDERS: Final = {"first": "channels x height x width", "last": "height x width x channels"}

# The dashes of an arrow are counted: without a bound, a line of dashes would take forever. A
# bracket is passed over: its commas part nothing.
_SEPARATOR = re.compile(r"[(\[][^()\[\]\n>→]{0,99}[)\]]|(?P<mark>\n|[,;]|[-=–—]{0,9}>+|[→⟶⇒⟹➔➜➝➞])")
_SHAPE = re.compile(rf"(?<![\w@.]){WRITTEN}$", re.ASCII)
_PRINTED = re.compile(rf"{BRACKETED}$", re.ASCII)
#: What loops over layers print between a name and a shape.
_SAYS_SHAPE = re.compile(r"\W*\b(output|shape|size)\b.*$", re.IGNORECASE)
#: A word that stands alone: the kind of a layer.
_WORD = re.compile(r"[a-z][a-z_ -]{0,40}(?:[12]d)?:?", re.IGNORECASE)
_REMARK = re.compile(r"(?<=[\w)\]])\s{0,9}\((?P<name>[a-z][a-z_ -]{0,40})\)$", re.IGNORECASE)
_GLOBAL = re.compile(r"global|gap\b", re.IGNORECASE)
_OWN_SHAPE: Final = "write the shape that comes out of it after it, as in 'conv -> 6@28x28'"
_SIZE = re.compile(r"\d\s*[xX×*]\s*\d", re.ASCII)


#: The kinds of layer by the words that name them; "pool" leaves open which pooling. What a figure
#: shows of a subsampling or of an RBF layer is what it shows of a pooling and of a dense layer.
_KINDS: Final = {word: layer.stem for word, layer in LAYERS.items() if layer.stem in SPELLED} | {
    Pool2d.stem: POOL,
    FLAT: FLAT,
}
_NOUNS: Final = {field.name: field.noun for field in Conv2d.fields} | {"average": "kind"}
_WINDOW: Final = {"kernel_size", "stride", "padding"}
#: What no other layer has.
ONLY_CONV: Final = {"groups", "batch_norm"}
#: And what a layer of a kind has not: a window, an activation.
_LACKS: Final = {
    CONV: set[str](),
    POOL: {"activation"},
    DENSE: _WINDOW,
    FLAT: _WINDOW | {"activation"},
}


@dataclass(frozen=True)
class Stage:
    """One shape of a figure, and what the figure says of the layer before it."""

    shape: Shape  # (channels, height, width) or (units,)
    name: str
    position: int  # where it starts in the figure's text
    parameters: int | None = None  # the layer's, where a table tells them

    def __str__(self) -> str:
        return shape_text(self.shape)


@dataclass(frozen=True)
class Figure:
    """The shapes of a figure in order; ``notes`` say what had to be assumed to read them."""

    text: str
    stages: tuple[Stage, ...]
    notes: tuple[str, ...]
    is_channels_last: bool = False  # as Keras and TensorFlow write shapes


def read_figure(text: str) -> Figure:
    if not isinstance(text, str):
        raise UsageError(f"a figure is a text such as {EXAMPLE!r}, not {shown(text)}.")
    _check_most(len(text), MAX_TEXT, "characters")
    rows = find_rows(text)
    written = _with_batches(list(_shapes(text)) if rows is None else list(_table(rows, text)))
    _check_most(len(written), MAX_STAGES, "shapes")
    order, notes = _order([part for part in written if part.sizes], text)
    stages = tuple(_resolved(written, order))
    stages, left_out = _without_idle(stages)
    if len(stages) < 2:
        why = "a figure has at least two shapes, what goes in and what comes out"
        raise NotationError(f"{why}; write it as in {EXAMPLE!r}.", text, len(text.rstrip()))
    notes += [*_notes(written), *left_out, *_input_notes(stages)]
    return Figure(text, stages, tuple(notes), order == "last")


def _check_most(count: int, most: int, what: str) -> None:
    if count > most:
        raise UsageError(f"the figure has {count:,} {what}; at most {most:,} are allowed.")


@dataclass(frozen=True)
class _Written:
    """A shape before the order of its sizes is known."""

    channels: int | None  # where an @ names them
    sizes: tuple[int, ...]  # none of a global pooling that stands alone
    name: str
    position: int
    text: str
    batch: str | None = None  # what a bracket has in its place
    is_printed: bool = False  # in brackets
    parameters: int | None = None

    @property
    def is_unclear(self) -> bool:
        """Could it be channels first as well as channels last?"""
        return self.channels is None and len(self.sizes) == 3 and len(set(self.sizes)) > 1

    def stage(self, order: str) -> Stage:
        return Stage(self.shape(order), self.name, self.position, self.parameters)

    def shape(self, order: str = "first") -> Shape:
        if self.channels is not None:
            return self.channels, self.sizes[0], self.sizes[-1]
        if len(self.sizes) == 3:
            return self.sizes if order == "first" else tuple(channels_first(self.sizes))
        return (1, *self.sizes) if len(self.sizes) == 2 else self.sizes

    def is_oblong(self, order: str) -> bool:
        _, height, width = self.shape(order)
        return height != width

    def contradicts(self, order: str) -> bool:
        """Is the other order the one that is meant without any doubt?"""
        return is_channels_last(self.sizes if order == "first" else self.sizes[::-1])


def _shapes(text: str) -> Iterator[_Written]:
    """Line breaks part shapes; an arrow or a comma also wants one on either side."""
    start, is_missing, last, name = 0, True, len(text.rstrip()), ""
    marks = [match for match in _SEPARATOR.finditer(text) if match["mark"]]
    for match in (*marks, None):
        end = match.start() if match else len(text)
        part = text[start:end].strip()
        if _is_word(part):
            word, place = part.rstrip(":"), text.index(part, start)
            if not is_idle(word):
                name = _next_name(name, word, place, text)
            if _GLOBAL.match(word):
                yield _Written(None, (), word, place, text)
                name = ""
        elif part:
            written = _shape(text[start:end], start, text)
            yield replace(written, name=written.name or name)
            name = ""
        is_missing = is_missing and not part
        if is_missing and last and (match is None or match[0] != "\n"):
            raise NotationError(f"a shape is missing here; {_FORMS}.", text, min(end, last))
        if match:
            is_missing, start = is_missing or match[0] != "\n", match.end()
    if name and not is_named(FLAT, name):
        raise NotationError(f"{shown(name)} has no shape; {_OWN_SHAPE}.", text, last)


def _is_word(part: str) -> bool:
    """Is it the kind of a layer, or what changes no number, such as flatten or relu?"""
    return bool(_WORD.fullmatch(part)) and (is_idle(part) or is_named(None, part))


def _next_name(name: str, word: str, position: int, text: str) -> str:
    """Return the name of the shape that follows a word, where ``name`` stands before the word.

    What lays maps flat changes no number; of what does, each has a shape of its own.
    """
    if name and not is_named(FLAT, name):
        raise NotationError(f"{shown(name)} has no shape; {_OWN_SHAPE}.", text, position)
    return word


def _resolved(written: Sequence[_Written], order: str) -> Iterator[Stage]:
    """A global pooling that stands alone gives a number for each feature map before it.

    It names the shape that follows where that has as many numbers.
    """
    name, before = "", None
    for part, after in zip_longest(written, written[1:]):
        if part.sizes:
            before = replace(part, name=part.name or name).stage(order)
            name = ""
            yield before
            continue
        if before is None or len(before.shape) != 3:
            what = f"{shown(part.name)} stands where no feature maps are"
            raise NotationError(
                f"{what}; it follows a shape such as 32@8x8.", part.text, part.position
            )
        units = before.shape[:1]
        if after is not None and after.sizes and after.shape(order) in (units, (*units, 1, 1)):
            name = part.name
        else:
            before = Stage(units, part.name, part.position)
            yield before


def _table(rows: Sequence[Row], text: str) -> Iterator[_Written]:
    for row in rows:
        written = _shape(text[row.start : row.end], row.start, text)
        own = next((name for name in row.names if is_named(None, name)), *row.names[:1] or [""])
        yield replace(written, name=own, parameters=row.parameters)


def _shape(part: str, start: int, text: str) -> _Written:
    start += len(part) - len(part.lstrip())
    part = part.strip()
    if remark := _REMARK.search(part):
        written = _shape(part[: remark.start()], start, text)
        return replace(written, name=written.name or remark["name"])
    printed = _PRINTED.search(part) if len(part) <= _LONGEST_PART else None
    if printed is not None:
        return _printed(printed, start, text)
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


def _printed(match: re.Match[str], start: int, text: str) -> _Written:
    """A shape in brackets; of four numbers, the first is the batch."""
    position, name = start + match.start(), _name(match.string[: match.start()], start, text)
    batch, numbers = read_items(match["items"])
    sizes = tuple(_number(number, position, text) for number in numbers)
    if not 0 < len(sizes) <= 3:
        raise NotationError(f"{shown(match[0])} is no shape; {_FORMS}.", text, position)
    written = f"({match['items'].strip()})"
    return _Written(None, sizes, name, position, written, batch, True)


def _with_batches(written: Sequence[_Written]) -> list[_Written]:
    """Take the batch from vectors, too: the maps tell how large it is."""
    batches = {part.batch for part in written if part.batch}
    return [
        replace(part, sizes=part.sizes[1:])
        if part.is_printed and part.batch is None and is_vector(part.sizes, batches)
        else part
        for part in written
    ]


def _without_idle(stages: tuple[Stage, ...]) -> tuple[tuple[Stage, ...], list[str]]:
    """Leave out what changes no shape, such as an activation, and say so."""
    kept, names = list(stages[:1]), dict[str, None]()
    for stage in stages[1:]:
        if is_idle(stage.name) and elements(stage.shape) == elements(kept[-1].shape):
            names[stage.name.lower()] = None
        else:
            kept.append(stage)
    if not names:
        return stages, []
    be = "changes no shape and is" if len(names) == 1 else "change no shape and are"
    return tuple(kept), [f"{listed(list(names))} {be} left out."]


def _input_notes(stages: Sequence[Stage]) -> Iterator[str]:
    """A loop over layers prints what comes out of each, and not what goes in."""
    first = stages[0]
    if is_named(None, first.name):
        what = f"{first} of {first.name} is taken for what goes in"
        yield f"{what}; if it comes out of that layer, write the input before it."


def _number(digits: str, position: int, text: str) -> int:
    if digits.startswith("0") or len(digits) > len(str(MAX_SIZE)) or int(digits) > MAX_SIZE:
        why = " (write 4096, not 4,096)" if digits.startswith("0") and len(digits) == 3 else ""
        what = f"it must be a whole number from 1 to {MAX_SIZE:,}, without zeros before it{why}"
        raise NotationError(f"a size is {shown(digits)}; {what}.", text, position)
    return int(digits)


def _name(before: str, start: int, text: str) -> str:
    """The name in the words before a shape, up to a colon if there is one; a kernel is refused."""
    name, colon, rest = before.partition(":")
    name = _SAYS_SHAPE.sub("", name) if colon else name
    words = rest.split() if colon else before.split()
    if _SIZE.search(before) or not all(word[0].isalpha() for word in words):
        why = f"{shown(before.strip())} cannot stand before a shape: only a name can, such as 'C1:'"
        remedy = "a kernel that you know is given beside the figure, as 'conv0 k5'"
        raise NotationError(f"{why}; {remedy}.", text, start)
    return name.strip() if colon else " ".join(words)


def _order(written: Sequence[_Written], text: str) -> tuple[str, list[str]]:
    """Whether the figure writes channels first or last, and how that was found."""
    unclear = [part for part in written if part.is_unclear]
    if not unclear:
        return "first", []
    _check_mixture(unclear, text)
    ranked = []
    for order in _ORDERS:
        steps = pairwise(part.shape(order) for part in written)
        misfits = sum(_is_misfit(source, target) for source, target in steps)
        against = sum(part.contradicts(order) for part in unclear)
        ranked.append((misfits, against, sum(part.is_oblong(order) for part in unclear), order))
    (misfits, against, oblong, best), (other_misfits, other_against, other_oblong, other) = sorted(
        ranked
    )
    instead = shape_text(unclear[0].shape(other))
    why = f", and {_ORDERS[other]} would fit as well: write {instead} if it is meant"
    if not oblong:
        why = ": that way every map is square"
    elif misfits < other_misfits:
        why = ": that way the steps fit each other"
    elif (against, oblong) < (other_against, other_oblong):
        why = ": that way more maps are square"
    return best, [f"{unclear[0].text} is read as {_ORDERS[best]}{why}."]


def _check_mixture(unclear: Sequence[_Written], text: str) -> None:
    """Refuse 28x28x6 beside 6x14x14: all are square, but not in one order."""
    first, last = ([part for part in unclear if not part.is_oblong(order)] for order in _ORDERS)
    if first and last and len(first) + len(last) == len(unclear):
        a, b = first[0], last[0]
        meant = f"{shape_text(a.shape('first'))} and {shape_text(b.shape('last'))}"
        why = f"{a.text} has its channels first and {b.text} last"
        remedy = f"write one order throughout, or {meant}"
        raise NotationError(f"{why}; {remedy}.", text, max(a.position, b.position))


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
    for has_channels, sizes, what in (
        (False, 2, "names no channels: it is read as one"),
        (True, 1, "names one size: it is read as square"),
    ):
        for part in written:
            if (part.channels is not None, len(part.sizes)) == (has_channels, sizes):
                yield f"{part.text} {what}, {shape_text(part.shape())}."
                break


@dataclass(frozen=True)
class Given:
    """What is known of one layer.

    ``known`` are ``kind`` and ``average`` (of a pooling: does it take the mean?), and fields of a
    layer by their names; a padding may be "same".
    """

    text: str = ""  # as it was given
    target: str = ""  # what it calls the layer
    known: Mapping[str, Any] = field(default_factory=dict)

    def axes(self) -> tuple[AxisGiven, AxisGiven]:
        unknown = None, None
        kernel = self.known.get("kernel_size", unknown)
        stride = self.known.get("stride", unknown)
        padding = self.known.get("padding")
        is_same = padding == "same"
        sides = (padding[:2], padding[2:]) if padding and not is_same else unknown
        height, width = (AxisGiven(kernel[i], stride[i], sides[i], is_same) for i in (0, 1))
        return height, width

    @property
    def groups(self) -> int:
        """Into how many groups the channels are cut."""
        return int(self.known.get("groups", 1))

    @property
    def decides(self) -> bool:
        """Does it leave no room for the priors? Maximum or mean is nothing that they know."""
        is_kind = "kind" in self.known and "average" not in self.known
        return is_kind or not _WINDOW.isdisjoint(self.known)

    def allows(self, kind: str) -> bool:
        """May the layer be of this kind?"""
        if kind != CONV and not ONLY_CONV.isdisjoint(self.known):
            return False
        if "kind" in self.known:
            return bool(kind == self.known["kind"])
        return _LACKS[kind].isdisjoint(self.known)

    def joined(self, other: Given) -> Given:
        for name in self.known.keys() & other.known.keys():
            if self.known[name] != other.known[name]:
                both = f"{shown(self.text)} and {shown(other.text)} contradict each other"
                noun = _NOUNS.get(name, name)
                what = f"{both} on the {noun} of one layer; keep one."
                raise UsageError(what, parameter="given")
        text = f"{self.text}, {other.text}" if self.text else other.text
        return Given(text, self.target, {**self.known, **other.known})


def read_all_given(given: str | Iterable[str] | None) -> list[Given]:
    """Read one text, a list of them, or nothing."""
    with about("given"):
        return list(map(read_given, listed_texts(given)))


def read_given(text: object) -> Given:
    if not isinstance(text, str):
        raise UsageError(f"what is given is a text such as 'conv1 k5', not {shown(text)}.")
    first, *words = re.finditer(r"\S+|$", text)
    if not any(word[0] for word in words):
        what = f"a kind ({', '.join(_KINDS)}) or its options, as in 'conv1 k5'"
        why = f"{shown(text)} says nothing of a layer; name one, then say what is known: {what}."
        raise NotationError(why, text, len(text.rstrip()))
    known: dict[str, Any] = {}
    for word in filter(lambda word: word[0], words):
        for name, value in _read_word(word, known.get("kind") == POOL, text):
            if known.setdefault(name, value) != value:
                what = f"the {_NOUNS.get(name, name)} is given twice; keep one."
                raise NotationError(what, text, word.start())
    return Given(text.strip(), first[0].lower().rstrip(":"), known)


def _read_word(word: re.Match[str], is_pool: bool, text: str) -> Iterator[tuple[str, Any]]:
    lower = word[0].lower()
    if lower in _KINDS:
        yield "kind", _KINDS[lower]
        if lower in LAYERS and _KINDS[lower] == POOL:
            yield "average", lower == AvgPool2d.keyword
        return
    # The notation writes a pooling's window without a letter: maxpool 2.
    option = f"k{lower}" if is_pool and lower[0].isdigit() else word[0]
    field, value = read_option(Conv2d, option, text, word.start())
    try:
        # As many channels as groups: whether those of the figure can be cut is seen later.
        channels = max(1, value) if field.name == "groups" else 1
        layer = Conv2d(**{"channels": channels, "kernel_size": 1, field.name: value})
    except UsageError as error:
        raise NotationError(str(error), text, word.start()) from None
    yield field.name, value if value == "same" else getattr(layer, field.name)


@dataclass(frozen=True)
class Limit:
    """So many parameters in all, at most or exactly."""

    parameters: int
    is_exact: bool

    def holds(self, parameters: int) -> bool:
        return parameters == self.parameters or (not self.is_exact and parameters < self.parameters)

    def __str__(self) -> str:
        return f"{'exactly' if self.is_exact else 'at most'} {self.parameters:,}"


def read_limit(value: int | str) -> Limit:
    """Read ``60000`` or ``50k`` (at most), ``<=60000`` or ``=61706`` (exactly)."""
    text = value.strip() if isinstance(value, str) else shown(plain(value))
    mark = next((mark for mark in ("<=", "=") if text.startswith(mark)), "")
    parameters = read_amount(text.removeprefix(mark))
    if parameters is None:
        remedy = "give the most parameters, such as 60000 or 60k, or =61706 for exactly so many"
        raise UsageError(f"params is {shown(value)}; {remedy}.", parameter="params")
    return Limit(parameters, mark == "=")
