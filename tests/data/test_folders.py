"""Every way in which people put pictures into folders, their order, and what may be opened."""

import errno
import os
import socket

import pytest

from lenet.data import folders
from lenet.data.dataset import TEST, TRAIN, VALIDATION
from lenet.data.folders import (
    Entry,
    Listing,
    class_name,
    classes_of,
    list_by_name,
    list_pictures,
    look_at,
    name_reader,
)
from lenet.errors import DataError, UsageError
from refusals import refused


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
    return [(entry.label, entry.path, entry.split) for entry in listing.entries]


def test_a_folder_a_class(files):
    listing = files("10/b.png", "10/a.png", "9/sub/deep/x.png", "9/2.png", "9/10.png")
    assert found(listing) == [
        ("9", "9/2.png", TRAIN),
        ("9", "9/10.png", TRAIN),
        ("9", "9/sub/deep/x.png", TRAIN),
        ("10", "10/a.png", TRAIN),
        ("10", "10/b.png", TRAIN),
    ]
    assert (listing.classes, listing.notes) == (("9", "10"), ())


@pytest.mark.parametrize("middle", ["val", "valid", "validation", "Val"])
def test_splits(files, middle):
    listing = files("train/a/1.png", "train/b/1.png", f"{middle}/a/2.png", "test/b/3.png")
    assert found(listing) == [
        ("a", "train/a/1.png", TRAIN),
        ("a", f"{middle}/a/2.png", VALIDATION),
        ("b", "test/b/3.png", TEST),
        ("b", "train/b/1.png", TRAIN),
    ]


def test_train_without_test(files):
    listing = files("train/a/1.png", "val/a/2.png")
    assert [entry.split for entry in listing.entries] == [TRAIN, VALIDATION]


def test_test_alone(files):
    assert [entry.split for entry in files("test/a/1.png").entries] == [TEST]


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
    assert found(files(*names)) == [("a", "a/1.png", TRAIN), ("b", "b/1.png", TRAIN)]


def test_a_class_may_be_called_runs(files):
    assert {label for label, _, _ in found(files("a/1.png", "runs/1.png"))} == {"a", "runs"}


def test_what_lies_beside_the_classes_is_told(files):
    listing = files("a/1.png", "README.md", "x.png", "y.png", "z.png")
    (note,) = listing.notes
    assert note.startswith("left out, because no class folder holds them: 4 in ")
    assert note.endswith("(README.md, x.png, y.png, ...)")


def test_names_of_every_kind(files):
    listing = files("ä ö/1 2.png", "図/'.png", "🐈/a|b.png")
    assert listing.classes == ("ä ö", "図", "🐈")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), "there is nothing in"),
        (("1.png",), "files but no folders"),
        (("train/1.png", "test/1.png"), "test has no folders for classes"),
        (("a/.hidden", "b/1.png"), "class folder a has no pictures"),
        (("val/a/1", "validation/a/1", "train/a/1"), "val and validation name one split twice"),
        (("a\nb/1.png",), r"a class 'a\nb'"),
        (("/".join("a" * 40) + "/1.png",), "more than 32 folders deep"),
    ],
)
def test_no_classes(files, names, words):
    with refused(DataError, words):
        files(*names)


@pytest.mark.parametrize(
    ("names", "pattern", "labels"),
    [
        (("3_01.png", "4_02.png", "3_03.png", "4_1.png"), "{label}_#", "3 and 4"),
        (("01_3.png", "02_4.png", "03_3.png", "1_4.png"), "#_{label}", "3 and 4"),
        (("cat.0.jpg", "dog.1.jpg", "cat.1.jpg", "dog.2.jpg"), "{label}.#", "cat and dog"),
        (
            ("t_shirt_1.png", "coat_2.png", "t_shirt_3.png", "coat_3.png"),
            "{label}_#",
            "coat and t_",
        ),
        (
            ("cat (1).png", "cat (2).png", "dog (1).png", "dog (2).png"),
            "{label} (#)",
            "cat and dog",
        ),
        (("a1.png", "b2.png", "a3.png", "b4.png"), "{label}#", "a and b"),
        (("IMG-x-a.png", "IMG-y-b.png", "IMG-z-a.png", "IMG-1-b.png"), "*-{label}", "a and b"),
    ],
)
def test_classes_in_the_names_are_proposed(files, names, pattern, labels):
    words = [f"label_from_name={pattern!r}", labels, "files but no folders", "path,label"]
    with refused(DataError, *words) as caught:
        files(*names)
    assert caught.value.parameter == "label_from_name"


