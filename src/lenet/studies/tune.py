"""``lenet.tune``: search for a network and a recipe within a budget.

All candidates are trained for a moment, the best of them to the end, each with a schedule of its
own length and looked at on a validation part. The winner, and beside it the baseline, is then
trained on all training images from several seeds, and only now the test part is looked at.

Candidates are drawn in generations of fixed size: each but those of the first two is, in turn,
drawn freely or made of one of the best so far. All that is known when a generation is drawn are the
generations before it, so the outcome depends on the number of candidates and not on how many are
trained at a time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from lenet.arguments import plain
from lenet.data import Dataset, load
from lenet.engine.native import processors
from lenet.errors import DataError, UsageError
from lenet.net import Network, fitted, read_network
from lenet.net.words import did_you_mean, listed, shown
from lenet.randomness import SEARCH, checked_seed, uniform
from lenet.run_folder import is_run
from lenet.studies.space import LIMITS, Candidate, Space, limited_costs, read_limits
from lenet.studies.trials import Outcome, Record, Shared, Trial, checked_jobs, engine_of, run_trials
from lenet.studies.tuning import Entry, Tuning, best_of
from lenet.studies.variation import checked_seeds, guess_of
from lenet.trainer import DEFAULT_NETWORK, check_kinds, resume, run_training
from lenet.training import Recipe, Run, Training, named_recipe
from lenet.training.preparation import fit_network, load_arguments, with_validation
from lenet.writing.numbers import plural

STRATEGIES: Final = ("best-k", "halving")
#: Candidates that are drawn at a time, and the first of them that may be made of others.
GENERATION: Final = 16
_FIRST_CHANGED: Final = 2 * GENERATION
#: A first look takes one epoch in so many, and sees so many images at least.
_LOOK: Final = 20
_LOOK_IMAGES: Final = 10_000
#: At least so many are trained to the end.
_FINALISTS: Final = 3
#: One in so many stays, of those that were trained equally long, in successive halving.
ETA: Final = 3
#: The share of training images that is set aside, unless the data or the recipe do so.
VALIDATION: Final = 0.1
#: A budget that does not name them has so many times the baseline's multiply-adds.
MACS: Final = 5
MINUTES: Final = 10.0
MAX_TRIALS: Final = 100_000
MAX_MINUTES: Final = 100_000

#: Is told what is done at present, how much of it, of how much, and the seconds left in all.
Progress = Callable[[str, int, int, float], object]


def tune(
    data: Dataset | str | os.PathLike[str] = "digits",
    *,
    budget: Mapping[str, int] | Iterable[str] | str | None = None,
    minutes: float | None = None,
    trials: int | None = None,
    strategy: str = "best-k",
    epochs: int = 10,
    seeds: int | Iterable[int] = 3,
    seed: int = 0,
    recipe: Recipe | str | os.PathLike[str] = "modern",
    jobs: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Tuning:
    """Search for the most accurate network within a budget, and for its recipe.

    Args:
        data: a data set, the name of one, or the path of pictures.
        budget: the most that a network may cost, by name: ``parameters``, ``macs``
            (multiply-adds), ``flash`` and ``ram`` (bytes of the int8 C file); or texts such as
            ``parameters=62000``. Parameters are the baseline's by default, and multiply-adds five
            times the baseline's.
        minutes: how long all of it may take, 10 by default; how many candidates that are depends
            on the machine, and ``Tuning.trials`` says it.
        trials: how many candidates, in place of minutes.
        strategy: best-k trains all for a moment and the best to the end; halving trains one in
            three of those that are left three times as long.
        epochs: of a training to the end.
        seeds: that winner and baseline are trained from at last: how many, or a list.
        seed: decides which candidates are drawn, and how they begin.
        recipe: what the baseline is trained with; the candidates change values of it.
        jobs: trainings at a time, each on one thread; by default one per processor. With
            ``trials`` the outcome does not depend on it.
        folder: where each outcome is kept, so that the same call goes on after a kill, and where
            the winner is saved as a run; by default nowhere.
        data_dir: the folder that holds the IDX files already.
        progress: is told what is done, how much of it, of how much, and the seconds left in all.

    Raises:
        UsageError: an argument that cannot be meant, or a budget that hardly any network fits.
        DataError: the data cannot be read or have no test part, or the folder is damaged.
        OutputError: the folder cannot be written.
    """
    return Search(
        data,
        budget=budget,
        minutes=minutes,
        trials=trials,
        strategy=strategy,
        epochs=epochs,
        seeds=seeds,
        seed=seed,
        recipe=recipe,
        jobs=jobs,
        data_dir=data_dir,
    ).run(folder, progress)


class Search:
    """A search that is ready to run; see :func:`tune`."""

    def __init__(
        self,
        data: Dataset | str | os.PathLike[str],
        *,
        budget: Mapping[str, int] | Iterable[str] | str | None,
        minutes: float | None,
        trials: int | None,
        strategy: str,
        epochs: int,
        seeds: int | Iterable[int],
        seed: int,
        recipe: Recipe | str | os.PathLike[str],
        jobs: int | None,
        data_dir: str | os.PathLike[str] | None,
    ) -> None:
        self.trials, self.seconds = _checked_length(minutes, trials)
        self.strategy = _checked_strategy(strategy)
        self.seeds, self.seed, self.jobs = checked_seeds(seeds), checked_seed(seed), jobs
        self.workers = checked_jobs(jobs)
        limits = read_limits(budget)
        check_kinds(None, data, recipe)
        self.source = "" if isinstance(data, Dataset) else os.fsdecode(data)
        name = data.name if isinstance(data, Dataset) else self.source
        self.recipe = named_recipe(recipe, data=name, epochs=epochs)
        zoo = read_network(DEFAULT_NETWORK)
        self.arguments: dict[str, Any] = {}
        if not isinstance(data, Dataset):
            self.arguments = load_arguments(zoo, data, data_dir)
        self.data = data if isinstance(data, Dataset) else load(**self.arguments)
        if self.data.test is None:
            raise DataError(f"{self.data.name} has no test part; name data that have one.")
        baseline = _baseline(zoo, self.data)
        costs = limited_costs(baseline)
        if "macs" not in limits:
            limits["macs"] = MACS * costs["macs"]
        if len(limits) == 1:
            limits = {"parameters": costs["parameters"], **limits}
        share = self.recipe.validation_fraction or VALIDATION
        self.search_recipe = self.recipe.replace(validation_fraction=share)
        shape, classes = self.data.image_shape, len(self.data.classes)
        self.space = Space(shape, classes, limits, self.search_recipe, self.seed)
        self.baseline = Candidate(-1, {}, baseline, self.search_recipe)
        self.rungs = list(_rungs(self.strategy, self.recipe.epochs, len(self.data.train)))
        self.space.draw(0)  # a budget that is too small is told before anything is trained

    @property
    def about(self) -> str:
        """The search in two lines."""
        limits = ", ".join(f"{most:,} {LIMITS[name]}" for name, most in self.space.limits.items())
        length = plural(self.trials, "candidate") if self.trials else f"{self.seconds / 60:g} min"
        engine = engine_of(self.baseline, self.data)
        return f"at most {limits}\n{length} · {engine}, 1 thread each"

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the trainings, besides the data and how many there are."""
        return {
            "limits": dict(self.space.limits),
            "recipe": self.search_recipe.to_dict(),
            "strategy": self.strategy,
            "seed": self.seed,
        }

    def run(
        self, folder: str | os.PathLike[str] | None = None, progress: Progress | None = None
    ) -> Tuning:
        """Search, and return what was found."""
        if progress is not None and not callable(progress):
            what = f"progress is {shown(progress)}"
            raise UsageError(f"{what}; give a function of what is done, how much, and of how much.")
        with Record(folder) as record:
            return _Running(self, record, progress).result()


