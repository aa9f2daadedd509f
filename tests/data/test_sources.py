"""Data sets by name: in the package, in a folder, in the cache, or from a mirror.

Downloads go to a server on this machine that is good, dead or lying.
"""

import dataclasses
import gzip
import hashlib
import io
import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

import lenet
from digit_pictures import write_digits
from lenet.data import idx, load, sources
from lenet.data.sources import fetch
from lenet.errors import DataError, DownloadError, OutputError
from refusals import refused

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
    monkeypatch.setattr(sources, "fetch", forbidden)
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
    assert_is_tiny(sources.load_named("mnist", tmp_path / "given"))


def test_environment_names_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LENET_DATA", str(fill(tmp_path / "given")))
    assert_is_tiny(sources.load_named("mnist"))


def test_data_dir_goes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("LENET_DATA", str(tmp_path / "nowhere"))
    assert_is_tiny(sources.load_named("mnist", str(fill(tmp_path / "given"))))


def test_files_of_two_folders_do_not_mix(tmp_path):
    fill(tmp_path / "mnist", arrays={sources.TRAIN_IMAGES: ARRAYS[sources.TRAIN_IMAGES]})
    rest = {name: array for name, array in ARRAYS.items() if name != sources.TRAIN_IMAGES}
    fill(tmp_path, arrays=rest)
    with refused(DataError, "train-images-idx3-ubyte"):
        sources.load_named("mnist", tmp_path)


def test_missing_from_data_dir(tmp_path):
    folder = fill(tmp_path / "given")
    (folder / sources.TEST_LABELS).unlink()
    with refused(DataError, f"the data folder is {folder},", sources.TEST_LABELS, "leave"):
        sources.load_named("mnist", folder)


def test_missing_from_the_environments_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LENET_DATA", str(tmp_path))
    with refused(DataError, f"LENET_DATA is set to {tmp_path}", *NAMES, "unset LENET_DATA"):
        sources.load_named("fashion-mnist")


def test_no_folder_at_all(tmp_path):
    with refused(DataError, "nowhere", "no folder"):
        sources.load_named("mnist", tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (sources.TRAIN_LABELS, np.zeros(5, np.uint8), "do not match: 6 images but 5 labels"),
        (sources.TRAIN_IMAGES, np.zeros((6, 4), np.uint8), "2 dimensions and not 3"),
        (sources.TEST_LABELS, np.zeros((3, 1), np.uint8), "2 dimensions and not 1"),
        (sources.TEST_LABELS, np.array([1, 10, 2], np.uint8), "test image 1 has label 10"),
        (sources.TEST_IMAGES, np.zeros((3, 5, 4), np.uint8), "tests on images of 5x4"),
    ],
)
def test_files_that_do_not_belong_together(tmp_path, name, array, message):
    fill(tmp_path, arrays={**ARRAYS, name: array})
    with refused(DataError, message):
        sources.load_named("mnist", tmp_path)


def test_damaged_file(tmp_path):
    path = fill(tmp_path) / sources.TEST_LABELS
    path.write_bytes(path.read_bytes()[:-1])
    with refused(DataError, "is cut short"):
        sources.load_named("mnist", tmp_path)


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
        monkeypatch.setattr(sources, "fetch", self.fetch)

    def fetch(self, archive, checksum, mirrors):
        assert mirrors == ("m/",)
        if len(self.asked) == self.fail_at:
            raise DownloadError("cannot download")
        self.asked.append(archive)
        assert hashlib.md5(self.archives[archive]).hexdigest() == checksum
        return self.archives[archive]


def test_downloaded_once(monkeypatch, cache):
    mirror = Mirror(monkeypatch)
    assert_is_tiny(sources.load_named("mnist"))
    assert sorted(path.name for path in cache.iterdir()) == sorted(mirror.archives)
    monkeypatch.setattr(sources, "fetch", forbidden)
    assert_is_tiny(sources.load_named("mnist"))


