"""A network in whole numbers as one C file: every layer is a matrix times a vector.

One function is one layer with the pooling behind it, as in the float file; the arithmetic is that
of :mod:`lenet.engine.integers`. A dense layer's vector is what it reads, a convolution's is what
its kernel sees at one position, copied into a row. So one loop, `multiply`, does nearly all
the work, and it is the only one that is written a second time, with the instructions of a
Cortex-M4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from lenet.engine.integers import (
    LOW,
    TABLE_BITS,
    IntegerNetwork,
    IntegerStep,
    Ints,
    is_direct,
    needs_table,
)
from lenet.engine.normalise import folded_plan
from lenet.engine.plan import make_plan
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
)
from lenet.model import Model
from lenet.net import Network
from lenet.net.layers import ACTIVATIONS
from lenet.net.shapes import elements

#: Up to as many bytes in a row are copied without a loop: at -O2 compilers leave it one.
_FEW: Final = 7


def int8_source(model: Model, about: Sequence[str] = (), examples: Sequence[Example] = ()) -> str:
    """Write an int8 model as one C file.

    Args:
        model: what :func:`lenet.formats.int8.quantise` returns.
        about: lines for the comment on top, such as the accuracy on a named test set.
        examples: what the self-test asks.
    """
    assert model.integers is not None
    writer = _Writer(model, model.integers)
    return "\n".join([*writer.head(about), *writer.body(), *self_test(examples), ""])


def int8_header(model: Model) -> str:
    """Write what a program that calls the C file includes."""
    return header(model, "int8 declarations")


def int8_memory(network: Network) -> tuple[int, int]:
    """Return the bytes of constants and of memory that the C file of a network will need.

    Neither weights nor images are needed for it, so that both are the most that there may be:
    multipliers may take two bytes less, and so may what a softmax looks up. Code is not counted.
    """
    steps = folded_plan(make_plan(network)).steps
    stages, total = make_stages(steps)
    weights = [step.weight for step in steps if step.weight]
    tables = {step.activation for step in steps if needs_table(step)}
    powers = IntegerNetwork((), TABLE_BITS, None).powers
    flash = sum(weight.size + 6 * weight.shape[0] for weight in weights)
    flash += 256 * len(tables) + 2 * len(powers) + (0 if is_direct(steps[-1]) else 4 * 256)
    stack = max(map(_local_bytes, stages)) + 4 * elements(network.output_shape)
    return flash, total + stack


def _local_bytes(stage: Stage) -> int:
    """Return how many bytes of local arrays a stage's function has."""
    step, outputs = stage.step, stage.output.shape[0]
    if step.kind == "dense":
        return 4 * outputs + stage.reads_bytes * step.input_shape[0]
    if step.kind != "conv":
        return 0
    return 4 * outputs * (1 + _comes_together(stage)) + _seen(stage)


def _comes_together(stage: Stage) -> bool:
    """Are the values of a pooling's window put together one by one?

    Else the largest sum is all that counts: neither rounding nor an activation that rises changes
    the order.
    """
    pool, step = stage.pool, stage.step
    return pool is not None and not (
        pool.kind == "maxpool" and ACTIVATIONS[step.activation].monotone
    )


