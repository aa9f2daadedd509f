"""A model as one C file: C99, no allocation, no library, no dependency at all.

The file is written to be read: one function per layer, in the order of the network, with all sizes
as numbers in it. A convolution, its pooling and its activation are one function, so that only
pooled maps are stored. Two maps live at a time, one at each end of one array; around a map lies the
border of zeros that the next convolution pads with.

In a convolution the innermost loop runs over positions, and each of them has its own sum: a
compiler can use vectors without being allowed to reorder sums (-ffast-math). A row of the kernel is
one statement, so that a sum is read and written once for all of it. Positions of several rows run
on as one long row wherever the stride is 1, because a loop of a few turns is taken apart and not
made into vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.analysis import count_network
from lenet.engine.normalise import folded_plan, folded_table
from lenet.engine.plan import Floats, Step
from lenet.model import Model
from lenet.net.layers import ACTIVATIONS, LEAKY_SLOPE
from lenet.net.shapes import elements, shape_text

#: Loops of more turns than this are made into vectors, and not taken apart first (GCC's limit).
_LONG: Final = 17
_PER_LINE: Final = 8


@dataclass(frozen=True)
class Place:
    """A map in memory: inside a border of zeros, [channel][row][column] from ``at`` on."""

    shape: tuple[int, int, int]
    at: int = 0
    top: int = 0
    left: int = 0
    rows: int = 0
    pitch: int = 0

    @property
    def channel(self) -> int:
        """How many numbers lie between a channel and the next."""
        return self.rows * self.pitch

    @property
    def size(self) -> int:
        """How many numbers the map and its border take."""
        return self.channel * self.shape[0]

    @property
    def first(self) -> int:
        """Where the map itself begins, from the border's beginning."""
        return self.top * self.pitch + self.left


@dataclass(frozen=True)
class Stage:
    """What one function does: a step, and the pooling behind it if it is done in the same go."""

    step: Step
    pool: Step | None
    input: Place
    output: Place
    reads_bytes: bool = False  # the image itself

    @property
    def name(self) -> str:
        """The function's name."""
        return self.step.name


def make_stages(steps: Sequence[Step]) -> tuple[list[Stage], int]:
    """Return the functions of a network without normalisation, and how many numbers they share."""
    pairs = list(_paired(steps))
    first = pairs[0][0]
    places = [_place(first.input_shape, first)]
    for index, (step, pool) in enumerate(pairs):
        following = pairs[index + 1][0] if index + 1 < len(pairs) else None
        places.append(_place((pool or step).output_shape, following))
    # A pooling of the image itself has it in memory; all others read its bytes.
    sizes = [place.size for place in places]
    reads_bytes = first.kind in ("conv", "dense")
    if reads_bytes:
        sizes[0] = 0
    total = max(map(sum, pairwise(sizes)))
    at = [0 if i % 2 == 0 else total - size for i, size in enumerate(sizes)]
    placed = [_moved(place, start) for place, start in zip(places, at, strict=True)]
    stages = [
        Stage(step, pool, placed[i], placed[i + 1], i == 0 and reads_bytes)
        for i, (step, pool) in enumerate(pairs)
    ]
    return stages, total


def _paired(steps: Sequence[Step]) -> Iterator[tuple[Step, Step | None]]:
    """Yield each step, a convolution with the pooling behind it where no window is clipped."""
    index = 0
    while index < len(steps):
        step, following = steps[index], [*steps, None][index + 1]
        fused = step.kind == "conv" and following is not None and following.kind.endswith("pool")
        if fused and following is not None and not any(following.padding):
            yield step, following
            index += 2
        else:
            yield step, None
            index += 1


def _place(shape: tuple[int, int, int], reader: Step | None) -> Place:
    """Return a map inside the border that the convolution reading it needs."""
    _, height, width = shape
    if reader is None or reader.kind != "conv":
        return Place(shape, rows=height, pitch=width)
    top, bottom, left, right = reader.padding
    return Place(shape, 0, top, left, height + top + bottom, width + left + right)


def _moved(place: Place, at: int) -> Place:
    return Place(place.shape, at, place.top, place.left, place.rows, place.pitch)


@dataclass(frozen=True)
class Example:
    """An image and what the model answers: the file's self-test asks for it again."""

    image: npt.NDArray[np.uint8]  # (C, H, W)
    probabilities: Floats  # (classes,)


