"""A run of a small network, and data of every odd kind."""

import numpy as np
import pytest

import lenet
from lenet.data import Dataset, Split
from lenet.metrics import evaluate_answers, read_answers
from lenet.reporting.predictions import Predictions

NETWORK = "1x8x8 | conv 4 k3 sigmoid, maxpool 2 | conv 6 k2 relu | dense 10"
RECIPE = lenet.recipe("original", epochs=3, lr=0.5, init="xavier", batch_size=50)


@pytest.fixture(scope="session")
def digits():
    return lenet.load("digits")


@pytest.fixture(scope="session")
def finished(digits, tmp_path_factory):
    """The folder of a finished run on the digits."""
    folder = tmp_path_factory.mktemp("runs") / "first"
    lenet.train(NETWORK, digits, RECIPE, run=folder)
    return folder


@pytest.fixture(scope="session")
def other(digits, tmp_path_factory):
    """Another, trained longer."""
    folder = tmp_path_factory.mktemp("runs") / "second"
    lenet.train(NETWORK, digits, RECIPE.replace(epochs=6), seed=1, run=folder)
    return folder


@pytest.fixture
def predictions_of():
    """Predictions with given probabilities (N, K) and labels (N,)."""

    def make(probabilities, labels, classes=None, channels=1, size=(8, 8)):
        values = np.asarray(probabilities, np.float64)
        labels = np.asarray(labels, np.int64)
        names = classes or tuple(map(str, range(values.shape[1])))
        with np.errstate(divide="ignore"):
            scores = np.log(values).clip(-1e30).astype(np.float32)
        images = np.arange(len(labels) * channels * size[0] * size[1]) % 251
        images = images.reshape(len(labels), channels, *size).astype(np.uint8)
        answers = read_answers(scores, labels, len(names))
        evaluation = evaluate_answers(answers, labels, names)
        return Predictions(Split(images, labels), names, answers, evaluation)

    return make


@pytest.fixture
def random_predictions(predictions_of):
    """Predictions of ``count`` images in ``classes``, some of them wrong."""

    def make(classes, count, names=None, wrong=0.3, **settings):
        random = np.random.default_rng(classes)
        labels = random.integers(0, classes, count)
        predicted = np.where(
            random.random(count) < wrong, random.integers(0, classes, count), labels
        )
        values = random.random((count, classes)) * 0.5
        values[np.arange(count), predicted] += random.random(count) * classes
        return predictions_of(values / values.sum(axis=1, keepdims=True), labels, names, **settings)

    return make


HOSTILE = ("<script>alert(1)</script>", '" onload="x', "図" * 40, "a&b", "\x00\x1b[31m", "")


@pytest.fixture
def hostile(random_predictions):
    """Predictions whose classes would like to be more than text."""
    return random_predictions(len(HOSTILE), 60, HOSTILE)


@pytest.fixture
def odd_data():
    """A small data set of a name and classes that must be escaped."""
    random = np.random.default_rng(0)
    labels = np.arange(60) % 6
    images = random.integers(0, 256, (60, 1, 8, 8)).astype(np.uint8)
    part = Split(images, labels)
    return Dataset("</title><script>", part, part, [*HOSTILE[:4], "e", "f"])
