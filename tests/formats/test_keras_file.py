"""``.keras`` files, read without Keras: what it answers, and files that are something else.

``files/make_keras.py`` wrote one with Keras; ``tests/interop/test_keras.py`` compares with it.
"""

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lenet
from lenet.cli.main import main
from lenet.errors import ModelFileError, UsageError
from lenet.formats.hdf5 import DamageError, read_arrays
from refusals import refused

FILES = Path(__file__).parent / "files"
FILE = FILES / "net.keras"
NET = "2x9x8 | conv 2 k3 s2 p1.1.0.1 g2, conv 3 k1 batchnorm relu, maxpool 2 s1 p0.1.0.1 | dense 3"
with zipfile.ZipFile(FILE) as ARCHIVE:
    SETTINGS, WEIGHTS = json.loads(ARCHIVE.read("config.json")), ARCHIVE.read("model.weights.h5")


def written(path: Path, settings: Any, weights: bytes = WEIGHTS) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(settings))
        archive.writestr("model.weights.h5", weights)
    return path


def changed(path: Path, change: Callable[[Any], Any]) -> Path:
    """The file with other settings: ``change`` gets the model's, and a dictionary of its layers."""
    settings = json.loads(json.dumps(SETTINGS))
    layers = {layer["class_name"]: layer for layer in settings["config"]["layers"]}
    change({**layers, "model": settings})
    return written(path, settings)


def set_to(kind: str, **values: Any) -> Callable[[Any], None]:
    return lambda layers: layers[kind]["config"].update(values)


def test_it_answers_what_keras_did() -> None:
    model = lenet.import_model(FILE)
    assert str(model.network) == NET
    count = 2 * int(np.prod(model.network.input_shape))
    images = (np.arange(count) * 37 % 251).astype(np.uint8).reshape(2, *model.network.input_shape)
    answers = json.loads((FILES / "answers.json").read_text())["keras"]
    np.testing.assert_allclose(model.predict_proba(images), answers, rtol=0, atol=1e-5)
    assert lenet.explain(FILE).network == model.network


def test_the_command(tmp_path, capsys) -> None:
    assert main(["import", str(FILE), "-o", str(tmp_path / "m.safetensors")]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Keras: 215 parameters")
    assert "go\nup to 255" in out
    assert main(["explain", str(tmp_path / "m.safetensors")]) == 0


def lambda_layer(layers: Any) -> None:
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}}
    layers["Rescaling"].update(class_name="Lambda", config={"name": "rescaling", "function": code})


def branch(layers: Any) -> None:
    (call,) = layers["Flatten"]["inbound_nodes"]
    call["args"] = [call["args"][0], layers["Rescaling"]["inbound_nodes"][0]["args"][0]]


def two_outputs(layers: Any) -> None:
    layers["model"]["config"]["output_layers"] = [["dense", 0, 0], ["flatten", 0, 0]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda_layer, ("has Lambda (rescaling)", "it holds code, which is not run")),
        (branch, ("flatten does not follow the layer before it",)),
        (two_outputs, ("it gives more than what its last layer does",)),
        (lambda layers: layers["Flatten"].update(module="mine"), ("flatten is a Flatten, no la",)),
        (lambda layers: layers["model"].update(class_name="Mine"), ("a model of 'Mine'",)),
        (lambda layers: layers["Flatten"].update(class_name="GRU"), ("has GRU", "not read")),
        (lambda layers: layers["Flatten"].update(config=[]), ("not what it takes",)),
        (lambda layers: layers["model"].update(config=7), ("not what it takes",)),
        (lambda layers: layers["model"].pop("config"), ("not what it takes",)),
        (set_to("InputLayer", batch_shape=[None, 9, 8, 3]), ("SeparableConv2D", "3@9x8")),
        (set_to("InputLayer", batch_shape=[None] * 5), ("the shape",)),
        (set_to("InputLayer", batch_shape=[None, 10**12, 10**12, 2]), ("BatchNormalization",)),
        (set_to("SeparableConv2D", dilation_rate=[2, 2]), ("it has a dilation",)),
        (set_to("SeparableConv2D", strides=[0, 1]), ("does not slide",)),
        (set_to("SeparableConv2D", padding="causal"), ("its padding is 'causal'",)),
        (set_to("SeparableConv2D", data_format="channels_first"), ("(H, W, C) is read",)),
        (set_to("SeparableConv2D", activation="gelu"), ("its activation is 'gelu'",)),
        (set_to("SeparableConv2D", activation={"class_name": "function"}), ("its activation is",)),
        (set_to("SeparableConv2D", use_bias=False), ("it has 3 weights and needs 2",)),
        (set_to("BatchNormalization", axis=2), ("its axis is 2",)),
        (set_to("Rescaling", scale="x"), ("has Rescaling",)),
    ],
)
def test_what_is_not_understood_is_named(change, words, tmp_path) -> None:
    path = changed(tmp_path / "x.keras", change)
    with refused(ModelFileError, str(path), *words):
        lenet.import_model(path)


