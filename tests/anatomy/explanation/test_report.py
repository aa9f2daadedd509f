"""The report: one computation, with JSON as one of its renderings."""

import json

import pytest
from hypothesis import given

from lenet.anatomy import ReceptiveField, count_network, explain, to_dict
from lenet.errors import ShapeError, UsageError
from lenet.net import Network, parse_network, zoo
from random_networks import networks

#: Krizhevsky, Sutskever & Hinton 2012, as one column.
ALEXNET = (
    "3x227x227 | conv 96 k11 s4 relu, maxpool 3 s2 | conv 256 k5 p2 relu, maxpool 3 s2 "
    "| conv 384 k3 p1 relu, conv 384 k3 p1 relu, conv 256 k3 p1 relu, maxpool 3 s2 "
    "| dense 4096 relu, dense 4096 relu, dense 1000"
)
#: Simonyan & Zisserman 2015, configuration D.
VGG16 = (
    "3x224x224"
    + "".join(
        f" | {', '.join([f'conv {channels} k3 p1 relu'] * count)}, maxpool 2"
        for channels, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
    )
    + " | dense 4096 relu, dense 4096 relu, dense 1000"
)

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
    assert conv0.window.formulas == ("(28-5+0+1)/1=24", "(28-5+0+1)/1=24")
    assert (pool0.kind, pool0.activation, pool0.block) == ("maxpool", None, 1)
    assert (dense2.window, dense2.activation, dense2.block) == (None, "identity", 3)


def test_height_and_width_have_their_own_formulas() -> None:
    report = explain(parse_network("1x9x7 | conv 2 k3x2 s2x1 p1.0.0.2"))
    window = report.layers[0].window
    assert window
    assert window.formulas == ("floor((9-3+1+2)/2)=4", "(7-2+2+1)/1=8")
    assert (window.padding, window.total_padding) == ((1, 0, 0, 2), (1, 2))


def test_as_json() -> None:
    document = to_dict(explain(zoo.lenet(), "lenet"))
    assert json.loads(json.dumps(document)) == document
    layers = document.pop("layers")
    assert document == {
        "format": "lenet-explanation",
        "version": 1,
        "name": "lenet",
        "network": str(zoo.lenet()),
        "input_shape": [1, 28, 28],
        "output_shape": [10],
        "layer_count": 5,
        "convolutions": 2,
        "dense_layers": 3,
        "poolings": 2,
        "blocks": [
            {"number": 1, "repeats": None, "layers": ["conv0", "pool0"]},
            {"number": 2, "repeats": 1, "layers": ["conv1", "pool1"]},
            {"number": 3, "repeats": None, "layers": ["dense0", "dense1", "dense2"]},
        ],
        "total": {
            "parameters": 44_426,
            "weights": 44_190,
            "biases": 236,
            "multiply_adds": 281_640,
            "activations": 5_814,
            "connections": 290_814,
        },
        "memory": {
            "optimizer": "sgd",
            "batch": 256,
            "parameters": 177_704,
            "gradients": 177_704,
            "optimizer_state": 0,
            "activations": {"image": 27_512, "batch": 7_043_072},
            "training": {"image": 382_920, "batch": 7_398_480},
            "inference": {"image": 194_984, "batch": 4_601_384},
            "largest_layer": "pool0",
        },
        "findings": list(explain(zoo.lenet()).findings),
    }
    assert layers[0] == {
        "name": "conv0",
        "kind": "conv",
        "block": 1,
        "kernel_size": [5, 5],
        "stride": [1, 1],
        "padding": [0, 0, 0, 0],
        "total_padding": [0, 0],
        "formulas": ["(28-5+0+1)/1=24", "(28-5+0+1)/1=24"],
        "activation": "sigmoid",
        "input_shape": [1, 28, 28],
        "output_shape": [6, 24, 24],
        "receptive_field": [5, 5],
        "jump": [1, 1],
        "parameters": 156,
        "weights": 150,
        "biases": 6,
        "multiply_adds": 86_400,
        "activations": 3_456,
        "connections": 89_856,
        "parameter_share": 156 / 44_426,
        "multiply_add_share": 86_400 / 281_640,
        "activation_share": 3_456 / 5_814,
        "connection_share": 89_856 / 290_814,
        "kept_bytes": 13_824,
    }
    assert layers[4]["kernel_size"] is layers[4]["jump"] is None


@given(networks(ends_dense=False))
def test_shares_are_parts_of_the_totals(network: Network) -> None:
    report = explain(network)
    assert report.total == count_network(network)
    for share in SHARES:
        shares = [getattr(row, share) for row in report.layers]
        assert sum(shares) == pytest.approx(1) or not any(shares)
    assert json.loads(json.dumps(to_dict(report))) == to_dict(report)


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
    lenet5 = explain(
        "1x32x32 | conv 6 k5 tanh, avgpool 2 | conv 16 k5 tanh, avgpool 2 | conv 120 k5"
    )
    assert [row.counts.connections for row in lenet5.layers][::4] == [122_304, 48_120]
    assert [row.output_shape for row in lenet5.layers] == [
        (6, 28, 28),
        (6, 14, 14),
        (16, 10, 10),
        (16, 5, 5),
        (120, 1, 1),
    ]
    alexnet = explain(ALEXNET)
    assert alexnet.total.parameters == 62_378_344  # one column: no split over two devices
    assert (alexnet.layer_count, alexnet.layers[-4].output_shape) == (8, (256, 6, 6))
    # Fields and jumps: the table of Araujo, Norris & Sim 2019.
    assert alexnet.layers[-4].receptive_field == ReceptiveField((195, 195), (32, 32))
    vgg = explain(VGG16)
    assert vgg.layers[-4].receptive_field == ReceptiveField((212, 212), (32, 32))
    assert (vgg.layer_count, vgg.total.parameters) == (16, 138_357_544)
    assert vgg.total.multiply_adds == 15_470_264_320


def test_sizes_of_10_to_the_5_and_parameters_of_10_to_the_12() -> None:
    report = explain("3x100000x100000 | conv 64 k7 s2 relu, maxpool 2 | dense 1000")
    assert report.total.parameters > 10**12
    assert json.loads(json.dumps(to_dict(report))) == to_dict(report)


def test_a_network_that_does_not_fit_is_not_explained() -> None:
    with pytest.raises(ShapeError, match="conv0"):
        explain(parse_network("1x4x4 | conv 6 k5, dense 10"))
