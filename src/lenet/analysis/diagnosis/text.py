"""A diagnosis and a comparison with weights as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lenet.analysis.diagnosis.changes import Fix
from lenet.analysis.diagnosis.problem import Diagnosis, diagnose
from lenet.analysis.diagnosis.weights import Reconciliation
from lenet.net.shapes import pair_text, shape_text
from lenet.writing.numbers import plural
from lenet.writing.prose import chain, notation_lines, wrapped

#: Of a longer chain of shapes, the middle is left out.
_LONGEST_CHAIN = 12
#: The room on an error's first line that the command's name takes.
_BEFORE_ERRORS = " " * len("lenet: ")
#: Of more mismatches, only the number is told.
_MOST_MISMATCHES = 8


def render_diagnosis(diagnosis: Diagnosis, width: int = 80) -> str:
    """``diagnosis`` in lines of at most ``width`` characters, as far as its numbers allow."""
    if not diagnosis.fits:
        lines = wrapped(diagnosis.problem, width)
        return "\n".join([*lines, *_fix_lines(diagnosis.fixes, "it fit", width, numbered=True)])
    network = diagnosis.network
    name = diagnosis.name or "The network"
    shapes = [network.input_shape, *(placed.output_shape for placed in network.placed)]
    lines = [f"{name} fits: {shape_text(shapes[0])} in, {shape_text(shapes[-1])} out."]
    lines += wrapped(chain(map(shape_text, shapes), _LONGEST_CHAIN), width, "  ", "    ")
    if diagnosis.least_input is not None:
        least = pair_text(diagnosis.least_input)
        lines += wrapped(f"It fits every input of {least} or more.", width)
    return "\n".join(lines)


def render_problem(diagnosis: Diagnosis, width: int = 80) -> str:
    """Why a network does not fit and what to do, as the error of any command."""
    problem = wrapped(diagnosis.problem, width, first=_BEFORE_ERRORS)
    return "\n".join([*problem, *_fix_lines(diagnosis.fixes, "it fit", width)]).lstrip()


def render_reconciliation(found: Reconciliation, width: int = 80) -> str:
    """Where a file's weights and a network differ, and what makes them agree."""
    name, many = found.name or "the network", found.tensors > 1
    if found.agrees:
        agree = f"All {found.tensors:,} weights agree" if many else "The weight agrees"
        lines = wrapped(f"{agree} with {name}.", width)
        return "\n".join([*lines, *_notes(found, width)])
    lines = [*_mismatches(found, width), *_notes(found, width)]
    goal = f"all {found.tensors:,} weights agree" if many else "the weight agree"
    if found.changes > 1:
        goal += f", {found.changes} changes together"
    return "\n".join([*lines, *_fix_lines(found.fixes, goal, width, numbered=True)])


def _mismatches(found: Reconciliation, width: int) -> Iterator[str]:
    if problem := diagnose(found.network).problem:
        yield from wrapped(problem, width)
        return
    for one in found.mismatches[:_MOST_MISMATCHES]:
        yield from wrapped(f"{one}.", width)
    if (more := len(found.mismatches) - _MOST_MISMATCHES) > 0:
        yield f"{plural(more, 'weight')} more do not agree."


def _notes(found: Reconciliation, width: int) -> Iterator[str]:
    for note in found.notes:
        yield from wrapped(note, width)


def _fix_lines(
    fixes: Sequence[Fix], goal: str, width: int, numbered: bool = False
) -> Iterator[str]:
    """The fixes as a list, and the first as notation to copy."""
    if not fixes:
        yield f"No change of one layer or of the input makes {goal}."
        return
    one = "This makes" if len(fixes) == 1 else "Any one of these makes"
    tried = "it was tried" if len(fixes) == 1 else "each was tried"
    yield f"{one} {goal} ({tried}):"
    longest = max((len(fix.what) for fix in fixes if fix.effect), default=0)
    for number, fix in enumerate(fixes, 1):
        mark = f"  {number}  " if numbered else "  "
        line = f"{mark}{fix.what:<{longest}}    {fix.effect}".rstrip()
        fits = len(line) <= width
        yield from [line] if fits else wrapped(line.strip(), width, "  ", " " * len(mark))
    if len(fixes) == 1:
        yield "As notation, to copy and change:"
    else:
        hint = " (--fix 2 prints the second, and so on)" if numbered else ""
        yield f"The first, to copy and change{hint}:"
    yield from notation_lines(fixes[0].network, width, "  ")
