"""Ghost batches, and normalisation multiplied into the convolutions."""

import numpy as np
import pytest

from lenet.engine.initialise import initialise
from lenet.engine.normalise import GHOST_BATCH, folded_plan, folded_table, ghost_batches
from lenet.engine.plan import make_plan, verify
from lenet.engine.reference import ReferenceEngine
from lenet.net import parse_network


@pytest.mark.parametrize("samples", [1, 31, 32, 63, 64, 65, 100, 129, 1000])
def test_ghost_batches_are_consecutive_and_even(samples: int) -> None:
    parts = list(ghost_batches(samples))
    assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]
    assert (parts[0].start, parts[-1].stop) == (0, samples)
    sizes = {part.stop - part.start for part in parts}
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) < 2 * GHOST_BATCH
    assert min(sizes) >= min(GHOST_BATCH, samples)


def test_folding_leaves_the_scores_and_no_normalisation() -> None:
    net = "2x9x9 | conv 4 k3 batchnorm relu, maxpool 2 | conv 5 k2 batchnorm silu, maxpool 2"
    plan = make_plan(parse_network(net + " | dense 3"))
    random = np.random.default_rng(0)
    table = initialise(plan, "kaiming", 0).astype(np.float64)
    for tensor in plan.tensors:
        if len(tensor.shape) == 1:
            tensor.view(table)[...] = random.uniform(-2, 2, tensor.shape)
    for step in plan.steps:
        if step.norm:
            step.norm.variance.view(table)[...] = random.uniform(0.1, 9, step.norm.variance.shape)
    images = random.integers(0, 256, (7, 2, 9, 9), np.uint8)
    pixels = np.full(2, 1 / 255), np.zeros(2)
    plain = folded_plan(plan)
    verify(plain)
    assert not plain.normalised
    assert [step.pool_first for step in plain.steps] == [True, False, False, False, False]
    expected = ReferenceEngine(plan).scores(table, images, *pixels)
    found = ReferenceEngine(plain).scores(folded_table(plan, table), images, *pixels)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