def _baseline(network: Network, data: Dataset) -> Network:
    """Return the network fitted to the data; if they are too small for it, they are enlarged."""
    try:
        return fit_network(network, data)
    except UsageError:
        shape = (data.image_shape[0], *network.input_shape[1:])
        return fitted(network, shape, len(data.classes))


def _checked_length(minutes: float | None, trials: int | None) -> tuple[int, float]:
    """Return how many candidates there are, or 0 and how many seconds there are."""
    minutes, trials = plain(minutes), plain(trials)
    if minutes is not None and trials is not None:
        raise UsageError("minutes and trials are given; give one of them.", parameter="minutes")
    if trials is None:
        minutes = MINUTES if minutes is None else minutes
        if (
            isinstance(minutes, bool)
            or not isinstance(minutes, int | float)
            or not 0 < minutes <= MAX_MINUTES
        ):
            allowed = f"it must be a number above 0, at most {MAX_MINUTES:,}."
            raise UsageError(f"minutes is {shown(minutes)}; {allowed}", parameter="minutes")
        return 0, 60.0 * minutes
    if type(trials) is not int or not 1 <= trials <= MAX_TRIALS:
        what = f"trials is {shown(trials)}; it must be a whole number from 1 to {MAX_TRIALS:,}."
        raise UsageError(what, parameter="trials")
    return trials, 0.0


