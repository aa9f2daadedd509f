"""What a deduction found: every step with its ranked candidates, and the network they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lenet.analysis.deduction.figure import Figure, Stage
from lenet.analysis.deduction.priors import CONV, DENSE, POOL, Candidate
from lenet.analysis.deduction.solve import Axis
from lenet.net import Conv2d, Dense, Layer, Network
from lenet.net.layers import Windowed


@dataclass(frozen=True)
class Step:
    """One arrow of the figure: what leads from ``source`` to ``target``.

    Attributes:
        name: the layer's name in the network, such as conv0.
        candidates: what fits, best first: on a square map the windows that are the same on both
            axes, else those with a square kernel and one stride, where there are any.
        chosen: the candidate that is in the network; the first, unless a limit on the parameters
            made another one better.
        layer: the same as a layer.
        heights: every window that fits the height; any of them can go with any of the widths.
        widths: every window that fits the width.
        given: what was known beforehand of its kind or window, as it was given.
        reasoning: why it was chosen, in sentences.
    """

    name: str
    source: Stage
    target: Stage
    candidates: tuple[Candidate, ...]
    chosen: Candidate
    layer: Layer
    heights: tuple[Axis, ...] = ()
    widths: tuple[Axis, ...] = ()
    given: str = ""
    reasoning: tuple[str, ...] = ()

    @property
    def ties(self) -> tuple[Candidate, ...]:
        """The other candidates that are as good as the chosen one."""
        return tuple(
            one for one in self.candidates if one.score == self.chosen.score and one != self.chosen
        )

    def of_kind(self, kind: str) -> tuple[Candidate, ...]:
        """The candidates of one kind, best first."""
        return tuple(one for one in self.candidates if one.kind == kind)

    def fits(self, layer: Layer) -> bool:
        """Is ``layer`` among all that was found, with any window on either axis?

        Padding is compared as the total of both sides; channels and activation are not compared.
        """
        kind = DENSE if isinstance(layer, Dense) else CONV if isinstance(layer, Conv2d) else POOL
        if not self.of_kind(kind) or not isinstance(layer, Windowed):
            return bool(self.of_kind(kind))
        return all(
            (layer.kernel_size[i], layer.stride[i], layer.total_padding[i])
            in {(axis.kernel, axis.stride, axis.padding) for axis in axes}
            for i, axes in enumerate((self.heights, self.widths))
        )


@dataclass(frozen=True)
class Deduction:
    """Everything :func:`deduce` found out; ``print`` it to read it, ``.network`` trains.

    ``assumptions`` say what no shapes tell; ``figure.notes`` how unclear shapes were read.
    """

    figure: Figure
    steps: tuple[Step, ...]
    network: Network
    parameters: int
    assumptions: tuple[str, ...]

    def __str__(self) -> str:
        from lenet.analysis.deduction.render import render_deduction
        from lenet.terminal import columns

        return render_deduction(self, columns())

    def to_dict(self) -> dict[str, Any]:
        """The deduction as JSON can hold it: dicts, lists, numbers, strings and None."""
        from lenet.analysis.deduction.document import to_dict

        return to_dict(self)
