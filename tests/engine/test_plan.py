"""The plan's invariants: kept by every network, and each refused when broken on purpose."""

from dataclasses import replace

import numpy as np
import pytest

from lenet.analysis import count_network
from lenet.engine.plan import ALIGNMENT, INPUT, Plan, Tensor, complaints, make_plan, verify
from lenet.errors import PlanError, ShapeError
from lenet.net.layers import AvgPool2d, Conv2d, Dense, MaxPool2d
from lenet.net.network import Network
from random_networks import random_network
from refusals import refused

LENET = Network(
    (1, 28, 28),
    [
        Conv2d(6, 5, activation="sigmoid"),
        MaxPool2d(2),
        Conv2d(16, 5, activation="sigmoid"),
        MaxPool2d(2),
        Dense(120, "sigmoid"),
        Dense(84, "sigmoid"),
        Dense(10),
    ],
)


def changed(index: int, **changes: object) -> Plan:
    """LeNet's plan with one step changed."""
    plan = make_plan(LENET)
    steps = list(plan.steps)
    steps[index] = replace(steps[index], **changes)
    return replace(plan, steps=tuple(steps))


def moved(tensor: Tensor | None, by: int) -> Tensor:
    assert tensor is not None
    return replace(tensor, offset=tensor.offset + by)


def test_lenet_has_the_seeds_shapes_and_parameters() -> None:
    plan = make_plan(LENET)
    assert [step.output_shape for step in plan.steps] == [
        (6, 24, 24),
        (6, 12, 12),
        (16, 8, 8),
        (16, 4, 4),
        (120, 1, 1),
        (84, 1, 1),
        (10, 1, 1),
    ]
    assert plan.parameters == 44_426
    assert plan.input_shape == (1, 28, 28)
    assert plan.classes == 10


def test_a_window_of_65536_values_and_one_of_more() -> None:
    assert make_plan(Network((1, 256, 257), [MaxPool2d(256), Dense(2)]))
    for pooling in (MaxPool2d, AvgPool2d):
        with refused(PlanError, "pool0 has a window of 256x257, 65,792 values", "smaller window"):
            make_plan(Network((1, 256, 257), [pooling((256, 257)), Dense(2)]))


def test_tensors_lie_in_step_order_each_on_a_boundary() -> None:
    plan = make_plan(LENET)
    assert [(t.name, t.shape, t.offset) for t in plan.tensors[:4]] == [
        ("conv0.weight", (6, 1, 5, 5), 0),
        ("conv0.bias", (6,), 160),
        ("conv1.weight", (16, 6, 5, 5), 176),
        ("conv1.bias", (16,), 2576),
    ]
    assert plan.tensors[-1].offset + ALIGNMENT == plan.table_size


def test_steps_name_what_they_read() -> None:
    assert [step.inputs for step in make_plan(LENET).steps] == [(i - 1,) for i in range(7)]


def test_a_view_writes_to_the_table() -> None:
    table = np.zeros(make_plan(LENET).table_size)
    view = make_plan(LENET).tensors[0].view(table)
    view[5, 0, 4, 4] = 7.0
    assert view.shape == (6, 1, 5, 5)
    assert table[149] == 7.0


@pytest.mark.parametrize(
    ("activation", "following", "expected"),
    [
        ("sigmoid", MaxPool2d(2), True),
        ("identity", MaxPool2d(2), True),
        ("silu", MaxPool2d(2), False),
        ("relu", AvgPool2d(2), False),
        ("relu", Dense(2), False),
    ],
)
def test_pools_first_only_where_it_changes_nothing(
    activation: str, following: MaxPool2d | AvgPool2d | Dense, expected: bool
) -> None:
    network = Network((1, 8, 8), [Conv2d(2, 3, activation=activation), following, Dense(2)])
    assert make_plan(network).steps[0].pool_first is expected


@pytest.mark.parametrize("seed", range(200))
def test_every_fitting_network_has_a_valid_plan(seed: int) -> None:
    network = random_network(seed)
    plan = make_plan(network)
    verify(plan)
    covered = np.zeros(plan.table_size)
    for tensor in plan.tensors:
        tensor.view(covered)[...] += 1
        assert tensor.offset % ALIGNMENT == 0
    assert covered.max(initial=0) <= 1
    counts = count_network(network)
    assert plan.parameters == counts.parameters
    assert covered.sum() == counts.parameters + counts.statistics


