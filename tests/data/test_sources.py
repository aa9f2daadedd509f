"""Where MNIST and Fashion-MNIST are looked for, and what happens when they are not there."""

import dataclasses
import gzip
import hashlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from lenet.data import download, idx, sources
from lenet.errors import DataError, DownloadError, OutputError

NAMES = tuple(sources.MNIST.checksums)
ARRAYS = {
    sources.TRAIN_IMAGES: np.arange(6 * 4 * 4, dtype=np.uint8).reshape(6, 4, 4),
    sources.TRAIN_LABELS: np.array([0, 1, 2, 3, 4, 9], np.uint8),
    sources.TEST_IMAGES: np.ones((3, 4, 4), np.uint8),
    sources.TEST_LABELS: np.array([7, 8, 9], np.uint8),
}


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """An empty cache, no folder set, and mirrors nobody may ask unless a test says so."""
    monkeypatch.delenv("LENET_DATA", raising=False)
    monkeypatch.setenv("LENET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "fetch", forbidden)
    return tmp_path / "cache" / "mnist"


def forbidden(*_):
    raise AssertionError("a download was tried")


def fill(folder, end="", spelling=str, arrays=ARRAYS):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        idx.write(folder / (spelling(name) + end), array)
    return folder


def dotted(name):
    return name.replace("-idx", ".idx")


def assert_is_tiny(data):
    np.testing.assert_array_equal(data.train.images[:, 0], ARRAYS[sources.TRAIN_IMAGES])
    np.testing.assert_array_equal(data.train.labels, ARRAYS[sources.TRAIN_LABELS])
    np.testing.assert_array_equal(data.test.images[:, 0], ARRAYS[sources.TEST_IMAGES])
    np.testing.assert_array_equal(data.test.labels, ARRAYS[sources.TEST_LABELS])


@pytest.mark.parametrize("inside", ["", "mnist"])
@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("spelling", [str, dotted])
def test_data_dir(tmp_path, inside, end, spelling):
    fill(tmp_path / "given" / inside, end, spelling)
    assert_is_tiny(sources.load("mnist", tmp_path / "given"))


def test_environment_names_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LENET_DATA", str(fill(tmp_path / "given")))
    assert_is_tiny(sources.load("mnist"))


def test_data_dir_goes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("LENET_DATA", str(tmp_path / "nowhere"))
    assert_is_tiny(sources.load("mnist", str(fill(tmp_path / "given"))))


def test_files_of_two_folders_do_not_mix(tmp_path):
    fill(tmp_path / "mnist", arrays={sources.TRAIN_IMAGES: ARRAYS[sources.TRAIN_IMAGES]})
    rest = {name: array for name, array in ARRAYS.items() if name != sources.TRAIN_IMAGES}
    fill(tmp_path, arrays=rest)
    with pytest.raises(DataError, match="train-images-idx3-ubyte"):
        sources.load("mnist", tmp_path)


def test_missing_from_data_dir(tmp_path):
    folder = fill(tmp_path / "given")
    (folder / sources.TEST_LABELS).unlink()
    with pytest.raises(DataError) as caught:
        sources.load("mnist", folder)
    assert str(caught.value) == (
        f"the data folder is {folder}, but neither it nor its folder mnist has "
        "t10k-labels-idx1-ubyte (plain or .gz); put the missing files there, or leave the folder "
        "out to download them"
    )


def test_missing_from_the_environments_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LENET_DATA", str(tmp_path))
    with pytest.raises(DataError) as caught:
        sources.load("fashion-mnist")
    assert str(caught.value).startswith(f"LENET_DATA is set to {tmp_path}, but neither it nor")
    assert " and ".join(NAMES) in str(caught.value)
    assert str(caught.value).endswith("or unset LENET_DATA to download them")


def test_no_folder_at_all(tmp_path):
    message = "the data folder is .*nowhere, which is no folder; name one that has the IDX files"
    with pytest.raises(DataError, match=message):
        sources.load("mnist", tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (sources.TRAIN_LABELS, np.zeros(5, np.uint8), "do not match: 6 images but 5 labels"),
        (sources.TRAIN_IMAGES, np.zeros((6, 4), np.uint8), "2 dimensions where images have 3"),
        (sources.TEST_LABELS, np.zeros((3, 1), np.uint8), "2 dimensions where labels have 1"),
        (sources.TEST_LABELS, np.array([1, 10, 2], np.uint8), "test image 1 has label 10"),
        (sources.TEST_IMAGES, np.zeros((3, 5, 4), np.uint8), "tests on images of 5x4"),
    ],
)
def test_files_that_do_not_belong_together(tmp_path, name, array, message):
    fill(tmp_path, arrays={**ARRAYS, name: array})
    with pytest.raises(DataError, match=message):
        sources.load("mnist", tmp_path)


