"""The oracle: a whole training in plain NumPy, slow and readable, in float64 or float32.

What a single step does is in ``operations.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lenet.engine import operations
from lenet.engine.engine import PLAIN, Gradient, Objective, Samples, TrainResult
from lenet.engine.normalise import MOMENTUM, ghost_batches
from lenet.engine.operations import Inputs, Labels
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
        outputs = {INPUT: x.astype(self.dtype, copy=False)}
        for index, step in enumerate(self.plan.steps):
            (reads,) = step.inputs
            inputs = operations.read_inputs(step, outputs[reads], parameters)
            outputs[index] = operations.apply(step, inputs)
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
        self, parameters: Floats, samples: Samples, objective: Objective = PLAIN, step: int = 1
    ) -> Gradient:
        """Return loss and gradient of all ``samples`` as one batch, in training step ``step``."""
        objective.check(len(samples.images))
        chosen = np.arange(len(samples.images))
        return self._batch_gradient(parameters, samples, chosen, objective, step)[0]

    @_OVERFLOW_SHOWS
    def _batch_gradient(
        self, parameters: Floats, samples: Samples, chosen: Labels, objective: Objective, step: int
    ) -> tuple[Gradient, Floats]:
        """Return also the statistics (T,) of normalised steps, where their running ones lie."""
        loss, correct, count = 0.0, 0, len(chosen)
        gradient = np.zeros(self.plan.table_size, self.dtype)
        statistics = np.zeros_like(gradient)
        chunks = list(ghost_batches(count) if self.plan.normalised else self._chunks(count))
        for chunk in chunks:
            index = chosen[chunk]
            part = replace(samples, images=samples.images[index], labels=samples.labels[index])
            weights = None if objective.weights is None else objective.weights[index]
            result, part_statistics = self._part_gradient(
                parameters, part, np.arange(count)[chunk], replace(objective, weights=weights), step
            )
            share = len(index) / count
            loss += share * result.loss
            correct += result.correct
            gradient += share * result.gradient
            statistics += part_statistics / len(chunks)
        return Gradient(loss, correct, gradient), statistics

    @_OVERFLOW_SHOWS
    def train(
        self,
        parameters: Floats,
        state: Floats,
        samples: Samples,
        order: Labels,
        batch_size: int,
        rates: NDArray[np.float64],
        first_step: int,
        optimizer: Optimizer,
        objective: Objective = PLAIN,
    ) -> TrainResult:
        """Run len(rates) training steps, changing ``parameters`` and ``state`` in place."""
        samples.check_order(order, batch_size, len(rates), objective)
        losses, correct = np.zeros(len(rates)), np.zeros(len(rates), np.int64)
        for i, rate in enumerate(rates):
            chosen, number = order[i * batch_size : (i + 1) * batch_size], first_step + i + 1
            result, statistics = self._batch_gradient(
                parameters, samples, chosen, objective, number
            )
            losses[i] = result.loss
            if not np.isfinite(result.loss):
                return TrainResult(losses, correct, i)
            correct[i] = result.correct
            still = (*self.plan.running, *self.plan.fixed)
            before = [tensor.view(parameters).copy() for tensor in still]
            for tensor in still:  # not the optimizer's: it must not decay them
                tensor.view(parameters)[...] = 0
            gradient = result.gradient.astype(parameters.dtype, copy=False)
            optimizer.update(parameters, gradient, state, rate, number)
            for tensor, old in zip(still, before, strict=True):
                share = MOMENTUM if tensor in self.plan.running else 0
                new = tensor.view(statistics)
                tensor.view(parameters)[...] = (1 - share) * old + share * new
            optimizer.update_average(parameters, state)
        return TrainResult(losses, correct, len(rates))

    def _pixels(self, images: NDArray[np.uint8], scale: Floats, shift: Floats) -> Floats:
        scale, shift = (v.astype(self.dtype)[:, None, None] for v in (scale, shift))
        return images * scale + shift

    def _chunks(self, samples: int) -> Iterator[slice]:
        for start in range(0, samples, self._chunk):
            yield slice(start, min(start + self._chunk, samples))

    def _part_gradient(
        self,
        parameters: Floats,
        part: Samples,
        places: NDArray[np.int64],
        objective: Objective,
        number: int,
    ) -> tuple[Gradient, Floats]:
        """Return gradient and statistics of a part, at ``places`` (n,), normalised by itself."""
        steps, last = self.plan.steps, len(self.plan.steps) - 1
        gradient = np.zeros(self.plan.table_size, self.dtype)
        statistics = np.zeros_like(gradient)
        outputs: list[Floats] = []
        inputs: list[Inputs] = []
        masks: list[Floats] = []
        # By the step's place: what others read there.
        dropped = {INPUT: self._pixels(part.images, part.scale, part.shift)}
        for index, step in enumerate(steps):
            (reads,) = step.inputs
            step_inputs = operations.read_inputs(step, dropped[reads], parameters)
            inputs.append(self._with_batch_statistics(step, step_inputs, statistics))
            outputs.append(operations.apply(step, inputs[index]))
            masks.append(self._mask(index, places, objective, number))
            dropped[index] = outputs[index] * masks[index]
        scores = outputs[last].reshape(len(places), -1)
        weights = None if objective.weights is None else objective.weights.astype(self.dtype)
        losses, dscores = operations.measure_loss(scores, part.labels, objective, weights)
        flows = {last: dscores}  # the gradients of what the steps wrote
        for index, step in reversed(list(enumerate(steps))):
            (reads,) = step.inputs
            y = outputs[index]
            dy = (flows[index].reshape(y.shape) * masks[index]).astype(self.dtype, copy=False)
            x_gradient, *others = operations.backward(step, inputs[index], y, dy)
            for tensor, values in zip((step.weight, step.bias, step.scale), others, strict=True):
                if tensor and values is not None:
                    tensor.view(gradient)[...] = values
            flows[reads] = flows[reads] + x_gradient if reads in flows else x_gradient
        correct = int((scores.argmax(axis=1) == part.labels).sum())
        return Gradient(float(losses.mean(dtype=np.float64)), correct, gradient), statistics

    def _with_batch_statistics(self, step: Step, inputs: Inputs, statistics: Floats) -> Inputs:
        """Return a normalised step's inputs with those of this batch; also in ``statistics``."""
        if inputs.norm is None or step.norm is None:
            return inputs
        z = operations.correlate(step, inputs.x, inputs.weight)
        norm = inputs.norm._replace(mean=z.mean(axis=(0, 2, 3)), variance=z.var(axis=(0, 2, 3)))
        values = z.size // z.shape[1]
        step.norm.mean.view(statistics)[...] = norm.mean
        step.norm.variance.view(statistics)[...] = norm.variance * values / max(values - 1, 1)
        return inputs._replace(norm=norm)

    def _mask(
        self, index: int, places: NDArray[np.int64], objective: Objective, number: int
    ) -> Floats:
        """Return what a step's outputs are multiplied by: after hidden dense steps dropout."""
        step = self.plan.steps[index]
        if not objective.dropout or step.kind != "dense" or index == len(self.plan.steps) - 1:
            return np.ones((), self.dtype)
        units = step.output_shape[0]
        mask: Floats = objective.dropout_mask(number, index, places, units).astype(self.dtype)
        mask /= 1 - objective.dropout
        return mask
