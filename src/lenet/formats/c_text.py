"""The text that C files share: constants, the comment on top, and parts that no network changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.analysis import count_network
from lenet.engine.plan import Floats
from lenet.model import Model
from lenet.net.shapes import shape_text

_PER_LINE: Final = {"float": 8}
#: What the names of a C file begin with.
PREFIX: Final = "lenet"
#: Such a name, in small letters or in capitals; a string is found whole, and left as it is.
_NAMED: Final = re.compile(r'"[^"\n]*"|\b(lenet|LENET)(?=_)')


@dataclass(frozen=True)
class Example:
    """An image and what the model answers: the file's self-test asks for it again."""

    image: npt.NDArray[np.uint8]  # (C, H, W)
    probabilities: Floats  # (classes,)
    found: int | None = None  # the class, where it is not the likeliest of these

    @property
    def named(self) -> int:
        """The class that is named."""
        return int(self.probabilities.argmax()) if self.found is None else self.found


def with_prefix(source: str, prefix: str) -> str:
    """Return C source whose names begin with another prefix."""

    def named(match: re.Match[str]) -> str:
        own = match[1]
        return match[0] if own is None else prefix if own.islower() else prefix.upper()

    return _NAMED.sub(named, source)


def sizes(model: Model) -> Iterator[str]:
    """Write the sizes of a picture, and how many classes there are."""
    channels, height, width = model.network.input_shape
    yield f"#define LENET_CHANNELS {channels}"
    yield f"#define LENET_HEIGHT {height}"
    yield f"#define LENET_WIDTH {width}"
    yield f"#define LENET_CLASSES {len(model.classes)}"
    yield ""


def header(model: Model, declarations: str) -> str:
    """Write what a program that calls a C file includes; ``declarations`` is a part."""
    guard = ["#ifndef LENET_MODEL_H", "#define LENET_MODEL_H", "#include <stdint.h>", ""]
    return "\n".join([*guard, *sizes(model), *part(declarations), "#endif", ""])


def constants(model: Model) -> Iterator[str]:
    """Write what the declarations promise of classes and sizes."""
    sizes = "LENET_CHANNELS, LENET_HEIGHT, LENET_WIDTH, LENET_CLASSES"
    yield f"const int lenet_shape[4] = {{{sizes}}};"
    names = ", ".join(map(c_string, model.classes))
    yield f"const char *const lenet_classes[LENET_CLASSES] = {{{names}}};"
    yield ""


def head(model: Model, flash: int, memory: int, stack: int, about: Sequence[str]) -> Iterator[str]:
    """Open the comment on top: the network's table, and what it needs, in bytes."""
    yield "/* A network that looks at a picture and names its class. lenet wrote this file."
    yield " *"
    for line in wrapped(str(model.network)):
        yield f" *     {line}"
    yield " *"
    yield f" *   {'layer':<8} {'reads':<12} {'writes':<12} {'weights':>9} {'multiply-adds':>14}"
    for place in model.network.placed:
        size = sum(tensor.size for tensor in place.tensors if tensor.trained)
        cost = place.layer.multiply_adds(place.input_shape)
        reads, writes = shape_text(place.input_shape), shape_text(place.output_shape)
        yield f" *   {place.name:<8} {reads:<12} {writes:<12} {size:>9,} {cost:>14,}"
    yield " *"
    yield f" *   constants  {flash:,} bytes, which may stay in flash"
    yield f" *   memory     {memory:,} bytes, static; the picture stays where it is"
    yield f" *   stack      {stack:,} bytes of local arrays at most"
    macs = count_network(model.network).multiply_adds
    yield f" *   work       {macs:,} multiply-adds per picture"
    for start, line in enumerate(wrapped(model.preprocessing.for_programs)):
        yield f" *   {' ' * 11 if start else 'input      '}{line}"
    yield from (f" *   {line}" for line in about)
    yield " *"


def self_test(examples: Sequence[Example]) -> Iterator[str]:
    """Write a program that asks the examples again; without any, it says how to get them."""
    yield ""
    yield "#ifdef LENET_SELF_TEST"
    if not examples:
        yield '#error "export this file with --check: it has no pictures to test itself with"'
        yield "#endif"
        return
    yield "/* Real pictures, and what the network answered before it left. */"
    yield "#include <stdio.h>"
    yield ""
    pixels = np.stack([example.image.reshape(-1) for example in examples])
    yield f"#define EXAMPLES {len(examples)}"
    yield from array("example_images", pixels, "uint8_t")
    yield from array("example_classes", np.array([e.named for e in examples]), "int")
    yield from array("example_answers", np.stack([e.probabilities for e in examples]))
    yield from part("self-test")
    yield "#endif"


def statement(start: str, terms: Sequence[str], indent: str) -> Iterator[str]:
    """Write a sum over as many lines as it takes; it is added up from the left."""
    line = indent + start
    for term in terms:
        if len(line) + len(term) > 96:
            yield line
            line = indent + "   "
        line += f" + {term}"
    yield line + ";"


def array(name: str, values: npt.NDArray[Any], kind: str = "float") -> Iterator[str]:
    """Write a constant array of one or two axes."""
    sizes = "".join(f"[{size}]" for size in values.shape)
    yield f"static const {kind} {name}{sizes} = {{"
    most = _PER_LINE.get(kind, 16)
    for row in values if values.ndim > 1 else [values]:
        texts = (
            [number(value) for value in row.tolist()] if kind == "float" else list(map(str, row))
        )
        lines = [", ".join(texts[i : i + most]) for i in range(0, len(texts), most)]
        text = ",\n    ".join(lines)
        yield f"    {{{text}}}," if values.ndim > 1 else f"    {text}"
    yield "};"


def number(value: float) -> str:
    text = repr(float(np.float32(value))) if value == int(value) else f"{value:.9g}"
    return f"{text}f" if any(mark in text for mark in ".e") else f"{text}.0f"


def c_string(text: str) -> str:
    """Write text as C reads it in every encoding: octal escapes never run on into what follows."""
    plain = set(range(32, 127)) - {ord('"'), ord("\\"), ord("?")}
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text.encode()) + '"'


def wrapped(text: str) -> list[str]:
    lines, line = [], ""
    for part in text.split(" "):
        if line and len(line) + len(part) > 84:
            lines.append(line)
            line = ""
        line = f"{line} {part}".lstrip()
    return [*lines, line]


@cache
def _parts() -> dict[str, list[str]]:
    """Return the text that no network changes, by the names that stand in the file."""
    parts: dict[str, list[str]] = {}
    lines: list[str] = []
    text = Path(__file__).with_name("parts.c").read_text(encoding="ascii")
    for line in text.splitlines():
        if line.startswith("//: "):
            lines = parts.setdefault(line.removeprefix("//: "), [])
        else:
            lines.append(line)
    return parts


def part(name: str, **values: object) -> Iterator[str]:
    """Yield a part's lines with some words of it replaced."""
    for line in _parts()[name]:
        for word, value in values.items():
            line = line.replace(word, str(value))
        yield line
