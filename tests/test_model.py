"""A model and its metrics: the article's loop, images of any shape, predictions, evaluation."""

from __future__ import annotations

import copy
import json
import pickle
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lenet
from lenet import metrics
from lenet.data.dataset import Dataset, Split
from lenet.data.preprocess import Preprocessing
from lenet.errors import DataError, ModelFileError, UsageError
from lenet.metrics import Evaluation, evaluate_scores, log_softmax
from lenet.model import Model
from lenet.writing.text import write_text
from refusals import refused

NORMALISED = "1x6x5 | conv 3 k3 batchnorm silu, maxpool 2 | dense 4"
SMALL = "1x6x5 | conv 3 k3 relu, maxpool 2 | dense 4"
RANDOM = np.random.default_rng(0)


def small(**settings: Any) -> Model:
    return Model(SMALL, **settings).initialize(seed=1)


def pictures(count: int, *shape: int) -> Any:
    return RANDOM.integers(0, 256, (count, *shape), np.uint8)


def test_the_articles_loop(capsys: pytest.CaptureFixture[str]) -> None:
    """Letter by letter."""
    X: Any = np.ones((1, 1, 28, 28))
    net = lenet.models.lenet()
    net.initialize()
    for layer in net:
        X = layer(X)
        print(layer.name, "output shape:\t", X.shape)
    shapes = [(1, 6, 24, 24), (1, 6, 12, 12), (1, 16, 8, 8), (1, 16, 4, 4), (1, 120), (1, 84)]
    names = ["conv0", "pool0", "conv1", "pool1", "dense0", "dense1", "dense2"]
    lines = [f"{n} output shape:\t {s}" for n, s in zip(names, [*shapes, (1, 10)], strict=True)]
    assert capsys.readouterr().out.splitlines() == lines


def test_the_zoos_models() -> None:
    assert dir(lenet.models) == sorted(name.replace("-", "_") for name in lenet.zoo.names())
    for name in dir(lenet.models):
        make = getattr(lenet.models, name)
        assert make().network == getattr(lenet.zoo, name)()
        assert make.__doc__
    assert lenet.models.lenet(classes="abcdefghij").classes[9] == "j"
    assert not hasattr(lenet.models, "lenet5")


def test_layers_of_a_model() -> None:
    model = lenet.models.lenet()
    conv, pool, dense = model[0], model["pool0"], model[-1]
    assert (len(model), len(model.layers), len(model[:2])) == (7, 7, 2)
    assert [layer.name for layer in (conv, pool, dense)] == ["conv0", "pool0", "dense2"]
    assert [layer.kind for layer in (conv, pool, dense)] == ["conv", "maxpool", "dense"]
    assert [layer.output_shape for layer in (conv, pool, dense)] == [
        (6, 24, 24),
        (6, 12, 12),
        (10,),
    ]
    assert pool.weight is pool.bias is None
    model.initialize()
    assert conv.weight is not None
    assert dense.bias is not None
    assert (conv.weight.shape, conv.weight.dtype) == ((6, 1, 5, 5), np.float32)
    assert dense.bias.shape == (10,)
    conv.weight[...] = 3  # a view
    assert (model.parameters["conv0.weight"] == 3).all()
    assert "conv0" in repr(conv)
    with pytest.raises(UsageError) as caught:
        _ = model["conv9"]
    assert "conv0" in str(caught.value)
    with pytest.raises(IndexError):
        _ = model[7]


def test_parameters_are_counted_as_everywhere() -> None:
    """The table of the engines has gaps; nobody meets its length as a number of parameters."""
    model = lenet.models.lenet().initialize()
    counted = lenet.explain("lenet").total.parameters
    assert model.parameter_count == counted == 44_426
    assert sum(value.size for value in model.parameters.values()) == counted
    assert model.table.size > counted
    normal = Model(NORMALISED).initialize()
    assert normal.state_dict().keys() - normal.parameters.keys() == {"conv0.mean", "conv0.variance"}
    assert sum(value.size for value in normal.parameters.values()) == normal.parameter_count


