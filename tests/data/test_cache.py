"""What is kept, and what is as good as nothing."""

import json
import os

import numpy as np
import pytest

from lenet.data import cache
from lenet.data.collection import Collection

KEY = "key"


def collection(count=5):
    images = np.random.default_rng(0).integers(0, 256, (count, 3, 4, 5), dtype=np.uint8)
    labels = np.arange(count) % 2
    return Collection(images, labels, (count - 2, 1, 1), ("a", "ä\n"), ("note",))


@pytest.fixture
def kept(tmp_path):
    path = tmp_path / "new" / "x.pictures"
    cache.save(path, KEY, collection())
    return path


def test_round_trip(kept):
    found, expected = cache.load(kept, KEY), collection()
    np.testing.assert_array_equal(found.images, expected.images)
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert found.labels.dtype == np.int64
    for name in ("counts", "classes", "notes"):
        assert getattr(found, name) == getattr(expected, name)


def test_another_key_and_nothing(kept):
    assert cache.load(kept, "other") is None
    assert cache.load(kept.with_name("nowhere"), KEY) is None
    assert cache.load(kept.parent, KEY) is None


def test_every_cut_and_every_addition_is_noticed(kept):
    content = kept.read_bytes()
    for end in range(0, len(content), 5):
        kept.write_bytes(content[:end])
        assert cache.load(kept, KEY) is None
    kept.write_bytes(content + b"x")
    assert cache.load(kept, KEY) is None


def test_no_flipped_bit_in_the_pixels_gets_through(kept):
    content = bytearray(kept.read_bytes())
    for place in range(len(content) - 5 * 68, len(content)):
        content[place] ^= 4
        kept.write_bytes(content)
        assert cache.load(kept, KEY) is None
        content[place] ^= 4


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [5, 3, 4, 6]},
        {"shape": [0, 3, 4, 5]},
        {"shape": [5, 3, 4]},
        {"shape": None},
        {"shape": [2**62, 3, 4, 5]},
        {"counts": [5, 5, 5]},
        {"counts": [7, -1, -1]},
        {"counts": [5]},
        {"classes": 3},
        {"checksum": 0},
    ],
)
def test_headers_that_lie(kept, change):
    content = kept.read_bytes()
    start = content.index(b"\n") + 9
    end = start + int.from_bytes(content[start - 8 : start], "little")
    text = json.dumps(json.loads(content[start:end]) | change).encode()
    size = len(text).to_bytes(8, "little")
    kept.write_bytes(content[: start - 8] + size + text + content[end:])
    assert cache.load(kept, KEY) is None


@pytest.mark.parametrize("text", [b"[" * 50_000, b"3", b"{}", b"\xff"])
def test_headers_that_are_none(kept, text):
    start = kept.read_bytes()[: len(b"lenet pictures 1\n")]
    kept.write_bytes(start + len(text).to_bytes(8, "little") + text)
    assert cache.load(kept, KEY) is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    cache.save(tmp_path / "file" / "x", KEY, collection())
    assert os.listdir(tmp_path) == ["file"]


def test_the_oldest_go(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "_MOST_FILES", 2)
    for age, name in ((30, "a"), (20, "b"), (10, "c")):
        path = tmp_path / f"{name}.pictures"
        cache.save(path, KEY, collection())
        os.utime(path, (1e9 - age, 1e9 - age))
        if name == "b":
            assert cache.load(tmp_path / "a.pictures", KEY)  # is used, and so is young
    assert sorted(os.listdir(tmp_path)) == ["a.pictures", "c.pictures"]


def test_place(monkeypatch):
    monkeypatch.setenv("LENET_CACHE", "/mine")
    first = cache.place("/a\udcff")
    assert str(first).startswith("/mine/pictures/")
    assert first != cache.place("/b")
