"""Every way in which people put pictures into folders."""

import errno
import os

import pytest

from lenet.data.folders import list_pictures
from lenet.data.listing import TEST, TRAIN, UNDECIDED, VALIDATION
from lenet.errors import DataError


@pytest.fixture
def files(tmp_path):
    """Makes files of these names and gives the list of them."""

    def make(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        return list_pictures(os.path.realpath(tmp_path))

    return make


def found(listing):
    return [(entry.label, entry.path, entry.part) for entry in listing.entries]


def test_a_folder_a_class(files):
    listing = files("10/b.png", "10/a.png", "9/sub/deep/x.png", "9/2.png", "9/10.png")
    assert found(listing) == [
        ("9", "9/2.png", UNDECIDED),
        ("9", "9/10.png", UNDECIDED),
        ("9", "9/sub/deep/x.png", UNDECIDED),
        ("10", "10/a.png", UNDECIDED),
        ("10", "10/b.png", UNDECIDED),
    ]
    assert (listing.classes, listing.notes) == (("9", "10"), ())


@pytest.mark.parametrize("middle", ["val", "valid", "validation", "Val"])
def test_parts(files, middle):
    listing = files("train/a/1.png", "train/b/1.png", f"{middle}/a/2.png", "test/b/3.png")
    assert found(listing) == [
        ("a", "train/a/1.png", TRAIN),
        ("a", f"{middle}/a/2.png", VALIDATION),
        ("b", "test/b/3.png", TEST),
        ("b", "train/b/1.png", TRAIN),
    ]


def test_train_without_test_is_split(files):
    listing = files("train/a/1.png", "val/a/2.png")
    assert [entry.part for entry in listing.entries] == [UNDECIDED, VALIDATION]


def test_test_alone(files):
    assert [entry.part for entry in files("test/a/1.png").entries] == [TEST]


def test_classes_may_be_called_train(files):
    listing = files("train/1.png", "bus/1.png", "test/1.png")
    assert listing.classes == ("bus", "test", "train")


def test_hidden_things_are_left_out(files):
    names = [".git/x", "a/.hidden.png", "a/Thumbs.db", "a/desktop.ini", "__MACOSX/a/1.png"]
    listing = files("a/1.png", "a/.cache/2.png", ".DS_Store", *names)
    assert [entry.path for entry in listing.entries] == ["a/1.png"]
    assert listing.notes == ()


def test_trainings_that_were_started_there_are_left_out(files):
    names = ("a/1.png", "b/1.png", "runs/b-1/run.json", "runs/b-1/learning-curve.png")
    assert found(files(*names)) == [("a", "a/1.png", UNDECIDED), ("b", "b/1.png", UNDECIDED)]


def test_a_class_may_be_called_runs(files):
    assert {label for label, _, _ in found(files("a/1.png", "runs/1.png"))} == {"a", "runs"}


def test_what_lies_beside_the_classes_is_told(files):
    listing = files("a/1.png", "README.md", "x.png", "y.png", "z.png")
    (note,) = listing.notes
    assert note.startswith("left out, for they lie in no class folder: 4 in ")
    assert note.endswith("(README.md, x.png, y.png, ...)")


def test_names_of_every_kind(files):
    listing = files("ä ö/1 2.png", "図/'.png", "🐈/a|b.png")
    assert listing.classes == ("ä ö", "図", "🐈")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "there is nothing in .*; put the pictures of each class into a folder of its name"),
        (("1.png",), "there are files but no folders in"),
        (("train/1.png", "test/1.png"), "test has no folders for classes; put"),
        (("a/.hidden", "b/1.png"), "the class folder a has no pictures; fill or remove it"),
        (("val/a/1", "validation/a/1", "train/a/1"), "val and validation name one part twice"),
        (("a\nb/1.png",), r"names a class 'a\\nb'; a class needs a name"),
        (("/".join("a" * 40) + "/1.png",), "lies more than 32 folders deep; move it up"),
    ],
)
def test_no_classes(files, names, message):
    with pytest.raises(DataError, match=message) as caught:
        files(*names)
    assert "\n" not in str(caught.value)


def test_links_to_folders(files, tmp_path):
    files("a/1.png")
    os.symlink("/", tmp_path / "a" / "up")
    os.symlink(".", tmp_path / "a" / "here")
    faults = {entry.path: entry.fault for entry in files("b/1.png").entries}
    assert faults["a/up"] == "is a link that leads out of the folder"
    assert faults["a/here"] == "is a folder, or a link to one"
    os.symlink("a", tmp_path / "c")
    with pytest.raises(DataError, match="c is a link to a folder; put the folder itself there"):
        files("b/1.png")


def test_a_folder_that_cannot_be_read(files, tmp_path, monkeypatch):
    files("a/1.png")
    (tmp_path / "a").chmod(0)
    if os.geteuid() == 0:  # root reads everything
        scan = os.scandir

        def refused(path):
            if os.fspath(path).endswith("a"):
                raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
            return scan(path)

        monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(DataError, match=r"cannot read the folder .*: permission denied"):
        files()


def test_a_name_that_is_no_text(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / os.fsdecode(b"\xff.png")).write_bytes(b"x")
    (entry,) = list_pictures(os.path.realpath(tmp_path)).entries
    assert (entry.path, entry.fault) == ("a/\udcff.png", "")
    os.mkdir(os.fsencode(tmp_path) + b"/\xff")
    with pytest.raises(DataError, match=r"names a class '\\udcff'"):
        list_pictures(os.path.realpath(tmp_path))
