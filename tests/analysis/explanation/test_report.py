"""The report: one computation, with JSON as one of its renderings."""

import json

import pytest
from hypothesis import given

from lenet.analysis import ReceptiveField, count_network, explain
from lenet.errors import ShapeError, UsageError
from lenet.net import Network, parse_network, zoo
from papers import ALEXNET, LENET_5, VGG_16
from random_networks import networks

SHARES = ("parameter_share", "multiply_add_share", "activation_share", "connection_share")


def test_lenet() -> None:
    report = explain(zoo.lenet(), "lenet")
    assert (report.layer_count, report.count("conv"), report.count("dense")) == (5, 2, 3)
    assert [(block.number, block.repeats) for block in report.blocks] == [
        (1, None),
        (2, 1),
        (3, None),
    ]
    assert report.blocks[1].layers == ("conv1", "pool1")
    conv0, pool0, *_, dense2 = report.layers
    assert conv0.window
    assert conv0.window.formulas == ("(28 - 5 + 0 + 1) / 1 = 24",) * 2
    assert (pool0.kind, pool0.activation, pool0.block) == ("maxpool", None, 1)
    assert (dense2.window, dense2.activation, dense2.block) == (None, "identity", 3)


def test_height_and_width_have_their_own_formulas() -> None:
    report = explain(parse_network("1x9x7 | conv 2 k3x2 s2x1 p1.0.0.2"))
    window = report.layers[0].window
    assert window
    assert window.formulas == ("floor((9 - 3 + 1 + 2) / 2) = 4", "(7 - 2 + 2 + 1) / 1 = 8")
    assert (window.padding, window.total_padding) == ((1, 0, 0, 2), (1, 2))


@given(networks(ends_dense=False))
def test_shares_are_parts_of_the_totals(network: Network) -> None:
    report = explain(network)
    assert report.total == count_network(network)
    for share in SHARES:
        shares = [getattr(row, share) for row in report.layers]
        assert sum(shares) == pytest.approx(1) or not any(shares)
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()


@pytest.mark.parametrize("shape", [(3, 64, 64), "3x64x64", " 3X64x64 "])
def test_another_input(shape: tuple[int, int, int] | str) -> None:
    report = explain("lenet", input_shape=shape)
    assert report.network.input_shape == (3, 64, 64)
    assert report.network.blocks == zoo.lenet().blocks
    assert (report.name, report.layers[0].counts.parameters) == ("lenet", 456)


@pytest.mark.parametrize(
    "shape", ["", "28x28", "1x28x28x1", "axbxc", "1x-2x3", "1x2x³", "1x2x" + "9" * 5000]
)
def test_what_is_no_input(shape: str) -> None:
    with pytest.raises(UsageError, match="channels x height x width, such as 3x64x64"):
        explain("lenet", input_shape=shape)


def test_an_input_that_is_out_of_range_or_too_small() -> None:
    with pytest.raises(UsageError, match="from 1 to 10,000,000"):
        explain("lenet", input_shape="0x28x28")
    with pytest.raises(ShapeError, match="conv1 gets"):
        explain("lenet", input_shape=(1, 8, 8))


def test_three_networks_of_the_papers() -> None:
    """Their published numbers of parameters; the shapes are those of the papers' figures."""
    lenet5 = explain(LENET_5)
    connections = [row.counts.connections for row in lenet5.layers]
    assert (connections[0], connections[4:6]) == (122_304, [48_120, 10_164])
    assert [row.output_shape for row in lenet5.layers] == [
        (6, 28, 28),
        (6, 14, 14),
        (16, 10, 10),
        (16, 5, 5),
        (120, 1, 1),
        (84,),
        (10,),
    ]
    alexnet = explain(ALEXNET)
    assert alexnet.total.parameters == 62_378_344  # one column: no split over two devices
    assert (alexnet.layer_count, alexnet.layers[-4].output_shape) == (8, (256, 6, 6))
    # Fields and jumps: the table of Araujo, Norris & Sim 2019.
    assert alexnet.layers[-4].receptive_field == ReceptiveField((195, 195), (32, 32))
    vgg = explain(VGG_16)
    assert vgg.layers[-4].receptive_field == ReceptiveField((212, 212), (32, 32))
    assert (vgg.layer_count, vgg.total.parameters) == (16, 138_357_544)
    assert vgg.total.multiply_adds == 15_470_264_320


def test_sizes_of_10_to_the_5_and_parameters_of_10_to_the_12() -> None:
    report = explain("3x100000x100000 | conv 64 k7 s2 relu, maxpool 2 | dense 1000")
    assert report.total.parameters > 10**12
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()


def test_a_network_that_does_not_fit_is_not_explained() -> None:
    with pytest.raises(ShapeError, match="conv0"):
        explain(parse_network("1x4x4 | conv 6 k5, dense 10"))
