"""The native engine and the reference on zeros, denormals, infinities and NaN."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest

from lenet.engine.native import NativeEngine, instruction_sets
from lenet.engine.plan import make_plan
from lenet.engine.reference import ReferenceEngine
from lenet.net import read_network
from lenet.net.layers import ACTIVATIONS
from parity_cases import (
    CONVOLUTIONS,
    RULES,
    Case,
    assert_near,
    compare,
)


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
@pytest.mark.parametrize("activation", ACTIVATIONS)
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
@pytest.mark.parametrize("activation", ACTIVATIONS)
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
