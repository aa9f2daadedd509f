"""scikit-learn's protocol, held against scikit-learn's own checks."""

import copy
import os
import pickle
import pickletools

# scipy must have been told so before it is imported, or one of the checks is skipped.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import numpy as np
import pytest

import lenet
from lenet.errors import DataError, DivergenceError, ModelFileError, ShapeError, UsageError

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from lenet import LeNetClassifier
from lenet.estimator.classifier import default_network, network_for
from lenet.estimator.samples import Layout, canonical
from lenet.net import fitted as fit_network

SMALL = "1x8x8 | conv 8 k3 relu, maxpool 2 | dense 10"


@parametrize_with_checks([LeNetClassifier()])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    """Rows of training images, of test images, and their labels; numbers from 0 to 16."""
    X, y = load_digits(return_X_y=True)
    return train_test_split(X[:900], y[:900], random_state=0, stratify=y[:900])


@pytest.fixture(scope="module")
def fitted(digits):
    X, _, y, _ = digits
    return LeNetClassifier(epochs=10).fit(X, y)


def quick(**parameters):
    return LeNetClassifier(**({"net": SMALL, "epochs": 3} | parameters))


def test_the_digits(fitted, digits):
    _, X, _, y = digits
    assert fitted.score(X, y) >= 0.95
    assert fitted.image_shape_ == (1, 8, 8)
    assert fitted.n_features_in_ == 64
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 10
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0]
    probabilities = fitted.predict_proba(X)
    np.testing.assert_array_equal(fitted.classes_[probabilities.argmax(axis=1)], fitted.predict(X))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


@pytest.mark.parametrize("load", [load_iris, load_wine])
def test_tables(load):
    X, y = load(return_X_y=True)
    assert cross_val_score(LeNetClassifier(), X, y, cv=3).mean() >= 0.9


def test_pipeline_and_grid(digits):
    X, X_test, y, y_test = digits
    pipeline = make_pipeline(StandardScaler(), quick())
    grid = {"lenetclassifier__lr": np.array([1e-6, 0.01]), "lenetclassifier__epochs": np.array([6])}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_["lenetclassifier__lr"] == 0.01
    assert search.score(X_test, y_test) > 0.8


def test_workers_of_their_own(digits):
    X, _, y, _ = digits
    search = GridSearchCV(quick(threads=1), {"lr": [0.01, 0.02]}, cv=2, n_jobs=2)
    assert search.fit(X, y).best_score_ > 0.6


def test_cross_validation_of_shaped_images(digits):
    X, _, y, _ = digits
    flat = cross_val_score(quick(), X, y, cv=3)
    np.testing.assert_array_equal(cross_val_score(quick(), X.reshape(-1, 8, 8), y, cv=3), flat)
    np.testing.assert_array_equal(cross_val_score(quick(), X.reshape(-1, 1, 8, 8), y, cv=3), flat)


def test_clone_and_parameters():
    network = lenet.parse(SMALL)
    for net in (SMALL, network, lenet.Model(network).initialize(), "auto"):
        estimator = LeNetClassifier(net, lr=0.5, image_shape=(8, 8))
        copied = clone(estimator)
        assert copied is not estimator
        if not isinstance(net, lenet.Model):  # a copy of one is another
            assert copied.get_params() == estimator.get_params()
    assert estimator.set_params(epochs=7).epochs == 7
    assert "lr=0.5" in repr(estimator)
    with pytest.raises(ValueError):  # noqa: PT011 - scikit-learn's own words
        estimator.set_params(rate=1)


@pytest.mark.parametrize(
    "labels",
    [
        np.array([f"class {i}" for i in range(10)]),
        np.array([f"class {i}" for i in range(10)], object),
        np.arange(10) * 1000 - 4321,
        np.arange(10) > 4,
        np.arange(10.0),
    ],
    ids=["text", "objects", "numbers", "bool", "floats"],
)
def test_classes_of_any_type(labels, digits):
    X, X_test, y, y_test = digits
    estimator = quick(epochs=6).fit(X, labels[y])
    np.testing.assert_array_equal(estimator.classes_, np.unique(labels))
    assert estimator.predict(X_test).dtype == labels.dtype
    assert estimator.score(X_test, labels[y_test]) > 0.6
    assert estimator.model_.classes == tuple(map(str, np.unique(labels)))


