"""MXNet's files, read and written without MXNet; ``files/make_mxnet.py`` wrote some with it."""

import io
import json
import shutil
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

import lenet
from lenet.cli.main import main
from lenet.errors import ModelFileError, UsageError
from lenet.formats.importing import import_model, read_model
from lenet.formats.mxnet_arrays import plain_names, read_params, write_params
from random_networks import draw_norms, random_network
from refusals import refused

FILES = Path(__file__).parent / "files"
ANSWERS = json.loads((FILES / "answers.json").read_text())
LENET = (
    "1x28x28 | conv 2 k5 sigmoid, maxpool 2 | conv 3 k5 sigmoid, maxpool 2 | dense 5 sigmoid, "
    "dense 4 sigmoid, dense 3"
)
TYPES = ("f4", "f8", "f2", "u1", "i4", "i1", "i8", "?", "i2", "u2", "u4", "u8")


def pictures(shape: tuple[int, ...]) -> np.ndarray:
    """As ``files/make_mxnet.py`` draws them."""
    count = 2 * int(np.prod(shape))
    return (np.arange(count) * 37 % 251).astype(np.uint8).reshape(2, *shape)


def check(model: lenet.Model, name: str) -> None:
    """The model answers what MXNet did."""
    found = model.predict_proba(pictures(model.network.input_shape))
    np.testing.assert_allclose(found, ANSWERS[name], rtol=0, atol=1e-5)
    assert np.ptp(found, axis=0).max() > 1e-4  # the pictures tell models apart


def array(values: np.ndarray, version: int = 2, kind: int | None = None) -> bytes:
    """An array as MXNet writes it; version 0 is the oldest."""
    kind = TYPES.index(values.dtype.str[1:].replace("b1", "?")) if kind is None else kind
    shape, number = values.shape, {1: 0xF993FAC8, 2: 0xF993FAC9, 3: 0xF993FACA}
    if version == 0:
        start = struct.pack(f"<I{len(shape)}I", len(shape), *shape)
    else:
        storage = struct.pack("<i", 0) if version > 1 else b""
        start = struct.pack("<I", number[version]) + storage
        start += struct.pack(f"<i{len(shape)}q", len(shape), *shape)
    return start + struct.pack("<3i", 1, 0, kind) + values.tobytes()


def listing(arrays: list[bytes], names: list[str]) -> bytes:
    content = struct.pack("<3Q", 0x112, 0, len(arrays)) + b"".join(arrays)
    content += struct.pack("<Q", len(names))
    return content + b"".join(struct.pack("<Q", len(n)) + n.encode() for n in names)


# Files that MXNet wrote.


@pytest.mark.parametrize("name", ["lenet", "old"])
def test_a_symbol_and_its_parameters_answer_as_mxnet_did(name) -> None:
    (params,) = FILES.glob(f"{name}-0*.params")
    shape = {"lenet": "1x28x28", "old": "1x11x11"}[name]
    symbol = FILES / f"{name}-symbol.json"
    check(import_model(params, symbol=symbol, input_shape=shape), name)


def test_batch_normalisation_groups_and_gates_answer_as_mxnet_did() -> None:
    model = import_model(FILES / "normalised-0000.params", input_shape=(2, 12, 11))
    assert str(model.network) == (
        "2x12x11 | conv 4 k3 p1 batchnorm silu, avgpool 2 | conv 4 k3 s2 g2 batchnorm leaky-relu, "
        "avgpool 2 | dense 3"
    )
    check(model, "normalised")


@pytest.mark.parametrize("file", ["lenet.params", "lenet-0000.params", "unnamed.params"])
def test_parameters_go_into_a_named_network(file) -> None:
    check(import_model(FILES / file, net=LENET), "lenet")


@pytest.fixture
def alone(tmp_path) -> Path:
    """Parameters without their symbol beside them."""
    return Path(shutil.copy(FILES / "lenet.params", tmp_path))


