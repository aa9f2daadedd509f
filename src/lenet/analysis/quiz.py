"""`lenet.quiz`: what does a network make of its input? Questions, with the answers and the reasons.

Every answer is what the analysis found out (``explanation``) or what a layer says of itself; a
reason is its formula with the numbers put in. Which questions are asked is a function of the
network and the seed alone: a class that uses one seed has one sheet.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, NamedTuple

from lenet import files
from lenet.analysis.counts import FLOAT_BYTES, ReceptiveField
from lenet.analysis.explanation import LayerRow, Report, explain
from lenet.arguments import plain
from lenet.errors import UsageError
from lenet.net import Network, Source
from lenet.net.layers import Conv2d, Dense, Layer, Windowed
from lenet.net.shapes import pair_text, read_shape, read_sizes, shape_text, size_text
from lenet.net.words import listed, name_text, shown
from lenet.writing import Document, Result, Section, notebook_html, render, table_of
from lenet.writing.document import Notation, Paragraph
from lenet.writing.html import write_page
from lenet.writing.latex import write_whole_latex
from lenet.writing.numbers import plural
from lenet.writing.pdf import write_pdf

#: So many questions are asked, unless a number is given.
QUESTIONS: Final = 10
#: What a worksheet can be written as, by the ending of its file.
WORKSHEETS: Final = (".md", ".html", ".tex", ".pdf", ".txt")
_MOST_ASKED: Final = ("shape", "parameters", "field")
#: Of more layers, a sum is not written out.
_MOST_ADDED: Final = 8
#: What stands within a number, and between two of them.
_THOUSANDS: Final = re.compile(r"(?<=\d)[ ,_'](?=\d{3}(?!\d))")
_BETWEEN: Final = re.compile(r"\s*[,;x×*]\s*|\s+")
_LINE: Final = "______________"
_SHAPES: Final = "Shapes are written as channels@height x width (6@24x24), or one number (120)."


@dataclass(frozen=True)
class Question:
    """One question about a layer or the whole network.

    Attributes:
        kind: what it asks for: shape, parameters, multiply-adds, activations, field, stride,
            padding, layers, total, memory or largest.
        layer: the layer's name; empty where it is the whole network that is asked about.
        text: the question.
        given: what one knows who has answered the questions before.
        answer: the right answer, written.
        reason: why it is right: the formula with its numbers put in.
        values: the answer as whole numbers; empty where it is a name.
    """

    kind: str
    layer: str
    text: str
    given: str
    answer: str
    reason: str
    values: tuple[int, ...] = ()

    def accepts(self, text: str) -> bool:
        """Is ``text`` the right answer, in whatever form people and frameworks write it?

        A shape may be ``6@24x24``, ``24x24@6``, ``6x24x24`` or ``(6, 24, 24)``, a number ``2416``
        or ``2,416``, a square's side ``5`` or ``5x5``.
        """
        text = text.strip().strip("()[]").rstrip(", ").lower()
        if not self.values:
            return text == self.answer.lower()
        if len(self.values) == 1:
            return read_sizes(_THOUSANDS.sub("", text)) == self.values
        if "@" in text:
            return read_shape(text) == self.values
        numbers = read_sizes(_BETWEEN.sub("x", text))
        is_square = len(self.values) == 2 and len(set(self.values)) == 1
        return numbers == self.values or (is_square and numbers == self.values[:1])


class Key(Result):
    """The answers to a quiz, and why they are right."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self.questions = tuple(questions)

    def to_dict(self) -> dict[str, Any]:
        """Return the questions with their answers, as JSON can hold them."""
        values = (
            {**vars(question), "values": list(question.values)} for question in self.questions
        )
        return {"questions": list(values)}

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return one row per question, on a page of its own in print."""
        rows = [(f"{n}.", q.answer, q.reason) for n, q in enumerate(self.questions, 1)]
        table = table_of(rows, ("", "answer", "because"), prose=True)
        return Document("", (Section("Key", (table,), is_new_page=True),))


class Quiz(Result):
    """Questions about a network; ``print`` it for the sheet, and its ``key`` for the answers.

    Attributes:
        name: what the network is called; may be empty.
        network: the network.
        seed: that chose the questions.
        questions: in the order in which they are asked.
    """

    csv_key = "questions"

    def __init__(
        self, name: str, network: Network, seed: int, questions: Iterable[Question]
    ) -> None:
        self.name, self.network, self.seed = name, network, seed
        self.questions = tuple(questions)

    def to_dict(self) -> dict[str, Any]:
        """Return the questions with their answers, as JSON can hold them."""
        return {
            "format": "lenet-quiz",
            "version": 1,
            "name": self.name,
            "network": str(self.network),
            "seed": self.seed,
            **self.key.to_dict(),
        }

    def page(self, form: str = "text", width: int = 80, key: bool = False) -> Document:
        """Return the sheet; with ``key``, the answers on a page of their own."""
        rows = [(f"{n}.", f"{q.text} {_LINE}") for n, q in enumerate(self.questions, 1)]
        head = self.head()
        layers = table_of(self._layers(), ("layer", "what it is"), prose=True)
        sections = [
            *head.sections,
            Section("", (layers,)),
            Section("Questions", (table_of(rows, prose=True),)),
        ]
        return replace(head, sections=(*sections, *(self.key.page(form).sections if key else ())))

    def head(self) -> Document:
        """Return what the questions are about, and how answers are written."""
        count = plural(len(self.questions), "question")
        return Document(
            f"Quiz: {name_text(self.name) or 'a network'}",
            (Section("", (Notation(str(self.network)), Paragraph(_SHAPES, is_note=True))),),
            (f"{count}, seed {self.seed}",),
        )

    def _layers(self) -> Iterator[tuple[str, str]]:
        yield "input", shape_text(self.network.input_shape)
        for placed in self.network.placed:
            yield placed.name, placed.layer.notation()

    @property
    def key(self) -> Key:
        """The answers and their reasons."""
        return Key(self.questions)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a worksheet, with the key on a page of its own, as .md, .html, .tex, .pdf or .txt.

        Raises:
            UsageError: the ending is none of these.
            OutputError: the file cannot be written.
        """
        if not isinstance(path, str | os.PathLike):
            raise UsageError(f"the worksheet is {shown(path)}; give a path that ends in .md.")
        ending = os.path.splitext(os.fspath(path))[1].lower()
        writers: Mapping[str, Callable[[], str | bytes]] = {
            ".md": lambda: render(self, "markdown", key=True) + "\n",
            ".html": lambda: write_page(self.page("html", key=True)),
            ".tex": lambda: write_whole_latex(self.page("latex", key=True)),
            ".pdf": lambda: write_pdf(self.page("pdf", key=True)),
            ".txt": lambda: render(self, "text", key=True) + "\n",
        }
        if ending not in WORKSHEETS:
            raise UsageError(
                f"{shown(os.path.basename(path))} does not say how to write the worksheet; end it "
                f"in {listed(WORKSHEETS, 'or')}.",
                parameter="worksheet",
            )
        content = writers[ending]()
        return files.write_bytes(path, content.encode() if isinstance(content, str) else content)

    def _repr_html_(self) -> str:
        sheet, key = notebook_html(self.page("html")), self.key._repr_html_()
        summary = "<summary>The answers</summary>"
        return f'{sheet}\n<details class="lenet-report">{summary}\n{key}\n</details>'


