"""The numbers behind the pictures, against counting by hand."""

import numpy as np
import pytest

import lenet
from lenet.data import Dataset, Split
from lenet.errors import DataError
from lenet.reporting.answers import BINS, answer, check_same_images, wilson
from lenet.run_folder import RunRecord, read_run

THREE = [[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.9, 0.0], [0.05, 0.9, 0.05]]


def test_right_and_wrong(answers_of):
    found = answers_of(THREE, [0, 1, 1, 2])
    assert found.said.tolist() == [0, 0, 1, 1]
    assert found.right.tolist() == [True, False, True, False]
    assert found.confidence == pytest.approx([0.7, 0.6, 0.9, 0.9])
    assert found.mistakes(36) == [3, 1]  # the least likely truth first
    assert found.mistakes(1) == [3]


def test_class_figures(answers_of):
    first, second, third = answers_of(THREE, [0, 1, 1, 2]).class_figures
    assert (first.images, first.answers, first.right) == (1, 2, 1)
    assert (first.precision, first.recall, first.f1) == (0.5, 1.0, pytest.approx(2 / 3))
    assert (second.precision, second.recall, second.f1) == (0.5, 0.5, 0.5)
    assert (third.precision, third.recall, third.f1) == (None, 0.0, 0.0)
    (*_, nothing) = answers_of([[0.9, 0.1, 0.0]], [0]).class_figures
    assert (nothing.precision, nothing.recall, nothing.f1) == (None, None, None)


def test_confusions(answers_of):
    found = answers_of([[0.9, 0.1, 0]] * 5 + [[0, 0.1, 0.9]], [1, 1, 1, 2, 0, 1]).confusions(9)
    assert [(one.true, one.said, one.count) for one in found] == [(1, 0, 3), (1, 2, 1), (2, 0, 1)]


def test_calibration_by_hand(answers_of):
    # Two bins: four answers at 0.95 of which three are right, one at 0.52 that is right.
    values = [[0.95, 0.05]] * 4 + [[0.48, 0.52]]
    found = answers_of(values, [0, 0, 0, 1, 1])
    assert [(one.count, round(one.confidence, 4), one.accuracy) for one in found.bins] == [
        (1, 0.52, 1.0),
        (4, 0.95, 0.75),
    ]
    assert found.calibration_error == pytest.approx((1 * 0.48 + 4 * 0.20) / 5)


def test_calibration_against_its_definition(random_answers):
    found = random_answers(5, 500)
    error = 0.0
    for i in range(BINS):
        inside = (found.confidence > i / BINS) & (found.confidence <= (i + 1) / BINS)
        if inside.any():
            gap = found.right[inside].mean() - found.confidence[inside].mean()
            error += inside.mean() * abs(gap)
    assert found.calibration_error == pytest.approx(error)
    assert sum(one.count for one in found.bins) == 500


def test_one_class_is_certain(answers_of):
    found = answers_of([[1.0]] * 3, [0, 0, 0])
    assert found.calibration_error == 0
    assert found.interval == pytest.approx((0.4385, 1.0), abs=1e-3)


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [(9842, 10000, 0.98156, 0.98646), (5, 10, 0.2366, 0.7634), (0, 10, 0.0, 0.2775)],
)
def test_wilson_against_tables(right, count, low, high):
    assert wilson(right, count) == pytest.approx((low, high), abs=1e-4)


def test_answers_of_a_model(digits):
    model = lenet.Model("1x8x8 | dense 10").initialize("xavier", 3)
    found = answer(model, digits)
    assert found.evaluation.accuracy == model.evaluate(digits).accuracy
    np.testing.assert_allclose(
        found.probabilities, model.predict_proba(digits.test.images), rtol=1e-5, atol=1e-7
    )
    assert answer(model, digits.test).said.tolist() == found.said.tolist()


def test_other_classes_are_refused(digits):
    model = lenet.Model("1x8x8 | dense 3").initialize()
    with pytest.raises(DataError, match="the images have other classes than the model; give"):
        answer(model, digits)
    with pytest.raises(DataError, match="other classes"):
        answer(model, digits.test)
    renamed = Dataset("x", digits.train, digits.test, tuple("abcdefghij"))
    with pytest.raises(DataError, match="other classes"):
        answer(lenet.Model("1x8x8 | dense 10").initialize(), renamed)
    low = Split(digits.test.images[:1], np.array([-1]))
    with pytest.raises(DataError, match="other classes"):
        answer(lenet.Model("1x8x8 | dense 10").initialize(), low)


def changed(record, **values):
    info = {name: value for name, value in {**record.info, **values}.items() if value is not ...}
    return RunRecord(record.folder, info)


def test_the_hash_says_whether_these_are_the_same_images(finished, digits):
    """Also where others are as many and as well answered, and of a run that was stopped."""
    record, model = read_run(finished), lenet.Model.load(finished / "last.safetensors")
    check_same_images(record, answer(model, digits))
    images = digits.test.images.copy()
    images[0, 0, 0, 0] ^= 1
    others = answer(model, Split(images, digits.test.labels))
    assert others.evaluation.accuracy == record.kept["test_accuracy"]
    for status in ("finished", "interrupted"):
        with pytest.raises(DataError, match="not the images"):
            check_same_images(changed(record, status=status), others)
    wrong = changed(record, epochs=[{"epoch": 3, "test_accuracy": 0.0}])
    check_same_images(wrong, answer(model, digits))  # the hash is the truth


@pytest.mark.parametrize("values", [{"test_hash": ...}, {"image_shape": [1, 4, 4]}])
def test_without_a_hash_the_number_and_the_accuracy_have_to_do(finished, digits, values):
    """A run of an older lenet, and images that are read at another size now."""
    record = changed(read_run(finished), **values)
    model = lenet.Model.load(finished / "last.safetensors")
    answers = answer(model, digits)
    check_same_images(record, answers)
    kept = {**record.kept, "test_accuracy": record.kept["test_accuracy"] - 0.01}
    with pytest.raises(DataError, match="% of 360 are right"):
        check_same_images(changed(record, epochs=[kept]), answers)
    with pytest.raises(DataError, match="of 300"):
        check_same_images(changed(record, test_images=300), answers)
    check_same_images(changed(record, epochs=[kept], status="interrupted"), answers)


def test_the_kept_epoch_is_what_the_accuracy_is_held_against(finished, digits):
    record = changed(read_run(finished), test_hash=..., kept_epoch=2)
    first, second, third = record.epochs
    epochs = [first, {**third, "epoch": 2}, {**second, "epoch": 3, "test_accuracy": 0.0}]
    model = lenet.Model.load(finished / "last.safetensors")
    check_same_images(changed(record, epochs=epochs), answer(model, digits))
