"""Why a step cannot be made, and what would make it possible."""

from __future__ import annotations

from lenet.analysis.deduction.figure import Stage
from lenet.analysis.deduction.given import Given
from lenet.analysis.deduction.priors import SPELLED, kinds, rank
from lenet.analysis.deduction.solve import MAX_KERNEL, windows
from lenet.analysis.deduction.wording import describe
from lenet.errors import NotationError
from lenet.net.layers import padding_text
from lenet.net.words import shown

#: The kernel that is proposed where a map grows.
_KERNEL = 3


def impossible(text: str, source: Stage, target: Stage, given: Given, name: str) -> NotationError:
    """The error for a step without candidates; ``name`` is what the layer would be called."""
    step = f"{name}, {source} -> {target}, is impossible"
    if len(source.shape) < len(target.shape):
        why = (
            f"a vector cannot become maps again; put {target} before the first vector, or write "
            f"{source} as maps too."
        )
    elif given.batch_norm and not any(map(given.allows, kinds(source, target))):
        why = f"only a convolution is normalised; drop {shown(given.text)}."
    elif given.kind and given.kind not in kinds(source, target):
        why = _wrong_kind(source, target, given)
    elif given.padding is None and not all(map(windows, source.shape[1:], target.shape[1:])):
        why = _growth(source, target, name)
    else:
        why = _contradiction(source, target, given)
    return NotationError(f"{step}: {why}", text, target.position)


def _wrong_kind(source: Stage, target: Stage, given: Given) -> str:
    possible = " or a ".join(SPELLED[kind] for kind in kinds(source, target))
    reason = "that goes from maps to maps"
    if len(target.shape) == 1:
        reason = "what ends in a vector"
    elif source.shape[0] != target.shape[0]:
        reason = f"what turns {source.shape[0]} channels into {target.shape[0]}"
    return f"{reason} is a {possible}; drop {shown(given.text)} or change the figure."


def _growth(source: Stage, target: Stage, name: str) -> str:
    sizes = list(zip(source.shape[1:], target.shape[1:], strict=True))
    paddings = [result - size + _KERNEL - 1 for size, result in sizes]
    most = "x".join(str(min(pair)) for pair in sizes)
    remedy = ""
    if min(paddings) >= 0:
        top, left = (padding // 2 for padding in paddings)
        sides = padding_text((top, paddings[0] - top, left, paddings[1] - left))
        remedy = f'say --given "{name} k{_KERNEL} p{sides}" if that is meant, or '
    needs = " and ".join(
        f"{padding} on the {axis}"
        for axis, padding, (size, result) in zip(("height", "width"), paddings, sizes, strict=True)
        if result > size
    )
    return (
        "a map grows only if its padding, both sides together, is as large as the kernel or larger "
        f"({needs} for a {_KERNEL}x{_KERNEL} kernel); {remedy}make the output {most} or smaller."
    )


def _contradiction(source: Stage, target: Stage, given: Given) -> str:
    if len(source.shape) == 1:
        return f"vectors have no windows; drop {shown(given.text)}."
    pairs = list(zip(source.shape[1:], target.shape[1:], strict=False))
    remedy = f"drop {shown(given.text)}"
    if len(target.shape) == 3:
        heights, widths = (windows(size, result) for size, result in pairs)
        free = rank(source, target, kinds(source, target), (heights, widths), ())
        if free:
            remedy += f", and a {describe(free[0])} fits"
    blocked = dict.fromkeys(
        f"{result} of {size}"
        for (size, result), known in zip(pairs, given.axes(), strict=False)
        if not windows(size, result, known)
    )
    if not blocked:
        return f"no kernel up to {MAX_KERNEL} that fits agrees with {shown(given.text)}; {remedy}."
    return f"with {shown(given.text)} no window makes {' or '.join(blocked)} pixels; {remedy}."
