"""The objective, and optimizers' clipping and averages, on the readable engine."""

import numpy as np
import pytest

from lenet.engine.engine import Objective, Samples
from lenet.engine.initialise import initialise
from lenet.engine.operations import measure_loss
from lenet.engine.plan import make_plan
from lenet.engine.reference import ReferenceEngine
from lenet.errors import UsageError
from lenet.net import parse_network
from refusals import refused


def test_smoothing_and_weights_are_what_their_definition_says() -> None:
    scores = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]])
    labels, weights, share = np.array([1, 0]), np.array([0.5, 2.0]), 0.1
    logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    target = (1 - share) * np.eye(3)[labels] + share / 3
    losses, gradient = measure_loss(scores, labels, Objective(label_smoothing=share), weights)
    np.testing.assert_allclose(losses, -weights * (target * logs).sum(1))
    np.testing.assert_allclose(gradient, weights[:, None] * (np.exp(logs) - target) / 2)


def test_dropout_keeps_its_share_and_depends_on_every_coordinate() -> None:
    objective = Objective(dropout=0.3, seed=5)
    rows = np.arange(400)
    mask = objective.dropout_mask(1, 2, rows, 200)
    assert abs(mask.mean() - 0.7) < 0.01
    assert abs(mask.mean(0) - 0.7).max() < 0.12  # five deviations of 400 draws
    assert abs(np.corrcoef(mask[:, 0], mask[:, 1])[0, 1]) < 0.2
    np.testing.assert_array_equal(objective.dropout_mask(1, 2, rows[7:9], 200), mask[7:9])
    for other in (
        objective.dropout_mask(2, 2, rows, 200),
        objective.dropout_mask(1, 3, rows, 200),
        Objective(dropout=0.3, seed=6).dropout_mask(1, 2, rows, 200),
    ):
        assert 0.3 < (other != mask).mean() < 0.5  # independent: 2 * 0.3 * 0.7 = 0.42


@pytest.mark.parametrize("net", ["1x6x6 | conv 3 k3 p1 batchnorm silu, maxpool 2 | dense 4"])
@pytest.mark.parametrize("objective", [Objective(0.1, 0.4, 3), Objective()])
def test_the_gradient_is_a_difference_quotient_of_the_loss(net: str, objective: Objective) -> None:
    plan = make_plan(parse_network(net.replace("dense 4", "dense 5 tanh, dense 4")))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (70, 1, 6, 6), np.uint8)
    labels = rng.integers(0, 4, 70)
    samples = Samples(images, labels, np.array([1 / 255]), np.array([-0.5]))
    weights = rng.uniform(0, 2, 70).astype(np.float32)
    objective = Objective(objective.label_smoothing, objective.dropout, objective.seed, weights)
    engine = ReferenceEngine(plan)
    table = initialise(plan, "kaiming", 1).astype(np.float64)
    for tensor in plan.tensors:
        if len(tensor.shape) == 1 and tensor.trained:
            tensor.view(table)[...] += rng.normal(0, 0.3, tensor.shape)
    found = engine.gradient(table, samples, objective, 3)
    for tensor in plan.tensors:
        for index in rng.integers(0, tensor.size, 6):
            at, size = tensor.offset + index, 1e-5
            sides = []
            for move in (size, -size):
                moved = table.copy()
                moved[at] += move
                sides.append(engine.gradient(moved, samples, objective, 3).loss)
            quotient = (sides[0] - sides[1]) / (2 * size)
            assert found.gradient[at] == pytest.approx(quotient, rel=1e-5, abs=1e-8)


def test_objectives_that_cannot_be_meant() -> None:
    with refused(UsageError, "label_smoothing is 1"):
        Objective(label_smoothing=1)
    with refused(UsageError, "weights", "float32"):
        Objective(weights=np.array([1.0, -1.0], np.float32))
    with refused(UsageError, "2 weights", "3 images"):
        Objective(weights=np.ones(2, np.float32)).check(3)
