"""``lenet.study``: a claim is tested, and what comes of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import isfinite, nan
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import numpy as np

from lenet.data import Dataset, Split, load
from lenet.drawing import Drawing
from lenet.errors import UsageError, path_text
from lenet.net import name_of, read_network
from lenet.net.words import listed, shown
from lenet.randomness import permutation
from lenet.reporting import html
from lenet.studies.claim import Expectation, Study, names, read_study
from lenet.studies.statistics import Mean, mean
from lenet.studies.trials import Outcome, Progress, Record
from lenet.studies.variation import NETWORK, Arm, Variation, run_arms
from lenet.trainer import DEFAULT_NETWORK
from lenet.training import checked_names, named_recipe
from lenet.training.preparation import fit_network
from lenet.training.recipe import with_changes
from lenet.writing import Result
from lenet.writing.document import Document, Paragraph, Section, table_of

#: What an arm may change besides the network and the recipe, and to what.
PIXELS: Final = "pixels"
SHUFFLED: Final = "shuffled"
_VERDICTS: Final = {
    "yes": "holds",
    "no": "does not hold",
    "only": "holds only if",
    "open": "is not decided by",
}


@dataclass(frozen=True)
class Check:
    """What came of an expectation: a difference, in the unit of its measure."""

    expectation: Expectation
    difference: Mean
    answer: str  # yes, no or open


class StudyResult(Result):
    """What came of a study.

    Attributes:
        study: what was to be found out.
        variation: the arms, side by side.
        checks: one for each expectation.
    """

    csv_key = "expectations"

    def __init__(self, study: Study, variation: Variation) -> None:
        self.study, self.variation = study, variation
        self.checks = tuple(self._checks())

    def _checks(self) -> Iterator[Check]:
        for expectation in self.study.expect:
            first, second = (self._values(t, expectation.measure) for t in expectation.terms)
            pairs = zip(first, second, strict=True)
            found = mean([one - other for one, other in pairs], self.study.level)
            yield Check(expectation, found, expectation.answer(found))

    def _values(self, term: Any, measure: str) -> list[float]:
        """Return what a term is worth, for each seed."""
        if isinstance(term, int | float):
            return [float(term)] * len(self.variation.seeds)
        if isinstance(term, list):
            each = zip(*(self._values(name, measure) for name in term), strict=True)
            return [max(values) - min(values) for values in each]
        name, epoch = (term["arm"], term["epoch"]) if isinstance(term, Mapping) else (term, None)
        place = [arm.name for arm in self.variation.arms].index(name)
        guess = self.variation.guess
        return [_measured(o, measure, guess, epoch) for o in self.variation.outcomes[place]]

    @property
    def answer(self) -> str:
        """Does the claim hold: yes, no, only (in some cases) or open?"""
        cases = self._cases()
        always = cases.pop("", "yes")
        answers = {always, *cases.values()}
        if always == "no" or answers <= {"no"} or (cases and set(cases.values()) == {"no"}):
            return "no"
        if "open" in answers:
            return "open"
        return "only" if "no" in answers else "yes"

    def _cases(self) -> dict[str, str]:
        """Return the answer of each case; that of "" is what is always expected."""
        found: dict[str, set[str]] = {}
        for check in self.checks:
            found.setdefault(check.expectation.case, set()).add(check.answer)
        order = ("no", "open", "yes")
        return {case: next(a for a in order if a in answers) for case, answers in found.items()}

    @property
    def verdict(self) -> str:
        """The answer in words, with what it depends on."""
        words = _VERDICTS[self.answer]
        if self.answer == "only":
            cases = [case for case, answer in self._cases().items() if case and answer == "yes"]
            return f"{words} {listed(cases, 'or')}"
        return f"{words} {len(self.variation.seeds)} seeds" if self.answer == "open" else words

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON."""
        rows = [
            {
                "text": check.expectation.text,
                "measure": check.expectation.measure,
                "case": check.expectation.case,
                "difference": check.difference.value,
                "half": check.difference.half,
                "answer": check.answer,
            }
            for check in self.checks
        ]
        return {
            "study": self.study.name,
            "claim": self.study.claim,
            "verdict": self.verdict,
            "answer": self.answer,
            "level": self.study.level,
            "expectations": rows,
            **self.variation.to_dict(),
        }

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return claim and verdict, what was expected, and the arms."""
        titles = ("expected", "difference", "found")
        checks = table_of(self._rows(), titles, right=[1])
        note = self._note()
        sections = (
            Section("", (Paragraph(f"{self.study.claim} This {self.verdict}."),)),
            Section("", (checks, Paragraph(note, is_note=True))),
            *self.variation.page(form, width).sections,
        )
        return Document(self.study.name, sections)

    def _note(self) -> str:
        return f"Intervals are of {self.study.level:.1%}, paired by seed; in points, if not said."

    def pictures_below(self) -> Iterable[Drawing]:
        """Return the accuracies of the arms with their intervals."""
        return [self.drawing()]

    def _rows(self) -> list[tuple[str, str, str]]:
        return [(c.expectation.text, _difference_text(c), c.answer) for c in self.checks]

    def drawing(self, *, theme: str = "auto") -> Drawing:
        """Draw the accuracies of the arms with their intervals."""
        return self.variation.drawing(theme=theme)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the chart (.svg, .pdf, .png, .tex) or all of it as a page (.html)."""
        return html.save(path, self._html, self.drawing)

    def _html(self) -> str:
        lead = f"{self.study.claim} This {self.verdict}."
        table = html.table("Expected", ("expected", "difference", "found"), self._rows())
        body = [
            html.header(self.study.name, lead),
            html.section("What was expected, and found", table, html.paragraph(self._note())).html,
            *self.variation.sections(),
        ]
        return html.page(self.study.name, body)


