"""Models in plain layers: the same classes and probabilities."""

from __future__ import annotations

import numpy as np
import pytest

import lenet
from lenet.data import Split
from lenet.formats.importing import read_model
from lenet.formats.plain import plain_model, plain_network
from lenet.net.layers import LAYERS
from random_networks import OLD, random_network


def random_model(network: lenet.Network, seed: int) -> lenet.Model:
    model = lenet.Model(network).initialize("lecun", seed)
    random = np.random.default_rng(seed)
    for step in model.plan.steps:
        if step.norm:
            step.norm.mean.view(model.table)[...] = random.normal(0, 0.3, step.norm.mean.shape)
            step.norm.variance.view(model.table)[...] *= random.uniform(0.5, 2)
    return model


@pytest.mark.parametrize("seed", range(40))
def test_random_networks(seed: int) -> None:
    model = random_model(random_network(seed, **OLD), seed)
    plain = plain_model(model)
    keywords = {layer.keyword for layer in plain.network.layers}
    assert keywords <= LAYERS.keys() - {"subsample", "rbf"}
    assert "table:" not in str(plain.network)
    assert "scaled-tanh" not in str(plain.network)
    images = np.random.default_rng(seed).integers(0, 256, (9, *model.network.input_shape), np.uint8)
    np.testing.assert_allclose(plain.predict_proba(images), model.predict_proba(images), atol=2e-4)


def test_a_plain_model_is_itself() -> None:
    model = lenet.models.lenet_relu().initialize()
    assert plain_model(model) is model


@pytest.mark.parametrize("name", ["lenet-5", "lenet-1"])
@pytest.mark.parametrize("suffix", [".onnx", ".c", ".pt", ".params"])
def test_every_program_answers_the_same(name: str, suffix: str, tmp_path) -> None:
    model = lenet.Model(name).initialize("lecun", 1)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (50, *model.network.input_shape), np.uint8)
    labels = model.predict(images)
    try:
        done = lenet.export(model, tmp_path / f"m{suffix}", check=Split(images, labels))
    except lenet.errors.MissingPackageError as error:
        pytest.skip(str(error))
    assert done.check is not None
    assert done.check.different == 0
    assert done.check.largest < 1e-5


@pytest.mark.parametrize(
    "net",
    [
        "lenet-5",
        "lenet-1",
        "1x8x8 | conv 4 k3 scaled-tanh, maxpool 2 | dense 10",
        "1x8x8 | conv 4 k3, maxpool 2 | dense 10 scaled-tanh",
    ],
)
@pytest.mark.parametrize("suffix", [".pt", ".params"])
def test_what_leaves_comes_back(net: str, suffix: str, tmp_path) -> None:
    if suffix == ".pt":
        pytest.importorskip("torch")
    model = lenet.Model(net).initialize("lecun", 1)
    file = lenet.export(model, tmp_path / f"m{suffix}").path
    (tmp_path / "m-symbol.json").unlink(missing_ok=True)
    read = read_model(file, net=model)
    assert any("plain layers" in note for note in read.notes)
    images = np.random.default_rng(0).integers(0, 256, (9, *model.network.input_shape), np.uint8)
    found, wanted = read.model.predict_proba(images), model.predict_proba(images)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)


def test_a_module_is_plain_as_well() -> None:
    pytest.importorskip("torch")
    model = lenet.Model("lenet-5").initialize("lecun", 1)
    again = lenet.from_torch(lenet.to_torch(model), model.network.input_shape)
    layers = [place.layer for place in plain_network(model.network).placed]
    assert [place.layer for place in again.network.placed] == layers


def test_the_file_of_a_model_keeps_its_own_layers(tmp_path) -> None:
    model = lenet.Model("lenet-5").initialize("lecun", 1)
    read = lenet.Model.load(lenet.export(model, tmp_path / "m.safetensors").path)
    assert read.network == model.network
    np.testing.assert_array_equal(read.table, model.table)
