"""Weights of PyTorch, which come without their network; and what cannot be meant."""

import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import lenet
from lenet.cli.main import main
from lenet.errors import LenetError, MissingPackageError, ModelFileError, UsageError
from lenet.formats.importing import import_model, read_model
from refusals import refused

NET = (
    "1x12x12 | conv 4 k3 batchnorm relu, maxpool 2 | conv 5 k2 relu, maxpool 2 | dense 6 relu, "
    "dense 3"
)


@pytest.fixture
def model() -> lenet.Model:
    model = lenet.Model(NET).initialize(seed=4)
    rng = np.random.default_rng(0)
    for values in model.state_dict().values():
        values[...] = rng.uniform(0.1, 1, values.shape)
    return model


def images() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (5, 1, 12, 12), np.uint8)


def as_pytorch(model: lenet.Model, conv_bias: bool = True) -> dict[str, np.ndarray]:
    """The state dict of a module with children of these names."""
    state = {name: values.copy() for name, values in model.state_dict().items()}
    found = {
        "conv1.weight": state["conv0.weight"],
        "bn1.weight": state["conv0.scale"],
        "bn1.bias": state["conv0.bias"],
        "bn1.running_mean": state["conv0.mean"],
        "bn1.running_var": state["conv0.variance"],
        "bn1.num_batches_tracked": np.array(3),
        **{f"conv2.{word}": state[f"conv1.{word}"] for word in ("weight", "bias")},
        **{f"fc{n + 1}.{w}": state[f"dense{n}.{w}"] for n in (0, 1) for w in ("weight", "bias")},
    }
    if conv_bias:  # the normalisation takes it off again
        found["conv1.bias"] = np.float32([1, 2, 3, 4])
        found["bn1.running_mean"] = found["bn1.running_mean"] + np.float32([1, 2, 3, 4])
    return found


@pytest.mark.parametrize("conv_bias", [True, False])
def test_a_state_dict_as_safetensors(model, conv_bias, tmp_path) -> None:
    path = tmp_path / "net.safetensors"
    safetensors.numpy.save_file(as_pytorch(model, conv_bias), path)
    found = import_model(path, net=NET)
    np.testing.assert_allclose(found.scores(images()), model.scores(images()), rtol=1e-5)


