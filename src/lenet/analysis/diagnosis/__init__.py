"""Why a network does not fit, or its weights do not, and changes that were tried and help.

- ``fixes``: where a network does not fit, and the changes that make it fit, the best first
- ``weights``: a file's weights beside a network's layers: where they differ, what makes them agree
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from lenet.analysis.diagnosis.fixes import Fix, find_fixes, find_misfit, least_input
from lenet.analysis.diagnosis.weights import Mismatch, Weights, find_adaptations, match_weights
from lenet.errors import ShapeError
from lenet.net import Network, Shape, Source, read_named
from lenet.net.network import INPUT
from lenet.net.shapes import channels_last_problem, is_channels_last, pair_text, shape_text
from lenet.net.words import name_text
from lenet.writing import Result, plain
from lenet.writing.document import Block, Column, Document, Notation, Paragraph, Section, Table
from lenet.writing.numbers import chain, plural

#: Of a longer chain of shapes, the middle is left out.
_LONGEST_CHAIN: Final = 12
#: Of more mismatches, only the number is told.
_MOST_MISMATCHES: Final = 8
#: A change in more characters is broken into lines.
_LONGEST_CHANGE: Final = 52


@dataclass(frozen=True, repr=False)
class Diagnosis(Result):
    """What :func:`diagnose` finds out; ``print`` it to read it.

    Attributes:
        name: what the network is called; may be empty.
        network: the network looked at, with the input that was asked for.
        layer: the first layer that does not fit, or "input" if that has its channels last; None
            where all fits.
        problem: why it does not fit, one sentence; empty where all fits.
        fixes: changes that make the whole network fit, the best first; none where all fits.
        least_input: the smallest (height, width) that fits, each axis by itself; None where no
            size does.
    """

    name: str
    network: Network
    layer: str | None
    problem: str
    fixes: tuple[Fix, ...]
    least_input: tuple[int, int] | None

    @property
    def fits(self) -> bool:
        """Do all layers fit?"""
        return self.layer is None

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return the diagnosis as a page; see :meth:`lenet.writing.Result.page`."""
        title = _title(self.name, form)
        if not self.fits:
            return _page([self.problem], _fix_blocks(self.fixes), title)
        shapes = [self.network.input_shape, *(p.output_shape for p in self.network.placed)]
        links = list(map(shape_text, shapes))
        name = name_text(self.name) or "The network"
        texts = [f"{name} fits: {links[0]} in, {links[-1]} out."]
        texts.append(chain(links, _LONGEST_CHAIN))
        if self.least_input is not None:
            texts.append(f"It fits every input of {pair_text(self.least_input)} or more.")
        return _page(texts, title=title)

    def to_dict(self) -> dict[str, Any]:
        """Return the diagnosis as JSON can hold it; docs/diagnose.md explains every key."""
        return {
            "format": "lenet-diagnosis",
            "version": 1,
            "name": self.name,
            "network": str(self.network),
            "fits": self.fits,
            "input_shape": list(self.network.input_shape),
            "output_shape": list(self.network.output_shape) if self.fits else None,
            "least_input": self.least_input and list(self.least_input),
            "layer": self.layer,
            "problem": self.problem or None,
            "fixes": [
                {"what": fix.what, "effect": fix.effect or None, "network": str(fix.network)}
                for fix in self.fixes
            ],
        }


@dataclass(frozen=True, repr=False)
class Reconciliation(Result):
    """What :func:`reconcile` finds out; ``print`` it to read it.

    Attributes:
        name: what the network is called; may be empty.
        network: the network looked at.
        tensors: how many weights the file holds.
        mismatches: where they differ, in the network's order.
        notes: what else there is to know, a sentence each.
        changes: how many changes every fix is made of; 0 where all agrees or no fix is known.
        fixes: changes that make every weight agree, the best first.
    """

    name: str
    network: Network
    tensors: int
    mismatches: tuple[Mismatch, ...]
    notes: tuple[str, ...] = ()
    changes: int = 0
    fixes: tuple[Fix, ...] = ()

    @property
    def agrees(self) -> bool:
        """Has every weight the shape that the network wants?"""
        return not self.mismatches

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return the comparison as a page; see :meth:`lenet.writing.Result.page`."""
        title = _title(self.name, form)
        if self.agrees:
            count, name = self.tensors, name_text(self.name) or "the network"
            agree = f"All {count:,} weights agree" if count > 1 else "The weight agrees"
            return _page([f"{agree} with {name}.", *self.notes], title=title)
        misfit = find_misfit(self.network)
        texts = [misfit.problem] if misfit else _mismatch_texts(self.mismatches)
        goal = f"all {self.tensors:,} weights agree" if self.tensors > 1 else "the weight agree"
        goal += f", {self.changes} changes together" if self.changes > 1 else ""
        return _page([*texts, *self.notes], _fix_blocks(self.fixes, goal), title)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON can hold it; docs/diagnose.md explains every key."""
        return {
            "format": "lenet-reconciliation",
            "version": 1,
            "name": self.name,
            "network": str(self.network),
            "agrees": self.agrees,
            "weights": self.tensors,
            "mismatches": [plain(asdict(mismatch)) for mismatch in self.mismatches],
            "notes": list(self.notes),
            "changes": self.changes,
            "fixes": [{"what": fix.what, "network": str(fix.network)} for fix in self.fixes],
        }


