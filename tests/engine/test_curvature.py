"""The second derivatives: against finite differences where they are exact, and against plain loops
over every connection."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from lenet.engine import operations
from lenet.engine.curvature import curvature, step_sizes
from lenet.engine.engine import PLAIN, Objective, Samples
from lenet.engine.initialise import initialise
from lenet.engine.plan import Floats, Plan, Step, Tensor, make_plan
from lenet.engine.reference import ReferenceEngine
from lenet.net import parse_network
from random_networks import clear_unlinked

NEAREST = Objective(nearest=True)
RUBBISH = Objective(rubbish=-3.0)


class Case:
    def __init__(self, text: str, images: int = 4) -> None:
        self.plan: Plan = make_plan(parse_network(text))
        random = np.random.default_rng(0)
        self.table = initialise(self.plan, "lecun", 1).astype(np.float64)
        self.table *= 1 + random.uniform(0, 1, len(self.table))
        clear_unlinked(self.plan, self.table)
        shape = (images, *self.plan.input_shape)
        pixels = random.integers(0, 256, shape, np.uint8)
        labels = random.integers(0, self.plan.classes, images)
        channels = self.plan.input_shape[0]
        self.samples = Samples(pixels, labels, np.full(channels, 0.005), np.full(channels, -0.1))

    def found(self, objective: Objective = PLAIN) -> Floats:
        return curvature(self.plan, self.table, self.samples, objective)

    def quotients(self, tensor: Tensor, objective: Objective, h: float = 1e-4) -> Floats:
        """The gradient's difference quotients by each of a tensor's own parameters."""
        engine, found = ReferenceEngine(self.plan), []
        for at in range(tensor.offset, tensor.offset + tensor.size):
            sides = []
            for step in (h, -h):
                table = self.table.copy()
                table[at] += step
                sides.append(engine.gradient(table, self.samples, objective).gradient[at])
            found.append((sides[0] - sides[1]) / (2 * h))
        return np.array(found).reshape(tensor.shape)


@pytest.mark.parametrize("objective", [PLAIN, Objective(label_smoothing=0.2), RUBBISH])
def test_exact_for_the_last_layer(objective: Objective) -> None:
    case = Case("1x8x8 | conv 3 k3 scaled-tanh, subsample 2 tanh | dense 5 sigmoid, dense 3")
    last = case.plan.steps[-1]
    for tensor in last.tensors:
        expected = case.quotients(tensor, objective)
        np.testing.assert_allclose(tensor.view(case.found(objective)), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "text",
    [
        "1x6x6 | dense 7, rbf 4",
        "2x6x6 | conv 3 k6, rbf 2",
        "2x4x4 | subsample 4, rbf 3",  # the coefficient times the whole sum
        "2x4x4 | avgpool 2 | dense 5, rbf 3",
    ],
)
def test_exact_where_distances_are_all_that_bends(text: str) -> None:
    case = Case(text)
    for tensor in (t for t in case.plan.tensors if t.trained):
        expected = case.quotients(tensor, NEAREST)
        np.testing.assert_allclose(tensor.view(case.found(NEAREST)), expected, rtol=1e-6)


@pytest.mark.parametrize("objective", [PLAIN, NEAREST, RUBBISH])
@pytest.mark.parametrize(
    "text",
    [
        "2x9x9 | conv 6 k3 p1 s2 scaled-tanh, subsample 2 s1 tanh | dense 4 sigmoid, rbf 3",
        "6x6x6 | conv 16 k3 table:lenet-5 silu, maxpool 2 | dense 3 scaled-tanh, rbf 2",
        "4x6x5 | conv 4 k2 g2 leaky-relu, avgpool 2 s1 p1 | dense 3",
    ],
)
def test_loops_over_every_connection(text: str, objective: Objective) -> None:
    case = Case(text, images=2)
    np.testing.assert_allclose(case.found(objective), loops(case, objective), rtol=1e-9, atol=1e-15)


def test_damping_bounds_the_steps() -> None:
    sizes = step_sizes(np.array([0.0, 0.02, 2.0]), 0.02)
    np.testing.assert_allclose(sizes, [50, 25, 1 / 2.02])


def loops(case: Case, objective: Objective) -> Floats:
    """Mean over the images of every connection's own share, one after the other."""
    total = np.zeros(case.plan.table_size)
    scale, shift = (v[:, None, None] for v in (case.samples.scale, case.samples.shift))
    for image, label in zip(case.samples.images, case.samples.labels, strict=True):
        values = [image * scale + shift]
        for step in case.plan.steps:
            inputs = operations.read_inputs(step, values[-1][None], case.table)
            values.append(operations.apply(step, inputs)[0])
        slope, bend = operations.loss_bend(values[-1][None], np.array([label]), objective)
        above, slopes = bend[0], slope[0]
        for step, x, y in reversed(
            list(zip(case.plan.steps, values[:-1], values[1:], strict=True))
        ):
            above = _back(step, case.table, total, x, y, above.reshape(y.shape), slopes)
    return total / len(case.samples.images)