@pytest.mark.parametrize("file", ["lenet.params", "unnamed.params"])
def test_a_symbol_takes_parameters_of_other_names_in_their_order(file) -> None:
    check(import_model(FILES / file, symbol=FILES / "lenet-symbol.json"), "lenet")


@pytest.mark.parametrize("file", ["lenet.params", "unnamed.params"])
def test_without_a_symbol_the_network_is_found_from_the_shapes(file, tmp_path) -> None:
    path = shutil.copy(FILES / file, tmp_path)
    result = read_model(path, input_shape="1x28x28", activation="sigmoid")
    assert str(result.model.network) == LENET
    check(result.model, "lenet")
    assert "do not tell poolings" in result.notes[0]


def test_what_no_weights_tell_is_asked_for(alone) -> None:
    with refused(UsageError, "lenet.params", "name the network", "1x28x28") as caught:
        import_model(alone)
    assert caught.value.parameter == "input_shape"
    with refused(UsageError, "fits '1x28x28 | conv 2 k5 relu, maxpool 2", "sigmoid") as caught:
        import_model(alone, input_shape="1x28x28")
    assert caught.value.parameter == "activation"


def test_a_symbol_beside_the_file_is_found_and_tells_its_input_as_far_as_it_can() -> None:
    result = read_model(FILES / "lenet-0000.params")
    check(result.model, "lenet")
    assert "28x28 are taken, and 28 to 31 fit" in result.notes[-1]
    with refused(UsageError, "normalised-symbol.json", "any size fits") as caught:
        import_model(FILES / "normalised-0000.params")
    assert caught.value.parameter == "input_shape"


def test_a_sparse_array_is_refused_by_name() -> None:
    with refused(ModelFileError, "sparse.params", "array 0 is csr", "tostype('default')"):
        import_model(FILES / "sparse.params", net=LENET)


def test_numpy_arrays_of_mxnet_are_read() -> None:
    arrays, named = read_params("n.params", (FILES / "numpy.params").read_bytes())
    assert named
    np.testing.assert_array_equal(arrays["0.weight"], np.ones((2, 3)))
    np.testing.assert_array_equal(arrays["0.bias"], [0.5, 1])


# Every layout of the file.


