"""What a verb's parameters may be annotated with, and how a value is read from its text."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter
from pathlib import Path
from types import UnionType
from typing import Any, Final, NamedTuple, get_args, get_origin

from lenet.net.words import shown


class Kind(NamedTuple):
    """A kind of value: how its text is read, and what help and errors call it."""

    read: Callable[[str], Any]
    metavar: str
    wanted: str


def whole_number(text: str) -> int:
    """``20`` and nothing else; ``int`` alone would read 1_0 and " 1" too.

    Raises:
        ValueError: anything else.
    """
    if not text.removeprefix("-").isdecimal() or len(text) > 40:
        raise ValueError
    return int(text)


#: By annotation. A ``bool`` is read from its presence alone.
KINDS: Final = {
    str: Kind(str, "TEXT", "a text"),
    int: Kind(whole_number, "INT", "a whole number"),
    float: Kind(float, "NUMBER", "a number"),
    Path: Kind(Path, "PATH", "a path"),
    bool: Kind(bool, "", "left alone"),
}
#: Options that are typed often have a short name too.
_SHORT: Final = {"output": ("-o",)}


class Option(NamedTuple):
    """A keyword-only parameter, of type T, T | None, or list[T] | None: that one is repeated."""

    keyword: str
    names: tuple[str, ...]
    kind: Kind
    default: Any
    repeats: bool

    @classmethod
    def of(cls, parameter: Parameter) -> Option:
        """The option that a parameter, with its annotation evaluated, stands for."""
        long = f"--{parameter.name.replace('_', '-')}"
        value = value_type(parameter.annotation)
        repeats = get_origin(value) is list
        return cls(
            parameter.name,
            (*_SHORT.get(parameter.name, ()), long),
            KINDS[get_args(value)[0] if repeats else value],
            parameter.default,
            repeats,
        )

    @property
    def is_flag(self) -> bool:
        """Does it stand alone, without a value?"""
        return self.kind.read is bool

    def read(self, texts: list[str]) -> Any:
        """The value of what was given, one text for each time that it was.

        Raises:
            ValueError: saying in half a sentence what is wrong.
        """
        name = self.names[-1]
        if self.is_flag:
            return True
        if len(texts) > 1 and not self.repeats:
            raise ValueError(f"{name} is given more than once; give it once")
        values = [read_value(name, text, self.kind) for text in texts]
        return values if self.repeats else values[0]


def value_type(annotation: Any) -> Any:
    """``T`` of ``T`` or ``T | None``."""
    return get_args(annotation)[0] if isinstance(annotation, UnionType) else annotation


def read_value(name: str, text: str, kind: Kind) -> Any:
    """What ``text``, given for ``name``, means.

    Raises:
        ValueError: saying in half a sentence what it must be.
    """
    try:
        return kind.read(text)
    except ValueError:
        raise ValueError(f"{name} is {shown(text)}; it must be {kind.wanted}") from None
