"""Both documents' values, and that the page explains every key."""

import json

from lenet.analysis.diagnosis import diagnose, reconcile
from lenet.net import parse_network
from pages import read_page

PAGE = read_page("diagnose.md")


def test_a_diagnosis() -> None:
    document = diagnose("1x9x8 | conv 2 k5 | conv 2 k5 | dense 10", name="mine").to_dict()
    assert json.loads(json.dumps(document)) == document
    fixes = document.pop("fixes")
    assert document == {
        "format": "lenet-diagnosis",
        "version": 1,
        "name": "mine",
        "network": "1x9x8 | conv 2 k5 | conv 2 k5 | dense 10",
        "fits": False,
        "input_shape": [1, 9, 8],
        "output_shape": None,
        "least_input": [9, 9],
        "layer": "conv1",
        "problem": "conv1 gets 2@5x4 and a 5x5 kernel does not fit its width: "
        "(4 - 5 + 0 + 1) / 1 = 0.",
    }
    assert fixes[0] == {
        "what": "give conv1 padding 0x1",
        "effect": "2@5x4 -> 2@1x2",
        "network": "1x9x8 | conv 2 k5 | conv 2 k5 p0x1 | dense 10",
    }
    assert all(f"`{key}`" in PAGE for key in [*document, "fixes", *fixes[0]])
    assert diagnose("lenet").to_dict()["output_shape"] == [10]


def test_a_reconciliation() -> None:
    network = parse_network("1x8x8 | dense 10")
    document = reconcile(network, [("fc.weight", (5, 64))]).to_dict()
    assert json.loads(json.dumps(document)) == document
    assert document == {
        "format": "lenet-reconciliation",
        "version": 1,
        "name": "",
        "network": "1x8x8 | dense 10",
        "agrees": False,
        "weights": 1,
        "mismatches": [
            {
                "layer": "dense0",
                "tensor": "fc.weight",
                "found": [5, 64],
                "wanted": [10, 64],
                "normalised": None,
            }
        ],
        "notes": [],
        "changes": 1,
        "fixes": [{"what": "give dense0 5 units", "network": "1x8x8 | dense 5"}],
    }
    assert all(f"`{key}`" in PAGE for key in [*document, *document["mismatches"][0]])
