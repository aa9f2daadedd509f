"""Every operation in plain NumPy, forward and backward, slow and readable.

Nothing here is clever. A window slides over a padded map (``_windows``), and what a step does is
one line on windows; in the backward pass, every position of every window gets its share of the
gradient, and shares that fall on the same pixel add up (``_add_windows``). Letters as in
``plan.py``.

``pool_first`` is ignored: the activation comes right after its layer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lenet.engine.engine import PLAIN, Objective
from lenet.engine.normalise import EPSILON
from lenet.engine.plan import Floats, Step, Tensor
from lenet.net.layers import ACTIVATIONS, LEAKY_SLOPE, SCALED_TANH

Labels = NDArray[np.integer[Any]]


class Statistics(NamedTuple):
    """What the maps of a normalised step are normalised by, (O,) each."""

    scale: Floats
    mean: Floats
    variance: Floats

    @property
    def deviation(self) -> Floats:
        """The square root under which EPSILON keeps the variance from zero."""
        return np.asarray(np.sqrt(self.variance + self.variance.dtype.type(EPSILON)))


class Inputs(NamedTuple):
    """What a step computes with."""

    x: Floats  # (N, C, H, W); a dense step takes any shape and flattens it
    weight: Any = None  # (O, C / g, kh, kw), (O, I) or, of a subsampling, (C,); else None
    bias: Any = None  # (O,) or None. Of a normalised step its shift
    norm: Statistics | None = None  # of a normalised step: running, or those of this batch


class Gradients(NamedTuple):
    """The gradients of a step's inputs, each of its input's shape; None where there is none."""

    x: Floats
    weight: Floats | None = None
    bias: Floats | None = None
    scale: Floats | None = None


def read_inputs(step: Step, x: Floats, table: Floats) -> Inputs:
    """Return ``x`` and what ``step`` has in ``table`` (T,), in x's type; statistics are running."""

    def view(tensor: Tensor) -> Floats:
        return tensor.view(table).astype(x.dtype, copy=False)

    weight = view(step.weight) if step.weight else None
    bias = view(step.bias) if step.bias else None
    norm = Statistics(*map(view, step.norm)) if step.norm else None
    return Inputs(x, weight, bias, norm)


def apply(step: Step, inputs: Inputs) -> Floats:
    """Return what ``step`` makes of a batch: (N, O, P, Q), or (N, O) from a dense step."""
    forward, _ = KINDS[step.kind]
    return activate(step.activation, forward(step, inputs))


def backward(step: Step, inputs: Inputs, y: Floats, dy: Floats) -> Gradients:
    """Return the gradients of a step's inputs, given the gradient ``dy`` of its output ``y``.

    A max pooling's goes to the first maximum of each window in row order, as in PyTorch; at their
    kink relu and leaky-relu are their lower branch. A normalised step's statistics must be those
    of this very batch: they move with ``x``.
    """
    forward, back = KINDS[step.kind]
    kept = forward(step, inputs) if ACTIVATIONS[step.activation].keeps == "input" else y
    return back(step, inputs, dy * derivative(step.activation, kept))


