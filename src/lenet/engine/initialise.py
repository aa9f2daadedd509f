"""The first values of the parameters.

Weights are drawn by one of three rules; biases are zero. A normalisation's scale and running
variance are one, its running mean is zero.

    normal:S   normal with standard deviation S
    xavier     uniform up to sqrt(6 / (fan_in + fan_out)); Glorot and Bengio 2010, equation 16
    kaiming    normal with standard deviation sqrt(2 / fan_in); He et al. 2015, equation 10

fan_in is how many inputs an output sees, fan_out how many outputs an input reaches at stride 1:
C x kh x kw and O x kh x kw for a convolution (O, C, kh, kw), I and O for a dense layer (O, I). In a
convolution of g groups both are those of one group.

Element i of tensor t is a function of (seed, t, i) alone, with t counted in table order.
"""

from __future__ import annotations

from math import prod, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lenet.arguments import shown
from lenet.engine.plan import ALIGNMENT, Plan
from lenet.errors import UsageError
from lenet.randomness import WEIGHTS, checked_seed, normal, uniform

#: The largest standard deviation: no weight is then too large for 32 bits.
_LARGEST: Final = 1e30


def initialise(plan: Plan, init: str, seed: int) -> NDArray[np.float32]:
    """Return a new parameter table (T,), 64-byte aligned, its gaps zero."""
    (rule, deviation), seed = parse_init(init), checked_seed(seed)
    table = aligned_zeros(plan.table_size)
    groups = {step.weight: step.groups for step in plan.steps if step.weight}
    for index, tensor in enumerate(plan.tensors):
        if len(tensor.shape) > 1:  # a bias has one axis
            window = prod(tensor.shape[2:])
            fan_out, fan_in = tensor.shape[0] // groups[tensor] * window, tensor.shape[1] * window
            if rule == "xavier":
                bound = sqrt(6 / (fan_in + fan_out))
                values = bound * (2 * uniform(seed, WEIGHTS, index, count=tensor.size) - 1)
            else:
                spread = sqrt(2 / fan_in) if rule == "kaiming" else deviation
                values = spread * normal(seed, WEIGHTS, index, count=tensor.size)
            tensor.view(table)[...] = values.reshape(tensor.shape)
    for norm in (step.norm for step in plan.steps if step.norm):
        norm.scale.view(table)[...] = norm.variance.view(table)[...] = 1
    return table


def aligned_zeros(size: int) -> NDArray[np.float32]:
    """Return ``size`` zeros, the first on a 64-byte boundary as engines want their tables."""
    table = np.zeros(size + ALIGNMENT, np.float32)
    start = -table.ctypes.data // table.itemsize % ALIGNMENT
    return table[start : start + size]


def parse_init(init: str) -> tuple[str, float]:
    """Return the rule and, for normal, its standard deviation; refuse any other text."""
    rule, _, number = init.partition(":") if isinstance(init, str) else ("", "", "")
    if rule and init in ("xavier", "kaiming"):
        return rule, 0.0
    try:
        deviation = float(number)
    except ValueError:
        deviation = 0.0
    if rule != "normal" or not 0 < deviation <= _LARGEST:
        raise UsageError(
            f"the initialisation is {shown(init)}; it must be normal:S with a standard deviation S "
            f"above 0 and at most {_LARGEST:g} (such as normal:0.2), xavier or kaiming."
        )
    return rule, deviation