def _checked_strategy(strategy: str) -> str:
    if strategy not in STRATEGIES:
        near, known = did_you_mean(str(strategy), STRATEGIES), listed(STRATEGIES, "or")
        what = f"the strategy is {shown(strategy)}{near}; it must be {known}."
        raise UsageError(what, parameter="strategy")
    return strategy


def _rungs(strategy: str, epochs: int, images: int) -> Iterator[int]:
    """Yield the lengths of trainings, in epochs, from the shortest to the whole one."""
    look = max(1, epochs // _LOOK, ceil(_LOOK_IMAGES / images))
    while look < epochs:
        yield look
        look = epochs if strategy == "best-k" else ETA * look
    yield epochs


class _Running:
    """One run of a search."""

    def __init__(self, search: Search, record: Record, progress: Progress | None) -> None:
        self.search, self.record, self.progress = search, record, progress
        data = with_validation(search.data, search.search_recipe)
        self.parted, self.full = Shared(replace(data, test=None)), Shared(search.data)
        self.guess = guess_of(replace(data, test=data.validation))
        self.looks: list[Entry] = []
        self.spent = 0.0  # seconds of one processor

    def result(self) -> Tuning:
        """Search, and return what was found."""
        search, rungs = self.search, self.search.rungs
        (self.baseline,) = self._train([search.baseline], rungs[-1], _Stage("baseline", 1))
        while self._goes_on():
            self._look()
        left, entries = self.looks, list(self.looks)
        for place, epochs in enumerate(rungs[1:], 1):
            left = best_of(left, self._stay(len(left), place))
            stage = _Stage(f"{epochs} epochs", len(left), after=self._rest(len(left), place))
            left = self._train([entry.candidate for entry in left], epochs, stage)
            entries += left
        winner = best_of(left, 1)[0]
        finals = self._finals(winner)
        folder = self.record.path and self.record.path.parent
        return Tuning(
            data=search.data.name,
            source=search.source or search.data.name,
            limits=search.space.limits,
            strategy=search.strategy,
            seed=search.seed,
            seeds=tuple(search.seeds),
            entries=tuple(entries),
            baseline=self.baseline,
            winner=winner,
            finals=finals,
            free=tuple(entry for entry in self.looks if not _is_changed(entry.candidate.number)),
            run=folder and self._save(winner, folder),
            seconds=self.spent,
            validation_fraction=search.recipe.validation_fraction,
        )

    def _goes_on(self) -> bool:
        """Return whether another generation is drawn."""
        if self.search.trials or not self.looks:
            return len(self.looks) < max(1, self.search.trials)
        more = GENERATION * self._seconds_of_a_look + self._rest(len(self.looks) + GENERATION)
        return self.spent + more <= self.search.seconds * self.search.workers

    @property
    def _seconds_of_a_look(self) -> float:
        return fmean(entry.outcome.whole_seconds for entry in self.looks)

    def _stay(self, count: int, place: int) -> int:
        """Return how many of ``count`` candidates are trained as long as rung ``place`` says.

        Of best-k they take about as long as all first looks.
        """
        rungs = self.search.rungs
        share = ETA if self.search.strategy == "halving" else rungs[place] / rungs[place - 1]
        return min(count, max(_FINALISTS, ceil(count / share)))

    def _rest(self, count: int, place: int = 0) -> float:
        """Return the seconds of one processor that are left after rung ``place``, of ``count``."""
        rungs, seeds, seconds = self.search.rungs, len(self.search.seeds), 0.0
        if not self.looks:
            return 0.0
        for later in range(place + 1, len(rungs)):
            count = self._stay(count, later)
            few = best_of(self.looks, count)
            seconds += count * fmean(e.outcome.whole_seconds for e in few) * rungs[later] / rungs[0]
        winner = best_of(self.looks, 1)[0].outcome.whole_seconds * rungs[-1] / rungs[0]
        # Once more than its seeds: as the run that is saved.
        times = seeds + (self.record.path is not None)
        return seconds + times * winner + seeds * self.baseline.outcome.whole_seconds

    def _look(self) -> None:
        """Draw a generation, and train it for a moment."""
        search, begin = self.search, len(self.looks)
        end = begin + GENERATION
        if search.trials:
            end = min(end, search.trials)
        best = best_of(self.looks, max(1, begin // 8))
        drawn = [self._draw(number, best) for number in range(begin, end)]
        after = 0.0
        if self.looks and search.trials:
            after = (search.trials - end) * self._seconds_of_a_look + self._rest(search.trials)
        elif not search.trials:
            after = search.seconds * search.workers - self.spent
            after -= len(drawn) * self._seconds_of_a_look if self.looks else 0.0
        stage = _Stage("first looks", search.trials, begin, max(0.0, after))
        self.looks += self._train(drawn, search.rungs[0], stage)

    def _draw(self, number: int, best: Sequence[Entry]) -> Candidate:
        if not _is_changed(number):
            return self.search.space.draw(number)
        place = float(uniform(self.search.seed, SEARCH, number, 0, count=1)[0])
        return self.search.space.change(number, best[int(place * len(best))].candidate)

    def _train(self, candidates: Sequence[Candidate], epochs: int, stage: _Stage) -> list[Entry]:
        seed = self.search.seed
        trials = [Trial(c.network, c.recipe.replace(epochs=epochs), seed) for c in candidates]
        found = self._run_trials(trials, self.parted, stage)
        return [
            Entry(candidate, trial.recipe, outcome, outcome.accuracy(self.guess))
            for candidate, trial, outcome in zip(candidates, trials, found, strict=True)
        ]

    def _run_trials(self, trials: Sequence[Trial], data: Shared, stage: _Stage) -> list[Outcome]:
        def progress(done: int, of: int, left: float) -> None:
            if self.progress:
                later = left + stage.after / self.search.workers
                self.progress(stage.what, stage.before + done, stage.total, later)

        jobs = self.search.jobs
        found = run_trials(trials, data, self.record, jobs=jobs, progress=progress)
        self.spent += sum(outcome.whole_seconds for outcome in found)
        return found

    def _finals(self, winner: Entry) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the test accuracies of winner and baseline, trained on all training images."""
        search, guess = self.search, guess_of(self.search.data)
        both = (winner, self.baseline)
        trials = [self._final_trial(entry, seed) for entry in both for seed in search.seeds]
        stage = _Stage("winner and baseline", len(trials))
        found = self._run_trials(trials, self.full, stage)
        values = [outcome.accuracy(guess) for outcome in found]
        return tuple(values[: len(search.seeds)]), tuple(values[len(search.seeds) :])

    def _final_trial(self, entry: Entry, seed: int) -> Trial:
        share = self.search.recipe.validation_fraction
        return Trial(entry.network, entry.recipe.replace(validation_fraction=share), seed)

    def _save(self, winner: Entry, folder: Path) -> Path:
        """Train the winner as a run, on all processors; return its folder."""
        search = self.search
        trial = self._final_trial(winner, search.seeds[0])
        # Of another search in the same folder a candidate of this number may be another one.
        key = trial.key(self.full.fingerprint, engine_of(trial, self.full))
        path = folder / f"candidate-{winner.candidate.number}-{key[:6]}"
        if is_run(path):
            resume(path, search.data)
            return path
        how = trial.recipe, trial.seed, min(search.workers, processors())
        training = Training(trial.network, search.data, *how)
        run_training(training, Run(path, search.arguments), None)
        return path


@dataclass(frozen=True)
class _Stage:
    """What is told while some trainings run."""

    what: str
    total: int  # 0 where the clock decides
    before: int = 0  # that are done already
    after: float = 0.0  # seconds of one processor that come later


def _is_changed(number: int) -> bool:
    """Is a candidate made of one of the best so far?"""
    return number >= _FIRST_CHANGED and number % 2 == 1
