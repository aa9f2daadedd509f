"""From a network to a plan: the verified steps every engine runs, with parameter offsets.

Letters used everywhere below and in the engines:
    N samples, C input channels, H x W input map, O output channels, P x Q output map,
    kh x kw kernel; for dense layers I inputs and O outputs.

A plan is one step a layer, in order, plus one flat table of parameters. Invariants, all held by
:func:`verify`:
    1. step k reads exactly the shape that step k-1 writes; the first reads the network's input;
    2. every map size follows the one shape formula, every size is at least 1, no padding is
       negative, and a pooling's is smaller than its window;
    3. a dense step reads a vector: maps are flattened channel by channel, row by row;
       after the first dense step only dense steps follow;
    4. tensors lie in the table in step order, weight before bias, each on a 64-byte boundary, and
       do not overlap; the gaps are zero and stay zero;
    5. ``pool_first`` is set only on a convolution without normalisation whose next step is a max
       pooling and whose activation never decreases: then max(f(x)) = f(max(x)), and an engine may
       pool first;
    6. only a convolution is normalised.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lenet.errors import PlanError
from lenet.net.layers import ACTIVATIONS, AvgPool2d, Conv2d, Dense, MaxPool2d, Sides, Windowed
from lenet.net.network import Network, PlacedLayer
from lenet.net.shapes import Pair, Shape, elements, output_size

Floats = NDArray[np.floating[Any]]

#: Floats a 64-byte boundary is apart.
ALIGNMENT = 16
#: The largest tensor an engine holds, in elements: offsets stay inside 32 bits for four lanes.
MAX_ELEMENTS = 2**29 - 1


@dataclass(frozen=True)
class Tensor:
    """A named part of the flat parameter table: ``size`` floats from ``offset``, in C order."""

    name: str  # conv0.weight
    shape: tuple[int, ...]  # (O, C, kh, kw), (O, I) or (O,)
    offset: int
    trained: bool = True  # by its gradient; what is counted on the way is not

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return elements(self.shape)

    def view(self, table: Floats) -> Floats:
        """This tensor inside ``table`` (T,): writing to the view writes to the table."""
        return table[self.offset : self.offset + self.size].reshape(self.shape)


class Norm(NamedTuple):
    """The tensors of a batch normalisation, (O,) each; its shift is the step's bias."""

    scale: Tensor
    mean: Tensor  # running, as is the variance: counted while training, used afterwards
    variance: Tensor


