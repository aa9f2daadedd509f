"""What is said of a data set before it is trained on."""

import numpy as np

from lenet.data import Dataset, Split
from lenet.data.findings import balance, class_table, copies
from lenet.data.listing import TEST, TRAIN, VALIDATION


def told(digests, labels, parts):
    arrays = (np.array(digests, np.uint64), np.array(labels), np.array(parts))
    return list(copies(*arrays, lambda index: f"{index}.png"))


def test_no_copies():
    assert told([1, 2, 3], [0, 0, 1], [TRAIN, TEST, TEST]) == []
    assert told([1, 1, 3], [0, 0, 1], [TRAIN, TRAIN, TEST]) == []


def test_copies_across_parts_and_classes():
    parts = [TRAIN, TRAIN, TRAIN, TEST, VALIDATION, TEST]
    assert told([5, 7, 9, 7, 9, 9], [0, 0, 0, 0, 0, 1], parts) == [
        "2 images in more than one part, which makes tests look too good: 1.png is 3.png "
        "(train and test)",
        "1 image in more than one class: 2.png is 5.png",
    ]


def test_balance():
    classes = ("few", "many", "none\n")
    labels = np.array([0] * 2 + [1] * 7 + [2] * 2)
    parts = np.array([TRAIN, TEST] + [TRAIN] * 6 + [TEST] + [TRAIN] * 2)
    assert list(balance(labels, parts, classes)) == [
        "no images to test 1 class: 'none\\n'",
        "classes are unbalanced: many has 6.0 times as many images to train on as few",
    ]
    assert list(balance(np.array([0, 1, 0, 1]), np.array([0, 0, 2, 2]), ("a", "b"))) == []


def data(classes, validation=None):
    def part(labels):
        return Split(np.zeros((len(labels), 1, 2, 2), np.uint8), np.array(labels, np.int64))

    labels = list(range(len(classes)))
    middle = part(validation) if validation else None
    return Dataset("x", part(labels * 1200), part(labels), classes, middle)


def test_table():
    assert class_table(data(("a", "a long name"), [1])).splitlines() == [
        "class        train  validation  test",
        "a            1,200           0     1",
        "a long name  1,200           1     1",
        "total        2,400           1     2",
    ]


def test_a_table_of_many_classes():
    lines = class_table(data(tuple(map(str, range(100)))), most=5).splitlines()
    assert [line.split()[0] for line in lines] == ["class", "0", "1", "2", "96", "99", "total"]
    assert lines[4].split() == ["96", "more", "115,200", "96"]
    assert len(class_table(data(tuple(map(str, range(100))))).splitlines()) == 102
