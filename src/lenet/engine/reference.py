"""The oracle: a whole training in plain NumPy, slow and readable, in float64 or float32.

What a single step does is in ``operations.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lenet.engine.normalise import MOMENTUM, ghosts, running
from lenet.engine.objective import PLAIN, Objective
from lenet.engine.operations import (
    Labels,
    Statistics,
    apply,
    backward,
    correlate,
    softmax_cross_entropy,
)
from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import Floats, Plan, Step
from lenet.engine.results import Gradient, TrainResult, check_order
from lenet.net.shapes import elements

#: Elements that the windows of one chunk of samples may take: memory stays bounded.
CHUNK_ELEMENTS = 2**21

#: NumPy need not warn as well: callers look at the numbers, and divergence is a result.
_OVERFLOW_SHOWS = np.errstate(over="ignore", invalid="ignore")


class ReferenceEngine:
    """Runs a plan in plain NumPy; see :class:`lenet.engine.results.Engine`."""

    name = "reference"
    threads = 1

    def __init__(self, plan: Plan, dtype: DTypeLike = np.float64) -> None:
        """Everything is computed in ``dtype``, whatever the parameters' type."""
        self.plan = plan
        self.dtype = np.dtype(dtype)
        largest = max(
            elements(step.input_shape[:1] + step.output_shape[1:] + step.kernel)
            for step in plan.steps
        )
        self._chunk = max(1, CHUNK_ELEMENTS // largest)

    def outputs(self, parameters: Floats, x: Floats) -> list[Floats]:
        """Every step's output for the batch ``x`` (N, C, H, W) of floats, in order."""
        found = []
        for step in self.plan.steps:
            x = apply(step, x, *self._tensors(step, parameters), self._running(step, parameters))
            found.append(x)
        return found

    @_OVERFLOW_SHOWS
    def scores(
        self, parameters: Floats, images: NDArray[np.uint8], scale: Floats, shift: Floats
    ) -> Floats:
        """Scores (N, classes) of ``images`` (N, C, H, W)."""
        found = np.empty((len(images), self.plan.classes), self.dtype)
        for part in self._chunks(len(images)):
            last = self.outputs(parameters, self._pixels(images[part], scale, shift))[-1]
            found[part] = last.reshape(len(last), -1)
        return found

    def gradient(
        self,
        parameters: Floats,
        images: NDArray[np.uint8],
        labels: Labels,
        scale: Floats,
        shift: Floats,
        objective: Objective = PLAIN,
        step: int = 1,
    ) -> Gradient:
        """Loss and gradient of all ``images`` (N, C, H, W) with ``labels`` (N,) as one batch."""
        objective.check(len(images))
        return self._batch_gradient(
            parameters, images, labels, scale, shift, objective, objective.weights, step
        )[0]

    @_OVERFLOW_SHOWS
    def _batch_gradient(
        self,
        parameters: Floats,
        images: NDArray[np.uint8],
        labels: Labels,
        scale: Floats,
        shift: Floats,
        objective: Objective,
        weights: Floats | None,
        step: int,
    ) -> tuple[Gradient, Floats]:
        """And the statistics (T,) of the normalised steps, where their running ones lie."""
        loss, correct = 0.0, 0
        gradient = np.zeros(self.plan.table_size, self.dtype)
        statistics = np.zeros_like(gradient)
        normalised = self.plan.normalised
        parts = list(ghosts(len(images)) if normalised else self._chunks(len(images)))
        for part in parts:
            batch = _Batch(
                self._pixels(images[part], scale, shift),
                labels[part],
                np.arange(part.start, part.stop),
                None if weights is None else weights[part].astype(self.dtype),
            )
            found = self._part_gradient(parameters, batch, objective, step)
            weight = len(batch.x) / len(images)
            loss += weight * found.loss
            correct += found.correct
            gradient += weight * found.gradient
            statistics += found.statistics / len(parts)
        return Gradient(loss, correct, gradient), statistics

    @_OVERFLOW_SHOWS
    def train(
        self,
        parameters: Floats,
        state: Floats,
        images: NDArray[np.uint8],
        labels: Labels,
        order: Labels,
        batch_size: int,
        rates: NDArray[np.float64],
        first_step: int,
        scale: Floats,
        shift: Floats,
        optimizer: Optimizer,
        objective: Objective = PLAIN,
    ) -> TrainResult:
        """Run len(rates) training steps, changing ``parameters`` and ``state`` in place."""
        check_order(order, batch_size, len(rates))
        objective.check(len(images))
        losses = np.zeros(len(rates))
        correct = np.zeros(len(rates), np.int64)
        for i, rate in enumerate(rates):
            batch, number = order[i * batch_size : (i + 1) * batch_size], first_step + i + 1
            weights = None if objective.weights is None else objective.weights[batch]
            found, statistics = self._batch_gradient(
                parameters, images[batch], labels[batch], scale, shift, objective, weights, number
            )
            losses[i] = found.loss
            if not np.isfinite(found.loss):
                return TrainResult(losses, correct, i)
            correct[i] = found.correct
            before = [tensor.view(parameters).copy() for tensor in running(self.plan)]
            for tensor in running(self.plan):  # not the optimizer's: it must not decay them
                tensor.view(parameters)[...] = 0
            slope = found.gradient.astype(parameters.dtype, copy=False)
            optimizer.update(parameters, slope, state, rate, number)
            for tensor, old in zip(running(self.plan), before, strict=True):
                new = tensor.view(statistics)
                tensor.view(parameters)[...] = (1 - MOMENTUM) * old + MOMENTUM * new
            optimizer.update_average(parameters, state)
        return TrainResult(losses, correct, len(rates))

    def _tensors(self, step: Step, parameters: Floats) -> tuple[Floats | None, Floats | None]:
        table = parameters.astype(self.dtype, copy=False)
        if step.weight is None or step.bias is None:
            return None, None
        return step.weight.view(table), step.bias.view(table)

    def _pixels(self, images: NDArray[np.uint8], scale: Floats, shift: Floats) -> Floats:
        scale, shift = (v.astype(self.dtype)[:, None, None] for v in (scale, shift))
        return images * scale + shift

    def _chunks(self, samples: int) -> Iterator[slice]:
        for start in range(0, samples, self._chunk):
            yield slice(start, min(start + self._chunk, samples))

    def _running(self, step: Step, parameters: Floats) -> Statistics | None:
        table = parameters.astype(self.dtype, copy=False)
        norm = step.norm
        if norm is None:
            return None
        return Statistics(*(tensor.view(table) for tensor in norm))

    def _part_gradient(
        self, parameters: Floats, batch: _Batch, objective: Objective, number: int
    ) -> _Found:
        """The gradient (T,) of the mean loss of ``batch``, which has statistics of its own."""
        inputs, outputs, norms, masks = [], [], [], []
        gradient = np.zeros(self.plan.table_size, self.dtype)
        statistics = np.zeros_like(gradient)
        x = batch.x
        for index, step in enumerate(self.plan.steps):
            weight, bias = self._tensors(step, parameters)
            norm = self._running(step, parameters)
            if norm and step.norm and weight is not None:
                z = correlate(step, x, weight)
                norm = norm._replace(mean=z.mean(axis=(0, 2, 3)), variance=z.var(axis=(0, 2, 3)))
                values = z.size // z.shape[1]
                step.norm.mean.view(statistics)[...] = norm.mean
                unbiased = norm.variance * values / max(values - 1, 1)
                step.norm.variance.view(statistics)[...] = unbiased
            inputs.append(x)
            norms.append(norm)
            outputs.append(apply(step, x, weight, bias, norm))
            masks.append(self._mask(index, batch, objective, number))
            x = outputs[-1] * masks[-1]
        scores = outputs[-1].reshape(len(batch.x), -1)
        losses, dy = softmax_cross_entropy(scores, batch.labels, objective.smoothing, batch.weights)
        dy = dy.reshape(outputs[-1].shape)
        every = zip(self.plan.steps, inputs, outputs, norms, masks, strict=True)
        for step, x, y, norm, mask in reversed(list(every)):
            dy = (dy.reshape(y.shape) * mask).astype(self.dtype, copy=False)
            slopes = backward(step, x, *self._tensors(step, parameters), y, dy, norm)
            for tensor, slope in (
                (step.weight, slopes.weight),
                (step.bias, slopes.bias),
                (step.norm and step.norm.scale, slopes.scale),
            ):
                if tensor and slope is not None:
                    tensor.view(gradient)[...] = slope
            dy = slopes.x
        correct = int((scores.argmax(axis=1) == batch.labels).sum())
        return _Found(float(losses.mean(dtype=np.float64)), correct, gradient, statistics)

    def _mask(self, index: int, batch: _Batch, objective: Objective, number: int) -> Floats:
        """What a step's outputs are multiplied by: dropout after hidden dense steps, else one."""
        step = self.plan.steps[index]
        if not objective.dropout or step.kind != "dense" or index == len(self.plan.steps) - 1:
            return np.ones((), self.dtype)
        kept = objective.kept(number, index, batch.rows, step.output_shape[0])
        mask: Floats = kept.astype(self.dtype)
        mask /= 1 - objective.dropout
        return mask


class _Batch(NamedTuple):
    """Samples that are computed together."""

    x: Floats  # (n, C, H, W)
    labels: Labels
    rows: NDArray[np.int64]  # their places in the whole batch
    weights: Floats | None


class _Found(NamedTuple):
    """What a part of a batch yields."""

    loss: float
    correct: int
    gradient: Floats
    statistics: Floats
