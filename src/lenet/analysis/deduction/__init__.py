"""The inverse problem: from the shapes that a figure shows to the network behind it.

- ``windows``: the size formula solved backwards, and what is common: the candidates of a step
- ``figure``: the figure's text read into shapes, and what is known beforehand
- ``search``: all of it, step by step over a whole figure
- ``pages``: the reasoning in sentences, and a page of all
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Any

from lenet.analysis.counts import count_network
from lenet.analysis.deduction import pages
from lenet.analysis.deduction.figure import Figure, Stage, read_figure, read_limit
from lenet.analysis.deduction.search import Step, find_steps
from lenet.analysis.deduction.windows import Candidate
from lenet.net import Dense, Network
from lenet.writing import Result, plain
from lenet.writing.document import Document

__all__ = ["Candidate", "Deduction", "Figure", "Stage", "Step", "deduce", "read_figure"]


@dataclass(frozen=True)
class Deduction(Result):
    """Everything :func:`deduce` finds out; ``print`` it to read it, ``.network`` trains.

    ``assumptions`` say what no shapes tell; ``figure.notes`` how unclear shapes were read.
    """

    figure: Figure
    steps: tuple[Step, ...]
    network: Network
    parameters: int
    assumptions: tuple[str, ...]

    def page(self, form: str = "text", width: int = 80, everything: bool = False) -> Document:
        """Return the deduction as a page; see :meth:`lenet.writing.Result.page`.

        ``everything`` lists all windows that fit, not only how many there are.
        """
        facts = self.figure, self.steps, self.network, self.parameters, self.assumptions
        return pages.deduction_page(*facts, everything)

    def to_dict(self) -> dict[str, Any]:
        """Return the deduction as JSON can hold it; docs/deduce.md explains every key."""
        return {
            "format": "lenet-deduction",
            "version": 1,
            "figure": plain([stage.shape for stage in self.figure.stages]),
            "network": str(self.network),
            "parameters": self.parameters,
            "notes": list(self.figure.notes),
            "assumptions": list(self.assumptions),
            "steps": [plain(_step_dict(step)) for step in self.steps],
        }


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


def deduce(
    figure: str,
    *,
    given: str | Iterable[str] = (),
    params: int | str | None = None,
    activation: str = "relu",
) -> Deduction:
    """Find the network behind a figure that shows only shapes; ``print`` the result to read it.

    Args:
        figure: the shapes in order, such as ``32x32 -> 6@28x28 -> 6@14x14 -> 120 -> 10``.
        given: what is known of single layers, each in the notation's words: ``conv1 k5``.
        params: at most so many parameters in all (``60000``), or exactly (``"=61706"``).
        activation: of every convolution and dense layer but the last dense one.

    Raises:
        NotationError: the figure or what is given cannot be read, or a step is impossible; the
            error shows the place.
        UsageError: no combination has so few parameters, or an argument cannot be meant.
    """
    Dense(1, activation)  # refuses what is no activation
    limit = None if params is None else read_limit(params)
    shapes = read_figure(figure)
    network, steps = find_steps(shapes, given, limit, activation)
    return Deduction(
        shapes,
        pages.explain_steps(steps),
        network,
        count_network(network).parameters,
        tuple(pages.assumptions(shapes, steps)),
    )