class _Writer:
    """Writes the lines of a file."""

    def __init__(self, model: Model, network: IntegerNetwork) -> None:
        self.model, self.network = model, network
        self.stages, self.total = make_stages([step.step for step in network.steps])
        self.found = {step.step.name: step for step in network.steps}
        # Layers share what is the same, and it is called by the first of them.
        self.tables: dict[tuple[int, ...], IntegerStep] = {}
        for step in network.steps:
            if step.table is not None:
                self.tables.setdefault(tuple(step.table.tolist()), step)

    def head(self, about: Sequence[str]) -> Iterator[str]:
        """What the file is, for who opens it."""
        steps = self.network.steps
        weights = sum(s.weight.size for s in steps if s.weight is not None)
        trained = [s for s in steps if s.weight is not None and s.multiplier is not None]
        words = sum(
            len(s.multiplier) * (4 if _kind(s.multiplier) == "uint16_t" else 6)
            for s in trained
            if s.multiplier is not None
        )
        tables = sum(map(len, self.tables)) + 2 * len(self.network.powers)
        scores = 0 if self.network.table is None else self.network.table.size
        stack = max(map(_local_bytes, self.stages)) + 4 * len(self.model.classes)
        flash = weights + words + tables + 4 * scores
        yield from head(self.model, flash, self.total, stack, about)
        yield from part("int8 head")

    def body(self) -> Iterator[str]:
        code = list(self.code())
        yield from sizes(self.model)
        yield from part("int8 declarations")
        yield from constants(self.model)
        if any("memory" in line for line in code):
            yield "/* Two maps at a time: one begins at the beginning, one ends at the end. */"
            yield f"static int8_t memory[{self.total}];"
            yield ""
        yield from part("int8 scaled")
        for helper in ("byte_of", "positive"):
            if any(f"{helper}(" in line for line in code):
                yield from part(f"int8 {helper}")
        yield from part("int8 multiply")
        if any("pixel_pad[" in line for line in code):
            yield "/* The byte of a picture's channel that stands for 0. */"
            yield from array("pixel_pad", self.network.steps[0].pad, "int8_t")
            yield ""
        for table, step in self.tables.items():
            yield f"/* What stands for the {step.step.activation} of -128, -127, ... */"
            yield from array(self.table_of(step), np.array(table), "int8_t")
            yield ""
        yield from code

    def table_of(self, step: IntegerStep) -> str:
        """Return what the table of a step's activation is called."""
        assert step.table is not None
        return f"{self.tables[tuple(step.table.tolist())].step.name}_table"

    def code(self) -> Iterator[str]:
        """The layers, and what a program calls."""
        first, last = self.stages[0], self.stages[-1].output
        calls = []
        if not first.reads_bytes:
            yield from _load(first.input)
            calls.append(f"load(image, memory + {first.input.at});")
        for stage in self.stages:
            yield from self.function(stage)
            source = "image" if stage.reads_bytes else f"memory + {stage.input.at}"
            to = "scores" if self.is_last(stage) else f"memory + {stage.output.at}"
            calls.append(f"{stage.name}({source}, {to});")
        if self.network.table is not None:
            yield "/* The scores that the last bytes stand for. */"
            yield from array("score_of", self.network.table, "int32_t")
            yield ""
            calls.append("for (int k = 0; k < LENET_CLASSES; k++)")
            calls.append(f"    scores[k] = score_of[memory[{last.at} + k] + 128];")
        yield from self.predict("\n    ".join(calls))

    def predict(self, calls: str) -> Iterator[str]:
        """What a program calls."""
        bits, powers = self.network.bits, self.network.powers
        lost = max(bits - TABLE_BITS, 0)
        yield from part(
            "int8 predict",
            CALLS=calls,
            STEPS=f"{2.0 ** min(bits, TABLE_BITS):g}",
            POWERS="\n".join([*array("power", powers, "uint16_t"), ""]),
            INDEX=f"(below + {1 << (lost - 1)}u) >> {lost}" if lost else "below",
            ENTRIES=f"{len(powers)}u",
        )

    def is_last(self, stage: Stage) -> bool:
        """Does it write scores?"""
        return self.found[stage.step.name].is_last

    def function(self, stage: Stage) -> Iterator[str]:
        """The constants and the code of one stage."""
        step, found = stage.step, self.found[stage.step.name]
        yield f"/* {describe(stage)}. */"
        if found.weight is not None and found.multiplier is not None:
            weight = found.weight.reshape(len(found.weight), -1)
            yield from array(f"{step.name}_weight", weight, "int8_t")
            bias = found.folded_bias // found.bias_unit
            yield from array(f"{step.name}_bias", bias, "int16_t")
            kind = _kind(found.multiplier)
            yield from array(f"{step.name}_multiplier", found.multiplier, kind)
        source = "uint8_t *image" if stage.reads_bytes else "int8_t *in"
        kind = "int32_t" if found.is_last else "int8_t"
        yield f"static void {step.name}(const {source}, {kind} *out)"
        yield "{"
        if stage.output.size > elements(stage.output.shape):
            yield from self.border(stage)
        write = {"conv": self.convolution, "dense": self.dense}.get(step.kind, self.pooling)
        yield from write(stage)
        yield "}"
        yield ""

    def border(self, stage: Stage) -> Iterator[str]:
        """Fill a map with the byte that stands for 0 to its reader."""
        place = stage.output
        following = self.stages[self.stages.index(stage) + 1]
        pad = self.found[following.step.name].pad
        yield "    /* The border, of bytes that stand for 0, that the next layer pads with. */"
        value = _pad(pad, f"n / {place.channel}")
        yield f"    for (int n = 0; n < {place.size}; n++) out[n] = {value};"

    def convolution(self, stage: Stage) -> Iterator[str]:
        step, pool, to = stage.step, stage.pool, stage.output
        outputs = step.output_shape[0]
        value = self.written(self.found[step.name], "sums[o]")
        yield f"    for (int p = 0; p < {to.shape[1]}; p++)"
        yield f"        for (int q = 0; q < {to.shape[2]}; q++) {{"
        yield f"            int8_t seen[{_seen(stage)}];"
        yield f"            int32_t sums[{outputs}];"
        if pool is None:
            yield from self.gather(stage, "p", "q", " " * 12)
            yield from self.multiplied(stage, "0", " " * 12)
        else:
            together = self.together(stage)
            if together is not None:
                yield f"            int32_t found[{outputs}];"
                yield f"            for (int o = 0; o < {outputs}; o++) found[o] = {together[0]};"
            (height, width), (down, along) = pool.kernel_size, pool.stride
            yield f"            for (int i = 0; i < {height}; i++)"
            yield f"                for (int j = 0; j < {width}; j++) {{"
            row, column = f"({_times('p', down)} + i)", f"({_times('q', along)} + j)"
            yield from self.gather(stage, row, column, " " * 20)
            yield from self.multiplied(stage, "0" if together else "i + j > 0", " " * 20)
            if together is not None:
                yield from (" " * 20 + line for line in together[1])
                value = together[2]
            yield "                }"
        yield f"            for (int o = 0; o < {outputs}; o++)"
        first = f"{to.first} + " if to.first else ""
        yield f"                out[{first}o * {to.channel} + p * {to.pitch} + q] = {value};"
        yield "        }"

    def together(self, stage: Stage) -> tuple[str, list[str], str] | None:
        """Say how the values of a pooling window come together in `found`.

        What it begins with, what each value does, and what is written. None where the largest sum
        is all that counts.
        """
        step, pool = stage.step, stage.pool
        assert pool is not None
        if not _comes_together(stage):
            return None
        value = self.written(self.found[step.name], "sums[o]")
        loop = f"for (int o = 0; o < {step.output_shape[0]}; o++)"
        if pool.kind == "avgpool":
            mean = self.found[pool.name]
            added = f"    found[o] += {value} - ({mean.pad[0]});"
            return "0", [loop, added], _mean(mean, "found[o]")
        lines = [
            f"{loop} {{",
            f"    const int8_t value = {value};",
            "    if (value > found[o]) found[o] = value;",
            "}",
        ]
        return str(LOW), lines, "(int8_t)found[o]"

    def multiplied(self, stage: Stage, largest: str, indent: str) -> Iterator[str]:
        """From what the kernel sees to sums."""
        step = stage.step
        each = _seen(stage) // step.groups
        outputs, name = step.output_shape[0] // step.groups, step.name
        unit = self.found[name].bias_unit
        if step.groups == 1:
            yield f"{indent}multiply({name}_weight[0], {name}_bias, {unit}, seen,"
            yield f"{indent}         {each}, {outputs}, {largest}, sums);"
            return
        yield f"{indent}for (int g = 0; g < {step.groups}; g++)"
        first, seen = _times("g", outputs), f"seen + {_times('g', each)}"
        yield f"{indent}    multiply({name}_weight[{first}], {name}_bias + {first}, {unit}, {seen},"
        yield f"{indent}             {each}, {outputs}, {largest}, sums + {first});"

    def gather(self, stage: Stage, row: str, column: str, indent: str) -> Iterator[str]:
        """Lay out in a row what the kernel sees at a position of the convolution's own map."""
        step, place = stage.step, stage.input
        channels, height, width = place.shape
        rows, columns = step.kernel_size
        top, left = (step.padding[0], step.padding[2]) if stage.reads_bytes else (0, 0)
        y, x = _times(row, step.stride[0]), _times(column, step.stride[1])
        yield f"{indent}for (int c = 0; c < {channels}; c++)"
        yield f"{indent}    for (int r = 0; r < {rows}; r++) {{"
        yield f"{indent}        int8_t *to = seen + (c * {rows} + r) * {columns};"
        if not stage.reads_bytes:
            at = f"in + c * {place.channel} + ({y} + r) * {place.pitch} + {x}"
            yield f"{indent}        const int8_t *from = {at};"
            yield from _written_out("to[{n}] = from[{n}];", columns, indent + " " * 8)
        elif not any(step.padding):
            at = f"image + (c * {height} + {y} + r) * {width} + {x}"
            yield f"{indent}        const uint8_t *from = {at};"
            yield from _written_out(
                "to[{n}] = (int8_t)(from[{n}] - 128);", columns, indent + " " * 8
            )
        else:
            pad = _pad(self.found[step.name].pad, "c")
            yield f"{indent}        const int y = {y} + r - {top};"
            yield f"{indent}        for (int s = 0; s < {columns}; s++) {{"
            yield f"{indent}            const int x = {x} + s - {left};"
            outside = f"y < 0 || y >= {height} || x < 0 || x >= {width}"
            yield f"{indent}            if ({outside}) to[s] = {pad};"
            byte = f"image[(c * {height} + y) * {width} + x]"
            yield f"{indent}            else to[s] = (int8_t)({byte} - 128);"
            yield f"{indent}        }}"
        yield f"{indent}    }}"

    def dense(self, stage: Stage) -> Iterator[str]:
        step = stage.step
        inputs, units, name = step.input_shape[0], step.output_shape[0], step.name
        yield f"    int32_t sums[{units}];"
        if stage.reads_bytes:
            yield f"    int8_t in[{inputs}];"
            yield f"    for (int n = 0; n < {inputs}; n++) in[n] = (int8_t)(image[n] - 128);"
        unit = self.found[name].bias_unit
        yield f"    multiply({name}_weight[0], {name}_bias, {unit}, in,"
        yield f"             {inputs}, {units}, 0, sums);"
        value = self.written(self.found[name], "sums[o]")
        yield f"    for (int o = 0; o < {units}; o++) out[o] = {value};"

    def written(self, found: IntegerStep, value: str) -> str:
        """From a sum to what is written."""
        text = f"scaled({value}, {found.step.name}_multiplier[o], {found.shift})"
        if found.is_last:
            return f"positive({text})" if found.step.activation == "relu" else text
        byte = f"byte_of({_plus(text, found.zero)})"
        return byte if found.table is None else f"{self.table_of(found)}[{byte} + 128]"

    def pooling(self, stage: Stage) -> Iterator[str]:
        step, place, to = stage.step, stage.input, stage.output
        found = self.found[step.name]
        channels, height, width = place.shape
        (kernel_height, kernel_width), (down, along) = step.kernel_size, step.stride
        top, _, left, _ = step.padding
        is_max, pad = step.kind == "maxpool", _pad(found.pad, "c")
        start = str(LOW) if is_max else "0"
        if found.bias is not None and found.bias.any():  # an image's mean is an image
            start = f"{kernel_height * kernel_width} * {pad}"
        yield f"    for (int c = 0; c < {channels}; c++)"
        yield f"        for (int p = 0; p < {to.shape[1]}; p++)"
        yield f"            for (int q = 0; q < {to.shape[2]}; q++) {{"
        yield f"                int32_t found = {start};"
        yield f"                for (int i = 0; i < {kernel_height}; i++)"
        yield f"                    for (int j = 0; j < {kernel_width}; j++) {{"
        yield f"                        const int y = p * {down} + i - {top};"
        yield f"                        const int x = q * {along} + j - {left};"
        yield f"                        if (y < 0 || y >= {height} || x < 0 || x >= {width})"
        yield "                            continue;"
        at = f"in[c * {place.channel} + y * {place.pitch} + x]"
        yield f"                        const int32_t value = {at};"
        if is_max:
            yield "                        if (value > found) found = value;"
        else:
            yield f"                        found += value - ({pad});"
        yield "                    }"
        value = "(int8_t)found" if is_max else _mean(found, "found")
        yield f"                out[{to.first} + c * {to.channel} + p * {to.pitch} + q] = {value};"
        yield "            }"


