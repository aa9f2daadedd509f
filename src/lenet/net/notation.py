"""Reading a network from one line of text; ``str(network)`` writes it.

    1x28x28 | conv 6 k5 sigmoid, maxpool 2 | dense 120 sigmoid, dense 10

The first part is the input, channels x height x width, also written ``1@28x28``, or ``28x28`` for
one channel. ``|`` parts blocks and ``,`` layers:

    conv CHANNELS kK [sS] [pP | same] [gGROUPS | table:NAME] [batchnorm] [ACTIVATION]
    maxpool K [sS] [pP]
    avgpool K [sS] [pP]
    subsample K [sS] [pP] [ACTIVATION]
    dense UNITS [ACTIVATION]
    rbf UNITS

K, S and P are one number or height x width (``5x3``); padding may also name its four sides,
``p0.1.0.1`` (top.bottom.left.right). Options stand in any order, none twice; spaces, line breaks
and upper case do not matter. The layers' fields say what may follow a keyword.
``parse_network(str(network)) == network``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from lenet.errors import NotationError, UsageError
from lenet.net.layers import ACTIVATIONS, LAYERS, MAX_SIZE, Conv2d, Field, Layer, elsewhere
from lenet.net.network import Block, Network
from lenet.net.shapes import read_shape, read_sizes
from lenet.net.tables import TABLES
from lenet.net.words import did_you_mean, shown, with_article

#: Longer than the longest network of MAX_LAYERS layers that can be written.
MAX_TEXT: Final = 2_000_000
EXAMPLE: Final = "1x28x28 | conv 6 k5 relu, maxpool 2 | dense 10"

#: No number has more.
_DIGITS: Final = len(str(MAX_SIZE))
_WORD: Final = re.compile(r"[|,]|[^\s|,]+")
#: The padding that keeps a map's size, of a convolution only.
_SAME: Final = "same"


def parse_network(text: str) -> Network:
    """Read a network from its notation.

    Raises:
        NotationError: the text is no network; the error shows the place and what is allowed there.
        UsageError: ``text`` is no string, or longer than any network.
    """
    if not isinstance(text, str):
        raise UsageError(f"a notation is a text such as {EXAMPLE!r}, not {shown(text)}.")
    if len(text) > MAX_TEXT:
        raise UsageError(
            f"the notation has {len(text):,} characters; at most {MAX_TEXT:,} are allowed."
        )
    return _Reader(text).network()


def read_option(layer: type[Layer], word: str, text: str, position: int) -> tuple[Field, Any]:
    """Read a layer's option, such as ``k5`` at ``position`` of ``text``: its field and value."""
    return _Reader(text).option(layer, _Word(word, position))


def _form(field: Field) -> str:
    """Show by examples how a field's value is written."""
    letter = field.written
    match field.kind:
        case "count":
            return f"{letter}2"
        case "pair":
            sizes = ("5", "5x3") if field.default is None else ("2", "2x1")
            return f"{letter}{sizes[0]} or {letter}{sizes[1]}"
        case "sides":
            return f"{letter}2, {letter}1x2 or {letter}0.1.0.1"
        case "table":
            return f"{letter}{next(iter(TABLES))}"
        case "activation":
            return f"an activation: {', '.join(ACTIVATIONS)}"
    return letter


@dataclass(frozen=True)
class _Word:
    text: str
    position: int

    @property
    def lower(self) -> str:
        # Only ASCII: lower() turns the Kelvin sign into a k and would let look-alikes in.
        return self.text.lower() if self.text.isascii() else self.text


@dataclass(frozen=True)
class _Part:
    """The words between two marks (``|``, ``,``, the start or the end of the text)."""

    words: list[_Word]
    opener: str
    closer: str
    end: int  # the position of the closer