def test_nothing_is_proposed_where_nothing_fits(files):
    with refused(DataError, "put the pictures of each class into a folder") as caught:
        files("1.png", "2.png", "3.png", "4.png")
    assert not caught.value.parameter


def named(root, pattern):
    return list_by_name(os.path.realpath(root), pattern)


def test_classes_in_the_names(tmp_path):
    for name in ("t_shirt_1.png", "coat_22.png", "sub/coat_3.png", "README.md", "x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    listing = named(tmp_path, "{label}_#")
    assert found(listing) == [
        ("coat", "coat_22.png", TRAIN),
        ("coat", "sub/coat_3.png", TRAIN),
        ("t_shirt", "t_shirt_1.png", TRAIN),
    ]
    assert listing.notes == (
        "left out, because their names do not fit {label}_#: 2 (README.md and x.png)",
    )
    assert {label for label, _, _ in found(named(tmp_path, "{label}_*"))} == {"coat", "t"}
    with refused(DataError, "no file in", "(README.md is there)") as caught:
        named(tmp_path, "{label}-*")
    assert caught.value.parameter == "label_from_name"


def test_classes_in_the_names_and_splits(tmp_path):
    for name in ("train/a_1.png", "test/b_1.png", "train/b_2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    listing = named(tmp_path, "{label}_*")
    assert [(entry.label, entry.split) for entry in listing.entries] == [
        ("a", TRAIN),
        ("b", TEST),
        ("b", TRAIN),
    ]


@pytest.mark.parametrize("pattern", ["*{label}", "{label}*", "{label}**.x", "a_*{label}_#"])
def test_patterns_that_do_not_say_where_the_class_ends(pattern):
    with refused(UsageError, "between"):
        name_reader(pattern)


@pytest.mark.parametrize("pattern", ["", "x", "{label}{label}", "*", "{label}*_*_*_*"])
def test_patterns_that_say_nothing(pattern):
    with refused(UsageError, "write {label} once"):
        name_reader(pattern)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("dataset/train/a/1.png", "dataset/test/a/1.png"), "one folder, dataset, with test and"),
        (("x/y/z/a/1.png", "x/y/z/b/1.png"), "one folder, x/y/z, with a and b in it; give "),
        (("images/train/a/1", "images/test/a/1", "meta/1"), "has the folder images with test and"),
        (("Train/a/1.png", "Train/b/1.png", "Test/1.png", "Meta/1.png"), "beside it, Meta; keep"),
        (("cat/train/1", "cat/test/1", "dog/train/1", "dog/test/2"), "as train/cat and test/cat"),
        (("train/cat.png", "test1/1.png"), "test1 and train, which look like splits"),
        (("train/1.jpg", "test/1.jpg", "labels.csv"), "give the file that lists them: "),
        (("1.jpg", "2.jpg", "train.csv"), "give the file that lists them: "),
    ],
)
def test_one_folder_too_high(files, names, words):
    with refused(DataError, words):
        files(*names)


def test_one_class_alone_is_listed(files):
    assert files("a/1.png", "a/sub/2.png").classes == ("a",)


def test_links_to_folders(files, tmp_path):
    files("a/1.png")
    os.symlink("/", tmp_path / "a" / "up")
    os.symlink(".", tmp_path / "a" / "here")
    faults = {entry.path: entry.fault for entry in files("b/1.png").entries}
    assert faults["a/up"] == "is a link that leads out of the folder"
    assert faults["a/here"] == "is a folder, or a link to one"
    os.symlink("a", tmp_path / "c")
    with refused(DataError, "c is a link to a folder"):
        files("b/1.png")


def test_a_folder_that_cannot_be_read(files, tmp_path, monkeypatch):
    files("a/1.png")
    (tmp_path / "a").chmod(0)
    if os.geteuid() == 0:  # root reads everything
        scan = os.scandir

        def denied(path):
            if os.fspath(path).endswith("a"):
                raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
            return scan(path)

        monkeypatch.setattr(os, "scandir", denied)
    with refused(DataError, "permission denied"):
        files()


