"""``lenet.cross_validate``: every image answered once, by a network that has not seen it.

All images are divided into folds; for each, a network is trained on the others and tested on it
(Stone 1974). The folds are stratified, and keep copies and groups together.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from math import nan
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.arguments import plain
from lenet.data import Dataset, Split
from lenet.data.collection import describe_balance, is_about_split
from lenet.data.groups import joined_groups
from lenet.data.splitting import fold_by_content, units_of
from lenet.drawing import Drawing
from lenet.drawing.estimates import Estimate, describe_estimates, draw_estimates
from lenet.errors import DataError, DivergenceError, UsageError
from lenet.inference.evaluating import save_answers
from lenet.metrics import Answers, Evaluation, evaluate_answers
from lenet.net.sources import Source
from lenet.net.words import listed, name_text, shown
from lenet.randomness import checked_seed
from lenet.reporting import html
from lenet.reporting.predictions import Predictions, make_predictions
from lenet.reporting.run_page import mistakes_section
from lenet.studies.trials import HasTraining, Outcome, Progress, Record, Shared, Trial, run_trials
from lenet.studies.variation import read_arms
from lenet.trainer import check_kinds
from lenet.training import Recipe, Training
from lenet.training.preparation import new_model, with_validation
from lenet.training.recipe import AUTO
from lenet.writing import Result
from lenet.writing.document import Document, Paragraph, Section, table_of
from lenet.writing.numbers import percent, plural, seconds_text

#: More folds than this are refused.
MAX_FOLDS: Final = 1_000
_ABOUT: Final = (
    "Each image is answered once, by the network that was not trained on its fold. The networks "
    "share training images, so that the deviation between folds is no interval for new images."
)


@dataclass(frozen=True)
class FoldTrial(Trial):
    """A training on all folds but one, which it is tested on."""

    fold: int
    division: str  # tells which images are in which fold

    def key(self, fingerprint: str, engine: str) -> str:
        """Return a hash of all that decides the outcome, the division into folds too."""
        values = [super().key(fingerprint, engine), self.division, self.fold]
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()


class Folded(Shared):
    """All images of a data set and the fold of each, from which every trial takes its parts."""

    def __init__(self, data: Dataset, fold_of: npt.NDArray[np.int64]) -> None:
        super().__init__(data)
        self.fold_of = fold_of

    @property
    def division(self) -> str:
        """A hash of which images are in which fold."""
        return hashlib.sha256(self.fold_of.astype("<i8").tobytes()).hexdigest()

    def training(self, trial: HasTraining, seed: int) -> Training:
        """Return the training on all folds but that of the trial, on one thread."""
        assert isinstance(trial, FoldTrial)
        tested, images = self.fold_of == trial.fold, self.data.train
        data = replace(self.data, train=images.chosen(~tested), test=images.chosen(tested))
        data = with_validation(data, trial.recipe)
        model = new_model(trial.network, data, trial.recipe, seed)
        return Training(model, data, trial.recipe, seed, threads=1)

    def answers(self, training: Training) -> Answers:
        """Return what the network answers for its fold, with the weights that are kept."""
        training.publish()
        training.conclude("finished", training.publish_best())
        return make_predictions(training.model, training.data.tested, threads=1).answers


class CrossValidation(Result):
    """What came of the folds.

    Attributes:
        data: the name of the data set.
        images: all images, in the order of ``fold_of`` and of the answers.
        fold_of: (N,) the fold of each image, from 0.
        outcomes: of each fold.
        evaluation: all answers together, each image's once.
        notes: sentences on the data.
        folder: where the trainings are kept; None if nowhere.
    """

    csv_key = "folds"

    def __init__(
        self,
        shared: Folded,
        outcomes: Sequence[Outcome],
        notes: Sequence[str] = (),
        folder: Path | None = None,
    ) -> None:
        whole, self.fold_of = shared.data, shared.fold_of
        self.data, self.images, self.classes = whole.name, whole.train, whole.classes
        self.outcomes, self.notes, self.folder = tuple(outcomes), tuple(notes), folder
        self._answers = _joined(outcomes, shared.fold_of, len(self.classes))
        labels, names = self.images.labels, self.images.names
        found = evaluate_answers(self._answers, labels, self.classes, names=names)
        self.evaluation: Evaluation = replace(found, data=f"images of {self.data}")

    @property
    def accuracies(self) -> tuple[float, ...]:
        """The accuracy on each fold, from 0 to 1."""
        return tuple(outcome.accuracy(nan) for outcome in self.outcomes)

    @property
    def mean(self) -> float:
        """The mean of these."""
        return fmean(self.accuracies)

    @property
    def std(self) -> float:
        """Their standard deviation, with n - 1."""
        return stdev(self.accuracies)

    @cached_property
    def predictions(self) -> Predictions:
        """All answers beside the images, for pictures."""
        return Predictions(self.images, self.classes, self._answers, self.evaluation)

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON."""
        count = len(self.fold_of)
        rows = [
            {
                "fold": number,
                "train_images": count - tested,
                "test_images": tested,
                "test_accuracy": outcome.accuracy(nan),
                "epochs": len(outcome.epochs),
                "train_seconds": outcome.seconds,
            }
            for number, (tested, outcome) in enumerate(self._pairs(), 1)
        ]
        return {
            "dataset": self.data,
            "mean": self.mean,
            "std": self.std,
            "folds": rows,
            "evaluation": self.evaluation.to_dict(),
            "notes": list(self.notes),
        }

    def _pairs(self) -> Iterator[tuple[int, Outcome]]:
        counts = np.bincount(self.fold_of, minlength=len(self.outcomes)).tolist()
        return zip(counts, self.outcomes, strict=True)

    @property
    def summary(self) -> str:
        """One line: mean and standard deviation."""
        spread = f"{100 * self.mean:.2f} ± {100 * self.std:.2f} %"
        how = f"mean and standard deviation of the accuracy over {len(self.outcomes)} folds"
        return f"{spread}: {how} of {self.data}"

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return mean and deviation, the folds as a table, and all answers together."""
        folds = table_of(self._cells(), _TITLES, right=range(1, len(_TITLES)))
        pooled = self.evaluation.page(form, width)
        sections = (
            Section("", (folds, Paragraph(_ABOUT, is_note=True))),
            Section("", (Paragraph(f"All together: {pooled.title}."),)),
            *pooled.sections,
        )
        return Document(self.summary, sections, below=self.notes)

    def pictures_below(self) -> Iterable[Drawing]:
        """Return the accuracies of the folds."""
        return [self.drawing()]

    def _cells(self) -> list[tuple[str, ...]]:
        count = len(self.fold_of)
        return [
            (
                f"{number}",
                f"{count - tested:,}",
                f"{tested:,}",
                percent(outcome.accuracy(nan)),
                f"{seconds_text(outcome.seconds)} s",
            )
            for number, (tested, outcome) in enumerate(self._pairs(), 1)
        ]

    def drawing(self, *, theme: str = "auto") -> Drawing:
        """Draw the accuracy of each fold, their mean and their standard deviation."""
        title = "Test accuracy in %: mean, standard deviation, and each fold"
        values = tuple(100 * value for value in self.accuracies)
        told = f"{100 * self.mean:.2f} ± {100 * self.std:.2f} %"
        rows = [Estimate("folds", values, 100 * self.mean, 100 * self.std, told)]
        heading = f"{self.data} · {plural(len(values), 'fold')}"
        scene = draw_estimates(rows, title, heading, (0, 100))
        return Drawing(scene, theme, f"Folds: {heading}", describe_estimates(rows, title))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write all answers as a table (.csv, .parquet), a page (.html) or the chart (.svg, ...).

        The table has a row per image: its file or number, true class, prediction, probability, and
        the fold that it was tested in.

        Raises:
            UsageError: the ending is none of these.
            OutputError: the file cannot be written.
        """
        if os.fspath(path).lower().endswith((".csv", ".parquet")):
            folds = (self.fold_of + 1).tolist()
            return save_answers(self.evaluation, path, {"fold": folds})
        return html.save(path, self._html, self.drawing)

    def _html(self) -> str:
        title = f"{plural(len(self.outcomes), 'fold')} of {self.data}"
        found = percent(self.evaluation.accuracy)
        count = f"{self.evaluation.count:,} images"
        lead = f"{self.summary}. All together: {found} of {count}. {_ABOUT}"
        notes = (html.paragraph(f"{note[:1].upper()}{note[1:]}.") for note in self.notes)
        body = [
            html.header(title, lead, *notes),
            html.section(
                "The folds",
                html.figure(self.drawing()),
                html.table("Folds", _TITLES, self._cells()),
            ).html,
            mistakes_section(self.predictions, "image", "What they get wrong").html,
        ]
        return html.page(title, body)