@pytest.mark.parametrize("version", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", TYPES)
def test_every_version_and_type_of_numbers(version, kind) -> None:
    values = np.arange(6).reshape(2, 3).astype(f"<{kind}")
    content = listing([array(values, version), array(values[0], version)], ["a", "arg:b"])
    arrays, named = read_params("x.params", content)
    assert named
    assert list(arrays) == ["a", "arg:b"]
    np.testing.assert_array_equal(arrays["a"], values)
    assert arrays["a"].dtype == values.dtype
    np.testing.assert_array_equal(arrays["arg:b"], values[0])


def test_bfloat16_empty_arrays_and_arrays_without_names() -> None:
    bits = (np.array([1.5, -2], np.float32).view(np.uint32) >> 16).astype(np.uint16)
    empty = struct.pack("<Iii", 0xF993FAC9, 0, 0), struct.pack("<Iii", 0xF993FACA, 0, -1)
    arrays, named = read_params("x.params", listing([array(bits, kind=12), *empty], []))
    assert not named
    np.testing.assert_array_equal(arrays["0"], [1.5, -2])
    assert arrays["1"].size == arrays["2"].size == 0


def test_what_is_written_is_what_is_read() -> None:
    arrays = {"0.weight": np.arange(4, dtype=np.float32).reshape(2, 1, 1, 2), "n": np.float32([7])}
    found, named = read_params("x.params", write_params(arrays))
    assert named
    assert list(found) == list(arrays)
    assert all((found[name] == values).all() for name, values in arrays.items())


def test_the_npz_of_mxnet_2_is_read(tmp_path) -> None:
    model = lenet.Model(LENET).initialize(seed=2)
    tensors = iter(model.state_dict().values())
    state = {f"{n}.{w}": next(tensors) for n in (0, 2, 4, 5, 6) for w in ("weight", "bias")}
    with (tmp_path / "new.params").open("wb") as file:
        np.savez(file, **dict(reversed(state.items())))
    found = import_model(tmp_path / "new.params", net=LENET)
    np.testing.assert_array_equal(found.table, model.table)


@pytest.mark.parametrize(
    ("names", "plain"),
    [
        (["arg:conv0_weight", "aux:bn0_moving_mean"], ["conv0.weight", "bn0.running_mean"]),
        (["net0_batchnorm0_gamma", "1.beta"], ["net0_batchnorm0.weight", "1.bias"]),
        (["features.0.weight", "5.running_var"], ["features.0.weight", "5.running_var"]),
    ],
)
def test_names_in_every_style(names, plain) -> None:
    assert list(plain_names({name: np.ones(1) for name in names})) == plain


def test_keys_may_be_flat_and_in_any_order(tmp_path) -> None:
    model = lenet.Model("1x9x9 | conv 3 k3 batchnorm relu, maxpool 2 | dense 4").initialize(seed=1)
    state = model.state_dict()
    words = {"weight": "weight", "bias": "beta", "scale": "gamma"}
    words |= {"mean": "moving_mean", "variance": "moving_var"}
    arrays = {
        f"aux:bn0_{words[name[6:]]}" if name[6:] != "weight" else "arg:conv0_weight": values
        for name, values in state.items()
        if name.startswith("conv0")
    }
    arrays |= {f"arg:fc0_{name[7:]}": v for name, v in state.items() if name.startswith("dense0")}
    path = tmp_path / "m.params"
    path.write_bytes(write_params(dict(reversed(arrays.items()))))
    found = import_model(path, net=str(model.network))
    np.testing.assert_array_equal(found.table, model.table)


# Symbols.


def symbol(tmp_path: Path, nodes: list[dict], key: str = "attrs") -> Path:
    """Nodes as (operator, name, inputs, attributes) in a file."""
    written = [
        {"op": op, "name": name, "inputs": [[i, 0] for i in inputs], key: attributes}
        for op, name, inputs, attributes in nodes
    ]
    path = tmp_path / "s-symbol.json"
    path.write_text(json.dumps({"nodes": written, "heads": [[len(nodes) - 1, 0]]}))
    return path


def dense_net(tmp_path: Path, operator: str, attributes: dict, key: str = "attrs") -> lenet.Model:
    """A convolution, an operator, and a dense layer."""
    rng = np.random.default_rng(0)
    arrays = {"w": rng.normal(size=(2, 1, 3, 3)), "b": rng.normal(size=2)}
    arrays |= {"fw": rng.normal(size=(3, 18)), "fb": rng.normal(size=3)}
    params = tmp_path / "s.params"
    params.write_bytes(write_params({name: np.float32(v) for name, v in arrays.items()}))
    nodes = [
        *(("null", name, [], {}) for name in ("data", *arrays)),
        ("Convolution", "c", [0, 1, 2], {"kernel": "[3,3]", "num_filter": "2"}),
        (operator, "x", [5], attributes),
        ("FullyConnected", "f", [6, 3, 4], {"num_hidden": "3"}),
    ]
    return import_model(params, symbol=symbol(tmp_path, nodes, key), input_shape="1x5x5")


@pytest.mark.parametrize("key", ["param", "attr", "attrs"])
def test_attributes_stand_in_three_places(key, tmp_path) -> None:
    model = dense_net(tmp_path, "Activation", {"act_type": "relu"}, key)
    assert str(model.network) == "1x5x5 | conv 2 k3 relu | dense 3"


@pytest.mark.parametrize(
    ("operator", "attributes", "words"),
    [
        ("RNN", {"mode": "lstm"}, ("RNN (x)", "usual layers")),
        ("Activation", {"act_type": "softsign"}, ("Activation (x)", "'softsign'")),
        ("LeakyReLU", {}, ("slope of 0.25", "0.01")),
        ("Pooling", {"kernel": "(2, 2)", "pool_type": "sum"}, ("Pooling (x)", "'sum'")),
        ("Pooling", {"kernel": "(9, 9)"}, ("Pooling (x)", "does not fit")),
        ("Pooling", {"kernel": "two"}, ("Pooling (x)", "'two'")),
        ("Reshape", {"shape": "(0, 2, -1)"}, ("Reshape (x)", "flattening")),
        ("_div_scalar", {"scalar": "0"}, ("_div_scalar (x)", "divides by 0")),
        ("_mul_scalar", {"scalar": "much"}, ("_mul_scalar (x)", "'much'")),
        ("softmax", {"temperature": "10"}, ("softmax (x)", "temperature is 10")),
        ("softmax", {"axis": "0"}, ("softmax (x)", "not over the classes")),
        ("Cast", {"dtype": "int32"}, ("Cast (x)", "whole ones")),
        ("Dropout", {"mode": "always"}, ("Dropout (x)", "after training")),
        (
            "Pooling",
            {"kernel": "(1, 1)", "stride": "(4, 4)", "pooling_convention": "full"},
            ("Pooling (x)", "beyond the map"),
        ),
        ("elemwise_mul", {}, ("elemwise_mul (x)", "not what it takes")),
    ],
)
def test_what_is_not_understood_is_named(operator, attributes, words, tmp_path) -> None:
    with refused(ModelFileError, "s-symbol.json", *words):
        dense_net(tmp_path, operator, attributes)


def test_the_operators_of_mxnet_2(tmp_path) -> None:
    """A coloured picture, whose channels the first convolution tells."""
    rng = np.random.default_rng(0)
    shapes = {"w": (2, 3, 5, 5), "b": (2,), "fw": (4, 1152), "fb": (4,)}
    params = tmp_path / "s.params"
    params.write_bytes(write_params({n: np.float32(rng.normal(size=s)) for n, s in shapes.items()}))
    nodes = [
        *(("null", name, [], {}) for name in ("data", *shapes)),
        ("_npx_convolution", "c", [0, 1, 2], {"kernel": "(5, 5)", "num_filter": "2"}),
        ("_npi_tanh", "t", [5], {}),
        ("_npx_fully_connected", "f", [6, 3, 4], {"num_hidden": "4"}),
        ("_npx_relu", "r", [7], {}),
    ]
    model = import_model(params, symbol=symbol(tmp_path, nodes))
    assert str(model.network) == "3x28x28 | conv 2 k5 tanh | dense 4 relu"


def test_dilation_is_refused_and_a_missing_tensor_named(tmp_path) -> None:
    params = tmp_path / "s.params"
    params.write_bytes(write_params({"w": np.ones((2, 1, 3, 3), np.float32)}))
    nodes = [("null", name, [], {}) for name in ("data", "w", "b")]
    attributes = {"kernel": "(3, 3)", "num_filter": "2", "dilate": "(2, 2)"}
    given = symbol(tmp_path, [*nodes, ("Convolution", "c", [0, 1, 2], attributes)])
    with refused(ModelFileError, "Convolution (c)", "dilation is (2, 2)"):
        import_model(params, symbol=given, input_shape="1x9x9")
    del attributes["dilate"]
    given = symbol(tmp_path, [*nodes, ("Convolution", "c", [0, 1, 2], attributes)])
    with refused(ModelFileError, "Convolution (c)", "s.params has no tensor b"):
        import_model(params, symbol=given, input_shape="1x9x9")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", ("no symbol in JSON",)),
        ("{", ("no symbol in JSON",)),
        ('{"nodes": []}', ("0 nodes",)),
        ('{"nodes": [{"op": "x", "name": "n", "inputs": [[0, 0]]}]}', ("n reads a node",)),
        ('{"nodes": [{"op": "null", "name": "data", "inputs": []}]}', ("0 outputs",)),
        ("[" * 100_000, ("no symbol in JSON",)),
        (" " * 4_000_001, ("4,000,001 bytes",)),
    ],
)
def test_damaged_symbols(text, words, tmp_path) -> None:
    path = tmp_path / "s-symbol.json"
    path.write_text(text)
    with refused(ModelFileError, "s-symbol.json", *words):
        import_model(FILES / "lenet.params", symbol=path)