def _back(
    step: Step, table: Floats, total: Floats, x: Floats, y: Floats, above: Floats, slopes: Floats
) -> Floats:
    if step.kind in ("dense", "rbf"):
        return _back_flat(step, table, total, x, y, above, slopes)
    a = operations.KINDS[step.kind][0](step, operations.read_inputs(step, x[None], table))[0]
    f = operations.derivative(step.activation, a if step.activation == "silu" else y)
    below, weight = np.zeros_like(x), step.weight and step.weight.view(table)
    for o, p, q in np.ndindex(*y.shape):
        bend = above[o, p, q] * f[o, p, q] ** 2
        places = [at for at in _window(step, o, p, q) if _inside(x, at[0])]
        if step.bias:
            step.bias.view(total)[o] += bend
        if step.kind == "maxpool":
            places = [max(places, key=lambda at: x[at[0]])]
        if step.kind == "subsample":
            step.weight.view(total)[o] += bend * sum(x[at] for at, _ in places) ** 2
        for at, tap in places:
            if step.kind == "conv" and (step.links is None or step.links[o, at[0]]):
                step.weight.view(total)[tap] += bend * x[at] ** 2
            below[at] += _weight(step, weight, tap) ** 2 * bend
    return below


def _weight(step: Step, weight: Floats, tap: tuple[int, ...]) -> float:
    match step.kind:
        case "conv":
            return weight[tap]
        case "subsample":
            return weight[tap[0]]
        case "avgpool":
            return 1 / np.prod(step.kernel_size)
    return 1.0


def _back_flat(
    step: Step, table: Floats, total: Floats, x: Floats, y: Floats, above: Floats, slopes: Floats
) -> Floats:
    flat, below, weight = x.ravel(), np.zeros(x.size), step.weight.view(table)
    f = operations.derivative(step.activation, y)
    for o, i in product(range(len(y)), range(len(flat))):
        if step.kind == "rbf":
            below[i] += 4 * (flat[i] - weight[o, i]) ** 2 * above[o]
            continue
        bend = above[o] * f[o] ** 2
        step.weight.view(total)[o, i] += bend * flat[i] ** 2
        below[i] += weight[o, i] ** 2 * bend
        if i == 0:
            step.bias.view(total)[o] += bend
    if step.kind == "rbf":
        below += max(-2 * slopes.sum(), 0)
    return below.reshape(x.shape)


def _window(
    step: Step, o: int, p: int, q: int
) -> list[tuple[tuple[int, int, int], tuple[int, ...]]]:
    """The places in the input that an output sees, and the weight of each."""
    channels = range(step.input_shape[0] // step.groups) if step.kind == "conv" else [0]
    first = o if step.kind != "conv" else o // (step.output_shape[0] // step.groups) * len(channels)
    top, left = p * step.stride[0] - step.padding[0], q * step.stride[1] - step.padding[2]
    taps = product(channels, *map(range, step.kernel_size))
    return [((first + c, top + i, left + j), (o, c, i, j)) for c, i, j in taps]


def _inside(x: Floats, at: tuple[int, int, int]) -> bool:
    return all(0 <= place < size for place, size in zip(at, x.shape, strict=True))
