"""A balance as JSON; docs/balance.md explains every key."""

from __future__ import annotations

from typing import Any

from lenet.analysis.balancing.advice import Proposal, costs_of
from lenet.analysis.balancing.neighbours import Balance, activations_of, farthest
from lenet.analysis.ratios import Neighbours


def to_dict(found: Balance) -> dict[str, Any]:
    """The balance as dicts, lists, numbers and strings."""
    network = found.network
    return {
        "format": "lenet-balance",
        "version": 1,
        "name": found.name,
        "network": str(network),
        "layers": [
            {"name": one.name, "output_shape": list(one.output_shape), "activations": size}
            for one, size in activations_of(network)
        ],
        "neighbours": list(map(_neighbours_dict, found.neighbours)),
        "claims": [
            {"claim": one.text, "holds": one.holds, "evidence": one.evidence}
            for one in found.claims
        ],
        "costs": costs_of(network),
        "budget": dict(found.budget),
        "proposals": list(map(_proposal_dict, found.proposals)),
    }


def _neighbours_dict(one: Neighbours) -> dict[str, Any]:
    return {
        "before": one.before,
        "after": one.after,
        "before_activations": one.before_activations,
        "after_activations": one.after_activations,
        "ratio": one.ratio,
        "near": one.near,
        "equal_width": one.equal_width,
        "is_output": one.is_output,
    }


def _proposal_dict(one: Proposal) -> dict[str, Any]:
    return {
        "what": one.what,
        "network": str(one.network),
        **one.costs,
        "farthest_neighbours": farthest(one.network),
    }
