"""Small batches go one by one, by kernels of their own, and equal the reference: up to a quarter of
the lanes, so four images on AVX-512, two on AVX2 and one on SSE2; what is above goes as ever."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lenet.engine.engine import Objective, TrainResult
from lenet.engine.native import NativeEngine, instruction_sets
from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import Plan
from lenet.engine.reference import ReferenceEngine
from lenet.net import read_network
from parity_cases import RULES, Case, assert_near, compare
from random_networks import random_network

#: Everything that a backward pass may meet: borders, a first stride, both poolings fused and not,
#: windows that overlap, rows that fill no vector, silu before a pooling and in a dense layer.
NETWORKS = (
    "1x28x28 | conv 6 k5 sigmoid, maxpool 2 | conv 16 k5 tanh, maxpool 2 | dense 12 silu, dense 9",
    "3x19x23 | conv 7 k3 s2x3 p1 relu | conv 5 k3x2 p1 tanh, maxpool 3 s1 | dense 33 tanh, dense 4",
    "2x9x9 | conv 3 k3 p2.0.1.2 silu, maxpool 2 | conv 8 k1 leaky-relu, avgpool 2 | dense 5",
    "2x7x7 | maxpool 2 s1 p1 | conv 4 k2 silu | avgpool 2 s1 p1 | conv 3 k3 same tanh | dense 3",
    "1x3x3 | conv 2 k3 p2 tanh | conv 3 k1 tanh | dense 2",
    "1x5x6 | dense 300 relu, dense 17 sigmoid, dense 3",
    "1x8x8 | conv 3 k3 tanh | conv 4 k6 tanh",
    "1x9x9 | conv 2 k9 s50000 tanh | dense 3",
    "1x24x40 | conv 4 k5 tanh, avgpool 2 | conv 6 k3 silu, avgpool 2 | conv 5 k4x8 silu | dense 3",
    "2x10x14 | avgpool 2 | conv 3 k2 tanh | conv 7 k4x6 tanh, conv 4 k1 silu | dense 12, dense 3",
    "lenet-5",
)


def few(network: str | int, samples: int, seed: int = 0) -> Case:
    """Smoothing and weights of images, but nothing dropped: that is for whole vectors."""
    found = random_network(network) if isinstance(network, int) else read_network(network)
    case = Case(found, samples, seed)
    weights = np.random.default_rng(seed).uniform(0, 2, samples).astype(np.float32)
    case.objective = Objective(label_smoothing=0.1, weights=weights)
    return case


@pytest.mark.parametrize("samples", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("network", [*NETWORKS, *range(20)])
def test_gradients(network: str | int, samples: int) -> None:
    compare(few(network, samples, samples))


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("batch_size", [1, 2, 4])
@pytest.mark.parametrize("optimizer", RULES, ids=lambda rule: rule.kind)
def test_training(optimizer: Optimizer, batch_size: int, isa: str) -> None:
    """Rounding grows from step to step; 1e-4 is ten times one step's bound."""
    for network in NETWORKS[:4]:
        case = few(network, 9)
        expected = case.train(ReferenceEngine(case.plan), optimizer, batch_size=batch_size)
        first = case.train(NativeEngine(case.plan, 1, isa), optimizer, batch_size=batch_size)
        assert_near(first[0].losses, expected[0].losses, 1e-4)
        assert_near(first[1], expected[1], 1e-4)
        assert_near(first[2], expected[2], 1e-4)
        for threads in (2, 3, 4):
            again = case.train(
                NativeEngine(case.plan, threads, isa), optimizer, batch_size=batch_size
            )
            np.testing.assert_array_equal(again[1], first[1])
            np.testing.assert_array_equal(again[2], first[2])


class InTwoCalls(NativeEngine):
    """Makes the last step in a call of its own, as a training does that looks up in between."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, 2)

    def train(self, parameters, state, samples, order, batch_size, rates, *more) -> TrainResult:  # type: ignore[no-untyped-def, override]
        first_step, *rest = more
        last = len(rates) - 1
        for begin, end in ((0, last), (last, last + 1)):
            part = order[begin * batch_size : end * batch_size]
            found = super().train(
                parameters,
                state,
                samples,
                part,
                batch_size,
                rates[begin:end],
                first_step + begin,
                *rest,
            )
        return found


@pytest.mark.parametrize("batch_size", [2, 4, 16])
def test_where_a_training_is_looked_at_changes_nothing(batch_size: int) -> None:
    """A last batch of one image is one of its recipe's, also where it is all that a call has."""
    case = few(NETWORKS[0], 4 * batch_size + 1)
    whole = case.train(NativeEngine(case.plan, 2), RULES[1], batch_size=batch_size)
    parts = case.train(InTwoCalls(case.plan), RULES[1], batch_size=batch_size)
    np.testing.assert_array_equal(parts[1], whole[1])
    np.testing.assert_array_equal(parts[2], whole[2])


def test_what_is_dropped_is_dropped() -> None:
    case = few(NETWORKS[5], 3)
    case.objective = replace(case.objective, dropout=0.4, seed=3)
    compare(case)


def test_a_batch_larger_than_any_number_of_images() -> None:
    case = few(NETWORKS[4], 3)
    huge = case.train(NativeEngine(case.plan, 1), RULES[0], batch_size=2**40)
    exact = case.train(NativeEngine(case.plan, 1), RULES[0], batch_size=2**31 - 1)
    np.testing.assert_array_equal(huge[1], exact[1])


def test_after_a_divergence_nothing_of_it_is_left() -> None:
    """The maps keep what was in them; another image's must not meet it."""
    for network in NETWORKS[:4]:
        case = few(network, 2)
        engine = NativeEngine(case.plan, 1)
        good = case.gradient(engine)
        kept = case.parameters.copy()
        case.parameters[:] = np.nan
        case.gradient(engine)
        case.parameters[:] = kept
        np.testing.assert_array_equal(case.gradient(engine).gradient, good.gradient)
