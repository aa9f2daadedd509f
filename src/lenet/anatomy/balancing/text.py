"""A balance as plain text: the chart, the neighbours, the claims, the proposals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from lenet.anatomy.balancing.advice import COSTS, costs_of
from lenet.anatomy.balancing.neighbours import NEAR, Balance, Neighbours, activations_of, farthest
from lenet.anatomy.prose import notation_lines, wrapped
from lenet.anatomy.units import bytes_text, short_count
from lenet.net import Conv2d, Network
from lenet.net.shapes import shape_text

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
        sections.append(["Neighbours (a pooling belongs to its convolution)", *_neighbours(found)])
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
    cells = [(one.name, shape_text(one.output_shape), f"{size:,}") for one, size in rows]
    names, shapes, sizes = (max(map(len, column)) for column in zip(*cells, strict=True))
    room = max(_SHORTEST, width - names - shapes - sizes - 6)
    largest = max(size for _, size in rows)
    for (name, shape, text), (_, size) in zip(cells, rows, strict=True):
        length = max(1, round(room * size / largest))
        yield f"{name:<{names}}  {shape:<{shapes}}  {text:>{sizes}}  {bar * length}"


def _neighbours(found: Balance) -> Iterator[str]:
    layers = {one.name: one.layer for one in found.network.placed}
    rows = [
        (
            f"{one.before} {one.before_activations:,}",
            f"{one.after} {one.after_activations:,}",
            f"{one.ratio:,.2f}x",
            _verdict(one, "channel" if isinstance(layers[one.after], Conv2d) else "unit"),
        )
        for one in found.neighbours
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for before, after, ratio, verdict in rows:
        yield (f"  {before:<{widths[0]}}  {after:<{widths[1]}}  {ratio:>{widths[2]}}  {verdict}")


def _verdict(one: Neighbours, word: str) -> str:
    if one.is_output:
        return "the output's width is the task's"
    verdict = "near each other" if one.near else "far apart"
    if one.ratio == 1:
        return verdict
    width = f"{one.equal_width:,.1f}".removesuffix(".0")
    if one.equal_width < 1:
        return f"{verdict}; even one {word} is more"
    return f"{verdict}; equal at {width} {word}{'s' * (width != '1')}"


def _proposals(found: Balance, width: int) -> Iterator[str]:
    limits = ", ".join(
        bytes_text(most) + " of memory" if name == "memory" else f"{most:,} {COSTS[name]}"
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
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [cell.rjust(size) for cell, size in zip(others, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells])
    for number, one in enumerate(found.proposals, 1):
        yield ""
        yield f"{number}  {one.what}"
        yield from notation_lines(one.network, width, "   ")


def _cells(network: Network, costs: Mapping[str, int]) -> tuple[str, ...]:
    counts = (short_count(costs[name]) for name in ("parameters", "macs", "activations"))
    return (*counts, bytes_text(costs["memory"]), f"{farthest(network):,.2f}x")