@pytest.mark.parametrize("prefix", ["turnnet", "congruent", "Igru1ana"])
def test_words_within_the_words_of_a_name_say_nothing(model, prefix, tmp_path) -> None:
    state = {f"{prefix}.{name}": values for name, values in as_pytorch(model).items()}
    safetensors.numpy.save_file(state, tmp_path / "net.safetensors")
    found = import_model(tmp_path / "net.safetensors", net=NET)
    np.testing.assert_allclose(found.table, model.table, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_precisions(model, dtype, tmp_path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    state = {name: torch.from_numpy(np.array(v)) for name, v in as_pytorch(model).items()}
    state = {
        n: v.to(getattr(torch, dtype)) if v.is_floating_point() else v for n, v in state.items()
    }
    save_file(state, tmp_path / "net.safetensors")
    torch.save(state, tmp_path / "net.pt")
    found = [import_model(tmp_path / f"net.{end}", net=NET) for end in ("safetensors", "pt")]
    np.testing.assert_array_equal(found[0].table, found[1].table)
    np.testing.assert_allclose(found[0].table, model.table, rtol=1e-2, atol=2e-2)


@pytest.mark.parametrize("nest", ["", "state_dict", "model"])
def test_a_state_dict_of_torch_save(model, nest, tmp_path) -> None:
    torch = pytest.importorskip("torch")
    state = {name: torch.from_numpy(np.array(v)) for name, v in as_pytorch(model).items()}
    torch.save({nest: state, "epoch": 3} if nest else state, tmp_path / "net.pth")
    found = import_model(tmp_path / "net.pth", net=NET)
    np.testing.assert_allclose(found.scores(images()), model.scores(images()), rtol=1e-5)


@pytest.mark.parametrize("net", ["lenet", "compact", "lenet-d2l"])
def test_what_export_writes_comes_back(net, tmp_path) -> None:
    pytest.importorskip("torch")
    model = lenet.Model(net).initialize(seed=1)
    lenet.export(model, tmp_path / "m.pt")
    found = import_model(tmp_path / "m.pt", net=net)
    np.testing.assert_array_equal(found.table, model.table)


def test_preprocessing_and_classes_of_a_model_that_is_named(model, tmp_path) -> None:
    seen = lenet.Preprocessing((1, 12, 12), (0.2,), (0.4,), "dark")
    own = lenet.Model(NET, ["a", "b", "c"], seen).initialize()
    own.save(tmp_path / "own.safetensors")
    safetensors.numpy.save_file(as_pytorch(model), tmp_path / "net.safetensors")
    for net in (own, tmp_path / "own.safetensors"):
        result = read_model(tmp_path / "net.safetensors", net=net)
        assert (result.model.classes, result.model.preprocessing) == (own.classes, seen)
        assert not result.notes
        np.testing.assert_allclose(result.model.table, model.table, rtol=1e-5)


@pytest.mark.parametrize(
    ("layers", "words"),
    [("dense 1", "mean nothing"), ("dense 3 sigmoid", "add up to 1"), ("dense 3", "")],
)
def test_what_is_no_score_of_a_class_is_said(tmp_path, layers, words) -> None:
    pytest.importorskip("onnx")
    model = lenet.Model(f"1x4x4 | {layers}").initialize()
    lenet.export(model, tmp_path / "m.onnx")
    found = read_model(tmp_path / "m.onnx")
    assert any(words in note for note in found.notes) if words else not found.notes
    for name, value in {"net": "tiny", "activation": "tanh", "symbol": "a.json"}.items():
        with refused(UsageError, ".onnx", f"leave {name} out"):
            import_model(tmp_path / "m.onnx", **{name: value})


def test_a_module_or_a_command_in_the_file_is_not_run(tmp_path) -> None:
    torch = pytest.importorskip("torch")
    torch.save(torch.nn.Linear(2, 2), tmp_path / "m.pt")
    with refused(ModelFileError, "m.pt", "no weights alone", "net.state_dict()"):
        import_model(tmp_path / "m.pt", net=NET)
    (tmp_path / "m.pt").write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    with refused(ModelFileError, "m.pt"):
        import_model(tmp_path / "m.pt", net=NET)
    torch.save([1, 2], tmp_path / "m.pt")
    with refused(ModelFileError, "holds no state dict"):
        import_model(tmp_path / "m.pt", net=NET)


@pytest.mark.parametrize(("version", "is_read"), [("2.5.1+cpu", False), ("2.10.0", True)])
def test_a_pytorch_that_may_run_a_file_reads_none(
    model, tmp_path, monkeypatch, version, is_read
) -> None:
    torch = pytest.importorskip("torch")
    lenet.export(model, tmp_path / "m.pt")
    monkeypatch.setattr(torch, "__version__", torch.torch_version.TorchVersion(version))
    if is_read:
        assert import_model(tmp_path / "m.pt", net=NET).parameter_count == model.parameter_count
    else:
        with refused(MissingPackageError, "PyTorch 2.5.1+cpu", "2.6 or newer"):
            import_model(tmp_path / "m.pt", net=NET)


@pytest.mark.parametrize(
    ("start", "layers"),
    [
        ("1x28x28", ("conv 6 k5", "maxpool 2", "conv 16 k5", "maxpool 2", "dense 9", "dense 4")),
        (
            "1x28x28",
            ("conv 6 k3 p1 batchnorm", "maxpool 2", "conv 8 k3 p1", "maxpool 2", "dense 4"),
        ),
        ("3x32x32", ("conv 6 k5 p2", "maxpool 2", "conv 16 k5", "maxpool 2", "dense 4")),
        ("1x16x16", ("conv 4 k3", "conv 6 k3", "dense 4")),
        ("1x16x16", ("conv 4 k3", "conv 6 k3", "maxpool 2", "dense 7", "dense 4")),
        ("1x20x20", ("conv 4 k3", "maxpool 2", "conv 6 k3", "avgpool 7", "dense 4")),
        ("1x9x9", ("dense 7", "dense 4")),
    ],
)
def test_the_network_is_found_from_the_weights(start, layers, tmp_path) -> None:
    *inner, output = layers
    inner = [f"{layer} relu" if layer[0] in "cd" else layer for layer in inner]
    network = lenet.parse(f"{start} | {', '.join([*inner, output])}")
    model = lenet.Model(network).initialize(seed=1)
    path = tmp_path / "m.safetensors"
    tensors = {name: np.array(values) for name, values in model.state_dict().items()}
    safetensors.numpy.save_file(tensors, path)
    result = read_model(path, input_shape=network.input_shape, activation="relu")
    assert result.model.network.layers == network.layers
    np.testing.assert_array_equal(result.model.table, model.table)
    assert ("would fit, too" in result.notes[0]) == ("avgpool 7" in layers)


def test_no_usual_network(tmp_path) -> None:
    path = tmp_path / "m.safetensors"
    safetensors.numpy.save_file(
        {"0.weight": np.ones((3, 1, 3, 3)), "1.weight": np.ones((2, 7))}, path
    )
    with refused(ModelFileError, "m.safetensors", "fits no usual network on 1x9x9"):
        import_model(path, input_shape="1x9x9", activation="relu")
    safetensors.numpy.save_file({"n": np.ones(3)}, path)
    with refused(ModelFileError, "m.safetensors", "no weights"):
        import_model(path, input_shape="1x9x9")


def test_a_model_of_ours_is_what_it_is(model, tmp_path) -> None:
    model.save(tmp_path / "m.safetensors")
    result = read_model(tmp_path / "m.safetensors")
    assert (result.format, result.notes) == ("lenet model", ())
    np.testing.assert_array_equal(result.model.table, model.table)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"conv2.weight": np.ones((5, 4, 2, 2), np.int8)}, ("int8", "quantised")),
        ({"conv2.bias": np.ones(4)}, ("conv2.bias", "(5,)")),
        ({"fc2.bias": np.full(3, np.nan)}, ("dense1.bias", "not finite")),
        ({"bn1.running_var": np.full(4, -1.0)}, ("conv0.variance", "below 0")),
        ({"fc2.weight": np.ones((6, 3))}, ("fc2.weight",)),
    ],
)
def test_weights_that_do_not_fit(model, change, words, tmp_path) -> None:
    path = tmp_path / "m.safetensors"
    safetensors.numpy.save_file({**as_pytorch(model), **change}, path)
    with refused(ModelFileError, *words):
        import_model(path, net=NET)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"input_shape": "28x"}, ("the input is '28x'",)),
        ({"input_shape": (0, 1, 1)}, ("the input shape is (0, 1, 1)",)),
        ({"activation": "rleu"}, ("'rleu'", "did you mean 'relu'")),
        ({"mean": "x"}, ("mean is 'x'",)),
        ({"net": "lenot"}, ("'lenot'", "did you mean 'lenet'")),
        ({"net": NET, "classes": ["a"]}, ("3 outputs and 1 class names",)),
    ],
)
def test_options_that_cannot_be_meant(model, options, words, tmp_path) -> None:
    safetensors.numpy.save_file(as_pytorch(model), tmp_path / "m.safetensors")
    with refused(UsageError, *words):
        import_model(tmp_path / "m.safetensors", **options)


