"""Layers replaced in their places."""

import pytest

from lenet.errors import UsageError
from lenet.net import Dense, MaxPool2d, parse_network
from lenet.net.network import rebuilt
from refusals import refused

NETWORK = parse_network("1x9x9 | conv 2 k3, maxpool 2 | dense 5 | dense 3")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "1x9x9 | conv 2 k3, maxpool 2 | dense 5 | dense 3"),
        ({1: ()}, "1x9x9 | conv 2 k3 | dense 5 | dense 3"),
        ({2: ()}, "1x9x9 | conv 2 k3, maxpool 2 | dense 3"),
        ({0: (MaxPool2d(3),)}, "1x9x9 | maxpool 3, maxpool 2 | dense 5 | dense 3"),
        (
            {3: (Dense(4), Dense(3)), 1: ()},
            "1x9x9 | conv 2 k3 | dense 5 | dense 4, dense 3",
        ),
    ],
)
def test_layers_by_their_places(changes: dict[int, tuple[Dense, ...]], text: str) -> None:
    assert str(rebuilt(NETWORK, changes)) == text


def test_something_has_to_stay() -> None:
    with refused(UsageError, "no layers"):
        rebuilt(NETWORK, dict.fromkeys(range(4), ()))
