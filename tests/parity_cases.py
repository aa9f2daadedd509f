"""A network with parameters and images, the same for every engine, and how engines are compared."""

from __future__ import annotations

from itertools import product
from unittest.mock import patch

import numpy as np

from lenet.engine.engine import Engine, Gradient, Objective, Samples, TrainResult
from lenet.engine.initialise import aligned_zeros
from lenet.engine.native import NativeEngine, instruction_sets
from lenet.engine.operations import measure_loss
from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import Floats, make_plan
from lenet.engine.reference import ReferenceEngine
from lenet.net import Network
from random_networks import clear_unlinked, draw_norms

#: The plain sums of products, and Winograd's transforms wherever they apply.
CONVOLUTIONS = ("direct", "winograd")
TOLERANCE = 1e-5
RULES = (
    Optimizer("sgd", weight_decay=0.01),
    Optimizer("momentum", momentum=0.8),
    Optimizer("nesterov", momentum=0.8, weight_decay=0.01, max_grad_norm=0.5, ema_decay=0.9),
    # With a tiny epsilon AdamW moves by the sign of a gradient however small, and rounding decides
    # the sign: no two engines would agree.
    Optimizer("adamw", epsilon=1e-2, weight_decay=0.01),
    Optimizer("adamw", epsilon=1e-2, max_grad_norm=0.5, ema_decay=0.8),
)


def objective(images: int, seed: int) -> Objective:
    """Plain, or everything at once."""
    if seed % 2:
        return Objective()
    weights = np.random.default_rng(seed).uniform(0, 2, images).astype(np.float32)
    return Objective(label_smoothing=0.1, dropout=0.3, seed=seed, weights=weights)


class Case:
    """A network with parameters and images, the same for every engine."""

    def __init__(self, network: Network, samples: int, seed: int = 0) -> None:
        self.network = network
        self.plan = make_plan(network)
        random = np.random.default_rng(seed)
        self.parameters = aligned_zeros(self.plan.table_size)
        for tensor in self.plan.tensors:
            inputs = np.prod(tensor.shape[1:]) if len(tensor.shape) > 1 else 10
            tensor.view(self.parameters)[...] = random.normal(0, inputs**-0.5, tensor.shape)
        draw_norms(self.plan, self.parameters, random)
        clear_unlinked(self.plan, self.parameters)
        self.objective = objective(samples, seed)
        self.images = random.integers(0, 256, (samples, *network.input_shape), np.uint8)
        self.labels = random.integers(0, self.plan.classes, samples)
        self.scale = random.uniform(0.005, 0.02, network.input_shape[0]).astype(np.float32)
        self.shift = random.uniform(-2, 0, network.input_shape[0]).astype(np.float32)

    def scores(self, engine: Engine) -> Floats:
        return engine.scores(self.parameters, self.images, self.scale, self.shift)

    def gradient(self, engine: Engine) -> Gradient:
        return engine.gradient(self.parameters, self.samples, self.objective, step=3)

    @property
    def samples(self) -> Samples:
        return Samples(self.images, self.labels, self.scale, self.shift)

    def train(
        self,
        engine: Engine,
        optimizer: Optimizer,
        order: Floats | None = None,
        batch_size: int = 16,
        rate: float = 0.05,
    ) -> tuple[TrainResult, Floats, Floats]:
        """What happened, the parameters and the state afterwards; the case stays as it is."""
        order = np.arange(len(self.images)) if order is None else order
        parameters = aligned_zeros(self.plan.table_size)
        parameters[:] = self.parameters
        state = np.zeros((optimizer.state_rows, self.plan.table_size), np.float32)
        result = engine.train(
            parameters,
            state,
            self.samples,
            order,
            batch_size,
            np.full(-(-len(order) // batch_size), rate),
            0,
            optimizer,
            self.objective,
        )
        return result, parameters, state


def assert_near(found: Floats, expected: Floats, tolerance: float = TOLERANCE) -> None:
    """Within tolerance * max(1, |expected|)."""
    assert error_of(found, expected) <= tolerance  # a NaN is not


def error_of(found: Floats, expected: Floats) -> float:
    """The largest, by max(1, |expected|)."""
    return float((np.abs(found - expected) / np.maximum(1, np.abs(expected))).max(initial=0))


def rounding(case: Case, expected: Gradient) -> float:
    """How far rounding may take the gradient: the readable engine's error in float32, the largest
    of 20 in which every parameter is moved by as much as a sum of n products of it moves when they
    are added up in another order, about sqrt(n) * 2^-24 of itself (Higham 2002, Accuracy and
    Stability of Numerical Algorithms, sections 2.8 and 3.1)."""
    random, exact, errors = np.random.default_rng(0), case.parameters.copy(), []
    for _ in range(20):
        for tensor in case.plan.tensors:
            most = np.prod(tensor.shape[1:]) ** 0.5 * 2**-24
            moves = random.uniform(-most, most, tensor.shape)
            tensor.view(case.parameters)[...] = tensor.view(exact) * (1 + moves)
        found = case.gradient(ReferenceEngine(case.plan, np.float32))
        errors.append(error_of(found.gradient, expected.gradient))
    case.parameters[:] = exact
    return max(errors)


def ties(case: Case) -> int:
    """Images of which rounding decides whether their label's score is the best."""
    name = "lenet.engine.operations.measure_loss"
    with patch(name, wraps=measure_loss) as loss:
        case.gradient(ReferenceEngine(case.plan))
    found = 0
    for scores, labels, *_ in (call.args for call in loss.call_args_list):
        label = np.arange(scores.shape[1]) == labels[:, None]
        lead = scores[label] - np.where(label, -np.inf, scores).max(axis=1)
        found += (np.abs(lead) <= TOLERANCE).sum()
    return found


def assert_same_gradient(case: Case, found: Gradient, expected: Gradient) -> None:
    """As near to the reference's as the tolerance says, or as rounding allows where it grows.

    That is where it decides which of a window's two best values is the maximum, or on which side
    of relu's kink a value lies; and where a channel's few values are so close together that their
    last digits make up the variance by which all is divided.
    """
    assert abs(found.loss - expected.loss) <= TOLERANCE * max(1, abs(expected.loss))
    if not error_of(found.gradient, expected.gradient) <= TOLERANCE:  # a NaN is not
        assert_near(found.gradient, expected.gradient, 2 * rounding(case, expected))
    if found.correct != expected.correct:
        assert abs(found.correct - expected.correct) <= ties(case)


def compare(case: Case, isas: tuple[str, ...] = instruction_sets(), threads: int = 1) -> None:
    reference = ReferenceEngine(case.plan)
    scores, expected = case.scores(reference), case.gradient(reference)
    for isa, convolution in product(isas, CONVOLUTIONS):
        engine = NativeEngine(case.plan, threads, isa, convolution)
        assert_near(case.scores(engine), scores)
        assert_same_gradient(case, case.gradient(engine), expected)
