"""A balance as plain text: the chart, the neighbours, the claims, the proposals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from lenet.analysis.balancing.advice import COSTS, costs_of
from lenet.analysis.balancing.neighbours import Balance, activations_of, farthest
from lenet.analysis.ratios import NEAR, Neighbours
from lenet.net import Network
from lenet.net.shapes import shape_text
from lenet.writing.numbers import bytes_text, plural, short_count, times
from lenet.writing.prose import notation_lines, side_by_side, wrapped

_BAR: Final = "█"
#: The least that is left for the longest bar.
_SHORTEST: Final = 10


def render_balance(found: Balance, width: int = 80, bar: str = _BAR) -> str:
    """``found`` in lines of at most ``width`` characters, as far as its numbers allow.

    Args:
        found: the balance.
        width: in characters.
        bar: what bars are made of, one character.
    """
    network = found.network
    sections = [
        [f"{found.name or 'network'}    activations of one image", "", *_chart(network, width, bar)]
    ]
    if found.neighbours:
        title = "Neighbours (a pooling belongs to its convolution)"
        sections.append([title, *_neighbours(found.neighbours, width)])
    if found.claims:
        sections.append([f"Does it hold here? (about equal: at most {NEAR:.0f}x apart)"])
        for claim in found.claims:
            verdict = "yes" if claim.holds else "no "
            text = f"{claim.text}: {claim.evidence}"
            sections[-1] += wrapped(text, width, f"  {verdict}  ", "       ")
    if found.proposals:
        sections.append(list(_proposals(found, width)))
    return "\n\n".join("\n".join(line.rstrip() for line in lines) for lines in sections)


def _chart(network: Network, width: int, bar: str) -> Iterator[str]:
    rows = activations_of(network)
    labels = side_by_side(
        [(one.name, shape_text(one.output_shape), f"{size:,}") for one, size in rows], right={2}
    )
    room = max(_SHORTEST, width - len(labels[0]) - 2)
    largest = max(size for _, size in rows)
    for label, (_, size) in zip(labels, rows, strict=True):
        yield f"{label}  {bar * max(1, round(room * size / largest))}"


def _neighbours(pairs: Sequence[Neighbours], width: int) -> Iterator[str]:
    rows = [
        (
            f"{one.before} {one.before_activations:,}",
            f"{one.after} {one.after_activations:,}",
            times(one.ratio),
        )
        for one in pairs
    ]
    for label, one in zip(side_by_side(rows, right={2}), pairs, strict=True):
        yield from wrapped(_verdict(one), width, f"  {label}  ", "      ")


def _verdict(one: Neighbours) -> str:
    if one.is_output:
        return "the output's width is the task's"
    verdict = "near each other" if one.near else "far apart"
    if one.ratio == 1:
        return verdict
    if not one.equal_text:
        return f"{verdict}; even one {one.width_word} is more"
    return f"{verdict}; equal at {one.equal_text}"


def _proposals(found: Balance, width: int) -> Iterator[str]:
    limits = ", ".join(
        f"{bytes_text(most)} of memory" if name == "memory" else plural(most, COSTS[name])
        for name, most in found.budget.items()
    )
    yield from wrapped(
        f"Within {limits}: channels and units that keep neighbours near each other. "
        "Farthest is the largest ratio between neighbours, the output among them.",
        width,
    )
    yield ""
    rows: list[tuple[str, ...]] = [
        ("", "parameters", "multiply-adds", "activations", "memory", "farthest")
    ]
    rows.append(("as it is", *_cells(found.network, costs_of(found.network))))
    for number, one in enumerate(found.proposals, 1):
        rows.append((f"{number}  {one.what}", *_cells(one.network, one.costs)))
    yield from side_by_side(rows, right=range(1, len(rows[0])), width=width)
    for number, one in enumerate(found.proposals, 1):
        yield ""
        yield f"{number}  {one.what}"
        yield from notation_lines(one.network, width, "   ")


def _cells(network: Network, costs: Mapping[str, int]) -> tuple[str, ...]:
    counts = (short_count(costs[name]) for name in ("parameters", "macs", "activations"))
    return (*counts, bytes_text(costs["memory"]), times(farthest(network)))
