"""Why a network does not fit, and which changes make it fit; each of them was tried."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lenet.analysis.diagnosis.changes import Fix, Misfit, first_dense, first_misfit, least_sizes
from lenet.analysis.diagnosis.fixes import find_fixes
from lenet.errors import ShapeError
from lenet.net import Layer, Network, Shape, Source, read_named
from lenet.net.layers import Windowed
from lenet.net.shapes import output_size, pair_text, shape_text, size_formula
from lenet.net.words import with_article
from lenet.writing.numbers import plural


@dataclass(frozen=True)
class Diagnosis:
    """What :func:`diagnose` found out; ``print`` it to read it.

    Attributes:
        name: what the network is called; may be empty.
        network: the network looked at, with the input that was asked for.
        layer: the first layer that does not fit; None where all do.
        problem: why it does not fit, one sentence; empty where all fits.
        fixes: changes that make the whole network fit, the best first; none where all fits.
        least_input: the smallest (height, width) that fits, each axis by itself; None where no
            size does.
    """

    name: str
    network: Network
    layer: str | None
    problem: str
    fixes: tuple[Fix, ...]
    least_input: tuple[int, int] | None

    @property
    def fits(self) -> bool:
        """Do all layers fit?"""
        return self.layer is None

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as JSON can hold it: dicts, lists, numbers, strings and None."""
        from lenet.analysis.diagnosis.document import diagnosis_document

        return diagnosis_document(self)

    def __str__(self) -> str:
        from lenet.analysis.diagnosis.text import render_diagnosis
        from lenet.terminal import columns

        return render_diagnosis(self, columns())


def diagnose(
    network: Source,
    input_shape: Iterable[int] | str | None = None,
    name: str = "",
) -> Diagnosis:
    """Find out whether a network fits, why it does not, and what makes it fit.

    Args:
        network: a network, zoo name, notation or ``.json`` file.
        input_shape: look at the network on this input instead of its own: (channels, height,
            width), or text such as ``3x64x64``.
        name: what to call it; by default its zoo name or file.

    Raises:
        UsageError: ``network`` names none, or the input shape is impossible.
    """
    network, name = read_named(network, name, input_shape)
    misfit = first_misfit(network)
    return Diagnosis(
        name=name,
        network=network,
        layer=None if misfit is None else network.names[misfit.index],
        problem="" if misfit is None else _problem(network, misfit),
        fixes=find_fixes(network),
        least_input=_least(network),
    )


def explain_misfit(error: ShapeError) -> str:
    """The whole message for a network that does not fit: why, and what makes it fit.

    The error's own sentence where it does not know its network.
    """
    if not isinstance(error.network, Network):
        return str(error)
    from lenet.analysis.diagnosis.text import render_problem

    return render_problem(diagnose(error.network))


def _least(network: Network) -> tuple[int, int] | None:
    layers = network.layers
    if any(isinstance(layer, Windowed) for layer in layers[first_dense(layers) :]):
        return None
    return least_sizes(layers)[0]


def _problem(network: Network, misfit: Misfit) -> str:
    layer, name = network.layers[misfit.index], network.names[misfit.index]
    shape = misfit.shapes[-1]
    if len(shape) == 3:
        return f"{name} gets {shape_text(shape)} and {_too_large(layer, shape)}."
    before = network.names[misfit.index - 1]
    return (
        f"{name} is {with_article(layer.describe())} and needs feature maps (channels, height, "
        f"width), but {before} before it is dense and leaves only {plural(shape[0], 'number')}."
    )


def _too_large(layer: Layer, shape: Shape) -> str:
    """Which window does not fit where, with the formula's numbers; one axis if they are alike."""
    assert isinstance(layer, Windowed)
    axes = list(zip(shape[1:], layer.kernel_size, layer.total_padding, layer.stride, strict=True))
    wrong = [axis for axis, numbers in enumerate(axes) if output_size(*numbers) < 1]
    formulas = list(dict.fromkeys(size_formula(*axes[axis]) for axis in wrong))
    where = f" its {('height', 'width')[wrong[0]]}" if len(wrong) == 1 else ""
    return (
        f"{with_article(pair_text(layer.kernel_size))} {layer.window_noun} does not fit{where}: "
        f"{' and '.join(formulas)}"
    )
