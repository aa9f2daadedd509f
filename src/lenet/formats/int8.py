"""A model in whole numbers: how it is made, and the simulation that every C file is held against.

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

Scales are chosen on images that the model saw in training: of several ranges the one with the
smallest mean square error, since a few large values may cost all others their precision. What the
rounding of weights and maps still moves a channel's mean by is put into its bias.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.engine import operations
from lenet.engine.normalise import folded_plan, folded_table
from lenet.engine.operations import Inputs
from lenet.engine.plan import Floats, Step
from lenet.errors import DataError, UsageError
from lenet.model import Model
from lenet.net.shapes import elements

Ints = npt.NDArray[np.int64]
Images = npt.NDArray[np.uint8]

LOW: Final = -128
HIGH: Final = 127
#: A distance of scores is looked up in steps of 2^-4 = 1/16, and scores have at most 12 bits.
TABLE_BITS: Final = 4
_SCORE_BITS: Final = 12
#: What e^-x is multiplied by in the table.
_ONE: Final = 65_535
#: Images that ranges are measured on, what their widest maps take, and what is kept of a map.
_IMAGES: Final = 512
_NUMBERS: Final = 1 << 25
_KEPT: Final = 1 << 17
#: Shares of the whole range that are tried.
_SHARES: Final = np.linspace(1, 0.4, 25)
#: Numbers that the windows of some images may take at a time.
_CHUNK: Final = 1 << 22
#: No sum of a layer comes near 2^31 in size: half of this from the bias, half from the weights.
_LARGEST_SUM: Final = 2**30
#: Activations that need no table.
_DIRECT: Final = ("identity", "relu")


@dataclass(frozen=True)
class Coding:
    """What the bytes of a map mean: value = scale (q - zero), for each channel or for all."""

    scale: Floats  # (C,) or (1,)
    zero: Floats  # likewise; whole but for an image's
    pad: Ints  # likewise: the byte nearest to the value 0, which stands around a map

    @property
    def whole(self) -> int:
        """The zero of a map that is no image."""
        return int(self.pad[0])


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


@dataclass(frozen=True)
class IntegerNetwork:
    """A network in whole numbers.

    Attributes:
        steps: one for each layer.
        bits: scores are in units of 2^-bits.
        scores: (256,) the scores that the last bytes stand for, of a network whose last layer is
            no plain convolution or dense layer; None where it writes scores itself.
        powers: e^-x times 65,535 for x = 0, 1, 2, ... in units of 2^-min(bits, 4), to the last
            that is above 0.
    """

    steps: tuple[IntegerStep, ...]
    bits: int
    scores: Ints | None
    powers: Ints

    def run(self, images: Images) -> tuple[Ints, Floats]:
        """Return the scores (N, classes) and probabilities of prepared images (N, C, H, W)."""
        parts = _chunks([step.step for step in self.steps], images)
        found = np.concatenate([self._scores(part) for part in parts])
        return found, self.probabilities(found)

    def probabilities(self, scores: Ints) -> Floats:
        """Return the probabilities (N, classes) of scores."""
        lost = max(self.bits - TABLE_BITS, 0)
        below = scores.max(axis=1, keepdims=True) - scores
        at = (below + ((1 << lost) >> 1)) >> lost
        found = np.append(self.powers, 0)[np.minimum(at, len(self.powers))]
        total = found.sum(axis=1, keepdims=True)
        return np.asarray(found.astype(np.float32) / total.astype(np.float32))

    def _scores(self, images: Images) -> Ints:
        q = images.astype(np.int64) + LOW
        for step in self.steps:
            q = apply(step, q)
        q = q.reshape(len(q), -1)
        return q if self.scores is None else self.scores[q - LOW]


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
        q, pad = q.reshape(len(q), -1), _flat(step.step, pad)
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


def _flat(step: Step, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return values of channels for each number that a dense step reads, (I,)."""
    return np.repeat(values, step.input_shape[0] // len(values))


def _seen(step: Step, values: npt.NDArray[Any], weight: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the sums (O,) of a step that reads ``values`` of its channels, (C,) or (1,)."""
    if step.kind == "dense":
        return np.asarray(weight @ _flat(step, values))
    values = np.broadcast_to(values, (step.input_shape[0],)).reshape(step.groups, 1, -1)
    taps = weight.sum(axis=(2, 3)).reshape(step.groups, -1, values.shape[2])
    return np.asarray((taps * values).sum(axis=2).reshape(-1))


def quantise(model: Model, images: Images) -> IntegerNetwork:
    """Return ``model`` in whole numbers, with scales measured on ``images``.

    Args:
        model: with weights.
        images: (N, C, H, W) that the model was trained on, of any size; up to 512 of them are used.

    Raises:
        UsageError: the network has no weights.
        DataError: there are no images, or their channels do not fit.
    """
    if not model.plan.parameters:
        raise UsageError("the network has no weights, so there is nothing to write in int8.")
    if not len(images):
        raise DataError("there are no images to measure ranges on; give some that it trained on.")
    widest = max(max(map(elements, (s.input_shape, s.output_shape))) for s in model.plan.steps)
    most = max(1, min(_IMAGES, _NUMBERS // widest))
    images = model.preprocessing.prepare(images[:: -(-len(images) // most)])
    return _Quantiser(model, images).network()


class _Quantiser:
    """Takes images through the model and through its whole numbers, layer by layer."""

    def __init__(self, model: Model, images: Images) -> None:
        self.steps = folded_plan(model.plan).steps
        self.table = folded_table(model.plan, model.table)
        self.x = np.asarray(model.prepare(images), np.float32)
        self.q = images.astype(np.int64) + LOW
        scale, shift = (v.astype(np.float64) for v in model.preprocessing.scale_and_shift())
        zero = LOW - shift / scale
        self.coding = Coding(scale, zero, _bytes(zero))
        self.curved = self._curved_codings()

    def _curved_codings(self) -> dict[str, Coding]:
        """Choose what goes into a table, by activation: layers share one table for each."""
        x, seen = self.x, dict[str, list[Floats]]()
        for step in self.steps:
            before = self._before(step, x)
            if step.weight is not None and step.activation not in _DIRECT:
                seen.setdefault(step.activation, []).append(_kept(before))
            x = operations.activate(step.activation, before)
        return {name: _coding(np.concatenate(parts), _curve(name)) for name, parts in seen.items()}

    def _before(self, step: Step, x: Floats) -> Floats:
        """Return what a step makes of ``x``, before its activation."""
        plain = replace(step, activation="identity")
        inputs = operations.read_inputs(step, x, self.table)
        parts = [operations.apply(plain, inputs._replace(x=part)) for part in _chunks([step], x)]
        return np.concatenate(parts)

    def network(self) -> IntegerNetwork:
        steps, direct = [], False
        for index, step in enumerate(self.steps):
            is_last = index == len(self.steps) - 1
            direct = step.weight is not None and step.activation in _DIRECT and is_last
            steps.append(self._quantised(step, direct))
        bits, scores = (self.bits, None) if direct else self._score_table()
        reach = 2.0 ** -min(bits, TABLE_BITS)
        powers = np.rint(_ONE * np.exp(-reach * np.arange(256 / reach)[:4096])).astype(np.int64)
        return IntegerNetwork(tuple(steps), bits, scores, powers[powers > 0])

    def _quantised(self, step: Step, direct: bool) -> IntegerStep:
        """Return the step, and let the images take it."""
        before = self._before(step, self.x)
        self.x = operations.activate(step.activation, before)
        if step.weight is not None:
            found = self._trained(step, before, direct)
        elif step.kind == "avgpool":
            found = self._mean(step)
        else:
            found = IntegerStep(step, self.coding.pad, 0)
        self.q = np.concatenate([apply(found, part) for part in _chunks([step], self.q)])
        return found

    def _trained(self, step: Step, before: Floats, direct: bool) -> IntegerStep:
        assert step.weight is not None
        weight = step.weight.view(self.table).astype(np.float64) * self._input_scale(step)
        rows = np.abs(weight.reshape(len(weight), -1))
        others = (0, *range(2, before.ndim))
        means = before.mean(axis=others, dtype=np.float64)
        scale = np.maximum.reduce(
            [
                rows.max(axis=1) / HIGH,
                2 * (HIGH - LOW) * rows.sum(axis=1) / _LARGEST_SUM,
                2 * np.abs(means) / _LARGEST_SUM,
            ]
        )
        scale = np.where(scale > 0, scale, max(scale.max(), 1e-6))
        shape = (-1, *(1,) * (weight.ndim - 1))
        whole = np.rint(weight / scale.reshape(shape)).astype(np.int64)
        found = IntegerStep(step, self.coding.pad, 0, whole, np.zeros(len(whole), np.int64))
        # Both means are of the same images: what rounding moves this channel by is in the bias.
        total = sum(sums(found, part).sum(axis=others) for part in _chunks([step], self.q))
        bias = means / scale - total / (before.size / len(whole))
        found = replace(found, bias=np.rint(bias).astype(np.int64))
        if direct:
            self.bits = min(_SCORE_BITS, int(np.floor(-np.log2(scale.max()))))
            return _rescaled(replace(found, is_last=True), scale * 2.0**self.bits)
        return self._written(found, before, scale)

    def _written(self, found: IntegerStep, before: Floats, scale: Floats) -> IntegerStep:
        """Choose what a trained step writes: ``scale`` (O,) is that of its sums."""
        step, table, least = found.step, None, float(scale.max())
        if step.activation in _DIRECT:
            coding = self.coding = _coding(self.x, np.asarray, least)
        else:
            curve, coding = _curve(step.activation), self.curved[step.activation]
            if coding.scale[0] < least:
                coding = _coding(before, curve, least)
            values = curve(coding.scale * (np.arange(LOW, HIGH + 1) - coding.zero))
            self.coding = _span(values.min(), values.max())
            table = _bytes(values / self.coding.scale + self.coding.zero)
        found = replace(found, zero=coding.whole, table=table)
        return _rescaled(found, scale / coding.scale)

    def _mean(self, step: Step) -> IntegerStep:
        window, coding = elements(step.kernel_size), self.coding
        bias = np.zeros(1, np.int64)
        if len(coding.scale) > 1 or coding.zero[0] != coding.pad[0]:  # an image stays one
            found = IntegerStep(step, coding.pad, 0, None, window * coding.pad)
            return _rescaled(found, np.full(len(coding.pad), 1 / window))
        self.coding = _coding(self.x, np.asarray, coding.scale[0] / window)
        found = IntegerStep(step, coding.pad, self.coding.whole, None, bias)
        return _rescaled(found, coding.scale / window / self.coding.scale)

    def _input_scale(self, step: Step) -> Floats:
        """Return what the weights of a step are multiplied by, of a shape that meets them."""
        scale = self.coding.scale
        if step.kind == "dense":
            return np.asarray(_flat(step, scale))
        scale = np.broadcast_to(scale, (step.input_shape[0],)).reshape(step.groups, -1)
        return np.repeat(scale, step.output_shape[0] // step.groups, axis=0)[:, :, None, None]

    def _score_table(self) -> tuple[int, Ints]:
        """Return bits and scores of a last layer that writes bytes."""
        values = self.coding.scale * (np.arange(LOW, HIGH + 1) - self.coding.zero)
        bits = min(_SCORE_BITS, 30 - int(np.ceil(np.log2(np.abs(values).max() + 1))))
        return bits, np.rint(values * 2.0**bits).astype(np.int64)


def _rescaled(step: IntegerStep, factor: Floats) -> IntegerStep:
    """Return the step with the numbers that multiply its sums by ``factor`` (O,), 1 at most.

    They have 16 bits where all of them then have 10 that count, and otherwise 31.
    """
    _, exponent = np.frexp(factor.max())
    for bits in (16, 31):
        shift = min(bits - int(exponent), 62)
        multiplier = np.rint(factor * 2.0**shift).astype(np.int64).clip(0, 2**bits - 1)
        if multiplier.min() >= 2**10:
            break
    return replace(step, multiplier=multiplier, shift=shift)


def _curve(activation: str) -> Callable[[Floats], Floats]:
    return lambda z: operations.activate(activation, z)


def _kept(values: Floats) -> Floats:
    """Return some of the values, from all over them, (n,)."""
    values = values.reshape(-1)
    return values[:: -(-len(values) // _KEPT)].astype(np.float64)


def _coding(values: Floats, curve: Callable[[Floats], Floats], least: float = 0.0) -> Coding:
    """Return the coding under which ``curve`` of ``values`` errs least, of ``least`` scale."""
    values = _kept(values)
    low, high = float(values.min()), float(values.max())
    wanted = curve(values)
    best, smallest = _span(low, high, least), np.inf
    for share in _SHARES:
        coding = _span(low * share, high * share, least)
        seen = coding.scale * (_bytes(values / coding.scale + coding.zero) - coding.zero)
        error = float(np.square(curve(seen) - wanted).mean())
        if error < smallest:
            best, smallest = coding, error
    return best


def _span(low: float, high: float, least: float = 0.0) -> Coding:
    """Return the coding of values from ``low`` to ``high``, and of 0."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = max((high - low) / (HIGH - LOW), least) or 1.0
    zero = _bytes(np.array([LOW - low / scale]))
    return Coding(np.array([scale]), zero.astype(np.float64), zero)


def _bytes(values: Floats) -> Ints:
    return np.rint(values).clip(LOW, HIGH).astype(np.int64)


def _chunks(steps: Sequence[Step], maps: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """Yield some images' maps at a time, so that their windows stay small in all the steps."""
    windows = (s.input_shape[:1] + s.output_shape[1:] + s.kernel_size for s in steps)
    size = max(1, _CHUNK // max(map(elements, windows)))
    for start in range(0, len(maps), size):
        yield maps[start : start + size]
