"""Trials: many trainings at once, each kept in a file as soon as it is done.

A trial is one training, and everything that decides its weights is in its key. Each trial runs on
one thread, so the outcome does not depend on how many run at a time, nor on which of them ends
first. Its line is in the file ``trials.jsonl`` before the next one begins: after a kill, the same
call goes on with what is missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from math import inf, isfinite
from pathlib import Path
from typing import Any, Final, Protocol, Self

import numpy as np

from lenet import files
from lenet.arguments import plain
from lenet.cluster import check_alike, check_place, run_on_ray
from lenet.data import Dataset
from lenet.data.preprocess import Preprocessing
from lenet.engine.native import processors
from lenet.errors import DataError, DivergenceError, OutputError, UsageError, path_text, reason
from lenet.metrics import Answers
from lenet.model import Model
from lenet.net import Network
from lenet.net.words import shown
from lenet.run_folder import TRIALS as FILE
from lenet.training import EpochRecord, Recipe, Training
from lenet.training.checkpoint import identity_of
from lenet.training.guards import FolderLock
from lenet.training.preparation import (
    check_fit,
    check_recipe,
    new_model,
    preprocessing_options,
    with_validation,
)
from lenet.version import VERSION as LENET

_STATUSES: Final = ("finished", "diverged")
#: At most so many trials run at a time.
MAX_JOBS: Final = 256
#: At most so many are asked for at once.
MAX_TRIALS: Final = 100_000

#: Is told how many trials are done, of how many, and how many seconds are probably left.
Progress = Callable[[int, int, float], object]


class HasTraining(Protocol):
    """Whatever says what is trained, and how."""

    @property
    def network(self) -> Network: ...
    @property
    def recipe(self) -> Recipe: ...


@dataclass(frozen=True)
class Trial:
    """One training: ``network`` is trained as ``recipe`` says, beginning from ``seed``."""

    network: Network
    recipe: Recipe
    seed: int

    def key(self, fingerprint: str, engine: str) -> str:
        """Return a hash of all that decides the outcome on data of this fingerprint."""
        recipe = self.recipe.replace(network=str(self.network))
        values = identity_of(self.network, recipe, self.seed, fingerprint, engine)
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Outcome:
    """What came of a trial: its epochs, as far as it came."""

    status: str  # finished or diverged
    parameters: int
    epochs: tuple[EpochRecord, ...]
    kept: int = 0  # the epoch that the recipe restores; 0 for the last
    whole_seconds: float = 0.0  # with preparation and tests; 0 in older files
    answers: Answers | None = None  # for the images to test on, where somebody asks for them

    @property
    def diverged(self) -> bool:
        """Whether a loss was not a number."""
        return self.status == "diverged"

    @property
    def seconds(self) -> float:
        """Of training, on one thread."""
        return sum(record.seconds for record in self.epochs)

    def accuracy(self, guess: float, epoch: int | None = None) -> float:
        """Return the test accuracy after an epoch, by default the one whose weights are kept.

        Of data without a test split it is the validation accuracy. A training that diverged before
        counts as ``guess``: its weights are of no use. One that stopped early before has the
        accuracy of its end.
        """
        if self.diverged and (epoch is None or epoch > len(self.epochs)):
            return guess
        done = len(self.epochs)
        value = _accuracy(self.epochs[min(done, epoch or self.kept or done) - 1])
        assert value is not None
        return value

    def to_dict(self) -> dict[str, Any]:
        """Return it as values for JSON."""
        epochs = [record.to_dict() for record in self.epochs]
        how = {"status": self.status, "parameters": self.parameters, "kept": self.kept}
        answers = self.answers and {
            name: array.tolist() for name, array in vars(self.answers).items()
        }
        told = {"answers": answers} if answers else {}
        return {**how, "whole_seconds": self.whole_seconds, "epochs": epochs, **told}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Outcome:
        """Return the inverse of :meth:`to_dict`; a ValueError, TypeError or LookupError of others.

        What is read is a number where there must be one, and finite.
        """
        status, parameters = values["status"], values["parameters"]
        if status not in _STATUSES or type(parameters) is not int or parameters < 0:
            raise ValueError("no outcome")
        seconds = values.get("whole_seconds", 0.0)
        if type(seconds) not in (int, float) or not 0 <= seconds < inf:
            raise ValueError("no time")
        records = tuple(EpochRecord.from_dict(epoch) for epoch in values["epochs"])
        for place, record in enumerate(records, 1):
            numbers = record.to_dict().values()
            if not all(type(n) in (int, float) and isfinite(n) for n in numbers):
                raise ValueError("an epoch has values that are no numbers")
            if record.epoch != place or _accuracy(record) is None:
                raise ValueError("an epoch is missing")
            shares = (record.test_accuracy, record.validation_accuracy)
            if record.seconds < 0 or not all(0 <= s <= 1 for s in shares if s is not None):
                raise ValueError("an epoch has values that cannot be")
        kept = values["kept"]
        if type(kept) is not int or not 0 <= kept <= len(records):
            raise ValueError("no epoch that is kept")
        if status == "finished" and not records:
            raise ValueError("no epoch")
        answers = values.get("answers")
        read = None if answers is None else _read_answers(answers)
        return cls(status, parameters, records, kept, seconds, read)


def _read_answers(values: Mapping[str, Any]) -> Answers:
    """Return answers out of a file; a ValueError, TypeError or LookupError, if they are none."""
    kinds = {name: array.dtype for name, array in vars(Answers.empty(0)).items()}
    read = {name: np.array(values[name], kind) for name, kind in kinds.items()}
    count = len(read["predicted"])
    if not all(array.shape == (count,) and np.isfinite(array).all() for array in read.values()):
        raise ValueError("answers that cannot be")
    return Answers(**read)


def _accuracy(record: EpochRecord) -> float | None:
    test, validation = record.test_accuracy, record.validation_accuracy
    return validation if test is None else test


class Shared:
    """What trainings on the same images share: it is found out once.

    That are the validation split and the preprocessing, which take as long as a short training.
    """

    def __init__(self, data: Dataset) -> None:
        self.data = data
        self._divided: dict[float, Dataset] = {}
        self._preprocessing: dict[tuple[Any, ...], Preprocessing] = {}

    @cached_property
    def fingerprint(self) -> str:
        """Of the images and labels."""
        return self.data.fingerprint()

    def training(self, trial: HasTraining, seed: int) -> Training:
        """Return what ``lenet.train`` would train, on one thread."""
        recipe = trial.recipe
        data = self.divided(recipe)
        return Training(self._model(trial, data, seed), data, recipe, seed, threads=1)

    def divided(self, recipe: Recipe) -> Dataset:
        """Return the data with the validation split that ``recipe`` asks for."""
        share = recipe.validation_fraction
        is_asked = bool(recipe.patience) or recipe.restore_best
        data = self._divided.get(share)
        if data is None or (is_asked and data.validation is None):  # which is an error then
            data = self._divided[share] = with_validation(self.data, recipe)
        return data

    def answers(self, training: Training) -> Answers | None:
        """Return what a network that is trained answers for its test images; None: nobody asks."""
        return None

    def _model(self, trial: HasTraining, data: Dataset, seed: int) -> Model:
        recipe, network = trial.recipe, trial.network
        key = recipe.validation_fraction, *preprocessing_options(network, recipe)
        if (known := self._preprocessing.get(key)) is not None:
            return Model(network, data.classes, known).initialize(recipe.init, seed)
        model = new_model(network, data, recipe, seed)
        self._preprocessing[key] = model.preprocessing
        return model


class Record:
    """What is known of trials: in memory, and in a file that is added to line by line.

    Only one process at a time runs trials in a folder. A record's ``with`` block keeps the folder,
    from the first trial that is run to its end.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        """Read what a folder knows already; without one, nothing is kept.

        Raises:
            UsageError: the folder is no path.
            DataError: the file is damaged; a last line that a kill cut off is left out.
        """
        if not isinstance(folder, str | os.PathLike | None) or "\0" in os.fsdecode(folder or ""):
            raise UsageError(f"the folder is {shown(folder)}; give its path.", parameter="run")
        self.path = None if folder is None else Path(folder) / FILE
        self.known: dict[str, Outcome] = {}
        self._is_cut = False
        self._lock: FolderLock | None = None
        self._depth = 0
        self._read_again()

    def __enter__(self) -> Self:
        self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self.path and self._lock and not self._depth:
            self._lock.release()
            self._lock = None
            with suppress(OSError):  # where no trial was done, nothing is left
                self.path.parent.rmdir()

    def keep_folder(self) -> None:
        """Keep other processes out, and read what they have found out until now.

        Raises:
            UsageError: one of them runs trials in it.
            OutputError: it cannot be written.
        """
        if self.path is None or self._lock:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._not_written(error) from error
        self._lock = FolderLock(self.path.parent)
        self._read_again()

    def _read_again(self) -> None:
        if self.path is not None and self.path.exists():
            self._read(self.path)

    def _read(self, path: Path) -> None:
        self._is_cut = False
        try:
            with files.open_regular(path) as file:
                for number, line in enumerate(file, 1):
                    self._is_cut = not line.endswith(b"\n")
                    if line.strip() and not self._is_cut:
                        self._take(line, f"line {number} of {path_text(path)}")
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read {path_text(path)}: {reason(error)}.") from error

    def _take(self, line: bytes, place: str) -> None:
        try:
            values = json.loads(line)
            self.known[values["trial"]] = Outcome.from_dict(values)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            what = f"{place} is no outcome of a trial; remove it, and its trial is run again"
            raise DataError(f"{what}.") from error

    def add(self, key: str, trial: Trial, outcome: Outcome) -> None:
        """Keep an outcome; a line that was cut off is ended first.

        Raises:
            OutputError: the file cannot be written.
        """
        self.known[key] = outcome
        if self.path is None:
            return
        values = {"trial": key, "network": str(trial.network), "seed": trial.seed}
        line = json.dumps({**values, **outcome.to_dict()}) + "\n"
        try:
            if self._is_cut:
                whole = self.path.read_bytes().rpartition(b"\n")
                files.write_bytes(self.path, whole[0] + whole[1])
                self._is_cut = False
            with self.path.open("a", encoding="ascii") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._not_written(error) from error

    def _not_written(self, error: OSError) -> OutputError:
        assert self.path is not None
        what = f"cannot write {path_text(self.path)}: {reason(error)}"
        return OutputError(f"{what}; choose another folder.")


