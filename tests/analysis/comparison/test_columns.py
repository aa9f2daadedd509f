"""Networks side by side: what differs."""

import time

import pytest

from lenet.analysis.comparison.columns import compare
from lenet.errors import UsageError
from lenet.net import Network, parse_network, zoo


def changes(first: str, other: str) -> list[str]:
    (found,) = compare(parse_network(first), parse_network(other)).differences
    return [f"{one.kind} {one.first or one.other}: {one.what}" for one in found]


@pytest.mark.parametrize(
    ("first", "other", "found"),
    [
        ("1x9x9 | dense 10", "1x9x9 | dense 10", []),
        ("1x9x9 | dense 10", "3x9x9 | dense 10", ["changed input: 1@9x9 -> 3@9x9"]),
        ("1x9x9 | dense 120 relu", "1x9x9 | dense 60 tanh",
         ["changed dense0: units 120 -> 60, activation relu -> tanh"]),
        ("1x9x9 | conv 6 k5", "1x9x9 | conv 1,6 k3 s2 p1".replace("1,6", "16"),
         ["changed conv0: channels 6 -> 16, kernel 5 -> 3, stride 1 -> 2, padding 0 -> 1"]),
        ("1x9x9 | conv 6 k5 relu", "1x9x9 | conv 6 k5 batchnorm silu",
         ["changed conv0: batch normalisation no -> yes, activation relu -> silu"]),
        ("1x9x9 | maxpool 2", "1x9x9 | avgpool 3x2 s1",
         ["changed pool0: maxpool -> avgpool, window 2 -> 3x2, stride 2 -> 1"]),
        ("1x9x9 | conv 6 k5 | dense 10", "1x9x9 | dense 5 relu, dense 10",
         ["dropped conv0: conv 6 k5", "added dense0: dense 5 relu"]),
        ("1x9x9 | dense 9, dense 8, dense 7", "1x9x9 | dense 9, dense 7",
         ["dropped dense1: dense 8"]),
    ],
)  # fmt: skip
def test_what_differs(first: str, other: str, found: list[str]) -> None:
    assert changes(first, other) == found


def test_names() -> None:
    net = zoo.lenet()
    assert [c.name for c in compare(net, net, net).columns] == ["A", "B", "C"]
    assert [c.name for c in compare("lenet", "lenet", net).columns] == ["lenet", "lenet (2)", "C"]
    assert [c.name for c in compare(net, net, names=("x", "y")).columns] == ["x", "y"]
    with pytest.raises(UsageError, match="3 names and 2 networks"):
        compare(net, net, names=("x", "y", "z"))
    with pytest.raises(UsageError, match="two or more networks, not 1"):
        compare(net)
    with pytest.raises(UsageError, match="5 names no network"):
        compare(net, 5)  # type: ignore[arg-type]


def test_long_networks_are_quick() -> None:
    text = "3x40x40" + " | conv 64 k3 same relu, conv 64 k3 same relu" * 49 + " | dense {}, dense 9"
    start = time.perf_counter()
    assert len(compare(text.format(9), text.format(8)).differences[0]) == 1
    assert compare(text.format(9).replace("64", "63"), text.format(8))
    assert time.perf_counter() - start < 1
    most = [
        Network((1, 9, 9), parse_network("1x9x9 | dense 9, dense 8").layers * n) for n in (2, 900)
    ]
    assert compare(*most)
    assert compare(Network((1, 9, 9), most[1].layers[::-1]), most[1])
    assert time.perf_counter() - start < 5
