"""A deduction as JSON: its values, and that the page explains every key."""

import json

from lenet.analysis.deduction import deduce
from lenet.net import parse_network
from pages import read_page

PAPER = "32x32 -> 6@28x28 -> 6@14x14 -> 16@10x10 -> 16@5x5 -> 120 -> 84 -> 10"


def test_as_json() -> None:
    values = deduce(PAPER, given="conv0 k5").to_dict()
    assert json.loads(json.dumps(values)) == values
    assert values["figure"][0] == [1, 32, 32]
    assert parse_network(values["network"]) == deduce(PAPER).network
    first = values["steps"][0]
    assert (first["name"], first["given"], first["chosen"]) == ("conv0", "conv0 k5", 0)
    best = first["candidates"][0]
    assert best["kernel_size"] == [5, 5]
    assert best["padding"] == [0, 0, 0, 0]
    assert best["score"] == sum(reason["points"] for reason in best["reasons"])


def test_the_page_explains_every_key() -> None:
    page = read_page("deduce.md")
    values = deduce(PAPER).to_dict()
    step = values["steps"][0]
    candidate = step["candidates"][0]
    for key in [*values, *step, *step["windows"], *candidate, *candidate["reasons"][0]]:
        assert f"`{key}`" in page, key
