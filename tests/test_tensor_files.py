"""A model's file: what is saved comes back, and what anyone may have written is refused."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from lenet.data.preprocess import Preprocessing
from lenet.errors import ModelFileError, OutputError, UsageError
from lenet.model import Model
from lenet.run_folder import INFO
from lenet.tensor_files import MAX_HEADER, MAX_TENSORS, damaged
from refusals import refused

SMALL = "1x6x5 | conv 3 k3 relu, maxpool 2 | dense 4"
NORMALISED = SMALL.replace("relu", "batchnorm silu")


def small(**settings: Any) -> Model:
    return Model(SMALL, **settings).initialize(seed=1)


def saved(tmp_path: Path) -> Path:
    return small(classes=tuple("wxyz")).save(tmp_path / "m.safetensors")


@pytest.mark.parametrize(
    "network", [SMALL, "lenet", "2x4x4 | maxpool 2", "3x1x2 | conv 4 k1x2", NORMALISED]
)
def test_a_round_trip(network: str, tmp_path: Path) -> None:
    model = Model(network).initialize("kaiming", seed=7)
    shape = model.network.input_shape
    model.preprocessing = Preprocessing(shape, (0.1,) * shape[0], (0.3,) * shape[0], "dark")
    model.training = {"epochs": 3, "recipe": "seed", "rate": 0.1}
    back = Model.load(model.save(tmp_path / "m.safetensors"))
    assert back.network == model.network
    assert back.classes == model.classes
    assert back.preprocessing == model.preprocessing
    assert back.training == model.training
    assert back.table.tobytes() == model.table.tobytes()
    assert not back.table.size or back.table.ctypes.data % 64 == 0
    assert Model.from_bytes(model.to_bytes()).to_bytes() == model.to_bytes()
    images = np.random.default_rng(0).integers(0, 256, (5, *shape), np.uint8)
    np.testing.assert_array_equal(back.scores(images), model.scores(images))


def test_a_pipe_that_nobody_writes_to_is_no_model(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.safetensors")
    with refused(ModelFileError, "a pipe or a device"):
        Model.load(tmp_path / "m.safetensors")


def test_other_programs_read_the_tensors(tmp_path: Path) -> None:
    tensors = load(saved(tmp_path).read_bytes())
    assert {name: value.shape for name, value in tensors.items()} == {
        "conv0.weight": (3, 1, 3, 3),
        "conv0.bias": (3,),
        "dense0.weight": (4, 6),
        "dense0.bias": (4,),
    }


def test_the_tensors_of_a_normalised_layer(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    model = Model(NORMALISED).initialize(seed=1)
    tensors = load(model.save(path).read_bytes())
    words = ("weight", "bias", "scale", "mean", "variance")
    assert set(tensors) == {*(f"conv0.{word}" for word in words), "dense0.weight", "dense0.bias"}
    del tensors["conv0.mean"]
    metadata = metadata_of(path)
    del metadata["sha256"]
    lacking = save(tensors, metadata)
    assert "its network lacks the tensor 'conv0.mean'" in refusal(lacking, tmp_path)
    tensors = load(model.save(path).read_bytes())
    tensors["conv0.variance"][1] = -1
    assert "conv0.variance holds values below 0" in refusal(save(tensors, metadata), tmp_path)
    model.state_dict()["conv0.variance"][1] = -1
    with refused(UsageError, "cannot be saved", "conv0.variance holds values below 0"):
        model.save(path)


def test_a_bit_that_fell_over(tmp_path: Path) -> None:
    content = bytearray(saved(tmp_path).read_bytes())
    for place in (-1, -50, -100):
        content[place] ^= 1
        assert "its weights are not those that were saved" in refusal(bytes(content), tmp_path)
        content[place] ^= 1
    Model.from_bytes(bytes(content))


def test_a_file_of_before_it_had_a_checksum(tmp_path: Path) -> None:
    Model.from_bytes(changed(tmp_path))


def test_class_names_are_text(tmp_path: Path) -> None:
    """Numbers would be written as numbers, and such a file would be refused."""
    model = small(classes=range(4))
    assert Model.load(model.save(tmp_path / "m.safetensors")).classes == ("0", "1", "2", "3")
    assert small(classes=np.array(["α", "b", "c", "d"])).classes[0] == "α"


SCRIPT = """
import sys
from lenet.model import Model
Model({!r}).initialize(seed=3).save(sys.argv[1])
"""


def test_equal_models_are_equal_files_in_every_process(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.safetensors" for i in range(3)]
    for path, hash_seed in zip(paths, ("0", "1", "2"), strict=True):
        subprocess.run(
            [sys.executable, "-c", SCRIPT.format(SMALL), str(path)],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            check=True,
        )
    assert len({path.read_bytes() for path in paths}) == 1


def test_a_name_that_is_no_models(tmp_path: Path) -> None:
    for name in ("m", "m.bin", "m.safetensors.gz", ""):
        with pytest.raises(UsageError):
            small().save(tmp_path / name)
    assert not list(tmp_path.iterdir())
    small().save(tmp_path / "M.SafeTensors")


def test_folders_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.safetensors").mkdir()
    for path in ("missing/m.safetensors", "file/m.safetensors", "folder.safetensors"):
        with pytest.raises(OutputError):
            small().save(tmp_path / path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.safetensors"]


def test_a_failed_save_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with refused(OutputError, "no space left on device"):
        small().initialize(seed=2).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def refusal(content: bytes, tmp_path: Path) -> str:
    """One sentence, with the file's name in it, and no other kind of error."""
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        Model.load(path)
    message = str(caught.value)
    with pytest.raises(ModelFileError) as bare:
        Model.from_bytes(content)
    assert str(bare.value) == message.replace(str(path), "the content")
    assert message.startswith(str(path)), message
    assert "\n" not in message
    assert len(message) < 500 + len(str(path))
    assert caught.value.exit_code == 1
    return message


