"""The first values of the parameters.

Weights are drawn by one of four rules; biases are zero, but for lecun's. A normalisation's scale
and running variance are one, its running mean is zero. A subsampling begins as a mean, but for
lecun's. An RBF layer's targets are the ten digits of the paper where they fit, or else drawn.

    normal:S   normal with standard deviation S
    xavier     uniform up to sqrt(6 / (fan_in + fan_out)); Glorot and Bengio 2010, equation 16
    kaiming    normal with standard deviation sqrt(2 / fan_in); He et al. 2015, equation 10
    lecun      uniform up to 2.4 / fan_in, biases too; LeCun et al. 1998, appendix A
    lecun:K    the same up to K / fan_in

fan_in is how many inputs an output sees, fan_out how many outputs an input reaches at stride 1:
C x kh x kw and O x kh x kw for a convolution (O, C, kh, kw), I and O for a dense layer (O, I). In a
convolution of g groups both are those of one group. With a connection table lecun counts the inputs
that each output is connected to.

Element i of tensor t is a function of (seed, t, i) alone, with t counted in table order.
"""

from __future__ import annotations

from math import prod, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lenet.arguments import shown
from lenet.engine.plan import ALIGNMENT, Floats, Plan, Step, Tensor
from lenet.errors import UsageError
from lenet.net.tables import DIGITS
from lenet.randomness import WEIGHTS, checked_seed, normal, uniform

#: Rules that need no number: that of each, 0 where it has none.
_NUMBERS: Final = {"xavier": 0.0, "kaiming": 0.0, "lecun": 2.4}
#: The largest standard deviation: no weight is then too large for 32 bits.
_LARGEST: Final = 1e30


def initialise(plan: Plan, init: str, seed: int) -> NDArray[np.float32]:
    """Return a new parameter table (T,), 64-byte aligned, its gaps zero."""
    (rule, number), seed = parse_init(init), checked_seed(seed)
    table = aligned_zeros(plan.table_size)
    places = {tensor: index for index, tensor in enumerate(plan.tensors)}
    for step in plan.steps:
        for tensor in (step.weight, step.bias):
            if tensor is None:
                continue
            values, stream = tensor.view(table), (seed, WEIGHTS, places[tensor])
            if step.kind == "rbf":
                fits = tensor.shape == np.shape(DIGITS)
                values[...] = DIGITS if fits else np.where(_signs(tensor, stream) < 0, -1, 1)
            elif rule == "lecun":
                fan_in = _fan_in(step).reshape(-1, *[1] * (len(tensor.shape) - 1))
                values[...] = number / fan_in * _signs(tensor, stream)
            elif step.kind == "subsample":
                values[...] = 1 / prod(step.kernel_size) if tensor is step.weight else 0
            elif tensor is step.weight:
                values[...] = _drawn(rule, number, step, tensor, stream)
        if step.weight and step.links is not None:
            step.weight.view(table)[...] *= step.links[:, :, None, None]
    for norm in (step.norm for step in plan.steps if step.norm):
        norm.scale.view(table)[...] = norm.variance.view(table)[...] = 1
    return table


def _signs(tensor: Tensor, stream: tuple[int, int, int]) -> Floats:
    """Return uniform numbers from -1 to 1, one for each of a tensor's."""
    return np.asarray(2 * uniform(*stream, count=tensor.size) - 1).reshape(tensor.shape)


def _drawn(
    rule: str, deviation: float, step: Step, tensor: Tensor, stream: tuple[int, int, int]
) -> Floats:
    outputs, inputs, *window = tensor.shape
    fan_out, fan_in = outputs // step.groups * prod(window), inputs * prod(window)
    if rule == "xavier":
        return np.asarray(sqrt(6 / (fan_in + fan_out)) * _signs(tensor, stream))
    draws = normal(*stream, count=tensor.size).reshape(tensor.shape)
    return np.asarray((sqrt(2 / fan_in) if rule == "kaiming" else deviation) * draws)


def _fan_in(step: Step) -> Floats:
    """Return how many inputs each output is connected to, (O,)."""
    window = prod(step.kernel_size)
    if step.links is not None:
        return np.asarray(step.links.sum(axis=1) * float(window))
    seen = 1 if step.kind == "subsample" else step.input_shape[0] // step.groups
    return np.full(step.output_shape[0], float(seen * window))


def aligned_zeros(size: int) -> NDArray[np.float32]:
    """Return ``size`` zeros, the first on a 64-byte boundary as engines want their tables."""
    table = np.zeros(size + ALIGNMENT, np.float32)
    start = -table.ctypes.data // table.itemsize % ALIGNMENT
    return table[start : start + size]


def parse_init(init: str) -> tuple[str, float]:
    """Return the rule and its number, of normal and lecun; refuse any other text."""
    rule, colon, text = init.partition(":") if isinstance(init, str) else ("", "", "")
    if not colon and rule in _NUMBERS:
        return rule, _NUMBERS[rule]
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if rule not in ("normal", "lecun") or not 0 < number <= _LARGEST:
        raise UsageError(
            f"the initialisation is {shown(init)}; it must be normal:S with a standard deviation S "
            f"above 0 and at most {_LARGEST:g} (such as normal:0.2), xavier, kaiming, lecun or "
            "lecun:K with a K as S."
        )
    return rule, number
