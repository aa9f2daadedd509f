"""What is trained."""

import pytest

import lenet
from lenet.errors import ShapeError, UsageError
from lenet.estimator.layout import Layout
from lenet.estimator.networks import choose_network, with_outputs
from lenet.net import fitted


def chosen(shape, classes=10):
    return choose_network(Layout(shape, shape), classes)


def test_lenet_on_its_own_images():
    assert chosen((1, 28, 28)) == lenet.zoo.lenet_relu()


@pytest.mark.parametrize("classes", [1, 2, 1000])
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (30, 1, 1), (1, 1, 99), (1, 8, 8), (3, 19, 300), (3, 20, 20), (1, 99, 64)]
)
def test_every_image_gets_one_that_fits(shape, classes):
    network = chosen(shape, classes)
    assert network.input_shape == shape
    assert network.output_shape == (classes,)
    convolutions = sum(isinstance(layer, lenet.Conv2d) for layer in network.layers)
    assert convolutions == (2 if min(shape[1:]) >= 8 else 0)


def test_as_many_outputs_as_classes():
    network = with_outputs(lenet.zoo.lenet(), 3)
    assert str(network) == str(lenet.zoo.lenet()).replace("dense 10", "dense 3")
    assert with_outputs(network, 3) is network
    activated = with_outputs(lenet.parse("1x2x2 | dense 4 tanh"), 2)
    assert str(activated) == "1x2x2 | dense 2 tanh"


def test_refusals():
    with pytest.raises(UsageError, match="4 outputs and y has 3 classes; end the network with 'd"):
        with_outputs(lenet.parse("1x4x4 | maxpool 2"), 3)
    with pytest.raises(ShapeError):
        with_outputs(lenet.parse("1x4x4 | conv 2 k9 | dense 2"), 2)


def test_a_recipes_wish_is_for_images():
    small, colour, none = ((1, 8, 8), (3, 40, 40), (4, 1, 1))
    for shape in (small, colour):
        found = choose_network(Layout(shape, shape), 7, "compact")
        assert found == fitted(lenet.zoo.compact(), (shape[0], 28, 28), 7)
    assert choose_network(Layout(none, none), 7, "compact") == chosen(none, 7)
    own = choose_network(Layout(small, small), 7, "1x9x9 | dense 3 relu, dense 10")
    assert str(own) == "1x9x9 | dense 3 relu, dense 7"
