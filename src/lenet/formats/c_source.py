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
from typing import Any, Final

from lenet.engine.normalise import folded_plan, folded_table
from lenet.engine.plan import Floats
from lenet.formats.c_stages import Place, Stage, describe, make_stages
from lenet.formats.c_text import (
    Example,
    array,
    constants,
    head,
    header,
    part,
    self_test,
    sizes,
    statement,
)
from lenet.model import Model
from lenet.net.layers import ACTIVATIONS, LEAKY_SLOPE
from lenet.net.shapes import elements

#: Loops of more turns than this are made into vectors, and not taken apart first (GCC's limit).
_LONG: Final = 17


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
    return "\n".join([*writer.head(about), *writer.body(), *self_test(examples), ""])


def c_header(model: Model) -> str:
    """Write what a program that calls the C file includes."""
    return header(model, "declarations")


class _Writer:
    """Writes the lines of a file."""

    def __init__(self, model: Model, stages: Sequence[Stage], total: int, table: Floats) -> None:
        self.model, self.stages, self.total, self.table = model, stages, total, table
        self.classes = len(model.classes)

    def head(self, about: Sequence[str]) -> Iterator[str]:
        """What the file is, for who opens it."""
        weights = 4 * sum(t.size for s in self.stages for t in s.step.tensors)
        stack = 4 * max(map(_local_floats, self.stages))
        yield from head(self.model, weights, 4 * self.total, stack, about)
        yield from part("head")

    def body(self) -> Iterator[str]:
        last = self.stages[-1].output
        yield from sizes(self.model)
        yield from part("declarations")
        yield from constants(self.model)
        yield "/* A pixel enters the network as byte * scale + shift. */"
        scale, shift = self.model.preprocessing.scale_and_shift()
        yield from array("pixel_scale", scale)
        yield from array("pixel_shift", shift)
        yield ""
        yield "/* Two maps at a time: one begins at the beginning, one ends at the end. */"
        yield f"static float memory[{self.total}];"
        yield ""
        yield from part("exp")
        used = dict.fromkeys(stage.step.activation for stage in self.stages)
        for activation in used:
            yield from part(activation, LEAKY_SLOPE=f"{LEAKY_SLOPE}f")
        if not self.stages[0].reads_bytes:
            yield from _load(self.stages[0].input)
        for stage in self.stages:
            yield from self.function(stage)
        calls = [] if self.stages[0].reads_bytes else ["load(image, memory);"]
        for stage in self.stages:
            source = "image" if stage.reads_bytes else f"memory + {stage.input.at}"
            calls.append(f"{stage.name}({source}, memory + {stage.output.at});")
        yield from part("predict", SCORES=last.at, CALLS="\n    ".join(calls))

    def function(self, stage: Stage) -> Iterator[str]:
        """The constants and the code of one stage."""
        step = stage.step
        yield f"/* {describe(stage)}. */"
        if step.weight is not None and step.bias is not None:
            weight = step.weight.view(self.table)
            weight = weight.T if step.kind == "dense" else weight.reshape(len(weight), -1)
            yield from array(f"{step.name}_weight", weight)
            yield from array(f"{step.name}_bias", step.bias.view(self.table))
        kind = "uint8_t *image" if stage.reads_bytes else "float *in"
        yield f"static void {step.name}(const {kind}, float *out)"
        yield "{"
        if stage.output.size > elements(stage.output.shape):
            yield "    /* The border of zeros that the next layer pads with. */"
            yield f"    for (int n = 0; n < {stage.output.size}; n++) out[n] = 0.0f;"
        yield from {"conv": _convolution, "dense": _dense}.get(step.kind, _pooling)(stage)
        yield "}"
        yield ""


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
    yield from statement(f"{to} = {to}", taps, indent + "    ")
    yield "                }"
    yield from _finish(stage, strip)
    yield "        }"
    yield "    }"


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
    yield from statement("sums[o] = sums[o]", products, " " * 12)
    yield "    }"
    value = _called(step.activation)("sums[o]")
    yield f"    for (int o = 0; o < {units}; o++) out[o] = {value};"


def _called(activation: str) -> Any:
    """Return what writes the activation of an expression."""
    if activation == "identity":
        return lambda value: value
    name = activation.replace("-", "_")
    return lambda value: f"{name}_of({value})"
