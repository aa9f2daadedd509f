"""Data sets by name."""

from pathlib import Path

import pytest

from lenet.data import load, sources
from lenet.errors import DataError, UsageError


@pytest.mark.parametrize("name", ["digits", "DIGITS", " Digits ", Path("digits")])
def test_digits(name):
    assert load(name).name == "digits"


@pytest.mark.parametrize("name", ["fashion-mnist", "fashion_mnist", "Fashion-MNIST"])
def test_spellings(name, tmp_path):
    with pytest.raises(DataError, match=r"of fashion-mnist|its folder fashion-mnist"):
        load(name, tmp_path)


def test_every_source_has_a_name():
    assert list(sources.SOURCES) == ["mnist", "fashion-mnist"]


@pytest.mark.parametrize(
    ("name", "hint"), [("mnits", "; did you mean mnist?"), ("cifar", ""), ("", "")]
)
def test_unknown_name(name, hint):
    with pytest.raises(UsageError) as caught:
        load(name)
    expected = f"no data set is called {name!r}: choose digits, mnist or fashion-mnist, or "
    expected += f"name a folder, .csv or .npz that exists{hint}"
    assert str(caught.value) == expected
    assert caught.value.exit_code == 2
