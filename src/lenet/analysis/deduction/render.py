"""A deduction as plain text: each step with its reasoning, and the network at the end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from lenet.analysis.deduction.result import Deduction, Step
from lenet.analysis.deduction.solve import MAX_KERNEL, MAX_STRIDE, Axis
from lenet.analysis.deduction.wording import describe
from lenet.net import Network
from lenet.writing.numbers import plural
from lenet.writing.prose import GLUE, notation_lines, wrapped

_NARROWEST: Final = 40
_INDENT: Final = "    "
_BOUNDS: Final = (
    f"Looked for: kernels up to {MAX_KERNEL}, strides up to {MAX_STRIDE} and no larger than the "
    "kernel, padding (both sides together) smaller than the kernel; also any window that tiles "
    "or covers the map. Any window on the height goes with any on the width."
)


def render_deduction(deduction: Deduction, width: int = 80, everything: bool = False) -> str:
    """``deduction`` in lines of at most ``width`` characters, as long as its numbers allow that.

    ``everything`` lists all windows that fit, not only how many there are.
    """
    width = max(width, _NARROWEST)
    opening = [*deduction.figure.notes, *([_BOUNDS] if everything else [])]
    sections = [[line for text in opening for line in _wrapped(text, width)]]
    sections.append(list(_steps(deduction, width, everything)))
    sections.append([line for note in deduction.assumptions for line in _wrapped(note, width)])
    sections.append(list(_network(deduction, width)))
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def _steps(deduction: Deduction, width: int, everything: bool) -> Iterator[str]:
    names = max(len(step.name) for step in deduction.steps)
    shapes = max(len(_shapes(step)) for step in deduction.steps)
    for step in deduction.steps:
        head = f"{step.name.ljust(names)}  {_shapes(step).ljust(shapes)}   "
        what = describe(step.chosen)
        if len(head) + len(what) <= width:
            yield head + what
        else:
            yield head.rstrip()
            yield from _wrapped(what, width, _INDENT)
        for paragraph in step.reasoning:
            # Where everything is listed, nothing needs to say how to list it.
            text = paragraph.replace(" (--all).", "") if everything else paragraph
            yield from _wrapped(text, width, _INDENT)
        if everything:
            yield from _all_windows(step, width)


def _shapes(step: Step) -> str:
    return f"{step.source} -> {step.target}"


def _all_windows(step: Step, width: int) -> Iterator[str]:
    """Every window, once for both axes where they have the same ones."""
    if len(step.target.shape) == 1:
        return
    axes = [("height", step.heights), ("width", step.widths)]
    if step.heights == step.widths:
        axes = [("height and width", step.heights)]
    for label, found in axes:
        title = f"{len(found)} windows for the {label}: kernel (padding in all)"
        yield from _wrapped(title, width, _INDENT)
        ordered = sorted(found, key=lambda axis: (axis.stride, axis.kernel, axis.padding))
        for stride, group in groupby(ordered, key=lambda axis: axis.stride):
            line = f"stride {stride}   {', '.join(_kernels(list(group)))}"
            yield from _wrapped(line, width, _INDENT + "  ", _INDENT + " " * 13)


def _kernels(group: list[Axis]) -> Iterator[str]:
    """``5, 6 (1), 7 (2)``: kernels with the paddings that each fits with."""
    for kernel, axes in groupby(group, key=lambda axis: axis.kernel):
        paddings = ", ".join(str(axis.padding) for axis in axes)
        text = str(kernel) if paddings == "0" else f"{kernel} ({paddings})"
        yield text.replace(" ", GLUE)


def _network(deduction: Deduction, width: int) -> Iterator[str]:
    """How many parameters, which blocks repeat, and the notation."""
    network = deduction.network
    yield from _wrapped(f"{plural(deduction.parameters, 'parameter')}{_repeats(network)}", width)
    yield from notation_lines(network, width, "  ")


def _repeats(network: Network) -> str:
    likes = ((i + 1, network.first_like(i)) for i in range(len(network.blocks)))
    found = [f"block {i} is block {like + 1} again" for i, like in likes if like is not None]
    return f"; {', '.join(found)}" if found else ""


def _wrapped(text: str, width: int, first: str = "", others: str | None = None) -> list[str]:
    return wrapped(text, width, first, first if others is None else others)
