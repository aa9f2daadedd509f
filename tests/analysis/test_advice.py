"""Proposals are valid, within their budget, and change nothing but widths."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.analysis.advice import COSTS, Frame, costs_of
from lenet.analysis.balance import balance
from lenet.analysis.neighbours import farthest
from lenet.errors import UsageError
from lenet.net import Conv2d, Dense, Network, parse_network, zoo
from random_networks import networks
from refusals import refused

budgets = st.dictionaries(st.sampled_from(list(COSTS)), st.integers(1, 10**9), min_size=1)


@given(networks(ends_dense=False), budgets)
def test_every_proposal_is_valid_and_within_the_budget(
    network: Network, budget: dict[str, int]
) -> None:
    least = _least(network)
    if any(least[name] > most for name, most in budget.items()):
        with pytest.raises(UsageError) as caught:
            balance(network, budget=budget)
        assert any(f"takes {least[name]:,};" in str(caught.value) for name in budget)
        return
    found = balance(network, budget=budget)
    assert found.proposals
    for one in found.proposals:
        assert all(costs_of(one.network)[name] <= most for name, most in budget.items())
        assert one.costs == costs_of(one.network)
        assert parse_network(str(one.network)) == one.network
        assert _without_widths(one.network) == _without_widths(network)
    assert len({one.network for one in found.proposals}) == len(found.proposals)
    json.dumps(found.to_dict())


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
    frame = Frame(network)
    return costs_of(frame.network(frame.least))


@given(networks(ends_dense=False))
def test_the_same_widths_give_the_same_network(network: Network) -> None:
    trained = [layer for layer in network.layers if isinstance(layer, Conv2d | Dense)]
    assert Frame(network).network([layer.width for layer in trained]) == network


def test_costs_of_normalised_layers() -> None:
    network = parse_network("1x9x9 | conv 4 k3 batchnorm relu | conv 8 k3 | dense 3")
    assert costs_of(network)["parameters"] == 36 + 2 * 4 + 288 + 8 + 600 + 3
    proposals = balance(network, budget={"parameters": 1000}).proposals
    assert all(one.network.layers[0].batch_norm for one in proposals)  # type: ignore[union-attr]


def test_the_whole_budget_is_used_and_neighbours_are_nearer() -> None:
    found = balance("lenet", budget={"parameters": 60_000})
    all_of_it = next(one for one in found.proposals if one.what == "all of it")
    assert 0.9 * 60_000 < all_of_it.costs["parameters"] <= 60_000
    assert all(farthest(one.network) < farthest(zoo.lenet()) / 2 for one in found.proposals)
    parameters = [one.costs["parameters"] for one in found.proposals[:3]]
    assert parameters == sorted(parameters)


def test_channels_never_become_fewer_on_smaller_maps() -> None:
    text = "1x64x64" + " | conv 9 k3 same, maxpool 2" * 4 + " | dense 50, dense 10"
    for one in balance(text, budget={"macs": 5_000_000}).proposals:
        channels = [layer.channels for layer in one.network.layers if isinstance(layer, Conv2d)]
        assert channels == sorted(channels)


def test_a_budget_too_small_says_the_least() -> None:
    with pytest.raises(UsageError, match="takes 91;"):
        balance("lenet", budget={"parameters": 60})
    assert balance("lenet", budget={"parameters": 91}).proposals[0].costs["parameters"] == 91


@pytest.mark.parametrize("budget", [{"flops": 3}, {"parameters": 0}, {"macs": True}, {"macs": 1.5}])
def test_an_impossible_budget(budget: dict[str, int]) -> None:
    with refused(UsageError, "the budget"):
        balance("lenet", budget=budget)
