"""The estimator trains by any recipe, and as ``lenet train`` does."""

import functools
import os
import pickle

import numpy as np
import pytest

import lenet
from lenet.data import Dataset
from lenet.errors import ModelFileError, UsageError
from lenet.estimator.samples import canonical

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV

from lenet import LeNetClassifier
from refusals import refused

SMALL = "1x8x8 | conv 8 k3 relu, maxpool 2 | dense 16 relu, dense 10"
EVERYTHING = lenet.recipe(
    epochs=4,
    batch_size=50,
    optimizer="nesterov",
    lr=0.05,
    schedule="cosine",
    warmup_epochs=1,
    weight_decay=1e-4,
    label_smoothing=0.1,
    dropout=0.2,
    max_grad_norm=1.0,
    ema_decay=0.9,
    class_weight="balanced",
    validation_fraction=0.2,
    restore_best=True,
    augment={"shift": 1, "rotate": 5},
)


@pytest.fixture(scope="module")
def images():
    """400 bytes images (N, 8, 8), their labels and weights."""
    part = lenet.load("digits").train.chosen(slice(400))
    return part.images[:, 0], part.labels, np.random.default_rng(0).uniform(0.1, 2, 400)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "recipe", ["modern", "best-tiny", "original", EVERYTHING, EVERYTHING.to_dict()]
)
def test_it_is_lenet_train(images, recipe, weighted):
    X, y, weights = images
    weights = weights if weighted else np.ones(len(y))
    own = LeNetClassifier(SMALL, recipe=recipe, batch_size=None, epochs=4, random_state=3)
    own.fit(X, y, sample_weight=weights)
    part = canonical(X[:, None], y, weights)
    data = Dataset("X", part, None, tuple("0123456789"))
    model = lenet.train(SMALL, data, lenet.recipe(recipe, epochs=4), seed=3)
    assert own.model_.table.tobytes() == model.table.tobytes()
    assert model.training.items() <= own.model_.training.items()
    assert own.loss_curve_ == [epoch["loss"] for epoch in model.training["epochs"]]


@pytest.mark.parametrize(
    "change",
    [
        *({"label_smoothing": 0.1}, {"dropout": 0.2}, {"max_grad_norm": 0.1}, {"ema_decay": 0.9}),
        *(
            {"class_weight": "balanced"},
            {"validation_fraction": 0.2},
            {"schedule": "cosine", "warmup_epochs": 1},
        ),
        *({"augment": {"shift": 1}}, {"momentum": 0.5, "optimizer": "momentum"}),
    ],
    ids=str,
)
def test_every_value_matters_and_none_breaks_that_weights_are_repetitions(images, change):
    X, y, _ = images
    times = np.arange(len(y)) % 3
    order = np.random.default_rng(1).permutation(times.sum())
    estimator = LeNetClassifier(SMALL, recipe=change, epochs=2)
    weighted = estimator.fit(X, y, sample_weight=times).model_.to_bytes()
    X_all, y_all = X.repeat(times, axis=0)[order], y.repeat(times)[order]
    assert clone(estimator).fit(X_all, y_all).model_.to_bytes() == weighted
    plain = LeNetClassifier(SMALL, epochs=2).fit(X, y, sample_weight=times)
    assert plain.model_.to_bytes() != weighted


def test_a_file_and_its_network(images, tmp_path):
    X, y, _ = images
    path = tmp_path / "mine.toml"
    path.write_text(f"net = {SMALL!r}\nepochs = 2\nlr = 0.02")
    for given in (path, str(path)):
        estimator = LeNetClassifier(recipe=given).fit(X, y)
        assert estimator.n_iter_ == 2
        assert str(estimator.model_.network) == str(lenet.parse(SMALL))
    few = LeNetClassifier(recipe=path, epochs=1).fit(X[y < 3], y[y < 3])
    assert few.n_iter_ == 1
    assert few.model_.network.output_shape == (3,)
    assert LeNetClassifier("lenet", recipe=path).fit(X, y).model_.network == lenet.zoo.lenet()