# What we write.


@pytest.mark.parametrize("seed", range(25))
def test_there_and_back(seed, tmp_path) -> None:
    """Layers, weights, class names and preprocessing come back as they were."""
    network = random_network(seed)
    seen = lenet.Preprocessing(
        network.input_shape, (0.2,) * network.input_shape[0], (0.4,) * network.input_shape[0], None
    )
    model = lenet.Model(network, preprocessing=seen).initialize(seed=seed)
    draw_norms(model.plan, model.table, np.random.default_rng(seed))
    lenet.export(model, tmp_path / "m-0001.params")
    found = import_model(tmp_path / "m-0001.params")
    assert found.network.layers == network.layers
    assert (found.classes, found.preprocessing) == (model.classes, seen)
    images = np.random.default_rng(seed).integers(0, 256, (3, *network.input_shape), np.uint8)
    np.testing.assert_allclose(found.scores(images), model.scores(images), rtol=1e-5, atol=1e-5)


def test_names_are_those_of_gluons_sequential(tmp_path) -> None:
    """Conv2D and Dense hold sigmoid, relu and tanh; all else is a child of its own."""
    net = "1x9x9 | conv 2 k3 batchnorm relu, maxpool 2 | conv 2 k2 silu | dense 3 tanh, dense 2"
    lenet.export(lenet.Model(net).initialize(), tmp_path / "m.params")
    arrays, _ = read_params("m", (tmp_path / "m.params").read_bytes())
    norm = [f"1.{word}" for word in ("gamma", "beta", "running_mean", "running_var")]
    dense = [f"{child}.{word}" for child in (6, 7) for word in ("weight", "bias")]
    assert list(arrays) == ["0.weight", *norm, "4.weight", "4.bias", *dense]