def test_a_name_that_is_no_text(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / os.fsdecode(b"\xff.png")).write_bytes(b"x")
    (entry,) = list_pictures(os.path.realpath(tmp_path)).entries
    assert (entry.path, entry.fault) == ("a/\udcff.png", "")
    os.mkdir(os.fsencode(tmp_path) + b"/\xff")
    with refused(DataError, r"a class '\udcff'"):
        list_pictures(os.path.realpath(tmp_path))


def test_order_is_by_class_then_by_path():
    names = [("10", "a/2.png"), ("2", "b/10.png"), ("2", "b/9.png"), ("10", "a/10.png")]
    found = Listing.of("r", [Entry(label, path, TEST) for label, path in names], ["note"])
    assert found.classes == ("2", "10")
    assert [e.path for e in found.entries] == ["b/9.png", "b/10.png", "a/2.png", "a/10.png"]
    assert [e.label for e in found.entries] == ["2", "2", "10", "10"]
    assert found.notes == ("note",)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "root" / "a" / "x.png").write_bytes(b"123")
    return os.path.realpath(tmp_path / "root")


def fault(root, path):
    return look_at(root, path, "a", TRAIN).fault


def test_a_file(root):
    entry = look_at(root, "a/x.png", "a", TRAIN)
    time = os.stat(os.path.join(root, "a/x.png")).st_mtime_ns
    assert entry == Entry("a", "a/x.png", TRAIN, (3, time), "")


def test_a_link_within_is_the_file_it_leads_to(root):
    os.symlink("x.png", os.path.join(root, "a/y.png"))
    assert look_at(root, "a/y.png", "a", TRAIN).stamp == look_at(root, "a/x.png", "a", TRAIN).stamp


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "../../root2/x"])
def test_links_that_lead_out(root, target):
    for name in ("outside", "root2"):
        os.makedirs(os.path.join(os.path.dirname(root), name), exist_ok=True)
    os.symlink(target, os.path.join(root, "a/y.png"))
    assert fault(root, "a/y.png") == "is a link that leads out of the folder"


def test_what_is_no_file(root):
    os.mkfifo(os.path.join(root, "a/pipe"))
    os.symlink("pipe", os.path.join(root, "a/to-pipe"))
    os.symlink(".", os.path.join(root, "a/to-folder"))
    os.symlink("nowhere", os.path.join(root, "a/broken"))
    os.symlink("loop", os.path.join(root, "a/loop"))
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.join(root, "s"))
        assert fault(root, "s") == "is a pipe or a device, no file"
    assert fault(root, "a/pipe") == fault(root, "a/to-pipe") == "is a pipe or a device, no file"
    assert fault(root, "a/to-folder") == fault(root, "a") == "is a folder, or a link to one"
    assert fault(root, "a/broken") == "cannot be opened (no such file or directory)"
    assert fault(root, "a/loop").startswith("cannot be opened (too many")
    assert fault(root, "a/nul\0") == "cannot be opened (a zero byte in the name)"


def test_too_many(monkeypatch):
    monkeypatch.setattr(folders, "MAX_FILES", 2)
    entries = [Entry("a", str(number), TEST) for number in range(3)]
    assert len(Listing.of("r", entries[:2]).entries) == 2
    with refused(DataError, "more than 2 files"):
        Listing.of("r", entries)


def test_each_name_once():
    assert classes_of(["b", "a", "b"]) == ("a", "b")


def test_numbers_are_in_their_order():
    assert classes_of(["1", "-1", "10", "0", "-2"]) == ("-2", "-1", "0", "1", "10")
    assert classes_of(["1", "-1", "x"]) == ("1", "-1", "x")
    assert classes_of(["01", "1", "2"]) == ("01", "1", "2")


def test_one_spelling_of_an_accent():
    assert class_name("e\u0301", "x") == class_name(" \u00e9 ", "x") == "\u00e9"


@pytest.mark.parametrize("text", ["", " ", "a\nb", "\x1b[31m", "\udce4", "x" * 201, "a\0"])
def test_no_names(text):
    with refused(DataError, "here names a class"):
        class_name(text, "here")


def test_numbers_that_are_no_classes():
    with refused(DataError, "10,001 different labels, from '0' to '10000'"):
        classes_of(map(str, range(10_001)))
