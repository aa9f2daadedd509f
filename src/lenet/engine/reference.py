"""The oracle: every step in plain NumPy, slow and readable, in float64 or float32.

Nothing here is clever. A window slides over a padded map (``_windows``), and what a step does is
one line on windows; going back, every position of every window gets its share of the gradient, and
shares that fall on the same pixel add up (``_add_windows``). Letters as in ``plan.py``.

``pool_first`` is ignored: the activation comes right after its layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import Floats, Plan, Step
from lenet.engine.results import Gradient, TrainResult, check_order
from lenet.net.layers import LEAKY_SLOPE
from lenet.net.shapes import elements

#: Elements that the windows of one chunk of samples may take: memory stays bounded.
CHUNK_ELEMENTS = 2**21

Labels = NDArray[np.integer[Any]]

#: NumPy need not warn as well: callers look at the numbers, and divergence is a result.
_OVERFLOW_SHOWS = np.errstate(over="ignore", invalid="ignore")


def apply(step: Step, x: Floats, weight: Floats | None, bias: Floats | None) -> Floats:
    """What ``step`` makes of a batch, its activation included.

    Args:
        step: what to do.
        x: (N, C, H, W); a dense step takes any shape and flattens it.
        weight: (O, C, kh, kw) or (O, I); None for poolings.
        bias: (O,); None for poolings.

    Returns:
        Maps (N, O, P, Q), or (N, O) from a dense step.
    """
    return _activate(step.activation, _before_activation(step, x, weight, bias))


def backward(
    step: Step, x: Floats, weight: Floats | None, bias: Floats | None, y: Floats, dy: Floats
) -> tuple[Floats, Floats | None, Floats | None]:
    """The gradient of a step's inputs, given the gradient ``dy`` of its output ``y``.

    The gradient of a max pooling goes to the first maximum of each window in row order, as in
    PyTorch; where relu and leaky-relu have a kink, at 0, they count as not rising and as their
    lower branch.

    Returns:
        dx, dweight and dbias, shaped as x, weight and bias; the last two are None for poolings.
    """
    if step.kind == "maxpool":
        return _max_pool_backward(step, x, dy), None, None
    if step.kind == "avgpool":
        shares = (dy / (step.kernel[0] * step.kernel[1]))[..., None, None]
        shares = np.broadcast_to(shares, (*dy.shape, *step.kernel))
        return _add_windows(step, shares, x.shape), None, None
    dz = dy * _slope(step, x, weight, bias, y)
    assert weight is not None
    if step.kind == "dense":
        flat = x.reshape(len(x), weight.shape[1])
        return (dz @ weight).reshape(x.shape), dz.T @ flat, dz.sum(axis=0)
    dweight = np.tensordot(dz, _windows(step, x), axes=((0, 2, 3), (0, 2, 3)))
    shares = np.moveaxis(np.tensordot(dz, weight, axes=(1, 0)), 3, 1)  # (N, C, P, Q, kh, kw)
    return _add_windows(step, shares, x.shape), dweight, dz.sum(axis=(0, 2, 3))


def softmax_cross_entropy(scores: Floats, labels: Labels) -> tuple[Floats, Floats]:
    """The loss of every sample, and the gradient of their mean.

    loss = log(sum_k exp(score_k)) - score_label, in nats; the largest score is taken off first, so
    that exp never overflows.

    Args:
        scores: (N, K).
        labels: (N,), from 0 to K-1.

    Returns:
        Losses (N,) and the gradient of their mean by the scores (N, K).
    """
    rows = np.arange(len(scores))
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    dscores = np.exp(logs)
    dscores[rows, labels] -= 1
    return -logs[rows, labels], dscores / len(scores)


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
            x = apply(step, x, *self._tensors(step, parameters))
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

    @_OVERFLOW_SHOWS
    def gradient(
        self,
        parameters: Floats,
        images: NDArray[np.uint8],
        labels: Labels,
        scale: Floats,
        shift: Floats,
    ) -> Gradient:
        """Loss and gradient of all ``images`` (N, C, H, W) with ``labels`` (N,) as one batch."""
        loss, correct = 0.0, 0
        gradient = np.zeros(self.plan.table_size, self.dtype)
        for part in self._chunks(len(images)):
            x = self._pixels(images[part], scale, shift)
            losses, hits, slope = self._chunk_gradient(parameters, x, labels[part])
            weight = len(x) / len(images)
            loss += weight * losses.mean(dtype=np.float64)
            correct += hits
            gradient += weight * slope
        return Gradient(float(loss), correct, gradient)

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
    ) -> TrainResult:
        """Run len(rates) training steps, changing ``parameters`` and ``state`` in place."""
        check_order(order, batch_size, len(rates))
        losses = np.zeros(len(rates))
        correct = np.zeros(len(rates), np.int64)
        for i, rate in enumerate(rates):
            batch = order[i * batch_size : (i + 1) * batch_size]
            found = self.gradient(parameters, images[batch], labels[batch], scale, shift)
            losses[i] = found.loss
            if not np.isfinite(found.loss):
                return TrainResult(losses, correct, i)
            correct[i] = found.correct
            slope = found.gradient.astype(parameters.dtype, copy=False)
            optimizer.update(parameters, slope, state, rate, first_step + i + 1)
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

    def _chunk_gradient(
        self, parameters: Floats, x: Floats, labels: Labels
    ) -> tuple[Floats, int, Floats]:
        """Losses (n,), correct answers, and the gradient (T,) of the chunk's mean loss."""
        outputs = self.outputs(parameters, x)
        scores = outputs[-1].reshape(len(x), -1)
        losses, dscores = softmax_cross_entropy(scores, labels)
        gradient = np.zeros(self.plan.table_size, self.dtype)
        dy = dscores.reshape(outputs[-1].shape)
        inputs = [x, *outputs[:-1]]
        for step, x, y in zip(self.plan.steps[::-1], inputs[::-1], outputs[::-1], strict=True):
            dy, *found = backward(step, x, *self._tensors(step, parameters), y, dy)
            for tensor, values in zip((step.weight, step.bias), found, strict=True):
                if tensor is not None and values is not None:
                    tensor.view(gradient)[...] = values
        return losses, int((scores.argmax(axis=1) == labels).sum()), gradient


