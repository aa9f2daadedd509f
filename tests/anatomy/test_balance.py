"""The chart, the claims, and proposals that are valid, within budget and change widths only."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.anatomy.balance import balance, balance_dict, farthest
from lenet.anatomy.balance_advice import COSTS, _Frame, costs_of
from lenet.anatomy.balance_text import render_balance
from lenet.errors import UsageError
from lenet.net import Conv2d, Dense, Network, format_network, parse_network, zoo
from random_networks import networks

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
  yes  where maps get smaller, channels get more: channels 1 -> 6 -> 16
  no   neighbouring convolutions have about as many parameters: conv0 156 and
       conv1 2,416 parameters are 15.49x apart (their multiply-adds 1.78x)"""

budgets = st.dictionaries(st.sampled_from(list(COSTS)), st.integers(1, 10**9), min_size=1)


def holds(text: str) -> list[bool]:
    return [claim.holds for claim in balance(text).claims]


def test_the_text() -> None:
    assert str(balance("lenet")) == TEXT


def test_the_seeds_calculation() -> None:
    first = balance("lenet").neighbours[0]
    assert (first.before_activations, first.after_activations) == (864, 1024)
    assert first.equal_width == 13.5
    assert first.near


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


def test_verdicts() -> None:
    assert "2.25x  far apart; even one channel is more" in str(
        balance("1x4x4 | maxpool 2 | conv 1 k2 p1 | dense 3")
    )
    assert "1.00x  near each other\n" in str(balance("1x8x8 | maxpool 2 | conv 1 k1 | dense 3"))


@given(networks(ends_dense=False), budgets)
def test_every_proposal_is_valid_and_within_the_budget(
    network: Network, budget: dict[str, int]
) -> None:
    try:
        found = balance(network, budget)
    except UsageError as error:
        least = _least(network)
        assert any(f"takes {least[name]:,};" in str(error) for name in budget)
        assert any(least[name] > most for name, most in budget.items())
        return
    assert found.proposals
    for one in found.proposals:
        assert all(costs_of(one.network)[name] <= most for name, most in budget.items())
        assert one.costs == costs_of(one.network)
        assert parse_network(format_network(one.network)) == one.network
        assert _without_widths(one.network) == _without_widths(network)
    assert len({one.network for one in found.proposals}) == len(found.proposals)
    json.dumps(balance_dict(found))


def _without_widths(network: Network) -> object:
    """All that a proposal must not change: the input, the blocks, windows, the last width."""
    layers = [
        (type(layer), getattr(layer, "kernel_size", None), getattr(layer, "activation", None))
        for layer in network.layers
    ]
    trained = [layer for layer in network.layers if isinstance(layer, Conv2d | Dense)]
    last = trained[-1:]
    return network.input_shape, [len(block.layers) for block in network.blocks], layers, last


def _least(network: Network) -> dict[str, int]:
    frame = _Frame(network)
    return costs_of(frame.network(frame.least))


@given(networks(ends_dense=False))
def test_costs_without_building_the_network(network: Network) -> None:
    trained = [layer for layer in network.layers if isinstance(layer, Conv2d | Dense)]
    widths = [one.channels if isinstance(one, Conv2d) else one.units for one in trained]
    frame = _Frame(network)
    assert frame.costs(widths) == costs_of(network)
    assert frame.network(widths) == network


def test_the_whole_budget_is_used_and_neighbours_are_nearer() -> None:
    found = balance("lenet", {"parameters": 60_000})
    all_of_it = next(one for one in found.proposals if one.what == "all of it")
    assert 0.9 * 60_000 < all_of_it.costs["parameters"] <= 60_000
    assert all(farthest(one.network) < farthest(zoo.lenet()) / 2 for one in found.proposals)
    parameters = [one.costs["parameters"] for one in found.proposals[:3]]
    assert parameters == sorted(parameters)


def test_channels_never_become_fewer_on_smaller_maps() -> None:
    text = "1x64x64" + " | conv 9 k3 same, maxpool 2" * 4 + " | dense 50, dense 10"
    for one in balance(text, {"macs": 5_000_000}).proposals:
        channels = [layer.channels for layer in one.network.layers if isinstance(layer, Conv2d)]
        assert channels == sorted(channels)


def test_a_budget_too_small_says_the_least() -> None:
    with pytest.raises(UsageError, match=r"this network takes 91; give that or more"):
        balance("lenet", {"parameters": 60})
    assert balance("lenet", {"parameters": 91}).proposals[0].costs["parameters"] == 91


@pytest.mark.parametrize("budget", [{"flops": 3}, {"parameters": 0}, {"macs": True}, {"macs": 1.5}])
def test_an_impossible_budget(budget: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="the budget"):
        balance("lenet", budget)


@given(networks(ends_dense=False), st.integers(20, 120))
def test_any_network_in_any_width(network: Network, width: int) -> None:
    text = render_balance(balance(network), width, "#")
    assert text.isascii()
    for placed in network.placed:
        assert placed.name in text


def test_large_numbers_neither_overflow_nor_hang() -> None:
    start = time.perf_counter()
    text = "3x100000x100000 | conv 9 k5, maxpool 2 | conv 99999 k3 | dense 1000000, dense 9"
    assert str(balance(text, {"parameters": 10**18, "memory": 10**15}))
    deep = "1x9x9" + " | conv 3 k9 p8, maxpool 1x1 s2" * 60 + " | " + ", ".join(["dense 5"] * 200)
    assert balance(deep, {"parameters": 10**5}).proposals
    assert time.perf_counter() - start < 2


def test_a_hundred_layers_are_quick() -> None:
    text = "3x99x99" + " | conv 64 k3 same relu, conv 64 k3 same relu" * 49 + " | dense 9, dense 9"
    start = time.perf_counter()
    assert str(balance(text, {"parameters": 10**7, "memory": 10**9}))
    assert time.perf_counter() - start < 1