def quiz(
    network: Source,
    *,
    questions: int | None = None,
    seed: int = 0,
    input_shape: Iterable[int] | str | None = None,
) -> Quiz:
    """Ask questions about a network: shapes, parameters, multiply-adds, receptive fields.

    Args:
        network: a network, a model, a zoo name, a notation, a ``.json`` or ``.onnx`` file or a
            saved model.
        questions: how many; by default ten, or all that there are of a small network.
        seed: chooses them: the same seed asks the same questions, on every machine.
        input_shape: ask about the network on this input, (channels, height, width) or text.

    Raises:
        UsageError: ``network`` names none, or there are not so many questions.
        ShapeError: the network does not fit together.
    """
    if type(seed := plain(seed)) is not int or not 0 <= seed < 2**63:
        what = f"the seed is {shown(seed)}"
        raise UsageError(f"{what}; it must be a whole number from 0 to 2^63 - 1.", parameter="seed")
    report = explain(network, input_shape=input_shape)
    places = list(_places(report))
    count = plain(questions)
    if count is not None and (type(count) is not int or not 1 <= count <= len(places)):
        what = f"the number of questions is {shown(count)}"
        allowed = f"it must be a whole number from 1 to {len(places):,}, which this network has"
        raise UsageError(f"{what}; {allowed}.", parameter="questions")
    chosen = _chosen(places, QUESTIONS if count is None else count, seed)
    return Quiz(report.name, report.network, seed, (one.ask(report) for one in chosen))


class _Place(NamedTuple):
    """A question that could be asked."""

    kind: str
    layer: int | None  # its place; None where it is about the whole network

    def ask(self, report: Report) -> Question:
        if self.layer is None:
            return _OF_ALL[self.kind][1](report)
        return _OF_LAYERS[self.kind][1](report, self.layer)


def _places(report: Report) -> Iterator[_Place]:
    """Yield all questions, in the order in which they are asked."""
    for place, (row, layer) in enumerate(zip(report.layers, report.network.layers, strict=True)):
        yield from (
            _Place(kind, place) for kind, (suits, _) in _OF_LAYERS.items() if suits(row, layer)
        )
    yield from (_Place(kind, None) for kind, (suits, _) in _OF_ALL.items() if suits(report))


