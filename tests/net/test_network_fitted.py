"""Networks of the zoo for other images and classes."""

import pytest

import lenet
from lenet.errors import UsageError
from lenet.net import fitted, parse_network
from refusals import refused

#: Networks with a pooling over the whole map, which is another for other images.
GLOBAL = ("compact", "tiny")


@pytest.mark.parametrize("name", lenet.zoo.names())
def test_every_network_of_the_zoo(name):
    network = lenet.zoo.get(name)
    found = fitted(network, (3, 32, 40), 7)
    assert (found.input_shape, found.output_shape) == ((3, 32, 40), (7,))
    assert found.layers[:-1] == network.layers[:-1] or name in GLOBAL
    assert [len(block.layers) for block in found.blocks] == [len(b.layers) for b in network.blocks]
    assert fitted(network, network.input_shape, 10) == network


def test_a_pooling_over_the_whole_map_stays_one():
    network = lenet.parse("1x28x28 | conv 4 k3 p1, maxpool 2 | conv 4 k3, avgpool 12 | dense 10")
    found = fitted(network, (3, 32, 40), 7)
    assert str(found) == ("3x32x40 | conv 4 k3 p1, maxpool 2 | conv 4 k3, avgpool 14x18 | dense 7")


def test_too_small():
    message = (
        "the images are 1@8x8, too small for the network: pool1 would have nothing left; enlarge "
        r"them to what it is made for \(size 28\), or write a smaller network"
    )
    with pytest.raises(UsageError, match=message.replace("pool1", "conv1")):
        fitted(lenet.zoo.lenet(), (1, 8, 8), 10)
    with refused(UsageError, "size 20x30"):
        fitted(lenet.parse("1x20x30 | conv 3 k9 | dense 2"), (1, 8, 8), 2)


def test_no_dense_end():
    with pytest.raises(UsageError, match=r"Conv2d.*'dense 3'"):
        fitted(lenet.parse("1x8x8 | conv 10 k8"), (1, 8, 8), 3)


@pytest.mark.parametrize(
    "text", ["3x32x32 | conv 6 k3 g3 relu, maxpool 2 | dense 10",
             "6x14x14 | conv 16 k5 table:lenet-5 | dense 10"],
)  # fmt: skip
def test_channels_that_do_not_fit_are_not_too_small_images(text: str) -> None:
    with refused(UsageError, "conv0 gets 1@28x28"):
        fitted(parse_network(text), (1, 28, 28), 10)
