"""Whole numbers: what an int8 model computes, to the bit, in plain NumPy.

A value v of a map is a byte q from -128 to 127 with v = scale (q - zero); weights are bytes from
-127 to 127 with a scale for each output channel and no zero. A convolution or dense layer is then

    sum = bias + the sum over its inputs of (q - zero) weight       within 32 bits, never more
    out = zero' + (sum multiplier + 2^(shift - 1)) >> shift         rounded once, in 64 bits
    out is cut off at -128 and 127

where multiplier / 2^shift, at most 1 and one for each channel, leads from the sum's scale to that
of what is written; a layer has one shift. A ReLU costs nothing: its zero' is -128, where numbers
are cut off. A maximum keeps its scale, a mean is a sum with a multiplier, and any other activation
is a table of 256 bytes. An image enters as byte - 128: its scale and shift are in the first layer's
numbers. The last layer writes scores of 32 bits in units of 2^-bits; the largest is the class, and
a table of e^-x makes probabilities of their distances.

:mod:`lenet.formats.int8` chooses the numbers; the C files that lenet writes have the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from lenet.engine import operations
from lenet.engine.normalise import folded_plan
from lenet.engine.operations import Inputs
from lenet.engine.plan import Floats, Plan, Step
from lenet.net.shapes import elements

Ints = npt.NDArray[np.int64]
Images = npt.NDArray[np.uint8]

LOW: Final = -128
HIGH: Final = 127
#: A distance of scores is looked up in steps of 2^-4 = 1/16, and scores have at most 12 bits.
TABLE_BITS: Final = 4
SCORE_BITS: Final = 12
#: Their unit is 2^64 at most.
LEAST_BITS: Final = -64
#: No sum of a layer comes near 2^31 in size: half of this from the bias, half from the weights.
LARGEST_SUM: Final = 2**30
#: Activations that need no table.
_DIRECT: Final = ("identity", "relu")
#: What e^-x is multiplied by in the table.
_ONE: Final = 65_535
#: Numbers that the windows of some images may take at a time.
_CHUNK: Final = 1 << 22


@dataclass(frozen=True)
class IntegerStep:
    """A step in whole numbers; poolings have no weight, and a maximum has nothing at all."""

    step: Step
    pad: Ints  # (C,): the bytes that stand for 0 in what it reads
    zero: int  # the byte that stands for 0 in what it writes; 0 for scores
    weight: Ints | None = None  # (O, C / g, kh, kw) or (O, I)
    bias: Ints | None = None  # (O,), of a mean (1,)
    multiplier: Ints | None = None  # likewise
    shift: int = 0
    table: Ints | None = None  # (256,): what stands for the activation of -128, -127, ...
    is_last: bool = False  # it writes scores

    @property
    def largest(self) -> int:
        """No sum of its products is larger."""
        taps = elements(self.step.kernel_size)
        if self.weight is not None:
            taps = int(np.abs(self.weight.reshape(len(self.weight), -1)).sum(axis=1).max())
        return (HIGH - LOW) * taps

    @property
    def folded_bias(self) -> Ints:
        """The bias for which q may stand instead of q - zero, (O,)."""
        assert self.bias is not None
        if self.weight is None:
            return self.bias
        return np.asarray(self.bias - _seen(self.step, self.pad, self.weight))

    @property
    def bias_unit(self) -> int:
        """The power of two that folded biases are multiples of: so 16 bits hold them."""
        return 1 << max(0, int(np.abs(self.folded_bias).max()).bit_length() - 15)

    def with_short_bias(self) -> IntegerStep:
        """Return the step with its biases rounded to 16 bits, as a C file holds them."""
        folded, unit = self.folded_bias, self.bias_unit
        short = np.rint(folded / unit).astype(np.int64).clip(-(2**15) + 1, 2**15 - 1) * unit
        return replace(self, bias=self.bias + short - folded)


#: The types of the numbers in a file.
_PARTS: Final = {
    **dict.fromkeys(("pad", "zero", "weight", "table", "bits"), np.int8),
    **dict.fromkeys(("bias", "multiplier", "scores"), np.int32),
    "shift": np.uint8,
}


@dataclass(frozen=True)
class IntegerNetwork:
    """A network in whole numbers.

    Attributes:
        steps: one for each layer.
        bits: scores are in units of 2^-bits.
        table: (256,) the scores that the last bytes stand for, of a network whose last layer is
            no plain convolution or dense layer; None where it writes scores itself.
    """

    steps: tuple[IntegerStep, ...]
    bits: int
    table: Ints | None

    def scores(self, images: Images) -> Ints:
        """Return the scores (N, classes) of prepared images (N, C, H, W)."""
        parts = chunks([step.step for step in self.steps], images)
        return np.concatenate([self._scores(part) for part in parts])

    def probabilities(self, scores: Ints) -> Floats:
        """Return the probabilities (N, classes) of scores."""
        lost = max(self.bits - TABLE_BITS, 0)
        below = scores.max(axis=1, keepdims=True) - scores
        at = (below + ((1 << lost) >> 1)) >> lost
        found = np.append(self.powers, 0)[np.minimum(at, len(self.powers))]
        total = found.sum(axis=1, keepdims=True)
        return np.asarray(found.astype(np.float32) / total.astype(np.float32))

    @cached_property
    def powers(self) -> Ints:
        """e^-x times 65,535 for x = 0, 1, 2, ... in units of 2^-min(bits, 4), while above 0."""
        unit = 2.0 ** -min(self.bits, TABLE_BITS)
        powers = np.rint(_ONE * np.exp(-unit * np.arange(256 / unit)[:4096])).astype(np.int64)
        return np.asarray(powers[powers > 0])

    def outputs(self, images: Images) -> list[Ints]:
        """Return what every step makes of prepared images (N, C, H, W): bytes, or scores."""
        q, found = images.astype(np.int64) + LOW, list[Ints]()
        for step in self.steps:
            found.append(q := apply(step, q))
        return found

    def _scores(self, images: Images) -> Ints:
        q = self.outputs(images)[-1].reshape(len(images), -1)
        return q if self.table is None else np.asarray(self.table[q - LOW])

    def to_tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return everything as arrays by name, as a model's file holds it."""
        found = {"bits": self.bits, "scores": self.table}
        for step in self.steps:
            found |= {f"{step.step.name}.{part}": getattr(step, part, None) for part in _PARTS}
        return {
            name: np.atleast_1d(np.asarray(values, _PARTS[name.rpartition(".")[2]]))
            for name, values in found.items()
            if values is not None
        }

    @classmethod
    def from_tensors(cls, plan: Plan, tensors: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Return what :meth:`to_tensors` was called on; ``plan`` is the network's.

        Raises:
            ValueError: the tensors are not those of the network, or a sum could leave 32 bits.
        """
        reader, plain = _Reader(tensors), folded_plan(plan).steps
        steps = [reader.step(step, is_last=step is plain[-1]) for step in plain]
        bits = int(reader.take("bits", [(1,)], LEAST_BITS, 30)[0])
        table = None
        if not steps[-1].is_last:
            table = reader.take("scores", [(256,)], -LARGEST_SUM, LARGEST_SUM)
        if reader.left:
            raise ValueError(f"its network has no place for the tensor {min(reader.left)[:60]!r}")
        return cls(tuple(steps), bits, table)


class _Reader:
    """Takes the tensors of a file, each once, and holds each against what it may be."""

    def __init__(self, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        self.left = dict(tensors)

    def take(self, name: str, shapes: Sequence[tuple[int, ...]], low: int, high: int) -> Ints:
        values = self.left.pop(name, None)
        if values is None:
            raise ValueError(f"its network lacks the tensor {name!r}")
        kind = np.dtype(_PARTS[name.rpartition(".")[2]])
        if values.dtype != kind or values.shape not in shapes:
            wanted = f"{kind} {shapes[-1]}"
            what = f"{name} is {values.dtype} {values.shape}"
            raise ValueError(f"{what} where the network needs {wanted}")
        if values.min() < low or values.max() > high:
            raise ValueError(f"{name} holds values that are not from {low} to {high}")
        return values.astype(np.int64)

    def step(self, step: Step, is_last: bool) -> IntegerStep:
        """Return one step with its numbers."""

        def take(part: str, shapes: Sequence[tuple[int, ...]], low: int, high: int) -> Ints:
            return self.take(f"{step.name}.{part}", shapes, low, high)

        channels, outputs, one = step.input_shape[0], step.output_shape[0], (1,)
        # A dense step may read maps: each of their channels is many of its inputs.
        shared = [n for n in range(1, channels + 1) if channels % n == 0]
        pads = [(n,) for n in (shared if step.kind == "dense" else (1, channels))]
        pad = take("pad", pads, LOW, HIGH)
        zero = int(take("zero", [one], LOW, HIGH)[0])
        if step.kind == "maxpool":
            take("shift", [one], 0, 0)
            return IntegerStep(step, pad, zero)
        weight = step.weight
        each = [one, (channels,)] if weight is None else [(outputs,)]
        shift = int(take("shift", [one], 1, 62)[0])
        found = IntegerStep(
            step,
            pad,
            zero,
            weight=None if weight is None else take("weight", [weight.shape], -HIGH, HIGH),
            bias=take("bias", each, -LARGEST_SUM, LARGEST_SUM),
            multiplier=take("multiplier", each, 0, min(2**shift, 2**31 - 1)),
            shift=shift,
            table=take("table", [(256,)], LOW, HIGH) if needs_table(step) else None,
            is_last=is_last and is_direct(step),
        )
        if found.largest > LARGEST_SUM * 3 // 4:
            raise ValueError(f"the sums of {step.name} leave 32 bits")
        if weight is not None and (found.folded_bias % found.bias_unit).any():
            raise ValueError(f"{step.name}.bias is not rounded to 16 bits")
        return found


def is_direct(step: Step) -> bool:
    """Does a step need no more than its sums: can it write scores?"""
    return step.weight is not None and step.activation in _DIRECT


def needs_table(step: Step) -> bool:
    """Does a step look its activation up?"""
    return step.weight is not None and step.activation not in _DIRECT


def apply(step: IntegerStep, q: Ints) -> Ints:
    """Return what a step makes of ``q`` (N, C, H, W): bytes, or scores if it is the last."""
    if step.multiplier is None:
        windows = operations.KINDS["maxpool"][0](step.step, Inputs(q.astype(np.float64)))
        return windows.astype(np.int64)
    total = sums(step, q)
    found = scaled(total, _per_channel(step.multiplier, total), step.shift) + step.zero
    if step.is_last:
        return np.maximum(found, 0) if step.step.activation == "relu" else found
    found = found.clip(LOW, HIGH)
    return found if step.table is None else step.table[found - LOW]


def sums(step: IntegerStep, q: Ints) -> Ints:
    """Return the sums (N, O, P, Q) or (N, O) of a step, before they are scaled.

    NumPy multiplies matrices of whole numbers slowly, so they are added up as floats, of a kind in
    which whole numbers of this size are exact.
    """
    kind, pad = step.step.kind, step.pad
    if kind == "dense":
        # A dense step may read maps: each of their numbers belongs to a channel.
        q, pad = q.reshape(len(q), -1), flat(step.step, pad)
    else:
        pad = pad[:, None, None]
    assert step.bias is not None
    kind_of = np.float32 if step.largest < 2**24 else np.float64
    x = q.astype(kind_of) - pad.astype(kind_of)
    if step.weight is not None and kind == "dense":
        found = x @ step.weight.T.astype(x.dtype)
    elif step.weight is not None:
        found = operations.correlate(step.step, x, step.weight.astype(x.dtype))
    else:  # the sum over a window
        channels = q.shape[1]
        ones = np.ones((channels, 1, *step.step.kernel_size), x.dtype)
        found = operations.correlate(replace(step.step, groups=channels), x, ones)
    return np.asarray(found.astype(np.int64) + _per_channel(step.bias, found))


def scaled(total: Ints, multiplier: Ints, shift: int) -> Ints:
    """Return total multiplier / 2^shift, rounded once; halves go up."""
    return np.asarray((total * multiplier + (1 << (shift - 1))) >> shift)


def _per_channel(values: npt.NDArray[Any], maps: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return values[:, None, None] if maps.ndim == 4 and len(values) > 1 else values


def flat(step: Step, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return values of channels for each number that a dense step reads, (I,)."""
    return np.repeat(values, step.input_shape[0] // len(values))


def _seen(step: Step, values: npt.NDArray[Any], weight: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the sums (O,) of a step that reads ``values`` of its channels, (C,) or (1,)."""
    if step.kind == "dense":
        return np.asarray(weight @ flat(step, values))
    values = np.broadcast_to(values, (step.input_shape[0],)).reshape(step.groups, 1, -1)
    taps = weight.sum(axis=(2, 3)).reshape(step.groups, -1, values.shape[2])
    return np.asarray((taps * values).sum(axis=2).reshape(-1))


def chunks(steps: Sequence[Step], maps: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """Yield some images' maps at a time, so that their windows stay small in all the steps."""
    windows = (s.input_shape[:1] + s.output_shape[1:] + s.kernel_size for s in steps)
    size = max(1, _CHUNK // max(map(elements, windows)))
    for start in range(0, len(maps), size):
        yield maps[start : start + size]
