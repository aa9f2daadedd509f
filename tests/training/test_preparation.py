"""Network and data made to suit each other; images set aside, so that the test split decides
nothing; a model made ready to be trained further."""

import json
from dataclasses import replace

import numpy as np
import pytest

import lenet
from digit_pictures import write_digits
from lenet.data import Dataset, Split
from lenet.errors import UsageError
from lenet.training import Recipe, Training
from lenet.training.preparation import (
    fit_network,
    load_arguments,
    load_for,
    model_to_fine_tune,
    with_absolute_paths,
    with_validation,
)
from refusals import refused


@pytest.fixture
def pictures(tmp_path):
    write_digits(tmp_path / "d", {"2": 10, "3": 10, "5": 10}, scale=4)
    return tmp_path / "d"


def matched(network, source, **options):
    data, _ = load_for(network, source, **options)
    return fit_network(network, data), data


def test_a_network_of_the_zoo_follows_pictures(pictures):
    network, data = matched(lenet.zoo.lenet_relu(), pictures)
    assert (network.input_shape, network.output_shape) == ((1, 32, 32), (3,))
    assert data.image_shape == (1, 32, 32)
    network, _ = matched(lenet.zoo.lenet(), str(pictures), size=28, rgb=True)
    assert network.input_shape == (3, 28, 28)


def test_and_data_made_in_python():
    part = Split(np.zeros((7, 3, 32, 32), np.uint8), np.arange(7))
    network = fit_network(lenet.zoo.lenet(), Dataset("mine", part, part, tuple("abcdefg")))
    assert (network.input_shape, network.output_shape) == ((3, 32, 32), (7,))


def test_it_is_what_the_network_is_that_decides_not_how_it_was_given(tmp_path):
    """By name, as an object, as a notation and as a file; one that is not the zoo's is kept."""
    write_digits(tmp_path / "d", {"2": 10, "3": 10, "5": 10}, scale=4)
    (tmp_path / "n.json").write_text(lenet.net.to_json(lenet.zoo.lenet_relu()))
    given = ("lenet-relu", lenet.zoo.lenet_relu(), str(lenet.zoo.lenet_relu()), tmp_path / "n.json")
    models = [lenet.train(network, tmp_path / "d", epochs=1) for network in given]
    assert {str(model.network) for model in models} == {str(models[0].network)}
    assert len({model.table.tobytes() for model in models}) == 1
    with refused(UsageError, "dense 3"):
        lenet.train("1x28x28 | conv 4 k3 relu | dense 10", tmp_path / "d", epochs=1)


def test_named_data_stay_with_its_own_input(pictures):
    for data in ("digits", lenet.load("digits")):
        data = data if isinstance(data, Dataset) else lenet.load(data)
        assert fit_network(lenet.zoo.lenet(), data) == lenet.zoo.lenet()
    pictures.rename(pictures.with_name("digits"))  # a folder of that name is no named data set
    data = lenet.load(pictures.with_name("digits"))
    assert fit_network(lenet.zoo.lenet(), data).input_shape == (1, 32, 32)


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_become_what_a_network_of_ones_own_takes(pictures, channels):
    own = lenet.parse(f"{channels}x12x10 | dense 3")
    network, data = matched(own, pictures)
    assert (network, data.image_shape) == (own, (channels, 12, 10))
    _, data = matched(own, pictures, size=9, gray=True)
    assert data.image_shape == (1, 9, 9)


def test_small_images_are_enlarged_to_what_a_network_is_made_for(tmp_path):
    write_digits(tmp_path, {"2": 10, "3": 10})
    network, data = matched(lenet.zoo.lenet(), tmp_path)
    assert (network.input_shape, data.image_shape) == ((1, 28, 28), (1, 28, 28))
    assert network.output_shape == (2,)
    network, data = matched(lenet.zoo.lenet(), tmp_path, size=20)
    assert network.input_shape == data.image_shape == (1, 20, 20)
    with refused(UsageError, "1@8x8", "28"):
        matched(lenet.zoo.lenet(), tmp_path, size=8)
    part = Split(np.zeros((3, 1, 8, 8), np.uint8), np.arange(3))
    data = Dataset("mine", part, part, tuple("abc"))
    assert fit_network(lenet.zoo.lenet(), data).input_shape == (1, 28, 28)


def test_load_options_are_not_for_named_data():
    with refused(UsageError, "pictures of your own"):
        matched(lenet.zoo.lenet(), "mnist", size=28)