def test_a_cut_file(tmp_path: Path) -> None:
    content = saved(tmp_path).read_bytes()
    for size in {*range(0, 40), *range(40, len(content), 97), len(content) - 1}:
        assert "is not an intact model" in refusal(content[:size], tmp_path)
    assert "not an intact model" in refusal(content + b"\0", tmp_path)


def test_flipped_bytes_are_refused_or_harmless(tmp_path: Path) -> None:
    """Whatever byte is wrong: an error of ours, or a model with one other number or name."""
    content = bytearray(saved(tmp_path).read_bytes())
    path = tmp_path / "flipped.safetensors"
    for index in range(0, len(content), 7):
        flipped = bytearray(content)
        flipped[index] ^= 1 << index % 8
        path.write_bytes(flipped)
        with contextlib.suppress(ModelFileError):
            assert Model.load(path).table.shape == small().table.shape


def with_header(header: bytes, data: bytes = b"") -> bytes:
    return len(header).to_bytes(8, "little") + header + data


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ((2**64 - 1).to_bytes(8, "little") + bytes(64), "does not begin as a safetensors file"),
        ((65).to_bytes(8, "little") + bytes(64), "it has 72 bytes and its header needs 73"),
        (with_header(b""), "header"),
        (with_header(b"this is no JSON at all"), "header"),
        (with_header(b"\xff\xfe{}"), "header"),
        (with_header(b"[]"), "header"),
        (with_header(b"{" * 5000), "header"),
        (with_header(b'{"a":' * 5000 + b"1" + b"}" * 5000), "header"),
        (with_header(b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'), ""),
        (with_header(b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', bytes(4)), ""),
        (with_header(b'{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', bytes(4)), ""),
        (with_header(b'{"w":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}', bytes(4)), ""),
        (with_header(b'{"__metadata__":{"format":7}}'), ""),
        (with_header(b"{}"), "no lenet model .its format is None"),
        (b"PK\3\4" + bytes(100), "does not begin as"),
        (pickle.dumps({"weight": list(range(100))}, protocol=2), "does not begin as"),
        (pickle.dumps({"weight": list(range(100))}, protocol=5), "does not begin as|header"),
        (b"not a model, just some text that somebody renamed", "does not begin as"),
    ],
)
def test_hostile_headers(content: bytes, text: str, tmp_path: Path) -> None:
    assert re.search(text, refusal(content, tmp_path))


def test_an_oversized_header_is_not_parsed(tmp_path: Path) -> None:
    size = MAX_HEADER + 1
    path = tmp_path / "hostile.safetensors"
    with path.open("wb") as file:
        file.write(size.to_bytes(8, "little"))
        file.truncate(size + 100)  # sparse: takes no room
    with refused(ModelFileError, f"{MAX_HEADER + 1:,} bytes"):
        Model.load(path)


def changed(
    tmp_path: Path,
    tensors: dict[str, Any] | None = None,
    without: str = "",
    **metadata: str | None,
) -> bytes:
    """A saved model with other tensors and metadata; None takes one away."""
    path = saved(tmp_path)
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    found = header["__metadata__"] | {"sha256": None} | metadata
    values = load(content) | (tensors or {})
    values.pop(without, None)
    return save(values, {key: value for key, value in found.items() if value is not None})


WEIGHT = np.zeros((3, 1, 3, 3), np.float32)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"without": "conv0.bias"}, "its network lacks the tensor 'conv0.bias'"),
        ({"tensors": {"conv9.bias": WEIGHT}}, "has no place for the tensor 'conv9.bias'"),
        ({"tensors": {"x" * 9999: WEIGHT}}, f"no place for the tensor '{'x' * 60}'"),
        (
            {"tensors": {"conv0.weight": WEIGHT.astype(np.float64)}},
            "conv0.weight is float64 (3, 1, 3, 3) where the network needs float32 (3, 1, 3, 3)",
        ),
        ({"tensors": {"conv0.weight": WEIGHT.astype(np.float16)}}, "conv0.weight is float16"),
        ({"tensors": {"conv0.weight": WEIGHT.astype(np.int64)}}, "conv0.weight is int64"),
        ({"tensors": {"conv0.weight": WEIGHT > 0}}, "conv0.weight is bool"),
        ({"tensors": {"conv0.weight": WEIGHT[0]}}, "is float32 (1, 3, 3) where"),
        ({"tensors": {"conv0.weight": WEIGHT[:0]}}, "is float32 (0, 1, 3, 3) where"),
        (
            {"tensors": {"conv0.weight": np.full_like(WEIGHT, np.nan)}},
            "conv0.weight holds values that are not",
        ),
        ({"tensors": {"conv0.weight": WEIGHT + np.inf}}, "conv0.weight holds values that are not"),
        ({"format": "pytorch"}, "no lenet model (its format is 'pytorch', not 'lenet-model')"),
        ({"format": None}, "no lenet model (its format is None"),
        ({"version": "2"}, "has model format '2' and this lenet reads 1; upgrade lenet"),
        ({"version": "9" * 99}, "upgrade lenet"),
        ({"version": "0"}, "save it anew"),
        ({"version": "one"}, "has model format 'one' and this lenet reads 1; save it anew"),
        ({"version": "²"}, "save it anew"),
        ({"version": None}, "has model format ''"),
        ({"network": None}, "its metadata lack 'network'"),
        ({"classes": None}, "its metadata lack 'classes'"),
        ({"preprocessing": None}, "its metadata lack 'preprocessing'"),
        ({"training": None}, "its metadata lack 'training'"),
        ({"network": "{"}, "is not an intact model"),
        ({"network": "[]"}, "is not an intact model"),
        ({"network": "[" * 100_000}, "is not an intact model"),
        ({"network": '{"format": "lenet-network", "version": 9}'}, "is not an intact model"),
        ({"classes": "{"}, "is not an intact model"),
        ({"classes": "[1, 2, 3, 4]"}, "its classes are no list of names"),
        ({"classes": '"wxyz"'}, "its classes are no list of names"),
        ({"classes": '["w"]'}, "4 outputs and 1 class names"),
        ({"preprocessing": "7"}, "is not an intact model"),
        ({"preprocessing": "[" * 100_000}, "is not an intact model"),
        ({"preprocessing": "9" * 5000}, "is not an intact model"),
        ({"training": "nonsense"}, "is not an intact model"),
    ],
)
def test_damaged_models(change: dict[str, Any], text: str, tmp_path: Path) -> None:
    assert text in refusal(changed(tmp_path, **change), tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        {"input_shape": [1, 6, 5], "mean": [None], "std": [1.0], "polarity": None},
        {"input_shape": [1, 6, 5], "mean": [0.0], "std": [0.0], "polarity": None},
        {"input_shape": [1, 6, 5], "mean": [float("nan")], "std": [1.0], "polarity": None},
        {"input_shape": [1, 6, 5], "mean": [1e300], "std": [1.0], "polarity": None},
        {"input_shape": [1, 6, 5], "mean": [0.0], "std": [1.0], "polarity": "grey"},
        {"input_shape": [1, 8, 8], "mean": [0.0], "std": [1.0], "polarity": None},
        {"input_shape": [1, 6, 5], "mean": [0.0], "std": [1.0]},
    ],
)
def test_damaged_preprocessing(values: dict[str, Any], tmp_path: Path) -> None:
    content = changed(tmp_path, preprocessing=json.dumps(values))
    assert "is not an intact model" in refusal(content, tmp_path)


