"""The digits inside the package, and a split that must never change."""

import hashlib

import numpy as np

from lenet.data import digits


def test_what_is_there():
    data = digits.load()
    assert data.summary() == (
        "digits · 1,797 images of 8x8, 10 classes · 1,437 to train on, 360 to test"
    )
    assert data.classes == tuple("0123456789")
    for part in (data.train, data.test):
        assert part.images.min() == 0
        assert part.images.max() == 255
        # 17 levels, 0 to 16, and no more
        assert set(np.unique(part.images)) <= {round(value * 255 / 16) for value in range(17)}


def test_first_digit_is_the_known_zero():
    values = np.rint(digits.load().train.images[0, 0] * (16 / 255)).astype(int)
    labels = digits.load().train.labels
    assert labels[0] == 0
    assert values[0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]


def test_split_is_stratified():
    data = digits.load()
    train, test = np.bincount(data.train.labels), np.bincount(data.test.labels)
    share = (train + test) * 360 / 1797
    assert test.sum() == 360
    assert (np.abs(test - share) < 1).all()


def test_split_is_the_same_forever():
    data = digits.load()
    assert hashlib.sha256(data.test.images.tobytes()).hexdigest() == SPLIT_IMAGES
    assert hashlib.sha256(data.test.labels.astype("<i8").tobytes()).hexdigest() == SPLIT_LABELS


def test_split_of_uneven_classes():
    labels = np.array([0] * 7 + [1] * 2 + [2] * 1)
    test = digits.split(labels, 4)
    assert np.bincount(labels[test], minlength=3).tolist() == [3, 1, 0]
    np.testing.assert_array_equal(test, digits.split(labels, 4))


def test_attribution_is_packaged():
    text = (digits._FOLDER / "ATTRIBUTION.md").read_text("utf-8")
    for words in ("Alpaydin", "Kaynak", "CC BY 4.0", "10.24432/C50P49"):
        assert words in text


SPLIT_IMAGES = "aad9221a6f3f0bca5190b5ac921b70df9559e2bc34d24279722ac5e4f0e9688c"
SPLIT_LABELS = "64c531995efcd520df9adba28c40e11cfc017148a34bb9a1b0bfdb742466637a"
