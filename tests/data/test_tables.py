"""Tables that list pictures, and tables of pixels, as Kaggle and others give them."""

import os

import numpy as np
import pytest

import lenet
from lenet.data import pixels, tables
from lenet.data.collection import LoadOptions
from lenet.data.dataset import TEST, TRAIN, VALIDATION
from lenet.data.own import read
from lenet.data.tables import is_number, list_files, look_at_start
from lenet.errors import DataError
from lenet.files import open_regular
from refusals import refused


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
        return {entry.path: (entry.label, entry.split) for entry in listing.entries}

    return read


EXPECTED = {"a.png": ("cat", TRAIN), "b.png": ("dog", TRAIN)}


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


@pytest.mark.parametrize(
    "text",
    [
        "ClassId;Width;Path\ncat;28;a.png\ndog;28;b.png\n",
        "Filename,Roi.X1,Roi.X2,Roi.Y1,Roi.Y2,ClassId\na.png,1,2,3,4,cat\nb.png,1,2,3,4,dog\n",
        "image_id,labels\na.png,cat\nb.png,dog\n",
        "id,breed\na,cat\nb,dog\n",  # without endings
        "sep=;\r\nlabel;path\r\ncat;a.png\r\ndog;b.png\r\n",  # as spreadsheets may write it
        "foo,bar\na.png,cat\nb.png,dog\n",  # titles that nobody knows, above names of files
        "cat,a.png\ndog,b.png\n",
        "a.png cat\nb.png dog\n",
        "path  label\na.png  cat\nb.png  dog\n",
        "path,label\n.\\a.png,cat\nsub\\..\\b.png,dog\n",
    ],
)
def test_tables_as_they_come(listed, text):
    assert listed(text) == EXPECTED


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8"])
def test_encodings_with_a_mark(listed, encoding):
    text = "path,label\r\na.png,类0\r\nä ö.png,dog\r\n"
    expected = {"a.png": ("类0", TRAIN), "ä ö.png": ("dog", TRAIN)}
    assert listed(text, encoding) == expected
    assert listed("sep=,\r\n" + text, encoding) == expected


@pytest.mark.parametrize(
    ("text", "encoding", "name"),
    [
        ("path,label\na.png,类别\n", "gbk", "GBK"),
        ("path,label\na.png,猫です\n", "shift_jis", "SHIFT_JIS"),
        ("path,label\na.png,Käse\n", "latin-1", "WINDOWS-1252"),
        ("path,label\na.png,cat\n", "utf-16-le", "UTF-16LE"),
        ("path,label\na.png,cat\n", "utf-16-be", "UTF-16BE"),
    ],
)
def test_encodings_without_a_mark_are_named(listed, text, encoding, name):
    with refused(DataError, f"perhaps in {name}", f"iconv -f {name} -t UTF-8"):
        listed(text, encoding)


def test_absolute_paths(listed, tmp_path):
    text = f"path,label\n{tmp_path}/a.png,cat\n{tmp_path}/sub/../b.png,dog\n"
    assert listed(text) == EXPECTED
    for path in ("/home/me/pics/sub/c.png", r"C:\pics\sub\c.png", "../sub/c.png"):
        with refused(DataError, "leads out of", "give paths from there, such as sub/c.png"):
            listed(f"path,label\n{path},cat\n")