@dataclass(frozen=True)
class Step:
    """One layer as an engine runs it. Dense steps are (I, 1, 1) to (O, 1, 1)."""

    name: str
    kind: str  # conv, maxpool, avgpool or dense
    input_shape: tuple[int, int, int]
    output_shape: tuple[int, int, int]
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Sides = (0, 0, 0, 0)  # top, bottom, left, right
    activation: str = "identity"
    pool_first: bool = False
    weight: Tensor | None = None
    bias: Tensor | None = None
    norm: Norm | None = None

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Its tensors in table order."""
        norm = self.norm
        found = (self.weight, self.bias, *(norm or ()))
        return tuple(tensor for tensor in found if tensor is not None)


@dataclass(frozen=True)
class Plan:
    """What an engine needs to know about a network, and nothing about how it will do it."""

    input_shape: tuple[int, int, int]  # (C, H, W) of a sample; a dense first step flattens it
    steps: tuple[Step, ...]
    table_size: int  # floats in the flat parameter table, gaps included

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """All tensors in table order."""
        return tuple(tensor for step in self.steps for tensor in step.tensors)

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(tensor.size for tensor in self.tensors if tensor.trained)

    @property
    def normalised(self) -> bool:
        """Is any of its steps?"""
        return any(step.norm for step in self.steps)

    @property
    def classes(self) -> int:
        """How many scores come out for a sample."""
        return elements(self.steps[-1].output_shape)


def make_plan(network: Network) -> Plan:
    """The verified plan of ``network``.

    Raises:
        ShapeError: the network does not fit.
        PlanError: it fits, but is larger than an engine can hold.
    """
    _check_size(network)
    steps: list[Step] = []
    offset = 0
    placed = network.placed
    for place, following in zip(placed, (*placed[1:], None), strict=True):
        step, offset = _make_step(place, following, offset)
        steps.append(step)
    plan = Plan(network.input_shape, tuple(steps), offset)
    verify(plan)
    return plan


def verify(plan: Plan) -> None:
    """Hold a plan against the invariants at the top of this file.

    Raises:
        PlanError: names the step and the invariant it breaks.
    """
    for complaint in complaints(plan):
        raise PlanError(f"the plan is not valid: {complaint}.")


def _check_size(network: Network) -> None:
    weights = 0
    for place in network.placed:
        weights += _weight_size(place)
        sizes = {
            "inputs, padding included": _padded_size(place),
            "outputs": elements(place.output_shape),
            "weights": weights,
        }
        for what, size in sizes.items():
            if size > MAX_ELEMENTS:
                raise PlanError(
                    f"{place.name} brings the network to {size:,} {what}; an engine holds at most "
                    f"{MAX_ELEMENTS:,}: make the layers or the input smaller."
                )


def _padded_size(place: PlacedLayer) -> int:
    if not isinstance(place.layer, Windowed):
        return elements(place.input_shape)
    channels, height, width = place.input_shape
    down, along = place.layer.total_padding
    return channels * (height + down) * (width + along)


def _weight_size(place: PlacedLayer) -> int:
    return sum(tensor.size for tensor in place.tensors if tensor.name == "weight")


def _make_step(place: PlacedLayer, following: PlacedLayer | None, offset: int) -> tuple[Step, int]:
    layer, name = place.layer, place.name
    match layer:
        case Dense():
            weight, bias, end = _tensors(name, (layer.units, elements(place.input_shape)), offset)
            step = Step(
                name=name,
                kind="dense",
                input_shape=(elements(place.input_shape), 1, 1),
                output_shape=(layer.units, 1, 1),
                activation=layer.activation,
                weight=weight,
                bias=bias,
            )
        case Conv2d():
            shape = (layer.channels, place.input_shape[0], *layer.kernel_size)
            weight, bias, end = _tensors(name, shape, offset)
            norm, end = _norm(name, layer.channels, end) if layer.batch_norm else (None, end)
            pools = following is not None and isinstance(following.layer, MaxPool2d)
            step = Step(
                name=name,
                kind="conv",
                input_shape=_maps(place.input_shape),
                output_shape=_maps(place.output_shape),
                kernel=layer.kernel_size,
                stride=layer.stride,
                padding=layer.padding,
                activation=layer.activation,
                pool_first=pools and ACTIVATIONS[layer.activation].monotone and norm is None,
                weight=weight,
                bias=bias,
                norm=norm,
            )
        case MaxPool2d() | AvgPool2d():
            end = offset
            step = Step(
                name=name,
                kind="maxpool" if isinstance(layer, MaxPool2d) else "avgpool",
                input_shape=_maps(place.input_shape),
                output_shape=_maps(place.output_shape),
                kernel=layer.kernel_size,
                stride=layer.stride,
                padding=layer.padding,
            )
    return step, end


def _tensors(name: str, shape: tuple[int, ...], offset: int) -> tuple[Tensor, Tensor, int]:
    weight = Tensor(f"{name}.weight", shape, offset)
    bias = Tensor(f"{name}.bias", shape[:1], _aligned(offset + weight.size))
    return weight, bias, _aligned(bias.offset + bias.size)


def _norm(name: str, channels: int, offset: int) -> tuple[Norm, int]:
    tensors = []
    for part in ("scale", "mean", "variance"):
        tensors.append(Tensor(f"{name}.{part}", (channels,), offset, trained=part == "scale"))
        offset = _aligned(offset + channels)
    return Norm(*tensors), offset


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT


def _maps(shape: Shape) -> tuple[int, int, int]:
    channels, height, width = shape
    return channels, height, width


def complaints(plan: Plan) -> Iterator[str]:
    """Every invariant that ``plan`` breaks, as a clause without a full stop."""
    if not plan.steps:
        yield "it has no steps"
        return
    first = plan.steps[0]
    read = elements(plan.input_shape), 1, 1
    if first.input_shape != (read if first.kind == "dense" else plan.input_shape):
        yield f"{first.name} reads {first.input_shape}, not the input {plan.input_shape}"
    for step, following in zip(plan.steps, (*plan.steps[1:], None), strict=True):
        yield from _shape_complaints(step)
        yield from _kind_complaints(step)
        yield from _order_complaints(step, following)
    yield from _table_complaints(plan)


def _shape_complaints(step: Step) -> Iterator[str]:
    _, height, width = step.input_shape
    if min(*step.input_shape, *step.output_shape, *step.kernel, *step.stride) < 1:
        yield f"{step.name} has a size below 1"
        return
    if min(step.padding) < 0:
        yield f"{step.name} has a negative padding {step.padding}"
    top, bottom, left, right = step.padding
    expected = (
        output_size(height, step.kernel[0], top + bottom, step.stride[0]),
        output_size(width, step.kernel[1], left + right, step.stride[1]),
    )
    if step.output_shape[1:] != expected:
        yield f"{step.name} writes {step.output_shape} where the shape formula gives {expected}"


def _kind_complaints(step: Step) -> Iterator[str]:
    channels, outputs = step.input_shape[0], step.output_shape[0]
    if step.activation not in ACTIVATIONS:
        yield f"{step.name} has the unknown activation {step.activation!r}"
    if step.kind in ("conv", "dense"):
        wanted = (outputs, channels, *step.kernel)[: 4 if step.kind == "conv" else 2]
        found = step.weight and step.weight.shape, step.bias and step.bias.shape
        if found != (wanted, (outputs,)):
            yield f"{step.name} needs a weight of shape {wanted} and a bias of shape ({outputs},)"
        if step.norm and {t.shape for t in step.norm} != {(outputs,)}:
            yield f"{step.name} needs a scale, mean and variance of shape ({outputs},)"
        flat = (1, 1) == step.kernel == step.input_shape[1:] == step.output_shape[1:]
        if step.kind == "dense" and not flat:
            yield f"{step.name} is dense and reads or writes more than (I, 1, 1)"
    elif step.kind in ("maxpool", "avgpool"):
        if (step.weight or step.bias) or outputs != channels or step.activation != "identity":
            yield f"{step.name} is a pooling: no parameters, no activation, the same channels"
        if any(side >= step.kernel[i // 2] for i, side in enumerate(step.padding)):
            yield f"{step.name} has padding as large as its window"
    else:
        yield f"{step.name} is of the unknown kind {step.kind!r}"


def _order_complaints(step: Step, following: Step | None) -> Iterator[str]:
    fits = following is not None and following.kind == "maxpool"
    activation = ACTIVATIONS.get(step.activation)
    rises = activation is not None and activation.monotone and not step.norm
    if step.pool_first and not (step.kind == "conv" and fits and rises):
        yield f"{step.name} may not pool first: that needs a max pooling and a rising activation"
    if step.norm and step.kind != "conv":
        yield f"{step.name} is normalised and no convolution"
    if following is None:
        return
    flattened = (elements(step.output_shape), 1, 1)
    if following.input_shape != (flattened if following.kind == "dense" else step.output_shape):
        yield f"{following.name} reads {following.input_shape}, {step.name} writes otherwise"
    if step.kind == "dense" and following.kind != "dense":
        yield f"{following.name} follows a dense step and is not dense"


def _table_complaints(plan: Plan) -> Iterator[str]:
    end = 0
    for tensor in plan.tensors:
        if tensor.offset < end or tensor.offset % ALIGNMENT:
            yield f"{tensor.name} overlaps the tensor before it, or is not on a 64-byte boundary"
        end = tensor.offset + tensor.size
    if not end <= plan.table_size <= _aligned(end):
        yield f"the table has {plan.table_size} floats and its tensors need {end}"
