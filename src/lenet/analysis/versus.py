"""``lenet.dense_versus_conv``: one image into a dense layer, and into a convolution.

The article's example: Dense(256) on a 3x1000x1000 image has 3 GB of weights. A convolution with as
many channels saves those, because it uses one small kernel at every place; it does not save
activations, because it gives a whole map for each of its channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lenet.analysis.counts import FLOAT_BYTES, LayerCounts, count_layer, count_network
from lenet.errors import ShapeError, about
from lenet.net import Conv2d, Dense, Network, zoo
from lenet.net.network import read_input
from lenet.net.shapes import elements, shape_text
from lenet.optimizers import OPTIMIZERS
from lenet.writing import Result
from lenet.writing.document import Bullets, Document, Section, table_of
from lenet.writing.numbers import bytes_text, plural, times, whole_percent


@dataclass(frozen=True)
class Case:
    """One way to take the image in; all sizes are bytes of float32."""

    name: str
    network: Network

    @cached_property
    def counts(self) -> LayerCounts:
        return count_network(self.network)

    @property
    def weights(self) -> int:
        """Weights and biases; their gradients take as much again."""
        return FLOAT_BYTES * self.counts.parameters

    @property
    def activations(self) -> int:
        """What all layers give for one image."""
        return FLOAT_BYTES * self.counts.activations

    def state(self, optimizer: str) -> int:
        """Return what the optimizer remembers."""
        return OPTIMIZERS[optimizer] * self.weights

    def training(self, optimizer: str) -> int:
        """Return weights, gradients and the optimizer's state, without any activations."""
        return 2 * self.weights + self.state(optimizer)


@dataclass(frozen=True, repr=False)
class Versus(Result):
    """The comparison; ``print`` it to read it. ``small`` is None where it does not fit."""

    dense: Case
    conv: Case
    small: Case | None
    findings: tuple[str, ...]

    csv_key = "cases"

    @property
    def cases(self) -> tuple[Case, ...]:
        return tuple(filter(None, (self.dense, self.conv, self.small)))

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON can hold it; docs/explain.md explains every key."""
        return {
            "format": "lenet-dense-versus-conv",
            "version": 1,
            "input_shape": list(self.dense.network.input_shape),
            "cases": list(map(_case_dict, self.cases)),
            "findings": list(self.findings),
        }

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Lay it out: a table with one column per case, and what follows from it, in words."""
        names = ["", *(case.name for case in self.cases)]
        table = table_of(_rows(self.cases), names, right=range(1, len(names)))
        title = f"{shape_text(self.dense.network.input_shape)} in, float32"
        return Document(title, (Section("", (table,)), Section("", (Bullets(self.findings),))))


def dense_versus_conv(
    input_shape: Iterable[int] | str, *, units: int = 256, kernel_size: int = 5
) -> Versus:
    """Put a dense layer beside a convolution and the smallest LeNet, on the same image.

    Args:
        input_shape: (channels, height, width), or text such as ``3x1000x1000``; with the channels
            last it is refused.
        units: of the dense layer, and channels of the convolution.
        kernel_size: the convolution's, height and width; padding keeps the image's size.

    Raises:
        UsageError: a size out of range.
    """
    with about("units"):
        layers = [Dense(units)]
    with about("input_shape"):
        shape = read_input(input_shape)
    dense = Case(f"dense {units}", Network(shape, layers))
    layer = Conv2d(units, kernel_size, padding="same")
    conv = Case(f"conv {units} k{kernel_size}", Network(shape, [layer]))
    lenet = Case("lenet-60", Network(shape, zoo.get("lenet-60").blocks))
    small: Case | None = lenet
    try:
        words = _on_small(lenet)
    except ShapeError:
        small, words = None, f"lenet-60 does not fit on {shape_text(shape)}."
    return Versus(dense, conv, small, (_on_dense(dense), *_on_conv(dense, conv), words))


def _on_dense(dense: Case) -> str:
    (units,) = dense.network.output_shape
    numbers = plural(elements(dense.network.input_shape), "number")
    return (
        f"Dense: {plural(units, 'unit')} times {numbers} of the image are "
        f"{plural(dense.counts.weights, 'weight')}: {bytes_text(dense.weights)}, with gradients "
        f"{bytes_text(dense.training('sgd'))}, with AdamW's state "
        f"{bytes_text(dense.training('adamw'))}."
    )


def _on_conv(dense: Case, conv: Case) -> Iterator[str]:
    given, made = conv.counts.parameters, conv.network.output_shape
    ratio = dense.counts.parameters / given
    few = f"{bytes_text(conv.weights)}: {times(ratio)} fewer"
    if ratio <= 1:
        few = "no fewer: the image has no more pixels than the kernel"
    have = f"{'has' if made[0] == 1 else 'have'} {given:,} parameters, {few}"
    yield f"Convolution: {plural(made[0], 'kernel')} used at every place {have}."
    if ratio > 1:
        gives = f"{shape_text(made)}, {bytes_text(conv.activations)} per image"
        other = f"the dense layer {bytes_text(dense.activations)}"
        yield f"A convolution saves weights, not activations: it gives {gives}, {other}."


def _on_small(small: Case) -> str:
    first = next(p for p in small.network.placed if p.layer.flattens)
    share = whole_percent(count_layer(first).parameters / small.counts.parameters)
    return (
        f"{small.name} on this image: {small.counts.parameters:,} parameters, {share} % of them in "
        f"{first.name}, which reads {shape_text(first.input_shape)}. Strides and poolings save "
        "activations, and the weights of the dense layer after them."
    )


def _rows(cases: tuple[Case, ...]) -> Iterator[list[str]]:
    yield ["parameters", *(f"{case.counts.parameters:,}" for case in cases)]
    sizes = {
        "weights": [case.weights for case in cases],
        "gradients": [case.weights for case in cases],
        "optimizer state, momentum": [case.state("momentum") for case in cases],
        "optimizer state, adamw": [case.state("adamw") for case in cases],
        "training with adamw": [case.training("adamw") for case in cases],
        "activations, one image": [case.activations for case in cases],
    }
    yield from ([title, *map(bytes_text, counts)] for title, counts in sizes.items())


def _case_dict(case: Case) -> dict[str, Any]:
    return {
        "name": case.name,
        "network": str(case.network),
        "output_shape": list(case.network.output_shape),
        "parameters": case.counts.parameters,
        "weight_bytes": case.weights,
        "gradient_bytes": case.weights,
        "momentum_bytes": case.state("momentum"),
        "adamw_bytes": case.state("adamw"),
        "training_bytes": {name: case.training(name) for name in OPTIMIZERS},
        "activation_bytes": case.activations,
    }
