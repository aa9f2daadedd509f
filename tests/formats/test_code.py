"""Code of a network: run in its framework, it is the same network."""

import os
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import lenet
from lenet.formats.code import FRAMEWORKS, network_code
from lenet.net.layers import AvgPool2d, Conv2d, Dense, MaxPool2d
from random_networks import draw_norms, random_network

ODD = (
    "3x9x9 | conv 6 k3x2 s2 p1.0.2.1 g3 silu, avgpool 2 s1 p1, conv 4 k2 p2 leaky-relu, "
    "maxpool 3 s2 p1 | dense 5 tanh, dense 3"
)


def run(model: lenet.Model, framework: str) -> dict:
    names: dict = {"__name__": "network"}
    exec(compile(network_code(model, framework), "network.py", "exec"), names)
    return names


def drawn(network) -> tuple[lenet.Model, np.ndarray]:
    model = lenet.Model(network).initialize("xavier", 3)
    draw_norms(model.plan, model.table, np.random.default_rng(0))
    shape = (4, *model.network.input_shape)
    return model, np.random.default_rng(1).integers(0, 256, shape, np.uint8)


NETWORKS = ["lenet", "compact", ODD, *map(random_network, range(12))]


@pytest.mark.filterwarnings("ignore")  # Keras' own
@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_keras_gives_the_same_scores(network) -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    model, images = drawn(network)
    names = run(model, "keras")
    net = names["network"]()
    ours = iter(model.plan.steps)
    shapes = iter(model.network.placed)
    for layer in net.layers:
        kind = type(layer).__name__
        if kind in ("Conv2D", "Dense"):
            step, place = next((s, p) for s, p in zip(ours, shapes, strict=True) if s.weight)
            weight, bias = (tensor.view(model.table) for tensor in (step.weight, step.bias))
            if kind == "Conv2D":
                weight = weight.transpose(2, 3, 1, 0)
            else:
                if len(place.input_shape) == 3:  # laid flat with the channels last
                    weight = weight.reshape(-1, *place.input_shape).transpose(0, 2, 3, 1)
                weight = weight.reshape(len(bias), -1).T
            layer.set_weights([weight] if step.norm else [weight, bias])
        elif kind == "BatchNormalization":
            norm = [tensor.view(model.table) for tensor in step.norm]
            layer.set_weights([norm[0], bias, norm[1], norm[2]])
    scores = np.asarray(net.predict(names["prepare"](images.transpose(0, 2, 3, 1)), verbose=0))
    np.testing.assert_allclose(scores, model.scores(images), rtol=1e-3, atol=1e-4)
    assert keras.backend.backend() == "torch"


class Gluon:
    """What Gluon's layers are here: layers of ours, put into a list."""

    def __init__(self) -> None:
        self.layers: list = []
        self._padding = None

    def add(self, *layers) -> None:
        for kind, values in layers:
            getattr(self, kind)(**values)

    def conv(self, **values) -> None:
        values["padding"] = self._padding or values["padding"]
        self._padding = None
        self.layers.append(Conv2d(**values))

    def pool(self, kind, **values) -> None:
        values["padding"] = self._padding or values["padding"]
        self._padding = None
        self.layers.append(kind(**values))

    def dense(self, **values) -> None:
        self.layers.append(Dense(**values))

    def pad(self, sides) -> None:
        self._padding = sides

    def norm(self) -> None:
        self.layers[-1] = self.layers[-1].replace(batch_norm=True)

    def activation(self, name) -> None:
        self.layers[-1] = self.layers[-1].replace(activation=name)

    def flatten(self) -> None:
        pass


def gluon_layers() -> dict:
    def conv(
        channels, kernel, strides=1, padding=0, groups=1, activation="identity", use_bias=True
    ):
        pairs = {"kernel_size": kernel, "stride": strides, "padding": padding}
        return "conv", {"channels": channels, **pairs, "groups": groups, "activation": activation}

    def pool(kind):
        def make(size, strides, padding=0):
            return "pool", {
                "kind": kind,
                "kernel_size": size,
                "stride": strides,
                "padding": padding,
            }

        return make

    def lambda_(function):
        def pad(x, mode, pad_width, constant_value):
            assert (mode, pad_width[:4]) == ("constant", (0, 0, 0, 0))
            return tuple(pad_width[4:])

        return "pad", {"sides": function(SimpleNamespace(pad=pad), None)}

    def norm(momentum, epsilon):
        assert (momentum, epsilon) == (0.9, 1e-5)
        return "norm", {}

    def leaky(slope):
        assert slope == 0.01
        return "activation", {"name": "leaky-relu"}

    return {
        "HybridSequential": Gluon,
        "Conv2D": conv,
        "MaxPool2D": pool(MaxPool2d),
        "AvgPool2D": pool(AvgPool2d),
        "HybridLambda": lambda_,
        "BatchNorm": norm,
        "Dense": lambda units, activation="identity": (
            "dense",
            {"units": units, "activation": activation},
        ),
        "LeakyReLU": leaky,
        "Swish": lambda: ("activation", {"name": "silu"}),
        "Activation": lambda name: ("activation", {"name": name}),
        "Flatten": lambda: ("flatten", {}),
    }


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_gluon_builds_the_same_layers(network, monkeypatch) -> None:
    """MXNet runs on old Pythons alone: its layers stand here for ours."""
    mxnet, gluon, nn = (ModuleType(name) for name in ("mxnet", "mxnet.gluon", "mxnet.gluon.nn"))
    vars(nn).update(gluon_layers())
    mxnet.gluon, gluon.nn = gluon, nn
    for module in (mxnet, gluon, nn):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    model, images = drawn(network)
    names = run(model, "gluon")
    assert tuple(names["network"]().layers) == model.network.layers
    np.testing.assert_allclose(
        names["prepare"](images), model.prepare(images), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("net", ["1x5x5 | conv 2 k3 | dense 3", "1x5x5 | conv 2 k3 batchnorm"])
def test_an_activation_that_no_table_has_is_not_written(framework, net) -> None:
    """As one would be that is added to our networks alone."""
    model = lenet.Model(net)
    object.__setattr__(model.network.layers[0], "activation", "softsign")
    with pytest.raises(KeyError, match="softsign"):
        network_code(model, framework)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_code_is_plain(framework) -> None:
    code = network_code(
        lenet.Model("lenet", classes=[f'it\'s "{n}"' for n in range(10)]), framework
    )
    assert max(len(line) for line in code.splitlines()[1:] if "CLASSES" not in line) <= 100
    assert code.startswith('"""1x28x28 | conv 6 k5 sigmoid')
    names: dict = {}
    exec(next(line for line in code.splitlines() if line.startswith("CLASSES")), names)
    assert names["CLASSES"][3] == 'it\'s "3"'