_TITLES: Final = ("fold", "trained on", "tested on", "test accuracy", "time")


def _joined(outcomes: Sequence[Outcome], fold_of: npt.NDArray[np.int64], classes: int) -> Answers:
    """Return the answers of all folds, each in the place of its image."""
    count = len(fold_of)
    answers = Answers.empty(count)
    for fold, outcome in enumerate(outcomes):
        if outcome.diverged:
            raise DivergenceError(
                f"the training for fold {fold + 1} of {len(outcomes)} diverged, so that its images "
                "have no answers; try a smaller learning rate (lr)."
            )
        places, part = np.flatnonzero(fold_of == fold), outcome.answers
        is_whole = part is not None and len(part.predicted) == len(places)
        if part is None or not (is_whole and set(part.predicted.tolist()) <= set(range(classes))):
            raise DataError(f"fold {fold + 1} has no answers for its images; train it anew")
        for name in vars(answers):
            getattr(answers, name)[places] = getattr(part, name)
    return answers


def cross_validate(
    network: Source | None = None,
    data: Dataset | str | os.PathLike[str] = "digits",
    recipe: Recipe | str | os.PathLike[str] = AUTO,
    *,
    folds: int = 5,
    seed: int = 0,
    split_seed: int = 0,
    jobs: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    **values: Any,
) -> CrossValidation:
    """Train a network for each fold of all images, and test it on the fold that it has not seen.

    All images of the data set are divided, those of a test split of its own too. Every fold has as
    many of each class as may be; copies stay together, and so do groups: give
    ``lenet.load(path, group=...)``.

    Args:
        network: a network as ``lenet.train`` takes it.
        data: a data set, the name of one, or the path of pictures.
        recipe: as ``lenet.train`` takes it; what it leaves open is chosen once, for all folds.
        folds: how many, 2 or more.
        seed: decides the first weights and the order of the images, in every fold.
        split_seed: draws other folds.
        jobs: trainings at a time, each on one thread; by default one per processor. The outcome
            does not depend on it.
        folder: where each fold is kept as soon as it is done, so that the same call goes on after a
            kill; by default nowhere.
        progress: is told how many trainings are done, of how many, and the seconds left.
        values: values of the recipe by name, such as ``epochs=3``.

    Raises:
        UsageError: an argument that cannot be meant.
        DataError: the data cannot be read, or not be divided so: a class or all images are one
            group, or the folder is damaged.
        DivergenceError: a loss was not a number.
        OutputError: the folder cannot be written.
    """
    check_kinds(network, data, recipe)
    folds = plain(folds)
    check_folds(folds)
    # A list would be a choice; here it is a value that is one, such as epoch_rates.
    single = {name: [v] if isinstance(v, list | tuple) else v for name, v in values.items()}
    (arm,), dataset = read_arms([network], data, recipe, single)
    trial = Trial(arm.network, arm.recipe, checked_seed(seed))
    how: dict[str, Any] = {"split_seed": split_seed, "jobs": jobs, "progress": progress}
    return run_folds(trial, dataset, folds, Record(folder), **how)