def measure_loss(
    scores: Floats, labels: Labels, objective: Objective = PLAIN, weights: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return the loss of every sample, and the gradient of their mean.

    Of scores (N, K) the losses are (N,), weight * (log(sum_k exp(score_k)) - sum_k target_k *
    score_k), in nats; the largest score is taken off first, so that exp never overflows. The sum
    has the class of rubbish, too. Where the nearest target is wanted, they are -weight * score.
    """
    rows, smoothing = np.arange(len(scores)), objective.label_smoothing
    rubbish = np.full((len(scores), 1), objective.rubbish, scores.dtype)
    every = np.concatenate([scores, rubbish], axis=1)
    shifted = every - every.max(axis=1, keepdims=True)
    logs = (shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))[:, :-1]
    losses: Floats = -logs[rows, labels]
    dscores: Floats = np.exp(logs)
    if objective.nearest:
        losses, dscores = -scores[rows, labels], np.zeros_like(scores)
    if smoothing:
        losses = (1 - smoothing) * losses - smoothing * logs.mean(axis=1)
        dscores -= smoothing / scores.shape[1]
    dscores[rows, labels] -= 1 - smoothing
    if weights is not None:
        losses, dscores = losses * weights, dscores * weights[:, None]
    return losses, dscores / len(scores)


def loss_bend(scores: Floats, labels: Labels, objective: Objective) -> tuple[Floats, Floats]:
    """Return the first and second derivative of each sample's loss by each score, (N, K) both."""
    _, slope = measure_loss(scores, labels, objective)
    slope = slope * len(scores)
    if objective.nearest:
        return slope, np.zeros_like(scores)
    target = np.full_like(scores, objective.label_smoothing / scores.shape[1])
    target[np.arange(len(scores)), labels] += 1 - objective.label_smoothing
    share = slope + target
    return slope, share * (1 - share)


def correlate(step: Step, x: Floats, weight: Floats) -> Floats:
    """Return the convolution alone, (N, O, P, Q)."""
    pairs = zip(_grouped(step, _windows(step, x)), _grouped(step, weight, axis=0), strict=True)
    maps = [np.tensordot(seen, w, axes=((1, 4, 5), (1, 2, 3))) for seen, w in pairs]
    return np.moveaxis(np.concatenate(maps, axis=3), 3, 1)


def _grouped(step: Step, values: Floats, axis: int = 1) -> list[Floats]:
    """Return the channels of each group; without groups all of them, in a list of one."""
    return np.split(values, step.groups, axis)


def _convolve(step: Step, inputs: Inputs) -> Floats:
    x, weight, bias, norm = inputs
    z = correlate(step, x, weight)
    if norm:
        z = (z - _per_channel(norm.mean)) * _per_channel(norm.scale / norm.deviation)
    return z + _per_channel(bias)


def _convolve_backward(step: Step, inputs: Inputs, dz: Floats) -> Gradients:
    x, weight, _, norm = inputs
    dbias, dscale = dz.sum(axis=(0, 2, 3)), None
    if norm:
        dz, dscale = _normalise_backward(norm, correlate(step, x, weight), dz)
    dweights, shares = [], []
    parts = _grouped(step, dz), _grouped(step, _windows(step, x)), _grouped(step, weight, axis=0)
    for d, seen, w in zip(*parts, strict=True):
        dweights.append(np.tensordot(d, seen, axes=((0, 2, 3), (0, 2, 3))))
        shares.append(np.moveaxis(np.tensordot(d, w, axes=(1, 0)), 3, 1))  # (N, C, P, Q, kh, kw)
    dx = _add_windows(step, np.concatenate(shares, axis=1), x.shape)
    dweight = np.concatenate(dweights)
    if step.links is not None:  # what is not connected stays zero
        dweight *= step.links[:, :, None, None]
    return Gradients(dx, dweight, dbias, dscale)


def _normalise_backward(norm: Statistics, z: Floats, dy: Floats) -> tuple[Floats, Floats]:
    """Return the gradients of z and of the scale (Ioffe and Szegedy 2015, section 3)."""
    unit = (z - _per_channel(norm.mean)) / _per_channel(norm.deviation)
    dscale = (dy * unit).sum(axis=(0, 2, 3))
    values = z.size // z.shape[1]
    mean = dy.sum(axis=(0, 2, 3)) / values
    centred = dy - _per_channel(mean) - unit * _per_channel(dscale / values)
    return centred * _per_channel(norm.scale / norm.deviation), dscale


def _per_channel(values: Floats) -> Floats:
    """Return one value per channel in a shape that meets maps."""
    return values[:, None, None]


def _multiply(step: Step, inputs: Inputs) -> Floats:
    x, weight, bias, _ = inputs
    y: Floats = x.reshape(len(x), weight.shape[1]) @ weight.T + bias
    return y


def _multiply_backward(step: Step, inputs: Inputs, dz: Floats) -> Gradients:
    x, weight = inputs.x, inputs.weight
    flat = x.reshape(len(x), weight.shape[1])
    return Gradients((dz @ weight).reshape(x.shape), dz.T @ flat, dz.sum(axis=0))


def _max_pool(step: Step, inputs: Inputs) -> Floats:
    return np.asarray(_windows(step, inputs.x, outside=-np.inf).max(axis=(4, 5)))


def _max_pool_backward(step: Step, inputs: Inputs, dz: Floats) -> Gradients:
    windows = _windows(step, inputs.x, outside=-np.inf)
    flat = windows.reshape(*windows.shape[:4], -1)  # row order; argmax takes the first maximum
    first = flat.argmax(axis=-1)[..., None] == np.arange(flat.shape[-1])
    shares = (first * dz[..., None]).reshape(windows.shape)
    return Gradients(_add_windows(step, shares, inputs.x.shape))


def _average_pool(step: Step, inputs: Inputs) -> Floats:
    return np.asarray(_windows(step, inputs.x).mean(axis=(4, 5)))


def _average_pool_backward(step: Step, inputs: Inputs, dz: Floats) -> Gradients:
    height, width = step.kernel_size
    shares = (dz / (height * width))[..., None, None]
    shares = np.broadcast_to(shares, (*dz.shape, height, width))
    return Gradients(_add_windows(step, shares, inputs.x.shape))


def _subsample(step: Step, inputs: Inputs) -> Floats:
    sums = _windows(step, inputs.x).sum(axis=(4, 5))
    return np.asarray(sums * _per_channel(inputs.weight) + _per_channel(inputs.bias))


def _subsample_backward(step: Step, inputs: Inputs, dz: Floats) -> Gradients:
    sums = _windows(step, inputs.x).sum(axis=(4, 5))
    shares = (dz * _per_channel(inputs.weight))[..., None, None]
    shares = np.broadcast_to(shares, (*dz.shape, *step.kernel_size))
    dx = _add_windows(step, shares, inputs.x.shape)
    return Gradients(dx, (dz * sums).sum(axis=(0, 2, 3)), dz.sum(axis=(0, 2, 3)))


def _nearness(step: Step, inputs: Inputs) -> Floats:
    """Return minus the squared distance to each target."""
    flat = inputs.x.reshape(len(inputs.x), 1, -1)
    return np.asarray(-((flat - inputs.weight) ** 2).sum(axis=2))


def _nearness_backward(step: Step, inputs: Inputs, dz: Floats) -> Gradients:
    flat = inputs.x.reshape(len(inputs.x), 1, -1)
    dx = (-2 * dz[:, :, None] * (flat - inputs.weight)).sum(axis=1)
    return Gradients(dx.reshape(inputs.x.shape))


_Forward = Callable[[Step, Inputs], Floats]
_Backward = Callable[[Step, Inputs, Floats], Gradients]
#: By its layer's keyword, what a step computes before its activation, and the backward pass of it.
KINDS: Final[dict[str, tuple[_Forward, _Backward]]] = {
    "conv": (_convolve, _convolve_backward),
    "maxpool": (_max_pool, _max_pool_backward),
    "avgpool": (_average_pool, _average_pool_backward),
    "dense": (_multiply, _multiply_backward),
    "subsample": (_subsample, _subsample_backward),
    "rbf": (_nearness, _nearness_backward),
}


def activate(activation: str, z: Floats) -> Floats:
    """Return the activation of ``z``, of the same shape."""
    return FUNCTIONS[activation][0](z)


def derivative(activation: str, kept: Floats) -> Floats:
    """Return the derivative at the activation's output, or input where its ``keeps`` says so."""
    return FUNCTIONS[activation][1](kept)


def _sigmoid(z: Floats) -> Floats:
    small = np.exp(-np.abs(z))  # at most 1: never overflows
    return np.asarray(np.where(z >= 0, 1, small) / (1 + small))


def _silu(z: Floats) -> Floats:
    return np.maximum(z, -800) * _sigmoid(z)  # zero at minus infinity, its limit


def _scaled_tanh(z: Floats) -> Floats:
    height, slope = (z.dtype.type(value) for value in SCALED_TANH)
    return np.asarray(height * np.tanh(slope * z))


def _scaled_tanh_derivative(y: Floats) -> Floats:
    height, slope = (y.dtype.type(value) for value in SCALED_TANH)
    return slope / height * (height * height - y * y)


def _silu_derivative(z: Floats) -> Floats:
    s = _sigmoid(z)
    return s + _silu(z) * (1 - s)


def _leaky_derivative(y: Floats) -> Floats:
    return np.where(y > 0, y.dtype.type(1), y.dtype.type(LEAKY_SLOPE))


#: Every activation, and its derivative from its output or input.
FUNCTIONS: Final[dict[str, tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]]] = {
    "identity": (lambda z: z, np.ones_like),
    "sigmoid": (_sigmoid, lambda y: y * (1 - y)),
    "tanh": (np.tanh, lambda y: 1 - y * y),
    "relu": (lambda z: np.maximum(z, 0), lambda y: (y > 0).astype(y.dtype)),
    "leaky-relu": (lambda z: np.where(z > 0, z, LEAKY_SLOPE * z), _leaky_derivative),
    "silu": (_silu, _silu_derivative),
    "scaled-tanh": (_scaled_tanh, _scaled_tanh_derivative),
}


def _windows(step: Step, x: Floats, outside: float = 0.0) -> Floats:
    """Return every window of every map, (N, C, P, Q, kh, kw), with ``outside`` as the padding."""
    top, bottom, left, right = step.padding
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=outside)
    windows = np.lib.stride_tricks.sliding_window_view(padded, step.kernel_size, axis=(2, 3))
    return windows[:, :, :: step.stride[0], :: step.stride[1]]


def _add_windows(step: Step, windows: Floats, shape: tuple[int, ...]) -> Floats:
    """Add windows (N, C, P, Q, kh, kw) up on maps ``shape``: the reverse of :func:`_windows`."""
    samples, channels, height, width = shape
    rows, columns = windows.shape[2:4]
    top, bottom, left, right = step.padding
    down, along = step.stride
    padded_shape = (samples, channels, height + top + bottom, width + left + right)
    padded = np.zeros(padded_shape, windows.dtype)
    for i, j in np.ndindex(*step.kernel_size):
        seen = np.s_[:, :, i : i + down * rows : down, j : j + along * columns : along]
        padded[seen] += windows[..., i, j]
    return padded[:, :, top : top + height, left : left + width]
