"""Models of Keras itself: the same scores, and a sentence about what is no layer of ours."""

import os

import numpy as np
import pytest

import lenet
from lenet.cli.main import main
from lenet.errors import UsageError
from lenet.formats.code import network_code
from random_networks import random_network
from refusals import refused

os.environ.setdefault("KERAS_BACKEND", "torch")
pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")  # Keras' own


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def randomised(net, seed: int):
    """The same with weights that keep numbers small, and variances above 0."""
    random = np.random.default_rng(seed)

    def drawn(variable) -> np.ndarray:
        if "variance" in variable.path:
            return random.uniform(0.3, 3, variable.shape)
        spread = 1 / np.sqrt(max(1, np.prod(variable.shape[:-1])))
        return random.normal(0, spread, variable.shape)

    net.set_weights([drawn(variable) for variable in net.weights])
    return net


def check(net, model: lenet.Model, scale: float = 255, is_probability: bool = False) -> None:
    """Both answer alike for bytes that Keras is given divided by ``scale``."""
    images = np.random.default_rng(5).integers(0, 256, (6, *model.network.input_shape), np.uint8)
    given = (images.transpose(0, 2, 3, 1) / scale).astype(np.float32)
    if None not in net.input_shape[1:]:
        given = given.reshape(6, *net.input_shape[1:])
    theirs = np.asarray(net.predict(given, verbose=0))
    ours = model.predict_proba(images) if is_probability else model.scores(images)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(16))
def test_random_networks(keras, seed) -> None:
    """What we write as code of Keras comes back as it was; a padded max pooling is code there."""
    model = lenet.Model(random_network(seed, size=12))
    names: dict = {"__name__": "network"}
    exec(network_code(model, "keras"), names)
    net = randomised(names["network"](), seed)
    if any(type(layer).__name__ == "Lambda" for layer in net.layers):
        with refused(UsageError, "has Lambda", "it holds code, which is not run"):
            lenet.from_keras(net)
        return
    if len(model.network.output_shape) > 1:
        with refused(UsageError, "it ends with maps"):
            lenet.from_keras(net)
        return
    found = lenet.from_keras(net)
    assert found.network.layers == model.network.layers
    check(net, found)


def sequential(layers, keras):
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.RandomRotation(0.1),
            layers.Conv2D(6, 5, activation="relu", padding="same"),
            layers.MaxPooling2D(),
            keras.Sequential([layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization()]),
            layers.Activation("swish"),
            layers.AveragePooling2D((3, 2), strides=2),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.BatchNormalization(center=False),
            layers.Dense(5, activation="tanh"),
            layers.BatchNormalization(scale=False),
            layers.Dense(4),
        ]
    )


def functional(layers, keras):
    x = picture = keras.Input((17, 14, 3))
    for layer in (
        layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", strides=2),
        layers.BatchNormalization(epsilon=1e-2),
        layers.ReLU(),
        layers.SeparableConv2D(5, 3, activation="silu"),
        layers.ZeroPadding2D(((1, 0), (2, 1))),
        layers.Conv2D(4, (3, 2), strides=(2, 1)),
        layers.ZeroPadding2D(((0, 1), (0, 1))),
        layers.Conv2D(5, 3, strides=2, padding="same"),
        layers.LeakyReLU(negative_slope=0.01),
        layers.Dense(6, activation="relu"),  # at every place
        layers.SpatialDropout2D(0.2),
        layers.GlobalMaxPooling2D(),
        layers.Dense(3),
    ):
        x = layer(x)
    return keras.Model(picture, x)


def dense_alone(layers, keras):
    """Keras' first tutorial: a picture has no axis for its channel."""
    hidden = [layers.Dense(12, activation="relu"), layers.Dropout(0.2), layers.Dense(10)]
    return keras.Sequential([keras.Input((9, 7)), layers.Flatten(), *hidden])


def folded(layers, keras):
    x = [layers.Reshape((8, 8, 1)), layers.Conv2D(3, 3, 2, padding="same"), layers.Reshape((-1,))]
    return keras.Sequential([keras.Input((64,)), *x, layers.Dense(4)])


@pytest.mark.parametrize("make", [sequential, functional, dense_alone, folded])
def test_models_as_people_write_them(keras, make) -> None:
    net = randomised(make(keras.layers, keras), 3)
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model = lenet.from_keras(net)
    check(net, model)
    images = np.random.default_rng(5).integers(0, 256, (6, *model.network.input_shape), np.uint8)
    assert np.ptp(model.scores(images), axis=0).max() > 1e-3  # the pictures tell networks apart


