"""``lenet.balance``: are neighbouring layers about equally large, and which widths would be?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lenet.analysis.advice import COSTS, Proposal, advise, checked_budget, costs_of
from lenet.analysis.budget import read_budget
from lenet.analysis.neighbours import (
    NEAR,
    Claim,
    Neighbours,
    claims_of,
    farthest,
    neighbours_of,
)
from lenet.net import Network, Source, read_named
from lenet.net.shapes import elements, shape_text
from lenet.writing import Result
from lenet.writing.document import Column, Document, Notation, Paragraph, Section, Table, table_of
from lenet.writing.numbers import bytes_text, plural, short_count, times

_NEIGHBOUR_KEYS: Final = (
    *("before", "after", "before_activations", "after_activations"),
    *("ratio", "near", "equal_width", "is_output"),
)


@dataclass(frozen=True)
class Balance(Result):
    """What :func:`balance` found out; ``print`` it to read it.

    Attributes:
        name: what the network is called; may be empty.
        network: the network.
        neighbours: every convolution and dense layer with what comes before it.
        claims: what the article and its book claim, held against the numbers.
        budget: what was asked for, by the name of the cost; empty without.
        proposals: other widths within the budget, the frugal first.
    """

    name: str
    network: Network
    neighbours: tuple[Neighbours, ...]
    claims: tuple[Claim, ...]
    budget: Mapping[str, int]
    proposals: tuple[Proposal, ...]

    csv_key = "layers"

    @property
    def activations(self) -> tuple[int, ...]:
        """How many numbers leave every layer for one image."""
        return tuple(elements(placed.output_shape) for placed in self.network.placed)

    def to_dict(self) -> dict[str, Any]:
        """Return the balance as JSON can hold it; docs/balance.md explains every key."""
        layers = zip(self.network.placed, self.activations, strict=True)
        return {
            "format": "lenet-balance",
            "version": 1,
            "name": self.name,
            "network": str(self.network),
            "layers": [
                {"name": p.name, "output_shape": list(p.output_shape), "activations": size}
                for p, size in layers
            ],
            "neighbours": [
                {key: getattr(pair, key) for key in _NEIGHBOUR_KEYS} for pair in self.neighbours
            ],
            "claims": [
                {"claim": claim.text, "holds": claim.holds, "evidence": claim.evidence}
                for claim in self.claims
            ],
            "costs": costs_of(self.network),
            "budget": dict(self.budget),
            "proposals": [
                {
                    "what": proposal.what,
                    "network": str(proposal.network),
                    **proposal.costs,
                    "farthest_neighbours": farthest(proposal.network),
                }
                for proposal in self.proposals
            ],
        }

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Lay the balance out: a chart, the neighbours, the claims, the proposals."""
        sections = [Section("", (_chart(self),))]
        if self.neighbours:
            title = "Neighbours (a pooling belongs to its convolution)"
            sections.append(Section(title, (_neighbours_table(self.neighbours),)))
        if self.claims:
            title = f"Does it hold here? (about equal: at most {NEAR:.0f}x apart)"
            sections.append(Section(title, (_claims_table(self.claims),)))
        if self.proposals:
            sections += _proposals(self)
        name = self.name or "network"
        return Document(name, tuple(sections), beside=("activations of one image",))


def balance(
    network: Source,
    *,
    budget: Mapping[str, int] | Iterable[str] | str | None = None,
    name: str = "",
    input_shape: Iterable[int] | str | None = None,
) -> Balance:
    """Hold the sizes of neighbouring layers against each other; propose widths within a budget.

    Args:
        network: a network, a model, a zoo name, a notation, a ``.json`` file or a saved model.
        budget: the most that proposals may cost, by name: ``parameters``, ``macs`` (multiply-adds
            forward for one image), ``activations``, ``memory`` (bytes in use on one image); or
            texts such as ``macs=300k`` and ``memory=256KiB``.
        name: what to call it; by default its zoo name or file.
        input_shape: look at the network on this input instead of its own.

    Raises:
        UsageError: ``network`` names none, an unknown cost, or a budget that nothing fits into.
        ShapeError: the network does not fit together.
    """
    network, name = read_named(network, name, input_shape)
    limits = checked_budget(read_budget(budget or {}))
    return Balance(
        name=name,
        network=network,
        neighbours=neighbours_of(network),
        claims=tuple(claims_of(network)),
        budget=limits,
        proposals=advise(network, limits) if limits else (),
    )


def _chart(balance: Balance) -> Table:
    placed, sizes = balance.network.placed, balance.activations
    bars = tuple(size / max(sizes) for size in sizes)
    return Table(
        (
            Column("", tuple(layer.name for layer in placed)),
            Column("", tuple(shape_text(layer.output_shape) for layer in placed)),
            Column("", tuple(f"{size:,}" for size in sizes), right=True),
            Column("", ("",) * len(bars), bars=bars),
        )
    )


def _neighbours_table(neighbours: Iterable[Neighbours]) -> Table:
    rows = [
        (
            f"{pair.before} {pair.before_activations:,}",
            f"{pair.after} {pair.after_activations:,}",
            times(pair.ratio),
            _verdict(pair),
        )
        for pair in neighbours
    ]
    return table_of(rows, right={2}, prose=True, indent=2)


def _verdict(pair: Neighbours) -> str:
    if pair.is_output:
        return "the output's width is the task's"
    verdict = "near each other" if pair.near else "far apart"
    if pair.ratio == 1:
        return verdict
    if not pair.equal_text:
        return f"{verdict}; even one {pair.width_noun} is more"
    return f"{verdict}; equal at {pair.equal_text}"


def _claims_table(claims: Iterable[Claim]) -> Table:
    rows = [
        ("yes" if claim.holds else "no ", f"{claim.text}: {claim.evidence}") for claim in claims
    ]
    return table_of(rows, prose=True, indent=2)


def _proposals(balance: Balance) -> Iterator[Section]:
    limits = ", ".join(
        f"{bytes_text(most)} of memory" if name == "memory" else plural(most, COSTS[name])
        for name, most in balance.budget.items()
    )
    text = (
        f"Within {limits}: channels and units that keep neighbours near each other. "
        "Farthest is the largest ratio between neighbours, the output among them."
    )
    yield Section("", (Paragraph(text),))
    titles = ("", "parameters", "multiply-adds", "activations", "memory", "farthest")
    rows = [("as it is", *_cells(balance.network, costs_of(balance.network)))]
    for number, proposal in enumerate(balance.proposals, 1):
        rows.append((f"{number}  {proposal.what}", *_cells(proposal.network, proposal.costs)))
    yield Section("", (table_of(rows, titles, right=range(1, len(titles))),))
    for number, proposal in enumerate(balance.proposals, 1):
        yield Section(f"{number}  {proposal.what}", (Notation(str(proposal.network)),))


def _cells(network: Network, costs: Mapping[str, int]) -> tuple[str, ...]:
    counts = (short_count(costs[name]) for name in ("parameters", "macs", "activations"))
    return (*counts, bytes_text(costs["memory"]), times(farthest(network)))