def c_source(model: Model, about: Sequence[str] = (), examples: Sequence[Example] = ()) -> str:
    """Write ``model`` as one C file.

    Args:
        model: with weights.
        about: lines for the comment on top, such as the accuracy on a named test set.
        examples: what the self-test asks.
    """
    plan = model.plan
    stages, total = make_stages(folded_plan(plan).steps)
    table = folded_table(plan, model.table)
    writer = _Writer(model, stages, total, table)
    return "\n".join([*writer.head(about), *writer.body(), *writer.self_test(examples), ""])


def c_header(model: Model) -> str:
    """Write what a program that calls the C file includes."""
    guard = ["#ifndef LENET_MODEL_H", "#define LENET_MODEL_H", "#include <stdint.h>", ""]
    return "\n".join([*guard, *_declarations(model), "#endif", ""])


def _declarations(model: Model) -> Iterator[str]:
    channels, height, width = model.network.input_shape
    yield f"#define LENET_CHANNELS {channels}"
    yield f"#define LENET_HEIGHT {height}"
    yield f"#define LENET_WIDTH {width}"
    yield f"#define LENET_CLASSES {len(model.classes)}"
    yield ""
    yield from _part("declarations")


class _Writer:
    """Writes the lines of a file."""

    def __init__(self, model: Model, stages: Sequence[Stage], total: int, table: Floats) -> None:
        self.model, self.stages, self.total, self.table = model, stages, total, table
        self.classes = len(model.classes)

    def head(self, about: Sequence[str]) -> Iterator[str]:
        """What the file is, for who opens it."""
        model = self.model
        weights = 4 * sum(t.size for s in self.stages for t in s.step.tensors)
        macs = count_network(model.network).multiply_adds
        stack = 4 * max(map(_local_floats, self.stages))
        yield "/* A network that looks at a picture and names its class. lenet wrote this file."
        yield " *"
        for line in _wrapped(str(model.network)):
            yield f" *     {line}"
        yield " *"
        yield f" *   {'layer':<8} {'reads':<12} {'writes':<12} {'weights':>9} {'multiply-adds':>14}"
        for place in model.network.placed:
            size = sum(tensor.size for tensor in place.tensors if tensor.trained)
            cost = place.layer.multiply_adds(place.input_shape)
            reads, writes = shape_text(place.input_shape), shape_text(place.output_shape)
            yield f" *   {place.name:<8} {reads:<12} {writes:<12} {size:>9,} {cost:>14,}"
        yield " *"
        yield f" *   constants  {weights:,} bytes, which may stay in flash"
        yield f" *   memory     {4 * self.total:,} bytes, static; the picture stays where it is"
        yield f" *   stack      {stack:,} bytes of local arrays at most"
        yield f" *   work       {macs:,} multiply-adds per picture"
        yield from (f" *   {line}" for line in about)
        yield " *"
        yield from _part("head")

    def body(self) -> Iterator[str]:
        last = self.stages[-1].output
        yield from _declarations(self.model)
        names = ", ".join(map(_c_string, self.model.classes))
        yield f"const char *const lenet_classes[LENET_CLASSES] = {{{names}}};"
        yield ""
        yield "/* A pixel enters the network as byte * scale + shift. */"
        scale, shift = self.model.preprocessing.scale_and_shift()
        yield from _array("pixel_scale", scale)
        yield from _array("pixel_shift", shift)
        yield ""
        yield "/* Two maps at a time: one begins at the beginning, one ends at the end. */"
        yield f"static float memory[{self.total}];"
        yield ""
        yield from _part("exp")
        used = dict.fromkeys(stage.step.activation for stage in self.stages)
        for activation in used:
            yield from _part(activation, LEAKY_SLOPE=f"{LEAKY_SLOPE}f")
        if not self.stages[0].reads_bytes:
            yield from _load(self.stages[0].input)
        for stage in self.stages:
            yield from self.function(stage)
        calls = [] if self.stages[0].reads_bytes else ["load(image, memory);"]
        for stage in self.stages:
            source = "image" if stage.reads_bytes else f"memory + {stage.input.at}"
            calls.append(f"{stage.name}({source}, memory + {stage.output.at});")
        yield from _part("predict", SCORES=last.at, CALLS="\n    ".join(calls))

    def function(self, stage: Stage) -> Iterator[str]:
        """The constants and the code of one stage."""
        step = stage.step
        reads, writes = (shape_text(place.shape) for place in (stage.input, stage.output))
        words = [f"{step.name}: {reads} to {writes}", *_words(step)]
        if stage.pool is not None:
            words += [f"then {stage.pool.name}", *_words(stage.pool)]
        yield f"/* {', '.join(words)}. */"
        if step.weight is not None and step.bias is not None:
            weight = step.weight.view(self.table)
            weight = weight.T if step.kind == "dense" else weight.reshape(len(weight), -1)
            yield from _array(f"{step.name}_weight", weight)
            yield from _array(f"{step.name}_bias", step.bias.view(self.table))
        kind = "uint8_t *image" if stage.reads_bytes else "float *in"
        yield f"static void {step.name}(const {kind}, float *out)"
        yield "{"
        if stage.output.size > elements(stage.output.shape):
            yield "    /* The border of zeros that the next layer pads with. */"
            yield f"    for (int n = 0; n < {stage.output.size}; n++) out[n] = 0.0f;"
        yield from {"conv": _convolution, "dense": _dense}.get(step.kind, _pooling)(stage)
        yield "}"
        yield ""

    def self_test(self, examples: Sequence[Example]) -> Iterator[str]:
        if not examples:
            return
        yield ""
        yield "#ifdef LENET_SELF_TEST"
        yield "/* Real pictures, and what the network answered before it left. */"
        yield "#include <stdio.h>"
        yield ""
        pixels = np.stack([example.image.reshape(-1) for example in examples])
        answers = np.stack([example.probabilities for example in examples])
        yield f"#define EXAMPLES {len(examples)}"
        yield from _array("example_images", pixels, "uint8_t")
        yield from _array("example_answers", answers)
        yield from _part("self-test")
        yield "#endif"