def test_interrupted_download_goes_on_with_what_is_missing(monkeypatch, cache):
    mirror = Mirror(monkeypatch, fail_at=2)
    with pytest.raises(DownloadError):
        sources.load_named("mnist")
    assert sorted(path.name for path in cache.iterdir()) == sorted(mirror.asked)
    mirror.fail_at = None
    assert_is_tiny(sources.load_named("mnist"))
    assert len(mirror.asked) == 4


def no_folder():
    raise OutputError("there is none")


def test_what_is_at_hand(monkeypatch, cache, tmp_path):
    assert sources.at_hand() == ("digits",)
    fill(cache, ".gz")
    assert sources.at_hand() == ("digits", "mnist")
    (cache / f"{sources.TEST_LABELS}.gz").unlink()
    assert sources.at_hand() == ("digits",)
    fill(tmp_path / "named")
    monkeypatch.setenv("LENET_DATA", str(tmp_path / "named"))
    assert sources.at_hand() == sources.NAMES
    monkeypatch.delenv("LENET_DATA")
    monkeypatch.setattr(sources, "cache_folder", no_folder)
    assert sources.at_hand() == ("digits",)


def test_damaged_cache_says_what_to_delete(monkeypatch, cache):
    Mirror(monkeypatch)
    sources.load_named("mnist")
    path = cache / f"{sources.TRAIN_LABELS}.gz"
    path.write_bytes(path.read_bytes()[:20])
    with refused(DataError, f"{path.name} is cut short", "delete it"):
        sources.load_named("mnist")


def test_cache_that_is_no_folder(monkeypatch, tmp_path):
    Mirror(monkeypatch)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LENET_CACHE", str(tmp_path / "file"))
    with refused(OutputError, "cannot write to the cache folder", "LENET_CACHE", "data_dir"):
        sources.load_named("mnist")


def test_read_only_cache_is_noticed_before_the_download(monkeypatch, cache):
    cache.mkdir(parents=True)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with refused(OutputError, "permission denied", "LENET_CACHE"):
        sources.load_named("mnist")


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


@pytest.mark.parametrize("variables", [{}, {"HOME": ""}])
def test_no_home_folder(monkeypatch, tmp_path, variables):
    """As in a container whose user is not known to the system."""

    def fail():
        raise RuntimeError("Could not determine home directory.")

    for name in ("LENET_CACHE", "XDG_CACHE_HOME", "LENET_DATA"):
        monkeypatch.delenv(name, raising=False)
    if variables:
        monkeypatch.setenv("HOME", "")
    else:
        monkeypatch.setattr(Path, "home", fail)
    with refused(OutputError, "no home folder", "LENET_CACHE"):
        load("mnist")
    assert "no home folder" in lenet.checks()["cache"]
    write_digits(tmp_path, {"3": 5, "5": 5})
    assert len(load(tmp_path).train) == 8  # without a cache
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert sources.cache_folder() == Path("/xdg/lenet")


def test_every_source_has_its_four_files_and_ten_classes():
    for source in sources.SOURCES.values():
        assert tuple(source.checksums) == tuple(ARRAYS)
        assert all(len(bytes.fromhex(md5)) == 16 for md5 in source.checksums.values())
        assert len(set(source.classes)) == 10
        assert all(mirror.endswith("/") for mirror in source.mirrors)


def test_the_digits_in_the_package():
    data = load("digits")
    assert data.summary() == (
        "digits · 1,797 images of 8x8, 10 classes · 1,437 to train on, 360 to test"
    )
    assert data.classes == tuple("0123456789")
    for split in (data.train, data.test):
        assert split.images.min() == 0
        assert split.images.max() == 255
        # 17 levels, 0 to 16, and no more
        assert set(np.unique(split.images)) <= {round(value * 255 / 16) for value in range(17)}


def test_first_digit_is_the_known_zero():
    values = np.rint(load("digits").train.images[0, 0] * (16 / 255)).astype(int)
    labels = load("digits").train.labels
    assert labels[0] == 0
    assert values[0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]


def test_attribution_is_packaged():
    text = (Path(sources.__file__).parent / "files" / "ATTRIBUTION.md").read_text("utf-8")
    for words in ("Alpaydin", "Kaynak", "CC BY 4.0", "10.24432/C50P49"):
        assert words in text