def test_copies_are_independent() -> None:
    model, images = normalised(), pictures(2, 1, 6, 5)
    expected = model.scores(images)  # its engine is not copied
    for copied in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert copied.table.ctypes.data % 64 == 0
        np.testing.assert_array_equal(copied.scores(images), expected)
        copied.table[...] = 0
    np.testing.assert_array_equal(model.scores(images), expected)
    assert copy.deepcopy(Model(SMALL)).initialize().classes == ("0", "1", "2", "3")


def test_a_summary_is_what_explain_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert lenet.models.lenet().summary(batch=32) is None  # type: ignore[func-returns-value]
    report = lenet.explain("lenet", batch=32)
    assert capsys.readouterr().out == f"{report}\n"
    assert report == lenet.explain(lenet.zoo.lenet(), batch=32)
    assert report == lenet.explain(lenet.models.lenet(), batch=32)


def test_the_layers_one_by_one_give_the_scores() -> None:
    model, images = small(), pictures(5, 1, 6, 5)
    x = images / np.float32(255)
    for layer in model:
        x = layer(x)
        assert x.dtype == np.float32
    np.testing.assert_allclose(x, model.scores(images), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [(6, 5), (9, 12)])
def test_prepared_images_go_through_the_layers_to_the_scores(size: tuple[int, int]) -> None:
    """Scaled and shifted as in training: with a mean and a deviation that are not 0 and 1."""
    images = pictures(5, 1, *size)
    seen = Preprocessing((1, 6, 5), (0.3,), (0.2,), None)
    model = Model(SMALL, preprocessing=seen).initialize()
    x = model.prepare(images)
    assert (x.dtype, x.shape) == (np.float32, (5, 1, 6, 5))
    seen_bytes = model.as_bytes(images)
    assert seen_bytes.dtype == np.uint8
    np.testing.assert_allclose(x, (seen_bytes / 255 - 0.3) / 0.2, rtol=1e-5, atol=1e-6)
    if size == (6, 5):
        np.testing.assert_allclose(x, (images / 255 - 0.3) / 0.2, rtol=1e-5, atol=1e-6)
    for layer in model:
        x = layer(x)
    np.testing.assert_allclose(x, model.scores(images), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32, np.float64])
def test_the_first_layer_refuses_raw_pixels(kind: type) -> None:
    model, images = small(), pictures(5, 1, 6, 5).astype(kind)
    with refused(UsageError, "conv0", "raw pixels", f"up to {images.max():g}", "model.prepare"):
        model[0](images)
    hidden = np.full((1, 3, 4, 3), 200.0)  # inside a network, numbers may be of any size
    assert model[1](hidden).max() == 200


def normalised(seed: int = 1) -> Model:
    """Trained for some steps, in a way: its statistics are not those it began with."""
    model = Model(NORMALISED).initialize(seed=seed)
    random = np.random.default_rng(seed)
    for value in model.state_dict().values():
        if value.ndim == 1:
            value[...] = random.uniform(0.5, 2, len(value))
    return model


def test_a_normalised_layer_uses_the_running_statistics() -> None:
    model, images = normalised(), pictures(5, 1, 6, 5)
    x = images / 255.0
    conv = next(iter(model))
    tensors = {name.removeprefix("conv0."): value for name, value in model.state_dict().items()}
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
    for layer, shape, wanted in (
        (conv, (6, 5), "(N, 1, 6, 5)"),
        (pool, (1, 2, 4, 3), "(N, 3, 4, 3)"),
        (dense, (2, 5), "(N, 6)"),
        (dense, (), "(N, 6)"),
    ):
        with pytest.raises(UsageError) as caught:
            layer(np.zeros(shape))
        assert all(word in str(caught.value) for word in (layer.name, str(shape), wanted))
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
        lambda: model.table,
        lambda: model.parameters,
        lambda: model[0].weight,
        model.state_dict,
        lambda: model.predict(pictures(1, 1, 6, 5)),
        lambda: next(iter(model))(np.zeros((1, 1, 6, 5))),
        lambda: model.save(tmp_path / "m.safetensors"),
    ]
    for use in uses:
        with refused(UsageError, "no weights yet"):
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