def _words(step: Step) -> list[str]:
    """What a layer does, for the comment above it."""
    if step.kind == "dense":
        return [step.activation]
    height, width = step.kernel_size
    words = [f"{step.kind} {height}x{width}"]
    if step.stride != (1, 1):
        words.append(f"stride {step.stride[0]}x{step.stride[1]}")
    if any(step.padding):
        words.append("padding " + ".".join(map(str, step.padding)))
    if step.groups > 1:
        words.append(f"{step.groups} groups")
    if step.kind == "conv":
        words.append(step.activation)
    return words


@dataclass(frozen=True)
class _Strip:
    """The rows of a convolution's own map that are made in one go."""

    count: int  # strips, from the map's top to its bottom
    rows: int  # of a strip
    step: int  # rows from a strip to the next
    pitch: int  # numbers from row to row among the sums
    size: int  # numbers from the first to the last


def _strip(stage: Stage) -> _Strip:
    step, pool = stage.step, stage.pool
    _, height, width = step.output_shape
    runs_on = step.stride == (1, 1)
    pitch = stage.input.pitch if runs_on else width
    if pool is not None:
        rows, steps, count = pool.kernel_size[0], pool.stride[0], pool.output_shape[1]
    else:  # the fewest rows that make a long loop, of those that cut the map evenly
        sizes = [r for r in range(1, height + 1) if height % r == 0]
        rows = next((r for r in sizes if (r - 1) * pitch + width >= _LONG), height)
        if not runs_on:
            rows = 1
        steps, count = rows, height // rows
    return _Strip(count, rows, steps, pitch, (rows - 1) * pitch + width)


def _seen_rows(stage: Stage) -> int:
    """How many rows of the input a strip sees."""
    return (_strip(stage).rows - 1) * stage.step.stride[0] + stage.step.kernel_size[0]


def _local_floats(stage: Stage) -> int:
    """How many numbers a function has in local arrays."""
    if stage.step.kind == "dense":
        return stage.output.size + 8 * stage.reads_bytes
    if stage.step.kind != "conv":
        return 0
    seen = stage.input.shape[0] * _seen_rows(stage) * stage.input.pitch
    return _strip(stage).size + seen * stage.reads_bytes


