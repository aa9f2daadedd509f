"""The least input, held against trying smaller ones."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lenet.analysis.diagnosis.changes import least_sizes
from lenet.errors import ShapeError
from lenet.net import Network
from random_networks import networks


def fits(network: Network) -> bool:
    try:
        return bool(network.placed)
    except ShapeError:
        return False


@given(networks(ends_dense=False, window=7, maps=7))
def test_the_least_input_is_the_least(network: Network) -> None:
    height, width = least_sizes(network.layers)[0]
    assert fits(replace(network, input_shape=(1, height, width)))
    for smaller in ((height - 1, width), (height, width - 1)):
        assert min(smaller) == 0 or not fits(replace(network, input_shape=(1, *smaller)))


@given(networks(ends_dense=False), st.integers(0, 9), st.integers(0, 9))
def test_a_larger_input_never_fits_worse(network: Network, taller: int, wider: int) -> None:
    channels, height, width = network.input_shape
    assert fits(replace(network, input_shape=(channels, height + taller, width + wider)))
    least = least_sizes(network.layers)[0]
    assert least[0] <= height
    assert least[1] <= width
