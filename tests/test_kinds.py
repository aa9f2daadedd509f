"""What a file is, told by its first bytes: of a large file as of a small one."""

import zipfile

import pytest

from lenet.cli.main import main
from lenet.kinds import HDF5, PICKLE, PYTORCH, UNKNOWN, conversion, counted, kind_of_file


@pytest.mark.parametrize("size", [0, 1 << 20])
@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\x89HDF\r\n\x1a\n", HDF5),
        (b"\x80\4\x95", PICKLE),
        (b"\x80\2\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", PYTORCH),
        (b"\x01\x02\x03", UNKNOWN),
    ],
)
def test_a_file_of_any_size(tmp_path, start, kind, size) -> None:
    path = tmp_path / "weights"
    path.write_bytes(start + bytes(size))
    assert kind_of_file(path) == kind


@pytest.mark.parametrize("size", [10, 1 << 20])
def test_weights_of_pytorch_without_its_ending(tmp_path, size, capsys) -> None:
    path = tmp_path / "weights.dat"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", bytes(size))
    assert kind_of_file(path) == PYTORCH
    assert "torch.load" in str(conversion(str(path)))
    assert main(["predict", str(path), str(path)]) == 1
    assert "a PyTorch file" in capsys.readouterr().err


def test_what_can_be_imported_under_another_name_says_so(tmp_path) -> None:
    path, named = tmp_path / "net.bin", str(tmp_path / "net.keras")
    path.write_bytes(b"PK\3\4" + bytes(26) + b"model.weights.h5")
    assert conversion(str(path))[:2] == (
        "is a Keras model",
        f"end its name in .keras, and make a model of it with lenet.import_model({named!r})",
    )


def test_what_is_no_file(tmp_path) -> None:
    assert kind_of_file(tmp_path) is None
    assert kind_of_file("a\0b") is None
    assert counted([HDF5, PICKLE, HDF5]) == "2 HDF5 files, 1 pickle of Python objects"