def test_images_of_every_shape_are_the_same(digits):
    X, _, y, _ = digits
    expected = quick().fit(X, y)
    scores = expected.predict_proba(X)
    for shape in ((8, 8), (1, 8, 8), (8, 8, 1)):
        shaped = X.reshape(-1, *shape)
        estimator = quick().fit(shaped, y)
        assert estimator.n_features_in_ == 64
        for given in (shaped, X, shaped.tolist()):
            np.testing.assert_array_equal(estimator.predict_proba(given), scores)
    np.testing.assert_array_equal(expected.predict_proba(X.reshape(-1, 8, 8)), scores)


def test_colour():
    draw = np.random.default_rng(0)
    labels = np.arange(90) % 3
    images = draw.integers(0, 100, (90, 12, 10, 3), np.uint8)
    images[np.arange(90), :, :, labels] += 100
    last = LeNetClassifier(epochs=5).fit(images, labels)
    first = LeNetClassifier(epochs=5).fit(images.transpose(0, 3, 1, 2), labels)
    assert last.image_shape_ == first.image_shape_ == (3, 12, 10)
    assert last.score(images, labels) == 1
    assert last.model_.to_bytes() == first.model_.to_bytes()


def test_bytes_and_their_share_are_the_same():
    images = lenet.load("digits").train
    X, y = images.images[:300, 0], images.labels[:300]
    byte, share = quick().fit(X, y), quick().fit(X / 255, y)
    assert byte.model_.table.tobytes() == share.model_.table.tobytes()
    np.testing.assert_array_equal(
        byte.model_.predict(images.images), byte.predict(images.images[:, 0])
    )


def test_order_and_threads_do_not_matter(digits):
    X, _, y, _ = digits
    order = np.random.default_rng(0).permutation(len(y))
    one, other = quick(threads=1).fit(X, y), quick(threads=3).fit(X[order], y[order])
    assert one.model_.to_bytes() == other.model_.to_bytes()


def test_another_seed_is_another_model(digits):
    X, _, y, _ = digits
    seeds = (0, 1, np.random.RandomState(1), None, None)
    models = {quick(random_state=s, epochs=1).fit(X, y).model_.to_bytes() for s in seeds}
    assert len(models) == len(seeds)


def test_weights_are_repetitions(digits):
    X, _, y, _ = digits
    weights = np.random.default_rng(0).integers(0, 4, len(y))
    weights[y == 3] = 0
    weighted = quick().fit(X, y, sample_weight=weights)
    repeated = quick().fit(X.repeat(weights, axis=0), y.repeat(weights))
    assert weighted.classes_.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert weighted.model_.to_bytes() == repeated.model_.to_bytes()
    assert weighted.model_.to_bytes() != quick().fit(X, y).model_.to_bytes()
    scaled = quick().fit(X, y, sample_weight=weights * 8.0)
    assert scaled.model_.to_bytes() == weighted.model_.to_bytes()


def test_weights_matter(digits):
    """The same images with two labels each: the heavier one is learnt."""
    X, _, y, _ = digits
    both, labels = np.concatenate([X, X]), np.concatenate([y, (y + 1) % 10])
    for heavy, expected in (([0.9, 0.1], y), ([0.1, 0.9], (y + 1) % 10)):
        estimator = quick(epochs=8).fit(both, labels, sample_weight=np.repeat(heavy, len(y)))
        assert (estimator.predict(X) == expected).mean() > 0.8


def test_a_few_at_a_time_are_as_all_at_once(fitted, digits):
    """The engine has another way for one to four images; nobody shall see it."""
    _, X, _, _ = digits
    whole = fitted.predict_proba(X)
    for count in (1, 2, 3, 4, 5, 7):
        np.testing.assert_array_equal(fitted.predict_proba(X[:count]), whole[:count])