def test_preprocessing_in_front_a_softmax_behind(keras) -> None:
    layers = keras.layers
    for first in (
        layers.Rescaling(1 / 127.5, offset=-1),
        layers.Rescaling([1 / 100, 1 / 90], offset=[0.5, -0.5]),
        layers.Normalization(mean=[3.0, 130.0], variance=[900.0, 4000.0]),
    ):
        inside = [layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(3, activation="softmax")]
        net = randomised(keras.Sequential([keras.Input((6, 5, 2)), first, *inside]), 1)
        model = lenet.from_keras(net, classes=["a", "b", "c"])
        assert model.classes == ("a", "b", "c")
        check(net, model, scale=1, is_probability=True)
    adapted = layers.Normalization()
    adapted.adapt(np.random.default_rng(0).uniform(0, 255, (50, 6, 5, 2)))
    net = randomised(keras.Sequential([keras.Input((6, 5, 2)), layers.Conv2D(3, 3)]), 1)
    net = keras.Sequential([keras.Input((6, 5, 2)), adapted, net, layers.GlobalAveragePooling2D()])
    check(net, lenet.from_keras(net), scale=1)


def test_an_open_size_is_given(keras, tmp_path, monkeypatch, capsys) -> None:
    layers = keras.layers
    inside = [layers.Conv2D(3, 3), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    net = randomised(keras.Sequential([keras.Input((None, None, 1)), *inside]), 1)
    with refused(UsageError, "leaves the size of its pictures open"):
        lenet.explain(net)
    model = lenet.from_keras(net, "1x9x8")
    check(net, model)
    assert lenet.explain(net, input_shape=(1, 9, 8)).network == model.network
    assert lenet.explain(net, input_shape=(1, 9, 8)).name == "Sequential"
    seen = lenet.explain(folded(layers, keras), input_shape=(1, 16, 16))
    assert seen.network.input_shape == (1, 16, 16)  # as any network on another input
    fresh = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])
    assert str(lenet.from_keras(fresh, (1, 3, 3)).network) == "1x3x3 | dense 2"
    net.save(tmp_path / "net.keras")
    monkeypatch.chdir(tmp_path)
    assert main(["explain", "net.keras"]) == 2
    assert "--input" in capsys.readouterr().err
    assert main(["import", "net.keras", "--input", "1x9x8", "-o", "m.safetensors"]) == 0
    assert lenet.Model.load("m.safetensors").network == model.network


def test_explain_takes_a_function_that_makes_one(keras, tmp_path, monkeypatch, capsys) -> None:
    code = (
        "import keras\n\n\ndef make_model():\n"
        "    layers = [keras.layers.Conv2D(2, 3), keras.layers.Flatten(), keras.layers.Dense(4)]\n"
        "    return keras.Sequential(layers)\n"
    )
    (tmp_path / "my_keras_file.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    assert main(["explain", "my_keras_file:make_model", "--input", "1x28x28"]) == 0
    assert "conv0" in capsys.readouterr().out


def joined(layers, keras):
    picture = keras.Input((6, 6, 1))
    x = layers.Conv2D(1, 3, padding="same", name="first")(picture)
    return keras.Model(picture, layers.Flatten()(layers.Add()([x, picture])))


def twice(layers, keras):
    picture, conv = keras.Input((6, 6, 1)), layers.Conv2D(1, 3, padding="same", name="first")
    return keras.Model(picture, layers.Flatten()(conv(conv(picture))))


def alone(*which):
    return lambda layers, keras: keras.Sequential(
        [keras.Input((7, 7, 1)), *(make(layers) for make in which), layers.Flatten()]
    )


def own(layers, keras):
    class Mine(keras.layers.Layer):
        def call(self, x):
            return x + 1

    return keras.Sequential([keras.Input((6, 6, 1)), Mine(name="mine"), layers.Flatten()])


def subclass(layers, keras):
    class Net(keras.Model):
        def call(self, x):
            return x

    net = Net()
    net(np.zeros((1, 4, 4, 1)))
    return net


REFUSED = [
    (joined, "add does not follow the layer before it"),
    (twice, "first does not follow the layer before it"),
    (own, "mine is a Mine, no layer of Keras' own"),
    (subclass, "a model of 'Net'"),
    (alone(lambda layers: layers.Conv2D(2, 3, activation="gelu")), "its activation is 'gelu'"),
    (alone(lambda layers: layers.Conv2D(2, 3, dilation_rate=2)), "has Conv2D (conv2d"),
    (alone(lambda layers: layers.AveragePooling2D(2, padding="same")), "leaves the padding out"),
    (alone(lambda layers: layers.LeakyReLU()), "its slope is 0.3, and 0.01 is read"),
    (alone(lambda layers: layers.ReLU(6)), "it has a largest value"),
    (alone(lambda layers: layers.LayerNormalization()), "has LayerNormalization"),
    (alone(lambda layers: layers.Conv2D(2, 3)), "it ends with maps"),
]


@pytest.mark.parametrize(("make", "words"), REFUSED)
def test_what_is_no_layer_of_ours_is_named(keras, make, words) -> None:
    keras.utils.clear_session()
    with refused(UsageError, words):
        lenet.from_keras(make(keras.layers, keras))


def test_what_is_no_keras_model(keras) -> None:
    import torch

    for given in (None, 3, "net.keras", torch.nn.Flatten(), keras.layers.Flatten()):
        with refused(UsageError, "give a keras.Model"):
            lenet.from_keras(given)