def diagnose(
    network: Source, *, input_shape: Iterable[int] | str | None = None, name: str = ""
) -> Diagnosis:
    """Find out whether a network fits, why it does not, and what makes it fit.

    Args:
        network: a network, zoo name, notation, ``.json`` or ``.onnx`` file, saved model or model.
        input_shape: look at the network on this input instead of its own: (channels, height,
            width), or text such as ``3x64x64``.
        name: what to call it; by default its zoo name or file.

    Raises:
        UsageError: ``network`` names none, or the input shape is impossible.
    """
    network, name = read_named(network, name, input_shape)
    layer, problem, misfit = None, "", find_misfit(network)
    if is_channels_last(network.input_shape):
        layer, problem = INPUT, f"{channels_last_problem(network.input_shape)[0]}."
    elif misfit:
        layer, problem = network.names[misfit.place], misfit.problem
    return Diagnosis(name, network, layer, problem, find_fixes(network), least_input(network))


def reconcile(
    network: Source,
    weights: Weights,
    *,
    input_shape: Iterable[int] | str | None = None,
    name: str = "",
) -> Reconciliation:
    """Compare ``network`` with a file's weights, and find the change that makes them agree.

    Args:
        network: as :func:`diagnose` takes it; it need not fit.
        weights: a ``.safetensors`` file, of which only the header is read; or every tensor's name
            and shape, in the file's order, such as ``model.state_dict()``.
        input_shape: as in :func:`diagnose`.
        name: what to call it; by default its zoo name or file.

    Raises:
        ModelFileError: the file is missing, cut or no safetensors file.
        ShapeError: the network's input has its channels last.
        UsageError: ``network`` names none, or among the tensors is no weight of a convolution or
            a dense layer.
    """
    network, name = read_named(network, name, input_shape)
    if is_channels_last(network.input_shape):
        _ = network.placed  # says so
    pairs, mismatches, notes = match_weights(network, weights)
    changes, fixes = find_adaptations(network, pairs) if mismatches else (0, ())
    tensors = sum(tensor is not None for _, tensor in pairs)
    return Reconciliation(name, network, tensors, mismatches, notes, changes, fixes)


def explain_misfit(error: ShapeError) -> str:
    """Return the whole message for a network that does not fit: why, and what makes it fit."""
    if not isinstance(error.network, Network):
        return str(error)
    from lenet.writing.text import write_text

    diagnosis = diagnose(error.network)
    room = "lenet: "  # what the command line puts before it
    fixes = _fix_blocks(diagnosis.fixes, can_choose=False)
    return write_text(_page([room + diagnosis.problem], fixes)).removeprefix(room)


def _page(texts: Iterable[str], blocks: Iterable[Block] = (), title: str = "") -> Document:
    return Document(title, (Section("", (*map(Paragraph, texts), *blocks)),))


def _title(name: str, form: str) -> str:
    """Return what stands above a page; text begins with what was found instead."""
    return "" if form == "text" else name_text(name) or "network"


def _mismatch_texts(mismatches: Sequence[Mismatch]) -> Iterator[str]:
    yield from map(mismatch_text, mismatches[:_MOST_MISMATCHES])
    if (more := len(mismatches) - _MOST_MISMATCHES) > 0:
        yield f"{plural(more, 'weight')} more do not agree."


def mismatch_text(mismatch: Mismatch) -> str:
    """Say in one sentence how a weight and its layer differ."""
    layer, wanted = mismatch.layer, _shape(mismatch.wanted)
    if mismatch.normalised is not None:
        here, there = ("file", "network") if mismatch.normalised else ("network", "file")
        return f"{layer} is normalised over the batch in the {here} and not in the {there}."
    if mismatch.tensor is None:
        return f"{layer} wants a weight{wanted} and the file has none."
    name = name_text(mismatch.tensor)
    if layer is not None and not name.startswith(f"{layer}."):
        name = f"{name} ({layer})"
    there = f"network wants{wanted}" if wanted else "network does not fit"
    if layer is None:
        there = "network has no layer for it"
    return f"{name} is{_shape(mismatch.found)} and the {there}."


def _shape(shape: Shape | None) -> str:
    return f" ({', '.join(map(str, shape))})" if shape is not None else ""


def _fix_blocks(
    fixes: Sequence[Fix], goal: str = "it fit", can_choose: bool = True
) -> Iterator[Block]:
    """List the fixes that make ``goal`` true, and write the first as notation to copy."""
    if not fixes:
        yield Paragraph(f"No change of one layer or of the input makes {goal}.")
        return
    lead, first = "This makes {} (it was tried):", "As notation, to copy and change"
    if len(fixes) > 1:
        lead, first = "Any one of these makes {} (each was tried):", "The first, to copy and change"
        first += " (--fix 2 prints the second, and so on)" * can_choose
    numbers = Column("", tuple(map(str, range(1, len(fixes) + 1))), right=True)
    whats, effects = tuple(fix.what for fix in fixes), tuple(fix.effect for fix in fixes)
    columns = [Column("", whats), Column("", effects)]
    if not any(effects) or max(map(len, whats)) > _LONGEST_CHANGE:
        texts = tuple(f"{fix.what}{fix.effect and f' ({fix.effect})'}" for fix in fixes)
        columns = [Column("", texts, is_prose=True)]
    yield Paragraph(lead.format(goal))
    yield Table((numbers, *columns), indent=2)
    yield Paragraph(f"{first}:")
    yield Notation(str(fixes[0].network))