STEPS = make_plan(LENET).steps
BIAS = STEPS[4].bias
BROKEN = {
    "no steps": (Plan((1, 28, 28), (), 0), "it has no steps"),
    "1, reads another shape": (
        changed(1, input_shape=(6, 25, 25)),
        "pool0 reads (6, 25, 25), conv0 writes (6, 24, 24)",
    ),
    "1, skips a step": (changed(6, inputs=(4,)), "dense2 reads (84, 1, 1), dense0 writes (120,"),
    "1, a step that nobody reads": (changed(6, inputs=(4,)), "dense1 is read by no step"),
    "1, a step is gone": (
        replace(make_plan(LENET), steps=STEPS[:5] + STEPS[6:]),
        "dense2 reads step 5, which does not come before it",
    ),
    "1, reads itself": (changed(2, inputs=(2,)), "conv1 reads step 2, which does not come before"),
    "1, reads from nowhere": (changed(2, inputs=(-2,)), "conv1 reads step -2, which"),
    "1, reads the input too late": (
        changed(2, inputs=(INPUT,)),
        "conv1 reads (6, 12, 12), the input is (1, 28, 28)",
    ),
    "1, reads nothing": (changed(2, inputs=()), "conv1 reads 0 steps, and must read one"),
    "1, reads two steps": (changed(2, inputs=(1, 1)), "conv1 reads 2 steps, and must read one"),
    "2, not by the formula": (
        changed(0, output_shape=(6, 23, 24)),
        "conv0 writes (6, 23, 24) where the shape formula gives (24, 24)",
    ),
    "2, a size below 1": (changed(0, stride=(0, 1)), "conv0 has a size below 1"),
    "2, a channel made by a pooling": (
        changed(1, output_shape=(7, 12, 12)),
        "pool0 is a pooling: no parameters, no activation, the same channels",
    ),
    "1, another input": (
        replace(make_plan(LENET), input_shape=(3, 28, 28)),
        "conv0 reads (1, 28, 28), the input is (3, 28, 28)",
    ),
    "2, a negative padding": (
        changed(0, padding=(-1, 1, 0, 0)),
        "conv0 has a negative padding (-1, 1, 0, 0)",
    ),
    "2, a pooling of padding": (
        changed(1, padding=(2, -2, 0, 0)),
        "pool0 has padding as large as its window",
    ),
    "an unknown activation": (
        changed(4, activation="gelu"),
        "dense0 has the unknown activation 'gelu'",
    ),
    "an unknown kind": (
        changed(1, kind="medianpool"),
        "pool0 is of the unknown kind 'medianpool'",
    ),
    "an activated pooling": (
        changed(1, activation="relu"),
        "pool0 is a pooling: no parameters, no activation, the same channels",
    ),
    "a bias of another shape": (
        changed(0, bias=replace(STEPS[0].bias, shape=(5,))),
        "conv0 needs a weight of shape (6, 1, 5, 5) and a bias of shape (6,)",
    ),
    "3, a dense step with a window": (
        changed(4, kernel_size=(3, 3), padding=(1, 1, 1, 1)),
        "dense0 is dense and reads or writes more than (I, 1, 1)",
    ),
    "3, a dense step reads maps": (
        changed(4, input_shape=(16, 4, 4)),
        "dense0 reads (16, 4, 4), pool1 writes",
    ),
    "3, maps after a dense step": (
        changed(5, kind="conv", weight=Tensor("dense1.weight", (84, 120, 1, 1), 0)),
        "dense1 follows a dense step and is not dense",
    ),
    "4, a weight of another shape": (
        changed(0, weight=Tensor("conv0.weight", (6, 1, 5, 6), 0)),
        "conv0 needs a weight of shape (6, 1, 5, 5) and a bias",
    ),
    "4, no bias": (changed(0, bias=None), "conv0 needs a weight of shape (6, 1, 5, 5) and a bias"),
    "4, a pooling with a bias": (
        changed(1, bias=Tensor("pool0.bias", (6,), 0)),
        "pool0 is a pooling: no parameters, no activation, the same channels",
    ),
    "4, off the boundary": (
        changed(0, bias=moved(STEPS[0].bias, 1)),
        "conv0.bias overlaps the tensor before it, or is not on a 64-byte boundary",
    ),
    "4, overlapping": (
        changed(0, bias=moved(STEPS[0].bias, -ALIGNMENT)),
        "conv0.bias overlaps the tensor before it, or is not on a 64-byte boundary",
    ),
    "4, a table too small": (
        replace(make_plan(LENET), table_size=44_000),
        "the table has 44000 floats and its tensors need",
    ),
    "4, a table too large": (
        replace(make_plan(LENET), table_size=50_000),
        "the table has 50000 floats and its tensors need",
    ),
    "5, an activation that falls": (
        changed(0, activation="silu"),
        "conv0 may not pool first",
    ),
    "5, a pooling that averages": (
        changed(1, kind="avgpool"),
        "conv0 may not pool first",
    ),
    "6, a dense step is normalised": (
        changed(4, scale=BIAS, mean=BIAS, variance=BIAS),
        "dense0 is normalised and no convolution",
    ),
    "6, a scale of another shape": (
        changed(0, scale=BIAS, mean=BIAS, variance=BIAS, pool_first=False),
        "conv0 needs a scale, mean and variance of shape (6,)",
    ),
    "7, groups that do not divide the channels": (
        changed(2, groups=4),
        "conv1 has 4 groups of 6 and 16 channels",
    ),
    "7, a weight for all channels": (
        changed(2, groups=2),
        "conv1 needs a weight of shape (16, 3, 5, 5)",
    ),
    "7, a dense step of groups": (
        changed(4, groups=2),
        "dense0 has groups and is no convolution",
    ),
    "5, not a convolution": (
        changed(6, pool_first=True),
        "dense2 may not pool first",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_invariant_is_refused_by_name(case: str) -> None:
    plan, text = BROKEN[case]
    assert text in "\n".join(complaints(plan))
    with refused(PlanError, "not valid"):
        verify(plan)


def test_a_network_that_does_not_fit_has_no_plan() -> None:
    with refused(ShapeError, "conv0"):
        make_plan(Network((1, 4, 4), [Conv2d(1, 5), Dense(2)]))


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([Dense(300_000), Dense(1_100)], ("dense1", "565,200,000 weights")),
        ([Conv2d(1_000_000, 1)], ("conv0", "784,000,000 outputs")),
        (
            [Conv2d(1, 1, stride=10**6, padding=10**6), Dense(2)],
            ("conv0", "inputs, padding included"),
        ),
    ],
)
def test_a_network_too_large_for_an_engine_is_refused(
    layers: list[Conv2d | Dense], words: tuple[str, ...]
) -> None:
    with refused(PlanError, *words):
        make_plan(Network((1, 28, 28), layers))