def test_train_and_evaluate_by_path(pictures, tmp_path):
    model = lenet.train("lenet-relu", pictures, lenet.recipe(epochs=8), run=tmp_path / "run")
    assert model.classes == ("2", "3", "5")
    found = lenet.evaluate(tmp_path / "run" / "last.safetensors", pictures)
    assert found.accuracy == model.training["test_accuracy"]
    everything = lenet.evaluate(model, str(pictures), everything=True)
    assert everything.count == 30 > found.count


def test_predict_sees_what_was_trained_on(tmp_path):
    write_digits(tmp_path, {"2": 5, "3": 5}, scale=5)
    model = lenet.train("1x20x24 | conv 4 k5 relu, maxpool 4 | dense 2", tmp_path)
    data = lenet.load(tmp_path, size=(20, 24))
    images = np.concatenate([part.images for part in data.splits.values()])
    trained = sorted(model.predict_proba(images).max(axis=1).tolist())
    found = sorted(one.probability for one in lenet.predict(model, *tmp_path.glob("*/*.png")))
    assert found == pytest.approx(trained)


def test_the_arguments_of_the_loading_hold_in_any_folder(pictures, monkeypatch):
    monkeypatch.chdir(pictures.parent)
    zoo, own = lenet.zoo.lenet(), lenet.parse("1x12x10 | dense 3")
    options = {"size": None, "gray": False, "rgb": True, "skip_bad": False}
    found = with_absolute_paths(load_arguments(zoo, "d", **options))
    assert found == {"source": str(pictures), "rgb": True}
    found = with_absolute_paths(load_arguments(own, pictures, None, size=None, gray=False))
    assert found == {"source": str(pictures), "size": [12, 10], "gray": True}
    assert load_arguments(own, pictures, fit="crop")["fit"] == "crop"
    for fit, expected in ((None, "border"), ("pad", "pad")):
        seen = lenet.Preprocessing((1, 12, 10), (0.0,), (1.0,), None, fit=fit)
        assert load_arguments(lenet.Model(own, preprocessing=seen), pictures)["fit"] == expected
    found = with_absolute_paths(load_arguments(zoo, "MNIST", pictures.parent / "." / "d"))
    assert found == {"source": "MNIST", "data_dir": str(pictures)}
    for arguments in (found, with_absolute_paths(found)):
        assert json.loads(json.dumps(arguments)) == arguments


@pytest.fixture(scope="module")
def trained(few):
    return lenet.train("1x8x8 | conv 4 k3 relu, maxpool 2 | dense 12 relu, dense 10", few, epochs=3)


def test_a_model_is_trained_further_from_its_own_weights(trained, few):
    before = trained.table.copy()
    ready = model_to_fine_tune(trained, few, Recipe(), 0)
    assert ready is not trained
    assert ready.preprocessing == trained.preprocessing
    assert ready.training["fine_tuning"]["new_layer"] is None
    np.testing.assert_array_equal(ready.table, trained.table)
    model = lenet.train(trained, few, epochs=2)
    assert model.training["epochs"][0]["loss"] < trained.training["epochs"][0]["loss"]
    np.testing.assert_array_equal(trained.table, before)
    still = lenet.train(trained, few, epochs=1, lr=1e-30, weight_decay=0.0)
    np.testing.assert_allclose(still.table, before, atol=1e-7)


def test_other_classes_get_a_new_last_layer(trained, few):
    data = replace(
        few,
        train=few.train.chosen(few.train.labels < 3),
        test=few.test.chosen(few.test.labels < 3),
        classes=("zero", "one", "two"),
    )
    ready = model_to_fine_tune(trained, data, Recipe(), 0)
    assert ready.network.output_shape == (3,)
    assert ready.classes == data.classes
    for name, values in trained.state_dict().items():
        if not name.startswith("dense1"):
            np.testing.assert_array_equal(ready.state_dict()[name], values)
    notices = []

    class Listener:
        def step(self, epoch, share):
            pass

        def epoch(self, record):
            pass

        def notice(self, text):
            notices.append(text)

    model = lenet.train(trained, data, epochs=30, callback=Listener())
    assert "dense1" in notices[0]
    assert model.training["fine_tuning"]["new_layer"] == "dense1"
    assert model.training["fine_tuning"]["model"]["dataset"] == "few"
    assert model.evaluate(data).accuracy > 0.8


def test_a_model_sees_pictures_at_its_own_size(trained, pictures):
    model = lenet.train(trained, pictures, epochs=1)
    assert model.network.input_shape == (1, 8, 8)
    assert model.classes == ("2", "3", "5")


def test_a_model_without_weights(few):
    with refused(UsageError, "no weights"):
        lenet.train(lenet.Model("1x8x8 | dense 10"), few)