@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_every_shape(channels: int) -> None:
    """Three axes are one image if the first is as long as the network has channels."""
    model = Model(f"{channels}x6x5 | conv 3 k3 | dense 4").initialize()
    images = pictures(4, 1, 6, 5)
    expected = model.scores(images)
    np.testing.assert_array_equal(model.scores(images[:, 0]), expected)
    np.testing.assert_array_equal(model.scores(images[:, 0].tolist()), expected)
    np.testing.assert_allclose(model.scores(images[0, 0]), expected[:1], rtol=1e-5)
    colour = pictures(1, 3, 6, 5)[0]
    if channels == 3:
        np.testing.assert_array_equal(model.scores(colour), model.scores(colour[np.newaxis]))
    else:
        np.testing.assert_array_equal(model.scores(colour), model.scores(colour[:, np.newaxis]))
    assert model.predict(images[0, 0]).shape == (1,)
    assert model.predict_proba(images[0, 0]).shape == (1, 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_images_of_floats(dtype: type) -> None:
    model, images = small(), pictures(3, 1, 6, 5)
    expected = model.scores(images)
    np.testing.assert_array_equal(model.scores((images / 255).astype(dtype)), expected)
    np.testing.assert_array_equal(model.scores(images.astype(dtype)), expected)
    np.testing.assert_array_equal(model.scores(images.astype(np.int64)), expected)
    black = np.zeros((1, 1, 6, 5), dtype)
    np.testing.assert_array_equal(model.scores(black), model.scores(black.astype(np.uint8)))
    bits = pictures(3, 1, 6, 5) > 127
    np.testing.assert_array_equal(model.scores(bits), model.scores(bits * np.uint8(255)))


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (pictures(2, 1, 6, 5) - 128.0, ["from -", "0 to 255", "0 to 1"]),
        (pictures(2, 1, 6, 5) * 2.0, ["0 to 255", "0 to 1"]),
        (np.full((6, 5), np.nan), ["no numbers", "0 to 255"]),
        (pictures(6, 5)[0], ["uint8", "(5,)", "(N, C, H, W)"]),
        (np.zeros((1, 1, 1, 6, 5)), ["float64", "(N, C, H, W)"]),
        ([[1, 2], [3]], ["list", "(N, C, H, W)"]),
        (None, ["NoneType", "(N, C, H, W)"]),
        (np.array([["a"]]), ["<U1", "(N, C, H, W)"]),
        (pictures(6, 5, 3), ["(6, 5, 3)", "transpose(2, 0, 1)"]),
        (pictures(2, 6, 5, 1), ["(2, 6, 5, 1)", "transpose(0, 3, 1, 2)"]),
        (pictures(2, 2, 6, 5), ["2 channels cannot become 1"]),
        (pictures(2, 1, 0, 5), ["no pixels"]),
        (pictures(2, 0, 6, 5), ["no pixels"]),
    ],
)
def test_images_that_are_none(images: Any, words: list[str]) -> None:
    for use in (small().predict, small().predict_proba, small().scores):
        with pytest.raises(DataError) as caught:
            use(images)
        assert all(word in str(caught.value) for word in words)


