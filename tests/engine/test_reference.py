"""The reference engine against central differences, by hand, and what training promises."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from lenet.engine.engine import Engine, Gradient, Samples, TrainResult
from lenet.engine.initialise import initialise
from lenet.engine.operations import Inputs, apply, backward, measure_loss
from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import Floats, Step, make_plan
from lenet.engine.reference import ReferenceEngine
from lenet.errors import UsageError
from lenet.net.layers import ACTIVATIONS, AvgPool2d, Conv2d, Dense, MaxPool2d
from lenet.net.network import Network
from random_networks import random_network
from refusals import refused

SMALL = Network((2, 6, 5), [Conv2d(3, 3, padding=1, activation="relu"), MaxPool2d(2), Dense(4)])


class Case:
    """An engine with parameters, images and labels drawn from a seed."""

    def __init__(self, network: Network, seed: int = 0, samples: int = 3) -> None:
        self.plan = make_plan(network)
        self.engine = ReferenceEngine(self.plan)
        random = np.random.default_rng(seed)
        self.parameters = np.zeros(self.plan.table_size)
        for tensor in self.plan.tensors:
            tensor.view(self.parameters)[...] = random.normal(0, 0.5, tensor.shape)
        self.images = random.integers(0, 256, (samples, *network.input_shape), np.uint8)
        self.labels = random.integers(0, self.plan.classes, samples)
        self.scale = random.uniform(0.005, 0.01, network.input_shape[0])
        self.shift = random.uniform(-1, 0, network.input_shape[0])
        self.optimizer = Optimizer("adamw", weight_decay=0.1)
        self.state = np.zeros((2, self.plan.table_size))
        self.steps = 0
        self.pixels = self.images * self.scale[:, None, None] + self.shift[:, None, None]

    def gradient(self) -> Gradient:
        return self.engine.gradient(self.parameters, self.samples)

    @property
    def samples(self) -> Samples:
        return Samples(self.images, self.labels, self.scale, self.shift)

    def train(self, order: object, rates: object, batch_size: int = 4) -> TrainResult:
        return self.engine.train(
            self.parameters,
            self.state,
            self.samples,
            np.asarray(order, np.int64),
            batch_size,
            np.asarray(rates, float),
            self.steps,
            self.optimizer,
        )

    def loss_and_pattern(self) -> tuple[float, bytes]:
        """The loss, and which branch was taken at every kink of the network."""
        outputs = self.engine.outputs(self.parameters, self.pixels)
        branches = []
        for step, x, y in zip(self.plan.steps, [self.pixels, *outputs], outputs, strict=False):
            if step.activation in ("relu", "leaky-relu"):
                branches.append((y > 0).tobytes())
            if step.kind == "maxpool":  # number the windows: which number lands on which input?
                numbers = np.arange(1.0, y.size + 1).reshape(y.shape)
                branches.append(backward(step, Inputs(x), y, numbers)[0].tobytes())
        scores = outputs[-1].reshape(len(self.images), -1)
        losses, _ = measure_loss(scores, self.labels)
        return float(losses.mean()), b"".join(branches)

    def difference(self, index: int) -> tuple[float, float]:
        """The five-point difference quotient by one parameter, and how far roundoff puts it off.

        The error of the formula is of order h^4. A quotient across a kink means nothing, so h
        shrinks until all five points lie on the same branches.
        """
        base, pattern = self.loss_and_pattern()
        start = self.parameters[index]
        for h in (2e-3, 2e-4, 2e-5, 2e-6):
            losses = {}
            patterns = {pattern}
            for k in (-2, -1, 1, 2):
                self.parameters[index] = start + k * h
                losses[k], branches = self.loss_and_pattern()
                patterns.add(branches)
            self.parameters[index] = start
            if len(patterns) == 1:
                quotient = (8 * (losses[1] - losses[-1]) - (losses[2] - losses[-2])) / (12 * h)
                return quotient, 1e-15 * max(1.0, base) / h
        raise AssertionError(f"parameter {index} sits on a kink")


@pytest.mark.parametrize("seed", range(12))
def test_gradients_equal_central_differences(seed: int) -> None:
    # Where batches are normalised the loss is another in training: test_objective.py holds those.
    bounds = {"channels": 3, "units": 5, "size": 8, "maps": 4, "batch_norm": 0.0}
    case = Case(random_network(seed, **bounds), seed)
    gradient = case.gradient().gradient
    for tensor in case.plan.tensors:
        for index in range(tensor.offset, tensor.offset + tensor.size):
            expected, roundoff = case.difference(index)
            assert gradient[index] == pytest.approx(expected, rel=1e-6, abs=10 * roundoff), index


def step_of(layer: Conv2d | MaxPool2d | AvgPool2d | Dense, *shape: int) -> Step:
    return make_plan(Network(shape, [layer])).steps[0]


def square(*rows: list[float]) -> Floats:
    return np.array([[rows]], dtype=float)


def test_a_convolution_by_hand() -> None:
    step = step_of(Conv2d(1, 2, padding=(1, 0, 0, 0), stride=(2, 1)), 1, 3, 3)
    x = square([1, 2, 3], [4, 5, 6], [7, 8, 9])
    weight, bias = square([1, 10], [100, 1000]), np.array([0.5])
    # Rows 0 (padding) and 1, then rows 2 and 3.
    expected = square([2100.5, 3200.5], [8754.5, 9865.5])
    np.testing.assert_array_equal(apply(step, Inputs(x, weight, bias)), expected)


def test_a_max_pooling_never_chooses_its_padding() -> None:
    step = step_of(MaxPool2d(2, padding=1), 1, 2, 2)
    x = square([-1, -2], [-3, -4])
    np.testing.assert_array_equal(apply(step, Inputs(x)), x)


def test_an_average_pooling_counts_its_padding_as_zeros() -> None:
    step = step_of(AvgPool2d(2, padding=(1, 1, 1, 1)), 1, 2, 2)
    x = square([4, 8], [12, 16])
    np.testing.assert_array_equal(apply(step, Inputs(x)), x / 4)


def test_a_max_poolings_gradient_goes_to_the_first_maximum() -> None:
    step = step_of(MaxPool2d((2, 3), stride=1), 1, 3, 3)
    x = square([0, 5, 5], [5, 5, 0], [5, 0, 0])
    y = apply(step, Inputs(x))
    dx, dweight, dbias, _ = backward(step, Inputs(x), y, square([1], [10]))
    np.testing.assert_array_equal(dx, square([0, 1, 0], [10, 0, 0], [0, 0, 0]))
    assert dweight is None
    assert dbias is None


def test_dense_flattens_channel_by_channel_row_by_row() -> None:
    step = step_of(Dense(1), 2, 2, 2)
    digits = 10.0 ** np.arange(8)[None]
    x = np.arange(8.0).reshape(1, 2, 2, 2)
    assert apply(step, Inputs(x, digits, np.zeros(1))) == 76543210


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_stand_extreme_inputs(activation: str, dtype: type) -> None:
    step = step_of(Dense(1, activation), 1, 1, 1)
    x = np.array([[-1e30], [-800], [0], [800], [1e30]], dtype)
    weight, bias = np.ones((1, 1), dtype), np.zeros(1, dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = apply(step, Inputs(x, weight, bias))
        dx, *_ = backward(step, Inputs(x, weight, bias), y, np.ones_like(y))
    assert np.isfinite(y).all()
    assert np.isfinite(dx).all()
    assert y.dtype == dx.dtype == dtype


def test_measure_loss_by_hand_and_at_the_extremes() -> None:
    scores = np.array([[0.0, np.log(3.0)], [1e4, -1e4], [1e4, -1e4]])
    losses, dscores = measure_loss(scores, np.array([1, 0, 1]))
    np.testing.assert_allclose(losses, [np.log(4 / 3), 0, 2e4])
    np.testing.assert_allclose(dscores * 3, [[0.25, -0.25], [0, 0], [1, -1]], atol=1e-15)


def test_float32_stays_float32_and_near_float64() -> None:
    case = Case(SMALL)
    single = ReferenceEngine(case.plan, np.float32)
    found = single.gradient(case.parameters, case.samples)
    assert found.gradient.dtype == np.float32
    np.testing.assert_allclose(found.gradient, case.gradient().gradient, atol=1e-6)


def test_chunks_change_nothing() -> None:
    case = Case(SMALL, samples=7)
    whole = case.gradient()
    scores = case.engine.scores(case.parameters, case.images, case.scale, case.shift)
    case.engine._chunk = 3
    parts = case.gradient()
    np.testing.assert_allclose(parts.gradient, whole.gradient, atol=1e-15)
    assert parts.loss == pytest.approx(whole.loss, rel=1e-15)
    assert parts.correct == whole.correct == (scores.argmax(axis=1) == case.labels).sum()
    np.testing.assert_allclose(
        case.engine.scores(case.parameters, case.images, case.scale, case.shift), scores
    )


def test_no_images_have_no_scores() -> None:
    case = Case(SMALL, samples=0)
    assert case.engine.scores(case.parameters, case.images, case.scale, case.shift).shape == (0, 4)


def test_the_gaps_of_the_table_stay_zero() -> None:
    case = Case(SMALL, samples=8)
    case.train(range(8), [0.1, 0.1])
    gaps = np.ones(case.plan.table_size, bool)
    for tensor in case.plan.tensors:
        gaps[tensor.offset : tensor.offset + tensor.size] = False
    assert gaps.any()
    assert not case.parameters[gaps].any()
    assert not case.state[:, gaps].any()


def test_training_takes_batches_in_order_and_the_last_may_be_short() -> None:
    case, twin = Case(SMALL, samples=10), Case(SMALL, samples=10)
    order, rates = [9, 3, 1, 0, 2, 8, 7, 5, 6, 4], [0.1, 0.05, 0.02]
    found = case.train(order, rates)
    for step, rate in enumerate(rates):
        batch = order[4 * step : 4 * step + 4]
        data = Samples(twin.images[batch], twin.labels[batch], twin.scale, twin.shift)
        expected = twin.engine.gradient(twin.parameters, data)
        assert found.losses[step] == expected.loss
        assert found.correct[step] == expected.correct
        twin.optimizer.update(twin.parameters, expected.gradient, twin.state, rate, step + 1)
    assert found.steps == 3
    np.testing.assert_array_equal(case.parameters, twin.parameters)


def test_training_in_two_calls_is_training_in_one() -> None:
    whole, parts = Case(SMALL, samples=8), Case(SMALL, samples=8)
    order = np.arange(8)
    whole.train(order, [0.1, 0.05])
    parts.train(order[:4], [0.1])
    parts.steps = 1
    parts.train(order[4:], [0.05])
    np.testing.assert_array_equal(parts.parameters, whole.parameters)
    np.testing.assert_array_equal(parts.state, whole.state)


def test_training_learns() -> None:
    case = Case(SMALL, samples=8)
    found = case.train(np.tile(np.arange(8), 100), np.full(100, 0.01), batch_size=8)
    assert found.losses[-1] < 0.1 < found.losses[0]
    assert found.correct[-1] == 8


def test_training_stops_before_the_update_that_a_lost_loss_would_make() -> None:
    case, twin = Case(SMALL, samples=12), Case(SMALL, samples=12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = case.train(range(12), [1e300, 0.1, 0.1])
    twin.train(range(4), [1e300])
    assert found.steps == 1
    assert np.isfinite(found.losses[0])
    assert not np.isfinite(found.losses[1])
    assert (found.losses[2], *found.correct[1:]) == (0, 0, 0)
    np.testing.assert_array_equal(case.parameters, twin.parameters)


def test_an_order_too_short_is_refused() -> None:
    case = Case(SMALL, samples=8)
    with refused(UsageError, "3 steps of 4 images", "more than 8"):
        case.train(range(8), [0.1, 0.1, 0.1])


def test_float32_tables_are_trained_as_float32() -> None:
    case = Case(SMALL, samples=8)
    case.parameters = initialise(case.plan, "xavier", seed=0)
    case.state = case.state.astype(np.float32)
    table = case.parameters
    case.train(range(8), [0.1, 0.1])
    assert case.parameters is table
    assert table.any()


def test_the_engine_is_an_engine() -> None:
    engine: Engine = ReferenceEngine(make_plan(SMALL))
    assert (engine.name, engine.threads) == ("reference", 1)


def test_pool_first_changes_nothing() -> None:
    case = Case(SMALL)
    before = case.engine.outputs(case.parameters, case.pixels)[-1]
    assert case.plan.steps[0].pool_first
    steps = (replace(case.plan.steps[0], pool_first=False), *case.plan.steps[1:])
    after = ReferenceEngine(replace(case.plan, steps=steps)).outputs(case.parameters, case.pixels)
    np.testing.assert_array_equal(after[-1], before)
