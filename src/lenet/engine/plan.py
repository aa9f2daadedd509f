"""From a network to a plan: the verified steps every engine runs, with parameter offsets.

Letters used everywhere below and in the engines:
    N samples, C input channels, H x W input map, O output channels, P x Q output map,
    kh x kw kernel; for dense layers I inputs and O outputs. A convolution of g groups is g
    convolutions beside each other, of C / g and O / g channels.

A plan has one step per layer, in an order in which they can run, and one flat table of parameters.
Invariants, all held by :func:`verify`:
    1. a step names the steps it reads, all earlier ones (INPUT is the network's input), and reads
       exactly the shape that they write; every step but the last is read;
    2. every map size follows the one shape formula, every size is at least 1, no padding is
       negative, and a pooling's is smaller than its window;
    3. a dense step reads a vector: maps are flattened channel by channel, row by row;
       what reads a dense step is dense;
    4. tensors lie in the table in step order, weight before bias, each on a 64-byte boundary, and
       do not overlap; the gaps are zero and stay zero;
    5. ``pool_first`` is set only on a convolution without normalisation whose one reader is the
       next step, a max pooling, and whose activation never decreases: then
       max(f(x)) = f(max(x)), and an engine may pool first;
    6. only a convolution is normalised;
    7. only a convolution has more than one group, and its groups divide both its channels;
    8. only a convolution of one group has a connection table, which is of its channels; the weights
       that it leaves out are zero, and so is their gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lenet.errors import PlanError
from lenet.net.layers import ACTIVATIONS, LAYERS, Pool2d, Sides
from lenet.net.network import Network, PlacedLayer
from lenet.net.shapes import Pair, Shape, elements, output_size, pair_text
from lenet.net.tables import TABLES, links

Floats = NDArray[np.floating[Any]]

#: Floats that a 64-byte boundary is apart.
ALIGNMENT: Final = 16
#: The largest tensor an engine holds, in elements: offsets stay inside 32 bits for four lanes.
MAX_ELEMENTS: Final = 2**29 - 1
#: The most values that a pooling's window has, so that the place of each maximum is two bytes.
MAX_WINDOW: Final = 65_536
#: In ``Step.inputs``: the network's input.
INPUT: Final = -1
#: Fields of layers that a step need not repeat: its shapes and tensors show them.
SHOWN_BY_SHAPES: Final = frozenset({"channels", "units", "batch_norm"})


@dataclass(frozen=True)
class Tensor:
    """A named part of the flat parameter table: ``size`` floats from ``offset``, in C order."""

    name: str  # conv0.weight
    shape: tuple[int, ...]  # (O, C / g, kh, kw), (O, I) or (O,)
    offset: int
    trained: bool = True  # by its gradient; else it is counted while training, or fixed
    missing: int = 0  # of its numbers that are zero for ever

    @property
    def size(self) -> int:
        """How many numbers it holds, zeros included."""
        return elements(self.shape)

    def view(self, table: Floats) -> Floats:
        """Return this tensor inside ``table`` (T,): writing to the view writes to the table."""
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
    kind: str  # its layer's keyword
    inputs: tuple[int, ...]  # the places of the steps that it reads, or INPUT
    input_shape: tuple[int, int, int]
    output_shape: tuple[int, int, int]
    kernel_size: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Sides = (0, 0, 0, 0)  # top, bottom, left, right
    groups: int = 1
    table: str = ""  # the name of a connection table
    activation: str = "identity"
    pool_first: bool = False
    weight: Tensor | None = None
    bias: Tensor | None = None
    scale: Tensor | None = None
    mean: Tensor | None = None
    variance: Tensor | None = None

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Its tensors in table order."""
        places = (self.weight, self.bias, self.scale, self.mean, self.variance)
        return tuple(tensor for tensor in places if tensor is not None)

    @property
    def norm(self) -> Norm | None:
        """The tensors of its normalisation, if it has one."""
        if self.scale is None or self.mean is None or self.variance is None:
            return None
        return Norm(self.scale, self.mean, self.variance)

    @cached_property
    def links(self) -> NDArray[np.bool_] | None:
        """Which channel sees which, (O, C), where a connection table says so."""
        found = links(self.table, self.input_shape[0])
        return None if found is None else np.array(found)


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

    @cached_property
    def running(self) -> tuple[Tensor, ...]:
        """What is counted while training: the means and variances of normalised steps."""
        norms = (step.norm for step in self.steps if step.norm)
        return tuple(tensor for norm in norms for tensor in (norm.mean, norm.variance))

    @cached_property
    def fixed(self) -> tuple[Tensor, ...]:
        """What no training changes: the targets of RBF steps."""
        still = (tensor for tensor in self.tensors if not tensor.trained)
        return tuple(tensor for tensor in still if tensor not in self.running)

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(tensor.size - tensor.missing for tensor in self.tensors if tensor.trained)

    @property
    def normalised(self) -> bool:
        """Is any of its steps?"""
        return any(step.norm for step in self.steps)

    @property
    def classes(self) -> int:
        """How many scores come out for a sample."""
        return elements(self.steps[-1].output_shape)


