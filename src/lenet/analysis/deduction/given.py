"""What is known beforehand of single layers: ``conv1 k5``, ``pool0 avgpool``, ``C5 conv``.

First the layer's name, as the deduction or the figure calls it; then the notation's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from lenet.analysis.deduction.priors import CONV, DENSE, POOL
from lenet.analysis.deduction.solve import AxisGiven
from lenet.errors import NotationError, UsageError
from lenet.net.layers import ACTIVATIONS, MAX_SIZE
from lenet.net.shapes import Pair
from lenet.net.words import did_you_mean, shown

_WORDS: Final = (
    "after the name come a kind (conv, maxpool, avgpool, dense), k5 or k5x3, s2 or s2x1, p2, p2x1, "
    "p0.1.0.1 or same, batchnorm, and an activation"
)
_KINDS: Final = {"conv": CONV, "pool": POOL, "maxpool": POOL, "avgpool": POOL, "dense": DENSE}
#: The fields of ``Given`` that may be known or not.
_KNOWN: Final = (
    "kind",
    "average",
    "kernel",
    "stride",
    "padding",
    "same",
    "batch_norm",
    "activation",
)
_FIELDS: Final = {"k": "kernel", "s": "stride", "p": "padding"}
_NUMBERS: Final = re.compile(
    r"([ksp])(\d{1,8}(?:x\d{1,8})?|(?<=p)\d{1,8}(?:\.\d{1,8}){3})", re.ASCII
)


@dataclass(frozen=True)
class Given:
    """What is known of one layer; None is not known. Pairs are (height, width)."""

    text: str = ""
    target: str = ""
    kind: str | None = None
    average: bool | None = None
    kernel: Pair | None = None
    stride: Pair | None = None
    padding: tuple[Pair, Pair] | None = None  # (top, bottom), (left, right)
    same: bool | None = None
    batch_norm: bool | None = None
    activation: str | None = None

    def axes(self) -> tuple[AxisGiven, AxisGiven]:
        """What is known of the window's height and width."""
        height, width = (
            AxisGiven(
                self.kernel and self.kernel[i],
                self.stride and self.stride[i],
                self.padding and self.padding[i],
                bool(self.same),
            )
            for i in (0, 1)
        )
        return height, width

    @property
    def has_window(self) -> bool:
        """Is anything known of a kernel, stride or padding?"""
        return any(part is not None for part in (self.kernel, self.stride, self.padding, self.same))

    @property
    def decides(self) -> bool:
        """Does it leave no room for the priors? Maximum or mean is nothing that they know."""
        return self.has_window or (self.kind is not None and self.average is None)

    def allows(self, kind: str) -> bool:
        """May the layer be of this kind? A dense layer has no window, a pooling no activation, and
        only a convolution is normalised."""
        if self.batch_norm and kind != CONV:
            return False
        if self.kind is not None:
            return kind == self.kind
        return not (self.has_window if kind == DENSE else kind == POOL and self.activation)

    def joined(self, other: Given) -> Given:
        """Both together.

        Raises:
            UsageError: they say different things of the same.
        """
        values: dict[str, Any] = {}
        for name in _KNOWN:
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine is not None and theirs not in (None, mine):
                raise UsageError(
                    f"{shown(self.text)} and {shown(other.text)} contradict each other on the "
                    f"{_word(name)} of one layer; keep one."
                )
            values[name] = mine if theirs is None else theirs
        text = f"{self.text}, {other.text}" if self.text else other.text
        return replace(self, text=text, **values)


def _word(name: str) -> str:
    """What a field of ``Given`` is called: maximum or mean is the kind of a pooling."""
    return {"average": "kind", "batch_norm": "batch normalisation"}.get(name, name)


def read_given(text: str) -> Given:
    """Read one constraint.

    Raises:
        NotationError: it cannot be read; the error shows the place.
        UsageError: ``text`` is no string.
    """
    if not isinstance(text, str):
        raise UsageError(f"what is given is a text such as 'conv1 k5', not {shown(text)}.")
    words = [(match[0].lower(), match.start()) for match in re.finditer(r"\S+", text)]
    if len(words) < 2:
        raise NotationError(
            f"{shown(text)} says nothing of a layer; name one and say what is known, as in "
            f"'conv1 k5': {_WORDS}.",
            text,
            len(text.rstrip()),
        )
    (target, _), *rest = words
    values: dict[str, Any] = {}
    for word, position in rest:
        for name, value in _read_word(word, bool(values.get("kind") == POOL), text, position):
            if values.setdefault(name, value) != value:
                raise NotationError(f"the {_word(name)} is given twice; keep one.", text, position)
    return Given(text.strip(), target.rstrip(":"), **values)


def _read_word(word: str, is_pool: bool, text: str, position: int) -> Iterable[tuple[str, Any]]:
    if word in _KINDS:
        average = {"maxpool": False, "avgpool": True}.get(word)
        return ("kind", _KINDS[word]), ("average", average)
    if word in ACTIVATIONS:
        return (("activation", word),)
    if word == "same":
        return (("same", True),)
    if word == "batchnorm":
        return (("batch_norm", True),)
    # The notation writes a pooling's window without a letter: maxpool 2.
    match = _NUMBERS.fullmatch(f"k{word}" if is_pool and word[0].isdigit() else word)
    if match is None:
        near = did_you_mean(word, (*_KINDS, *ACTIVATIONS, "same", "batchnorm"))
        raise NotationError(f"{shown(word)} does not fit here{near}; {_WORDS}.", text, position)
    numbers = tuple(map(int, re.findall(r"\d+", match[2])))
    least = 0 if match[1] == "p" else 1
    if not all(least <= number <= MAX_SIZE for number in numbers):
        raise NotationError(f"{shown(word)} must be from {least} to {MAX_SIZE:,}.", text, position)
    first, last = numbers[0], numbers[-1]
    if match[1] != "p":
        return ((_FIELDS[match[1]], (first, last)),)
    sides = (numbers[:2], numbers[2:]) if len(numbers) == 4 else ((first,) * 2, (last,) * 2)
    return (("padding", sides),)