def _chosen(places: list[_Place], count: int, seed: int) -> list[_Place]:
    """Choose so many, whichever the seed's hash puts first.

    Round after round they are one of every kind, and two of what matters most.
    """

    def rank(number: int) -> bytes:
        return hashlib.sha256(f"{seed} {number}".encode()).digest()

    kinds: dict[str, list[int]] = {}
    for number in sorted(range(len(places)), key=rank):
        kinds.setdefault(places[number].kind, []).append(number)
    most = [kinds.pop(kind, []) for kind in _MOST_ASKED]
    halves = (numbers[start::2] for numbers in most for start in (0, 1))
    rounds = zip_longest(*halves, *kinds.values())
    order = [number for some in rounds for number in some if number is not None]
    return [places[number] for number in sorted(order[:count])]


def _about(report: Report, place: int) -> tuple[LayerRow, Layer, str, str]:
    """Return a layer's row, the layer, what to call it, and what goes in."""
    row, layer = report.layers[place], report.network.layers[place]
    given = f"It gets {shape_text(row.input_shape)}."
    if connected := _connected(layer):
        pairs = row.input_shape[0] * row.output_shape[0]
        given += f" Its table connects {connected:,} of {pairs:,} pairs of maps."
    return row, layer, f"{row.name} ({layer.notation()})", given


def _sizes(formulas: Iterable[str]) -> str:
    """Write the size formula of both axes, once where they are alike."""
    both = list(dict.fromkeys(formulas))
    return both[0] if len(both) == 1 else "height {}, width {}".format(*both)


def _ask_shape(report: Report, place: int) -> Question:
    row, layer, name, given = _about(report, place)
    if row.window is None:
        kind = "dense layer" if isinstance(layer, Dense) else "layer of units"
        reason = f"a {kind} gives one number per unit: {row.output_shape[0]:,}"
    elif not isinstance(layer, Conv2d):
        channels = plural(row.output_shape[0], "channel")
        reason = f"{_sizes(row.window.formulas)}; a pooling keeps the {channels}"
    else:
        channels = plural(row.output_shape[0], "channel")
        reason = f"{_sizes(row.window.formulas)}; the layer makes {channels}"
    answer = shape_text(row.output_shape)
    return Question(
        "shape",
        row.name,
        f"Which shape does {name} give?",
        given,
        answer,
        reason,
        tuple(row.output_shape),
    )


def _ask_parameters(report: Report, place: int) -> Question:
    row, layer, name, given = _about(report, place)
    weight = report.network.placed[place].tensors[0]
    counts = row.counts
    connected = _connected(layer)
    kernels = f"{connected:,} kernels x {_product(weight.shape[2:])}"
    parts = [
        f"{kernels if connected else _product(weight.shape)} weights",
        f"{counts.biases:,} bias{'es' * (counts.biases > 1)}",
    ]
    if counts.scales:
        parts.append(plural(counts.scales, "scale"))
    reason = f"{' + '.join(parts)} = {counts.parameters:,}"
    return _numeric("parameters", row, f"How many parameters does {name} have?", given, reason)


def _connected(layer: Layer) -> int:
    """Return how many pairs of maps a connection table connects; 0 without one."""
    table = layer.connected if isinstance(layer, Conv2d) else None
    return sum(map(len, table)) if table else 0


def _product(shape: Iterable[int]) -> str:
    return " x ".join(f"{size:,}" for size in shape)


def _numeric(kind: str, row: LayerRow, text: str, given: str, reason: str) -> Question:
    count = getattr(row.counts, kind.replace("-", "_"))
    return Question(kind, row.name, text, given, f"{count:,}", reason, (count,))


def _ask_multiply_adds(report: Report, place: int) -> Question:
    row, _, name, given = _about(report, place)
    counts, places = row.counts, row.output_shape[1:]
    if places:
        reason = f"{counts.weights:,} weights x {_product(places)} places"
    else:
        reason = f"{counts.weights:,} weights, each used once"
    text = f"How many multiply-adds does {name} take for one image?"
    return _numeric(
        "multiply-adds",
        row,
        text,
        given,
        f"{reason} = {counts.multiply_adds:,}" if places else reason,
    )


def _ask_activations(report: Report, place: int) -> Question:
    row, _, name, given = _about(report, place)
    text = f"How many numbers does {name} give for one image?"
    reason = f"{_product(row.output_shape)} = {row.counts.activations:,}"
    return _numeric("activations", row, text, given, reason)