def test_a_share_of_every_class(digits):
    found = with_validation(digits, Recipe(validation_fraction=0.1))
    assert (len(found.train), len(found.validation), len(found.test)) == (1293, 144, 360)
    shares = np.bincount(found.validation.labels) / np.bincount(digits.train.labels)
    assert shares == pytest.approx(0.1, abs=0.006)
    together = np.concatenate([found.train.images, found.validation.images])
    assert sorted(map(bytes, together)) == sorted(map(bytes, digits.train.images))
    again = with_validation(digits, Recipe(validation_fraction=0.1))
    assert np.array_equal(found.validation.images, again.validation.images)


def test_weights_go_with_their_images(digits):
    train = digits.train
    weights = np.arange(1, len(train) + 1, dtype=np.float32)
    weighted = replace(digits, train=Split(train.images, train.labels, weights))
    found = with_validation(weighted, Recipe(validation_fraction=0.1))
    for part in (found.train, found.validation):
        at = part.weights.astype(int) - 1
        np.testing.assert_array_equal(train.images[at], part.images)


def test_without_one(digits):
    assert with_validation(digits, Recipe()) is digits


def test_a_part_of_their_own_is_taken(digits):
    own = replace(digits, validation=digits.test)
    recipe = Recipe(validation_fraction=0.5, restore_best=True)
    assert with_validation(own, recipe) is own
    assert with_validation(own, recipe.replace(validation_fraction=0.0)) is own


@pytest.mark.parametrize("share", [0.5, 0.99, 1 - 1e-9])
def test_every_class_keeps_an_image(share):
    labels = np.array([0] * 50 + [1] * 2 + [2], np.int64)
    part = Split(np.zeros((53, 1, 8, 8), np.uint8), labels)
    found = with_validation(
        Dataset("d", part, part, tuple("abc")), Recipe(validation_fraction=share)
    )
    assert set(found.train.labels.tolist()) == {0, 1, 2}


@pytest.mark.parametrize("share", [1e-9, 0.0001])
def test_too_small_a_share(digits, share):
    recipe = Recipe(validation_fraction=share)
    assert with_validation(digits, recipe) is digits  # they would only calibrate
    with refused(UsageError, "no image of 1,437"):
        with_validation(digits, recipe.replace(restore_best=True))


@pytest.mark.parametrize(("name", "value"), [("patience", 3), ("restore_best", True)])
def test_nothing_to_decide_by(digits, name, value):
    with pytest.raises(UsageError) as caught:
        with_validation(digits, Recipe(**{name: value}))
    assert str(caught.value).startswith(f"{name} is {value!r}")
    assert "validation_fraction=0.1" in str(caught.value)


def test_nothing_of_them_is_measured_or_learnt(digits, small):
    """Other validation images change neither the preprocessing nor the weights."""
    recipe = Recipe(epochs=1, validation_fraction=0.2)
    parts = with_validation(digits, recipe)
    blank = replace(
        parts, validation=Split(np.zeros_like(parts.validation.images), parts.validation.labels)
    )
    one, other = (lenet.train(small, data, recipe) for data in (digits, blank))
    assert one.preprocessing == other.preprocessing
    assert one.table.tobytes() == other.table.tobytes()


def test_the_test_part_decides_nothing(few, small):
    """With other test labels the same epoch is kept, and the same weights."""
    recipe = Recipe(
        epochs=5,
        validation_fraction=0.3,
        restore_best=True,
        patience=1,
        lr=0.1,
        schedule="constant",
    )
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
        ema_decay=0.5,
        validation_fraction=0.3,
        restore_best=True,
        patience=1,
        calibrate=False,
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


@pytest.mark.parametrize("changes", [{"rubbish": 3}, {"loss": "nearest"}])
def test_a_loss_of_distances_needs_some(changes):
    recipe = lenet.recipe("modern", epochs=1, **changes)
    (name,) = changes
    data = lenet.load("digits")
    with refused(UsageError, name, "dense2", "rbf 10"):
        lenet.train("lenet-relu", data, recipe)
    with refused(UsageError, name, "rbf 10"):
        lenet.vary("lenet-relu", data, recipe, seeds=2)
    network = "1x8x8 | dense 12 scaled-tanh, rbf 10"
    assert lenet.train(network, data, recipe).training["test_accuracy"] > 0.1


def test_the_distance_alone_needs_no_class_for_rubbish():
    recipe = lenet.recipe("lenet-5", data="mnist", epochs=1, loss="nearest", network="")
    network = "1x8x8 | dense 12 scaled-tanh, rbf 10"
    assert lenet.train(network, "digits", recipe).training["test_accuracy"] > 0.5