@pytest.fixture
def faults(tmp_path):
    """Writes files and a table, and tells the fault of each file that it names, and the notes."""

    def read(text, *names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(b"x")
        path = tmp_path / "t.csv"
        path.write_text(text)
        with open_regular(path) as file:
            listing = list_files(str(path), file, look_at_start(str(path), file))
        return {entry.path: entry.fault for entry in listing.entries}, listing.notes

    return read


def test_files_in_a_folder_below(faults):
    found, notes = faults("id,breed\na1,cat\nb2,dog\n", "train/a1.jpg", "train/b2.JPG", "x/c.png")
    assert found == {"train/a1.jpg": "", "train/b2.JPG": ""}
    assert notes == ("2 files that are not where their paths say were found in train",)


def test_a_name_that_several_files_have(faults):
    names = ("a.png", "a.jpg", "one/b.png", "two/b.png", "c.txt", "x/d.png", "d.png")
    found, _ = faults("id,breed\na,cat\nb,dog\nc,cow\nd,elk\n", *names)
    assert found == {
        "a": "may be a.jpg or a.png",
        "b": "may be one/b.png or two/b.png",
        "c": "cannot be opened (no such file or directory)",
        "d.png": "",
    }


def test_links_that_lead_out(faults, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.png").write_bytes(b"x")
    (tmp_path / "inside" / "real").mkdir(parents=True)
    (tmp_path / "inside" / "real" / "a.png").write_bytes(b"x")
    os.symlink("../outside", tmp_path / "inside" / "out")
    os.symlink("real", tmp_path / "inside" / "within")
    path = tmp_path / "inside" / "t.csv"
    path.write_text("path,label\nout/a.png,cat\nwithin/a.png,dog\nout/nowhere.png,cow\n")
    with open_regular(path) as file:
        listing = list_files(str(path), file, look_at_start(str(path), file))
    assert {entry.path: entry.fault for entry in listing.entries} == {
        "out/a.png": "is in a link that leads out of the folder",
        "within/a.png": "",
        "out/nowhere.png": "is in a link that leads out of the folder",
    }


def test_splits(listed):
    text = "path,label,split\na.png,x,train\nb.png,x,Val\nsub/c.png,y,test\nä ö.png,y,training\n"
    found = {path: split for path, (_, split) in listed(text).items()}
    assert found == {"a.png": TRAIN, "b.png": VALIDATION, "sub/c.png": TEST, "ä ö.png": TRAIN}
    assert listed("a.png,x,train\nb.png,y,valid\n")["a.png"] == ("x", TRAIN)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no table in UTF-8 and no .npz"),
        (" \n", "no table in UTF-8"),
        ("a\0b,c\n", "no table in UTF-8"),
        ("path,label\n", "lists no pictures"),
        ("hello\n", "1 column, and no titles"),
        ("a,b,c,d\n1,x,y,z", "4 columns, and no titles"),
        (";\n", "no table in UTF-8"),
        (",,,,\n", "no table in UTF-8"),
        ('"', "no table in UTF-8"),
        ("lesion,image_id,dx,age\n1,a,x,y\n", "the titles lesion, image_id, dx, ..., and none"),
        ("a.png,cat\nb.png\n", "t.csv, line 2, has 1 column"),
        (
            "a.png,cat,train\nb.png,dog,maybe\n",
            "line 2, has the split 'maybe'",
        ),
        ("a.png,cat,train\nb.png,dog\n", "of some pictures only"),
        ("a.png,\n", "line 1, names a class ''"),
        ("../a.png,cat\n", "line 1, has the path '../a.png'"),
        ("/etc/passwd,cat\n", "the path '/etc/passwd'"),
        (",cat\n", "the path ''"),
        ("a.png,cat\n" + "x" * 200_000 + ",dog", "line 2, is no row of a table"),
    ],
)
def test_refusals(listed, text, words):
    with refused(DataError, words):
        listed(text)


def test_other_encodings(listed, monkeypatch):
    with refused(DataError, "no table in UTF-8"):
        listed("ä.png,cat\n", "latin-1")
    monkeypatch.setattr(tables, "_START", 100)
    with refused(DataError, "line 51, is no text in UTF-8"):
        listed("a.png,cat\n" * 50 + "ä.png,cat\n", "latin-1")


