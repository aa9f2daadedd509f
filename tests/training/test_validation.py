"""Images set aside: stratified, the same in every run, and the test part decides nothing."""

from dataclasses import replace

import numpy as np
import pytest

import lenet
from lenet.data import Dataset, Split
from lenet.errors import UsageError
from lenet.training import Recipe, Training
from lenet.training.validation import with_validation


def test_a_share_of_every_class(digits):
    found = with_validation(digits, Recipe(validation=0.1))
    assert (len(found.train), len(found.validation), len(found.test)) == (1293, 144, 360)
    shares = np.bincount(found.validation.labels) / np.bincount(digits.train.labels)
    assert shares == pytest.approx(0.1, abs=0.006)
    together = np.concatenate([found.train.images, found.validation.images])
    assert sorted(map(bytes, together)) == sorted(map(bytes, digits.train.images))
    again = with_validation(digits, Recipe(validation=0.1))
    assert np.array_equal(found.validation.images, again.validation.images)


def test_weights_go_with_their_images(digits):
    train = digits.train
    weights = np.arange(1, len(train) + 1, dtype=np.float32)
    weighted = replace(digits, train=Split(train.images, train.labels, weights))
    found = with_validation(weighted, Recipe(validation=0.1))
    for part in (found.train, found.validation):
        at = part.weights.astype(int) - 1
        np.testing.assert_array_equal(train.images[at], part.images)


def test_without_one(digits):
    assert with_validation(digits, Recipe()) is digits


def test_a_part_of_their_own_is_taken(digits):
    own = replace(digits, validation=digits.test)
    recipe = Recipe(validation=0.5, keep="best")
    assert with_validation(own, recipe) is own
    assert with_validation(own, recipe.but(validation=0.0)) is own


@pytest.mark.parametrize("share", [0.5, 0.99, 1 - 1e-9])
def test_every_class_keeps_an_image(share):
    labels = np.array([0] * 50 + [1] * 2 + [2], np.int64)
    part = Split(np.zeros((53, 1, 8, 8), np.uint8), labels)
    found = with_validation(Dataset("d", part, part, tuple("abc")), Recipe(validation=share))
    assert set(found.train.labels.tolist()) == {0, 1, 2}


@pytest.mark.parametrize("share", [1e-9, 0.0001])
def test_too_small_a_share(digits, share):
    with pytest.raises(UsageError, match="which is no image of 1,437 with 10 classes; set more"):
        with_validation(digits, Recipe(validation=share))


@pytest.mark.parametrize(("name", "value"), [("patience", 3), ("keep", "best")])
def test_nothing_to_decide_by(digits, name, value):
    with pytest.raises(UsageError) as caught:
        with_validation(digits, Recipe(**{name: value}))
    assert str(caught.value) == (
        f"{name} is {value!r} and there are no validation images to decide by; set some aside as "
        "well, such as --set validation=0.1."
    )


def test_nothing_of_them_is_measured_or_learnt(digits, small):
    """Other validation images change neither the preprocessing nor the weights."""
    recipe = Recipe(epochs=1, validation=0.2)
    parts = with_validation(digits, recipe)
    blank = replace(
        parts, validation=Split(np.zeros_like(parts.validation.images), parts.validation.labels)
    )
    one, other = (lenet.train(small, data, recipe) for data in (digits, blank))
    assert one.preprocessing == other.preprocessing
    assert one.table.tobytes() == other.table.tobytes()


def test_the_test_part_decides_nothing(few, small):
    """With other test labels the same epoch is kept, and the same weights."""
    recipe = Recipe(epochs=5, validation=0.3, keep="best", patience=1, lr=0.1, schedule="constant")
    wrong = replace(few, test=Split(few.test.images, few.test.labels[::-1].copy()))
    one, other = (lenet.train(small, data, recipe) for data in (few, wrong))
    assert one.training["kept_epoch"] == other.training["kept_epoch"]
    assert one.table.tobytes() == other.table.tobytes()
    assert one.training["test_accuracy"] != other.training["test_accuracy"]


def test_the_kept_weights_are_those_of_the_best_epoch(few):
    network = "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 12 relu, dense 10"
    recipe = Recipe(
        epochs=30,
        batch_size=100,
        lr=0.3,
        schedule="constant",
        average=0.5,
        validation=0.3,
        keep="best",
        patience=1,
    )
    model = lenet.train(network, few, recipe)
    kept = model.training["kept_epoch"]
    assert kept == len(model.training["epochs"]) - 1
    losses = [epoch["validation_loss"] for epoch in model.training["epochs"]]
    assert losses.index(min(losses)) == kept - 1
    assert model.evaluate(few).accuracy == model.training["test_accuracy"]
    training = Training(lenet.parse(network), few, recipe, 0, 1)
    epochs = training.epochs()
    for _ in range(kept):
        next(epochs)
    assert training.model.table.tobytes() == model.table.tobytes()