def test_a_model_that_cannot_be() -> None:
    large = Preprocessing((1, 8, 8), (0.0,), (1.0,), None)
    for arguments, word in (
        ((SMALL, ["a", "b"]), "2 class names"),
        ((SMALL, None, large), "1@8x8"),
        (("lenett",), "lenett"),
    ):
        with pytest.raises(UsageError, match=word):
            Model(*arguments)  # type: ignore[arg-type]
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
        "calibration_error": pytest.approx(0.4),  # three of 0.7, 0.8, 0.6 and 0.5 are in one range
        "coverage": found.to_dict()["coverage"],
        "unrecognised": [],
        "classes": [
            {"name": "a", "count": 2, "accuracy": 0.5},
            {"name": "b", "count": 2, "accuracy": 0.5},
            {"name": "c", "count": 0, "accuracy": None},
        ],
        "confusion": [[1, 1, 0], [1, 1, 0], [0, 0, 0]],
        "mistakes": found.mistakes,
    }
    assert [(row["image"], row["second"]) for row in found.mistakes] == [(3, "b"), (2, "c")]


def test_scores_come_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    scores, labels = random.normal(size=(50, 7)).astype(np.float32), random.integers(0, 7, 50)
    whole = evaluate_scores(scores, labels, tuple("abcdefg"))
    monkeypatch.setattr(metrics, "_CHUNK", 30)  # four images
    asked = []

    def read(part: slice) -> metrics.Scores:
        asked.append(len(scores[part]))
        return scores[part]

    for given in (scores, read):
        found = evaluate_scores(given, labels, tuple("abcdefg"))
        assert found.to_dict() == whole.to_dict()
    assert asked == [4] * 12 + [2]


def test_evaluation_never_holds_all_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_CHUNK", 1 << 17)
    count = classes = 2000
    names, labels = tuple(map(str, range(classes))), np.arange(count)

    def read(part: slice) -> Any:
        return np.zeros((len(labels[part]), classes), np.float32)

    tracemalloc.start()
    try:
        found = evaluate_scores(read, labels, names)
        accuracy, _ = found.accuracy, found.class_accuracy
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert accuracy == 1 / classes
    assert peak < 8e6  # 16 MB would hold all scores once, and 32 MB the confusion matrix


@pytest.mark.parametrize(("count", "form"), [(27, "text"), (101, "html")])
def test_of_many_classes_the_confusions_are_listed(count: int, form: str) -> None:
    """Beyond the alphabet a matrix of texts is in pieces."""
    names = tuple(f"class {number}" for number in range(count))
    labels = np.array([0, 1, 1, 1, 5])
    scores = np.eye(count, dtype=np.float32)[[0, 2, 2, 3, 5]]
    found = evaluate_scores(scores, labels, names)
    fewer = evaluate_scores(scores[:, :-1], labels, names[:-1])
    assert any("confusion matrix" in part.title for part in fewer.page(form).sections)
    text = write_text(found.page(form))
    assert "confusion matrix" not in text
    rows = [line.split() for line in text.partition("most frequent confusions")[2].splitlines()]
    assert ["class", "1", "class", "2", "2"] in rows
    assert ["class", "1", "class", "3", "1"] in rows
    assert len([row for row in rows if row[:1] == ["class"] and row[-1].isdecimal()]) == 2


def test_of_very_many_classes_json_has_no_matrix() -> None:
    names = tuple(f"class {number}" for number in range(1001))
    scores = np.eye(1001, dtype=np.float32)[[0, 2]]
    values = evaluate_scores(scores, np.array([0, 1]), names).to_dict()
    assert "confusion" not in values
    assert values["confusions"] == [[0, 0, 1], [1, 2, 1]]


def test_log_softmax_neither_overflows_nor_drowns() -> None:
    found = log_softmax(np.array([[1e4, 0, -1e4], [1, 1, 1]], np.float32))
    np.testing.assert_allclose(found[0], [0, -1e4, -2e4])
    np.testing.assert_allclose(found[1], -np.log(3))
    assert found.dtype == np.float64


@pytest.mark.parametrize(("answers", "labels"), [(2, 3), (3, 2), (0, 0)])
def test_answers_and_labels_belong_together(answers: int, labels: int) -> None:
    with pytest.raises(DataError, match=f"{answers} .* {labels} labels"):
        evaluate_scores(
            np.zeros((answers, 4), np.float32), np.zeros(labels, np.int64), tuple("abcd")
        )


