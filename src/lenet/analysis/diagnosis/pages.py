"""A diagnosis, and weights beside a network, in sentences and as pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from lenet.analysis.diagnosis.fixes import Fix
from lenet.analysis.diagnosis.weights import Mismatch
from lenet.net import Network, Shape
from lenet.net.shapes import Pair, pair_text, shape_text
from lenet.net.words import name_text
from lenet.writing.document import Column, Document, Notation, Paragraph, Section, Table
from lenet.writing.numbers import chain, plural

#: Of a longer chain of shapes, the middle is left out.
_LONGEST_CHAIN: Final = 12
#: Of more mismatches, only the number is told.
_MOST_MISMATCHES: Final = 8
#: A change in more characters is broken into lines.
_LONGEST_CHANGE: Final = 52

_Block = Table | Paragraph | Notation


def page_of(texts: Iterable[str], blocks: Iterable[_Block] = ()) -> Document:
    """Return a page of sentences, and what comes after them."""
    return Document("", (Section("", (*map(Paragraph, texts), *blocks)),))


def fit_texts(name: str, network: Network, least_input: Pair | None) -> Iterator[str]:
    """Say what comes out of a network that fits, and from which input on it does."""
    shapes = [shape_text(network.input_shape)]
    shapes += [shape_text(placed.output_shape) for placed in network.placed]
    yield f"{name or 'The network'} fits: {shapes[0]} in, {shapes[-1]} out."
    yield chain(shapes, _LONGEST_CHAIN)
    if least_input is not None:
        yield f"It fits every input of {pair_text(least_input)} or more."


def agreement_text(name: str, tensors: int) -> str:
    """Say that all of so many weights agree with a network."""
    agree = f"All {tensors:,} weights agree" if tensors > 1 else "The weight agrees"
    return f"{agree} with {name or 'the network'}."


def mismatch_texts(mismatches: Sequence[Mismatch]) -> Iterator[str]:
    """Say where a file's weights and a network differ."""
    for mismatch in mismatches[:_MOST_MISMATCHES]:
        yield f"{_mismatch_text(mismatch)}."
    if (more := len(mismatches) - _MOST_MISMATCHES) > 0:
        yield f"{plural(more, 'weight')} more do not agree."


def _mismatch_text(mismatch: Mismatch) -> str:
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


def agreement_goal(tensors: int, changes: int) -> str:
    """Name what fixes of so many changes each do to so many weights."""
    together = f", {changes} changes together" if changes > 1 else ""
    return (f"all {tensors:,} weights agree" if tensors > 1 else "the weight agree") + together


def fix_blocks(
    fixes: Sequence[Fix], goal: str = "it fit", can_choose: bool = True
) -> Iterator[_Block]:
    """List the fixes that make ``goal`` true, and write the first as notation to copy."""
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
    numbers = Column("", tuple(map(str, range(1, len(fixes) + 1))), right=True)
    whats, effects = tuple(fix.what for fix in fixes), tuple(fix.effect for fix in fixes)
    columns = [Column("", whats), Column("", effects)]
    if not any(effects) or max(map(len, whats)) > _LONGEST_CHANGE:
        texts = tuple(f"{fix.what}{fix.effect and f' ({fix.effect})'}" for fix in fixes)
        columns = [Column("", texts, is_prose=True)]
    yield Paragraph(f"{which} {goal} ({tried}):")
    yield Table((numbers, *columns), indent=2)
    yield Paragraph(f"{first}:")
    yield Notation(str(fixes[0].network))