def test_partial_fit(digits):
    X, X_test, y, y_test = digits
    estimator = LeNetClassifier(lr=0.003)
    for _ in range(3):
        for start in range(0, len(y), 135):
            part = slice(start, start + 135)
            estimator.partial_fit(X[part], y[part], classes=np.arange(10))
    assert estimator.score(X_test, y_test) > 0.9
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 15
    assert estimator.loss_curve_[-1] < estimator.loss_curve_[0]


def test_partial_fit_goes_on_after_a_pickle(digits):
    X, _, y, _ = digits
    one = quick().partial_fit(X, y, classes=np.arange(10)).set_params(lr=0.002)
    other = pickle.loads(pickle.dumps(one))
    one.partial_fit(X[:99], y[:99])
    other.partial_fit(X[:99], y[:99])
    assert one.model_.table.tobytes() == other.model_.table.tobytes()


def test_partial_fit_of_few_classes_and_after_fit(fitted, digits):
    X, X_test, y, y_test = digits
    few = quick().partial_fit(X[y < 2], y[y < 2], classes=[9, *range(9)])
    assert few.classes_.tolist() == list(range(10))
    assert few.predict_proba(X).shape == (len(X), 10)
    known = copy.deepcopy(fitted).set_params(lr=1e-4).partial_fit(X, y)
    assert known.n_iter_ == 11
    assert known.score(X_test, y_test) >= 0.95
    refit = known.fit(X[:50], y[:50])
    assert refit.n_iter_ == 10


def test_partial_fit_refusals(fitted, digits):
    X, _, y, _ = digits
    for estimator, arguments, word in (
        (quick(), (X, y), "first call"),
        (quick(), (X, y, [0, 1]), "none of the classes"),
        (copy.deepcopy(fitted), (X[:1], ["a"]), "label 'a'"),
        (copy.deepcopy(fitted), (X, y, [0, 1]), "before"),
    ):
        with pytest.raises(ValueError, match=word):
            estimator.partial_fit(*arguments)


def test_one_class():
    estimator = LeNetClassifier().fit([[1.0, 2.0], [3.0, 4.0]], ["only", "only"])
    assert estimator.predict([[5, 6]]).tolist() == ["only"]
    assert estimator.predict_proba([[5, 6]]).tolist() == [[1.0]]


def test_a_network_gets_as_many_outputs_as_classes(digits):
    X, _, y, _ = digits
    few = y < 3
    for net in ("lenet-relu", lenet.zoo.lenet_relu(), lenet.models.lenet_relu()):
        estimator = LeNetClassifier(net, epochs=1).fit(X[few], y[few])
        assert estimator.model_.network.input_shape == (1, 28, 28)  # the images are made larger
        assert estimator.model_.network.output_shape == (3,)


def chosen(shape, classes=10, wanted=""):
    layout = Layout(shape, shape)
    return network_for(default_network(layout, wanted, "lenet-relu"), layout, classes)


def test_lenet_on_its_own_images():
    assert chosen((1, 28, 28)) == lenet.zoo.lenet_relu()


@pytest.mark.parametrize("classes", [1, 2, 1000])
@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        *(((1, 1, 1), None), ((30, 1, 1), None), ((1, 1, 99), None)),
        *(((1, 8, 8), (1, 28, 28)), ((3, 19, 300), (3, 28, 300)), ((3, 20, 20), (3, 28, 28))),
        ((1, 99, 64), (1, 99, 64)),
    ],
)
def test_every_image_gets_one_that_fits(shape, expected, classes):
    network = chosen(shape, classes)
    assert network.input_shape == (expected or shape)
    assert network.output_shape == (classes,)
    assert sum(isinstance(layer, lenet.Conv2d) for layer in network.layers) == 2 * bool(expected)


