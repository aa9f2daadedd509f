"""A model and its metrics: the seed's loop, predictions, evaluation."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lenet.data.dataset import Dataset, Split
from lenet.data.preprocess import Preprocessing
from lenet.errors import DataError, UsageError
from lenet.metrics import Evaluation, evaluate_scores, log_softmax
from lenet.model import Model

SMALL = "1x6x5 | conv 3 k3 relu, maxpool 2 | dense 4"
RANDOM = np.random.default_rng(0)


def small(**settings: Any) -> Model:
    return Model(SMALL, **settings).initialize(seed=1)


def pictures(count: int, *shape: int) -> Any:
    return RANDOM.integers(0, 256, (count, *shape), np.uint8)


def test_the_seeds_loop() -> None:
    net, x, found = Model("lenet"), np.ones((1, 1, 28, 28)), []
    net.initialize()
    for layer in net:
        x = layer(x)
        found.append((layer.name, x.shape))
    assert found == [
        ("conv0", (1, 6, 24, 24)),
        ("pool0", (1, 6, 12, 12)),
        ("conv1", (1, 16, 8, 8)),
        ("pool1", (1, 16, 4, 4)),
        ("dense0", (1, 120)),
        ("dense1", (1, 84)),
        ("dense2", (1, 10)),
    ]
    assert len(net) == 7
    assert repr(next(iter(net))) == "<layer conv0>"


def test_the_layers_one_by_one_give_the_scores() -> None:
    model, images = small(), pictures(5, 1, 6, 5)
    x = images / np.float32(255)
    for layer in model:
        x = layer(x)
        assert x.dtype == np.float32
    np.testing.assert_allclose(x, model.scores(images), rtol=1e-5, atol=1e-6)


def normalised(seed: int = 1) -> Model:
    """Trained for some steps, in a way: its statistics are not those it began with."""
    model = Model("1x6x5 | conv 3 k3 batchnorm silu, maxpool 2 | dense 4").initialize(seed=seed)
    random = np.random.default_rng(seed)
    for value in model.tensors.values():
        if value.ndim == 1:
            value[...] = random.uniform(0.5, 2, len(value))
    return model


def test_a_normalised_layer_uses_the_running_statistics() -> None:
    model, images = normalised(), pictures(5, 1, 6, 5)
    x = images / 255.0
    conv = next(iter(model))
    tensors = {name.removeprefix("conv0."): value for name, value in model.tensors.items()}
    windows = np.lib.stride_tricks.sliding_window_view(x[:, 0], (3, 3), axis=(1, 2))
    z = np.einsum("nijkl,okl->noij", windows, tensors["weight"][:, 0].astype(np.float64))
    scale, mean, variance, shift = (
        tensors[name].astype(np.float64)[:, None, None]
        for name in ("scale", "mean", "variance", "bias")
    )
    z = scale * (z - mean) / np.sqrt(variance + 1e-5) + shift
    np.testing.assert_allclose(conv(x), z / (1 + np.exp(-z)), rtol=1e-9)
    # So one image says the same alone as among others, in every way to ask.
    np.testing.assert_allclose(conv(x[:1]), conv(x)[:1])
    for layer in model:
        x = layer(x)
    np.testing.assert_allclose(x, model.scores(images), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.scores(images[:1]), model.scores(images)[:1], rtol=1e-5)
    found = model.evaluate(Split(images, model.predict(images)))
    assert found.accuracy == 1


def test_a_layer_says_what_it_takes() -> None:
    conv, pool, dense = small()
    with pytest.raises(UsageError, match=r"conv0 is given an array of shape \(6, 5\); it takes"):
        conv(np.zeros((6, 5)))
    with pytest.raises(UsageError, match=r"pool0 .* \(1, 2, 4, 3\); it takes \(N, 3, 4, 3\)"):
        pool(np.zeros((1, 2, 4, 3)))
    with pytest.raises(UsageError, match=r"dense0 .* \(2, 5\); it takes \(N, 6\)"):
        dense(np.zeros((2, 5)))
    with pytest.raises(UsageError, match=r"dense0 .* shape \(\); it takes"):
        dense(0.0)
    assert conv(np.zeros((2, 1, 6, 5), np.uint8)).dtype == np.float64
    assert dense(np.zeros((2, 3, 2, 1))).shape == dense(np.zeros((2, 6))).shape == (2, 4)


def test_layers_take_no_images_at_all() -> None:
    x = np.zeros((0, 1, 6, 5))
    for layer in small():
        x = layer(x)
    assert x.shape == (0, 4)
    assert list(small())[2](np.zeros((0, 6))).shape == (0, 4)


def test_without_weights_there_is_nothing_to_compute(tmp_path: Path) -> None:
    model = Model(SMALL)
    uses: list[Callable[[], Any]] = [
        lambda: model.parameters,
        lambda: model.tensors,
        lambda: model.predict(pictures(1, 1, 6, 5)),
        lambda: next(iter(model))(np.zeros((1, 1, 6, 5))),
        lambda: model.save(tmp_path / "m.safetensors"),
    ]
    for use in uses:
        with pytest.raises(UsageError, match=r"no weights yet; call initialize\(\)"):
            use()
    assert not list(tmp_path.iterdir())


def test_predictions() -> None:
    model, images = small(), pictures(33, 1, 6, 5)
    probabilities = model.predict_proba(images)
    assert probabilities.shape == (33, 4)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    classes = model.predict(images)
    assert (classes.shape, classes.dtype) == ((33,), np.int64)
    np.testing.assert_array_equal(classes, probabilities.argmax(axis=1))
    np.testing.assert_array_equal(model.scores(images, threads=1), model.scores(images, threads=2))


def test_no_images_have_no_answers() -> None:
    assert small().predict(pictures(0, 1, 6, 5)).shape == (0,)
    assert small().predict_proba(pictures(0, 1, 9, 9)).shape == (0, 4)


@pytest.mark.parametrize("shape", [(1, 6, 5), (1, 28, 28), (1, 1, 1), (3, 6, 5), (3, 40, 7)])
def test_images_of_other_sizes_are_made_to_fit(shape: tuple[int, int, int]) -> None:
    assert small().predict_proba(pictures(3, *shape)).shape == (3, 4)


def test_grey_images_for_a_network_in_colour() -> None:
    model = Model("3x6x6 | dense 2").initialize()
    grey = pictures(4, 1, 6, 6)
    np.testing.assert_array_equal(
        model.predict_proba(grey), model.predict_proba(np.repeat(grey, 3, axis=1))
    )


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (pictures(2, 1, 6, 5) / 255, r"float64 of shape \(2, 1, 6, 5\); give .* \(N, C, H, W\)"),
        (pictures(2, 6, 5), r"uint8 of shape \(2, 6, 5\); give"),
        (pictures(6, 5)[0], r"uint8 of shape \(5,\); give"),
        ([[[[1]]]], "the images are list; give a NumPy array"),
        (None, "the images are NoneType; give a NumPy array"),
        (pictures(2, 2, 6, 5), "images with 2 channels cannot become 1"),
        (pictures(2, 1, 0, 5), "no pixels"),
        (pictures(2, 0, 6, 5), "no pixels"),
    ],
)
def test_images_that_are_none(images: Any, text: str) -> None:
    for use in (small().predict, small().predict_proba, small().scores):
        with pytest.raises(DataError, match=text):
            use(images)


def test_a_model_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="4 outputs and 2 class names are given; there must be"):
        Model(SMALL, classes=["a", "b"])
    with pytest.raises(UsageError, match="preprocessing makes 1@8x8 and the network takes 1@6x5"):
        Model(SMALL, preprocessing=Preprocessing((1, 8, 8), (0.0,), (1.0,), None))
    with pytest.raises(UsageError, match="names no network"):
        Model("lenett")
    assert Model(SMALL).classes == ("0", "1", "2", "3")


def test_evaluation_by_hand() -> None:
    scores = np.log(
        np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.5, 0.3], [0.6, 0.3, 0.1]], np.float32)
    )
    found = evaluate_scores(scores + 5, np.array([0, 1, 0, 1]), ("a", "b", "c"))
    np.testing.assert_array_equal(found.confusion, [[1, 1, 0], [1, 1, 0], [0, 0, 0]])
    assert (found.count, found.accuracy) == (4, 0.5)
    assert found.class_accuracy == (0.5, 0.5, None)
    assert found.loss == pytest.approx(-np.log([0.7, 0.8, 0.2, 0.3]).mean(), rel=1e-6)
    assert json.loads(json.dumps(found.to_dict())) == {
        "accuracy": 0.5,
        "loss": found.loss,
        "count": 4,
        "classes": [
            {"name": "a", "count": 2, "accuracy": 0.5},
            {"name": "b", "count": 2, "accuracy": 0.5},
            {"name": "c", "count": 0, "accuracy": None},
        ],
        "confusion": [[1, 1, 0], [1, 1, 0], [0, 0, 0]],
    }


def test_log_softmax_neither_overflows_nor_drowns() -> None:
    found = log_softmax(np.array([[1e4, 0, -1e4], [1, 1, 1]], np.float32))
    np.testing.assert_allclose(found[0], [0, -1e4, -2e4])
    np.testing.assert_allclose(found[1], -np.log(3))
    assert found.dtype == np.float64


@pytest.mark.parametrize(("answers", "labels"), [(2, 3), (3, 2), (0, 0)])
def test_answers_and_labels_belong_together(answers: int, labels: int) -> None:
    with pytest.raises(DataError, match=f"{labels} labels"):
        evaluate_scores(
            np.zeros((answers, 4), np.float32), np.zeros(labels, np.int64), tuple("abcd")
        )


def test_a_model_is_evaluated_on_a_data_sets_test_part() -> None:
    model = small(classes=("a", "b", "c", "d"))
    images = pictures(20, 1, 6, 5)
    test = Split(images, model.predict(images))
    data = Dataset("mine", Split(images, np.zeros(20, np.int64)), test, ("a", "b", "c", "d"))
    found = model.evaluate(data)
    assert isinstance(found, Evaluation)
    assert (found.accuracy, found.count, found.classes) == (1.0, 20, model.classes)
    np.testing.assert_array_equal(found.confusion, model.evaluate(test).confusion)


def test_data_of_other_classes_are_refused() -> None:
    part = Split(pictures(3, 1, 6, 5), np.array([0, 1, 2]))
    with pytest.raises(DataError, match=r"tells 4 classes \(.*\) apart and mine has 3 classes"):
        small().evaluate(Dataset("mine", part, part, ("a", "b", "c")))
    for label in (4, -1):
        with pytest.raises(DataError, match=f"label {label} names no class; .* labels 0 to 3"):
            small().evaluate(Split(part.images, np.array([0, label, 2])))


def test_evaluating_what_is_no_data() -> None:
    with pytest.raises(DataError, match=r"of type str; give a data set .* lenet\.evaluate\(model"):
        Model("1x8x8 | dense 10").initialize().evaluate("mnist")  # type: ignore[arg-type]
