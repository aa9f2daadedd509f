"""What a person may wish for."""

import pytest

from lenet.data import wishes
from lenet.data.wishes import Wishes, bounded, middle, read_size, require_room
from lenet.errors import DataError, UsageError


@pytest.mark.parametrize(
    ("given", "size"),
    [
        (28, (28, 28)),
        ("28", (28, 28)),
        ("28x32", (28, 32)),
        (" 28X32 ", (28, 32)),
        ((28, 32), (28, 32)),
        ([1, 4096], (1, 4096)),
    ],
)
def test_sizes(given, size):
    assert read_size(given) == size


@pytest.mark.parametrize(
    "given",
    [
        0,
        -1,
        4097,
        "0",
        "28x",
        "x28",
        "28x28x3",
        "",
        "1_0",
        "٣",
        "9" * 5000,
        True,
        (1, 2, 3),
        (),
        2.5,
    ],
)
def test_no_sizes(given):
    with pytest.raises(UsageError, match=r"the size is .*; it must be one number such as 28, or h"):
        read_size(given)


def test_colours():
    assert Wishes.of(None, True, False, False).channels == 1
    assert Wishes.of(None, False, True, True) == Wishes(None, 3, True)
    assert Wishes.of("3x4", False, False, False) == Wishes((3, 4))
    with pytest.raises(UsageError, match="both gray and rgb are asked for; give one of them"):
        Wishes.of(None, True, True, False)


def test_large_sizes_are_bounded_with_their_proportions():
    assert bounded((64, 64)) == (64, 64)
    assert bounded((3000, 4000)) == (48, 64)
    assert bounded((1, 10_000)) == (1, 64)
    assert middle([(10, 10), (20, 12), (30, 50)]) == (20, 12)


def test_room(monkeypatch):
    monkeypatch.setattr(wishes, "machine_memory", lambda: 10**9)
    require_room(1000, 1, (28, 28))
    with pytest.raises(
        DataError, match=r"1,000 images of 1024x1024 would fill 1.0 GB of this .*--size 28"
    ):
        require_room(1000, 1, (1024, 1024))
    assert wishes.machine_memory() == 10**9


def test_memory_is_told():
    assert 10**8 < wishes.machine_memory() < 10**15