@pytest.mark.parametrize("name", ["m.onxx", "m", "m.h5", "none.onnx", "none.params", "none.pt"])
def test_files_that_are_none(name, tmp_path) -> None:
    with refused(ModelFileError, name):
        import_model(tmp_path / name)
    with refused(UsageError, "give a path"):
        import_model(3)


def test_a_folder_or_a_pipe_is_not_waited_for(tmp_path) -> None:
    import os

    (tmp_path / "d.onnx").mkdir()
    os.mkfifo(tmp_path / "p.params")
    for name in ("d.onnx", "p.params"):
        with refused(ModelFileError, name, "cannot read"):
            import_model(tmp_path / name)


def test_a_model_is_asked_for_by_import(tmp_path) -> None:
    with refused(LenetError, "an ONNX model", "lenet.import_model"):
        lenet.Model.load(tmp_path / "m.onnx")


def test_the_model_is_not_written_over_the_file(model, tmp_path, capsys) -> None:
    path = str(tmp_path / "m.safetensors")
    safetensors.numpy.save_file(as_pytorch(model), path)
    assert main(["import", path, "--net", NET, "-o", path]) == 2
    assert "written over" in capsys.readouterr().err
    out = str(tmp_path / "n.safetensors")
    assert main(["import", path, "--net", NET, "-o", out, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["network"], told["format"]) == (NET, "PyTorch state dict")
    assert lenet.Model.load(out).network == lenet.parse(NET)


def test_nothing_is_imported_for_mxnets_files() -> None:
    code = (
        "import sys, lenet; lenet.import_model; "
        "print(sorted({'torch', 'onnx', 'onnxruntime'} & sys.modules.keys()))"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_pages_code_runs(tmp_path, monkeypatch) -> None:
    pytest.importorskip("torch")
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
    codes = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    assert len(codes) == 4
    monkeypatch.chdir(tmp_path)
    for code in codes:
        if "import cv2" not in code:  # which test_runtimes.py runs
            exec(compile(code, "export.md", "exec"), {})


def test_what_a_model_knows_is_kept(model, tmp_path) -> None:
    seen = lenet.Preprocessing((1, 12, 12), (0.1,), (0.3,), "dark", fit="crop")
    made = lenet.Model(NET, preprocessing=seen).load_state_dict(model.state_dict())
    made.training = {"dataset": "mine"}
    path = made.save(tmp_path / "m.safetensors")
    named = import_model(path, classes=["a", "b", "c"])
    assert (named.classes, named.training) == (("a", "b", "c"), {"dataset": "mine"})
    scaled = import_model(path, std=0.2).preprocessing
    assert (scaled.mean, scaled.std, scaled.fit, scaled.polarity) == (
        (0.1,),
        (0.2,),
        "crop",
        "dark",
    )


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ({"net": NET}, "leave net out"),
        ({"symbol": "s.json"}, "leave symbol out"),
        ({"activation": "tanh"}, "leave activation out"),
        ({"input_shape": (1, 12, 12)}, "leave input_shape out"),
        ({"classes": 5}, "classes is 5"),
        ({"std": 0}, "std is 0"),
    ],
)
def test_options_that_a_model_of_ours_has_no_use_for(model, tmp_path, how, word) -> None:
    path = model.save(tmp_path / "m.safetensors")
    with refused(UsageError, word):
        import_model(path, **how)


