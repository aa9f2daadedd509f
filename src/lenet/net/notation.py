"""A network as one line of text, both ways.

    1x28x28 | conv 6 k5 sigmoid, maxpool 2 | dense 120 sigmoid, dense 10

The first part is the input, channels x height x width; ``|`` parts blocks and ``,`` layers:

    conv CHANNELS kK [sS] [pP | same] [batchnorm] [ACTIVATION]
    maxpool K [sS] [pP]
    avgpool K [sS] [pP]
    dense UNITS [ACTIVATION]

K, S and P are one number or height x width (``5x3``); padding may also name its four sides,
``p0.1.0.1`` (top.bottom.left.right). Options stand in any order, none twice. Spaces, line breaks
and upper case do not matter. ``format_network`` writes the one shortest form, in lower case with
defaults left out, and ``parse_network(format_network(network)) == network``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from lenet.errors import NotationError, UsageError
from lenet.net.layers import (
    ACTIVATIONS,
    KEYWORDS,
    MAX_SIZE,
    AvgPool2d,
    Conv2d,
    Dense,
    Layer,
    MaxPool2d,
    Pair,
    Sides,
    Trained,
    Windowed,
)
from lenet.net.network import Block, Network
from lenet.net.shapes import pair_text
from lenet.net.words import did_you_mean, shown

#: Longer than the longest network of MAX_LAYERS layers that ``format_network`` can write.
MAX_TEXT: Final = 2_000_000
EXAMPLE: Final = "1x28x28 | conv 6 k5 relu, maxpool 2 | dense 10"

#: The word for a convolution whose maps are normalised over the batch.
BATCH_NORM: Final = "batchnorm"

_WORD = re.compile(r"[|,]|[^\s|,]+")


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


def format_network(network: Network) -> str:
    """The notation of ``network``, as short as it can be written."""
    parts = ["x".join(map(str, network.input_shape))]
    parts.extend(", ".join(map(format_layer, block)) for block in network.blocks)
    return " | ".join(parts)


def format_layer(layer: Layer) -> str:
    """The notation of one layer, e.g. ``conv 6 k5 p2 sigmoid``."""
    words = [KEYWORDS[type(layer)]]
    match layer:
        case Dense():
            words.append(str(layer.units))
        case Conv2d():
            words += [str(layer.channels), f"k{size_text(layer.kernel_size)}"]
            words += _window_words(layer, default_stride=(1, 1))
            words += [BATCH_NORM] * layer.batch_norm
        case MaxPool2d() | AvgPool2d():
            words.append(size_text(layer.kernel_size))
            words += _window_words(layer, default_stride=layer.kernel_size)
    if isinstance(layer, Trained) and layer.activation != "identity":
        words.append(layer.activation)
    return " ".join(words)


def padding_text(padding: Sides) -> str:
    """One side's padding: ``2``, ``2x1`` (height x width), or ``0.1.0.1`` where sides differ."""
    top, bottom, left, right = padding
    if top == bottom and left == right:
        return size_text((top, left))
    return ".".join(map(str, padding))


def size_text(pair: Pair) -> str:
    """``5`` for a square, else ``5x3`` (height x width)."""
    return str(pair[0]) if pair[0] == pair[1] else pair_text(pair)


def _window_words(layer: Windowed, default_stride: Pair) -> Iterator[str]:
    if layer.stride != default_stride:
        yield f"s{size_text(layer.stride)}"
    if any(layer.padding):
        yield f"p{padding_text(layer.padding)}"


class _Grammar(NamedTuple):
    """What may follow a layer's keyword."""

    build: Callable[..., Layer]
    number: str  # what the number after the keyword is
    example: str
    options: tuple[str, ...]  # the names of the constructor's parameters
    takes: str  # the same in words, for errors

    @property
    def number_is_size(self) -> bool:
        return "kernel_size" not in self.options and "stride" in self.options


_ACTIVATION_WORDS = f"an activation: {', '.join(ACTIVATIONS)}"
_POOL_OPTIONS = ("stride", "padding")
_POOL_WORDS = "takes s2 or s2x1, and p1, p1x2 or p0.1.0.1"
_GRAMMAR: Final = {
    "conv": _Grammar(
        Conv2d,
        "its number of channels",
        "conv 6 k5",
        ("kernel_size", "stride", "padding", "batch_norm", "activation"),
        f"a convolution takes k5 or k5x3, s2 or s2x1, p2, p1x2, p0.1.0.1 or same, {BATCH_NORM}, "
        f"and {_ACTIVATION_WORDS}",
    ),
    "maxpool": _Grammar(
        MaxPool2d, "its window", "maxpool 2", _POOL_OPTIONS, f"a max pooling {_POOL_WORDS}"
    ),
    "avgpool": _Grammar(
        AvgPool2d, "its window", "avgpool 2", _POOL_OPTIONS, f"an average pooling {_POOL_WORDS}"
    ),
    "dense": _Grammar(
        Dense,
        "its number of units",
        "dense 10",
        ("activation",),
        f"a dense layer takes {_ACTIVATION_WORDS}",
    ),
}
#: The options that start with a letter: their parameter, and how they are written.
_LETTERS: Final = {
    "k": ("kernel_size", "k5 or k5x3 (height x width)"),
    "s": ("stride", "s2 or s2x1 (height x width)"),
    "p": ("padding", "p2, p1x2 (height x width) or p0.1.0.1 (top.bottom.left.right)"),
}


class _Word(NamedTuple):
    text: str
    position: int

    @property
    def lower(self) -> str:
        # Only ASCII: lower() turns the Kelvin sign into a k and would let look-alikes in.
        return self.text.lower() if self.text.isascii() else self.text


