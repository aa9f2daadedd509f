"""Pictures of one's own from end to end: real files, in every layout, read back."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import lenet
from digit_pictures import write_digits
from lenet.data import cache as kept
from lenet.data import own
from lenet.errors import DataError, UsageError

COUNTS = dict.fromkeys("0123456789", 12)


@pytest.fixture
def digits(tmp_path):
    """A folder of 120 digits, 12 of each."""
    write_digits(tmp_path / "digits", COUNTS)
    return tmp_path / "digits"


def sides(data):
    """Which part each image is in, by its content."""
    return {image.tobytes(): name for name, part in data.parts.items() for image in part.images}


def assert_same(first, second):
    assert (first.classes, list(first.parts)) == (second.classes, list(second.parts))
    for name, part in first.parts.items():
        np.testing.assert_array_equal(part.images, second.parts[name].images)
        np.testing.assert_array_equal(part.labels, second.parts[name].labels)


def test_a_folder(digits):
    data = lenet.load(digits)
    assert data.summary().startswith("digits · 120 images of 8x8, 10 classes · ")
    assert (data.classes, data.source) == (tuple("0123456789"), str(digits))
    source = lenet.load("digits").train
    known = {
        image.tobytes(): label for image, label in zip(source.images, source.labels, strict=True)
    }
    for part in data.parts.values():
        assert len(part) > 10
        for image, label in zip(part.images, part.labels, strict=True):
            assert known[image.tobytes()] == label


def test_the_split_stays_when_files_are_added_and_renamed(digits):
    before = sides(lenet.load(digits))
    write_digits(digits, COUNTS, start=12)
    for path in sorted(digits.glob("3/*.png")):
        path.rename(path.with_name(f"x{path.name}"))
    after = sides(lenet.load(digits))
    assert len(after) == 2 * len(before)
    moved = [image for image, side in before.items() if after[image] != side]
    assert not moved


def test_the_split_does_not_depend_on_the_format_or_on_wishes(digits, tmp_path):
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
    images = np.concatenate([part.images[:, 0] for part in data.parts.values()])
    labels = np.concatenate([part.labels for part in data.parts.values()])
    np.savez(tmp_path / "d.npz", x=images, y=labels)
    assert sides(lenet.load(tmp_path / "d.npz")) == sides(data)
    flat = np.column_stack([labels, images.reshape(len(images), -1)])
    np.savetxt(
        tmp_path / "k.csv", flat, "%d", ",", header="label," + ",".join("x" * 64), comments=""
    )
    assert sides(lenet.load(tmp_path / "k.csv")) == sides(data)


def test_parts_of_its_own(tmp_path):
    for start, part in enumerate(("train", "val", "test")):
        write_digits(tmp_path / part, {"3": 4, "5": 4}, start=4 * start)
    data = lenet.load(tmp_path)
    assert {name: len(part) for name, part in data.parts.items()} == {
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
        "left out, for they cannot be read: train/2/bad.png is not a picture that can be read",
        "pictures of 8x8 to 12x20 become 8x8, their proportions kept; --size says otherwise",
        "1 of 42 pictures have colour, so all become RGB; --gray makes all grey",
        "2 images in more than one part, which makes tests look too good: test/1/28.png is "
        "train/1/28.png (train and test)",
        "no images to test 1 class: 2",
        "classes are unbalanced: 1 has 6.0 times as many images to train on as 2",
    )


def test_bad_files(digits):
    for name in "abcd":
        (digits / "3" / f"{name}.png").write_bytes(b"no")
    message = (
        r"4 of 124 pictures in .* cannot be read: 3/a.png is not a picture that can be "
        r"read, 3/b.*, 3/c.* and 1 more; mend or remove them, or leave them out with --skip-bad"
    )
    with pytest.raises(DataError, match=message):
        lenet.load(digits)
    assert sum(map(len, lenet.load(digits, skip_bad=True).parts.values())) == 120
    for path in digits.glob("4/*"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match=r"no picture of class '4' in .* can be read: 3/a.png is"):
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


def test_a_damaged_cache_is_made_again(digits, cache):
    first = lenet.load(digits)
    (path,) = [p for p in (cache / "pictures").iterdir() if time.time() - p.stat().st_mtime < 60][
        -1:
    ]
    for found in (cache / "pictures").iterdir():
        found.write_bytes(found.read_bytes()[:-1])
    assert_same(first, lenet.load(digits))
    assert path.exists()


def test_no_cache_is_no_harm(digits, monkeypatch, tmp_path):
    first = lenet.load(digits)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LENET_CACHE", str(tmp_path / "file"))
    assert_same(first, lenet.load(digits))


def test_nothing_of_the_cache_is_pickled(digits, cache):
    lenet.load(digits)
    path = kept.place(f"{os.path.realpath(digits)}\n{own.Wishes()}")
    assert path.parent.parent == cache
    assert path.read_bytes().startswith(b"lenet pictures 1\n")


@pytest.mark.parametrize(
    ("name", "title"),
    [("a b", "a b"), ("x" * 100, "x" * 60), ("a\x1b", "pictures"), ("digits", "digits")],
)
def test_title(tmp_path, name, title):
    (tmp_path / name).mkdir()
    assert own.title(str(tmp_path / name)) == title
    assert own.title(str(tmp_path / "t.v1.csv")) == "t.v1"


def test_what_is_no_data(tmp_path):
    with pytest.raises(UsageError, match=r"no data set is called '.*nowhere'.*that exists"):
        lenet.load(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero", "/dev/null"):
        with pytest.raises(DataError, match="it is a pipe or a device, no file; give a folder"):
            lenet.load(path)
    Image.new("L", (4, 4)).save(tmp_path / "x.png")
    with pytest.raises(DataError, match=r"x.png is no table in UTF-8 and no .npz"):
        lenet.load(tmp_path / "x.png")
    with pytest.raises(DataError, match="are files but no folders"):
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
