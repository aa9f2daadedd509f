"""Who follows whom: the network the data, or the data the network."""

import json

import numpy as np
import pytest

import lenet
from digit_pictures import write_digits
from lenet.data import Dataset, Split
from lenet.errors import UsageError
from lenet.training.pairing import arguments, is_zoo_name, lasting, pair


@pytest.fixture
def digits(tmp_path):
    write_digits(tmp_path / "d", {"2": 10, "3": 10, "5": 10}, scale=4)
    return tmp_path / "d"


def test_a_network_of_the_zoo_follows_pictures(digits):
    network, data = pair(lenet.zoo.lenet_relu(), "lenet-relu", digits)
    assert (network.input_shape, network.output_shape) == ((1, 32, 32), (3,))
    assert data.image_shape == (1, 32, 32)
    network, _ = pair(lenet.zoo.lenet(), " LeNet ", str(digits), size=28, rgb=True)
    assert network.input_shape == (3, 28, 28)


def test_and_data_made_in_python():
    part = Split(np.zeros((7, 3, 32, 32), np.uint8), np.arange(7))
    network, _ = pair(lenet.zoo.lenet(), "lenet", Dataset("mine", part, part, tuple("abcdefg")))
    assert (network.input_shape, network.output_shape) == ((3, 32, 32), (7,))


def test_named_data_stay_with_its_own_input(digits):
    for data in ("digits", lenet.load("digits")):
        network, _ = pair(lenet.zoo.lenet(), "lenet", data)
        assert network == lenet.zoo.lenet()
    digits.rename(digits.with_name("digits"))  # a folder of that name is no named data set
    network, _ = pair(lenet.zoo.lenet(), "lenet", lenet.load(digits.with_name("digits")))
    assert network.input_shape == (1, 32, 32)


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_become_what_a_network_of_ones_own_takes(digits, channels):
    own = lenet.parse(f"{channels}x12x10 | dense 3")
    network, data = pair(own, str(own), digits)
    assert (network, data.image_shape) == (own, (channels, 12, 10))
    _, data = pair(own, str(own), digits, size=9, gray=True)
    assert data.image_shape == (1, 9, 9)


def test_too_small(tmp_path):
    write_digits(tmp_path, {"2": 10, "3": 10})
    with pytest.raises(UsageError, match=r"the images are 1@8x8, too small .*size 28"):
        pair(lenet.zoo.lenet(), "lenet", tmp_path)


def test_wishes_are_not_for_named_data():
    with pytest.raises(
        UsageError, match=r"are for pictures of your own, and mnist is ready .*\./mnist"
    ):
        pair(lenet.zoo.lenet(), "lenet", "mnist", size=28)


def test_files_are_not_of_the_zoo():
    assert is_zoo_name("LENET-60")
    assert not is_zoo_name("lenet.json")
    assert not is_zoo_name("")


def test_train_and_evaluate_by_path(digits, tmp_path):
    model = lenet.train("lenet-relu", digits, lenet.recipe(epochs=8), run=tmp_path / "run")
    assert model.classes == ("2", "3", "5")
    found = lenet.evaluate(tmp_path / "run" / "last.safetensors", digits)
    assert found.accuracy == model.training["test_accuracy"]
    everything = lenet.evaluate(model, str(digits), everything=True)
    assert everything.count == 30 > found.count


def test_predict_sees_what_was_trained_on(tmp_path):
    write_digits(tmp_path, {"2": 5, "3": 5}, scale=5)
    model = lenet.train("1x20x24 | conv 4 k5 relu, maxpool 4 | dense 2", tmp_path)
    data = lenet.load(tmp_path, size=(20, 24))
    images = np.concatenate([part.images for part in data.splits.values()])
    trained = sorted(model.predict_proba(images).max(axis=1).tolist())
    found = sorted(one.probability for one in lenet.predict(model, *tmp_path.glob("*/*.png")))
    assert found == pytest.approx(trained)


def test_the_arguments_of_the_loading_hold_in_any_folder(digits, monkeypatch):
    monkeypatch.chdir(digits.parent)
    zoo, own = lenet.zoo.lenet(), lenet.parse("1x12x10 | dense 3")
    found = lasting(arguments(zoo, "lenet", "d", size=None, gray=False, rgb=True, skip_bad=False))
    assert found == {"source": str(digits), "rgb": True}
    found = lasting(arguments(own, "", digits, None, size=None, gray=False))
    assert found == {"source": str(digits), "size": [12, 10], "gray": True}
    found = lasting(arguments(zoo, "lenet", "MNIST", digits.parent / "." / "d"))
    assert found == {"source": "MNIST", "data_dir": str(digits)}
    for each in (found, lasting(found)):
        assert json.loads(json.dumps(each)) == each