def test_a_run_names_a_network_too(tmp_path) -> None:
    lenet.train("1x8x8 | dense 10", "digits", epochs=1, run=tmp_path / "run")
    kept = lenet.Model.load(tmp_path / "run")
    state = {"fc.weight": kept["dense0"].weight, "fc.bias": kept["dense0"].bias}
    safetensors.numpy.save_file(state, tmp_path / "w.safetensors")
    found = import_model(tmp_path / "w.safetensors", net=tmp_path / "run")
    assert found.preprocessing == kept.preprocessing
    with refused(UsageError, "leave it out"):
        import_model(tmp_path / "w.safetensors", net=tmp_path / "run", symbol="s.json")


@pytest.mark.parametrize("kind", ["meta", "sparse", "complex", "quantised"])
def test_tensors_that_are_no_plain_numbers(kind, tmp_path) -> None:
    torch = pytest.importorskip("torch")
    made = {
        "meta": lambda: torch.empty(3, 9, device="meta"),
        "sparse": lambda: torch.eye(3).to_sparse_csr(),
        "complex": lambda: torch.ones(3, 9, dtype=torch.complex64).conj(),
        "quantised": lambda: torch.quantize_per_tensor(torch.ones(3, 9), 0.1, 0, torch.qint8),
    }
    with warnings.catch_warnings(action="ignore"):
        torch.save({"w": made[kind]()}, tmp_path / "w.pt")
    with refused(ModelFileError, "w.pt"):
        import_model(tmp_path / "w.pt", net="1x3x3 | dense 3")


# Names and orders.


@pytest.mark.parametrize("point", ["_", "/"])
@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_names_without_points_keep_their_biases(model, point, suffix, tmp_path) -> None:
    state = {name.replace(".", point): values for name, values in as_pytorch(model, False).items()}
    path = tmp_path / f"net{suffix}"
    if suffix == ".pt":
        torch = pytest.importorskip("torch")
        torch.save({name: torch.tensor(values) for name, values in state.items()}, path)
    else:
        safetensors.numpy.save_file(state, path)
    found = import_model(path, net=NET)
    np.testing.assert_allclose(found.scores(images()), model.scores(images()), rtol=1e-5)


@pytest.mark.parametrize(
    "name",
    ["extra.bias", "bn9.weight", "prelu.weight", "bn3.running_mean", "conv1.weight_mask"],
)
def test_numbers_that_no_layer_takes_are_refused(model, name, tmp_path) -> None:
    state = {**as_pytorch(model, False), name: np.ones(4, np.float32)}
    safetensors.numpy.save_file(state, path := tmp_path / "net.safetensors")
    with refused(ModelFileError, "net.safetensors", name, "no layer has a place"):
        import_model(path, net=NET)


SAME = "1x8x8 | conv 4 k3 same relu, conv 4 k3 same relu, conv 4 k3 same | dense 3"


def named(names: list[str], seed: int = 3) -> tuple[lenet.Model, dict[str, np.ndarray]]:
    """A model of equal convolutions, and its tensors by other names, in the network's order."""
    model = lenet.Model(SAME).initialize(seed=seed)
    tensors = {}
    for layer, name in zip(model.network.names, names, strict=True):
        for word in ("weight", "bias"):
            tensors[f"{name}.{word}"] = model.state_dict()[f"{layer}.{word}"].copy()
    return model, tensors