def _before_activation(step: Step, x: Floats, weight: Floats | None, bias: Floats | None) -> Floats:
    y: Floats
    if step.kind == "maxpool":
        y = _windows(step, x, outside=-np.inf).max(axis=(4, 5))
        return y
    if step.kind == "avgpool":
        y = _windows(step, x).mean(axis=(4, 5))
        return y
    assert weight is not None
    assert bias is not None
    if step.kind == "dense":
        return x.reshape(len(x), weight.shape[1]) @ weight.T + bias
    z = np.tensordot(_windows(step, x), weight, axes=((1, 4, 5), (1, 2, 3)))  # (N, P, Q, O)
    return np.moveaxis(z, 3, 1) + bias[:, None, None]


def _activate(activation: str, z: Floats) -> Floats:
    match activation:
        case "sigmoid":
            return _sigmoid(z)
        case "tanh":
            return np.tanh(z)
        case "relu":
            return np.maximum(z, 0)
        case "leaky-relu":
            return np.where(z > 0, z, LEAKY_SLOPE * z)
        case "silu":
            return np.maximum(z, -800) * _sigmoid(z)  # zero at minus infinity, its limit
        case _:
            return z


def _sigmoid(z: Floats) -> Floats:
    small = np.exp(-np.abs(z))  # at most 1: never overflows
    y: Floats = np.where(z >= 0, 1, small) / (1 + small)
    return y


def _slope(step: Step, x: Floats, weight: Floats | None, bias: Floats | None, y: Floats) -> Floats:
    """The activation's derivative, from its output where the output tells it."""
    match step.activation:
        case "sigmoid":
            return y * (1 - y)
        case "tanh":
            return 1 - y * y
        case "relu":
            return (y > 0).astype(y.dtype)
        case "leaky-relu":
            return np.where(y > 0, y.dtype.type(1), y.dtype.type(LEAKY_SLOPE))
        case "silu":  # falls, then rises: the same output comes from two inputs
            s = _sigmoid(_before_activation(step, x, weight, bias))
            return s + y * (1 - s)
        case _:
            return np.ones_like(y)


def _windows(step: Step, x: Floats, outside: float = 0.0) -> Floats:
    """Every window of every map, (N, C, P, Q, kh, kw), with ``outside`` as the padding."""
    top, bottom, left, right = step.padding
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=outside)
    windows = np.lib.stride_tricks.sliding_window_view(padded, step.kernel, axis=(2, 3))
    return windows[:, :, :: step.stride[0], :: step.stride[1]]


def _add_windows(step: Step, windows: Floats, shape: tuple[int, ...]) -> Floats:
    """The reverse of :func:`_windows`: windows (N, C, P, Q, kh, kw) added up on maps ``shape``."""
    samples, channels, height, width = shape
    rows, columns = windows.shape[2:4]
    top, bottom, left, right = step.padding
    down, along = step.stride
    padded_shape = (samples, channels, height + top + bottom, width + left + right)
    padded = np.zeros(padded_shape, windows.dtype)
    for i, j in np.ndindex(*step.kernel):
        seen = np.s_[:, :, i : i + down * rows : down, j : j + along * columns : along]
        padded[seen] += windows[..., i, j]
    return padded[:, :, top : top + height, left : left + width]


def _max_pool_backward(step: Step, x: Floats, dy: Floats) -> Floats:
    windows = _windows(step, x, outside=-np.inf)
    flat = windows.reshape(*windows.shape[:4], -1)  # row order; argmax takes the first maximum
    first = flat.argmax(axis=-1)[..., None] == np.arange(flat.shape[-1])
    return _add_windows(step, (first * dy[..., None]).reshape(windows.shape), x.shape)