# Files that are no such thing, or hostile.

_PICKLE = b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93\x94."


def torch_zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("m/data.pkl", _PICKLE)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (torch_zip(), ("a PyTorch file", "safetensors.torch.save_file")),
        (_PICKLE, ("a pickle", "may run anything")),
        (b"version https://git-lfs.github.com/spec/v1\n", ("a pointer of Git LFS", "git lfs pull")),
        (b"<!DOCTYPE html><html>", ("an HTML page",)),
        (b"\x89HDF\r\n\x1a\n....", ("HDF5",)),
        (b"\x1f\x8b\x08.....", ("gzip",)),
        (b"\x10\0\0\0\0\0\0\0{              }", ("a safetensors file",)),
        (b"", ("empty",)),
        (b"abc", ("does not begin as MXNet's",)),
        (b"hello world, this is text", ("does not begin as MXNet's",)),
        (listing([array(np.ones((2, 2), np.float32))], ["a"])[:60], ("it is cut",)),
        (struct.pack("<3Q", 0x112, 0, 2**40), ("1,099,511,627,776 arrays",)),
        (listing([], []) + b"x", ("1 bytes follow its end",)),
        (listing([array(np.ones(1, np.float32))] * 2, ["a", "a"]), ("two of its arrays",)),
        (listing([array(np.ones(1, np.float32))], ["a", "b"]), ("1 arrays and 2 names",)),
        (listing([struct.pack("<I", 77)], []), ("77 axes",)),
        (
            listing([struct.pack("<Iii3q3i", 0xF993FAC9, 0, 3, 2**40, 2**40, 1, 1, 0, 0)], []),
            ("it is cut",),
        ),
        (listing([struct.pack("<Iiiq3i", 0xF993FAC9, 0, 1, -4, 1, 0, 0)], []), ("(-4,)",)),
        (listing([struct.pack("<Iiiq3i", 0xF993FAC9, 0, 1, 4, 1, 0, 99)], []), ("type 99",)),
        (listing([struct.pack("<Ii", 0xF993FAC9, 1)], []), ("row_sparse",)),
    ],
)
def test_what_is_no_such_file_is_named_and_nothing_is_unpickled(content, words, tmp_path) -> None:
    path = tmp_path / "m.params"
    path.write_bytes(content)
    with refused(ModelFileError, "m.params", *words):
        import_model(path, net=LENET)