#: Every other type of safetensors, and how many of it fill the 12 bytes of three float32.
DTYPES = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 12),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 6),
    **dict.fromkeys(("I32", "U32"), 3),
    "F4": 24,
}


@pytest.mark.parametrize(("dtype", "count"), DTYPES.items())
def test_a_tensor_of_every_other_type(dtype: str, count: int, tmp_path: Path) -> None:
    content = saved(tmp_path).read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["conv0.bias"] |= {"dtype": dtype, "shape": [count]}
    refusal(with_header(json.dumps(header).encode(), content[end:]), tmp_path)


def test_a_network_larger_than_its_tensors(tmp_path: Path) -> None:
    """A few bytes must not reserve gigabytes."""
    text = json.dumps(json.loads(metadata_of(saved(tmp_path))["network"]))
    huge = text.replace('"channels": 3', '"channels": 9999999')
    assert huge != text
    assert "is not an intact model" in refusal(changed(tmp_path, network=huge), tmp_path)


def metadata_of(path: Path) -> dict[str, str]:
    content = path.read_bytes()
    found = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    assert isinstance(found, dict)
    return found


def test_too_many_tensors(tmp_path: Path) -> None:
    nothing = np.zeros(0, np.float32)
    content = changed(tmp_path, {f"t{i}": nothing for i in range(MAX_TENSORS)})
    assert "it holds 50,004 tensors, 50,000 at most" in refusal(content, tmp_path)


