"""How a model becomes whole numbers; :mod:`lenet.engine.integers` says what they compute.

Scales are chosen on images that the model saw in training: of several ranges the one with the
smallest mean square error, since a few large values may cost all others their precision. What the
rounding of weights and maps still moves a channel's mean by is put into its bias.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from lenet.engine import operations
from lenet.engine.integers import (
    HIGH,
    LARGEST_SUM,
    LEAST_BITS,
    LOW,
    SCORE_BITS,
    Images,
    IntegerNetwork,
    IntegerStep,
    Ints,
    apply,
    chunks,
    flat,
    is_direct,
    needs_table,
    sums,
)
from lenet.engine.normalise import folded_plan, folded_table
from lenet.engine.plan import Floats, Step
from lenet.errors import DataError, UsageError
from lenet.model import Model
from lenet.net.shapes import elements

#: Images that ranges are measured on, what their widest maps take, and what is kept of a map.
_IMAGES: Final = 512
_NUMBERS: Final = 1 << 25
_KEPT: Final = 1 << 17
#: Shares of the whole range that are tried.
_SHARES: Final = np.linspace(1, 0.4, 25)


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


def quantise(model: Model, images: Images) -> Model:
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
    if not np.isfinite(model.scores(images)).all():
        raise _too_large()
    found = Model(model.network, model.classes, model.preprocessing)
    found.training, found.integers = model.training, _Quantiser(model, images).network()
    return found


def _bits(most: float) -> int:
    """Return in units of 2^-what the scores are, at most."""
    bits = min(SCORE_BITS, int(np.floor(most)))
    if bits < LEAST_BITS:
        raise _too_large()
    return bits


def _too_large() -> UsageError:
    what = "the weights are so large that the scores do not fit into int8's whole numbers"
    return UsageError(f"{what}; train the model anew with a smaller learning rate.")


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
            if needs_table(step):
                seen.setdefault(step.activation, []).append(_kept(before))
            x = operations.activate(step.activation, before)
        return {name: _coding(np.concatenate(parts), _curve(name)) for name, parts in seen.items()}

    def _before(self, step: Step, x: Floats) -> Floats:
        """Return what a step makes of ``x``, before its activation."""
        plain = replace(step, activation="identity")
        inputs = operations.read_inputs(step, x, self.table)
        parts = [operations.apply(plain, inputs._replace(x=part)) for part in chunks([step], x)]
        return np.concatenate(parts)

    def network(self) -> IntegerNetwork:
        *before, last = self.steps
        steps = [self._quantised(step, False) for step in before]
        steps.append(self._quantised(last, is_direct(last)))
        bits, table = (self.bits, None) if steps[-1].is_last else self._score_table()
        return IntegerNetwork(tuple(steps), bits, table)

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
        self.q = np.concatenate([apply(found, part) for part in chunks([step], self.q)])
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
                2 * (HIGH - LOW) * rows.sum(axis=1) / LARGEST_SUM,
                2 * np.abs(means) / LARGEST_SUM,
            ]
        )
        scale = np.where(scale > 0, scale, max(scale.max(), 1e-6))
        shape = (-1, *(1,) * (weight.ndim - 1))
        whole = np.rint(weight / scale.reshape(shape)).astype(np.int64)
        found = IntegerStep(step, self.coding.pad, 0, whole, np.zeros(len(whole), np.int64))
        # Both means are of the same images: what rounding moves this channel by is in the bias.
        total = sum(sums(found, part).sum(axis=others) for part in chunks([step], self.q))
        bias = means / scale - total / (before.size / len(whole))
        found = replace(found, bias=np.rint(bias).astype(np.int64)).with_short_bias()
        if direct:
            self.bits = _bits(-np.log2(scale.max()))
            return _rescaled(replace(found, is_last=True), scale * 2.0**self.bits)
        return self._written(found, before, scale)

    def _written(self, found: IntegerStep, before: Floats, scale: Floats) -> IntegerStep:
        """Choose what a trained step writes: ``scale`` (O,) is that of its sums."""
        step, table, least = found.step, None, float(scale.max())
        if is_direct(step):
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
            return np.asarray(flat(step, scale))
        scale = np.broadcast_to(scale, (step.input_shape[0],)).reshape(step.groups, -1)
        return np.repeat(scale, step.output_shape[0] // step.groups, axis=0)[:, :, None, None]

    def _score_table(self) -> tuple[int, Ints]:
        """Return bits and scores of a last layer that writes bytes."""
        values = self.coding.scale * (np.arange(LOW, HIGH + 1) - self.coding.zero)
        bits = _bits(30 - np.ceil(np.log2(np.abs(values).max() + 1)))
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