def test_damaged_file(tmp_path):
    path = fill(tmp_path) / sources.TEST_LABELS
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"is cut short: .*; replace it by an intact copy$"):
        sources.load("mnist", tmp_path)


class Mirror:
    """Stands in for the network; counts what is asked."""

    def __init__(self, monkeypatch, fail_at=None):
        self.asked = []
        self.fail_at = fail_at
        archives = {
            name: gzip.compress(
                bytes([0, 0, 8, array.ndim])
                + b"".join(size.to_bytes(4, "big") for size in array.shape)
                + array.tobytes()
            )
            for name, array in ARRAYS.items()
        }
        self.archives = {f"{name}.gz": content for name, content in archives.items()}
        checksums = {name: hashlib.md5(content).hexdigest() for name, content in archives.items()}
        source = dataclasses.replace(sources.MNIST, checksums=checksums, mirrors=("m/",))
        monkeypatch.setitem(sources.SOURCES, "mnist", source)
        monkeypatch.setattr(download, "fetch", self.fetch)

    def fetch(self, archive, checksum, mirrors):
        assert mirrors == ("m/",)
        if len(self.asked) == self.fail_at:
            raise DownloadError("cannot download")
        self.asked.append(archive)
        assert hashlib.md5(self.archives[archive]).hexdigest() == checksum
        return self.archives[archive]


def test_downloaded_once(monkeypatch, cache):
    mirror = Mirror(monkeypatch)
    assert_is_tiny(sources.load("mnist"))
    assert sorted(path.name for path in cache.iterdir()) == sorted(mirror.archives)
    monkeypatch.setattr(download, "fetch", forbidden)
    assert_is_tiny(sources.load("mnist"))


def test_interrupted_download_goes_on_with_what_is_missing(monkeypatch, cache):
    mirror = Mirror(monkeypatch, fail_at=2)
    with pytest.raises(DownloadError):
        sources.load("mnist")
    assert sorted(path.name for path in cache.iterdir()) == sorted(mirror.asked)
    mirror.fail_at = None
    assert_is_tiny(sources.load("mnist"))
    assert len(mirror.asked) == 4


def test_damaged_cache_says_what_to_delete(monkeypatch, cache):
    Mirror(monkeypatch)
    sources.load("mnist")
    path = cache / f"{sources.TRAIN_LABELS}.gz"
    path.write_bytes(path.read_bytes()[:20])
    message = f"{path.name} is cut short: .*; delete it and run the same again to download it anew"
    with pytest.raises(DataError, match=message):
        sources.load("mnist")


def test_cache_that_is_no_folder(monkeypatch, tmp_path):
    Mirror(monkeypatch)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LENET_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match=r"cannot write to the cache folder .*; set LENET_CACHE"):
        sources.load("mnist")


def test_read_only_cache_is_noticed_before_the_download(monkeypatch, cache):
    cache.mkdir(parents=True)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="permission denied; set LENET_CACHE to a folder"):
        sources.load("mnist")


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "home/.cache/lenet"),
        ("linux", {"XDG_CACHE_HOME": "/xdg"}, "/xdg/lenet"),
        ("darwin", {}, "home/Library/Caches/lenet"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/lenet"),
        ("win32", {}, "home/AppData/Local/lenet"),
        ("linux", {"LENET_CACHE": "/mine"}, "/mine"),
    ],
)
def test_cache_folder(monkeypatch, platform, variables, expected):
    for name in ("LENET_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("home"))
    assert sources.cache_folder() == Path(expected)


def test_every_source_has_its_four_files_and_ten_classes():
    for source in sources.SOURCES.values():
        assert tuple(source.checksums) == tuple(ARRAYS)
        assert all(len(bytes.fromhex(md5)) == 16 for md5 in source.checksums.values())
        assert len(set(source.classes)) == 10
        assert all(mirror.endswith("/") for mirror in source.mirrors)
