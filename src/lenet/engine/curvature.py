"""How much the loss bends along each parameter: what sets the steps of Levenberg-Marquardt.

LeCun et al. 1998, appendix C. Of the second derivatives only those by one parameter twice are
computed, and in the Gauss-Newton approximation, which leaves out the activations' own bending:

    h_a = f'(a)^2 h_y                of a step's weighted sums a, y = f(a)
    h_x = sum over outputs of w^2 h_a
    h_w = sum over all places that share w, and mean over the images, of h_a x^2

So it is the backward pass with squares in it. What a step's parameters move by is
rate / (damping + h_w) times the gradient: far where the loss is flat, little where it is steep.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lenet.engine import operations
from lenet.engine.engine import Objective, Samples
from lenet.engine.operations import Gradients, Inputs
from lenet.engine.plan import INPUT, Floats, Plan, Step
from lenet.net.layers import ACTIVATIONS

#: Images that are computed at a time.
_CHUNK: Final = 100


def curvature(plan: Plan, parameters: Floats, samples: Samples, objective: Objective) -> Floats:
    """Return the second derivative of the loss by each parameter (T,), mean over the samples.

    It is never negative, and zero in the table's gaps and where nothing is trained. No layer may be
    normalised: its images would no longer be independent of each other.
    """
    assert not plan.normalised
    total = np.zeros(plan.table_size)
    for start in range(0, len(samples.images), _CHUNK):
        part = slice(start, start + _CHUNK)
        scale, shift = (v.astype(np.float64)[:, None, None] for v in (samples.scale, samples.shift))
        x = samples.images[part] * scale + shift
        _add(plan, parameters, x, samples.labels[part], objective, total)
    return total / len(samples.images)


def step_sizes(bends: Floats, damping: float) -> Floats:
    """Return what the rate of each parameter is times, 1 / (damping + curvature), (T,)."""
    return np.asarray(1 / (damping + bends))


def _add(
    plan: Plan,
    parameters: Floats,
    x: Floats,
    labels: operations.Labels,
    objective: Objective,
    total: Floats,
) -> None:
    """Add the sum over some images to ``total`` (T,)."""
    values = {INPUT: x}
    inputs: list[Inputs] = []
    for index, step in enumerate(plan.steps):
        (reads,) = step.inputs
        inputs.append(operations.read_inputs(step, values[reads], parameters))
        values[index] = operations.apply(step, inputs[index])
    last = len(plan.steps) - 1
    scores = values[last].reshape(len(x), -1)
    slope, bend = operations.loss_bend(scores, labels, objective)
    flows = {last: bend}
    for index, step in reversed(list(enumerate(plan.steps))):
        (reads,) = step.inputs
        y = values[index]
        if step.kind == "rbf":  # where the distances bend, too
            flows[reads] = _through_rbf(inputs[index], slope, flows[index])
            continue
        bends = _bends(step, inputs[index], y, flows[index].reshape(y.shape))
        flows[reads] = bends.x
        for tensor, found in ((step.weight, bends.weight), (step.bias, bends.bias)):
            if tensor and found is not None:
                tensor.view(total)[...] += found


def _bends(step: Step, inputs: Inputs, y: Floats, bend: Floats) -> Gradients:
    forward, back = operations.KINDS[step.kind]
    kept = forward(step, inputs) if ACTIVATIONS[step.activation].keeps == "input" else y
    bend = bend * operations.derivative(step.activation, kept) ** 2
    if step.kind == "maxpool":
        return back(step, inputs, bend)
    squared = Inputs(inputs.x**2, *(v if v is None else v**2 for v in inputs[1:3]))
    if step.kind == "avgpool":  # the weights are one over the window's size
        found = back(step, squared, bend)
        return Gradients(found.x / np.prod(step.kernel_size))
    found = back(step, squared, bend)
    if step.kind == "subsample":  # the coefficient's input is the whole sum
        sums = forward(step, Inputs(inputs.x, np.ones_like(inputs.weight), 0 * inputs.bias))
        return found._replace(weight=(bend * sums**2).sum(axis=(0, 2, 3)))
    return found


def _through_rbf(inputs: Inputs, slope: Floats, bend: Floats) -> Floats:
    """Return h of what the targets are held against: score = -sum (x - w)^2 bends by -2."""
    flat = inputs.x.reshape(len(inputs.x), 1, -1)
    steep = 4 * (flat - inputs.weight) ** 2 * bend[:, :, None]
    own = np.maximum(-2 * slope.sum(axis=1), 0)[:, None]
    return np.asarray((steep.sum(axis=1) + own).reshape(inputs.x.shape))