def _convolution(stage: Stage) -> Iterator[str]:
    step, place, strip = stage.step, stage.input, _strip(stage)
    channels, height, width = place.shape
    outputs, (kernel_height, kernel_width) = step.output_shape[0], step.kernel_size
    seen = _seen_rows(stage)
    inputs, group = channels // step.groups, outputs // step.groups
    down, along = step.stride
    channel = seen * place.pitch if stage.reads_bytes else place.channel
    yield f"    for (int p = 0; p < {strip.count}; p++) {{"
    if stage.reads_bytes:
        yield "        /* The rows of the picture that are seen. */"
        yield f"        float in[{channels * seen * place.pitch}];"
        yield f"        for (int c = 0; c < {channels}; c++)"
        yield f"            for (int r = 0; r < {seen}; r++) {{"
        yield f"                const int y = p * {strip.step * down} + r - {place.top};"
        yield f"                float *row = in + (c * {seen} + r) * {place.pitch};"
        yield f"                for (int x = 0; x < {place.pitch}; x++) row[x] = 0.0f;"
        yield f"                if (y < 0 || y >= {height}) continue;"
        yield f"                for (int x = 0; x < {width}; x++)"
        byte = f"(float)image[(c * {height} + y) * {width} + x]"
        to = f"row[{place.left} + x]" if place.left else "row[x]"
        yield f"                    {to} = {byte} * pixel_scale[c] + pixel_shift[c];"
        yield "            }"
    yield f"        for (int o = 0; o < {outputs}; o++) {{"
    yield f"            const float *weight = {step.name}_weight[o];"
    yield f"            float sums[{strip.size}];"
    yield f"            for (int n = 0; n < {strip.size}; n++) sums[n] = {step.name}_bias[o];"
    start = [] if stage.reads_bytes else [f"p * {strip.step * down * place.pitch}"]
    if step.groups > 1:
        start.append(f"o / {group} * {inputs * channel}")
    yield f"            for (int c = 0; c < {inputs}; c++)"
    yield f"                for (int i = 0; i < {kernel_height}; i++, weight += {kernel_width}) {{"
    where = " + ".join(["in", *start, f"c * {channel}", f"i * {place.pitch}"])
    yield f"                    const float *x = {where};"
    row, indent = strip.size, " " * 20
    if step.stride != (1, 1):
        row = strip.pitch
        yield f"{indent}for (int r = 0; r < {strip.rows}; r++, x += {down * place.pitch})"
        indent += "    "
    yield f"{indent}for (int n = 0; n < {row}; n++)"
    to = "sums[n]" if step.stride == (1, 1) else f"sums[r * {row} + n]"
    at = "n" if along == 1 else f"n * {along}"
    taps = [
        f"weight[{j}] * x[{at} + {j}]" if j else f"weight[0] * x[{at}]" for j in range(kernel_width)
    ]
    yield from _statement(f"{to} = {to}", taps, indent + "    ")
    yield "                }"
    yield from _finish(stage, strip)
    yield "        }"
    yield "    }"


def _statement(start: str, terms: Sequence[str], indent: str) -> Iterator[str]:
    """Write a sum over as many lines as it takes; it is added up from the left."""
    line = indent + start
    for term in terms:
        if len(line) + len(term) > 96:
            yield line
            line = indent + "   "
        line += f" + {term}"
    yield line + ";"


def _finish(stage: Stage, strip: _Strip) -> Iterator[str]:
    """From the sums of a strip to the map: activation and pooling, in the cheaper order."""
    step, pool, to = stage.step, stage.pool, stage.output
    apply = _called(step.activation)
    out = f"out + {to.first} + o * {to.channel}" if to.first else f"out + o * {to.channel}"
    width = to.shape[2]
    if pool is None:
        yield f"            for (int r = 0; r < {strip.rows}; r++) {{"
        yield f"                float *row = {out} + (p * {strip.rows} + r) * {to.pitch};"
        value = apply(f"sums[r * {strip.pitch} + x]")
        yield f"                for (int x = 0; x < {width}; x++) row[x] = {value};"
        yield "            }"
        return
    (height, breadth), along = pool.kernel_size, pool.stride[1]
    is_max = pool.kind == "maxpool"
    pools_first = is_max and ACTIVATIONS[step.activation].monotone
    if not pools_first and step.activation != "identity":
        yield f"            for (int n = 0; n < {strip.size}; n++) sums[n] = {apply('sums[n]')};"
    yield f"            float *row = {out} + p * {to.pitch};"
    yield f"            for (int q = 0; q < {width}; q++) {{"
    yield f"                const float *window = sums + q * {along};"
    yield f"                float found = {'window[0]' if is_max else '0.0f'};"
    yield f"                for (int i = 0; i < {height}; i++)"
    yield f"                    for (int j = 0; j < {breadth}; j++)"
    value = f"window[i * {strip.pitch} + j]"
    if is_max:
        yield f"                        if ({value} > found) found = {value};"
        yield f"                row[q] = {apply('found') if pools_first else 'found'};"
    else:
        yield f"                        found += {value};"
        yield f"                row[q] = found / {height * breadth}.0f;"
    yield "            }"


def _load(place: Place) -> Iterator[str]:
    """The picture as the network sees it, for a first layer that pools."""
    yield "static void load(const uint8_t *image, float *out)"
    yield "{"
    yield "    for (int c = 0; c < LENET_CHANNELS; c++)"
    yield f"        for (int n = 0; n < {place.channel}; n++)"
    at = f"c * {place.channel} + n"
    yield f"            out[{at}] = (float)image[{at}] * pixel_scale[c] + pixel_shift[c];"
    yield "}"
    yield ""