@pytest.mark.parametrize("names", [["one", "two", "three", "out"], ["c1", "c2", "c10", "out"]])
def test_the_order_of_a_file_tells_more_than_the_alphabet(names, tmp_path) -> None:
    torch = pytest.importorskip("torch")
    model, tensors = named(names)
    path = tmp_path / "m.pt"
    torch.save({name: torch.tensor(values) for name, values in tensors.items()}, path)
    found = read_model(path, net=SAME)
    assert np.array_equal(found.model.table, model.table)
    assert not any("order" in note for note in found.notes)


def test_numbers_in_names_tell_more_than_the_order_of_a_file(tmp_path) -> None:
    torch = pytest.importorskip("torch")
    model, tensors = named(["c1", "c2", "c10", "out"])
    turned = dict(reversed(tensors.items()))
    path = tmp_path / "m.pt"
    torch.save({name: torch.tensor(values) for name, values in turned.items()}, path)
    assert np.array_equal(import_model(path, net=SAME).table, model.table)


def test_an_order_that_nothing_tells_is_said(tmp_path) -> None:
    _, tensors = named(["one", "two", "three", "out"])
    safetensors.numpy.save_file(tensors, path := tmp_path / "m.safetensors")  # it sorts by names
    notes = read_model(path, net=SAME).notes
    assert any("order of three.weight, two.weight:" in note for note in notes)


def test_a_scaling_that_takes_the_place_of_the_files_is_said(model, tmp_path) -> None:
    model.save(path := tmp_path / "m.safetensors")
    assert not read_model(path).notes
    assert any("take its place" in note for note in read_model(path, mean=0.5, std=0.5).notes)


@pytest.mark.parametrize(
    "names", [["fc1", "fc2", "classifier"], ["input", "hidden", "output"], ["h1", "h2", "final"]]
)
def test_the_only_order_that_fits_is_found(names, tmp_path) -> None:
    net = "1x4x4 | dense 12 relu, dense 7 relu, dense 3"
    model = lenet.Model(net).initialize(seed=1)
    tensors = {
        f"{name}.{word}": model.state_dict()[f"{layer}.{word}"].copy()
        for layer, name in zip(model.network.names, names, strict=True)
        for word in ("weight", "bias")
    }
    safetensors.numpy.save_file(tensors, path := tmp_path / "m.safetensors")
    found = read_model(path, net=net)
    assert np.array_equal(found.model.table, model.table)
    assert not any("order" in note for note in found.notes)


def test_names_of_which_some_have_numbers_tell_an_order(tmp_path) -> None:
    net = "1x3x3 | dense 9 relu, dense 9 relu, dense 9 relu, dense 3"
    model = lenet.Model(net).initialize(seed=1)
    pairs = zip(model.network.names, ["fc1", "fc2", "fc3", "out"], strict=True)
    tensors = {f"{name}.weight": model.state_dict()[f"{layer}.weight"] for layer, name in pairs}
    safetensors.numpy.save_file(tensors, path := tmp_path / "m.safetensors")
    found = read_model(path, net=net)
    assert np.array_equal(found.model.table, model.table)
    assert not any("order" in note for note in found.notes)


def test_the_weights_of_a_loss_are_no_layers(model, tmp_path) -> None:
    state = as_pytorch(model, False)
    state |= {name: np.ones(3, np.float32) for name in ("criterion.weight", "loss.pos_weight")}
    safetensors.numpy.save_file(state, path := tmp_path / "net.safetensors")
    assert import_model(path, net=NET).parameter_count == model.parameter_count


SCALED = "1x8x8 | conv 4 k3 scaled-tanh, maxpool 2 | dense 10"


def test_a_state_dict_of_ones_own_scaled_tanh_is_taken_as_it_is(tmp_path) -> None:
    for net, given in ((SCALED, SCALED), ("lenet-5", "lenet-5"), (SCALED, None)):
        model = lenet.Model(net).initialize("lecun", seed=2)
        state = {name: values.copy() for name, values in model.state_dict().items()}
        safetensors.numpy.save_file(state, path := tmp_path / "m.safetensors")
        found = read_model(path, net=given or model)
        assert found.model.network == model.network
        assert np.array_equal(found.model.table, model.table)


def test_a_network_that_does_not_fit_says_what_would(model, tmp_path) -> None:
    safetensors.numpy.save_file(as_pytorch(model, False), path := tmp_path / "m.safetensors")
    net = "1x8x8 | conv 4 k3 relu, maxpool 2 | conv 6 k3 relu, maxpool 2 | dense 6 relu, dense 3"
    with refused(ModelFileError, "m.safetensors does not fit the network", "this one fits"):
        import_model(path, net=net)