def test_a_model_is_evaluated_on_a_data_sets_test_split() -> None:
    model = small(classes=("a", "b", "c", "d"))
    images = pictures(20, 1, 6, 5)
    test = Split(images, model.predict(images))
    data = Dataset("mine", Split(images, np.zeros(20, np.int64)), test, ("a", "b", "c", "d"))
    found = model.evaluate(data)
    assert isinstance(found, Evaluation)
    assert (found.accuracy, found.count, found.classes) == (1.0, 20, model.classes)
    for same in (
        model.evaluate(test),
        model.evaluate(images, test.labels),
        model.evaluate(images[:, 0] / 255, test.labels.tolist()),
    ):
        np.testing.assert_array_equal(found.confusion, same.confusion)


def test_data_of_other_classes_are_refused() -> None:
    part = Split(pictures(3, 1, 6, 5), np.array([0, 1, 2]))
    two: Any = pictures(2, 1, 6, 5)
    cases: list[tuple[tuple[Any, ...], str]] = [
        ((Dataset("mine", part, part, ("a", "b", "c")),), "3 classes"),
        ((Split(part.images, np.array([0, 4, 2])),), "label 4 "),
        ((Split(part.images, np.array([0, -1, 2])),), "label -1 "),
        (("mnist",), "lenet.evaluate"),
        *(((two, labels), "labels") for labels in ([0], [0.0, 1.0], [[0, 1]])),
    ]
    for arguments, word in cases:
        with pytest.raises(DataError, match=word):
            small().evaluate(*arguments)


def test_an_evaluation_shows_itself() -> None:
    cells = np.array([[0, 0, 2], [0, 1, 1]])
    evaluation = Evaluation(cells, 0.5, ("<a>", "long name"), "test images of mine")
    lines = str(evaluation).splitlines()
    assert lines[0] == "66.67 % of 3 test images of mine, loss 0.5000"
    assert [line.split() for line in lines[3:5]] == [
        ["<a>", "3", "66.67", "%"],
        ["long", "name", "0", "-"],
    ]
    assert [line.split()[-2:] for line in lines[-2:]] == [["2", "1"], [".", "."]]
    assert "&lt;a&gt;" in evaluation._repr_html_()