def _seen(stage: Stage) -> int:
    """How many numbers a convolution sees at one position."""
    return stage.input.shape[0] * elements(stage.step.kernel_size)


def _mean(found: IntegerStep, value: str) -> str:
    """From the sum over a window to what is written."""
    assert found.multiplier is not None
    text = f"scaled({value}, {found.multiplier[0]}, {found.shift})"
    return f"byte_of({_plus(text, found.zero)})"


def _load(place: Place) -> Iterator[str]:
    """The picture in memory, for a first layer that pools."""
    yield "static void load(const uint8_t *image, int8_t *out)"
    yield "{"
    yield f"    for (int n = 0; n < {place.size}; n++) out[n] = (int8_t)(image[n] - 128);"
    yield "}"
    yield ""


def _plus(text: str, number: int) -> str:
    return f"{text} {'+' if number > 0 else '-'} {abs(number)}" if number else text


def _pad(values: Ints, channel: str) -> str:
    """Return the byte that stands for 0 in a channel."""
    return str(values[0]) if len(set(values.tolist())) == 1 else f"pixel_pad[{channel}]"


def _kind(multiplier: Ints) -> str:
    return "uint16_t" if multiplier.max() < 2**16 else "int32_t"


def _written_out(text: str, count: int, indent: str) -> Iterator[str]:
    """Write a statement for every number below ``count``; a loop if there are many."""
    if count > _FEW:
        yield f"{indent}for (int n = 0; n < {count}; n++) {text.format(n='n')}"
    else:
        yield from (indent + text.format(n=n) for n in range(count))


def _times(text: str, number: int) -> str:
    return text if number == 1 else f"{text} * {number}"
