"""The report: one computation, with JSON as one of its renderings."""

import json

import pytest
from hypothesis import given

from lenet.anatomy import count_network, explain, to_dict
from lenet.errors import ShapeError
from lenet.net import Network, parse_network, zoo
from random_networks import networks


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
        "parameters": 156,
        "weights": 150,
        "biases": 6,
        "multiply_adds": 86_400,
        "activations": 3_456,
        "connections": 89_856,
        "parameter_share": 156 / 44_426,
        "multiply_add_share": 86_400 / 281_640,
    }
    assert layers[4]["kernel_size"] is None


@given(networks(ends_dense=False))
def test_shares_are_parts_of_the_totals(network: Network) -> None:
    report = explain(network)
    assert report.total == count_network(network)
    for share in ("parameter_share", "multiply_add_share"):
        shares = [getattr(row, share) for row in report.layers]
        assert sum(shares) == pytest.approx(1) or not any(shares)
    assert json.loads(json.dumps(to_dict(report))) == to_dict(report)


def test_a_network_that_does_not_fit_is_not_explained() -> None:
    with pytest.raises(ShapeError, match="conv0"):
        explain(parse_network("1x4x4 | conv 6 k5, dense 10"))
