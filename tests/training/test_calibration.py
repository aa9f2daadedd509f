"""Temperature: against what it is known to be, on scores made for it and on real trainings."""

from dataclasses import replace

import numpy as np
import pytest

import lenet
from lenet.data import Split
from lenet.metrics import softmax
from lenet.training.calibration import WARMEST, calibrate, fit_temperature

RECIPE = lenet.recipe(
    "modern", epochs=12, batch_size=50, validation_fraction=0.2, label_smoothing=0.3
)


def drawn(scores, seed=0):
    """Labels that are drawn with the probabilities of ``scores`` (N, K)."""
    random = np.random.default_rng(seed)
    sums = softmax(scores).cumsum(axis=1)
    return (random.random((len(scores), 1)) > sums).sum(axis=1).clip(0, scores.shape[1] - 1)


def scores_of(count, classes=5, seed=1):
    return np.random.default_rng(seed).normal(0, 3, (count, classes)).astype(np.float32)


@pytest.mark.parametrize("heat", [0.2, 0.5, 1.0, 2.5, 8.0])
def test_the_temperature_of_scores_that_were_heated(heat):
    """Scores times T, of labels that are drawn as the scores say, want T back."""
    scores = scores_of(20_000)
    assert fit_temperature(scores * heat, drawn(scores)) == pytest.approx(heat, rel=0.03)


def test_it_is_where_the_cross_entropy_is_lowest():
    scores = scores_of(500) * 2
    labels = drawn(scores_of(500))
    heat = fit_temperature(scores, labels)

    def loss(by):
        chosen = np.log(softmax(scores / by))
        guess = chosen.mean(axis=1)  # the one image of any class
        return -(500 * chosen[np.arange(500), labels] + guess).mean()

    losses = {by: loss(by) for by in np.geomspace(0.05, 20, 2001)}
    assert heat == pytest.approx(min(losses, key=losses.get), rel=0.01)


def test_weights_count_as_repetitions():
    scores, labels = scores_of(3_000), drawn(scores_of(3_000))
    random = np.random.default_rng(0)
    weights = random.integers(0, 4, 3_000)
    heated = scores * np.float32(1.7)
    again = fit_temperature(heated.repeat(weights, axis=0), labels.repeat(weights))
    weighed = fit_temperature(heated, labels, weights.astype(np.float32))
    assert weighed == pytest.approx(again, rel=0.005)


@pytest.mark.parametrize("count", [1, 8, 50])
def test_few_images_that_are_all_right_are_no_certainty(count):
    """Of n right images, the next is right with (n + 1) / (n + 2), or about that."""
    labels = np.arange(count) % 2
    scores = np.eye(2, dtype=np.float32)[labels]
    heat = fit_temperature(scores, labels)
    surest = softmax(scores / heat).max()
    assert surest == pytest.approx((count + 0.5) / (count + 1), abs=0.01)


@pytest.mark.parametrize("scores", [np.zeros((9, 3)), np.zeros((2, 1)), np.full((4, 2), 7.0)])
def test_scores_that_say_nothing_keep_their_temperature(scores):
    assert fit_temperature(scores, np.zeros(len(scores), int)) == 1


def test_it_has_bounds():
    labels = np.zeros(50, int)
    wrong = np.tile(np.float32([0, 5]), (50, 1))
    assert fit_temperature(wrong, labels) == pytest.approx(WARMEST, rel=0.01)
    assert fit_temperature(wrong * 1e-6, 1 - labels) == pytest.approx(1 / WARMEST, rel=0.01)


def test_a_training_with_validation_images_is_calibrated(digits):
    plain = lenet.train("lenet-relu", digits, RECIPE.replace(calibrate=False))
    model = lenet.train("lenet-relu", digits, RECIPE)
    done = model.training["calibration"]
    assert "calibration" not in plain.training
    assert done["images"] == 287
    assert 0.2 < done["temperature"] < 0.9  # smoothed labels make it too modest
    assert done["error_after"] < 0.03 < 0.2 < done["error_before"]
    assert done["nll_after"] < done["nll_before"]
    before, after = (one.evaluate(digits) for one in (plain, model))
    assert after.calibration_error < before.calibration_error / 5
    np.testing.assert_array_equal(after.answers.predicted, before.answers.predicted)
    scores = plain.scores(digits.test.images) / done["temperature"]
    np.testing.assert_allclose(model.scores(digits.test.images), scores, rtol=1e-4, atol=1e-4)
    for name, tensor in plain.state_dict().items():
        same = np.array_equal(tensor, model.state_dict()[name])
        assert same != name.startswith("dense2"), name


def test_without_validation_images_nothing_happens(few, small):
    model = lenet.train(small, few, epochs=1)
    assert "calibration" not in model.training
    assert model.training["coverage"]["split"] == "test"
    assert (
        model.table.tobytes() == lenet.train(small, few, epochs=1, calibrate=False).table.tobytes()
    )
    alone = lenet.train(small, replace(few, test=None), epochs=1)
    assert not {"calibration", "coverage"} & set(alone.training)


@pytest.mark.parametrize("last", ["rbf 10", "dense 10 tanh"])
def test_other_last_layers_stay_as_they_are(few, last):
    network = f"1x8x8 | conv 4 k3 relu, maxpool 2 | dense 84 tanh, {last}"
    recipe = lenet.recipe(epochs=1, validation_fraction=0.2)
    one, other = (lenet.train(network, few, recipe.replace(calibrate=c)) for c in (True, False))
    assert one.table.tobytes() == other.table.tobytes()
    assert "calibration" not in one.training
    assert one.training["coverage"]["split"] == "test"


def test_thresholds_leave_their_share(digits):
    model = lenet.train("1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10", digits, RECIPE)
    known = model.training["coverage"]
    assert (known["split"], known["images"]) == ("test", 360)
    again = lenet.train("1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10", digits, RECIPE)
    assert again.training == model.training
    values = list(known["thresholds"].values())
    assert values == sorted(values)
    sure = model.predict_proba(digits.test.images).max(axis=1).tolist()
    for share, threshold in known["thresholds"].items():
        assert sum(value >= threshold for value in sure) == int(np.ceil(360 * float(share)))


def test_both_models_of_a_run_are_calibrated(few, small, tmp_path):
    recipe = RECIPE.replace(epochs=6, lr=0.05, schedule="constant", restore_best=True)
    lenet.train(small, few, recipe, run=tmp_path / "run")
    best, last = (
        lenet.Model.load(tmp_path / "run" / f"{name}.safetensors") for name in ("best", "last")
    )
    assert best.training["calibration"] != last.training["calibration"]
    record = lenet.report(tmp_path / "run", data=few).record
    assert record.info["calibration"] == best.training["calibration"]


def test_one_can_be_trained_further(few, small):
    first = lenet.train(small, few, RECIPE.replace(epochs=2))
    second = lenet.train(first, few, RECIPE.replace(epochs=2, lr=0.001))
    assert second.training["calibration"] != first.training["calibration"]
    assert second.evaluate(few).accuracy >= first.evaluate(few).accuracy - 0.05


def test_a_great_many_images_are_not_all_looked_at(few, small, monkeypatch):
    monkeypatch.setattr("lenet.training.calibration._MOST", 200)
    model = lenet.train(small, few, epochs=1)
    split = Split(few.train.images, few.train.labels)
    done = calibrate(model, lambda places: model.scores(split.images[places]), split)
    assert done.images == 20
