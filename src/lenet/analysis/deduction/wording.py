"""The seed's reasoning in sentences, with the numbers of the step put in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from lenet.analysis.deduction.priors import CONV, DENSE, POOL, SPELLED, Candidate, is_named
from lenet.analysis.deduction.result import Step
from lenet.analysis.deduction.solve import MAX_KERNEL, MAX_STRIDE, Axis, kernel_range
from lenet.net.layers import padding_text
from lenet.net.shapes import elements, output_size, pair_text, shape_text, size_text
from lenet.writing.numbers import plural

#: Of many other ways, so many are named.
_FEW: Final = 3


def describe(candidate: Candidate) -> str:
    """``convolution 5x5, stride 1, no padding``."""
    kind = SPELLED[candidate.kind]
    if candidate.height is None or candidate.width is None:
        return kind
    kernel = pair_text((candidate.height.kernel, candidate.width.kernel))
    words = [f"{kind} {kernel}", f"stride {_stride(candidate)}"]
    if padding := _padding(candidate):
        words.append(f"padding {padding}")
    elif candidate.kind == CONV:
        words.append("no padding")
    return ", ".join(words)


def reasoning(step: Step, earlier: Sequence[Step]) -> Iterator[str]:
    """Why this candidate was chosen, and what else there is: a paragraph each."""
    if step.chosen.kind == DENSE:
        yield from _dense(step)
        return
    again = next((one for one in earlier if one.chosen.form == step.chosen.form), None)
    yield " ".join([_kind(step), *_windows(step, again)])
    if step.ties:
        yield f"Equally good: {'; '.join(map(describe, step.ties[:_FEW]))}."
    yield from _others(step)


def _dense(step: Step) -> Iterator[str]:
    what = plural(step.target.shape[0], "unit")
    if len(step.source.shape) == 1:
        yield f"Between vectors stands a dense layer; all there is to choose is its {what}."
        return
    numbers = elements(step.source.shape)
    seen = f"all {numbers:,} numbers at once" if numbers > 1 else "the only number there is"
    yield f"A dense layer sees {seen}; all there is to choose is its {what}."
    if step.of_kind(CONV):
        over = " over the whole map, as C5 of LeNet-5" if max(step.source.shape[1:]) > 1 else ""
        yield (
            f"Or a {shape_text(step.source.shape[1:])} convolution{over}, with as many parameters "
            f'(--given "{step.name} conv").'
        )


def _kind(step: Step) -> str:
    before, after = step.source.shape[0], step.target.shape[0]
    if len(step.target.shape) == 1:
        named = is_named(CONV, step.target.name) and not step.given
        lead = f"The figure calls it {step.target.name}: the" if named else "The"
        return f"{lead} kernel is as large as the map and leaves one number a channel."
    if before != after:
        become = "becomes" if before == 1 else "become"
        return f"{plural(before, 'channel')} {become} {after}, so it is a convolution."
    if _why_not_argued(step):
        return f"The channels stay; it is a {SPELLED[step.chosen.kind]}."
    if is_named(step.chosen.kind, step.target.name):
        return f"The figure calls it {step.target.name}, so it is a {SPELLED[step.chosen.kind]}."
    if step.chosen.kind == POOL:
        return "The channels stay, the map shrinks: so it is a pooling."
    return "The channels stay, but pooling at stride 1 is rare: so it is a convolution."


def _windows(step: Step, again: Step | None) -> Iterator[str]:
    """A sentence on each axis, or one on both where the map is square."""
    sizes, results = step.source.shape[1:], step.target.shape[1:] or (1, 1)
    axes = [axis for axis in (step.chosen.height, step.chosen.width) if axis]
    parts = list(zip(sizes, results, axes, strict=True))
    kind, why = step.chosen.kind, _why_not_argued(step)
    labels = ("on the height ", "on the width ") if parts[0] != parts[1] else ("",)
    if not (
        step.given or all(axis.is_expected(size) for size, axis in zip(sizes, axes, strict=True))
    ):
        yield (
            f"Nothing with a kernel up to {MAX_KERNEL} and a stride up to {MAX_STRIDE} fits, so "
            "larger ones were tried."
        )
    texts = [
        f"{label}{_formula(size, axis) if why else _argument(size, result, axis, kind, again)}"
        for label, (size, result, axis) in zip(labels, parts, strict=False)
    ]
    if why:
        yield f"{why}: {', '.join(texts)}."
    else:
        yield from (f"{text[0].upper()}{text[1:]}." for text in texts)
    for label, (size, _, axis) in zip(labels, parts, strict=False):
        yield from (f"{text[0].upper()}{text[1:]}." for text in _remarks(label, size, axis))


def _why_not_argued(step: Step) -> str:
    """What has decided instead of the priors, or nothing."""
    if step.given:
        return f"Given ({step.given})"
    if _is_set_aside(step):
        return (
            "Taken for the number of parameters, though by itself a "
            f"{describe(step.candidates[0])} is likelier"
        )
    return ""


def _is_set_aside(step: Step) -> bool:
    """Has the limit on parameters put the first candidate aside?"""
    return step.chosen.score < step.candidates[0].score


def _remarks(label: str, size: int, axis: Axis) -> Iterator[str]:
    if unread := axis.unread(size):
        stay = "stays" if unread == 1 else "stay"
        yield f"{label}{plural(unread, 'pixel')} at the end {stay} unread"
    if axis.padding % 2:
        sides = f"{axis.before} before and {axis.after} after"
        yield f"{label}padding of {axis.padding} in all is odd: {sides}"


def _argument(size: int, result: int, axis: Axis, kind: str, again: Step | None) -> str:
    """Stride first, then the kernel, as the seed does it."""
    if result == 1 and axis.kernel == size and not axis.padding:
        pixels = f"all {plural(size, 'pixel')}" if size > 1 else "the only pixel"
        return f"one window covers {pixels}: {_formula(size, axis)}"
    if again is not None:
        return f"{_lead(size, result)}, and {again.name} fits again: {_formula(size, axis)}"
    return f"{_stride_argument(size, result, axis)}; {_kernel_argument(size, result, axis, kind)}"


def _stride_argument(size: int, result: int, axis: Axis) -> str:
    lead = _lead(size, result)
    if axis.stride > 1:
        so = ", so the stride is" if axis.stride == round(size / result) else ", here at stride"
        return f"{lead}{so} {axis.stride}"
    if 2 * result <= size:
        return f"{lead}, here at stride 1"
    other = f" (stride 2 would leave about {(size + 1) // 2})" if size > 2 else ""
    return f"{lead}, so the stride is 1{other}"


def _kernel_argument(size: int, result: int, axis: Axis, kind: str) -> str:
    if axis.kernel == axis.stride and not axis.padding and size == result * axis.stride:
        return f"windows of {axis.kernel} tile the map: {_formula(size, axis)}"
    least, most = kernel_range(size, result, axis.stride)
    span = _span(least, most, axis.stride)
    if axis.padding:
        without = "without padding nothing fits"
        if span:
            blind = ", which sees no neighbours" if most == 1 < size else ""
            without = f"without padding k would be {span}{blind}"
        return (
            f"{without}; {axis.kernel} with padding {axis.padding} in all is likelier: "
            f"{_formula(size, axis)}"
        )
    written = _written(size, "k", 0, axis.stride)
    formula = f"{written if axis.stride == 1 else f'floor({written})'} = {result} gives k = {span}"
    if axis.stride > 1:
        formula += f", and {_merit(size, axis)}"
    elif kind == CONV and axis.kernel > 1:
        formula += ", odd, as kernels are" if axis.kernel % 2 else ", though kernels are mostly odd"
    return formula


def _span(least: int, most: int, stride: int) -> str:
    """The kernels from ``least`` to ``most`` that are no smaller than the stride, or nothing."""
    start = max(least, stride)
    if start > most:
        return ""
    span = str(most) if start == most else f"{start} {'or' if most == start + 1 else 'to'} {most}"
    return span if start == least else f"{span} (no smaller than the stride)"


def _merit(size: int, axis: Axis) -> str:
    """Why this one of several kernels without padding."""
    if axis.kernel == axis.stride:
        return f"windows of {axis.kernel} do not overlap"
    if not axis.unread(size):
        return f"{axis.kernel} leaves no pixel unread"
    return f"{axis.kernel} is {'odd and ' * (axis.kernel % 2)}likeliest"


def _others(step: Step) -> Iterator[str]:
    mine = [
        one for one in step.of_kind(step.chosen.kind) if one != step.chosen and one not in step.ties
    ]
    if mine:
        padded = f",{' all' * (len(mine) > 1)} with padding" if all(map(_padding, mine)) else ""
        named = "; ".join(_briefly(one, step.chosen) for one in mine[:_FEW])
        more = ", ... (--all)" if len(mine) > _FEW else ""
        yield f"{plural(len(mine), 'other way')}{padded}: {named}{more}."
    other = [one for one in step.candidates if one.kind not in (step.chosen.kind, DENSE)]
    if other and other[0] not in step.ties:
        ways = plural(len(other), "way")
        yield f"It could also be a {describe(other[0])} ({ways})."


def _briefly(candidate: Candidate, chosen: Candidate) -> str:
    """``7x7 with padding 1``; the stride only where it is another."""
    assert candidate.height is not None
    assert candidate.width is not None
    text = pair_text((candidate.height.kernel, candidate.width.kernel))
    if _stride(candidate) != _stride(chosen):
        text += f" stride {_stride(candidate)}"
    padding = _padding(candidate)
    return f"{text} with padding {padding}" if padding else text


def _stride(candidate: Candidate) -> str:
    assert candidate.height is not None
    assert candidate.width is not None
    return size_text((candidate.height.stride, candidate.width.stride))


def _padding(candidate: Candidate) -> str:
    """One side's padding as the notation writes it, or nothing."""
    assert candidate.height is not None
    assert candidate.width is not None
    height, width = candidate.height, candidate.width
    sides = (height.before, height.after, width.before, width.after)
    return padding_text(sides) if any(sides) else ""


def _lead(size: int, result: int) -> str:
    """What happens to the size."""
    if size == result:
        return "the size stays"
    if 2 * result > size:
        lost = size - result
        return f"{plural(lost, 'pixel')} {'is' if lost == 1 else 'are'} lost"
    if 2 * result == size:
        return "the size halves"
    exact = size % result == 0
    ratio = f"{size / result:,.1f}".removesuffix(".0")
    return f"{size} / {result} is {'' if exact else 'about '}{ratio}"


def _formula(size: int, axis: Axis) -> str:
    result = output_size(size, axis.kernel, axis.padding, axis.stride)
    written = _written(size, str(axis.kernel), axis.padding, axis.stride)
    is_whole = (size - axis.kernel + axis.padding) % axis.stride == 0
    return f"{written if is_whole else f'floor({written})'} = {result}"


def _written(size: int, kernel: str, padding: int, stride: int) -> str:
    numerator = f"{size} - {kernel} + {padding} + {stride}"
    return numerator if stride == 1 else f"({numerator}) / {stride}"
