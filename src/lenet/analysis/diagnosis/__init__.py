"""Why a network does not fit, or its weights do not, and changes that were tried and help.

- ``fixes``: where a network does not fit, and the changes that make it fit, the best first
- ``weights``: a file's weights beside a network's layers: where they differ, what makes them agree
- ``pages``: all of it as a person reads it
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from lenet.analysis.diagnosis import pages
from lenet.analysis.diagnosis.fixes import Fix, find_fixes, find_misfit, least_input
from lenet.analysis.diagnosis.weights import Mismatch, Weights, find_adaptations, match_weights
from lenet.errors import ShapeError
from lenet.net import Network, Source, read_named
from lenet.writing import Result, plain
from lenet.writing.document import Document

__all__ = ["Diagnosis", "Reconciliation", "diagnose", "explain_misfit", "reconcile"]


@dataclass(frozen=True)
class Diagnosis(Result):
    """What :func:`diagnose` finds out; ``print`` it to read it.

    Attributes:
        name: what the network is called; may be empty.
        network: the network looked at, with the input that was asked for.
        layer: the first layer that does not fit; None where all do.
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
        if self.fits:
            return pages.page_of(pages.fit_texts(self.name, self.network, self.least_input))
        return pages.page_of([self.problem], pages.fix_blocks(self.fixes))

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


@dataclass(frozen=True)
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
        if self.agrees:
            return pages.page_of([pages.agreement_text(self.name, self.tensors), *self.notes])
        misfit = find_misfit(self.network)
        texts = [misfit.problem] if misfit else pages.mismatch_texts(self.mismatches)
        goal = pages.agreement_goal(self.tensors, self.changes)
        return pages.page_of([*texts, *self.notes], pages.fix_blocks(self.fixes, goal))

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
        network: a network, zoo name, notation, ``.json`` file, saved model or model.
        input_shape: look at the network on this input instead of its own: (channels, height,
            width), or text such as ``3x64x64``.
        name: what to call it; by default its zoo name or file.

    Raises:
        UsageError: ``network`` names none, or the input shape is impossible.
    """
    network, name = read_named(network, name, input_shape)
    misfit = find_misfit(network)
    layer, problem = (network.names[misfit.place], misfit.problem) if misfit else (None, "")
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
            and shape, in the file's order.
        input_shape: as in :func:`diagnose`.
        name: what to call it; by default its zoo name or file.

    Raises:
        ModelFileError: the file is missing, cut or no safetensors file.
        UsageError: ``network`` names none, or among the tensors is no weight of a convolution or
            a dense layer.
    """
    network, name = read_named(network, name, input_shape)
    match = match_weights(network, weights)
    changes, fixes = find_adaptations(network, match.pairs) if match.mismatches else (0, ())
    tensors = sum(tensor is not None for _, tensor in match.pairs)
    return Reconciliation(name, network, tensors, match.mismatches, match.notes, changes, fixes)


def explain_misfit(error: ShapeError) -> str:
    """Return the whole message for a network that does not fit: why, and what makes it fit."""
    if not isinstance(error.network, Network):
        return str(error)
    from lenet.writing.text import write_text

    found = diagnose(error.network)
    room = "lenet: "  # what the command line puts before it
    fixes = pages.fix_blocks(found.fixes, can_choose=False)
    return write_text(pages.page_of([room + found.problem], fixes)).removeprefix(room)