FOLDER = os.environ.get("LENET_DATA")

# MD5 of the original file, decompressed: header and pixels
ORIGINALS = {
    "mnist": "6bbc9ace898e44ae57da46a324031adb",
    "fashion-mnist": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
}


@pytest.fixture(scope="module", params=["mnist", "fashion-mnist"])
def data(request):
    if not FOLDER:
        pytest.skip("LENET_DATA names no folder with MNIST and Fashion-MNIST")
    return load(request.param, data_dir=FOLDER)


def test_counts(data):
    expected = "70,000 images of 28x28, 10 classes · 60,000 to train on, 10,000 to test"
    assert data.summary() == f"{data.name} · {expected}"
    assert set(np.unique(data.test.labels)) == set(range(10))


def test_train_images_are_the_originals(data):
    header = bytes.fromhex("00000803 0000ea60 0000001c 0000001c")
    digest = hashlib.md5(header)
    digest.update(data.train.images.data)
    assert digest.hexdigest() == ORIGINALS[data.name]


def test_known_first_samples(data):
    expected = {"mnist": "5", "fashion-mnist": "Ankle boot"}
    assert data.classes[data.train.labels[0]] == expected[data.name]


CONTENT = bytes(range(256)) * 1000
CHECKSUM = hashlib.md5(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """The folder in the address says how to behave."""

    def do_GET(self):
        self.server.requests.append(self.path)
        behaviour, _, _ = self.path[1:].partition("/")
        if behaviour in ("404", "503"):
            self.send_error(int(behaviour))
            return
        content = {"wrong": b"wrong", "empty": b""}.get(behaviour, CONTENT)
        self.send_response(200)
        if behaviour != "endless":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:1000] if behaviour == "cut" else content)

    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.requests = []
        running.address = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def dead():
    """The address of a port where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}/"


def test_good_mirror(server, capsys):
    mirrors = [f"{server.address}/good/", f"{server.address}/never-asked/"]
    assert fetch("a.gz", CHECKSUM, mirrors) == CONTENT
    assert server.requests == ["/good/a.gz"]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"downloading a.gz from {server.address.removeprefix('http://')}\n"


@pytest.mark.parametrize("first", ["404", "503", "wrong", "empty", "cut"])
def test_second_mirror_stands_in(server, first):
    mirrors = [f"{server.address}/{first}/", f"{server.address}/good/"]
    assert fetch("a.gz", CHECKSUM, mirrors) == CONTENT
    assert server.requests == [f"/{first}/a.gz", "/good/a.gz"]


def test_dead_mirror_is_passed_over(server, dead):
    assert fetch("a.gz", CHECKSUM, [dead, f"{server.address}/good/"]) == CONTENT


def test_every_mirror_fails_for_its_own_reason(server, dead):
    mirrors = [dead, *(f"{server.address}/{how}/" for how in ("404", "wrong", "cut"))]
    host = server.address.removeprefix("http://")
    reasons = ["answered 404", "sent 5 bytes with a wrong checksum", "broke off"]
    words = [f"{dead[7:-1]} could not be reached", *(f"{host} {reason}" for reason in reasons)]
    with refused(DownloadError, *words, "data_dir", "LENET_DATA") as caught:
        fetch("a.gz", CHECKSUM, mirrors)
    assert caught.value.parameter == "data_dir"


def test_more_than_the_limit(server, monkeypatch):
    monkeypatch.setattr(sources, "MAX_BYTES", 100_000)
    with refused(DownloadError, "sent more than 100,000 bytes"):
        fetch("a.gz", CHECKSUM, [f"{server.address}/endless/"])


def test_silent_mirror_times_out(monkeypatch):
    monkeypatch.setattr(sources, "TIMEOUT", (0.2, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mirror = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with refused(DownloadError, "did not answer in time"):
            fetch("a.gz", CHECKSUM, [mirror])


def test_bar_on_a_terminal(server, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    assert fetch("a.gz", CHECKSUM, [f"{server.address}/good/"]) == CONTENT
    assert "downloading a.gz" in terminal.getvalue()
    assert "100%" in terminal.getvalue()
