"""A network that is typed, and all that follows from it: what the tab Build shows.

Nothing is computed here: what each function of the library finds out is written for the page. A
text is a network of the zoo or a notation, and never the name of a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from lenet.analysis import explain
from lenet.analysis.balance import balance
from lenet.analysis.comparison import compare
from lenet.analysis.deduction import deduce
from lenet.analysis.diagnosis import Diagnosis, diagnose
from lenet.analysis.explanation import Report
from lenet.drawing import draw
from lenet.errors import LenetError, NotationError, UsageError
from lenet.net import Network, parse_network, zoo, zoo_name_of
from lenet.net.shapes import pair_text, shape_text
from lenet.serving.markup import picture, piece
from lenet.writing.document import Bullets, Document, Notation
from lenet.writing.numbers import bytes_text

#: Of longer networks there is no figure and no table, only what is told in a line.
MOST_LAYERS: Final = 40


def read_typed(text: str) -> Network:
    """Return the network that a person typed: a name of the zoo's or a notation.

    Raises:
        NotationError: it is neither; the error shows the place.
    """
    name = text.strip().lower()
    return zoo.get(name) if name in zoo.names() else parse_network(text)


def build(
    text: str, start: str = "", style: str = "figure", width: int | None = None
) -> dict[str, Any]:
    """Return what there is to show of a network as it is typed.

    ``start`` is the network that it was made from, to be compared with; ``style`` and ``width`` are
    its figure's, as :func:`lenet.draw` takes them. What cannot be read gives
    ``problem`` and ``position``; what does not fit gives ``problem`` and ``fixes``.
    """
    try:
        network = read_typed(text)
    except NotationError as error:
        return {"problem": first_line(error), "position": error.position}
    diagnosis = diagnose(network)
    if not diagnosis.fits:
        return {"network": str(network), **_misfit(diagnosis)}
    report = explain(network)
    outputs = (placed.output_shape for placed in network.placed)
    shown: dict[str, Any] = {
        "network": str(network),
        "name": zoo_name_of(network),
        "shapes": [shape_text(shape) for shape in (network.input_shape, *outputs)],
        "facts": dict(_facts(report, diagnosis)),
        "findings": list(report.findings),
    }
    if len(network.layers) <= MOST_LAYERS:
        shown |= {
            "figure": picture(draw(network, style=style, width=width)),
            "table": piece(_tables(report)),
            "balance": piece(replace(balance(network).page("html"), title="", beside=())),
            "changes": _changes(start, network),
        }
    return shown


def advised(text: str, budget: str) -> dict[str, Any]:
    """Return widths that keep neighbouring layers alike within a budget, such as
    ``parameters=60k, memory=256kB``; or why there are none."""
    limits = [part.strip() for part in budget.split(",") if part.strip()]
    try:
        network = read_typed(text)
        if len(network.layers) > MOST_LAYERS:  # it would take the time of all other answers
            raise UsageError(
                f"the network has {len(network.layers):,} layers, and here widths are found for at "
                f"most {MOST_LAYERS}; lenet balance has no such limit."
            )
        found = balance(network, budget=limits)
    except LenetError as error:
        return {"problem": first_line(error)}
    about = [s for s in found.page("html").sections if not s.title][1:]  # the first is the chart
    return {
        "page": piece(Document("", tuple(about))),
        "proposals": [{"what": p.what, "network": str(p.network)} for p in found.proposals],
    }


def first_line(error: Exception) -> str:
    """Return an error's sentence; what stands below it is shown otherwise."""
    return str(error).partition("\n")[0]


def _misfit(diagnosis: Diagnosis) -> dict[str, Any]:
    values = diagnosis.to_dict()
    return {name: values[name] for name in ("layer", "problem", "fixes")}


def _facts(report: Report, diagnosis: Diagnosis) -> Iterator[tuple[str, str]]:
    total, memory = report.total, report.memory
    counted, _, parts = report.layer_text.partition(" (")[0].partition(" layer")
    yield "layers", f"{counted}{parts.removeprefix('s')}"
    yield "parameters", f"{total.parameters:,}"
    yield "multiply_adds", f"{total.multiply_adds:,}"
    yield "activations", f"{total.activations:,}"
    yield "inference", bytes_text(memory.inference(1))
    if least := diagnosis.least_input:
        yield "least_input", pair_text(least)


def _tables(report: Report) -> Document:
    """Return the page of ``lenet explain`` without what stands elsewhere on this page."""
    page = report.page("html")
    sections = (s for s in page.sections if not isinstance(s.blocks[0], Bullets | Notation))
    return replace(page, title="", beside=(), sections=tuple(sections))


def _changes(start: str, network: Network) -> str:
    """Compare a network with the one that it was made from, where both fit and differ."""
    if not start:
        return ""
    try:
        before = read_typed(start)
        if before == network or len(before.layers) > MOST_LAYERS:
            return ""
        page = compare(before, network, names=("before", "now")).page("html")
    except LenetError:
        return ""
    return piece(replace(page, title=""))


def deduced(
    figure: str, given: str = "", params: str = "", activation: str = "relu"
) -> dict[str, Any]:
    """Return the network behind a figure's shapes, and the reasoning; or what cannot be read."""
    known = [part.strip() for part in given.split(",") if part.strip()]
    try:
        result = deduce(figure, given=known, params=params or None, activation=activation)
    except LenetError as error:
        return {"problem": first_line(error), "position": getattr(error, "position", None)}
    *reasons, answer = (page := result.page("html")).sections
    return {
        "network": str(result.network),
        "page": _without_options(piece(replace(page, title="", sections=(answer, *reasons)))),
    }


def _without_options(text: str) -> str:
    """Name no options of the command line: what they are given goes into a field of the page."""
    return text.replace(" (--all)", "").replace("--given ", "given ")
