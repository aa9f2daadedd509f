"""Batch normalisation: what its statistics are taken over, and how it disappears after training.

In training every channel's values z over the batch become scale * (z - mean) / sqrt(variance +
EPSILON) + shift (Ioffe and Szegedy 2015, algorithm 1). The batch is cut into ghost batches of
GHOST_BATCH to 2 * GHOST_BATCH - 1 consecutive samples, each with its own mean and variance
(Hoffer, Hubara and Soudry 2017, algorithm 1): the threads need not wait for each other, the result
does not depend on how many there are, and the noise of small batches stays, as it does when a
large batch is spread over many devices. The running statistics move by MOMENTUM towards the mean
over the ghost batches in every step, as in PyTorch with the unbiased variance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from lenet.engine.plan import Floats, Plan, pooling_first

GHOST_BATCH: Final = 32
MOMENTUM: Final = 0.1
EPSILON: Final = 1e-5


def ghost_batches(samples: int) -> Iterator[slice]:
    """Yield the ghost batches of a batch: consecutive, their sizes differing by one at most."""
    count = max(1, samples // GHOST_BATCH)
    size, more = divmod(samples, count)
    for index in range(count):
        begin = index * size + min(index, more)
        yield slice(begin, begin + size + (index < more))


def folded_plan(plan: Plan) -> Plan:
    """Return the same plan without normalisation: what :func:`folded_table` is for."""
    plain = [replace(step, scale=None, mean=None, variance=None) for step in plan.steps]
    return replace(plan, steps=pooling_first(plain))


@np.errstate(over="ignore")  # finite weights may overflow by it; who asks for scores is told
def folded_table(plan: Plan, table: Floats) -> Floats:
    """Return ``table`` (T,) with every normalisation multiplied into its convolution.

    Computed in float64: weight' = weight * a and bias' = shift - mean * a, where
    a = scale / sqrt(variance + EPSILON).
    """
    folded = table.copy()
    for step in plan.steps:
        if step.norm and step.weight and step.bias:
            scale, mean, variance, shift = (
                tensor.view(table).astype(np.float64) for tensor in (*step.norm, step.bias)
            )
            factor = scale / np.sqrt(variance + EPSILON)
            step.weight.view(folded)[...] = step.weight.view(table) * factor[:, None, None, None]
            step.bias.view(folded)[...] = shift - mean * factor
    return folded