def _ask_field(report: Report, place: int) -> Question:
    row, layer, name, given = _about(report, place)
    assert isinstance(layer, Windowed)
    before = ReceptiveField((1, 1), (1, 1))
    if place:
        before = report.layers[place - 1].receptive_field
    assert before.jump
    axes = zip(before.size, layer.kernel_size, before.jump, row.receptive_field.size, strict=True)
    written = [f"{size} + ({kernel} - 1) x {jump} = {now}" for size, kernel, jump, now in axes]
    reason = (
        f"{_sizes(written)}: the field before, and (kernel - 1) times the distance of neighbouring "
        "units before"
    )
    return Question(
        "field",
        row.name,
        f"How large is the receptive field of a unit of {name}, in pixels of the input?",
        given,
        pair_text(row.receptive_field.size),
        reason,
        tuple(row.receptive_field.size),
    )


def _ask_stride(report: Report, place: int) -> Question:
    row, layer, name, given = _about(report, place)
    assert isinstance(layer, Windowed)
    other = layer.replace(stride=2)
    shape = other.output_shape(row.input_shape)
    return Question(
        "stride",
        row.name,
        f"Which shape would {name} give with stride 2?",
        given,
        shape_text(shape),
        _sizes(other.size_formulas(row.input_shape)),
        tuple(shape),
    )


def _ask_padding(report: Report, place: int) -> Question:
    row, layer, name, given = _about(report, place)
    assert isinstance(layer, Conv2d)
    same = Conv2d(layer.channels, layer.kernel_size, padding="same")
    top, _, left, _ = same.padding
    formulas = _sizes(same.size_formulas(row.input_shape))
    return Question(
        "padding",
        row.name,
        f"Which padding on each side would let {name} keep the size of its input?",
        given,
        size_text((top, left)),
        f"(kernel - 1) / 2 on each side: {formulas}",
        (top, left),
    )


def _ask_layers(report: Report) -> Question:
    count = report.layer_count
    text = "How many layers does the network have, as papers count them?"
    return Question("layers", "", text, "", f"{count:,}", report.layer_text, (count,))


def _ask_total(report: Report) -> Question:
    total = report.total.parameters
    parts = [row.counts.parameters for row in report.layers if row.counts.parameters]
    reason = "the sum over all layers"
    if len(parts) <= _MOST_ADDED:
        reason = f"{' + '.join(f'{part:,}' for part in parts)} = {total:,}"
    text = "How many parameters does the whole network have?"
    return Question("total", "", text, "", f"{total:,}", reason, (total,))


def _ask_memory(report: Report) -> Question:
    size, count = report.memory.parameters, report.total.parameters
    given = f"It has {count:,} of them."
    text = "How many bytes do the network's parameters take in float32?"
    reason = f"{FLOAT_BYTES} bytes each: {FLOAT_BYTES} x {count:,} = {size:,}"
    return Question("memory", "", text, given, f"{size:,}", reason, (size,))


def _ask_largest(report: Report) -> Question:
    most = max(report.layers, key=lambda row: row.counts.parameters)
    reason = f"it has {most.counts.parameters:,} of {report.total.parameters:,}"
    return Question("largest", "", "Which layer has the most parameters?", "", most.name, reason)


def _has_one_largest(report: Report) -> bool:
    counts = sorted((row.counts.parameters for row in report.layers), reverse=True)
    return len(counts) > 1 and counts[0] > counts[1]


def _can_be_same(row: LayerRow, layer: Layer) -> bool:
    """Has padding of one number of pixels on all sides a meaning, and is it not there already?"""
    return (
        isinstance(layer, Conv2d)
        and layer.stride == (1, 1)
        and layer.padding == (0, 0, 0, 0)
        and all(size % 2 and size > 1 for size in layer.kernel_size)
    )


def _has_stride_one(row: LayerRow, layer: Layer) -> bool:
    return isinstance(layer, Conv2d) and layer.stride == (1, 1) and max(row.output_shape[1:]) > 1


#: Of each kind of question, which layers it suits, and what makes it; in the order of asking.
_OF_LAYERS: Final[
    Mapping[str, tuple[Callable[[LayerRow, Layer], bool], Callable[[Report, int], Question]]]
] = {
    "shape": (lambda row, layer: True, _ask_shape),
    "stride": (_has_stride_one, _ask_stride),
    "padding": (_can_be_same, _ask_padding),
    "activations": (lambda row, layer: len(row.output_shape) > 1, _ask_activations),
    "parameters": (lambda row, layer: layer.is_trained, _ask_parameters),
    "multiply-adds": (lambda row, layer: layer.is_trained, _ask_multiply_adds),
    "field": (lambda row, layer: isinstance(layer, Windowed), _ask_field),
}
_OF_ALL: Final[Mapping[str, tuple[Callable[[Report], bool], Callable[[Report], Question]]]] = {
    "layers": (lambda report: True, _ask_layers),
    "largest": (_has_one_largest, _ask_largest),
    "total": (lambda report: report.total.parameters > 0, _ask_total),
    "memory": (lambda report: report.total.parameters > 0, _ask_memory),
}
