"""Tables that list pictures."""

import os

import pytest

from lenet.data import tables
from lenet.data.listing import TEST, TRAIN, UNDECIDED, VALIDATION
from lenet.data.pictures import open_regular
from lenet.data.tables import is_number, list_files, look_at_start
from lenet.errors import DataError


@pytest.fixture
def listed(tmp_path):
    """Writes a table and reads what it lists."""
    for name in ("a.png", "b.png", "sub/c.png", "ä ö.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    def read(text, encoding="utf-8"):
        path = tmp_path / "t.csv"
        path.write_bytes(text.encode(encoding))
        with open_regular(path) as file:
            start = look_at_start(str(path), file)
            assert not start.has_pixels
            listing = list_files(str(path), file, start)
        assert not any(entry.fault for entry in listing.entries)
        return {entry.path: (entry.label, entry.part) for entry in listing.entries}

    return read


EXPECTED = {"a.png": ("cat", UNDECIDED), "b.png": ("dog", UNDECIDED)}


@pytest.mark.parametrize(
    "text",
    [
        "a.png,cat\nb.png,dog\n",
        "path,label\na.png,cat\nb.png,dog",
        "\n\nlabel,File\r\ncat,a.png\r\n\r\ndog,b.png\r\n",
        "id;class;image path\n1;cat;a.png\n2;dog;b.png\n",
        "filename\tlabel\na.png\tcat\nb.png\tdog\n",
        '"a.png", "cat"\n"./b.png","dog"\n',
        "\ufeffpath,label\na.png,cat\nb.png,dog\n",
        "path,label,split\na.png,cat,\nb.png,dog,\n",
    ],
)
def test_spellings(listed, text):
    assert listed(text) == EXPECTED


def test_splits(listed):
    text = "path,label,split\na.png,x,train\nb.png,x,Val\nsub/c.png,y,test\nä ö.png,y,training\n"
    found = {path: part for path, (_, part) in listed(text).items()}
    assert found == {"a.png": TRAIN, "b.png": VALIDATION, "sub/c.png": TEST, "ä ö.png": TRAIN}
    assert listed("a.png,x,train\nb.png,y,valid\n")["a.png"] == ("x", UNDECIDED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no table in UTF-8 and no .npz file; give path,label"),
        (" \n", "is no table in UTF-8"),
        ("a\0b,c\n", "is no table in UTF-8"),
        ("path,label\n", "lists no pictures; give path,label"),
        ("hello\n", "has 1 columns, and no titles that say which are path and label"),
        ("a,b,c,d\n1,x,y,z", "has 4 columns, and no titles"),
        ("a.png,cat\nb.png\n", r"t.csv, line 2, has 1 columns; give path,label\[,split\]"),
        (
            "a.png,cat,train\nb.png,dog,maybe\n",
            "line 2, has the split 'maybe'; it must be train, val",
        ),
        ("a.png,cat,train\nb.png,dog\n", "says of some pictures only which split they are in"),
        ("a.png,\n", "line 1, names a class ''; a class needs a name"),
        ("../a.png,cat\n", "line 1, has the path '../a.png'; it must lead from the table's own"),
        ("/etc/passwd,cat\n", "has the path '/etc/passwd'; it must lead from"),
        (",cat\n", "has the path ''; it must lead from"),
        ("a.png,cat\n" + "x" * 200_000 + ",dog", "line 2, is no row of a table: field larger"),
    ],
)
def test_refusals(listed, text, message):
    with pytest.raises(DataError, match=message) as caught:
        listed(text)
    assert "\n" not in str(caught.value)


def test_other_encodings(listed, monkeypatch):
    with pytest.raises(DataError, match="is no table in UTF-8"):
        listed("ä.png,cat\n", "latin-1")
    monkeypatch.setattr(tables, "_START", 100)
    with pytest.raises(DataError, match="line 51, is no text in UTF-8; save it as"):
        listed("a.png,cat\n" * 50 + "ä.png,cat\n", "latin-1")


def test_files_that_are_not_there_are_faults(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("nowhere.png,cat\nb\0.png".replace("\0", "") + ",dog\n")
    os.mkfifo(tmp_path / "b.png")
    with open_regular(path) as file:
        listing = list_files(str(path), file, look_at_start(str(path), file))
    assert [entry.fault for entry in listing.entries] == [
        "cannot be opened (no such file or directory)",
        "is a pipe or a device, no file",
    ]


def test_numbers():
    assert all(map(is_number, ("1", "-1", "0.5", "1e-3", " 2 ")))
    assert not any(map(is_number, ("", "x", "1,5", "a.png")))
