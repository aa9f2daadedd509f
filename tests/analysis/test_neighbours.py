"""How far apart neighbouring layers are."""

import pytest

from lenet.analysis.neighbours import Neighbours, neighbours_of
from lenet.net import parse_network, zoo


def test_the_articles_calculation() -> None:
    first, *_, last = neighbours_of(zoo.lenet())
    assert first == Neighbours("pool0", "conv1", 864, 1024, 13.5, "channel", False)
    assert (first.near, first.equal_text) == (True, "13.5 channels")
    assert first.ratio == 1024 / 864
    assert (last.before, last.after, last.is_output) == ("dense1", "dense2", True)
    assert [one.is_output for one in neighbours_of(zoo.lenet())] == [False, False, False, True]


@pytest.mark.parametrize(
    ("text", "equal"),
    [
        ("6x4x4 | maxpool 2 | conv 6 k3 same", "6 channels"),
        ("6x8x8 | avgpool 2 | conv 7 k2", "about 10.7 channels"),
        ("1x8x8 | maxpool 2 | conv 4 k1", "1 channel"),
        ("1x6x6 | maxpool 2 | conv 2 k2 p1", ""),
        ("1x1x4000 | maxpool 1, dense 7", "4,000 units"),
    ],
)
def test_what_would_make_them_equal(text: str, equal: str) -> None:
    (one,) = neighbours_of(parse_network(text))
    assert one.equal_text == equal


def test_a_single_layer_has_none() -> None:
    assert neighbours_of(parse_network("1x8x8 | dense 10")) == ()
