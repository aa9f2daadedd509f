"""Pictures of one's own from end to end, and what the cache keeps: real files, read back."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import lenet
from digit_pictures import write_digits
from lenet.data import load_split, own
from lenet.data.collection import Collection, LoadOptions
from lenet.data.dataset import digests_of
from lenet.errors import DataError, UsageError
from refusals import refused

COUNTS = dict.fromkeys("0123456789", 12)


@pytest.fixture
def digits(tmp_path):
    """A folder of 120 digits, 12 of each."""
    write_digits(tmp_path / "digits", COUNTS)
    return tmp_path / "digits"


def sides(data):
    """Which split each image is in, by its content."""
    return {image.tobytes(): name for name, split in data.splits.items() for image in split.images}


def assert_same(first, second):
    assert (first.classes, list(first.splits)) == (second.classes, list(second.splits))
    for name, split in first.splits.items():
        np.testing.assert_array_equal(split.images, second.splits[name].images)
        np.testing.assert_array_equal(split.labels, second.splits[name].labels)


def test_a_folder(digits):
    data = lenet.load(digits)
    assert data.summary().startswith("digits · 120 images of 8x8, 10 classes · ")
    assert (data.classes, data.source) == (tuple("0123456789"), str(digits))
    source = lenet.load("digits").train
    known = {
        image.tobytes(): label for image, label in zip(source.images, source.labels, strict=True)
    }
    for split in data.splits.values():
        assert len(split) > 10
        for image, label in zip(split.images, split.labels, strict=True):
            assert known[image.tobytes()] == label


def test_nearly_all_stay_where_they_are_when_files_are_added_and_renamed(digits):
    before = sides(lenet.load(digits))
    for path in sorted(digits.glob("3/*.png")):
        path.rename(path.with_name(f"x{path.name}"))
    assert sides(lenet.load(digits)) == before
    write_digits(digits, COUNTS, start=12)
    after = sides(lenet.load(digits))
    assert len(after) == 2 * len(before)
    moved = [image for image, side in before.items() if after[image] != side]
    assert len(moved) <= 0.1 * len(before)


def test_the_split_does_not_depend_on_the_format_or_on_options(digits, tmp_path):
    write_digits(tmp_path / "bmp", COUNTS, ending="bmp")
    assert_same(lenet.load(digits), lenet.load(tmp_path / "bmp"))
    large = lenet.load(digits, size=16, rgb=True)
    assert large.image_shape == (3, 16, 16)
    np.testing.assert_array_equal(large.test.labels, lenet.load(digits).test.labels)


def test_all_layouts_give_the_same(digits, tmp_path):
    data = lenet.load(digits)
    rows = ["path,label"] + [
        f"{p.parent.name}/{p.name},{p.parent.name}" for p in digits.glob("*/*.png")
    ]
    (digits / "t.csv").write_text("\n".join(rows))
    listed = lenet.load(digits / "t.csv")
    assert_same(data, listed)
    images = np.concatenate([split.images[:, 0] for split in data.splits.values()])
    labels = np.concatenate([split.labels for split in data.splits.values()])
    np.savez(tmp_path / "d.npz", x=images, y=labels)
    assert sides(lenet.load(tmp_path / "d.npz")) == sides(data)
    flat = np.column_stack([labels, images.reshape(len(images), -1)])
    np.savetxt(
        tmp_path / "k.csv", flat, "%d", ",", header="label," + ",".join("x" * 64), comments=""
    )
    assert sides(lenet.load(tmp_path / "k.csv")) == sides(data)


def test_every_image_has_the_name_of_its_file(digits):
    first, again = lenet.load(digits), lenet.load(digits)  # decoded, and out of the cache
    for split, kept in zip(first.splits.values(), again.splits.values(), strict=True):
        assert split.names == kept.names
        for name, image in zip(split.names, split.images, strict=True):
            np.testing.assert_array_equal(np.asarray(Image.open(digits / name)), image[0])
    shape, classes = first.image_shape, tuple("9876543210")
    assert load_split(digits, classes, shape).names == first.test.names
    assert len(load_split(digits, classes, shape, everything=True).names) == 120


def test_splits_of_its_own(tmp_path):
    for start, split in enumerate(("train", "val", "test")):
        write_digits(tmp_path / split, {"3": 4, "5": 4}, start=4 * start)
    data = lenet.load(tmp_path)
    assert {name: len(split) for name, split in data.splits.items()} == {
        "train": 8,
        "validation": 8,
        "test": 8,
    }
    assert data.validation.labels.tolist() == [0] * 4 + [1] * 4
    assert not data.notes


def test_the_order_is_the_same_on_every_machine(tmp_path):
    for folder, names in (("a", range(12)), ("b", reversed(range(12)))):
        for name in names:
            place = tmp_path / folder / "xy"[name % 2]
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((4, 4), 9 * name, np.uint8)).save(place / f"{name}.png")
    first, second = lenet.load(tmp_path / "a"), lenet.load(tmp_path / "b")
    assert_same(first, second)
    assert sorted(first.train.images[first.train.labels == 0, 0, 0, 0].tolist()) == (
        first.train.images[first.train.labels == 0, 0, 0, 0].tolist()
    )


def test_what_is_said(tmp_path):
    write_digits(tmp_path / "train", {"1": 30, "2": 5})
    write_digits(tmp_path / "test", {"1": 6}, start=28)
    Image.new("RGB", (20, 12), "red").save(tmp_path / "test" / "1" / "red.png")
    (tmp_path / "train" / "2" / "bad.png").write_bytes(b"no")
    data = lenet.load(tmp_path, skip_bad=True)
    assert data.notes == (
        "left out, because they cannot be read: train/2/bad.png is a text file, no "
        "picture that can be read",
        "pictures of 8x8 to 12x20 become 8x8; the option size chooses another",
        "1 of 42 pictures have colour, so all become RGB; the option gray makes all grey",
        "2 images in more than one split, which makes tests look too good: test/1/28.png is "
        "train/1/28.png (train and test)",
        "no images to test 1 class: 2",
        "classes are unbalanced: 1 has 6.0 times as many images to train on as 2; "
        '--balance (class_weight="balanced") finds more of these',
    )


def test_bad_files(digits):
    for name in "abcd":
        (digits / "3" / f"{name}.png").write_bytes(b"no")
    (digits / "3" / "d.png").write_bytes(b"<!doctype html><p>404")
    words = ["4 of 124 pictures", "3 text files, 1 HTML page: 3/a.png, 3/d.png, 3/b.png, ..."]
    with refused(DataError, *words, "skip_bad=True") as caught:
        lenet.load(digits)
    assert caught.value.parameter == "skip_bad"
    assert sum(map(len, lenet.load(digits, skip_bad=True).splits.values())) == 120
    for path in digits.glob("4/*"):
        path.write_bytes(b"")
    with refused(DataError, "no picture of class '4'", "3/a.png"):
        lenet.load(digits, skip_bad=True)


def test_the_second_time_nothing_is_decoded(digits, monkeypatch):
    first = lenet.load(digits)
    monkeypatch.setattr(own, "decode", None)
    second = lenet.load(digits)
    assert_same(first, second)
    assert first.notes == second.notes
    (digits / "0" / "0.png").touch()
    with pytest.raises(TypeError):
        lenet.load(digits)
    with pytest.raises(TypeError):
        lenet.load(digits, gray=True)


def test_a_damaged_cache_is_made_again(digits):
    first = lenet.load(digits)
    path = own.cache_place(f"{os.path.realpath(digits)}\n{LoadOptions()}")
    intact = path.read_bytes()
    path.write_bytes(intact[:-1])
    assert_same(first, lenet.load(digits))
    assert path.read_bytes() == intact


def test_no_cache_is_no_harm(digits, monkeypatch, tmp_path):
    first = lenet.load(digits)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LENET_CACHE", str(tmp_path / "file"))
    assert_same(first, lenet.load(digits))


def test_nothing_of_the_cache_is_pickled(digits, cache):
    lenet.load(digits)
    path = own.cache_place(f"{os.path.realpath(digits)}\n{LoadOptions()}")
    assert path.parent.parent == cache
    assert path.read_bytes().startswith(b"lenet pictures 9\n")


@pytest.mark.parametrize(
    ("name", "title"),
    [("a b", "a b"), ("x" * 100, "x" * 60), ("a\x1b", "pictures"), ("digits", "digits")],
)
def test_title(tmp_path, name, title):
    (tmp_path / name).mkdir()
    assert own.title(str(tmp_path / name)) == title
    assert own.title(str(tmp_path / "t.v1.csv")) == "t.v1"


def test_what_is_no_data(tmp_path):
    with refused(UsageError, "no data set is called", "nowhere"):
        lenet.load(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero", "/dev/null"):
        with refused(DataError, "a pipe or a device"):
            lenet.load(path)
    Image.new("L", (4, 4)).save(tmp_path / "x.png")
    with refused(DataError, "x.png", "one picture", "a folder"):
        lenet.load(tmp_path / "x.png")
    with refused(DataError, "files but no folders"):
        lenet.load(tmp_path)


def test_a_hundred_thousand_small_pictures_fit_in_300_megabytes(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (100_000, 28, 28), dtype=np.uint8)
    np.savez(tmp_path / "x.npz", x=images, y=np.arange(100_000) % 10)
    code = (
        "import lenet, resource, sys; data = lenet.load(sys.argv[1]); "
        "print(len(data.train), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    # Started by a small process: what a child of a large one holds counts the parent's at first.
    line = ["/bin/sh", "-c", '"$0" -c "$1" "$2"', sys.executable, code, tmp_path / "x.npz"]
    done = subprocess.run(line, capture_output=True, text=True, check=True, timeout=60)
    count, megabytes = map(int, done.stdout.split())
    assert 79_000 < count < 81_000
    assert 80 < megabytes < 300


KEY = "key"


def collection(count=5):
    images = np.random.default_rng(0).integers(0, 256, (count, 3, 4, 5), dtype=np.uint8)
    labels, paths = np.arange(count) % 2, ("a\n", "\udcff", "ä", "x/y", "z")
    done = ((), ("inverted", "ä"), (), (), ("centred",))
    digests = digests_of(images)
    return Collection(
        *(images, labels, digests, (count - 2, 1, 1), ("a", "ä\n"), ("note",), paths),
        prepared=done,
        groups=("", "g", "g", "ä\n", ""),
    )


@pytest.fixture
def kept(tmp_path):
    path = tmp_path / "new" / "x.pictures"
    own.save_cache(path, KEY, collection())
    return path


def test_round_trip(kept):
    found, expected = own.load_cache(kept, KEY), collection()
    np.testing.assert_array_equal(found.images, expected.images)
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.digests, expected.digests)
    assert (found.labels.dtype, found.digests.dtype) == (np.int64, np.uint64)
    for name in ("counts", "classes", "notes", "files", "prepared", "groups"):
        assert getattr(found, name) == getattr(expected, name)


def test_another_key_and_nothing(kept):
    assert own.load_cache(kept, "other") is None
    assert own.load_cache(kept.with_name("nowhere"), KEY) is None
    assert own.load_cache(kept.parent, KEY) is None


def test_every_cut_and_every_addition_is_noticed(kept):
    content = kept.read_bytes()
    for end in range(0, len(content), 5):
        kept.write_bytes(content[:end])
        assert own.load_cache(kept, KEY) is None
    kept.write_bytes(content + b"x")
    assert own.load_cache(kept, KEY) is None


def test_no_flipped_bit_in_the_pixels_gets_through(kept):
    content = bytearray(kept.read_bytes())
    for place in range(len(content) - 5 * 76 - 40, len(content)):
        content[place] ^= 4
        kept.write_bytes(content)
        assert own.load_cache(kept, KEY) is None
        content[place] ^= 4


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [5, 3, 4, 6]},
        {"shape": [0, 3, 4, 5]},
        {"shape": [5, 3, 4]},
        {"shape": None},
        {"shape": [2**62, 3, 4, 5]},
        {"shape": [float("inf"), 3, 4, 5]},
        {"counts": [5, 5, 5]},
        {"counts": [7, -1, -1]},
        {"counts": [5]},
        {"texts": 0},
        {"texts": -1},
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
    assert own.load_cache(kept, KEY) is None


@pytest.mark.parametrize("text", [b"[" * 50_000, b"3", b"{}", b"\xff"])
def test_headers_that_are_none(kept, text):
    start = kept.read_bytes()[: len(b"lenet pictures 9\n")]
    kept.write_bytes(start + len(text).to_bytes(8, "little") + text)
    assert own.load_cache(kept, KEY) is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    own.save_cache(tmp_path / "file" / "x", KEY, collection())
    assert os.listdir(tmp_path) == ["file"]


def test_the_oldest_go(tmp_path, monkeypatch):
    monkeypatch.setattr(own, "_MOST_FILES", 2)
    for age, name in ((30, "a"), (20, "b"), (10, "c")):
        path = tmp_path / f"{name}.pictures"
        own.save_cache(path, KEY, collection())
        os.utime(path, (1e9 - age, 1e9 - age))
        if name == "b":
            assert own.load_cache(tmp_path / "a.pictures", KEY)  # is used, and so is young
    assert sorted(os.listdir(tmp_path)) == ["a.pictures", "c.pictures"]


def test_place(monkeypatch):
    monkeypatch.setenv("LENET_CACHE", "/mine")
    first = own.cache_place("/a\udcff")
    assert str(first).startswith("/mine/pictures/")
    assert first != own.cache_place("/b")


def test_halves_of_killed_processes_go(tmp_path, monkeypatch):
    monkeypatch.setenv("LENET_CACHE", str(tmp_path / "cache"))
    write_digits(tmp_path / "in", {"3": 4, "5": 4})
    lenet.load(tmp_path / "in")
    (cached,) = (tmp_path / "cache").rglob("*.pictures")
    old, new = (cached.with_name(f".{cached.name}.{word * 2}") for word in ("dead", "live"))
    for half in (old, new):
        half.write_bytes(b"half")
    os.utime(old, (0, 0))
    write_digits(tmp_path / "other", {"3": 4, "6": 4})
    lenet.load(tmp_path / "other")
    assert (old.exists(), new.exists(), cached.exists()) == (False, True, True)
