"""The numbers behind the pictures, against counting by hand."""

from math import comb

import numpy as np
import pytest

import lenet
from lenet.data import Dataset, Split
from lenet.errors import DataError
from lenet.metrics import BINS, mcnemar, wilson
from lenet.reporting.predictions import make_predictions
from refusals import refused

THREE = [[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.9, 0.0], [0.05, 0.9, 0.05]]


def test_right_and_wrong(predictions_of):
    predictions = predictions_of(THREE, [0, 1, 1, 2])
    assert predictions.predicted.tolist() == [0, 0, 1, 1]
    assert predictions.correct.tolist() == [True, False, True, False]
    assert predictions.confidence == pytest.approx([0.7, 0.6, 0.9, 0.9])
    assert predictions.mistakes(36) == [3, 1]  # the least likely truth first
    assert predictions.mistakes(1) == [3]


def test_class_metrics(predictions_of):
    first, second, third = predictions_of(THREE, [0, 1, 1, 2]).class_metrics
    assert (first.images, first.predicted, first.correct) == (1, 2, 1)
    assert (first.precision, first.recall, first.f1) == (0.5, 1.0, pytest.approx(2 / 3))
    assert (second.precision, second.recall, second.f1) == (0.5, 0.5, 0.5)
    assert (third.precision, third.recall, third.f1) == (None, 0.0, 0.0)
    (*_, nothing) = predictions_of([[0.9, 0.1, 0.0]], [0]).class_metrics
    assert (nothing.precision, nothing.recall, nothing.f1) == (None, None, None)


def test_confusions(predictions_of):
    values = [[0.9, 0.1, 0]] * 5 + [[0, 0.1, 0.9]]
    confusions = predictions_of(values, [1, 1, 1, 2, 0, 1]).confusions(9)
    triples = [(c.true, c.predicted, c.count) for c in confusions]
    assert triples == [(1, 0, 3), (1, 2, 1), (2, 0, 1)]


def test_calibration_by_hand(predictions_of):
    # Two bins: four predictions at 0.95 of which three are correct, one at 0.52 that is correct.
    values = [[0.95, 0.05]] * 4 + [[0.48, 0.52]]
    predictions = predictions_of(values, [0, 0, 0, 1, 1])
    assert [(bin.count, round(bin.confidence, 4), bin.accuracy) for bin in predictions.bins] == [
        (1, 0.52, 1.0),
        (4, 0.95, 0.75),
    ]
    assert predictions.calibration_error == pytest.approx((1 * 0.48 + 4 * 0.20) / 5)


def test_calibration_against_its_definition(random_predictions):
    predictions = random_predictions(5, 500)
    error = 0.0
    for i in range(BINS):
        inside = (predictions.confidence > i / BINS) & (predictions.confidence <= (i + 1) / BINS)
        if inside.any():
            gap = predictions.correct[inside].mean() - predictions.confidence[inside].mean()
            error += inside.mean() * abs(gap)
    assert predictions.calibration_error == pytest.approx(error)
    assert sum(bin.count for bin in predictions.bins) == 500


def test_one_class_is_certain(predictions_of):
    predictions = predictions_of([[1.0]] * 3, [0, 0, 0])
    assert predictions.calibration_error == 0
    assert predictions.interval == pytest.approx((0.4385, 1.0), abs=1e-3)


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [(9842, 10000, 0.98156, 0.98646), (5, 10, 0.2366, 0.7634), (0, 10, 0.0, 0.2775)],
)
def test_wilson_against_tables(right, count, low, high):
    assert wilson(right, count) == pytest.approx((low, high), abs=1e-4)


def test_predictions_of_a_model(digits):
    model = lenet.Model("1x8x8 | dense 10").initialize("xavier", 3)
    predictions = make_predictions(model, digits)
    assert predictions.evaluation.accuracy == model.evaluate(digits).accuracy
    expected = model.predict_proba(digits.test.images)
    np.testing.assert_allclose(predictions.confidence, expected.max(axis=1), rtol=1e-5)
    truth = expected[np.arange(len(expected)), digits.test.labels]
    np.testing.assert_allclose(predictions.truth, truth, rtol=1e-4, atol=1e-7)
    assert make_predictions(model, digits.test).predicted.tolist() == predictions.predicted.tolist()


def test_other_classes_are_refused(digits):
    ten, three = (lenet.Model(f"1x8x8 | dense {n}").initialize() for n in (10, 3))
    renamed = Dataset("x", digits.train, digits.test, tuple("abcdefghij"))
    low = Split(digits.test.images[:1], np.array([-1]))
    for model, data in ((three, digits), (three, digits.test), (ten, renamed), (ten, low)):
        with refused(DataError, "other classes"):
            make_predictions(model, data)


@pytest.mark.parametrize("lost", [0, 1, 3, 10, 40])
@pytest.mark.parametrize("won", [0, 2, 10, 41])
def test_mcnemar_against_counting_coins(lost, won):
    together = lost + won
    reach = abs(lost - won)
    ways = sum(comb(together, k) for k in range(together + 1) if abs(2 * k - together) >= reach)
    assert mcnemar(lost, won) == pytest.approx(ways / 2**together)
    assert mcnemar(lost, won) == mcnemar(won, lost)


def test_mcnemar_of_many():
    assert mcnemar(5000, 5000) == 1.0
    assert mcnemar(0, 10_000) < 1e-300