def make_plan(network: Network) -> Plan:
    """Return the verified plan of ``network``; refuse one larger than an engine can hold."""
    steps: list[Step] = []
    offset = 0
    for index, place in enumerate(network.placed):
        step, offset = _make_step(place, index - 1, offset)
        steps.append(step)
    _check_size(steps)
    plan = Plan(network.input_shape, pooling_first(steps), offset)
    verify(plan)
    return plan


def pooling_first(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return ``steps`` with ``pool_first`` set wherever it may be."""
    return tuple(replace(s, pool_first=_may_pool_first(steps, i)) for i, s in enumerate(steps))


def verify(plan: Plan) -> None:
    """Refuse a plan that breaks an invariant at the top of this file."""
    for complaint in complaints(plan):
        raise PlanError(f"the plan is not valid: {complaint}.")


def _check_size(steps: Sequence[Step]) -> None:
    weights = 0
    for step in steps:
        window = elements(step.kernel_size)
        if issubclass(LAYERS[step.kind], Pool2d) and window > MAX_WINDOW:
            raise PlanError(
                f"{step.name} has a window of {pair_text(step.kernel_size)}, {window:,} values; "
                f"an engine takes at most {MAX_WINDOW:,}: use a smaller window, or two poolings."
            )
        weights += step.weight.size if step.weight else 0
        channels, height, width = step.input_shape
        top, bottom, left, right = step.padding
        sizes = {
            "inputs, padding included": channels * (height + top + bottom) * (width + left + right),
            "outputs": elements(step.output_shape),
            "weights": weights,
        }
        for what, size in sizes.items():
            if size > MAX_ELEMENTS:
                raise PlanError(
                    f"{step.name} brings the network to {size:,} {what}; an engine holds at most "
                    f"{MAX_ELEMENTS:,}: make the layers or the input smaller."
                )


def _make_step(place: PlacedLayer, reads: int, offset: int) -> tuple[Step, int]:
    """Return the step of a layer that reads step ``reads``, and where its tensors end."""
    layer = place.layer
    values: dict[str, Any] = {
        field.name: getattr(layer, field.name)
        for field in layer.fields
        if field.name not in SHOWN_BY_SHAPES
    }
    for tensor in place.tensors:
        name = f"{place.name}.{tensor.name}"
        made = Tensor(name, tensor.shape, offset, tensor.trained, tensor.missing)
        values[tensor.name] = made
        offset = _aligned(offset + made.size)
    input_shape = _as_read(layer.keyword, place.input_shape)
    output_shape = _as_maps(place.output_shape)
    step = Step(place.name, layer.keyword, (reads,), input_shape, output_shape, **values)
    return step, offset


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT


def _as_maps(shape: Shape) -> tuple[int, int, int]:
    channels, height, width = (*shape, 1, 1)[:3]
    return channels, height, width


def _as_read(kind: str, shape: Shape) -> tuple[int, int, int]:
    """Return the shape in which a step of ``kind`` reads what is of ``shape``."""
    return _as_maps((elements(shape),) if LAYERS[kind].flattens else shape)


def _may_pool_first(steps: Sequence[Step], index: int) -> bool:
    step, following = steps[index], steps[index + 1 : index + 2]
    pools = [(s.kind, s.inputs) for s in following] == [("maxpool", (index,))]
    if step.kind != "conv" or step.norm or not pools or step.activation not in ACTIVATIONS:
        return False
    readers = sum(index in s.inputs for s in steps)
    return readers == 1 and ACTIVATIONS[step.activation].monotone


def complaints(plan: Plan) -> Iterator[str]:
    """Yield every invariant that ``plan`` breaks, as a clause without a full stop."""
    if not plan.steps:
        yield "it has no steps"
    for index, step in enumerate(plan.steps):
        if step.kind not in KIND_COMPLAINTS:
            yield f"{step.name} is of the unknown kind {step.kind!r}"
            return
        yield from _input_complaints(plan, index)
        yield from _shape_complaints(step)
        yield from KIND_COMPLAINTS[step.kind](step)
        if step.pool_first and not _may_pool_first(plan.steps, index):
            yield f"{step.name} may not pool first: it needs a max pooling and a rising activation"
    yield from _table_complaints(plan)


def _input_complaints(plan: Plan, index: int) -> Iterator[str]:
    step = plan.steps[index]
    if len(step.inputs) != 1:
        yield f"{step.name} reads {len(step.inputs)} steps, and must read one"
    for reads in step.inputs:
        if not INPUT <= reads < index:
            yield f"{step.name} reads step {reads}, which does not come before it"
            continue
        writer = None if reads == INPUT else plan.steps[reads]
        shape = writer.output_shape if writer else plan.input_shape
        if step.input_shape != _as_read(step.kind, shape):
            where = f"{writer.name} writes" if writer else "the input is"
            yield f"{step.name} reads {step.input_shape}, {where} {shape}"
        if writer and LAYERS[writer.kind].flattens and not LAYERS[step.kind].flattens:
            yield f"{step.name} follows a dense step and is not dense"
    if index < len(plan.steps) - 1 and not any(index in s.inputs for s in plan.steps[index:]):
        yield f"{step.name} is read by no step"


def _shape_complaints(step: Step) -> Iterator[str]:
    _, height, width = step.input_shape
    if min(*step.input_shape, *step.output_shape, *step.kernel_size, *step.stride) < 1:
        yield f"{step.name} has a size below 1"
        return
    if step.groups != 1 and step.kind != "conv":
        yield f"{step.name} has groups and is no convolution"
    if min(step.padding) < 0:
        yield f"{step.name} has a negative padding {step.padding}"
    top, bottom, left, right = step.padding
    expected = (
        output_size(height, step.kernel_size[0], top + bottom, step.stride[0]),
        output_size(width, step.kernel_size[1], left + right, step.stride[1]),
    )
    if step.output_shape[1:] != expected:
        yield f"{step.name} writes {step.output_shape} where the shape formula gives {expected}"


def _conv_complaints(step: Step) -> Iterator[str]:
    outputs, channels = step.output_shape[0], step.input_shape[0]
    if step.groups < 1 or channels % step.groups or outputs % step.groups:
        yield f"{step.name} has {step.groups} groups of {channels} and {outputs} channels"
        return
    yield from _weight_complaints(step, (outputs, channels // step.groups, *step.kernel_size))
    if step.table:
        yield from _table_fault(step, outputs, channels)
    if step.norm and {t.shape for t in step.norm} != {(outputs,)}:
        yield f"{step.name} needs a scale, mean and variance of shape ({outputs},)"


def _table_fault(step: Step, outputs: int, channels: int) -> Iterator[str]:
    seen = TABLES.get(step.table, ())
    if len(seen) != outputs or max(map(max, seen)) != channels - 1 or step.groups != 1:
        yield f"{step.name} has a connection table of other channels"


def _dense_complaints(step: Step) -> Iterator[str]:
    yield from _weight_complaints(step, (step.output_shape[0], step.input_shape[0]))
    if not (1, 1) == step.kernel_size == step.input_shape[1:] == step.output_shape[1:]:
        yield f"{step.name} is dense and reads or writes more than (I, 1, 1)"
    if step.norm:
        yield f"{step.name} is normalised and no convolution"


def _weight_complaints(step: Step, shape: tuple[int, ...]) -> Iterator[str]:
    if step.activation not in ACTIVATIONS:
        yield f"{step.name} has the unknown activation {step.activation!r}"
    given = step.weight and step.weight.shape, step.bias and step.bias.shape
    if given != (shape, shape[:1]):
        yield f"{step.name} needs a weight of shape {shape} and a bias of shape {shape[:1]}"


def _pooling_complaints(step: Step) -> Iterator[str]:
    if step.tensors or step.activation != "identity":
        yield f"{step.name} is a pooling: no parameters, no activation, the same channels"
    yield from _window_complaints(step)


def _subsampling_complaints(step: Step) -> Iterator[str]:
    yield from _weight_complaints(step, step.output_shape[:1])
    yield from _window_complaints(step)


def _rbf_complaints(step: Step) -> Iterator[str]:
    shape = (step.output_shape[0], step.input_shape[0])
    if not step.weight or step.weight.shape != shape or len(step.tensors) > 1:
        yield f"{step.name} needs targets of shape {shape}, and nothing else"
    if step.activation != "identity":
        yield f"{step.name} measures distances, and has no activation"


def _window_complaints(step: Step) -> Iterator[str]:
    if step.output_shape[0] != step.input_shape[0]:
        yield f"{step.name} is a pooling: no parameters, no activation, the same channels"
    if any(side >= step.kernel_size[i // 2] for i, side in enumerate(step.padding)):
        yield f"{step.name} has padding as large as its window"


#: What is held of a step besides its shapes, by its layer's keyword.
KIND_COMPLAINTS: Final[dict[str, Callable[[Step], Iterator[str]]]] = {
    "conv": _conv_complaints,
    "maxpool": _pooling_complaints,
    "avgpool": _pooling_complaints,
    "dense": _dense_complaints,
    "subsample": _subsampling_complaints,
    "rbf": _rbf_complaints,
}


def _table_complaints(plan: Plan) -> Iterator[str]:
    end = 0
    for tensor in plan.tensors:
        if tensor.offset < end or tensor.offset % ALIGNMENT:
            yield f"{tensor.name} overlaps the tensor before it, or is not on a 64-byte boundary"
        end = tensor.offset + tensor.size
    if not end <= plan.table_size <= _aligned(end):
        yield f"the table has {plan.table_size} floats and its tensors need {end}"
