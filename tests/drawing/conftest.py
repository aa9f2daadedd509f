"""What the tests of pictures share: networks of every length, and in both styles."""

import pytest

import lenet
from lenet.drawing.figure import draw_figure
from lenet.drawing.graph import draw_graph
from random_networks import random_network

LENGTHS = range(2, 31)


@pytest.fixture(scope="session")
def crowd():
    """Random networks: three of each length from 2 to 30 layers, and some with huge numbers."""
    by_length = {}
    wanted = 3 * len(LENGTHS)
    seed = 0
    while sum(map(len, by_length.values())) < wanted:
        maps = seed % 30
        network = random_network(seed, maps=maps, dense=6, size=90, channels=300, units=4000)
        length = len(network.layers)
        same = by_length.setdefault(length, []) if length in LENGTHS else None
        if same is not None and len(same) < 3:
            same.append(network)
        seed += 1
    huge = (
        "10000000x100000x1 | maxpool 99999x1 s1 | conv 10000000 k1 leaky-relu | dense 10000000",
        "3x100000x100000 | conv 99999 k11x111 s100x99 p1.2.3.4 sigmoid, avgpool 7x5 s1x3 p1.2.0.1",
        "1x1x1 | dense 1",
    )
    return [network for same in by_length.values() for network in same] + list(
        map(lenet.parse, huge)
    )


@pytest.fixture(scope="session")
def long():
    """A network of 100 layers."""
    block = "conv 64 k3 same relu, conv 64 k3 same relu, conv 64 k3 same relu"
    return lenet.parse("3x64x64 | " + f"{block} | " * 33 + "dense 10")


@pytest.fixture(scope="session")
def figures(crowd):
    """All of them as figures."""
    return [(str(network), draw_figure(network)) for network in crowd]


@pytest.fixture(scope="session")
def graphs(crowd):
    """All of them as graphs."""
    return [(str(network), draw_graph(network)) for network in crowd]