def test_files_that_are_not_there_are_faults(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("nowhere.png,cat\nb.png,dog\n")
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


DIGITS = lenet.load("digits").train
IMAGES, LABELS = DIGITS.images[:200], DIGITS.labels[:200]


def table(images=IMAGES, labels=LABELS, last=False, titles=True, delimiter=",", form="{}"):
    flat = images.reshape(len(images), -1).tolist()
    rows = [[form.format(value) for value in row] for row in flat]
    names = [f"pixel{index}" for index in range(len(rows[0]))]
    lines = [[*r, str(n)] if last else [str(n), *r] for r, n in zip(rows, labels, strict=True)]
    if titles:
        lines.insert(0, [*names, "label"] if last else ["label", *names])
    return "\n".join(delimiter.join(line) for line in lines) + "\n"


@pytest.fixture
def load(tmp_path):
    def load(text, options=LoadOptions()):  # noqa: B008 - immutable
        path = tmp_path / "t.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read(str(path), options)

    return load


def same(found, images=IMAGES, labels=LABELS):
    """Are these the images with their labels, in whatever order?"""
    expected = sorted((i.tobytes(), str(n)) for i, n in zip(images, labels, strict=True))
    names = [found.classes[label] for label in found.labels]
    return sorted((i.tobytes(), n) for i, n in zip(found.images, names, strict=True)) == expected


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("titles", [False, True])
def test_where_the_label_is(load, last, titles):
    assert same(load(table(last=last, titles=titles)))


def test_spellings_of_pixels(load):
    assert same(load(table(delimiter=";")))
    assert same(load(table(delimiter="\t", form='"{}"')))
    assert same(load(table(form=" {}.0")))
    assert same(load("\ufeff" + table().replace("\n", "\r\n\r\n")))
    assert same(load(table()[:-1]))


def test_names_for_labels(load):
    names = np.array([*"abcdefghij"])[LABELS]
    for titles in (False, True):
        for last in (False, True):
            assert same(load(table(labels=names, titles=titles, last=last)), labels=names)


def test_floats_from_0_to_1(load):
    text = table((IMAGES / 255).round(6))
    assert same(load(text))


def test_floats_of_another_scale_are_refused(load):
    for top in (1.02, 16):
        with refused(DataError, "divide by"):
            load(table((IMAGES / 255 * top).round(3)))
    assert same(load(table(IMAGES // 16)), IMAGES // 16)


def test_dark_rows_first_do_not_mislead(load, monkeypatch):
    monkeypatch.setattr(pixels, "_ROWS", 3)
    for unit in (IMAGES, (IMAGES / 255).round(6)):
        dark = np.concatenate([unit[:5] * 0, unit])
        labels = np.concatenate([LABELS[:5], LABELS])
        expected = np.concatenate([IMAGES[:5] * 0, IMAGES])
        assert same(load(table(dark, labels)), expected, labels)
    faint = np.concatenate([IMAGES[:5] > 200, IMAGES]).astype(np.uint8)
    labels = np.concatenate([LABELS[:5], LABELS])
    assert same(load(table(faint, labels)), faint, labels)


@pytest.mark.parametrize("interleaved", [False, True])
def test_three_channels(load, interleaved):
    rgb = np.stack([IMAGES[:, 0], 255 - IMAGES[:, 0], IMAGES[:, 0] // 2], axis=1)
    given = rgb.transpose(0, 2, 3, 1) if interleaved else rgb
    found = load(table(np.ascontiguousarray(given)))
    assert found.images.shape == (200, 3, 8, 8)
    assert same(found, rgb)


def test_a_table_without_labels(load, tmp_path):
    rows = [line.partition(",")[2] for line in table(titles=False).splitlines()]
    text = "\n".join([",".join(f"pixel{i}" for i in range(64)), *rows])
    with refused(DataError, "no labels", "predicted, not learned"):
        load(text)
    for given in (text, table()):
        path = tmp_path / "t.csv"
        path.write_text(given)
        with open_regular(path) as file:
            images = pixels.read_unlabelled(str(path), file, look_at_start(str(path), file))
        np.testing.assert_array_equal(images, IMAGES)


def test_other_encodings_and_delimiters_of_pixels(load):
    assert same(load(table().encode("utf-16")))
    assert same(load(table(delimiter=" ")))


def test_transposed(load):
    turned = np.ascontiguousarray(IMAGES.swapaxes(2, 3))
    assert same(load(table(turned), LoadOptions(transpose=True)))


def test_options(load):
    assert load(table(), LoadOptions((6, 5), 3)).images.shape == (200, 3, 6, 5)


PLAIN = table()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PLAIN + "1,2,3\n", "line 202, has 3 columns where the first has 65"),
        (PLAIN + "1," + "x," * 63 + "0\n", "has 'x' for a pixel near line 202"),
        (PLAIN + "1," + "," * 63 + "\n", "has '' for a pixel near line 202"),
        (PLAIN + "1," + "nan," * 63 + "0\n", "values that are no numbers"),
        (PLAIN + "1," + "-1," * 63 + "0\n", "has values from -1 to 255"),
        (PLAIN + "1," + "1e999," * 63 + "0\n", "has values from 0 to inf"),
        (PLAIN + " ," + "0," * 63 + "0\n", "names a class ''"),
        ("1,0,0,0,0,0\n2,0,0,0,0,0\n", "which is one too many"),
        ("1,0,0,0,0,0,0\n2,0,0,0,0,0,0\n", "6 pixels are no square image"),
        ("0,5\n0;2;4;6;8\n1,2,3,4\n0,1,2,3\n", "1 column, the pixels of 1x1, and no labels"),
        ("1,1e39" + ",0" * 11 + "\n2" + ",0" * 12 + "\n", "has values from 0 to inf"),
        ("x0,x1,x2,x3,x4\n1,2,3,4,5,6\n2,2,3,4,5,6\n", "5 columns in its first line and 6"),
        ("my data\n1,2,3,4,5\n2,3,4,5,6\n", "1 column in its first line and 5 in the next"),
        ("id,p0,p1,p2,p3\n0,0,0,0,0\n1,0,0,0,0\n2,0,0,0,0\n", "neither 'id' nor 'p3' is a label"),
        (
            "\n".join(",".join("0" * 64) for _ in range(3)),
            "the pixels of 8x8, and no labels",
        ),
        (
            "\n".join(f"{i},5,5,5,{i}" for i in range(30)),
            "first or its last column for the label",
        ),
        (table(titles=False).encode() * 60 + b"\xff\n", "is no text in UTF-8"),
    ],
)
def test_refusals_of_pixels(load, text, words):
    with refused(DataError, words):
        load(text)