VERBS: dict[str, Callable[[Any], Any]] = {
    "explain": lenet.explain,
    "draw": lenet.draw,
    "diagnose": lenet.diagnose,
    "balance": lenet.balance,
    "compare": lambda source: lenet.compare(source, "lenet-60"),
    "reconcile": lambda source: lenet.reconcile(source, [("conv0.weight", (3, 1, 3, 3))]),
    "bench": lambda source: lenet.bench(source, batch=4, threads=1, seconds=0.01),
    "Model": Model,
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_a_model(verb: str, tmp_path: Path) -> None:
    """And the file of one."""
    model = small()
    path = model.save(tmp_path / "mine.safetensors")
    for source in (model, model.network, path, str(path)):
        result = VERBS[verb](source)
        assert getattr(result, "network", model.network) == model.network
        assert str(result)


@pytest.mark.parametrize("top", [1.02, 16.0, 32.0])
def test_floats_of_another_scale_are_refused(top: float) -> None:
    images = np.linspace(0, top, 60).reshape(2, 1, 6, 5)
    with refused(DataError, f"{top:g}", "0 to 1", "divide"):
        small().scores(images)
    assert small().scores(images * (33 / top)).shape == (2, 4)
    assert small().scores(np.array(images, np.int64)).shape == (2, 4)


def test_rows_are_images(tmp_path: Path) -> None:
    rows, model = pictures(7, 30), small()
    expected = model.scores(rows.reshape(7, 1, 6, 5))
    for images in (rows, rows / 255):
        np.testing.assert_array_equal(model.scores(images), expected)
    np.save(tmp_path / "rows.npy", rows)
    found = lenet.predict(model, tmp_path / "rows.npy")
    assert [one.label for one in found] == [str(n) for n in expected.argmax(axis=1)]
    assert Model("1x1x30 | dense 2").initialize().predict(rows[:1]).shape == (1,)
    square = pictures(30, 30)
    with refused(DataError, "reshape(-1, 1, 6, 5)", "reshape(1, 30, 30)"):
        model.predict(square)
    np.save(tmp_path / "square.npy", square)
    with refused(DataError, "square.npy", "reshape(-1, 1, 6, 5)"):
        lenet.predict(model, tmp_path / "square.npy")


def test_new_weights_have_no_past() -> None:
    model = small()
    model.training = {"test_accuracy": 0.9}
    assert model.initialize().training == {}
    for arguments in ({"seed": "a"}, {"seed": True}, {"seed": -1}, {"init": 5}):
        with pytest.raises(UsageError):
            model.initialize(**arguments)  # type: ignore[arg-type]
    assert model.initialize(seed=np.int64(3)).table.any()  # type: ignore[arg-type]


def test_a_state_dict_goes_into_another_model() -> None:
    given, taken = normalised(), Model(NORMALISED).initialize(seed=9)
    taken.training = {"test_accuracy": 0.9}
    assert taken.load_state_dict(given.state_dict()) is taken
    np.testing.assert_array_equal(taken.table, given.table)
    assert taken.training == {}
    taken.table[...] = 0  # it is a copy
    assert given.table.any()


def test_a_state_dict_that_is_none() -> None:
    model = small()
    before, state = model.table.copy(), model.state_dict()
    for tensors in (None, 5, b"x", [5], object()):
        with refused(UsageError, "state dict", "by name"):
            model.load_state_dict(tensors)  # type: ignore[arg-type]
    for tensors in (
        *({}, {5: 1, **state}, dict.fromkeys(state, 5), {name: [[1], [1, 2]] for name in state}),
        *({**state, "conv0.bias": values} for values in (np.zeros(9, np.float32), np.zeros(3))),
        {**state, "conv0.bias": np.full(3, np.nan, np.float32)},
    ):
        with refused(ModelFileError, "state dict"):
            model.load_state_dict(tensors)  # type: ignore[arg-type]
    np.testing.assert_array_equal(model.table, before)


def test_the_zoos_models_for_other_classes() -> None:
    assert lenet.models.lenet(3).classes == ("0", "1", "2")
    model = lenet.models.tiny(classes=["cat", "dog"])
    assert (model.classes, model[-1].output_shape) == (("cat", "dog"), (2,))
    assert lenet.models.lenet(10).network == lenet.zoo.lenet()
    for classes in (0, -1, True, 2.5):
        with pytest.raises(UsageError):
            lenet.models.lenet(classes)
    assert "how many" in str(lenet.models.lenet.__doc__)


def test_a_model_answers_as_python_expects(capsys: pytest.CaptureFixture[str]) -> None:
    model, images = small(), pictures(2, 1, 6, 5)
    assert "conv0" in model
    assert model[0] in model
    assert all(other not in model for other in ("conv9", 3, None, small()[0]))
    np.testing.assert_array_equal(model(images), model.scores(images))
    for key, error in ((3, IndexError), (-4, IndexError), (1.5, TypeError), (None, TypeError)):
        with refused(error, "3 layers" if error is IndexError else "slice"):
            _ = model[key]  # type: ignore[call-overload]
    assert model[np.int64(1)].name == "pool0"  # type: ignore[call-overload]
    for x in ("x", None, [[1], [1, 2]], [["a"]]):
        with refused(UsageError, "conv0"):
            model[0](x)


def test_a_path_that_is_none(tmp_path: Path) -> None:
    for path in (5, None, ["a"]):
        with pytest.raises(UsageError):
            Model.load(path)  # type: ignore[arg-type]
    for path in ("a\0.json", "a\0.safetensors", "a\0.pth"):
        with pytest.raises(ModelFileError) as caught:
            lenet.evaluate(path, "digits")
        assert "\0" not in str(caught.value)


def test_weights_may_be_given_as_arrays() -> None:
    model = small()
    assert lenet.reconcile(model, model.state_dict()).agrees
    assert not lenet.reconcile("lenet", model.state_dict()).agrees


def test_a_model_on_an_input_that_looks_like_channels_last(tmp_path: Path) -> None:
    path = tmp_path / "signals.safetensors"
    Model("28@28x1 | conv 2 k3x1 | dense 10").initialize().save(path)
    network = Model.load(path).network
    assert network.input_shape == (28, 28, 1)
    assert network.placed
    assert str(lenet.explain(path)) == str(lenet.explain(network, name="signals"))


@pytest.mark.parametrize("channels", [2, 4])
def test_opacity_is_no_stack_of_images(channels):
    """One picture with opacity, (H, W, 4), is not H images of W = 4."""
    model = lenet.Model(lenet.parse("3x28x28 | dense 2"), ("a", "b")).initialize()
    with refused(DataError, "channels last"):
        model.scores(np.zeros((20, 20, channels), np.uint8))


@pytest.mark.parametrize("shape", [(0, 28), (3, 1, 0, 28), (2, 28, 0)])
def test_images_without_pixels_are_refused_everywhere(shape: tuple[int, ...]) -> None:
    model, images = Model("lenet").initialize(), np.zeros(shape, np.uint8)
    for read in (model.scores, model.prepare, model.as_bytes, model.predict):
        with refused(DataError, "no pixels"):
            read(images)
    assert model.prepare(np.zeros((0, 28, 28), np.uint8)).shape == (0, 1, 28, 28)


def test_weights_where_nothing_is_connected_are_refused() -> None:
    model = lenet.Model("lenet-5").initialize()
    state = {name: values.copy() for name, values in model.state_dict().items()}
    model.load_state_dict(state)
    state["conv1.weight"][...] = 1
    with refused(ModelFileError, "conv1.weight", "table lenet-5"):
        model.load_state_dict(state)


def overflowing() -> lenet.Model:
    """Its weights are finite, and its scores are not."""
    model = lenet.Model("1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10").initialize(seed=1)
    model.load_state_dict({name: values * 1e30 for name, values in model.state_dict().items()})
    return model


def test_scores_that_overflow_are_said(tmp_path) -> None:
    model, data = overflowing(), lenet.load("digits")
    for ask in (
        lambda: model.predict(data.test.images),
        lambda: model.predict_proba(data.test.images),
        lambda: model.evaluate(data),
        lambda: lenet.export(model, tmp_path / "m.c", check=data),
        lambda: lenet.predict(model, data.test.images),
    ):
        with refused(DataError, "no finite numbers", "smaller learning rate"):
            ask()
    with refused(UsageError, "int8", "smaller learning rate"):
        lenet.export(model, tmp_path / "m.safetensors", int8=True, calibrate=data)
    assert not list(tmp_path.iterdir())


def test_a_long_class_name_breaks_no_table_of_text() -> None:
    classes = ["a name that nobody would print beside an axis, but a folder has it", "b"]
    model = lenet.Model("1x4x4 | dense 2", classes=classes).initialize()
    found = model.evaluate(np.zeros((3, 1, 4, 4), np.uint8), [0, 1, 1])
    assert all(len(line) <= 80 for line in str(found).splitlines())
    assert found.to_dict()["classes"][0]["name"] == classes[0]


def test_a_normalisation_that_overflows_is_said_without_a_warning() -> None:
    model = lenet.Model("1x8x8 | conv 2 k3 batchnorm | dense 2").initialize(seed=1)
    for values in model.state_dict().values():
        values[...] = 1e30
    model.state_dict()["conv0.variance"][...] = 0
    with warnings.catch_warnings(), refused(DataError, "no finite numbers"):
        warnings.simplefilter("error")
        model.predict(np.ones((1, 1, 8, 8), np.uint8))
