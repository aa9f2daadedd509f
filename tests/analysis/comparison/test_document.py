"""A comparison as JSON."""

import json

from lenet.analysis.comparison import compare
from pages import read_page

PAGE = read_page("compare.md")


def test_as_json() -> None:
    document = compare("lenet", "1x28x28 | maxpool 2 | dense 10").to_dict()
    assert json.loads(json.dumps(document)) == document
    first, other = document.pop("networks")
    assert first["ratios"] == dict.fromkeys(first["ratios"], 1.0)
    assert other == {
        "name": "B",
        "network": "1x28x28 | maxpool 2 | dense 10",
        "input_shape": [1, 28, 28],
        "output_shape": [10],
        "layer_count": 1,
        "parameters": 1970,
        "multiply_adds": 1960,
        "activations": 206,
        "inference_bytes": 4 * (1970 + 784 + 196),
        "training_bytes": 8 * 1970 + 256 * (4 * 196 + 196 + 40),
        "training_batch": 256,
        "receptive_field": [2, 2],
        "ratios": {name: other[name] / first[name] for name in other["ratios"]},
    }
    assert (document["format"], document["version"]) == ("lenet-comparison", 1)
    (difference,) = document["differences"]
    assert difference["name"] == "B"
    assert difference["layers"][0] == {
        "first": "conv0",
        "other": None,
        "kind": "dropped",
        "what": "conv 6 k5 sigmoid",
    }
    for key in [*document, *other, *difference, *difference["layers"][0]]:
        assert f"`{key}`" in PAGE, key


def test_no_ratio_to_nothing() -> None:
    networks = compare("1x8x8 | maxpool 2", "lenet").to_dict()["networks"]
    assert [one["ratios"]["parameters"] for one in networks] == [None, None]