class _Part(NamedTuple):
    """The words between two marks (``|``, ``,``, the start or the end of the text)."""

    words: tuple[_Word, ...]
    opener: str
    closer: str
    end: int  # the position of the closer


class _Reader:
    """Reads one text; every error knows its place in it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def network(self) -> Network:
        first, *rest = self.parts()
        input_shape = self.input_shape(first)
        if not rest:
            raise self.error(
                "the network has no layers; write | and at least one, such as | dense 10.",
                first.end,
            )
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
                yield _Part(tuple(words), opener, match[0], match.start())
                words, opener = [], match[0]
            else:
                words.append(_Word(match[0], match.start()))
        yield _Part(tuple(words), opener, "", len(self.text.rstrip()))

    def input_shape(self, part: _Part) -> tuple[int, ...]:
        rule = "the first part is channels x height x width, such as 1x28x28"
        if not part.words:
            given = "the input is missing" if part.closer else "the network is empty"
            raise self.error(f"{given}; {rule}, as in {EXAMPLE!r}.", part.end)
        first, *others = part.words
        sizes = self.numbers(first, first.lower, "x")
        if sizes is None or len(sizes) != 3:
            raise self.error(f"{shown(first.text)} is no input; {rule}.", first.position)
        if others or part.closer == ",":
            place = others[0].position if others else part.end
            raise self.error("a | must follow the input, before the first layer.", place)
        return sizes

    def layer(self, part: _Part) -> Layer:
        if not part.words:
            raise self.error(self.missing(part), part.end)
        keyword, *words = part.words
        grammar = _GRAMMAR.get(keyword.lower)
        if grammar is None:
            raise self.error(
                f"{shown(keyword.text)} is no layer{did_you_mean(keyword.text, _GRAMMAR)}; "
                f"write one of {', '.join(_GRAMMAR)}.",
                keyword.position,
            )
        number = self.layer_number(grammar, keyword, words)
        options = self.options(grammar, words[1:])
        if grammar.build is Conv2d and "kernel_size" not in options:
            raise self.error(
                "a convolution needs its kernel; write k5 or k5x3 (height x width) behind its "
                "channels.",
                keyword.position,
            )
        try:
            return grammar.build(number, **options)
        except UsageError as error:
            raise self.error(str(error), keyword.position) from None

    @staticmethod
    def missing(part: _Part) -> str:
        if part.opener == ",":
            return "a layer is missing after the comma; write one or drop the comma."
        if part.closer == ",":
            return "a layer is missing before the comma; write one or drop the comma."
        return "a block has no layers; write at least one behind the | or drop the |."

    def layer_number(
        self, grammar: _Grammar, keyword: _Word, words: list[_Word]
    ) -> int | tuple[int, ...]:
        """The number (channels, units) or the window that follows the keyword."""
        name = keyword.lower
        if not words:
            raise self.error(
                f"{name} needs {grammar.number}; write it behind the word, as in "
                f"{grammar.example!r}.",
                keyword.position,
            )
        numbers = self.numbers(words[0], words[0].lower, "x")
        if numbers is None or len(numbers) > (2 if grammar.number_is_size else 1):
            one = "one number or height x width" if grammar.number_is_size else "one whole number"
            raise self.error(
                f"{name} needs {grammar.number} first, {one}, not {shown(words[0].text)}; write it "
                f"as in {grammar.example!r}.",
                words[0].position,
            )
        return numbers if len(numbers) == 2 else numbers[0]

    def options(self, grammar: _Grammar, words: list[_Word]) -> dict[str, Any]:
        options: dict[str, Any] = {}
        for word in words:
            name, value = self.option(grammar, word)
            if name in options:
                raise self.error(f"the {_spoken(name)} is given twice; keep one.", word.position)
            options[name] = value
        return options

    def option(self, grammar: _Grammar, word: _Word) -> tuple[str, object]:
        """One option: the constructor's parameter and its value."""
        text = word.lower
        if text in ACTIVATIONS and "activation" in grammar.options:
            return "activation", text
        if text == "same" and grammar.build is Conv2d:
            return "padding", text
        if text == BATCH_NORM and "batch_norm" in grammar.options:
            return "batch_norm", True
        name, written = _LETTERS.get(text[0], ("", ""))
        if name not in grammar.options or not "0" <= text[1:2] <= "9":
            near = did_you_mean(word.text, _known_words(grammar))
            raise self.error(
                f"{shown(word.text)} does not fit here{near}; {grammar.takes}.", word.position
            )
        sides = name == "padding" and "." in text
        sizes = self.numbers(word, text[1:], "." if sides else "x")
        if sizes is None or len(sizes) not in ((4,) if sides else (1, 2)):
            raise self.error(
                f"{shown(word.text)} is no {_spoken(name)}; write {written}.",
                word.position,
            )
        return name, sizes if len(sizes) > 1 else sizes[0]

    def numbers(self, word: _Word, text: str, separator: str) -> tuple[int, ...] | None:
        """The whole numbers in ``text``, or None if it is anything else.

        ``int`` alone will not do: it reads '1_0', ' 1', '-1' and the digits of every script.
        """
        parts = text.split(separator)
        if not all(part.isascii() and part.isdigit() for part in parts):
            return None
        if max(map(len, parts)) > len(str(MAX_SIZE)):
            raise self.error(
                f"{shown(word.text)} has a number of too many digits; at most {MAX_SIZE:,} is "
                "allowed.",
                word.position,
            )
        return tuple(map(int, parts))


def _known_words(grammar: _Grammar) -> tuple[str, ...]:
    only = ("same", BATCH_NORM) if grammar.build is Conv2d else ()
    return only + ACTIVATIONS if "activation" in grammar.options else ()


def _spoken(parameter: str) -> str:
    return parameter.removesuffix("_size").replace("_norm", " normalisation")
