"""``lenet.balance``: neighbours, which claims hold, and the result as text and JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.analysis import render
from lenet.analysis.balance import balance
from lenet.analysis.counts import count_network
from lenet.net import Network
from lenet.writing import FORMATS
from pages import read_page
from random_networks import networks

PAGE = read_page("balance.md")
TEXT = """\
lenet    activations of one image

conv0   6@24x24  3,456  ████████████████████████████████████████████████████████
pool0   6@12x12    864  ██████████████
conv1   16@8x8   1,024  █████████████████
pool1   16@4x4     256  ████
dense0  120        120  ██
dense1  84          84  █
dense2  10          10  █

Neighbours (a pooling belongs to its convolution)
  pool0 864   conv1 1,024  1.19x  near each other; equal at 13.5 channels
  pool1 256   dense0 120   2.13x  far apart; equal at 256 units
  dense0 120  dense1 84    1.43x  near each other; equal at 120 units
  dense1 84   dense2 10    8.40x  the output's width is the task's

Does it hold here? (about equal: at most 2x apart)
  no   neighbouring layers are about equally large: pool1 256 and dense0 120 are
       2.13x apart
  yes  smaller maps have more channels: 1 -> 6 -> 16
  no   neighbouring convolutions have about as many parameters: conv0 156 and
       conv1 2,416 parameters are 15.5x apart (their multiply-adds 1.78x)"""


def test_the_text() -> None:
    assert str(balance("lenet")) == TEXT


def test_verdicts() -> None:
    assert "2.25x  far apart; even one channel is more" in str(
        balance("1x4x4 | maxpool 2 | conv 1 k2 p1 | dense 3")
    )
    assert "1.00x  near each other\n" in str(balance("1x8x8 | maxpool 2 | conv 1 k1 | dense 3"))


def test_large_numbers_stay_within_the_width() -> None:
    text = str(balance("3x100000x100000 | conv 1000 k7 s2, maxpool 3 s2 | conv 2000 k9 | dense 9"))
    assert max(map(len, text.splitlines())) <= 80
    assert "e9x" in text or "e11x" in text  # no digits that nobody needs
    assert ",000.00x" not in text


@given(networks(ends_dense=False), st.integers(20, 120))
def test_any_network_in_any_width(network: Network, width: int) -> None:
    text = render(balance(network), "text", width, ascii_only=True)
    assert text.isascii()
    for placed in network.placed:
        assert placed.name in text


def test_as_json() -> None:
    document = balance("lenet", budget={"parameters": 60_000}).to_dict()
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


def holds(text: str) -> list[bool]:
    return [claim.holds for claim in balance(text).claims]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1x8x8 | dense 10", []),
        ("1x8x8 | maxpool 2", []),
        ("1x8x8 | conv 4 k3 | dense 10", [True]),
        ("1x8x8 | dense 40 relu, dense 30 relu, dense 10", [True]),
        ("4x8x8 | conv 4 k3 | conv 4 k3, maxpool 2 | dense 10", [False, False, True]),
        ("4x8x8 | conv 4 k3 same | conv 4 k3 same", [True]),
    ],
)
def test_which_claims_hold(text: str, found: list[bool]) -> None:
    assert holds(text) == found


def test_evidence_is_told_also_where_a_claim_holds() -> None:
    (claim,) = balance("1x8x8 | dense 40 relu, dense 30 relu, dense 10").claims
    assert claim.evidence == "at most, dense0 40 and dense1 30 are 1.33x apart"


def test_large_numbers_neither_overflow_nor_hang() -> None:
    text = "3x100000x100000 | conv 9 k5, maxpool 2 | conv 99999 k3 | dense 1000000, dense 9"
    assert str(balance(text, budget={"parameters": 10**18, "memory": 10**15}))
    deep = "1x9x9" + " | conv 3 k9 p8, maxpool 1x1 s2" * 60 + " | " + ", ".join(["dense 5"] * 200)
    assert balance(deep, budget={"parameters": 10**5}).proposals


def test_a_hundred_layers() -> None:
    text = "3x99x99" + " | conv 64 k3 same relu, conv 64 k3 same relu" * 49 + " | dense 9, dense 9"
    assert str(balance(text, budget={"parameters": 10**7, "memory": 10**9}))


@pytest.mark.parametrize("form", FORMATS)
def test_every_format(form: str) -> None:
    text = render(balance("lenet", budget={"parameters": 60_000}), form)
    assert "conv1" in text
    if form not in ("csv", "json"):
        assert "13.5 channels" in text
        assert "all of it" in text


@pytest.mark.parametrize(("name", "most"), [("lenet-5", 90_400), ("lenet-1", 3_400)])
def test_a_table_goes_with_the_channels_that_it_connects(name, most):
    proposals = balance(name, budget={"parameters": most}).proposals
    assert proposals
    assert all(count_network(proposal.network).parameters <= most for proposal in proposals)
