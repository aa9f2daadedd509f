"""A diagnosis, and weights beside a network, as pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from lenet.analysis.diagnosis.fixes import Fix
from lenet.analysis.diagnosis.weights import Mismatch
from lenet.net import Network, Shape
from lenet.net.shapes import Pair, pair_text, shape_text
from lenet.net.words import name_text
from lenet.writing import Column, Document, Notation, Paragraph, Section, Table
from lenet.writing.numbers import plural
from lenet.writing.prose import chain

#: Of a longer chain of shapes, the middle is left out.
_LONGEST_CHAIN: Final = 12
#: Of more mismatches, only the number is told.
_MOST_MISMATCHES: Final = 8
#: A change in more characters is broken into lines.
_LONGEST_CHANGE: Final = 52

Block = Table | Paragraph | Notation


def fit_page(name: str, network: Network, least_input: Pair | None) -> Document:
    """Say what comes out of a network that fits, and from which input on it does."""
    shapes = [shape_text(network.input_shape)]
    shapes += [shape_text(placed.output_shape) for placed in network.placed]
    blocks: list[Block] = [
        Paragraph(f"{name or 'The network'} fits: {shapes[0]} in, {shapes[-1]} out."),
        Paragraph(chain(shapes, _LONGEST_CHAIN)),
    ]
    if least_input is not None:
        blocks.append(Paragraph(f"It fits every input of {pair_text(least_input)} or more."))
    return Document("", (Section("", tuple(blocks)),))


def misfit_page(problem: str, fixes: Sequence[Fix], can_choose: bool = True) -> Document:
    """Say why a network does not fit, and what makes it fit."""
    blocks = (Paragraph(problem), *_fix_blocks(fixes, "it fit", can_choose))
    return Document("", (Section("", blocks),))


def agreement_page(name: str, tensors: int, notes: Sequence[str]) -> Document:
    """Say that all weights agree with a network."""
    agree = f"All {tensors:,} weights agree" if tensors > 1 else "The weight agrees"
    texts = (f"{agree} with {name or 'the network'}.", *notes)
    return Document("", (Section("", tuple(map(Paragraph, texts))),))


def mismatch_page(
    problem: str,
    mismatches: Sequence[Mismatch],
    notes: Sequence[str],
    fixes: Sequence[Fix],
    tensors: int,
    changes: int,
) -> Document:
    """Say where a file's weights and a network differ, and what makes them agree.

    Args:
        problem: why the network does not fit, which comes before all; empty where it does.
        mismatches: where they differ.
        notes: what else there is to say.
        fixes: what makes them agree.
        tensors: how many weights the file holds.
        changes: how many changes each fix is made of.
    """
    goal = f"all {tensors:,} weights agree" if tensors > 1 else "the weight agree"
    if changes > 1:
        goal += f", {changes} changes together"
    differences = [f"{mismatch_text(mismatch)}." for mismatch in mismatches[:_MOST_MISMATCHES]]
    if (more := len(mismatches) - _MOST_MISMATCHES) > 0:
        differences.append(f"{plural(more, 'weight')} more do not agree.")
    texts = ([problem] if problem else differences) + [*notes]
    blocks = (*map(Paragraph, texts), *_fix_blocks(fixes, goal))
    return Document("", (Section("", blocks),))


def mismatch_text(mismatch: Mismatch) -> str:
    """Say in one sentence how a layer and the weight that should be its own differ."""
    layer, shape, wanted = mismatch.layer, mismatch.found, mismatch.wanted
    if mismatch.normalised is not None:
        here, there = ("file", "network") if mismatch.normalised else ("network", "file")
        return f"{layer} is normalised over the batch in the {here} and not in the {there}"
    if shape is None:
        return f"{layer} wants a weight{_shape(wanted)} and the file has none"
    name = name_text(mismatch.tensor or "")
    if layer is None:
        return f"{name} is{_shape(shape)} and the network has no layer for it"
    if not name.startswith(f"{layer}."):
        name = f"{name} ({layer})"
    wants = f"network wants{_shape(wanted)}" if wanted else "network does not fit"
    return f"{name} is{_shape(shape)} and the {wants}"


def _shape(shape: Shape | None) -> str:
    return f" ({', '.join(map(str, shape))})" if shape is not None else ""


def _fix_blocks(fixes: Sequence[Fix], goal: str, can_choose: bool = True) -> Iterator[Block]:
    """The fixes as a list, and the first as notation to copy."""
    if not fixes:
        yield Paragraph(f"No change of one layer or of the input makes {goal}.")
        return
    which, tried, first = (
        "Any one of these makes",
        "each was tried",
        "The first, to copy and change",
    )
    if len(fixes) == 1:
        which, tried, first = "This makes", "it was tried", "As notation, to copy and change"
    elif can_choose:
        first += " (--fix 2 prints the second, and so on)"
    yield Paragraph(f"{which} {goal} ({tried}):")
    yield _fix_table(fixes)
    yield Paragraph(f"{first}:")
    yield Notation(str(fixes[0].network))


def _fix_table(fixes: Sequence[Fix]) -> Table:
    numbers = Column("", tuple(map(str, range(1, len(fixes) + 1))), right=True)
    whats, effects = tuple(fix.what for fix in fixes), tuple(fix.effect for fix in fixes)
    if any(effects) and max(map(len, whats)) <= _LONGEST_CHANGE:
        return Table((numbers, Column("", whats), Column("", effects)), indent=2)
    texts = tuple(f"{fix.what}{fix.effect and f' ({fix.effect})'}" for fix in fixes)
    return Table((numbers, Column("", texts, is_prose=True)), indent=2)