class _Reader:
    """Read one text; every error knows its place in it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def network(self) -> Network:
        first, *rest = self.parts()
        input_shape = self.input_shape(first)
        if not rest:
            what = "the network has no layers; write | and at least one, such as | dense 10."
            raise self.error(what, first.end)
        blocks: list[list[Layer]] = []
        for part in rest:
            if part.opener == "|":
                blocks.append([])
            blocks[-1].append(self.layer(part))
        try:
            return Network(input_shape, map(Block, blocks))
        except UsageError as error:
            raise self.error(str(error), first.words[0].position) from None

    def error(self, message: str, position: int) -> NotationError:
        return NotationError(message, self.text, position)

    def parts(self) -> Iterator[_Part]:
        words: list[_Word] = []
        opener = ""
        for match in _WORD.finditer(self.text):
            if match[0] in ("|", ","):
                yield _Part(words, opener, match[0], match.start())
                words, opener = [], match[0]
            else:
                words.append(_Word(match[0], match.start()))
        yield _Part(words, opener, "", len(self.text.rstrip()))

    def input_shape(self, part: _Part) -> tuple[int, ...]:
        rule = "the first part is channels x height x width, such as 1x28x28 or 1@28x28"
        if not part.words:
            given = "the input is missing" if part.closer else "the network is empty"
            raise self.error(f"{given}; {rule}, as in {EXAMPLE!r}.", part.end)
        first, *others = part.words
        shape = read_shape(first.text, _DIGITS)
        if shape is None:
            self.numbers(first, first.lower.replace("@", "x"))  # says if a number is too long
            raise self.error(f"{shown(first.text)} is no input; {rule}.", first.position)
        if others or part.closer == ",":
            place = others[0].position if others else part.end
            raise self.error("a | must follow the input, before the first layer.", place)
        return shape

    def layer(self, part: _Part) -> Layer:
        if not part.words:
            raise self.error(self.missing(part), part.end)
        keyword, *words = part.words
        layer = LAYERS.get(keyword.lower)
        if layer is None:
            near = did_you_mean(keyword.text, LAYERS)
            what = f"{shown(keyword.text)} is no layer{near}; write one of {', '.join(LAYERS)}."
            raise self.error(elsewhere(keyword.text, is_layer=True) or what, keyword.position)
        first, *fields = layer.fields
        values: dict[str, Any] = {first.name: self.first_value(layer, keyword, words)}
        for word in words[1:]:
            field, value = self.option(layer, word)
            if field.name in values:
                raise self.error(f"the {field.noun} is given twice; keep one.", word.position)
            values[field.name] = value
        for field in fields:
            if field.default is None and field.name not in values:
                needs = f"{with_article(layer.noun)} needs its {field.noun}"
                how = f"write {_form(field)} behind its {first.noun}."
                raise self.error(f"{needs}; {how}", keyword.position)
        try:
            return layer(**values)
        except UsageError as error:
            raise self.error(str(error), keyword.position) from None

    @staticmethod
    def missing(part: _Part) -> str:
        if "," in (part.opener, part.closer):
            side = "after" if part.opener == "," else "before"
            return f"a layer is missing {side} the comma; write one or drop the comma."
        return "a block has no layers; write at least one behind the | or drop the |."

    def first_value(
        self, layer: type[Layer], keyword: _Word, words: list[_Word]
    ) -> int | tuple[int, ...]:
        """Read the number (channels, units) or the window that follows the keyword."""
        field = layer.fields[0]
        count = field.kind == "count"
        needs = f"{keyword.lower} needs its {'number of ' * count}{field.noun}"
        how = f"as in {layer.example!r}."
        if not words:
            raise self.error(f"{needs}; write it behind the word, {how}", keyword.position)
        numbers = self.numbers(words[0], words[0].lower)
        if numbers is None or len(numbers) > (1 if count else 2):
            form = "one whole number" if count else "one number or height x width"
            not_this = f"not {shown(words[0].text)}; write it {how}"
            raise self.error(f"{needs} first, {form}, {not_this}", words[0].position)
        return numbers if len(numbers) > 1 else numbers[0]

    def option(self, layer: type[Layer], word: _Word) -> tuple[Field, object]:
        """Return the option's field and value."""
        text = word.lower
        for field in layer.fields[1:]:
            match field.kind:
                case "activation" if text in ACTIVATIONS:
                    return field, text
                case "switch" if text == field.written:
                    return field, True
                case "sides" if text == _SAME and layer is Conv2d:
                    return field, text
                case "table" if text.startswith(field.written):
                    return field, text.removeprefix(field.written)
                case "count" | "pair" | "sides" if (
                    text[:1] == field.written and "0" <= text[1:2] <= "9"
                ):
                    return field, self.sizes(field, word)
        if why := elsewhere(text):
            raise self.error(why, word.position)
        same = [_SAME] if layer is Conv2d else []
        switches = [field.written for field in layer.fields if field.kind == "switch"]
        activations = list(ACTIVATIONS) if layer.fields[-1].kind == "activation" else []
        near = did_you_mean(word.text, [*same, *switches, *activations])
        what = f"{shown(word.text)} does not fit here{near}; {with_article(layer.noun)} takes "
        forms = "; ".join([*same, *map(_form, layer.fields[1:])])
        raise self.error(f"{what}{forms}.", word.position)

    def sizes(self, field: Field, word: _Word) -> int | tuple[int, ...]:
        """Read what stands behind the letter of an option."""
        text = word.lower[1:]
        four = field.kind == "sides" and "." in text
        sizes = self.numbers(word, text.replace(".", "x") if four and "x" not in text else text)
        allowed = (4,) if four else (1,) if field.kind == "count" else (1, 2)
        if sizes is None or len(sizes) not in allowed:
            raise self.error(
                f"{shown(word.text)} is no {field.noun}; write {_form(field)}.", word.position
            )
        return sizes if len(sizes) > 1 else sizes[0]

    def numbers(self, word: _Word, text: str) -> tuple[int, ...] | None:
        """Read the whole numbers in ``text``, a part of ``word``; None if it is anything else."""
        numbers = read_sizes(text, _DIGITS)
        if numbers is None and all(p.isascii() and p.isdigit() for p in text.split("x")):
            what = f"{shown(word.text)} has a number of too many digits"
            raise self.error(f"{what}; at most {MAX_SIZE:,} is allowed.", word.position)
        return numbers
