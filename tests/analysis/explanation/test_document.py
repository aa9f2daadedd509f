"""The report as JSON: every key and value of one."""

import json

from lenet.analysis import explain
from lenet.net import zoo


def test_as_json() -> None:
    document = explain(zoo.lenet(), "lenet").to_dict()
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
            "scales": 0,
            "statistics": 0,
        },
        "memory": {
            "optimizer": "sgd",
            "batch": 256,
            "parameters": 177_704,
            "statistics": 0,
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
        "formulas": ["(28 - 5 + 0 + 1) / 1 = 24"] * 2,
        "activation": "sigmoid",
        "batch_norm": False,
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
        "scales": 0,
        "statistics": 0,
        "parameter_share": 156 / 44_426,
        "multiply_add_share": 86_400 / 281_640,
        "activation_share": 3_456 / 5_814,
        "connection_share": 89_856 / 290_814,
        "kept_bytes": 13_824,
    }
    assert layers[4]["kernel_size"] is layers[4]["jump"] is None


def test_normalised_layers() -> None:
    document = explain("1x9x9 | conv 4 k3 batchnorm relu, maxpool 2 | dense 3").to_dict()
    assert [layer["batch_norm"] for layer in document["layers"]] == [True, None, None]
    assert [layer["scales"] for layer in document["layers"]] == [4, 0, 0]
    assert document["total"]["statistics"] == 8
    assert document["memory"]["statistics"] == 32
