"""The oracle: a whole training in plain NumPy, slow and readable, in float64 or float32.

What a single step does is in ``operations.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lenet.engine.engine import PLAIN, Gradient, Objective, TrainResult, check_order
from lenet.engine.normalise import MOMENTUM, ghost_batches, running
from lenet.engine.operations import (
    Labels,
    Statistics,
    apply,
    backward,
    correlate,
    softmax_cross_entropy,
)
from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import INPUT, Floats, Plan, Step
from lenet.net.shapes import elements

#: Elements that the windows of one chunk of samples may take: memory stays bounded.
CHUNK_ELEMENTS = 2**21

#: NumPy need not warn as well: callers look at the numbers, and divergence is a result.
_OVERFLOW_SHOWS = np.errstate(over="ignore", invalid="ignore")


class ReferenceEngine:
    """Runs a plan in plain NumPy; see :class:`lenet.engine.engine.Engine`."""

    name = "reference"
    threads = 1

    def __init__(self, plan: Plan, dtype: DTypeLike = np.float64) -> None:
        """Compute everything in ``dtype``, whatever the parameters' type."""
        self.plan = plan
        self.dtype = np.dtype(dtype)
        largest = max(
            elements(step.input_shape[:1] + step.output_shape[1:] + step.kernel_size)
            for step in plan.steps
        )
        self._chunk = max(1, CHUNK_ELEMENTS // largest)

    def outputs(self, parameters: Floats, x: Floats) -> list[Floats]:
        """Return every step's output for the batch ``x`` (N, C, H, W) of floats, in order."""
        outputs = {INPUT: x}
        for index, step in enumerate(self.plan.steps):
            weight, bias = self._tensors(step, parameters)
            (reads,) = step.inputs
            norm = self._running(step, parameters)
            outputs[index] = apply(step, outputs[reads], weight, bias, norm)
        return [outputs[index] for index in range(len(self.plan.steps))]

    @_OVERFLOW_SHOWS
    def scores(
        self, parameters: Floats, images: NDArray[np.uint8], scale: Floats, shift: Floats
    ) -> Floats:
        """Return the scores (N, classes) of ``images`` (N, C, H, W)."""
        scores = np.empty((len(images), self.plan.classes), self.dtype)
        for chunk in self._chunks(len(images)):
            last = self.outputs(parameters, self._pixels(images[chunk], scale, shift))[-1]
            scores[chunk] = last.reshape(len(last), -1)
        return scores

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
        """Return loss and gradient of all ``images`` (N, C, H, W) with ``labels`` (N,)."""
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
        count = len(images)
        chunks = list(ghost_batches(count) if self.plan.normalised else self._chunks(count))
        for chunk in chunks:
            batch = _Batch(
                self._pixels(images[chunk], scale, shift),
                labels[chunk],
                np.arange(chunk.start, chunk.stop),
                None if weights is None else weights[chunk].astype(self.dtype),
            )
            result = self._chunk_gradient(parameters, batch, objective, step)
            share = len(batch.x) / count
            loss += share * result.loss
            correct += result.correct
            gradient += share * result.gradient
            statistics += result.statistics / len(chunks)
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
            result, statistics = self._batch_gradient(
                parameters, images[batch], labels[batch], scale, shift, objective, weights, number
            )
            losses[i] = result.loss
            if not np.isfinite(result.loss):
                return TrainResult(losses, correct, i)
            correct[i] = result.correct
            before = [tensor.view(parameters).copy() for tensor in running(self.plan)]
            for tensor in running(self.plan):  # not the optimizer's: it must not decay them
                tensor.view(parameters)[...] = 0
            gradient = result.gradient.astype(parameters.dtype, copy=False)
            optimizer.update(parameters, gradient, state, rate, number)
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

    def _chunk_gradient(
        self, parameters: Floats, batch: _Batch, objective: Objective, number: int
    ) -> _ChunkResult:
        """The gradient (T,) of the mean loss of ``batch``, which has statistics of its own."""
        steps, last = self.plan.steps, len(self.plan.steps) - 1
        gradient = np.zeros(self.plan.table_size, self.dtype)
        statistics = np.zeros_like(gradient)
        # By the step's place: what it writes, before and after dropout, and what is read there.
        outputs: dict[int, Floats] = {}
        dropped = {INPUT: batch.x}
        norms, masks = [], []
        for index, step in enumerate(steps):
            (reads,) = step.inputs
            x = dropped[reads]
            norm = self._batch_statistics(step, x, parameters, statistics)
            outputs[index] = apply(step, x, *self._tensors(step, parameters), norm)
            norms.append(norm)
            masks.append(self._mask(index, batch, objective, number))
            dropped[index] = outputs[index] * masks[index]
        scores = outputs[last].reshape(len(batch.x), -1)
        losses, dscores = softmax_cross_entropy(
            scores, batch.labels, objective.label_smoothing, batch.weights
        )
        flows = {last: dscores}  # the gradients of what the steps wrote
        for index, step in reversed(list(enumerate(steps))):
            (reads,) = step.inputs
            x, y = dropped[reads], outputs[index]
            dy = (flows[index].reshape(y.shape) * masks[index]).astype(self.dtype, copy=False)
            result = backward(step, x, *self._tensors(step, parameters), y, dy, norms[index])
            for tensor, values in (
                (step.weight, result.weight),
                (step.bias, result.bias),
                (step.scale, result.scale),
            ):
                if tensor and values is not None:
                    tensor.view(gradient)[...] = values
            flows[reads] = flows[reads] + result.x if reads in flows else result.x
        correct = int((scores.argmax(axis=1) == batch.labels).sum())
        return _ChunkResult(float(losses.mean(dtype=np.float64)), correct, gradient, statistics)

    def _batch_statistics(
        self, step: Step, x: Floats, parameters: Floats, statistics: Floats
    ) -> Statistics | None:
        """Those of a normalised step's batch, also written to ``statistics`` (T,)."""
        norm, (weight, _) = self._running(step, parameters), self._tensors(step, parameters)
        if norm is None or step.norm is None or weight is None:
            return None
        z = correlate(step, x, weight)
        norm = norm._replace(mean=z.mean(axis=(0, 2, 3)), variance=z.var(axis=(0, 2, 3)))
        values = z.size // z.shape[1]
        step.norm.mean.view(statistics)[...] = norm.mean
        step.norm.variance.view(statistics)[...] = norm.variance * values / max(values - 1, 1)
        return norm

    def _mask(self, index: int, batch: _Batch, objective: Objective, number: int) -> Floats:
        """What a step's outputs are multiplied by: dropout after hidden dense steps, else one."""
        step = self.plan.steps[index]
        if not objective.dropout or step.kind != "dense" or index == len(self.plan.steps) - 1:
            return np.ones((), self.dtype)
        units = step.output_shape[0]
        mask: Floats = objective.dropout_mask(number, index, batch.rows, units).astype(self.dtype)
        mask /= 1 - objective.dropout
        return mask


class _Batch(NamedTuple):
    """Samples that are computed together."""

    x: Floats  # (n, C, H, W)
    labels: Labels
    rows: NDArray[np.int64]  # their places in the whole batch
    weights: Floats | None


class _ChunkResult(NamedTuple):
    """What is computed of some samples of a batch."""

    loss: float
    correct: int
    gradient: Floats
    statistics: Floats
