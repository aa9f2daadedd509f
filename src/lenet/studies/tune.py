"""``lenet.tune``: search for a network and a recipe within a budget.

All candidates are trained for a moment, the best of them to the end, each with a schedule of its
own length and looked at on a validation split. The winner, and beside it lenet-relu, is then
trained on all training images from several seeds, and only now the test split is looked at.

Or the fewest parameters are searched that reach an accuracy. Then the best of each generation are
trained to the end at once, and the limit of the next lies below the smallest that reached it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from lenet.arguments import plain
from lenet.cluster import check_place, connected
from lenet.data import Dataset
from lenet.engine.native import processors
from lenet.errors import DataError, DivergenceError, UsageError
from lenet.net import Network, fitted, read_network
from lenet.net.words import check_choice, shown
from lenet.randomness import checked_seed
from lenet.run_folder import is_run, read_run
from lenet.studies.sampling import GENERATION, STRATEGIES, is_free, make_sampler
from lenet.studies.space import (
    LIMITS,
    Candidate,
    Space,
    TooSmallError,
    limited_costs,
    read_limits,
)
from lenet.studies.trials import (
    Outcome,
    Record,
    Shared,
    Trial,
    checked_jobs,
    engine_of,
    run_trials,
)
from lenet.studies.tuning import BASELINES, Entry, Tuning, best_of
from lenet.studies.variation import checked_seeds, guess_of
from lenet.trainer import (
    DEFAULT_NETWORK,
    check_kinds,
    name_for_recipes,
    resume,
    run_training,
)
from lenet.training import Recipe, Run, Training, named_recipe
from lenet.training.preparation import fit_network, load_for, with_validation
from lenet.writing.numbers import plural

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
#: How far below the smallest that reached an accuracy the next limit lies; half as far after each
#: generation that does not reach it, and after so many as far as at first.
_STEP: Final = 0.4
_STEPS: Final = 4
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
    reach: float | None = None,
    strategy: str = "best-k",
    epochs: int = 10,
    seeds: int | Iterable[int] = 3,
    seed: int = 0,
    recipe: Recipe | str | os.PathLike[str] = "modern",
    jobs: int | None = None,
    on: str | None = None,
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
        reach: search for the fewest parameters that reach so many percent, in place of the highest
            accuracy.
        strategy: best-k trains all for a moment and the best to the end; halving trains one in
            three of those that are left three times as long; optuna-tpe, optuna-nsga2 and
            optuna-random are best-k with candidates that a sampler of Optuna's proposes.
        epochs: of a training to the end.
        seeds: that winner and baseline are trained from at last: how many, or a list.
        seed: decides which candidates are drawn, and how they begin.
        recipe: what the baseline is trained with; the candidates change values of it.
        jobs: trainings at a time, each on one thread; by default one per processor. With
            ``trials`` the outcome does not depend on it.
        on: "ray" runs them on a cluster, see :mod:`lenet.cluster`.
        folder: where each outcome is kept, so that the same call goes on after a kill, and where
            the winner is saved as a run; by default nowhere.
        data_dir: the folder that holds the IDX files already.
        progress: is told what is done, how much of it, of how much, and the seconds left in all.

    Raises:
        UsageError: an argument that cannot be meant, or a budget that hardly any network fits.
        DataError: the data cannot be read or have no test split, or the folder is damaged.
        OutputError: the folder cannot be written.
    """
    return Search(
        data,
        budget=budget,
        minutes=minutes,
        trials=trials,
        reach=reach,
        strategy=strategy,
        epochs=epochs,
        seeds=seeds,
        seed=seed,
        recipe=recipe,
        jobs=jobs,
        on=on,
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
        reach: float | None,
        strategy: str,
        epochs: int,
        seeds: int | Iterable[int],
        seed: int,
        recipe: Recipe | str | os.PathLike[str],
        jobs: int | None,
        on: str | None,
        data_dir: str | os.PathLike[str] | None,
    ) -> None:
        self.trials, self.seconds = _checked_length(minutes, trials)
        check_choice(strategy, STRATEGIES, "the strategy", "strategy")
        make_sampler(strategy, 0)  # what it needs is there
        check_place(on)
        self.strategy, self.reach, self.on = strategy, _checked_reach(reach), on
        self.seeds, self.seed, self.jobs = checked_seeds(seeds), checked_seed(seed), jobs
        self.workers = checked_jobs(jobs)
        limits = read_limits(budget)
        check_kinds(None, data, recipe)
        self.source = "" if isinstance(data, Dataset) else os.fsdecode(data)
        name = name_for_recipes(data)
        self.recipe = named_recipe(recipe, data=name, epochs=epochs)
        zoo = read_network(DEFAULT_NETWORK)
        self.arguments: dict[str, Any] = {}
        if not isinstance(data, Dataset):
            data, self.arguments = load_for(zoo, data, data_dir=data_dir)
        self.data = data
        if self.data.test is None:
            raise DataError(f"{self.data.name} has no test split; name data that have one.")
        share = self.recipe.validation_fraction or VALIDATION
        baseline = _fitted(zoo, self.data)
        costs = limited_costs(baseline)
        if "macs" not in limits:
            limits["macs"] = MACS * costs["macs"]
        if len(limits) == 1:
            limits = {"parameters": costs["parameters"], **limits}
        self.search_recipe = self.recipe.replace(validation_fraction=share)
        shape, classes = self.data.image_shape, len(self.data.classes)
        self.space = Space(shape, classes, limits, self.search_recipe, self.seed)
        self.baselines = [Candidate(-1, {}, baseline, self.search_recipe)]
        if self.reach is None:  # who wants few parameters does not ask for the most accurate
            best = named_recipe(BASELINES[1], data=name, epochs=epochs, validation_fraction=share)
            other = _fitted(read_network(best.network), self.data)
            self.baselines.append(Candidate(-2, {}, other, best.replace(network="")))
        self.rungs = list(_rungs(self.strategy, self.recipe.epochs, len(self.data.train)))
        self.space.draw(0)  # a budget that is too small is told before anything is trained

    @property
    def about(self) -> str:
        """The search in two lines."""
        limits = ", ".join(f"{most:,} {LIMITS[name]}" for name, most in self.space.limits.items())
        length = plural(self.trials, "candidate") if self.trials else f"{self.seconds / 60:g} min"
        engine = engine_of(self.baselines[0], self.data)
        goal = f"the fewest parameters for {self.reach:g} %, " if self.reach else ""
        return f"{goal}at most {limits}\n{length} · {engine}, 1 thread each"

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the trainings, besides the data and how many there are."""
        return {
            "limits": dict(self.space.limits),
            "recipe": self.search_recipe.to_dict(),
            "strategy": self.strategy,
            "seed": self.seed,
            **({"reach": self.reach} if self.reach else {}),
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


def _fitted(network: Network, data: Dataset) -> Network:
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


def _checked_reach(reach: float | None) -> float | None:
    reach = plain(reach)
    if reach is None:
        return None
    if isinstance(reach, bool) or not isinstance(reach, int | float) or not 0 < reach < 100:
        what = f"reach is {shown(reach)}; it must be a number of percent, above 0 and below 100."
        raise UsageError(what, parameter="reach")
    return float(reach)


def _rungs(strategy: str, epochs: int, images: int) -> Iterator[int]:
    """Yield the lengths of trainings, in epochs, from the shortest to the whole one."""
    look = max(1, epochs // _LOOK, ceil(_LOOK_IMAGES / images))
    while look < epochs:
        yield look
        look = ETA * look if strategy == "halving" else epochs
    yield epochs


class _Running:
    """One run of a search."""

    def __init__(self, search: Search, record: Record, progress: Progress | None) -> None:
        self.search, self.record, self.progress = search, record, progress
        data = with_validation(search.data, search.search_recipe)
        self.parted, self.full = Shared(replace(data, test=None)), Shared(search.data)
        judged = replace(data, test=data.validation)
        self.guess, self.goal = guess_of(judged), _goal(search.reach, len(judged.tested))
        self.space, self.sampler = search.space, make_sampler(search.strategy, search.seed)
        self.looks: list[Entry] = []
        self.entries: list[Entry] = []  # all that were trained, but for the baselines
        self.ended: list[Entry] = []  # of these, to the end
        self.spent = 0.0  # seconds of one processor

    def result(self) -> Tuning:
        """Search, and return what was found."""
        if self.search.on is None:
            return self._result()
        with connected(engine_of(self.search.baselines[0], self.parted)):
            return self._result()

    def _result(self) -> Tuning:
        search = self.search
        failures = 0
        while self._goes_on():
            try:
                looks = self._look()
            except TooSmallError:
                if not self.ended:
                    raise
                break  # none is smaller than the smallest that was found
            if search.reach:
                before = self._smallest()
                self._finish(looks)
                failures = failures + 1 if self._smallest() == before else 0
                self._lower(failures)
        if not search.reach:
            self._finish(self.looks)
        winner = best_of(self.ended, 1, self.goal)[0]
        finals = self._finals(winner)
        folder = self.record.path and self.record.path.parent
        return Tuning(
            data=search.data.name,
            source=search.source or search.data.name,
            limits=search.space.limits,
            strategy=search.strategy,
            seed=search.seed,
            seeds=tuple(search.seeds),
            entries=tuple(self.entries),
            baselines=tuple(self.baselines),
            winner=winner,
            finals=finals,
            free=tuple(e for e in self.looks if is_free(e.candidate.number, search.strategy)),
            run=folder and self._save(winner, folder),
            seconds=self.spent,
            validation_fraction=search.recipe.validation_fraction,
            reach=search.reach,
            goal=self.goal,
        )

    def _smallest(self) -> int:
        """Return the parameters of the smallest that reached the goal; the limit before one did."""
        counts = [e.outcome.parameters for e in self.ended if e.accuracy >= self.goal]
        return min(counts, default=self.search.space.limits["parameters"])

    def _lower(self, failures: int) -> None:
        """Set the limit of the next generation below the smallest that reached the goal."""
        smallest = self._smallest()
        if any(entry.accuracy >= self.goal for entry in self.ended):
            smallest = int(smallest * (1 - _STEP / 2 ** (failures % _STEPS)))
        self._limit(smallest)

    def _limit(self, parameters: int) -> None:
        limits = {**self.search.space.limits, "parameters": parameters}
        self.space = replace(self.search.space, limits=limits)

    def _finish(self, left: list[Entry]) -> None:
        """Train the best longer, in steps, up to the end."""
        for place, epochs in enumerate(self.search.rungs[1:], 1):
            left = best_of(left, self._stay(len(left), place))
            stage = _Stage(f"{epochs} epochs", len(left), after=self._rest(len(left), place))
            left = self._train([(entry.candidate, epochs) for entry in left], stage)
            self.entries += left
        self.ended += left

    def _goes_on(self) -> bool:
        """Return whether another generation is drawn."""
        if self.search.trials or not self.looks:
            return len(self.looks) < max(1, self.search.trials)
        more = GENERATION * self._seconds_of_a_look + self._rest(self._after(GENERATION))
        return self.spent + more <= self.search.seconds * self.search.workers

    def _after(self, more: int) -> int:
        """Return of how many first looks the best are trained on, when there are so many more."""
        return min(more, GENERATION) if self.search.reach else len(self.looks) + more

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
        return seconds + times * winner + seeds * self.baselines[0].outcome.whole_seconds

    def _look(self) -> list[Entry]:
        """Draw a generation and train it for a moment; with the first, the baselines whole."""
        search, begin = self.search, len(self.looks)
        end = begin + GENERATION
        if search.trials:
            end = min(end, search.trials)
        best = best_of(self.ended or self.looks, max(1, begin // 8), self.goal)
        drawn = self._draw(range(begin, end), best)
        after = 0.0
        if self.looks and search.trials:
            more = search.trials - begin
            after = (more - len(drawn)) * self._seconds_of_a_look + self._rest(self._after(more))
        elif not search.trials:
            after = search.seconds * search.workers - self.spent
            after -= len(drawn) * self._seconds_of_a_look if self.looks else 0.0
        first = [] if self.looks else [(one, search.rungs[-1]) for one in search.baselines]
        stage = _Stage("first looks", search.trials, begin - len(first), max(0.0, after))
        found = self._train([*first, *((one, search.rungs[0]) for one in drawn)], stage)
        if first:
            self.baselines, found = found[: len(first)], found[len(first) :]
        self.looks += found
        self.entries += found
        return found

    def _draw(self, numbers: range, best: Sequence[Entry]) -> list[Candidate]:
        """Draw candidates; a limit that hardly any network is below, though one was, goes up."""
        while True:
            try:
                return self.sampler.draw(self.space, numbers, self.looks, best)
            except TooSmallError:
                limit, smallest = self.space.limits["parameters"], self._smallest()
                if limit >= smallest - 1:
                    raise
                self._limit(ceil((limit + smallest) / 2))

    def _train(self, work: Sequence[tuple[Candidate, int]], stage: _Stage) -> list[Entry]:
        """Train candidates, each for so many epochs."""
        seed = self.search.seed
        trials = [Trial(c.network, c.recipe.lasting(epochs), seed) for c, epochs in work]
        found = self._run_trials(trials, self.parted, stage)
        return [
            Entry(candidate, trial.recipe, outcome, outcome.accuracy(self.guess))
            for (candidate, _), trial, outcome in zip(work, trials, found, strict=True)
        ]

    def _run_trials(self, trials: Sequence[Trial], data: Shared, stage: _Stage) -> list[Outcome]:
        def progress(done: int, of: int, left: float) -> None:
            if self.progress:
                later = left + stage.after / self.search.workers
                self.progress(stage.what, max(0, stage.before + done), stage.total, later)

        jobs, on = self.search.jobs, self.search.on
        # The longest first: where the last to end is a short one, hardly any processor waits.
        order = sorted(range(len(trials)), key=lambda place: -_length(trials[place]))
        some = [trials[place] for place in order]
        outcomes = run_trials(some, data, self.record, jobs=jobs, on=on, progress=progress)
        found = [outcomes[order.index(place)] for place in range(len(trials))]
        self.spent += sum(outcome.whole_seconds for outcome in found)
        return found

    def _finals(self, winner: Entry) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the test accuracies of winner and lenet-relu, trained on all training images."""
        search, guess = self.search, guess_of(self.search.data)
        both, seeds = (winner, self.baselines[0]), search.seeds
        trials = [self._final_trial(entry, seed) for entry in both for seed in seeds]
        stage = _Stage(f"winner and {DEFAULT_NETWORK}", len(trials))
        values = [outcome.accuracy(guess) for outcome in self._run_trials(trials, self.full, stage)]
        return tuple(values[: len(seeds)]), tuple(values[len(seeds) :])

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
        how = trial.recipe, trial.seed, min(search.workers, processors())
        try:
            if not is_run(path):
                training = Training(trial.network, search.data, *how)
                run_training(training, Run(path, search.arguments), None)
            elif read_run(path).info["status"] != "diverged":
                resume(path, search.data)
        except DivergenceError:
            pass  # its page says so; the search is not lost for it
        return path


@dataclass(frozen=True)
class _Stage:
    """What is told while some trainings run."""

    what: str
    total: int  # 0 where the clock decides
    before: int = 0  # that are done already
    after: float = 0.0  # seconds of one processor that come later


def _length(trial: Trial) -> int:
    """Return about how long a training is: its multiply-adds."""
    return limited_costs(trial.network, ["macs"])["macs"] * trial.recipe.epochs


def _goal(reach: float | None, images: int) -> float:
    """Return the share that counts as reached on so many images; more than all, if none does.

    It is above ``reach`` by one standard error: the smallest that reaches an accuracy is among
    those that chance helped.
    """
    if reach is None:
        return 2.0
    share = reach / 100
    return min(1.0, share + sqrt(share * (1 - share) / images))