@pytest.mark.parametrize("end", [0, 3, 100, 7000, 20_000])
def test_cut_files(end, tmp_path) -> None:
    (tmp_path / "x.keras").write_bytes(FILE.read_bytes()[:end])
    with refused(ModelFileError, "x.keras"):
        lenet.import_model(tmp_path / "x.keras")
    with refused(ModelFileError, "its weights cannot be read"):
        lenet.import_model(written(tmp_path / "y.keras", SETTINGS, WEIGHTS[:end]))


def test_other_archives_and_endings(tmp_path) -> None:
    (tmp_path / "x.keras").write_bytes(b"\x80\4\x95" + bytes(50))
    with refused(ModelFileError, "is a pickle of Python objects", "may run anything"):
        lenet.import_model(tmp_path / "x.keras")
    (tmp_path / "x.onnx").write_bytes(FILE.read_bytes())
    with refused(ModelFileError, "is a Keras model", "end its name in .keras"):
        lenet.import_model(tmp_path / "x.onnx")
    (tmp_path / "x.h5").write_bytes(WEIGHTS)
    with refused(ModelFileError, ".keras"):
        lenet.import_model(tmp_path / "x.h5")


def test_an_archive_that_unpacks_to_more(tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "x.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", json.dumps(SETTINGS))
        archive.writestr("model.weights.h5", WEIGHTS + bytes(2**24))
    with refused(ModelFileError, "unpacks to more than a model"):
        lenet.import_model(tmp_path / "x.keras")


def test_settings_that_go_deep_are_refused(tmp_path) -> None:
    deep = {**SETTINGS, "config": {"name": "a", "layers": []}}
    for _ in range(200):
        entry = {"module": "keras", "class_name": "Sequential", "config": deep["config"]}
        deep["config"] = {"name": "a", "layers": [entry]}
    with refused(UsageError, "x.keras", "leaves the size of its pictures open"):
        lenet.import_model(written(tmp_path / "x.keras", deep))
    calls: Any = []
    for _ in range(400):
        calls = [calls]
    path = changed(
        tmp_path / "y.keras", lambda layers: layers["Flatten"].update(inbound_nodes=calls)
    )
    with refused(ModelFileError, "y.keras"):
        lenet.import_model(path)


# HDF5, the part that h5py writes.


def test_arrays_as_h5py_writes_them() -> None:
    h5py = pytest.importorskip("h5py")
    stream, random = io.BytesIO(), np.random.default_rng(0)
    made = {"s": np.float32(3), "empty": np.zeros((0, 4), "f4")}
    for number in range(150):  # enough for trees of several levels
        kind = ("f4", "f8", "f2", ">f4", "i4", "u1", ">i8")[number % 7]
        values = random.normal(0, 9, (3, 2)).astype(kind)
        made[f"g{number % 70}/inner/a_long_name_{number}"] = values
    with h5py.File(stream, "w") as file:
        for name, values in made.items():
            file[name] = values
    found = read_arrays(stream.getvalue())
    assert found.keys() == made.keys()
    for name, values in made.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("kind", ["chunked", "external", "link", "bool"])
def test_what_h5py_writes_only_when_told(kind, tmp_path) -> None:
    h5py = pytest.importorskip("h5py")
    (tmp_path / "secret").write_bytes(bytes(100))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        if kind == "chunked":
            file.create_dataset("a", data=np.ones((50, 50)), compression="gzip")
        elif kind == "external":
            file.create_dataset("a", (10,), "f4", external=str(tmp_path / "secret"))
        elif kind == "link":
            file["a"] = h5py.ExternalLink(str(tmp_path / "secret"), "/")
        else:
            file["a"] = np.array([True])
    with pytest.raises(DamageError):
        read_arrays((tmp_path / "a.h5").read_bytes())


def test_groups_in_a_circle() -> None:
    place = WEIGHTS.index(b"SNOD") + 8 + 8
    (root,) = struct.unpack_from("<Q", WEIGHTS, 64)
    circle = WEIGHTS[:place] + struct.pack("<Q", root) + WEIGHTS[place + 8 :]
    with pytest.raises(DamageError, match="circle"):
        read_arrays(circle)
