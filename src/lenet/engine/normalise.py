"""Batch normalisation: what its statistics are taken over, and how it disappears after training.

In training every channel's values z over the batch become scale * (z - mean) / sqrt(variance +
EPSILON) + shift (Ioffe and Szegedy 2015, algorithm 1). The batch is cut into ghost batches of
GHOST to 2 * GHOST - 1 consecutive samples, each with its own mean and variance (Hoffer, Hubara and
Soudry 2017, algorithm 1): the threads need not wait for each other, the result does not depend on
how many there are, and the noise of small batches stays, as it does when a large batch is spread
over many devices. The running statistics move by MOMENTUM towards the ghosts' mean in every
step, as in PyTorch with the unbiased variance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from lenet.engine.plan import Floats, Plan, Step, Tensor
from lenet.net.layers import ACTIVATIONS

GHOST: Final = 32
MOMENTUM: Final = 0.1
EPSILON: Final = 1e-5


def ghosts(samples: int) -> Iterator[slice]:
    """The ghost batches of a batch: consecutive, their sizes differing by one at most."""
    count = max(1, samples // GHOST)
    size, more = divmod(samples, count)
    for part in range(count):
        begin = part * size + min(part, more)
        yield slice(begin, begin + size + (part < more))


def folded_plan(plan: Plan) -> Plan:
    """The same plan without normalisation: what :func:`folded_table` is for."""
    steps = zip(plan.steps, (*plan.steps[1:], None), strict=True)
    return replace(plan, steps=tuple(_folded_step(*pair) for pair in steps))


def folded_table(plan: Plan, table: Floats) -> Floats:
    """``table`` (T,) with every normalisation multiplied into its convolution, in float64 on the
    way: weight' = weight * a and bias' = shift - mean * a, a = scale / sqrt(variance + EPSILON)."""
    found = table.copy()
    for step in plan.steps:
        if step.norm and step.weight and step.bias:
            scale, mean, variance, shift = (
                tensor.view(table).astype(np.float64)
                for tensor in (step.norm.scale, step.norm.mean, step.norm.variance, step.bias)
            )
            factor = scale / np.sqrt(variance + EPSILON)
            step.weight.view(found)[...] = step.weight.view(table) * factor[:, None, None, None]
            step.bias.view(found)[...] = shift - mean * factor
    return found


def running(plan: Plan) -> tuple[Tensor, ...]:
    """The tensors that no gradient moves."""
    return tuple(tensor for tensor in plan.tensors if not tensor.trained)


def _folded_step(step: Step, following: Step | None) -> Step:
    if not step.norm:
        return step
    pools = following is not None and following.kind == "maxpool"
    return replace(step, norm=None, pool_first=pools and ACTIVATIONS[step.activation].monotone)
