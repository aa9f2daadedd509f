"""First values: the right spread, zeros where zeros belong, and the same for ever."""

import numpy as np
import pytest

from lenet.engine.initialise import aligned_zeros, initialise
from lenet.engine.plan import Floats, make_plan
from lenet.errors import UsageError
from lenet.net import read_network
from lenet.net.layers import Conv2d, Dense
from lenet.net.network import Network
from refusals import refused

PLAN = make_plan(Network((3, 9, 9), [Conv2d(40, (5, 3)), Dense(20), Dense(10)]))
PINNED = {
    "normal:0.2": [0.1841113418340683, -0.011747989803552628, 0.20301811397075653],
    "xavier": [-0.002970664529129863, 0.05197834596037865, -0.06294378638267517],
    "kaiming": [0.03479377180337906, -0.002220161259174347, 0.03836681693792343],
}
RULES = tuple(PINNED)


def weights(init: str, seed: int = 0) -> list[Floats]:
    table = initialise(PLAN, init, seed)
    return [tensor.view(table) for tensor in PLAN.tensors[::2]]


@pytest.mark.parametrize("init", RULES)
def test_biases_and_gaps_are_zero_and_the_table_is_aligned(init: str) -> None:
    table = initialise(PLAN, init, seed=3)
    assert table.dtype == np.float32
    assert table.shape == (PLAN.table_size,)
    assert table.ctypes.data % 64 == 0
    assert np.count_nonzero(table) == sum(tensor.size for tensor in PLAN.tensors[::2])


def test_normal_has_the_deviation_asked_for() -> None:
    for weight in weights("normal:0.2"):
        assert weight.std() == pytest.approx(0.2, rel=4 / np.sqrt(2 * weight.size))
        assert abs(weight.mean()) < 4 * 0.2 / np.sqrt(weight.size)


def test_kaiming_spreads_by_the_inputs() -> None:
    for weight, fan_in in zip(weights("kaiming"), (45, 1400, 20), strict=True):
        expected = np.sqrt(2 / fan_in)
        assert weight.std() == pytest.approx(expected, rel=4 / np.sqrt(2 * weight.size))


def test_xavier_fills_its_bounds() -> None:
    for weight, fans in zip(weights("xavier"), (45 + 600, 1400 + 20, 20 + 10), strict=True):
        bound = np.sqrt(6 / fans)
        assert 0.95 * bound < abs(weight).max() <= bound
        assert weight.std() == pytest.approx(bound / np.sqrt(3), rel=0.1)


@pytest.mark.parametrize("init", RULES)
def test_tensors_and_seeds_differ(init: str) -> None:
    one, other = initialise(PLAN, init, seed=0), initialise(PLAN, init, seed=1)
    assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(PLAN.parameters)
    first, second, _ = weights(init)
    size = min(first.size, second.size)
    correlation = np.corrcoef(first.ravel()[:size], second.ravel()[:size])[0, 1]
    assert abs(correlation) < 4 / np.sqrt(size)


def test_lecun_fills_its_bounds_by_what_each_output_sees() -> None:
    """LeCun et al. 1998, appendix A: 2.4 over the number of connections, biases too."""
    plan = make_plan(read_network("lenet-5"))
    table, wider = (initialise(plan, rule, seed=3) for rule in ("lecun", "lecun:4.8"))
    drawn = slice(0, plan.steps[-1].tensors[0].offset)  # what follows are targets
    np.testing.assert_allclose(wider[drawn], 2 * table[drawn], rtol=1e-6)
    for step, seen in zip(plan.steps[:-1], (25, 4, None, 4, 400, 120), strict=True):
        for tensor in step.tensors:
            values = abs(tensor.view(table))
            if seen is None:  # three, four or six maps
                each = np.array([25 * row.sum() for row in step.links])
                values = values * (each / 25).reshape(-1, *[1] * (values.ndim - 1))
            bound = 2.4 / (seen or 25)
            assert values.max() <= bound * (1 + 1e-6)
            assert values.max() > 0.8 * bound or values.size < 20
    linked = plan.steps[2]
    assert not linked.weight.view(table)[~linked.links].any()


def test_a_tensor_does_not_depend_on_the_others_sizes() -> None:
    wider = make_plan(Network((3, 9, 9), [Conv2d(41, (5, 3)), Dense(20), Dense(10)]))
    table = initialise(wider, "normal:0.2", seed=0)
    np.testing.assert_array_equal(wider.tensors[0].view(table)[:40], weights("normal:0.2")[0])
    np.testing.assert_array_equal(wider.tensors[4].view(table), weights("normal:0.2")[2])


@pytest.mark.parametrize(("init", "values"), PINNED.items())
def test_the_values_never_change(init: str, values: list[float]) -> None:
    np.testing.assert_allclose(weights(init, seed=42)[1].ravel()[:3], values, rtol=1e-6)


@pytest.mark.parametrize(
    "init",
    [
        "",
        "normal",
        "normal:",
        "normal:0",
        "normal:-1",
        "normal:nan",
        "normal:inf",
        "xavier:1",
        "lecun:",
        "lecun:0",
    ],
)
def test_an_unknown_rule_is_refused(init: str) -> None:
    with refused(UsageError, f"'{init}'", "normal:S", "xavier, kaiming, lecun or"):
        initialise(PLAN, init, seed=0)


@pytest.mark.parametrize("size", [1, 16, 1000])
def test_aligned_zeros(size: int) -> None:
    zeros = aligned_zeros(size)
    assert zeros.shape == (size,)
    assert not zeros.any()
    assert zeros.ctypes.data % 64 == 0
