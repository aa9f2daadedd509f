"""How people count, and what a class may be called."""

import pytest

from lenet.data.names import class_name, in_order, natural
from lenet.errors import DataError


@pytest.mark.parametrize(
    "names",
    [
        ("1", "2", "10", "100"),
        ("a2b", "a10b", "b1"),
        ("cat 9", "cat 10", "Dog", "dog 1"),
        ("1.9", "1.10"),
        ("0", "00", "1", "-", "x"),
        ("7", "9" * 5000, "1" + "0" * 5000),
        ("a", "ä", "図", "🐈"),
    ],
)
def test_natural_order(names):
    assert in_order(reversed(names)) == names
    assert sorted(names, key=natural) == list(names)


def test_each_name_once():
    assert in_order(["b", "a", "b"]) == ("a", "b")


def test_one_spelling_of_an_accent():
    assert class_name("e\u0301", "x") == class_name(" \u00e9 ", "x") == "\u00e9"


@pytest.mark.parametrize("text", ["", " ", "a\nb", "\x1b[31m", "\udce4", "x" * 201, "a\0"])
def test_no_names(text):
    with pytest.raises(DataError, match=r"here names a class .*; a class needs a name of 1 to 200"):
        class_name(text, "here")


def test_numbers_that_are_no_classes():
    with pytest.raises(DataError, match="10,001 different labels, from '0' to '10000'; at most"):
        in_order(map(str, range(10_001)))
