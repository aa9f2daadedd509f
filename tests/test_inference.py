"""Using a model: predict and evaluate, and what an evaluation tells."""

import json

import numpy as np
import pytest
from PIL import Image

import lenet
from lenet.data import Dataset, Split
from lenet.errors import DataError, ModelFileError, PictureError, UsageError


@pytest.fixture(scope="module")
def digits():
    return lenet.load("digits")


@pytest.fixture(scope="module")
def model():
    network = "1x8x8 | conv 8 k3 relu, maxpool 2 | dense 10"
    return lenet.train(network, "digits", lenet.recipe(epochs=5))


def saved(path, image):
    Image.fromarray(image).save(path)
    return path


def test_predict_is_the_models_answer(model, digits, tmp_path):
    images = digits.test.images[:5]
    np.save(tmp_path / "a.npy", images)
    found = lenet.predict(model, tmp_path / "a.npy")
    probabilities = model.predict_proba(images)
    assert [one.image for one in found] == [f"{tmp_path / 'a.npy'}[{i}]" for i in range(5)]
    for one, row in zip(found, probabilities, strict=True):
        assert one.label == model.classes[row.argmax()]
        assert one.probability == row.max()
        assert list(one.probabilities) == sorted(row.tolist(), reverse=True)
        assert sorted(one.classes) == list(model.classes)


def test_predict_a_picture_from_a_file(model, digits, tmp_path):
    path = saved(tmp_path / "a.png", digits.test.images[0, 0])
    (by_path,) = lenet.predict(model, path)
    (by_name,) = lenet.predict(str(model.save(tmp_path / "m.safetensors")), str(path))
    assert by_path == by_name
    assert by_path.image == str(path)
    values = json.loads(json.dumps(by_path.to_dict()))
    assert (values["class"], values["image"]) == (by_path.label, str(path))
    assert values["probability"] == max(values["probabilities"].values())


def test_predict_nothing(model):
    assert lenet.predict(model) == []


def test_equal_probabilities_are_in_the_order_of_the_classes(tmp_path):
    model = lenet.Model("1x8x8 | dense 3", ["c", "a", "b"]).initialize()
    model.parameters[:] = 0
    (found,) = lenet.predict(model, saved(tmp_path / "a.png", np.zeros((8, 8), np.uint8)))
    assert found.classes == ("c", "a", "b")


def test_refusals(model, tmp_path):
    with pytest.raises(ModelFileError, match="cannot read"):
        lenet.predict(tmp_path / "nowhere.safetensors")
    with pytest.raises(PictureError, match="nowhere"):
        lenet.predict(model, tmp_path / "nowhere.png")
    with pytest.raises(UsageError, match="no data set"):
        lenet.evaluate(model, "nowhere")
    with pytest.raises(UsageError, match="no weights yet"):
        lenet.evaluate(lenet.Model("lenet"), "digits")


def test_evaluate(model, digits):
    found = lenet.evaluate(model, "digits")
    assert found.accuracy == lenet.evaluate(model, digits).accuracy > 0.8
    assert found.accuracy == (model.predict(digits.test.images) == digits.test.labels).mean()
    assert found.count == 360
    assert found.confusion.sum(axis=1).tolist() == np.bincount(digits.test.labels).tolist()
    chosen = model.predict_proba(digits.test.images)[np.arange(360), digits.test.labels]
    assert found.loss == pytest.approx(-np.log(chosen).mean(), rel=1e-4)


def test_evaluate_a_part(model, digits):
    assert lenet.evaluate(model, digits.train).count == 1437


def test_a_class_without_images(model, digits):
    zeros = digits.test.labels == 0
    found = lenet.evaluate(model, Split(digits.test.images[zeros], digits.test.labels[zeros]))
    assert found.class_accuracy[0] == found.accuracy
    assert found.class_accuracy[1:] == (None,) * 9
    assert json.loads(json.dumps(found.to_dict()))["classes"][1]["accuracy"] is None


def test_evaluate_on_other_classes(model, digits):
    part = Split(digits.test.images, digits.test.labels % 2)
    with pytest.raises(DataError, match=r"tells 10 classes \(.*\) apart and parity has 2"):
        lenet.evaluate(model, Dataset("parity", part, part, ("even", "odd")))
    with pytest.raises(DataError, match="label 10 names no class"):
        lenet.evaluate(model, Split(digits.test.images, digits.test.labels + 1))
