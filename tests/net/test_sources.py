"""A network from a name, a notation, a file; and what each wrong source says."""

import os
from pathlib import Path

import pytest

from lenet.errors import LenetError, ModelFileError, NotationError, UsageError
from lenet.model import Model
from lenet.net import is_model_file, parse_network, read_named, read_network, to_json, zoo
from refusals import refused


def test_every_source_gives_the_same_network(tmp_path: Path) -> None:
    lenet = zoo.lenet()
    file = tmp_path / "net.JSON"
    file.write_text("\ufeff" + to_json(lenet), encoding="utf-8")
    for source in (lenet, "lenet", " LeNet ", str(lenet), file, str(file)):
        assert read_network(source) == lenet
    assert read_network(lenet) is lenet


def test_a_text_with_a_digit_or_a_bar_is_a_notation() -> None:
    assert read_network("1x4x4|dense 2") == parse_network("1x4x4|dense 2")
    assert read_network("4x4|dense 2") == read_network("1@4x4|dense 2")
    with refused(NotationError, "no layers"):
        read_network("28x28")
    with refused(NotationError, "is no input"):
        read_network("lenet | dense 10")


def test_an_unknown_name_says_what_is_accepted() -> None:
    with pytest.raises(UsageError) as caught:
        read_network("lenet-6x")
    assert str(caught.value) == (
        "'lenet-6x' names no network (did you mean 'lenet-60'?); give one of lenet, lenet-60, "
        "lenet-d2l, lenet-relu, lenet-5, lenet-4, lenet-1, compact, tiny, a notation such as "
        "'1x28x28 | conv 6 k5 relu, maxpool 2 | dense 10', a .json, .onnx or .keras file, a "
        "saved model or a run's folder."
    )


@pytest.mark.parametrize("source", ["", 5, None, b"lenet", Path("folder")])
def test_what_is_no_source_is_refused(source: object) -> None:
    with pytest.raises(UsageError, match=r"no network.* \.json"):
        read_network(source)  # type: ignore[arg-type]


def test_a_name_is_a_text() -> None:
    with refused(UsageError, "name is 5"):
        read_named("lenet", 5)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["pipe.json", "pipe.safetensors"])
def test_a_pipe_that_nobody_writes_to_is_refused_at_once(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with refused(LenetError, "a pipe or a device"):
        read_network(tmp_path / name)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    long = tmp_path / "long.json"
    long.write_bytes(b" " * 5_000_000)
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    for path, reason in {
        tmp_path
        / "missing.json": r"no such file or directory; give a \.json file that holds one\.",
        binary: "is no text in UTF-8",
        long: "more than 4,000,000",
        broken: "no valid JSON",
        "a\0.json": "a zero byte in the name; give a",
    }.items():
        with pytest.raises(UsageError, match=reason):
            read_network(path)
    (tmp_path / "folder.json").mkdir()
    with refused(UsageError, "cannot be read"):
        read_network(tmp_path / "folder.json")


def test_model_files_are_known_by_their_ending() -> None:
    assert is_model_file("runs/a/last.safetensors")
    assert is_model_file(Path("A.SAFETENSORS"))
    assert not is_model_file("lenet")
    assert not is_model_file(zoo.lenet())


def test_a_saved_model_and_a_model_name_their_network(tmp_path: Path) -> None:
    model = Model("1x8x8 | conv 2 k3 relu | dense 3").initialize()
    path = model.save(tmp_path / "mine.safetensors")
    assert read_network(path) == read_network(str(path)) == read_network(model) == model.network
    assert read_named(path) == (model.network, "mine")


def test_a_saved_model_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes(b"\xff" * 20)
    with refused(ModelFileError, "not an intact model"):
        read_network(path)
    with refused(ModelFileError, "no such file"):
        read_network(tmp_path / "none.safetensors")


def test_a_network_with_its_name_and_on_another_input(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(to_json(zoo.lenet()), encoding="utf-8")
    assert read_named(" LeNet ") == (zoo.lenet(), "lenet")
    assert read_named(file) == (zoo.lenet(), "mine")
    assert read_named(str(zoo.lenet())) == (zoo.lenet(), "")
    assert read_named(zoo.lenet()) == (zoo.lenet(), "lenet")
    assert read_named("lenet", "book") == (zoo.lenet(), "book")
    for shape in ((3, 64, 65), [3, 64, 65], "3x64x65"):
        network, _ = read_named("lenet", input_shape=shape)
        assert network.input_shape == (3, 64, 65)
        assert network.blocks == zoo.lenet().blocks
    for text in ("1@64x65", "64x65", "64x65@1", "1x64x65", "1 × 64 × 65"):
        network, _ = read_named("lenet", input_shape=text)
        assert network.input_shape == (1, 64, 65)
    with refused(UsageError, "the input is '64'"):
        read_named("lenet", input_shape="64")
    with pytest.raises(UsageError, match=r"\(64, 64\)"):
        read_named("lenet", input_shape=(64, 64))


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with refused(ModelFileError, "no run's", ".safetensors"):
        read_network(tmp_path)