def test_parameters_change_values_of_the_recipe(images):
    X, y, _ = images
    changes = {
        "epochs": np.int64(1),
        "optimizer": np.str_("momentum"),
        "lr": np.float32(0.5),
        "schedule": "constant",
        "init": "xavier",
        "standardize": np.bool_(False),
        "weight_decay": 0.0,
    }
    found = LeNetClassifier(SMALL, recipe="original", **changes).fit(X, y).model_.training["recipe"]
    plain = {name: getattr(value, "item", lambda v=value: v)() for name, value in changes.items()}
    expected = lenet.recipe("original", batch_size=40, net=str(lenet.parse(SMALL)), **plain)
    assert found == expected.to_dict()


@pytest.mark.parametrize(
    ("recipe", "given", "samples", "expected"),
    [
        *(("modern", "auto", 60, 8), ("modern", "auto", 400, 40), ("modern", 33, 400, 33)),
        *(("modern", None, 100, 128), ("original", None, 100, 256)),
        *(({"batch_size": 10}, "auto", 400, 10), ({"batch_size": 5}, "auto", 100, 5)),
    ],
)
def test_batch_size(images, recipe, given, samples, expected):
    X, y, _ = images
    estimator = LeNetClassifier(SMALL, recipe=recipe, epochs=1, batch_size=given)
    estimator.fit(X[:samples], y[:samples])
    assert estimator.model_.training["recipe"]["batch_size"] == expected


def test_stopping_early_and_the_best_weights(images):
    X, y, _ = images
    recipe = lenet.recipe(
        epochs=200,
        validation_fraction=0.3,
        patience=2,
        restore_best=True,
        lr=0.02,
        schedule="constant",
    )
    estimator = LeNetClassifier(SMALL, recipe=recipe).fit(X, y)
    done = estimator.model_.training
    losses = [epoch["validation_loss"] for epoch in done["epochs"]]
    assert estimator.n_iter_ == len(losses) == done["kept_epoch"] + 2 < 200
    assert done["kept_epoch"] == 1 + int(np.argmin(losses))
    again = LeNetClassifier(SMALL, recipe=recipe.replace(epochs=done["kept_epoch"], patience=0))
    assert again.fit(X, y).model_.table.tobytes() == estimator.model_.table.tobytes()
    with refused(UsageError, "restore_best is True"):
        LeNetClassifier(recipe={"restore_best": True}).fit(X, y)
    with refused(ValueError, "no image of 3"):
        LeNetClassifier(recipe={"validation_fraction": 0.1, "patience": 1}).fit(X[:3], y[:3])


def test_the_validations_loss_is_weighted(images):
    """Samples that weigh next to nothing decide nothing, there too."""
    X, y, _ = images
    wrong = (y + 1) % 10
    both, labels = np.concatenate([X, X]), np.concatenate([y, wrong])
    weights = np.repeat([1, 1e-6], len(y))
    estimator = LeNetClassifier(SMALL, recipe={"validation_fraction": 0.3, "epochs": 15})
    estimator.fit(both, labels, sample_weight=weights)
    assert estimator.model_.training["epochs"][-1]["validation_loss"] < 1


def test_features_that_are_no_image_are_not_moved():
    X, y = load_iris(return_X_y=True)
    estimator = LeNetClassifier(recipe="best").fit(X, y)
    assert estimator.score(X, y) > 0.9
    augment = estimator.model_.training["recipe"]["augment"]
    assert augment == lenet.Augmentation().to_dict()


def test_a_search_over_recipes(images):
    X, y, _ = images
    recipes = ["modern", "best", {"label_smoothing": 0.1}, EVERYTHING]
    search = GridSearchCV(
        LeNetClassifier(SMALL, epochs=2), {"recipe": recipes}, cv=2, error_score="raise"
    )
    assert search.fit(X, y).best_params_["recipe"] in recipes


