"""The zoo: each network is what its docstring says."""

import pytest

from lenet.errors import UsageError
from lenet.net import Network, zoo
from lenet.net.shapes import shape_text


def _shapes(network: Network) -> str:
    return " ".join(shape_text(placed.output_shape) for placed in network.placed)


def test_the_seeds_network() -> None:
    assert _shapes(zoo.lenet()) == "6@24x24 6@12x12 16@8x8 16@4x4 120 84 10"
    assert _shapes(zoo.lenet_relu()) == _shapes(zoo.lenet())
    assert str(zoo.lenet_relu()) == str(zoo.lenet()).replace("sigmoid", "relu")


def test_the_variants() -> None:
    assert _shapes(zoo.lenet_60()) == "6@24x24 6@12x12 16@8x8 16@4x4 60 10"
    assert _shapes(zoo.lenet_d2l()) == "6@28x28 6@14x14 16@10x10 16@5x5 120 84 10"


def test_names_and_functions_agree() -> None:
    assert zoo.names() == (
        "lenet",
        "lenet-60",
        "lenet-d2l",
        "lenet-relu",
        "lenet-5",
        "lenet-4",
        "lenet-1",
        "compact",
        "tiny",
    )
    for name in zoo.names():
        assert zoo.get(name) == getattr(zoo, name.replace("-", "_"))()


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(UsageError) as caught:
        zoo.get("lenet60")
    assert str(caught.value) == (
        "the network is 'lenet60' (did you mean 'lenet-60'?); it must be lenet, lenet-60, "
        "lenet-d2l, lenet-relu, lenet-5, lenet-4, lenet-1, compact or tiny."
    )