def test_as_many_outputs_as_classes():
    table = Layout((4,), (4, 1, 1))
    network = network_for("lenet", table, 3)
    assert str(network) == str(lenet.zoo.lenet()).replace("dense 10", "dense 3")
    assert network_for(network, table, 3) is network
    activated = network_for("1x2x2 | dense 4 tanh", table, 2)
    assert str(activated) == "1x2x2 | dense 2 tanh"
    with pytest.raises(UsageError) as caught:
        network_for("1x4x4 | maxpool 2", table, 3)
    assert "dense 3" in str(caught.value)
    with pytest.raises(ShapeError):
        network_for("1x4x4 | conv 2 k9 | dense 2", table, 2)


def test_a_recipes_network_is_for_images():
    none = (4, 1, 1)
    for shape, expected in (((1, 8, 8), (1, 28, 28)), ((3, 40, 40), (3, 40, 40))):
        assert chosen(shape, 7, "compact") == fit_network(lenet.zoo.compact(), expected, 7)
    assert chosen(none, 7, "compact") == chosen(none, 7)
    own = chosen((1, 8, 8), 7, "1x9x9 | dense 3 relu, dense 10")
    assert str(own) == "1x9x9 | dense 3 relu, dense 7"


@pytest.mark.parametrize(
    "parameters",
    [{"recipe": "modern"}, {"recipe": "best-lenet", "epochs": 1}, {"batch_size": None}],
    ids=str,
)
def test_it_trains_what_lenet_train_trains(parameters):
    """The same network by the same recipe on the digits: the same weights, bit for bit."""
    digits = lenet.load("digits").train
    images, labels = digits.images[:, 0], digits.labels
    estimator = LeNetClassifier(**{"epochs": 2} | parameters).fit(images, labels)
    split = canonical(digits.images, labels, np.ones(len(labels)))  # the estimator's order
    name = "digits" if "recipe" in parameters else "own"
    data = lenet.Dataset(name, split, None, tuple("0123456789"))
    epochs = parameters.get("epochs", 2)
    model = lenet.train(data=data, recipe=parameters.get("recipe", "auto"), epochs=epochs)
    assert estimator.model_.network == model.network
    assert estimator.model_.training["recipe"] == model.training["recipe"]
    assert estimator.model_.table.tobytes() == model.table.tobytes()


def test_a_row_as_the_networks_input_says():
    draw = np.random.default_rng(0)
    X, y = draw.normal(size=(60, 20)), np.arange(60) % 2
    X[y == 1, 5:9] += 4
    estimator = LeNetClassifier("1x1x20 | conv 4 k1x5 relu, maxpool 1x2 | dense 2").fit(X, y)
    assert estimator.image_shape_ == (1, 1, 20)
    assert estimator.score(X, y) > 0.9


def test_the_model_is_a_lenet_model(fitted, digits, tmp_path):
    path = fitted.model_.save(tmp_path / "digits.safetensors")
    model = lenet.Model.load(path)
    assert model.training["value_range"] == [[0.0], [16.0]]
    assert model.training["losses"] == fitted.loss_curve_
    _, X, _, _ = digits
    images = np.rint(X * (255 / 16)).astype(np.uint8).reshape(-1, 1, 8, 8)
    np.testing.assert_array_equal(model.predict(images), fitted.predict(X))
    assert "conv0" in str(lenet.explain(model.network))


def globals_of(content):
    """What a pickle imports."""
    found, strings = set(), []
    for opcode, argument, _ in pickletools.genops(content):
        if "UNICODE" in opcode.name:
            strings.append(argument)
        elif opcode.name == "STACK_GLOBAL":
            found.add(".".join(strings[-2:]))
    return found


def test_a_pickle_carries_the_models_bytes_and_nothing_of_ours(digits):
    X, X_test, y, _ = digits
    estimator = quick(net=lenet.parse(SMALL)).partial_fit(X, y, classes=np.arange(10))
    content = pickle.dumps(estimator, protocol=4)
    ours = {name for name in globals_of(content) if name.startswith("lenet")}
    assert ours == {"lenet.estimator.classifier.LeNetClassifier"}
    assert estimator.model_.to_bytes() in content
    by_model = quick(net=lenet.Model(SMALL))
    assert not {name for name in globals_of(pickle.dumps(by_model, 4)) if "model" in name}
    back = pickle.loads(content)
    np.testing.assert_array_equal(back.predict_proba(X_test), estimator.predict_proba(X_test))
    assert back.net == SMALL
    assert back.model_.to_bytes() == estimator.model_.to_bytes()
    assert pickle.loads(pickle.dumps(quick())).get_params() == quick().get_params()


