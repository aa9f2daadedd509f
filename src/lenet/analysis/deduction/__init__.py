"""The inverse problem: from the shapes that a figure shows to the network behind it.

- ``windows``: the size formula solved backwards, and what is common: the candidates of a step
- ``figure``: the figure's text read into shapes, and what is known beforehand
- ``search``: all of it, step by step over a whole figure

The reasoning in sentences is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import groupby
from typing import Any, Final

from lenet.analysis.counts import count_network
from lenet.analysis.deduction.figure import Figure, Stage, read_all_given, read_figure, read_limit
from lenet.analysis.deduction.search import Step, find_steps, is_same_padded
from lenet.analysis.deduction.windows import (
    AVERAGE,
    CONV,
    DENSE,
    FLAT,
    MAX_KERNEL,
    MAX_STRIDE,
    MAXIMUM,
    POOL,
    SPELLED,
    Axis,
    Candidate,
    Form,
    is_named,
    kernel_range,
)
from lenet.net import AvgPool2d, Dense, MaxPool2d, Network
from lenet.net.shapes import elements, shape_text, size_formula
from lenet.writing import Result, plain
from lenet.writing.document import Document, Notation, Paragraph, Section, Table, table_of
from lenet.writing.numbers import chain, plural
from lenet.writing.text import GLUE

__all__ = ["Candidate", "Deduction", "Figure", "Stage", "Step", "deduce", "read_figure"]

#: Of many other ways, so many are named.
_FEW: Final = 3
_BOUNDS: Final = (
    f"Looked for: kernels up to {MAX_KERNEL}, strides up to {MAX_STRIDE} and no larger than the "
    "kernel, padding (both sides together) smaller than the kernel; also any window that tiles "
    "or covers the map. Any window on the height goes with any on the width."
)


@dataclass(frozen=True, repr=False)
class Deduction(Result):
    """Everything :func:`deduce` finds out; ``print`` it to read it, ``.network`` trains.

    ``assumptions`` say what no shapes tell; ``figure.notes`` how unclear shapes were read.
    ``combinations`` of candidates have exactly the number of parameters that was asked for; None
    where none was, or where they are too many to count.
    """

    figure: Figure
    steps: tuple[Step, ...]
    network: Network
    assumptions: tuple[str, ...]
    combinations: int | None = None

    @property
    def parameters(self) -> int:
        """How many the network has."""
        return count_network(self.network).parameters

    def page(self, form: str = "text", width: int = 80, everything: bool = False) -> Document:
        """Return the deduction as a page; see :meth:`lenet.writing.Result.page`.

        ``everything`` lists all windows that fit, not only how many there are.
        """
        network = self.network
        repeated = ((i + 1, network.first_like(i)) for i in range(len(network.blocks)))
        again = [f"block {i} is block {like + 1} again" for i, like in repeated if like is not None]
        total = plural(self.parameters, "parameter") + ("; " + ", ".join(again) if again else "")
        opening = [*self.figure.notes, *([_BOUNDS] if everything else [])]
        sections = [
            Section("", tuple(map(Paragraph, opening))),
            *(_step_section(step, everything) for step in self.steps),
            Section("", tuple(map(Paragraph, self.assumptions))),
            Section("", (Paragraph(total), *self._counted(), Notation(str(network)))),
        ]
        title = "" if form == "text" else chain(map(str, self.figure.stages))
        return Document(title, tuple(section for section in sections if section.blocks))

    def _counted(self) -> Iterator[Paragraph]:
        if (number := self.combinations) is not None:
            have = "combination has" if number == 1 else "combinations have"
            best = "; this is the likeliest of them" if number > 1 else ": this one"
            yield Paragraph(f"{number:,} {have} exactly so many{best}.")

    def to_dict(self) -> dict[str, Any]:
        """Return the deduction as JSON can hold it; docs/deduce.md explains every key."""
        return {
            "format": "lenet-deduction",
            "version": 1,
            "figure": plain([stage.shape for stage in self.figure.stages]),
            "network": str(self.network),
            "parameters": self.parameters,
            "combinations": self.combinations,
            "notes": list(self.figure.notes),
            "assumptions": list(self.assumptions),
            "steps": [plain(_step_dict(step)) for step in self.steps],
        }


def deduce(
    figure: str,
    *,
    given: str | Iterable[str] | None = None,
    params: int | str | None = None,
    activation: str = "relu",
) -> Deduction:
    """Find the network behind a figure that shows only shapes; ``print`` the result to read it.

    Args:
        figure: the shapes in order, such as ``32x32 -> 6@28x28 -> 6@14x14 -> 120 -> 10``.
        given: what is known of single layers, each in the notation's words: ``conv1 k5``.
        params: at most so many parameters in all (``60000`` or ``"60k"``), or exactly
            (``"=61706"``).
        activation: of every convolution and dense layer but the last dense one.

    Raises:
        NotationError: the figure or what is given cannot be read, or a step is impossible; the
            error shows the place.
        UsageError: no combination has so few parameters, or an argument cannot be meant.
    """
    Dense(1, activation)  # refuses what is no activation
    limit = None if params is None else read_limit(params)
    shapes = read_figure(figure)
    network, steps, combinations = find_steps(shapes, read_all_given(given), limit, activation)
    assumed, explained = tuple(_assumptions(shapes, steps)), tuple(_explain_steps(steps))
    return Deduction(shapes, explained, network, assumed, combinations)


def _step_dict(step: Step) -> dict[str, Any]:
    axes = {"height": step.heights, "width": step.widths}
    return {
        "name": step.name,
        "figure_name": step.target.name or None,
        "input_shape": step.source.shape,
        "output_shape": step.target.shape,
        "chosen": step.candidates.index(step.chosen),
        "candidates": [_candidate_dict(candidate) for candidate in step.candidates],
        "given": step.given or None,
        "windows": {name: [astuple(axis) for axis in fitting] for name, fitting in axes.items()},
        "reasoning": step.reasoning,
    }


def _candidate_dict(candidate: Candidate) -> dict[str, Any]:
    axes = candidate.axes
    return {
        "kind": candidate.kind,
        "kernel_size": [axis.kernel for axis in axes] or None,
        "stride": [axis.stride for axis in axes] or None,
        "padding": [side for axis in axes for side in (axis.before, axis.after)] or None,
        "total_padding": [axis.padding for axis in axes] or None,
        "score": candidate.score,
        "reasons": [{"points": points, "why": why} for points, why in candidate.reasons],
    }


def _step_section(step: Step, everything: bool) -> Section:
    title = f"{step.name}: {step.source} -> {step.target}, {_described(step)}"
    # Where everything is listed, nothing needs to say how to list it.
    texts = [text.replace(" (--all).", "") if everything else text for text in step.reasoning]
    windows = _window_blocks(step) if everything else ()
    return Section(title, (*map(Paragraph, texts), *windows))


def _window_blocks(step: Step) -> Iterator[Paragraph | Table]:
    """Every window, once for both axes where they have the same ones."""
    axes = {"height": step.heights, "width": step.widths}
    if step.heights == step.widths:
        axes = {"height and width": step.heights}
    for label, fitting in axes.items() if len(step.target.shape) == 3 else ():
        yield Paragraph(f"{len(fitting)} windows for the {label}: kernel (padding in all)")
        ordered = sorted(fitting, key=lambda axis: (axis.stride, axis.kernel, axis.padding))
        groups = groupby(ordered, lambda axis: axis.stride)
        rows = [(f"stride {stride}", _kernels(group)) for stride, group in groups]
        yield table_of(rows, prose=True, indent=2)


def _kernels(axes: Iterable[Axis]) -> str:
    """``5, 6 (1), 7 (2)``: kernels with the paddings that each fits with."""
    texts = []
    for kernel, group in groupby(axes, lambda axis: axis.kernel):
        paddings = ", ".join(str(axis.padding) for axis in group)
        text = str(kernel) if paddings == "0" else f"{kernel} ({paddings})"
        texts.append(text.replace(" ", GLUE))
    return ", ".join(texts)


def _assumptions(figure: Figure, steps: Sequence[Step]) -> Iterator[str]:
    """Yield what no figure of shapes can tell."""
    first = figure.stages[0]
    if is_same_padded(figure):
        what = 'Every size is the one before it divided by the stride, rounded up: padding "SAME"'
        split = "; of an odd padding, TensorFlow puts more at the end" * figure.is_channels_last
        yield f"{what}{split}."
    if len(first.shape) == 1:
        yield f"The input is a vector: the network takes it as {first}@1x1."
    pools = (step for step in steps if not is_named(MAXIMUM, step.target.name))
    if pool := next((step for step in pools if step.layer and step.layer.keeps_places), None):
        what = "Shapes do not tell the maximum from the mean: pooling takes the maximum"
        yield f"{what} ({_given(pool, AvgPool2d.keyword)} for the mean)."
    if pool := next((step for step in steps if _is_mean(step)), None):
        what = "A pooling over the whole map takes the mean"
        if not is_named(AVERAGE, pool.target.name) and not pool.given:
            yield f"{what} ({_given(pool, MaxPool2d.keyword)} for the maximum)."


def _explain_steps(steps: Sequence[Step]) -> Iterator[Step]:
    first: dict[Form, Step] = {}
    for place, step in enumerate(steps):
        again = first.setdefault(step.chosen.form, step)
        texts = list(_reasoning(step, None if again is step else again))
        sizes = zip(step.chosen.axes, step.source.shape[1:], strict=False)
        if again is step and len(step.target.shape) == 3 and any(a.unread(n) for a, n in sizes):
            twins = (later for later in steps[place + 1 :] if later.chosen.form == step.chosen.form)
            texts[0] += "".join(f" {twin.name} has the same window." for twin in [*twins][:1])
        yield replace(step, reasoning=(*texts, *_counted(step)))


def _counted(step: Step) -> Iterator[str]:
    """Whether the figure's own number of parameters, a table's, agrees."""
    wanted = step.target.parameters
    if wanted and step.layer:
        tensors = step.layer.tensors(step.source.shape)
        agree = sum(t.size for t in tensors if t.trained) == wanted
        verb = "agree" if agree else "cannot be met: a bias may be missing, or more be counted"
        yield f"The table's {plural(wanted, 'parameter')} {verb}."


def _reasoning(step: Step, again: Step | None) -> Iterator[str]:
    """Why this candidate was chosen, and what else there is; ``again`` had the same window."""
    if len(step.target.shape) == 1 and step.chosen.kind != CONV:
        yield from _to_vector(step)
        return
    yield " ".join([_kind(step), *_windows(step, again)])
    if step.ties:
        ties = "; ".join(tie.describe() for tie in step.ties[:_FEW])
        yield f"Equally good: {ties}."
    yield from _others(step)


def _is_mean(step: Step) -> bool:
    return step.layer is not None and step.layer.is_global(step.source.shape)


def _described(step: Step) -> str:
    return f"global {AvgPool2d.noun}" if _is_mean(step) else step.chosen.describe()


def _to_vector(step: Step) -> Iterator[str]:
    kind = step.chosen.kind
    if why := _why_not_argued(step):
        yield f"{why}."
    if kind == DENSE:
        yield from _dense(step)
    elif kind == FLAT:
        numbers = plural(elements(step.source.shape), "number")
        yield f"{step.source} has {numbers}: it is laid flat. Dense layers do that by themselves."
    else:
        what = "mean" if _is_mean(step) else "maximum"
        yield f"One number is left of each channel: the {what} of its whole map."
    if kind != DENSE and step.of_kind(DENSE):
        units, tensors = step.target.shape[0], Dense(step.target.shape[0]).tensors
        weights = plural(sum(t.size for t in tensors(step.source.shape)), "parameter")
        yield f"Or a dense layer of {plural(units, 'unit')}, {weights} ({_given(step, DENSE)})."
    if kind != FLAT and step.of_kind(FLAT):
        yield f"Or as many numbers as {step.source} has, laid flat ({_given(step, FLAT)})."
    if kind != POOL and step.of_kind(POOL):
        yield f"Or the mean of each whole map ({_given(step, AvgPool2d.keyword)})."


def _given(step: Step, words: str) -> str:
    return f'--given "{step.name} {words}"'


def _dense(step: Step) -> Iterator[str]:
    numbers = elements(step.source.shape)
    seen = f"all {numbers:,} numbers at once" if numbers > 1 else "the only number there is"
    what = f"A dense layer sees {seen}"
    if len(step.source.shape) == 1:
        what = "Between vectors stands a dense layer"
    units = plural(step.target.shape[0], "unit")
    yield f"{what}; all there is to choose is its {units}."
    if step.of_kind(CONV):
        over = " over the whole map, as C5 of LeNet-5" if max(step.source.shape[1:]) > 1 else ""
        window = f"{shape_text(step.source.shape[1:])} convolution{over}"
        yield f"Or a {window}, with as many parameters ({_given(step, CONV)})."


def _kind(step: Step) -> str:
    before, after = step.source.shape[0], step.target.shape[0]
    kind, name = SPELLED[step.chosen.kind], step.target.name
    if len(step.target.shape) == 1:
        named = is_named(CONV, name) and not step.given
        lead = f"The figure calls it {name}: the" if named else "The"
        return f"{lead} kernel is as large as the map and leaves one number per channel."
    if before != after:
        become = "becomes" if before == 1 else "become"
        return f"{plural(before, 'channel')} {become} {after}, so it is a convolution."
    if _why_not_argued(step):
        return f"The channels stay; it is a {kind}."
    if is_named(step.chosen.kind, name):
        return f"The figure calls it {name}, so it is a {kind}."
    if step.chosen.kind == POOL:
        return "The channels stay, the map shrinks: so it is a pooling."
    return "The channels stay, but pooling at stride 1 is rare: so it is a convolution."


def _why_not_argued(step: Step) -> str:
    """What has decided instead of the priors, or nothing."""
    if step.given:
        return f"Given ({step.given})"
    if step.chosen.score < step.candidates[0].score:  # the limit on parameters put it aside
        likelier = step.candidates[0].describe()
        return f"Taken for the number of parameters, though by itself a {likelier} is likelier"
    return ""


def _windows(step: Step, again: Step | None) -> Iterator[str]:
    """A sentence on each axis, or one on both where they are alike."""
    results = step.target.shape[1:] or (1, 1)
    parts = list(zip(step.source.shape[1:], results, step.chosen.axes, strict=True))
    why = _why_not_argued(step)
    labels = ("on the height ", "on the width ") if parts[0] != parts[1] else ("",)
    if not step.given and not all(axis.is_expected(size) for size, _, axis in parts):
        usual = f"a kernel up to {MAX_KERNEL} and a stride up to {MAX_STRIDE}"
        yield f"Nothing with {usual} fits, so larger ones were tried."
    labelled = list(zip(labels, parts, strict=False))
    if why:
        formulas = [f"{label}{_formula(size, axis)}" for label, (size, _, axis) in labelled]
        yield f"{why}: {', '.join(formulas)}."
    else:
        for label, part in labelled:
            yield _sentence(label + _argument(*part, step.chosen.kind, again))
    for label, (size, _, axis) in labelled:
        if unread := axis.unread(size):
            stay = "stays" if unread == 1 else "stay"
            yield _sentence(f"{label}{plural(unread, 'pixel')} at the end {stay} unread")
        if axis.padding % 2:
            sides = f"{axis.before} before and {axis.after} after"
            yield _sentence(f"{label}padding of {axis.padding} in all is odd: {sides}")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _formula(size: int, axis: Axis) -> str:
    return size_formula(size, axis.kernel, axis.padding, axis.stride)


def _argument(size: int, result: int, axis: Axis, kind: str, again: Step | None) -> str:
    """Stride first, then the kernel, as the article does it."""
    if result == 1 and axis.kernel == size and not axis.padding:
        pixels = f"all {plural(size, 'pixel')}" if size > 1 else "the only pixel"
        return f"one window covers {pixels}: {_formula(size, axis)}"
    if again is not None:
        return f"{_lead(size, result)}, and {again.name} fits again: {_formula(size, axis)}"
    return f"{_stride_argument(size, result, axis)}; {_kernel_argument(size, result, axis, kind)}"


def _lead(size: int, result: int) -> str:
    """What happens to the size."""
    if size == result:
        return "the size stays"
    if 2 * result > size:
        return f"{plural(size - result, 'pixel')} {'is' if size - result == 1 else 'are'} lost"
    if 2 * result == size:
        return "the size halves"
    about = "about " if size % result else ""
    return f"{size} / {result} is {about}{f'{size / result:,.1f}'.removesuffix('.0')}"


def _stride_argument(size: int, result: int, axis: Axis) -> str:
    is_near = axis.stride == round(size / result) if axis.stride > 1 else 2 * result > size
    so = "so the stride is" if is_near else "here at stride"
    is_one = axis.stride == 1 and is_near and size > 2
    other = f" (stride 2 would leave about {(size + 1) // 2})" if is_one else ""
    return f"{_lead(size, result)}, {so} {axis.stride}{other}"


def _kernel_argument(size: int, result: int, axis: Axis, kind: str) -> str:
    if axis.is_tile and size == result * axis.stride:
        return f"windows of {axis.kernel} tile the map: {_formula(size, axis)}"
    span = _span(size, result, axis.stride)
    if axis.padding:
        without = f"without padding k would be {span}" if span else "without padding nothing fits"
        if span and size > 1 == kernel_range(size, result, axis.stride)[1]:
            without += ", which sees no neighbours"
        likelier = f"{axis.kernel} with padding {axis.padding} in all is likelier"
        return f"{without}; {likelier}: {_formula(size, axis)}"
    written = f"({size} - k + 0 + {axis.stride}) / {axis.stride}"
    formula = f"{written if axis.stride == 1 else f'floor({written})'} = {result} gives k = {span}"
    if axis.kernel == axis.stride > 1:
        return f"{formula}, and windows of {axis.kernel} do not overlap"
    if axis.stride > 1:
        likeliest = f"is {'odd and ' * (axis.kernel % 2)}likeliest"
        why = likeliest if axis.unread(size) else "leaves no pixel unread"
        return f"{formula}, and {axis.kernel} {why}"
    if kind == CONV and axis.kernel > 1:
        formula += ", odd, as kernels are" if axis.kernel % 2 else ", though kernels are mostly odd"
    return formula


def _span(size: int, result: int, stride: int) -> str:
    """The kernels that fit without padding and are no smaller than the stride, or nothing."""
    least, most = kernel_range(size, result, stride)
    start = max(least, stride)
    if start > most:
        return ""
    span = str(most) if start == most else f"{start} {'or' if most == start + 1 else 'to'} {most}"
    return span if start == least else f"{span} (no smaller than the stride)"


def _others(step: Step) -> Iterator[str]:
    taken = (step.chosen, *step.ties)
    same = [other for other in step.of_kind(step.chosen.kind) if other not in taken]
    if same:
        is_padded = all(other.window[2] for other in same)
        padded = f",{' all' * (len(same) > 1)} with padding" if is_padded else ""
        named = "; ".join(_briefly(other, step.chosen) for other in same[:_FEW])
        more = ", ... (--all)" if len(same) > _FEW else ""
        yield f"{plural(len(same), 'other way')}{padded}: {named}{more}."
    different = [c for c in step.candidates if c.kind not in (step.chosen.kind, DENSE)]
    if different and different[0] not in step.ties:
        yield f"It could also be a {different[0].describe()} ({plural(len(different), 'way')})."


def _briefly(candidate: Candidate, chosen: Candidate) -> str:
    """``7x7 with padding 1``; the stride only where it is another."""
    kernel, stride, padding = candidate.window
    stride = f" stride {stride}" if stride != chosen.window[1] else ""
    return f"{kernel}{stride}" + (f" with padding {padding}" if padding else "")
