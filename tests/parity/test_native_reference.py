"""The native engine equals the reference: scores, loss, every gradient, and whole training steps.

Over random networks, on every instruction set of this processor, for numbers of images that fill no
vector; and bit for bit the same on any number of threads. ``LENET_PARITY_NETWORKS=10000`` makes
it a nightly run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import cycle

import numpy as np
import pytest

from lenet.engine.native import NativeEngine, instruction_sets
from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import make_plan
from lenet.engine.reference import ReferenceEngine
from lenet.net import read_network, zoo
from parity_cases import (
    CONVOLUTIONS,
    RULES,
    Case,
    assert_near,
    compare,
)
from random_networks import OLD, random_network

NETWORKS = int(os.environ.get("LENET_PARITY_NETWORKS") or 300)
#: One test runs this many networks: as many tests as networks would take longer than the networks.
PORTION = 20
#: Numbers of images: one, short of a vector, just past one, several groups, several shards.
SAMPLES = (1, 2, 3, 5, 7, 8, 9, 15, 17, 31, 33, 64, 65, 100, 129)


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


@pytest.mark.parametrize("start", range(0, 100, PORTION))
def test_random_networks_of_1998(start: int) -> None:
    for seed in range(start, start + PORTION):
        case = Case(random_network(seed, **OLD), SAMPLES[seed % len(SAMPLES)], seed)
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


@pytest.mark.parametrize("spread", [0, 1, 4])
@pytest.mark.parametrize("samples", [1, 2, 3, 9, 40])
def test_normalising_values_close_together(samples: int, spread: int) -> None:
    """A channel's values are one, equal, or far from zero and near each other: what is left of them
    is divided by next to nothing, and of equal ones nothing may be left."""
    for seed in range(5):
        case = Case(read_network("2x6x6 | conv 6 k6 batchnorm silu | dense 4 tanh"), samples, seed)
        case.images[:] = case.images[0] // 2 + case.images % (spread + 1)
        compare(case)


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
    """But for the normalised ones: their 50,000 values an image lie at relu's kink, or in a window
    beside its largest, as near as rounding decides, in one of a hundred images."""
    batch = 6 if make_plan(zoo.get(name)).normalised else 256
    case = Case(zoo.get(name), batch)
    compare(case, threads=2)
    expected = case.train(ReferenceEngine(case.plan, np.float32), RULES[0], batch_size=batch)
    found = case.train(NativeEngine(case.plan, 2), RULES[0], batch_size=batch)
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


@pytest.mark.parametrize(
    ("engine", "kind", "precision"),
    [(NativeEngine, "float32", 3e-6), (ReferenceEngine, "float64", 1e-13)],
)
def test_the_average_of_weights_that_stay_is_those_weights(engine, kind, precision) -> None:
    """Every engine's average and its correction have one decay: 0.999 in 64 bits is another than in
    32, and the correction of a single step with the wrong one is off by 1.3e-5."""
    case = Case(read_network("1x4x4 | conv 2 k3 relu | dense 3"), 5, 0)
    optimizer = Optimizer("sgd", ema_decay=0.999)
    still = case.parameters.astype(kind)
    for steps in (1, 10, 100, 3000):
        table, state = still.copy(), np.zeros((1, len(still)), kind)
        engine(case.plan).train(
            *(table, state, case.samples, np.zeros(steps, np.int32), 1),
            *(np.full(steps, 1e-30), 0, optimizer),
        )
        np.testing.assert_allclose(optimizer.averaged(state, steps), still, precision, 1e-20)
