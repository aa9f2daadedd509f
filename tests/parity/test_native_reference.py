"""The native engine equals the reference: scores, loss, every gradient, and whole training steps.

Over random networks, on every instruction set of this processor, for numbers of images that fill no
vector; and bit for bit the same on any number of threads. ``LENET_PARITY_NETWORKS=10000`` makes
it a nightly run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import cycle, product

import numpy as np
import pytest

from lenet.engine.initialise import aligned_zeros
from lenet.engine.machine import instruction_sets
from lenet.engine.native import NativeEngine
from lenet.engine.objective import Objective
from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import Floats, make_plan
from lenet.engine.reference import ReferenceEngine
from lenet.engine.results import Engine, Gradient, TrainResult
from lenet.net import Network, read_network, zoo
from random_networks import draw_norms, random_network

NETWORKS = int(os.environ.get("LENET_PARITY_NETWORKS") or 300)
#: One test runs this many networks: as many tests as networks would take longer than the networks.
PORTION = 20
#: The plain sums of products, and Winograd's transforms wherever they apply.
CONVOLUTIONS = ("direct", "winograd")
#: Numbers of images: one, short of a vector, just past one, several groups, several shards.
SAMPLES = (1, 2, 3, 5, 7, 8, 9, 15, 17, 31, 33, 64, 65, 100, 129)
TOLERANCE = 1e-5
RULES = (
    Optimizer("sgd", weight_decay=0.01),
    Optimizer("momentum", momentum=0.8),
    Optimizer("nesterov", momentum=0.8, weight_decay=0.01, clip=0.5, average=0.9),
    # With a tiny epsilon AdamW moves by the sign of a gradient however small, and rounding decides
    # the sign: no two engines would agree.
    Optimizer("adamw", epsilon=1e-2, weight_decay=0.01),
    Optimizer("adamw", epsilon=1e-2, clip=0.5, average=0.8),
)


def objective(images: int, seed: int) -> Objective:
    """Plain, or everything at once."""
    if seed % 2:
        return Objective()
    weights = np.random.default_rng(seed).uniform(0, 2, images).astype(np.float32)
    return Objective(smoothing=0.1, dropout=0.3, seed=seed, weights=weights)


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
        self.objective = objective(samples, seed)
        self.images = random.integers(0, 256, (samples, *network.input_shape), np.uint8)
        self.labels = random.integers(0, self.plan.classes, samples)
        self.scale = random.uniform(0.005, 0.02, network.input_shape[0]).astype(np.float32)
        self.shift = random.uniform(-2, 0, network.input_shape[0]).astype(np.float32)

    def scores(self, engine: Engine) -> Floats:
        return engine.scores(self.parameters, self.images, self.scale, self.shift)

    def gradient(self, engine: Engine) -> Gradient:
        return engine.gradient(
            self.parameters,
            self.images,
            self.labels,
            self.scale,
            self.shift,
            self.objective,
            step=3,
        )

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
            self.images,
            self.labels,
            order,
            batch_size,
            np.full(-(-len(order) // batch_size), rate),
            0,
            self.scale,
            self.shift,
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


def tolerance_of(case: Case, expected: Gradient) -> float:
    """Of a few values that are nearly equal the variance is nearly 0, and normalisation multiplies
    their rounding: then the readable engine in float32 says how far it goes."""
    if not case.plan.normalised:
        return TOLERANCE
    found = case.gradient(ReferenceEngine(case.plan, np.float32))
    return max(TOLERANCE, 4 * error_of(found.gradient, expected.gradient))


def compare(case: Case, isas: tuple[str, ...] = instruction_sets(), threads: int = 1) -> None:
    reference = ReferenceEngine(case.plan)
    scores, expected = case.scores(reference), case.gradient(reference)
    tolerance = tolerance_of(case, expected)
    for isa, convolution in product(isas, CONVOLUTIONS):
        engine = NativeEngine(case.plan, threads, isa, convolution)
        assert_near(case.scores(engine), scores)
        found = case.gradient(engine)
        assert_near(found.gradient, expected.gradient, tolerance)
        assert abs(found.loss - expected.loss) <= tolerance * max(1, abs(expected.loss))
        assert found.correct == expected.correct


def random_cases(start: int) -> Iterator[Case]:
    """A portion of the random networks; some of them wider or on larger images."""
    for seed in range(start, min(start + PORTION, NETWORKS)):
        bounds = {"channels": 19, "units": 40, "size": 20, "window": 7} if seed % 5 == 0 else {}
        network = random_network(seed, ends_dense=seed % 3 > 0, **bounds)
        yield Case(network, SAMPLES[seed % len(SAMPLES)], seed)


@pytest.mark.parametrize("start", range(0, NETWORKS, PORTION))
def test_random_networks(start: int) -> None:
    for case in random_cases(start):
        try:
            compare(case)
        except AssertionError as error:
            error.add_note(f"{case.network}, {len(case.images)} images")
            raise


@pytest.mark.parametrize("start", range(0, NETWORKS, PORTION))
def test_the_number_of_threads_does_not_change_a_bit(start: int) -> None:
    for case, optimizer, isa, convolution in zip(
        random_cases(start),
        cycle(RULES),
        cycle(instruction_sets()),
        cycle(CONVOLUTIONS),
        strict=False,
    ):
        order = np.random.default_rng(start).integers(0, len(case.images), 50)
        alone = NativeEngine(case.plan, 1, isa, convolution)
        gradient, scores = case.gradient(alone), case.scores(alone)
        result, parameters, state = case.train(alone, optimizer, order)
        for threads in (2, 3, 4):
            engine = NativeEngine(case.plan, threads, isa, convolution)
            np.testing.assert_array_equal(case.scores(engine), scores)
            again = case.gradient(engine)
            np.testing.assert_array_equal(again.gradient, gradient.gradient)
            assert (again.loss, again.correct) == (gradient.loss, gradient.correct)
            other = case.train(engine, optimizer, order)
            np.testing.assert_array_equal(other[0].losses, result.losses)
            np.testing.assert_array_equal(other[0].correct, result.correct)
            np.testing.assert_array_equal(other[1], parameters)
            np.testing.assert_array_equal(other[2], state)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("optimizer", RULES, ids=lambda rule: rule.kind)
@pytest.mark.parametrize("seed", range(6))
def test_training_equals_the_references(seed: int, optimizer: Optimizer, isa: str) -> None:
    """Seven steps, the last of two images, every image drawn more than once.

    Rounding grows from step to step; 1e-4 is ten times one step's bound.
    """
    case = Case(random_network(seed, units=8, activations=("sigmoid", "tanh", "silu")), 20, seed)
    order = np.random.default_rng(seed).integers(0, 20, 98)
    for reference in (ReferenceEngine(case.plan, np.float32), ReferenceEngine(case.plan)):
        expected, parameters, state = case.train(reference, optimizer, order)
        found = case.train(NativeEngine(case.plan, 2, isa), optimizer, order)
        assert found[0].steps == expected.steps == 7
        assert_near(found[0].losses, expected.losses, 1e-4)
        assert_near(found[1], parameters, 1e-4)
        assert_near(found[2], state, 1e-4)
        # A score may be equal to the best but for rounding, hardly two in a batch of 16.
        assert np.abs(found[0].correct - expected.correct).max() <= 1


@pytest.mark.parametrize("batch_size", [100, 128, 129, 130])
def test_a_short_last_batch(batch_size: int) -> None:
    """129 images are cut into fewer shards than the 128 that may be left over after them."""
    case = Case(read_network("1x4x4 | conv 2 k2 tanh | dense 3"), 2 * batch_size - 1)
    expected = case.train(ReferenceEngine(case.plan), RULES[1], batch_size=batch_size)
    found = case.train(NativeEngine(case.plan, 2), RULES[1], batch_size=batch_size)
    assert_near(found[0].losses, expected[0].losses)
    assert_near(found[1], expected[1])


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("optimizer", RULES, ids=lambda rule: rule.kind)
def test_divergence_stops_before_the_update(optimizer: Optimizer, isa: str) -> None:
    """The step whose loss is no number changes nothing, and what lies behind it is zero."""
    case = Case(read_network("1x8x8 | conv 4 k3 relu, maxpool 2 | dense 8 relu, dense 3"), 20)
    for rate, steps in ((1e30, 1), (np.nan, 1), (np.inf, 1)):
        results = []
        for engine in (ReferenceEngine(case.plan, np.float32), NativeEngine(case.plan, 2, isa)):
            result, parameters, state = case.train(engine, optimizer, batch_size=4, rate=rate)
            first = case.train(engine, optimizer, np.arange(4), batch_size=4, rate=rate)
            np.testing.assert_array_equal(parameters, first[1])
            np.testing.assert_array_equal(state, first[2])
            assert result.steps == steps
            assert np.isfinite(result.losses[:steps]).all()
            assert not np.isfinite(result.losses[steps])
            assert not result.losses[steps + 1 :].any()
            assert not result.correct[steps:].any()
            results.append(result)
        assert_near(results[1].losses[:steps], results[0].losses[:steps])


def test_divergence_from_the_start_changes_nothing() -> None:
    case = Case(read_network("1x8x8 | conv 4 k3 silu, maxpool 2 | dense 3"), 20)
    case.parameters[case.plan.tensors[1].offset] = np.nan
    for engine in (ReferenceEngine(case.plan, np.float32), NativeEngine(case.plan, 2)):
        result, parameters, state = case.train(engine, RULES[3])
        assert (result.steps, state.any()) == (0, False)
        assert np.isnan(result.losses[0])
        np.testing.assert_array_equal(parameters, case.parameters)


@pytest.mark.parametrize("name", zoo.names())
def test_the_zoo_at_batch_256(name: str) -> None:
    case = Case(zoo.get(name), 256)
    compare(case, threads=2)
    expected = case.train(ReferenceEngine(case.plan, np.float32), RULES[0], batch_size=256)
    found = case.train(NativeEngine(case.plan, 2), RULES[0], batch_size=256)
    assert_near(found[1], expected[1])


SPECIAL = {
    "a window of 304 values": "1x24x20 | conv 3 k3 relu, maxpool 19x16 s1 | dense 4",
    "a window of 400 values that overhangs": "2x22x21 | maxpool 20x20 s3 p7 | dense 4",
    "a mean over the whole map": "2x20x20 | conv 4 k3 silu, avgpool 18 | dense 5",
    "dense first, three channels": "3x5x7 | dense 11 tanh, dense 4",
    "a dense layer alone": "3x4x4 | dense 10",
    "a convolution last": "2x9x8 | conv 5 k3 relu, maxpool 2 | conv 3 k3 tanh",
    "a convolution alone": "1x3x3 | conv 10 k3",
    "pooling first before a convolution last": "2x12x12 | maxpool 2 | conv 6 k6 leaky-relu",
    "a pooling last": "3x8x8 | conv 4 k3 sigmoid, maxpool 2 s3 p1",
    "a mean last": "3x8x8 | conv 4 k3 sigmoid, avgpool 3",
    "one class": "1x4x4 | conv 2 k3 relu | dense 1",
    "kernels below strides": "2x15x16 | conv 4 k1 s2 tanh | conv 5 k2 s3 silu | dense 3",
    "more padding than map": "1x3x3 | conv 3 k2 p5 sigmoid, maxpool 2 | dense 3",
    "a long row": "1x1x300 | conv 7 k1x9 relu, maxpool 1x3 | conv 9 k1x5 p0.0.2.2 relu | dense 5",
    "many channels": "3x6x6 | conv 70 k3 p1 relu | conv 33 k3 relu, maxpool 2 | dense 99, dense 9",
}


@pytest.mark.parametrize("notation", SPECIAL.values(), ids=SPECIAL)
@pytest.mark.parametrize("samples", [1, 21])
def test_special_networks(notation: str, samples: int) -> None:
    case = Case(read_network(notation), samples)
    compare(case)
    expected = case.train(ReferenceEngine(case.plan), RULES[1])
    found = case.train(NativeEngine(case.plan, 2), RULES[1])
    assert_near(found[1], expected[1], 2e-5)


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-42, 100.0])
def test_inputs_of_any_size(scale: float) -> None:
    """Zeros, denormals, and values that saturate every activation."""
    for activation in ("sigmoid", "tanh", "relu", "silu"):
        layers = f"conv 4 k3 {activation}, maxpool 2 | dense 6 {activation}, dense 3"
        case = Case(read_network(f"1x8x8 | {layers}"), 9)
        case.scale[:], case.shift[:] = scale, 0
        compare(case)


#: Every kind of stage, and the activations that know an infinity's limit.
FRAGILE = (
    "2x12x12 | conv 4 k5 {0}, maxpool 2 | conv 6 k3 {0} | dense 6 {0}, dense 3",
    "2x9x9 | conv 4 k3 p1 {0}, avgpool 2 | dense 8 {0}, dense 3",
    "2x8x8 | dense 8 {0}, dense 3",
    "2x12x12 | conv 4 k3 {0}, maxpool 3 s2 | dense 3",
)


def spoiled(notation: str, samples: int, value: float) -> Iterator[Case]:
    """The network with ``value`` in one of its tensors, in the scale, in the shift."""
    network = read_network(notation)
    for number in range(len(make_plan(network).tensors) + 2):
        case = Case(network, samples)
        tables = [tensor.view(case.parameters) for tensor in case.plan.tensors]
        [*tables, case.scale, case.shift][number].flat[-1] = value
        yield case


@pytest.mark.parametrize("samples", [1, 9])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "leaky-relu", "silu"])
@pytest.mark.filterwarnings("ignore:(invalid value|overflow) encountered")
def test_what_is_no_number_stays_none(activation: str, samples: int) -> None:
    """Exactly those scores are NaN that are NaN by the reference, and the others are right."""
    for notation, isa, convolution in product(FRAGILE, instruction_sets(), CONVOLUTIONS):
        for case in spoiled(notation.format(activation), samples, np.nan):
            found = case.scores(NativeEngine(case.plan, 2, isa, convolution))
            expected = case.scores(ReferenceEngine(case.plan))
            np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
            assert np.isnan(found).any()
            assert_near(np.nan_to_num(found), np.nan_to_num(expected))


@pytest.mark.parametrize("samples", [1, 9])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "leaky-relu", "silu"])
@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.filterwarnings("ignore:(invalid value|overflow) encountered")
def test_infinities(value: float, activation: str, samples: int) -> None:
    """As the reference's; Winograd's transforms take differences, and may make NaN of an infinity
    that an activation would have brought back to its limit. None comes out as a wrong number."""
    for notation, isa, convolution in product(FRAGILE, instruction_sets(), CONVOLUTIONS):
        for case in spoiled(notation.format(activation), samples, value):
            found = case.scores(NativeEngine(case.plan, 2, isa, convolution))
            expected = case.scores(ReferenceEngine(case.plan, np.float32))
            if convolution == "direct":
                np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
            else:
                assert not np.isfinite(found[~np.isfinite(expected)]).any()
            known = ~np.isnan(found)
            infinite = np.isinf(expected[known])
            np.testing.assert_array_equal(found[known][infinite], expected[known][infinite])
            assert_near(found[known][~infinite], expected[known][~infinite], 1e-4)


def test_an_image_that_overflows_spoils_no_other() -> None:
    """Samples lie side by side in a vector; the bright one's scores are infinite, the others' are
    those that they have without it."""
    for isa, convolution in product(instruction_sets(), CONVOLUTIONS):
        case = Case(read_network("1x12x12 | conv 4 k3 relu, maxpool 2 | conv 3 k3 | dense 3"), 9)
        case.shift[:] = 0
        case.images[:], case.images[4] = case.images // 255, 255
        case.scale[:] = 3e36
        found = case.scores(NativeEngine(case.plan, 2, isa, convolution))
        case.images[4] = 0
        calm = case.scores(NativeEngine(case.plan, 2, isa, convolution))
        assert not np.isfinite(found[4]).any()
        assert np.isfinite(calm).all()
        np.testing.assert_array_equal(np.delete(found, 4, axis=0), np.delete(calm, 4, axis=0))


@pytest.mark.parametrize("samples", [1, 4, 5, 100])
def test_denormals_count_as_zero(samples: int) -> None:
    """Bit for bit, wherever they stand: that is what keeps them from costing time."""
    for notation, isa, convolution in product(FRAGILE, instruction_sets(), CONVOLUTIONS):
        denormal, zero = (
            spoil_with(Case(read_network(notation.format("tanh")), samples), value)
            for value in (1e-40, 0.0)
        )
        for threads in (1, 3):
            engine = NativeEngine(denormal.plan, threads, isa, convolution)
            np.testing.assert_array_equal(denormal.scores(engine), zero.scores(engine))
            found, expected = denormal.gradient(engine), zero.gradient(engine)
            np.testing.assert_array_equal(found.gradient, expected.gradient)
            assert found.loss == expected.loss
            for optimizer in RULES:
                found, expected = denormal.train(engine, optimizer), zero.train(engine, optimizer)
                np.testing.assert_array_equal(found[1], expected[1])
                np.testing.assert_array_equal(found[2], expected[2])


def spoil_with(case: Case, value: float) -> Case:
    """Half of the weights, of the channels' scales and all shifts become ``value``."""
    for tensor in case.plan.tensors:
        tensor.view(case.parameters).flat[::2] = value
    case.scale[::2] = value
    case.shift[:] = value
    return case


def test_denormals_live_on_outside_the_engine() -> None:
    case = Case(read_network(FRAGILE[0].format("relu")), 100)
    engine = NativeEngine(case.plan, 2)
    case.scores(engine), case.gradient(engine), case.train(engine, RULES[2])
    small = np.full(1000, 1e-38, np.float32)
    assert (small * np.float32(0.01) > 0).all()
