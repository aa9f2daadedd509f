"""Every operation in plain NumPy, forwards and backwards, slow and readable.

Nothing here is clever. A window slides over a padded map (``_windows``), and what a step does is
one line on windows; going back, every position of every window gets its share of the gradient, and
shares that fall on the same pixel add up (``_add_windows``). Letters as in ``plan.py``.

``pool_first`` is ignored: the activation comes right after its layer.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lenet.engine.normalise import EPSILON
from lenet.engine.plan import Floats, Step
from lenet.net.layers import LEAKY_SLOPE

Labels = NDArray[np.integer[Any]]


class Statistics(NamedTuple):
    """What the maps of a normalised step are normalised by, (O,) each."""

    scale: Floats
    mean: Floats
    variance: Floats

    @property
    def deviation(self) -> Floats:
        """The square root under which EPSILON keeps the variance from zero."""
        root: Floats = np.sqrt(self.variance + self.variance.dtype.type(EPSILON))
        return root


def apply(
    step: Step,
    x: Floats,
    weight: Floats | None,
    bias: Floats | None,
    norm: Statistics | None = None,
) -> Floats:
    """What ``step`` makes of a batch, its normalisation and activation included.

    Args:
        step: what to do.
        x: (N, C, H, W); a dense step takes any shape and flattens it.
        weight: (O, C, kh, kw) or (O, I); None for poolings.
        bias: (O,); None for poolings. Of a normalised step its shift.
        norm: of a normalised step: the running statistics, or those of the batch.

    Returns:
        Maps (N, O, P, Q), or (N, O) from a dense step.
    """
    return _activate(step.activation, _before_activation(step, x, weight, bias, norm))


class Slopes(NamedTuple):
    """The gradient of a step's inputs, each shaped as what it belongs to; None where there is
    no such input."""

    x: Floats
    weight: Floats | None = None
    bias: Floats | None = None
    scale: Floats | None = None


def backward(
    step: Step,
    x: Floats,
    weight: Floats | None,
    bias: Floats | None,
    y: Floats,
    dy: Floats,
    norm: Statistics | None = None,
) -> Slopes:
    """The gradient of a step's inputs, given the gradient ``dy`` of its output ``y``.

    The gradient of a max pooling goes to the first maximum of each window in row order, as in
    PyTorch; where relu and leaky-relu have a kink, at 0, they count as not rising and as their
    lower branch. ``norm`` must hold the statistics of this very batch: they move with ``x``.
    """
    if step.kind == "maxpool":
        return Slopes(_max_pool_backward(step, x, dy))
    if step.kind == "avgpool":
        shares = (dy / (step.kernel[0] * step.kernel[1]))[..., None, None]
        shares = np.broadcast_to(shares, (*dy.shape, *step.kernel))
        return Slopes(_add_windows(step, shares, x.shape))
    dz: Floats = dy * _slope(step, x, weight, bias, y, norm)
    assert weight is not None
    if step.kind == "dense":
        flat = x.reshape(len(x), weight.shape[1])
        return Slopes((dz @ weight).reshape(x.shape), dz.T @ flat, dz.sum(axis=0))
    dbias, dscale = dz.sum(axis=(0, 2, 3)), None
    if norm:
        dz, dscale = _normalise_backward(norm, correlate(step, x, weight), dz)
    dweight = np.tensordot(dz, _windows(step, x), axes=((0, 2, 3), (0, 2, 3)))
    shares = np.moveaxis(np.tensordot(dz, weight, axes=(1, 0)), 3, 1)  # (N, C, P, Q, kh, kw)
    return Slopes(_add_windows(step, shares, x.shape), dweight, dbias, dscale)


def softmax_cross_entropy(
    scores: Floats, labels: Labels, smoothing: float = 0.0, weights: Floats | None = None
) -> tuple[Floats, Floats]:
    """The loss of every sample, and the gradient of their mean.

    loss = weight * (log(sum_k exp(score_k)) - sum_k target_k * score_k), in nats; the largest
    score is taken off first, so that exp never overflows. The target is 1 - smoothing at the
    label, and smoothing / K everywhere on top.

    Args:
        scores: (N, K).
        labels: (N,), from 0 to K-1.
        smoothing: see :class:`lenet.engine.objective.Objective`.
        weights: (N,), 1 each by default.

    Returns:
        Losses (N,) and the gradient of their mean by the scores (N, K).
    """
    rows = np.arange(len(scores))
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    losses: Floats = -logs[rows, labels]
    dscores: Floats = np.exp(logs)
    if smoothing:
        losses = (1 - smoothing) * losses - smoothing * logs.mean(axis=1)
        dscores -= smoothing / scores.shape[1]
    dscores[rows, labels] -= 1 - smoothing
    if weights is not None:
        losses, dscores = losses * weights, dscores * weights[:, None]
    return losses, dscores / len(scores)


def correlate(step: Step, x: Floats, weight: Floats) -> Floats:
    """The convolution alone, (N, O, P, Q)."""
    z = np.tensordot(_windows(step, x), weight, axes=((1, 4, 5), (1, 2, 3)))  # (N, P, Q, O)
    return np.moveaxis(z, 3, 1)


def _before_activation(
    step: Step, x: Floats, weight: Floats | None, bias: Floats | None, norm: Statistics | None
) -> Floats:
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
    z = correlate(step, x, weight)
    if norm:
        z = (z - _each(norm.mean)) * _each(norm.scale / norm.deviation)
    return z + _each(bias)


def _each(values: Floats) -> Floats:
    """One value a channel, to meet maps."""
    return values[:, None, None]


def _normalise_backward(norm: Statistics, z: Floats, dy: Floats) -> tuple[Floats, Floats]:
    """From the gradient of what was normalised, scaled and shifted to that of z, and the
    scale's; Ioffe and Szegedy 2015, section 3, put together."""
    unit = (z - _each(norm.mean)) / _each(norm.deviation)
    dscale = (dy * unit).sum(axis=(0, 2, 3))
    values = z.size // z.shape[1]
    centred = dy - _each(dy.sum(axis=(0, 2, 3)) / values) - unit * _each(dscale / values)
    return centred * _each(norm.scale / norm.deviation), dscale


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


def _slope(
    step: Step,
    x: Floats,
    weight: Floats | None,
    bias: Floats | None,
    y: Floats,
    norm: Statistics | None,
) -> Floats:
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
            s = _sigmoid(_before_activation(step, x, weight, bias, norm))
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
