"""Tables of pixels, as Kaggle and others give them."""

import numpy as np
import pytest

import lenet
from lenet.data import pixels
from lenet.data.own import read
from lenet.data.wishes import Wishes
from lenet.errors import DataError

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
    def load(text, wishes=Wishes()):  # noqa: B008 - immutable
        path = tmp_path / "t.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read(str(path), wishes)

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


def test_spellings(load):
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


def test_wishes(load):
    assert load(table(), Wishes((6, 5), 3)).images.shape == (200, 3, 6, 5)


PLAIN = table()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PLAIN + "1,2,3\n", "t.csv, line 202, has 3 columns where the first has 65; give a label"),
        (PLAIN + "1," + "x," * 63 + "0\n", "has 'x' for a pixel near line 202"),
        (PLAIN + "1," + "," * 63 + "\n", "has '' for a pixel near line 202"),
        (PLAIN + "1," + "nan," * 63 + "0\n", "values that are no numbers; give whole numbers 0"),
        (PLAIN + "1," + "-1," * 63 + "0\n", "has values from -1 to 255"),
        (PLAIN + "1," + "1e999," * 63 + "0\n", "has values from 0 to inf"),
        (PLAIN + " ," + "0," * 63 + "0\n", "names a class ''"),
        ("1,0,0,0,0,0\n2,0,0,0,0,0\n", "has 6 columns, and 5 pixels are no square image; give"),
        (
            "\n".join(",".join("0" * 64) for _ in range(3)),
            "has 64 columns, which would be 8x8 pixels without a label",
        ),
        (
            "\n".join(f"{i},5,5,5,{i}" for i in range(30)),
            "does not tell whether its first or its last column is the label; put a line of titles",
        ),
        (table(titles=False).encode() * 60 + b"\xff\n", "is no text in UTF-8; save it as UTF-8"),
    ],
)
def test_refusals(load, text, message):
    with pytest.raises(DataError, match=message) as caught:
        load(text)
    assert "\n" not in str(caught.value)