def test_a_pickle_has_a_recipes_values(images):
    X, y, _ = images
    estimator = LeNetClassifier(SMALL, recipe=EVERYTHING).fit(X, y)
    content = pickle.dumps(estimator, protocol=4)
    assert b"Recipe" not in content
    back = pickle.loads(content)
    assert back.recipe == EVERYTHING.to_dict()
    np.testing.assert_array_equal(back.predict_proba(X), estimator.predict_proba(X))
    assert clone(back).fit(X, y).model_.to_bytes() == estimator.model_.to_bytes()


@pytest.mark.parametrize("recipe", ["modern", "best", EVERYTHING])
def test_partial_fit(images, recipe):
    """What knows an end has no part in it; the rest has, and a pickle changes nothing."""
    X, y, weights = images
    one = LeNetClassifier(SMALL, recipe=recipe, lr=0.01)
    for _ in range(3):
        for start in range(0, 400, 100):
            part = slice(start, start + 100)
            one.partial_fit(X[part], y[part], np.arange(10), weights[part])
    done = one.model_.training
    used = done["recipe"]
    assert (used["epochs"], used["schedule"], used["restore_best"]) == (1, "constant", False)
    assert len(done["epochs"]) == 1
    assert one.n_iter_ == len(one.loss_curve_) == len(done["losses"]) == 12
    assert np.mean(one.loss_curve_[-4:]) < np.mean(one.loss_curve_[:4])
    other = pickle.loads(pickle.dumps(one))
    for each in (one, other):
        each.partial_fit(X, y)
    assert one.model_.to_bytes() == other.model_.to_bytes()


def test_epochs_one_by_one_are_those_of_fit(images):
    """On all samples, at a rate that stays, with dropout, augmentation and an average."""
    X, y, _ = images
    recipe = EVERYTHING.replace(
        schedule="constant", warmup_epochs=0, validation_fraction=0.0, restore_best=False
    )
    whole = LeNetClassifier(SMALL, recipe=recipe).fit(X, y)
    steps = LeNetClassifier(SMALL, recipe=recipe)
    for _ in range(4):
        steps.partial_fit(X, y, classes=np.arange(10))
    assert steps.loss_curve_ == whole.loss_curve_
    assert steps.model_.table.tobytes() == whole.model_.table.tobytes()


def test_a_memory_that_does_not_belong(images):
    X, y, _ = images
    estimator = LeNetClassifier(SMALL).partial_fit(X, y, classes=np.arange(10))
    state = estimator.__getstate__()
    state["_memory"] = state["_memory"] | {"state": np.zeros((2, 3), np.float32)}
    back = LeNetClassifier()
    back.__setstate__(state)
    with refused(ModelFileError, "state has shape"):
        back.partial_fit(X, y)


@pytest.mark.parametrize(
    ("recipe", "text"),
    [
        ("bets", "the recipe is 'bets'.* best"),
        (None, "the recipe is None; it must be"),
        (5, "the recipe is 5; it must be"),
        ("", "the recipe is ''"),
        ("missing.toml", "cannot read the recipe missing.toml"),
        (os.curdir + "/folder.toml", "cannot read the recipe"),
        ({"epoch": 3}, "a recipe has no 'epoch'"),
        ({"lr": -1}, "lr is -1"),
        ({1: 2}, "a recipe has no"),
        ({"net": "lenat"}, "'lenat' names no network"),
        ({"warmup_epochs": 5, "schedule": "cosine", "epochs": 3}, "warmup_epochs is 5"),
    ],
)
def test_recipes_that_cannot_be_meant(images, recipe, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("folder.toml")
    X, y, _ = images
    estimator = LeNetClassifier(recipe=recipe)
    for fit in (estimator.fit, functools.partial(estimator.partial_fit, classes=np.arange(10))):
        with pytest.raises(UsageError, match=text):
            fit(X, y)