def checked_jobs(jobs: int | None) -> int:
    """Return how many trials run at a time: one per processor, unless a number is given."""
    jobs = plain(jobs)
    if jobs is None:
        return processors()
    if isinstance(jobs, bool) or not isinstance(jobs, int) or not 1 <= jobs <= MAX_JOBS:
        raise UsageError(
            f"jobs is {shown(jobs)}; it must be a whole number from 1 to {MAX_JOBS}.",
            parameter="jobs",
        )
    return jobs


def run_trials(
    trials: Sequence[Trial],
    data: Dataset | Shared,
    record: Record,
    *,
    jobs: int | None = None,
    on: str | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Return the outcome of each trial; those that ``record`` knows are not run again.

    ``on`` a cluster of Ray they run there: see :mod:`lenet.cluster`.

    A KeyboardInterrupt stops all that run, within a tenth of a second; what is done is kept.

    Raises:
        UsageError: jobs, on or progress are none, a network does not suit the data, or another
            process runs trials in the record's folder.
        DataError: there are no images to test on.
        OutputError: the record cannot be written.
    """
    checked_jobs(jobs)
    check_place(on)
    if progress is not None and not callable(progress):
        what = f"progress is {shown(progress)}"
        raise UsageError(f"{what}; give a function of trainings done, of all, and seconds left.")
    shared = data if isinstance(data, Shared) else Shared(data)
    # All of this before the first one begins. Who shares may have taken the test split away.
    if shared is not data and not len(shared.data.tested):
        raise DataError(f"{shared.data.name} has no images to test on; give a test split.")
    for network in {trial.network for trial in trials}:
        check_fit(network, shared.data)
    for trial in trials:
        check_recipe(trial.network, trial.recipe)
        shared.divided(trial.recipe)
    engine = engine_of(trials[0], shared) if trials else ""
    keys = [trial.key(shared.fingerprint, engine) for trial in trials]
    asked = dict(zip(keys, trials, strict=True))
    with record:
        if asked.keys() - record.known.keys():
            record.keep_folder()
        missing = {key: trial for key, trial in asked.items() if key not in record.known}
        start = time.monotonic()
        if on is None:
            outcomes = _run(missing, shared, checked_jobs(jobs))
        else:
            about = shared.fingerprint, LENET, engine
            outcomes = run_on_ray(_run_there, missing, shared.data, jobs, about)
        for done, (key, outcome) in enumerate(outcomes, 1):
            record.add(key, missing[key], outcome)
            if progress:
                left = (time.monotonic() - start) / done * (len(missing) - done)
                progress(len(asked) - len(missing) + done, len(asked), left)
    return [record.known[key] for key in keys]


def engine_of(trial: HasTraining, data: Dataset | Shared) -> str:
    """Return the name of the engine, which tells the instruction set: that decides the rounding."""
    shared = data if isinstance(data, Shared) else Shared(data)
    return shared.training(trial, 0).engine.name


def _run(trials: Mapping[str, Trial], shared: Shared, jobs: int) -> Iterator[tuple[str, Outcome]]:
    """Yield keys and outcomes as trials end; they are begun in order, ``jobs`` at a time."""
    stopped = threading.Event()

    def pause() -> None:
        if stopped.is_set():
            raise _StoppedError

    waiting, running = iter(trials.items()), dict[Future[Outcome], str]()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while True:
                for key, trial in islice(waiting, jobs - len(running)):
                    running[pool.submit(run_trial, trial, shared, pause)] = key
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        finally:
            stopped.set()


class _StoppedError(Exception):
    """Ends a trial whose outcome nobody waits for any more."""


#: Of a worker of a cluster: what the trials on the same images share, by their fingerprint.
_shared_there: dict[str, Shared] = {}


def _run_there(trial: Trial, data: Dataset, about: tuple[str, str, str]) -> Outcome:
    """Run a trial on another machine, if it reaches the same weights there."""
    fingerprint, lenet, engine = about
    if (shared := _shared_there.get(fingerprint)) is None:
        _shared_there.clear()
        shared = _shared_there[fingerprint] = Shared(data)
    check_alike((LENET, engine_of(trial, shared)), (lenet, engine))
    return run_trial(trial, shared)


def run_trial(trial: Trial, shared: Shared, pause: Callable[[], None] | None = None) -> Outcome:
    """Train to the end, or to a loss that is no number."""
    start = time.perf_counter()
    training = shared.training(trial, trial.seed)
    status = "finished"
    try:
        for _ in training.epochs(pause=pause):
            if pause:
                pause()
    except DivergenceError:
        status = "diverged"
    kept = (training.best_epoch or 0) if trial.recipe.restore_best else 0
    answers = None if status == "diverged" else shared.answers(training)
    parameters, seconds = training.model.parameter_count, time.perf_counter() - start
    return Outcome(status, parameters, tuple(training.history), kept, seconds, answers)
