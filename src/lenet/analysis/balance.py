"""``lenet.balance``: are neighbouring layers about equally large, and which widths would be?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lenet.analysis.advice import COSTS, Proposal, advise, costs_of, read_budget
from lenet.analysis.neighbours import NEAR, Claim, Neighbours, claims_of, farthest, neighbours_of
from lenet.errors import about
from lenet.net import Network, Source, read_named
from lenet.net.shapes import elements, shape_text
from lenet.net.words import name_text
from lenet.writing import Result
from lenet.writing.document import Column, Document, Notation, Paragraph, Section, Table, table_of
from lenet.writing.numbers import bytes_text, plural, short_count, times

_NEIGHBOUR_KEYS: Final = (
    *("before", "after", "before_activations", "after_activations"),
    *("ratio", "near", "equal_width", "is_output"),
)


@dataclass(frozen=True, repr=False)
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
        return {
            "format": "lenet-balance",
            "version": 1,
            "name": self.name,
            "network": str(self.network),
            "layers": [
                {"name": p.name, "output_shape": list(p.output_shape), "activations": size}
                for p, size in zip(self.network.placed, self.activations, strict=True)
            ],
            "neighbours": [
                {key: getattr(pair, key) for key in _NEIGHBOUR_KEYS} for pair in self.neighbours
            ],
            "claims": [
                {"claim": c.text, "holds": c.holds, "evidence": c.evidence} for c in self.claims
            ],
            "costs": costs_of(self.network),
            "budget": dict(self.budget),
            "proposals": list(map(_proposal_dict, self.proposals)),
        }

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Lay the balance out: a chart, the neighbours, the claims, the proposals."""
        sections = [Section("", (_chart(self),))]
        if self.neighbours:
            table = table_of(map(_neighbours_row, self.neighbours), right={2}, prose=True, indent=2)
            sections.append(Section("Neighbours (a pooling belongs to its convolution)", (table,)))
        if self.claims:
            rows = [(("no ", "yes")[c.holds], f"{c.text}: {c.evidence}") for c in self.claims]
            title = f"Does it hold here? (about equal: at most {NEAR:.0f}x apart)"
            sections.append(Section(title, (table_of(rows, prose=True, indent=2),)))
        if self.proposals:
            sections += _proposals(self)
        beside = ("activations of one image",)
        return Document(name_text(self.name) or "network", tuple(sections), beside=beside)


def balance(
    network: Source,
    *,
    budget: Mapping[str, int] | Iterable[str] | str | None = None,
    name: str = "",
    input_shape: Iterable[int] | str | None = None,
) -> Balance:
    """Hold the sizes of neighbouring layers against each other; propose widths within a budget.

    Args:
        network: a network, a model, a zoo name, a notation, a ``.json`` or ``.onnx`` file or a
            saved model.
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
    neighbours, claims = neighbours_of(network), tuple(claims_of(network))
    with about("budget"):
        limits = read_budget({} if budget is None else budget)
        proposals = advise(network, limits) if limits else ()
    return Balance(name, network, neighbours, claims, limits, proposals)


def _proposal_dict(proposal: Proposal) -> dict[str, Any]:
    network = proposal.network
    named = {"what": proposal.what, "network": str(network)}
    return {**named, **proposal.costs, "farthest_neighbours": farthest(network)}


def _chart(balance: Balance) -> Table:
    placed, sizes = balance.network.placed, balance.activations
    bars = tuple(size / max(sizes) for size in sizes)
    both = zip(placed, sizes, strict=True)
    rows = [(layer.name, shape_text(layer.output_shape), f"{size:,}") for layer, size in both]
    columns = table_of(rows, right={2}).columns
    return Table((*columns, Column("", ("",) * len(bars), bars=bars)))


def _neighbours_row(pair: Neighbours) -> tuple[str, ...]:
    verdict = pair.verdict
    if pair.is_output:
        verdict = "the output's width is the task's"
    elif pair.ratio != 1:
        equal = f"equal at {pair.equal_text}"
        verdict += f"; {equal if pair.equal_text else f'even one {pair.width_noun} is more'}"
    before, after = pair.before_activations, pair.after_activations
    return f"{pair.before} {before:,}", f"{pair.after} {after:,}", times(pair.ratio), verdict


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
    named = [(f"{number}  {p.what}", p) for number, p in enumerate(balance.proposals, 1)]
    rows = [("as it is", *_cells(balance.network, costs_of(balance.network)))]
    rows += [(title, *_cells(proposal.network, proposal.costs)) for title, proposal in named]
    yield Section("", (table_of(rows, titles, right=range(1, len(titles))),))
    for title, proposal in named:
        yield Section(title, (Notation(str(proposal.network)),))


def _cells(network: Network, costs: Mapping[str, int]) -> tuple[str, ...]:
    counts = (short_count(costs[name]) for name in ("parameters", "macs", "activations"))
    return (*counts, bytes_text(costs["memory"]), times(farthest(network)))
