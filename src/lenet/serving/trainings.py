"""Trainings that go on beside each other while a page looks on.

Each is what ``lenet train`` does, in a thread of its own: it writes its run into a folder, and ends
like one that Ctrl-C stops, so that it can be resumed. As many train at a time as there are
processors; the others wait. All of them end with the server.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lenet.analysis.counts import count_network, measure_memory
from lenet.data import Dataset, is_name, load
from lenet.data.collection import machine_memory
from lenet.engine.native import processors
from lenet.errors import DivergenceError, LenetError, UsageError
from lenet.net import Network, zoo_name_of
from lenet.run_folder import RunRecord, is_run, read_run, resume_command
from lenet.serving.runs import name_of
from lenet.trainer import run_training
from lenet.training import EpochRecord, Recipe, Run, Training, named_recipe
from lenet.training.preparation import fit_network, load_arguments
from lenet.training.run import resume_run
from lenet.writing.numbers import bytes_text

#: Trainings at a time, however many processors there are, and those that may wait.
_MOST_RUNNING: Final = 8
_MOST_WAITING: Final = 32
#: Trainings that ended and are still told of.
_MOST_ENDED: Final = 64
#: Forward multiply-adds of one step: a training can be stopped between two steps only.
_LARGEST_STEP: Final = 10**11
#: Seconds that a server waits at its end until the trainings are saved.
_PATIENCE: Final = 60.0

WAITING, PREPARING, RUNNING, STOPPING = "waiting", "preparing", "running", "stopping"
FINISHED, STOPPED, DIVERGED, FAILED = "finished", "stopped", "diverged", "failed"
_ENDS: Final = (FINISHED, STOPPED, DIVERGED, FAILED)


class _StopError(Exception):
    """Ends a training from within its callback."""


@dataclass(frozen=True)
class Wish:
    """What is to be trained: ``title`` is what its run is called, before a number."""

    network: Network
    data: str
    recipe: Recipe
    seed: int
    title: str

    def check(self) -> None:
        """Raise a UsageError, if it would take the machine: memory, or hours for a step."""
        batch = self.recipe.batch_size
        need = measure_memory(self.network, batch, self.recipe.optimizer).training(batch)
        if need > machine_memory() / 2:
            raise UsageError(
                f"a training step of this network would take {bytes_text(need)} of this machine's "
                f"{bytes_text(machine_memory())} of memory; make it smaller, or the batch."
            )
        work = batch * count_network(self.network).multiply_adds
        if work > _LARGEST_STEP:
            raise UsageError(
                f"a training step of this network takes {work:.1e} multiply-adds, and here at most "
                f"{_LARGEST_STEP:.0e} are allowed, so that it can be stopped; make it smaller, or "
                "the batch."
            )


@dataclass
class Job:
    """One training, as far as it came; it is the callback of its own training."""

    title: str
    seed: int
    open: Callable[[int], tuple[Training, Run]]  # is told on how many threads
    changed: Callable[[Job], object]
    folder: Path | None = None
    number: int = 0  # from 1, once it is among the others
    status: str = WAITING
    notes: list[str] = field(default_factory=list)
    share: float = 0.0  # of all steps, 0 to 1
    epochs: int | None = None  # in all
    serial: int = 0
    stops: bool = False
    training: Training | None = None  # while it goes on
    run: Run | None = None
    record: RunRecord | None = None  # as it was when the training began
    last: EpochRecord | None = None
    name: Callable[[Path], str] = name_of  # what the page calls the run in a folder

    def work(self, threads: int) -> None:
        """Train to the end, whatever that is."""
        try:
            self._train(threads)
            self._end(FINISHED)
        except _StopError:
            self._end(STOPPED)
        except DivergenceError as error:
            self._end(DIVERGED, str(error))
        except LenetError as error:
            self._end(FAILED, str(error))
        except MemoryError:
            self._end(FAILED, "there is not enough memory; take a smaller network or batch.")
        except Exception as error:  # a fault of ours: the page says so, and the server goes on
            self._end(FAILED, f"{type(error).__name__}: {error}")

    def _train(self, threads: int) -> None:
        if self.stops:
            raise _StopError
        self._become(PREPARING)
        training, run = self.open(threads)
        self.training, self.run, self.folder = training, run, run.folder
        self.epochs = training.recipe.epochs
        self._become(RUNNING)
        run_training(training, run, self)

    def step(self, epoch: int, share: float) -> None:
        """Take note of a step, and stop here if that was asked for."""
        if self.stops:
            raise _StopError
        self.share = (epoch - 1 + share) / (self.epochs or 1)
        self.changed(self)

    def epoch(self, record: EpochRecord) -> None:
        """Take note of an epoch."""
        self.last = record
        self.changed(self)

    def notice(self, text: str) -> None:
        """Keep what a person should know."""
        self.notes.append(text)
        self.changed(self)

    def stop(self) -> None:
        """Ask it to stop; one that waits has stopped already."""
        self.stops = True
        if self.status == WAITING:
            self._become(STOPPED)

    def _become(self, status: str) -> None:
        self.status = status
        self.changed(self)

    def _end(self, status: str, note: str = "") -> None:
        if note:
            self.notes.append(note)
        self.training = self.run = None  # their images and weights are large
        self._become(status)

    def live(self) -> RunRecord | None:
        """Return the run as far as it came; None if only its folder knows."""
        training, run = self.training, self.run
        if training is None or run is None:
            return None
        if self.record is None and is_run(run.folder):
            self.record = read_run(run.folder)
        known = self.record.info if self.record else {}
        values = {**known, **training.details("running")}
        return RunRecord(run.folder, values, tuple(run.signals))

    def to_dict(self) -> dict[str, Any]:
        """Return what the page is told."""
        training, last = self.training, self.last
        has_run = self.folder is not None and is_run(self.folder)
        is_stopping = self.stops and self.status in (PREPARING, RUNNING)
        return {
            "number": self.number,
            "title": self.title,
            "run": self.name(self.folder) if self.folder and has_run else None,
            "seed": self.seed,
            "status": STOPPING if is_stopping else self.status,
            "share": self.share,
            "notes": list(self.notes),
            "epochs": self.epochs,
            "threads": training.engine.threads if training else None,
            "last": last.to_dict() if last else None,
            "can_resume": self.status == STOPPED and has_run,
        }


class Trainings:
    """The trainings of one server."""

    def __init__(
        self, root: Path, slots: int | None = None, name: Callable[[Path], str] = name_of
    ) -> None:
        """Keep their runs in ``root``; train at most ``slots`` at a time.

        ``name`` returns what the page calls the run in a folder.
        """
        self._root, self._name = root, name
        self._processors = processors()
        self._slots = slots or min(self._processors, _MOST_RUNNING)
        self._lock = threading.RLock()
        self._jobs: dict[int, Job] = {}
        self._waiting: deque[Job] = deque()
        self._threads: dict[int, threading.Thread] = {}
        self._data: dict[str, Dataset] = {}
        self._serial = self._count = 0
        self._is_closed = False

    def start(self, wishes: Sequence[Wish]) -> list[int]:
        """Begin trainings, or let them wait, and return their numbers.

        Raises:
            UsageError: one would take too much of the machine, or too many wait already.
        """
        for wish in wishes:
            wish.check()
        return self._add([self._new(wish) for wish in wishes])

    def resume(self, folder: Path) -> list[int]:
        """Go on with a run that was stopped, or let it wait, and return the training's number.

        Raises:
            UsageError: it is being trained, or too many wait already.
        """
        with self._lock:
            if self.is_going(folder):
                raise UsageError(f"{name_of(folder)} is being trained.")
            return self._add([self._old(folder)])

    def _new(self, wish: Wish) -> Job:
        def open_new(threads: int) -> tuple[Training, Run]:
            arguments = load_arguments(wish.network, wish.data)
            run = Run.numbered(self._root, wish.title, arguments)
            try:
                data = self.load(wish.data)
                network = fit_network(wish.network, data)
                return Training(network, data, wish.recipe, wish.seed, threads), run
            except BaseException:
                run.discard()
                raise

        return Job(wish.title, wish.seed, open_new, self._changed, name=self._name)

    def _old(self, folder: Path) -> Job:
        record = read_run(folder)
        seed, recipe = record.info["seed"], named_recipe(record.recipe)
        Wish(record.network, record.source, recipe, seed, "").check()

        def open_again(threads: int) -> tuple[Training, Run]:
            # One that was read from a folder of its own is read from there again.
            is_shared = is_name(record.source) and not record.data_dir
            data = self.load(record.source) if is_shared else None
            resumed = resume_run(folder, data, threads=threads)
            if resumed is None:
                raise UsageError(f"{name_of(folder)} is finished; there is nothing left to do.")
            job.notes += resumed.notes
            job.last = next(iter(resumed.training.history[-1:]), None)
            return resumed.training, resumed.run

        name = self._name(folder)
        job = Job(name, seed, open_again, self._changed, folder, name=self._name)
        return job

    def stop(self, number: int) -> None:
        """Ask a training to stop.

        Raises:
            UsageError: there is none of that number.
        """
        with self._lock:
            if number not in self._jobs:
                raise UsageError(f"there is no training {number} here.")
            self._jobs[number].stop()

    def news(self, after: int) -> dict[str, Any]:
        """Return the trainings that changed after the moment ``after``, and this moment."""
        with self._lock:
            jobs = [job.to_dict() for job in self._jobs.values() if job.serial > after]
            return {"moment": self._serial, "trainings": jobs}

    def live(self, folder: Path) -> RunRecord | None:
        """Return the record of a run that is being trained here."""
        jobs = self._of(folder)
        return jobs[-1].live() if jobs else None

    def is_going(self, folder: Path) -> bool:
        """Is the run in this folder being trained here?"""
        return any(job.status not in _ENDS for job in self._of(folder))

    def _of(self, folder: Path) -> list[Job]:
        """Return the trainings of a run, however its folder is called."""
        with self._lock:
            jobs = [job for job in self._jobs.values() if job.folder]
        # Links and ".." are followed only for folders of the same name.
        near = [job for job in jobs if job.folder and job.folder.name == folder.name]
        place = folder.resolve() if near else folder
        return [job for job in near if job.folder and job.folder.resolve() == place]

    def close(self) -> list[str]:
        """Stop all of them, wait until they are saved, and return the commands that go on."""
        with self._lock:
            self._is_closed = True
            going = [job for job in self._jobs.values() if job.status not in _ENDS]
            for job in going:
                job.stop()
            threads = list(self._threads.values())
        until = time.monotonic() + _PATIENCE
        for thread in threads:
            while thread.is_alive() and time.monotonic() < until:
                thread.join(0.1)  # in short waits: Windows ends no long one at Ctrl-C
        return [resume_command(job.folder) for job in going if job.folder and job.status == STOPPED]

    def _add(self, jobs: Sequence[Job]) -> list[int]:
        with self._lock:
            if self._is_closed:
                raise UsageError("the server is at its end.")
            waiting = [job for job in self._waiting if job.status == WAITING]
            if len(waiting) + len(jobs) > _MOST_WAITING:
                raise UsageError(
                    f"{len(waiting)} trainings wait already, and at most {_MOST_WAITING} may; stop "
                    "some, or wait, too."
                )
            for job in jobs:
                self._count += 1
                job.number = self._count
                self._jobs[job.number] = job
                self._waiting.append(job)
                self._changed(job)
            self._forget()
            self._pump()
            return [job.number for job in jobs]

    def _forget(self) -> None:
        """Forget the oldest of those that ended."""
        ended = [job for job in self._jobs.values() if job.status in _ENDS]
        for job in ended[: max(0, len(ended) - _MOST_ENDED)]:
            del self._jobs[job.number]

    def _pump(self) -> None:
        """Begin as many of those that wait as there is room for, in order."""
        with self._lock:
            while self._waiting and len(self._threads) < self._slots:
                job = self._waiting.popleft()
                if job.status in _ENDS:
                    continue
                together = min(self._slots, len(self._threads) + 1 + len(self._waiting))
                share = max(1, self._processors // together)
                thread = threading.Thread(target=self._work, args=(job, share), daemon=True)
                self._threads[job.number] = thread
                thread.start()

    def _work(self, job: Job, threads: int) -> None:
        try:
            job.work(threads)
        finally:
            with self._lock:
                del self._threads[job.number]
                self._pump()

    def _changed(self, job: Job) -> None:
        with self._lock:
            self._serial += 1
            job.serial = self._serial

    def load(self, name: str) -> Dataset:
        """Load a data set by its name, once."""
        with self._lock:
            known = self._data.get(name)
        if known is None:
            known = load(name)
            with self._lock:
                self._data[name] = known
        return known


def titled(network: Network, data: str, recipe: str) -> str:
    """Return what a run is called before its number: by its data, network and recipe."""
    words = [data, zoo_name_of(network) or "custom"]
    return "-".join(words if recipe == "modern" else [*words, recipe])