def test_an_archive_that_unpacks_to_more_takes_no_memory(tmp_path) -> None:
    path = tmp_path / "m.params"
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<f4", "fortran_order": False, "shape": (10**12,)}
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.weight.npy", bytes(50_000_000))
    tracemalloc.start()
    with refused(ModelFileError, "m.params", "more than twice its size"):
        import_model(path, net=LENET)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("0.weight.npy", head.getvalue())
    with refused(ModelFileError, "m.params", "damaged"):
        import_model(path, net=LENET)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    "name",
    [
        "lstm0_i2h_weight",
        "rnn0.l0_weight",
        "encoder.attn.weight",
        "myBiLSTM.w",
        "embeddings.weight",
    ],
)
def test_layers_that_we_do_not_have_are_named(name, tmp_path) -> None:
    (tmp_path / "m.params").write_bytes(write_params({name: np.ones((4, 4), np.float32)}))
    with refused(ModelFileError, "m.params", name, "only convolutions"):
        import_model(tmp_path / "m.params", net=LENET)


def test_weights_of_another_network_are_told_with_the_network_they_fit() -> None:
    other = LENET.replace("conv 3 k5", "conv 3 k3")
    with refused(ModelFileError, "lenet.params", "(3, 2, 5, 5)", f"this one fits: {LENET}"):
        import_model(FILES / "lenet.params", net=other)


def test_a_cut_is_refused_wherever_it_is(tmp_path) -> None:
    content = (FILES / "lenet.params").read_bytes()
    for end in range(0, len(content), 61):
        with pytest.raises(ModelFileError):
            read_params("m.params", content[:end])


def test_the_command(alone, tmp_path, capsys) -> None:
    out = tmp_path / "old.safetensors"
    command = ["import", str(FILES / "lenet-0000.params"), "-o", str(out), "--classes", "a, b,c"]
    symbol = ["--symbol", str(FILES / "lenet-symbol.json"), "--mean", "0", "--std", "1"]
    assert main([*command, *symbol]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert text.startswith("MXNet symbol and parameters: 489 parameters, in /")
    assert LENET in text
    assert "prepared" not in text  # told by --mean and --std
    model = lenet.Model.load(out)
    check(model, "lenet")
    assert model.classes == ("a", "b", "c")
    assert main([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["network"], told["file"]) == (LENET, str(out))
    assert len(told["notes"]) == 2
    assert main(["import", str(alone), "-o", str(out)]) == 2
    assert "--input" in capsys.readouterr().err


def test_a_factor_of_0_is_one(tmp_path) -> None:
    model = dense_net(tmp_path, "_mul_scalar", {"scalar": "0"})
    scores = model.scores(np.random.default_rng(0).integers(0, 256, (3, 5, 5), np.uint8))
    assert (scores == scores[0]).all()


@pytest.mark.parametrize(
    ("operator", "shape"), [("broadcast_add", (1, 1, 1, 3)), ("broadcast_mul", (1, 1, 3, 1))]
)
def test_a_tensor_for_each_column_is_none_for_each_channel(operator, shape, tmp_path) -> None:
    rng = np.random.default_rng(0)
    arrays = {"w": rng.normal(size=(3, 1, 3, 3)), "b": rng.normal(size=3), "t": np.ones(shape)}
    params = tmp_path / "s.params"
    params.write_bytes(write_params({name: np.float32(v) for name, v in arrays.items()}))
    nodes = [
        *(("null", name, [], {}) for name in ("data", *arrays)),
        ("Convolution", "c", [0, 1, 2], {"kernel": "[3,3]", "num_filter": "3"}),
        (operator, "x", [4, 3], {}),
        ("Flatten", "f", [5], {}),
    ]
    with refused(ModelFileError, f"{operator} (x)", "one for each channel"):
        import_model(params, symbol=symbol(tmp_path, nodes), input_shape="1x5x5")
