"""A course of epochs whose samples may change."""

import numpy as np
import pytest

import lenet
from lenet.errors import DivergenceError, ModelFileError
from lenet.estimator.samples import Samples
from lenet.estimator.training import Course
from lenet.training import Recipe

NETWORK = "1x4x4 | dense 8 tanh, dense 2"
RECIPE = Recipe(batch_size=8, optimizer="momentum", lr=0.1, weight_decay=0.0)


def samples(count=21, seed=0, weights=None):
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 2, count)
    images = draw.integers(0, 128, (count, 1, 4, 4), np.uint8)
    images[labels == 1, :, :2] += 120
    return Samples(images, labels, weights)


def course(recipe=RECIPE):
    return Course(lenet.Model(NETWORK).initialize(seed=1), recipe, 5)


def run(found, epochs, given=None, rate=0.1):
    return [found.epoch(given or samples(), np.full(3, rate), None) for _ in range(epochs)]


def test_the_loss_falls_and_is_the_mean():
    losses = run(course(), 20)
    assert losses[-1] < 0.1 < losses[0]
    found, few = course(Recipe(batch_size=1000)), samples()
    before = found.model.scores(few.images)
    chances = np.exp(before) / np.exp(before).sum(axis=1, keepdims=True)
    expected = -np.log(chances[np.arange(21), few.labels]).mean()
    assert found.epoch(few, np.full(1, 0.1), None) == pytest.approx(expected, rel=1e-4)


def test_it_goes_on_where_it_was_written_down():
    whole, half = course(), course()
    losses = run(whole, 4)
    first = run(half, 2)
    again = Course.from_dict(lenet.Model.from_bytes(half.model.to_bytes()), half.to_dict())
    assert first + run(again, 2) == losses
    assert again.model.parameters.tobytes() == whole.model.parameters.tobytes()


def test_another_optimizer_forgets_and_another_rate_does_not():
    found = course()
    run(found, 1)
    found.change(RECIPE.but(lr=0.2))
    assert found.steps == 3
    assert found.state.any()
    found.change(RECIPE.but(optimizer="sgd"))
    assert found.steps == 0
    assert found.state.shape[0] == 0


def test_weights_count():
    """One class weighs nothing to speak of: the other is answered everywhere."""
    few = samples()
    weights = np.where(few.labels == 1, 1, 1e-6).astype(np.float32)
    found = course()
    run(found, 30, Samples(few.images, few.labels, weights / weights.mean()))
    assert (found.model.predict(few.images) == 1).all()


def test_divergence_changes_nothing():
    found = course()
    run(found, 1)
    before, memory = found.model.parameters.copy(), found.state.copy()
    with pytest.raises(DivergenceError, match=r"training diverged in epoch 2: .* than lr=0\.1"):
        run(found, 1, rate=3e38)
    np.testing.assert_array_equal(found.model.parameters, before)
    np.testing.assert_array_equal(found.state, memory)


def test_a_memory_of_another_model():
    with pytest.raises(ModelFileError, match=r"memory has shape .* where the model needs"):
        Course.from_dict(lenet.Model("1x4x4 | dense 2").initialize(), course().to_dict())