def _measured(outcome: Outcome, measure: str, guess: float, epoch: int | None) -> float:
    if measure == "test_accuracy":
        return 100 * outcome.accuracy(guess, epoch)
    if outcome.diverged:  # neither quick nor calm: nothing follows from it
        return nan
    if measure == "seconds":
        return outcome.seconds
    values = [100 * (record.test_accuracy or 0.0) for record in outcome.epochs]
    late = values[len(values) // 2 :]
    steps = [abs(after - before) for before, after in pairwise(late)]
    return fmean(steps) if steps else 0.0


def _difference_text(check: Check) -> str:
    if not isfinite(check.difference.value):
        return "diverged"
    unit = " s" if check.expectation.measure == "seconds" else ""
    half = "" if check.difference.half is None else f" ± {check.difference.half:.2f}"
    return f"{check.difference.value:+.2f}{half}{unit}"


def page_name(asked: Study) -> str:
    """Return a name for the page of a study that no other has: files may be called alike."""
    if asked.name in names() and read_study(asked.name) == asked:
        return asked.name
    return f"{asked.name}-{hashlib.sha256(repr(asked).encode()).hexdigest()[:6]}"


def study(
    source: Study | str | os.PathLike[str],
    *,
    jobs: int | None = None,
    on: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> StudyResult:
    """Run a study, and return its verdict.

    Args:
        source: a study, the name of one, the number of the article's note, or a ``.toml`` file.
        jobs: trainings at a time, each on one thread; by default one per processor.
        on: "ray" runs them on a cluster.
        folder: where each outcome is kept, so that the same call goes on after a kill, and studies
            share what they have in common; by default nowhere.
        data_dir: the folder that holds the IDX files already.
        progress: is told how many trainings are done, of how many, and the seconds left.

    Raises:
        UsageError: there is no such study, it cannot be meant, or a folder or number is none.
        DataError: the data cannot be read or do not suit a network, or the folder is damaged.
        OutputError: the folder cannot be written.
    """
    asked = source if isinstance(source, Study) else read_study(source)
    data = load(asked.data, data_dir=data_dir)
    try:
        groups = _groups(asked, data)
    except UsageError as error:
        raise UsageError(f"{path_text(asked.file or asked.name)}: {error}") from error
    with Record(folder) as record:
        for count in asked.looks:
            found = StudyResult(asked, _run(groups, count, data, record, jobs, on, progress))
            if found.answer != "open":
                break
    return found


def _groups(asked: Study, data: Dataset) -> list[tuple[Dataset, list[Arm]]]:
    """Return the arms, with the data of each."""
    groups: list[tuple[Dataset, list[Arm]]] = [(data, [])]
    for name, changes in asked.arms.items():
        if not name:
            raise UsageError("an arm has no name; give it one.")
        values = with_changes(asked.values or {}, changes)
        pixels = values.pop(PIXELS, "")
        if pixels not in ("", SHUFFLED):
            raise UsageError(f"pixels of {shown(name)} is {shown(pixels)}; it must be {SHUFFLED}.")
        if pixels and len(groups) < 2:
            groups.append((shuffled(data), []))
        try:
            arm = _arm(asked, name, values, data)
        except UsageError as error:
            raise UsageError(f"the arm {shown(name)}: {error}") from error
        for expectation in asked.expect:
            if (epoch := expectation.epochs.get(name, 0)) > arm.recipe.epochs:
                what = f"the expectation {shown(expectation.text)} asks for epoch {epoch} of {name}"
                raise UsageError(f"{what}, which is trained for {arm.recipe.epochs}.")
        groups[bool(pixels)][1].append(arm)
    return groups


def _arm(asked: Study, name: str, values: dict[str, Any], data: Dataset) -> Arm:
    network = values.pop(NETWORK, asked.network)
    recipe = named_recipe(asked.recipe, data=asked.data, **checked_names(values))
    source = network or recipe.network or DEFAULT_NETWORK
    return Arm(name, name_of(source) or name, fit_network(read_network(source), data), recipe)


def _run(
    groups: Sequence[tuple[Dataset, list[Arm]]],
    count: int,
    data: Dataset,
    record: Record,
    jobs: int | None,
    on: str | None,
    progress: Progress | None,
) -> Variation:
    arms, outcomes = list[Arm](), list[Sequence[Outcome]]()
    for dataset, some in groups:
        if some:
            found = run_arms(
                some, range(count), dataset, record, jobs=jobs, on=on, progress=progress
            )
            arms += found.arms
            outcomes += found.outcomes
    folder = None if record.path is None else record.path.parent
    return Variation(arms, range(count), outcomes, data, folder)


def shuffled(data: Dataset) -> Dataset:
    """Return the data set with the pixels of every image in one new order, the same for all."""
    height, width = data.image_shape[1:]
    order = permutation(0, 0, height * width)

    def mixed(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        flat = images.reshape(*images.shape[:2], -1)
        return np.ascontiguousarray(flat[:, :, order]).reshape(images.shape)

    def changed(split: Split) -> Split:
        return replace(split, images=mixed(split.images))

    validation = None if data.validation is None else changed(data.validation)
    test = None if data.test is None else changed(data.test)
    return replace(data, train=changed(data.train), validation=validation, test=test)