def test_a_folder_of_runs_is_no_model(tmp_path: Path) -> None:
    for name in ("b-10", "b-9"):
        (tmp_path / name).mkdir()
        (tmp_path / name / INFO).touch()
    with refused(ModelFileError, "is a folder; give the run that you mean", str(tmp_path / "b-9")):
        Model.load(tmp_path)


def test_the_name_of_a_run_alone_leads_to_the_run(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs/clothes").mkdir(parents=True)
    Path("runs/clothes", INFO).touch()
    with refused(ModelFileError, "clothes is no file", repr(str(Path("runs/clothes")))):
        Model.load("clothes")
    with refused(ModelFileError, "cannot read"):
        Model.load("shoes\0")


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty.safetensors").touch()
    (tmp_path / "folder").mkdir()
    for path, text in (
        (tmp_path / "folder", "is a folder, and no run's"),
        (tmp_path / "missing.safetensors", "no such file or directory"),
        (tmp_path / "empty.safetensors", "has 0 bytes"),
        (Path(os.devnull), "a pipe or a device"),
        ("a\0b.safetensors", "a zero byte in the name"),
        ("x" * 5000, "file name too long"),
    ):
        with pytest.raises(ModelFileError, match=text):
            Model.load(path)


def test_what_to_write_instead_of_loading(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    small().save(run / "best.safetensors")
    small().save(run / "last.safetensors")
    for path, words in (
        (run, ["folder", "a model in it", "best.safetensors"]),
        (tmp_path / "net.json", ["holds no weights", "train it"]),
        (tmp_path / "net.pth", ["import_model"]),
        (tmp_path / "net.ckpt", ["safetensors", "reconcile"]),
        (tmp_path / "net.H5", ["safetensors", "reconcile"]),
        ("lenet", ["without weights", "train it"]),
    ):
        with pytest.raises(ModelFileError) as caught:
            Model.load(path)
        assert all(word in str(caught.value) for word in (str(path), *words))


def test_training_notes_are_optional_objects(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(changed(tmp_path, training="[1]"))
    assert Model.load(path).training == {}


def with_metadata(tmp_path: Path, key: str, value: str) -> bytes:
    """A model's file with one of its metadata changed, and a right checksum."""
    path = saved(tmp_path)
    metadata = metadata_of(path)
    del metadata["sha256"]
    return save(load(path.read_bytes()), metadata | {key: value})


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (
            ["\x1b]0;t\x07\x1b[31mRED", "b", "c", "d"],
            r"a class is called '\x1b]0;t\x07\x1b[31mRED'",
        ),
        (["a\nlenet: fake", "b", "c", "d"], r"a class is called 'a\nlenet: fake'"),
        (["\ud800", "b", "c", "d"], r"a class is called '\ud800'"),
        (["a", "b", "a", "d"], "two classes are called 'a'"),
        (["y" * 15_000_000, "b", "c", "d"], "a class is called 'yyy"),
        (["", "b", "c", "d"], "a class is called ''"),
        (["a", "b", "c"], "3 class names are given"),
    ],
)
def test_names_of_classes_follow_the_rule_of_data(
    names: list[str], words: str, tmp_path: Path
) -> None:
    assert words in refusal(with_metadata(tmp_path, "classes", json.dumps(names)), tmp_path)
    with refused(UsageError, words):
        Model(SMALL, classes=names)
    model = small()
    model.classes = tuple(names)
    with refused(UsageError, "cannot be saved", words):
        model.to_bytes()


@pytest.mark.parametrize("key", ["format", "version", "network", "preprocessing", "classes"])
@pytest.mark.parametrize("text", ["\x1b]0;owned\x07", "x" * 3_000_000, '{"a": 1, "a": 2}'])
def test_what_is_quoted_is_short_and_harmless(key: str, text: str, tmp_path: Path) -> None:
    message = refusal(with_metadata(tmp_path, key, text), tmp_path)
    assert message.isprintable()
    assert ".;" not in message.replace("...", "")


def test_a_type_of_numbers_that_is_none(tmp_path: Path) -> None:
    """The library that reads the format quotes it in full."""
    for dtype in ("\x1b]0;owned\x07", "y" * 3_000_000):
        entry = {"dtype": dtype, "shape": [1], "data_offsets": [0, 4]}
        header = json.dumps({"w": entry}).encode()
        assert refusal(with_header(header, bytes(4)), tmp_path).isprintable()


def test_a_key_that_stands_there_twice(tmp_path: Path) -> None:
    content = saved(tmp_path).read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = (
        content[8:end].rstrip().replace(b'"__metadata__":{', b'"__metadata__":{"format":"x",', 1)
    )
    assert "'format' twice" in refusal(with_header(header, content[end:]), tmp_path)
    twice = '{"std": [1.0], ' + metadata_of(tmp_path / "m.safetensors")["preprocessing"][1:]
    content = with_metadata(tmp_path, "preprocessing", twice)
    assert "'std' twice" in refusal(content, tmp_path)


def test_nothing_is_saved_that_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    for value in (float("nan"), float("inf"), -float("inf")):
        model = small()
        model.parameters["conv0.weight"][0, 0, 0, 0] = value
        with refused(
            UsageError, "cannot be saved", "conv0.weight holds values that are not finite"
        ):
            model.save(path)
    model = small()
    model.training = {"a": object()}
    with refused(UsageError, "cannot be saved", "JSON"):
        model.save(path)
    model = small()
    model.preprocessing = None  # type: ignore[assignment]
    with refused(UsageError, "cannot be saved", "preprocessing"):
        model.save(path)
    assert not path.exists()


def test_the_history_of_the_longest_training_fits(tmp_path: Path) -> None:
    model = small()
    epoch = {f"number_{i}": -1.2345678901234567e-100 for i in range(7)}
    model.training = {"epochs": [epoch] * 100_000}
    assert len(Model.load(model.save(tmp_path / "m.safetensors")).training["epochs"]) == 100_000


def test_bytes_of_any_kind(tmp_path: Path) -> None:
    content = small().to_bytes()
    for kind in (bytes, bytearray, memoryview):
        assert Model.from_bytes(kind(content)).to_bytes() == content
    for wrong in (5, "text", None):
        with refused(UsageError, "no bytes"):
            Model.from_bytes(wrong)  # type: ignore[arg-type]
    with refused(UsageError, "no name for a model"):
        small().save(5)  # type: ignore[arg-type]


def test_a_long_reason_is_cut_and_says_so() -> None:
    assert str(damaged("x", "ab" * 300)).endswith("ab...; save or copy it anew.")
    assert "intact model: it is short; save" in str(damaged("x", "it is short."))