def check_folds(folds: int) -> None:
    """Raise a UsageError, if this cannot be how many folds there are."""
    if type(folds) is not int or not 2 <= folds <= MAX_FOLDS:
        what = f"folds is {shown(folds)}; it must be a whole number from 2 to {MAX_FOLDS:,}."
        raise UsageError(what, parameter="folds")


def run_folds(
    trial: Trial,
    data: Dataset,
    folds: int,
    record: Record,
    *,
    split_seed: int = 0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> CrossValidation:
    """Train what ``trial`` says once for each fold; see :func:`cross_validate`."""
    check_folds(folds)
    whole = joined(data)
    notes = [f"all {len(whole.train):,} images are in the folds, whichever part they were in"]
    notes += _check_divisible(whole, folds)
    notes += (note for note in data.notes if not is_about_split(note))
    notes += describe_balance(whole.train.labels, np.zeros_like(whole.train.labels), whole.classes)
    images = whole.train
    content = images.known_digests(), images.labels
    drawn = checked_seed(split_seed)
    fold_of = fold_by_content(*content, folds, images.groups, seed=drawn)
    shared = Folded(whole, fold_of)
    trials = [
        FoldTrial(trial.network, trial.recipe, trial.seed, fold, shared.division)
        for fold in range(folds)
    ]
    outcomes = run_trials(trials, shared, record, jobs=jobs, progress=progress)
    return CrossValidation(
        shared, outcomes, notes, None if record.path is None else record.path.parent
    )


def joined(data: Dataset) -> Dataset:
    """Return a data set with all images of another to train on, in the order of its splits."""
    parts = list(data.splits.values())

    def each(name: str) -> list[Any]:
        return [getattr(part, name) for part in parts]

    def texts(name: str) -> tuple[str, ...] | None:
        given = each(name)
        return None if None in given else tuple(chain.from_iterable(given))

    weights = None
    if any(weight is not None for weight in each("weights")):
        ones = (np.ones(len(part), np.float32) for part in parts)
        pairs = zip(each("weights"), ones, strict=True)
        weights = np.concatenate([one if weight is None else weight for weight, one in pairs])
    train = Split(
        np.concatenate(each("images")),
        np.concatenate(each("labels")),
        weights,
        texts("names"),
        groups=joined_groups(parts),
        digests=np.concatenate([part.known_digests() for part in parts]),
    )
    return replace(data, train=train, validation=None, test=None)


def _check_divisible(whole: Dataset, folds: int) -> Iterator[str]:
    """Refuse images that cannot be divided so; yield what a person should know."""
    images = whole.train
    units = units_of(images.known_digests(), images.groups)
    word = "group" if images.groups else "different image"
    if (count := len(np.unique(units))) < folds:
        what = f"{whole.name} has {plural(count, word)}, too few for {folds} folds"
        raise DataError(f"{what}; give fewer folds or more images", parameter="folds")
    if images.groups:
        yield f"{plural(len(set(images.groups) - {''}), 'group')}, each in one fold"
    few = []
    for label in np.unique(images.labels).tolist():
        count = len(np.unique(units[images.labels == label]))
        name = name_text(whole.classes[label])
        if count < 2:
            what = f"the class {name} of {whole.name} has one {word} only"
            why = "which cannot be both trained and tested on"
            raise DataError(f"{what}, {why}; give it more, or take it out", parameter="folds")
        few += [name] * (count < folds)
    if few:
        some = f"{listed(few[:3])}" if len(few) <= 3 else f"{', '.join(few[:3])}, ..."
        kind = "class has" if len(few) == 1 else "classes have"
        yield f"{len(few):,} {kind} fewer {word}s than there are folds: {some}"