def _pooling(stage: Stage) -> Iterator[str]:
    step, place, to = stage.step, stage.input, stage.output
    channels, height, width = place.shape
    (kernel_height, kernel_width), (down, along) = step.kernel_size, step.stride
    top, _, left, _ = step.padding
    is_max = step.kind == "maxpool"
    yield f"    for (int c = 0; c < {channels}; c++)"
    yield f"        for (int p = 0; p < {to.shape[1]}; p++)"
    yield f"            for (int q = 0; q < {to.shape[2]}; q++) {{"
    yield f"                float found = {'-3.402823466e+38f' if is_max else '0.0f'};"
    yield f"                for (int i = 0; i < {kernel_height}; i++)"
    yield f"                    for (int j = 0; j < {kernel_width}; j++) {{"
    yield f"                        const int y = p * {down} + i - {top};"
    yield f"                        const int x = q * {along} + j - {left};"
    yield f"                        if (y < 0 || y >= {height} || x < 0 || x >= {width}) continue;"
    value = f"in[c * {place.channel} + (y + {place.top}) * {place.pitch} + x + {place.left}]"
    if is_max:
        yield f"                        if ({value} > found)"
        yield f"                            found = {value};"
    else:
        yield f"                        found += {value};"
    yield "                    }"
    result = "found" if is_max else f"found / {kernel_height * kernel_width}.0f"
    yield f"                out[{to.first} + c * {to.channel} + p * {to.pitch} + q] = {result};"
    yield "            }"


def _dense(stage: Stage) -> Iterator[str]:
    step = stage.step
    inputs, units = step.input_shape[0], step.output_shape[0]
    yield f"    float sums[{units}];"
    yield f"    for (int o = 0; o < {units}; o++) sums[o] = {step.name}_bias[o];"
    taken = next(n for n in (8, 7, 6, 5, 4, 3, 2, 1) if inputs % n == 0)  # in one go
    yield f"    for (int i = 0; i < {inputs}; i += {taken}) {{"
    if stage.reads_bytes:
        yield f"        float in[{taken}];"
        yield f"        for (int n = 0; n < {taken}; n++) {{"
        yield "            const int c = (i + n) / (LENET_HEIGHT * LENET_WIDTH);"
        yield "            in[n] = (float)image[i + n] * pixel_scale[c] + pixel_shift[c];"
        yield "        }"
    yield f"        for (int o = 0; o < {units}; o++)"
    source = "in[{}]" if stage.reads_bytes else "in[i + {}]"
    products = [f"{step.name}_weight[i + {n}][o] * {source.format(n)}" for n in range(taken)]
    yield from _statement("sums[o] = sums[o]", products, " " * 12)
    yield "    }"
    value = _called(step.activation)("sums[o]")
    yield f"    for (int o = 0; o < {units}; o++) out[o] = {value};"


def _called(activation: str) -> Any:
    """Return what writes the activation of an expression."""
    if activation == "identity":
        return lambda value: value
    name = activation.replace("-", "_")
    return lambda value: f"{name}_of({value})"


def _array(name: str, values: npt.NDArray[Any], kind: str = "float") -> Iterator[str]:
    """Write a constant array of one or two axes."""
    sizes = "".join(f"[{size}]" for size in values.shape)
    yield f"static const {kind} {name}{sizes} = {{"
    for row in values if values.ndim > 1 else [values]:
        texts = (
            [_number(value) for value in row.tolist()] if kind == "float" else list(map(str, row))
        )
        lines = [", ".join(texts[i : i + _PER_LINE]) for i in range(0, len(texts), _PER_LINE)]
        text = ",\n    ".join(lines)
        yield f"    {{{text}}}," if values.ndim > 1 else f"    {text}"
    yield "};"


def _number(value: float) -> str:
    text = repr(float(np.float32(value))) if value == int(value) else f"{value:.9g}"
    return f"{text}f" if any(mark in text for mark in ".e") else f"{text}.0f"


def _c_string(text: str) -> str:
    """Write text as C reads it in every encoding: octal escapes never run on into what follows."""
    plain = set(range(32, 127)) - {ord('"'), ord("\\"), ord("?")}
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text.encode()) + '"'


def _wrapped(text: str) -> list[str]:
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


def _part(name: str, **values: object) -> Iterator[str]:
    """Yield a part's lines with some words of it replaced."""
    for line in _parts()[name]:
        for word, value in values.items():
            line = line.replace(word, str(value))
        yield line