def test_a_damaged_state_is_refused(fitted):
    state = fitted.__getstate__()
    for change, text in (
        ({"model_": state["model_"][:-1]}, "not an intact model"),
        ({"model_": lenet.Model(SMALL, range(1, 11)).initialize().to_bytes()}, "do not belong"),
        ({"classes_": np.arange(9)}, "do not belong"),
        ({"value_range_": np.zeros((2, 3))}, "do not belong"),
        ({"image_shape_": (1, 9, 9)}, "do not belong"),
    ):
        with pytest.raises(ModelFileError, match=text):
            LeNetClassifier().__setstate__(state | change)


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"batch_size": "all"}, "batch_size is 'all'"),
        ({"optimizer": "adam"}, "optimizer is 'adam'"),
        ({"lr": -1}, "lr is -1"),
        ({"schedule": "linear"}, "schedule is 'linear'"),
        ({"standardize": 1}, "standardize is 1"),
        ({"init": "zeros"}, "zeros"),
        ({"net": "lenat"}, "lenat"),
        ({"net": None}, "None"),
        ({"image_shape": (7, 9)}, "63 values"),
        ({"value_range": (1, 0)}, "value_range"),
        ({"threads": 0}, "threads is 0"),
    ],
)
def test_parameters_out_of_range(parameters, text, digits):
    X, _, y, _ = digits
    with pytest.raises(UsageError, match=text):
        LeNetClassifier(**parameters).fit(X, y)


def test_data_that_cannot_be_meant(fitted, digits):
    X, _, y, _ = digits
    with pytest.raises(NotFittedError):
        LeNetClassifier().predict(X)
    diverging = quick(optimizer="sgd", lr=1e30, schedule="constant")
    for error, use, arguments, word in (
        (ValueError, quick().fit, (X.reshape(-1, 1, 1, 8, 8), y), "dim 5"),
        (ValueError, fitted.predict, (X.reshape(-1, 4, 16),), "4, 16"),
        (ValueError, quick().fit, (np.where(X > 15, np.nan, X).reshape(-1, 8, 8), y), "NaN"),
        (ValueError, quick().fit, ([[1, 2], [3]], [0, 1]), "sequence|inhomogeneous"),
        (ValueError, quick().fit, (X, y, -np.ones(len(y))), "negative"),
        (DataError, LeNetClassifier("lenet").fit, (X[:, :30], y), "30 channels"),
        (DivergenceError, diverging.fit, (X, y), "epoch 1"),
    ):
        with pytest.raises(error, match=word):
            use(*arguments)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["cat", "dog"], ("cat", "dog")),
        (["", "a\nlenet: fake"], ("0", "1")),
        (["\x1b[31m", "b"], ("0", "1")),
        (["y" * 300, "b"], ("0", "1")),
        ([-1, 1], ("-1", "1")),
    ],
)
def test_labels_that_no_model_can_be_told(labels, names):
    """The estimator has them as they are; its model has numbers for those that cannot be shown."""
    X = np.random.default_rng(0).random((20, 8, 8))
    y = np.array(labels)[np.arange(20) % 2]
    classifier = LeNetClassifier(epochs=1, threads=1).fit(X, y)
    assert set(classifier.predict(X)) <= set(y)
    assert sorted(classifier.model_.classes) == sorted(names)
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict(X), classifier.predict(X))


def test_a_fit_that_fails_leaves_what_was_learnt(digits):
    X, _, y, _ = digits
    found = lenet.LeNetClassifier("1x8x8 | dense 10", epochs=1).fit(X, y)
    wanted = found.predict(X[:5])
    with pytest.raises(ValueError, match="weight"):
        found.fit(X[:, :36], y, sample_weight=-np.ones(len(y)))
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.predict(X[:5]), wanted)
