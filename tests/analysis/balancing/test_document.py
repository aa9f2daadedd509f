"""A balance as JSON."""

import json

from lenet.analysis.balancing import balance
from pages import read_page

PAGE = read_page("balance.md")


def test_as_json() -> None:
    document = balance("lenet", {"parameters": 60_000}).to_dict()
    assert json.loads(json.dumps(document)) == document
    assert (document["format"], document["version"]) == ("lenet-balance", 1)
    assert (document["name"], document["budget"]) == ("lenet", {"parameters": 60_000})
    assert document["layers"][1] == {
        "name": "pool0",
        "output_shape": [6, 12, 12],
        "activations": 864,
    }
    assert document["neighbours"][0] == {
        "before": "pool0",
        "after": "conv1",
        "before_activations": 864,
        "after_activations": 1024,
        "ratio": 1024 / 864,
        "near": True,
        "equal_width": 13.5,
        "is_output": False,
    }
    assert document["costs"] == {
        "parameters": 44_426,
        "macs": 281_640,
        "activations": 5_814,
        "memory": 194_984,
    }
    assert document["claims"][1]["holds"]
    inner = [document[key][0] for key in ("layers", "neighbours", "claims", "proposals")]
    for key in [*document, *document["costs"], *(key for one in inner for key in one)]:
        assert f"`{key}`" in PAGE, key
