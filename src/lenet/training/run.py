"""A run: a training that is written down in a folder while it goes on, and goes on if cut off.

:mod:`lenet.run_folder` says what is in the folder. Every file is written whole or not at all. While
training runs, a disk that is full costs no more than the checkpoints; at its end, what cannot be
written is an error, and the run can be resumed, to the very weights it was to reach.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

import numpy as np

from lenet import files, run_folder
from lenet.arguments import plain
from lenet.data import Dataset, Split, is_name, load
from lenet.data.seen import write_seen
from lenet.errors import DataError, ModelFileError, OutputError, UsageError, reason
from lenet.model import Model
from lenet.net import read_network
from lenet.net.words import shown
from lenet.run_folder import (
    BEST,
    CURVE,
    INFO,
    LAST,
    PAGE,
    RECIPE,
    SEEN,
    START,
    TENSORBOARD,
    LayerSignal,
    RunRecord,
)
from lenet.training.checkpoint import Checkpoint, Checkpoints, difference, identity
from lenet.training.guards import FolderLock
from lenet.training.loop import Training
from lenet.training.monitoring import SignalLog, TensorBoard
from lenet.training.preparation import with_absolute_paths
from lenet.training.recipe import read_recipe, recipe_text
from lenet.version import machine

#: Seconds between two checkpoints within an epoch.
CHECKPOINT_SECONDS: Final = 60.0
#: The largest share of the time that may go into writing while training runs.
WRITING_SHARE: Final = 0.005


class Pacing:
    """A context around every writing, which measures it and says when the next is cheap enough."""

    def __init__(self) -> None:
        self._cost = 0.0
        self._began = self._last = time.monotonic()

    def is_due(self, seconds: float = 0.0) -> bool:
        """Return whether ``seconds`` have passed since then, and enough for it to be cheap."""
        return time.monotonic() - self._last >= max(seconds, self._cost / WRITING_SHARE)

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._last = time.monotonic()
        self._cost = self._last - self._began


class _ExistsError(UsageError):
    """The folder is there already."""


class Run:
    """One run's folder, held against other processes until it is finished or closed."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        load_arguments: Mapping[str, Any] | None = None,
        *,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        tensorboard: bool = False,
        is_new: bool = True,
    ) -> None:
        """Make the folder, if it is new; nothing that exists is ever overwritten. A folder in which
        a run was killed before it began is taken over.

        With ``load_arguments``, those of ``lenet.load``, a resumed run finds its data by itself.
        """
        check_seconds(checkpoint_seconds)
        self.folder = _checked_path(folder)
        self._board = TensorBoard(self.folder) if tensorboard else None
        if is_new:
            _make_folder(self.folder)
        #: Is told why a checkpoint cannot be written, once for each reason.
        self.notice: Callable[[str], object] = lambda text: None
        #: Why there is no page to look at; empty if there is one.
        self.no_page = "no epoch was finished"
        #: Whether the model that the recipe keeps is the best, not the last.
        self.keeps_best = False
        self.checkpoints, self._signals = Checkpoints(self.folder), SignalLog(self.folder)
        self._load_arguments = with_absolute_paths(load_arguments or {})
        self._seconds = checkpoint_seconds
        self._started, self._resumed = _now(), list[str]()
        self._pacing, self._look_pacing = Pacing(), Pacing()
        self._identity: dict[str, Any] = {}
        self._trouble = ""
        self._lock = self._begin() if is_new else FolderLock(self.folder)

    def _begin(self) -> FolderLock:
        """Lock a folder in which nothing is begun, and clear it."""
        try:
            lock = FolderLock(self.folder)
        except UsageError as error:  # somebody is just beginning there
            raise _exists(self.folder) from error
        if not run_folder.is_unbegun(self.folder):
            lock.release()
            raise _exists(self.folder)
        run_folder.clear_unbegun(self.folder)
        return lock

    @classmethod
    def numbered(cls, root: str | os.PathLike[str], stem: str, *given: Any, **options: Any) -> Run:
        """Make the first of ``root/stem-1``, ``root/stem-2``, ... that does not exist yet."""
        return cls._first_of((Path(root) / f"{stem}-{n}" for n in count(1)), *given, **options)

    @classmethod
    def again(cls, folder: str | os.PathLike[str], *given: Any, **options: Any) -> Run:
        """Make ``folder``; if there is a run in it already, ``folder-2``, ``folder-3``, ..."""
        path = _checked_path(folder)
        if not (path.name and run_folder.is_run(path)):  # "." has no name to number
            return cls(path, *given, **options)
        others = (path.with_name(f"{path.name}-{n}") for n in count(2))
        return cls._first_of(others, *given, **options)

    @classmethod
    def _first_of(cls, paths: Iterator[Path], *given: Any, **options: Any) -> Run:
        while True:
            try:
                return cls(next(paths), *given, **options)
            except _ExistsError:
                continue

    @classmethod
    def reopen(
        cls, folder: str | os.PathLike[str], checkpoint_seconds: float = CHECKPOINT_SECONDS
    ) -> Run:
        """Take a run that is there already; :func:`resume_run` goes on with it."""
        run = cls(folder, checkpoint_seconds=checkpoint_seconds, is_new=False)
        try:
            run_folder.check_files(run.folder)
        except OutputError:
            run.close()
            raise
        run_folder.remove_leftovers(run.folder)
        if (run.folder / TENSORBOARD).is_dir():  # where the package is gone, it goes on without
            with suppress(UsageError):
                run._board = TensorBoard(run.folder)
        return run

    @property
    def model(self) -> Path:
        """Where the model is saved that the recipe keeps."""
        return self.folder / (BEST if self.keeps_best else LAST)

    @property
    def command(self) -> str:
        """The command that resumes it."""
        return run_folder.resume_command(self.folder)

    @property
    def signals(self) -> Sequence[LayerSignal]:
        """What was measured of the layers so far."""
        return self._signals.signals

    @property
    def is_begun(self) -> bool:
        """Whether there is something that could be finished."""
        return bool(self._identity)

    def start(self, training: Training) -> None:
        """Write down what is about to be done."""
        _load_writers()
        self._identity = self._identity or identity(training)
        with self._pacing:
            if training.fine_tuning and not (self.folder / START).exists():
                training.model.save(self.folder / START)
            self._write_recipe(training)
            self._write_seen(training)
            self._write_info(training, "running")
        self._measure(training)

    def discard(self) -> None:
        """Let others have it, and take the folder away again if nothing was begun in it."""
        is_empty = not self._resumed and not (self.folder / INFO).exists()
        if is_empty:
            run_folder.clear_unbegun(self.folder)
        self.close()
        if is_empty:
            with suppress(OSError):
                self.folder.rmdir()

    def close(self) -> None:
        """Let others resume it."""
        self._lock.release()

    def pause(self, training: Training) -> None:
        """Within an epoch: write a checkpoint, if the last one is long ago."""
        if self._pacing.is_due(self._seconds):
            self._write_state(training)

    def record(self, training: Training) -> None:
        """After an epoch: write the history and a checkpoint, if that costs little enough."""
        self._measure(training)
        if self._pacing.is_due():
            self._write_state(training)
        elif self._look_pacing.is_due():
            # For who looks on: what is a checkpoint's waits for the disk, this does not.
            with suppress(OutputError), self._look_pacing:
                self._write_figures(training, durable=False)

    def finish(self, training: Training, status: str) -> None:
        """Save all that can be saved; ``status`` is finished, interrupted or diverged.

        The model then has the weights that the recipe keeps.
        """
        if status == "finished":  # the last epoch is not recorded before
            self._measure(training)
        attempts = [partial(self._save_models, training, status)]
        attempts.append(partial(self._write_figures, training))
        if status == "interrupted" and training.is_whole:
            attempts.insert(0, partial(self._write_checkpoint, training))
        attempts.insert(0, partial(self._write_seen, training))
        if not (self.folder / RECIPE).exists():  # stopped at the very start
            attempts.insert(0, partial(self._write_recipe, training))
        try:
            self._keep_folder(training)
            _do_all(attempts)
            # What shows an earlier moment goes first: a page that is there is of this end.
            for name in (PAGE, CURVE):
                (self.folder / name).unlink(missing_ok=True)
            self._write_info(training, status)
            if status != "interrupted":
                self.checkpoints.remove()
        except OutputError as error:
            why = str(error).partition(";")[0]
            remedy = f"make room, then {self.command} goes on"
            is_there = run_folder.is_run(self.folder) and self._lock.holds
            raise OutputError(f"{why}; {remedy if is_there else 'nothing is saved'}.") from error
        finally:
            if self._board:
                self._board.close()

    def _keep_folder(self, training: Training) -> None:
        """Make the folder anew, if it was taken away: the training is worth more than that.

        A folder of this name that is another run's by now is left to it.
        """
        if self._lock.holds:
            return
        self._lock.release()
        is_gone = not self.folder.is_dir()
        if is_gone:
            _make_folder(self.folder)
        try:
            self._lock = FolderLock(self.folder)
            is_ours = is_gone or self._is_ours()
        except (UsageError, DataError):
            is_ours = False
        if not is_ours:
            self._lock.release()
            raise OutputError(f"cannot write {self.folder}: it is another run's by now")
        if is_gone:
            self.notice(f"{self.folder} was taken away; it is made anew, and the run goes on.")
            self._write_recipe(training)
            self._write_seen(training)
            self._write_info(training, "running")

    def _is_ours(self) -> bool:
        """Return whether what is written down in the folder is this run."""
        if not run_folder.is_run(self.folder):
            return run_folder.is_unbegun(self.folder)
        return bool(run_folder.read_run(self.folder).info.get("started") == self._started)

    def _write_figures(self, training: Training, durable: bool = True) -> None:
        epochs = [record.to_dict() for record in training.history]
        history = partial(run_folder.write_history, self.folder, epochs, durable)
        _do_all([history, partial(self._signals.write, durable)])

    def _write_state(self, training: Training) -> None:
        try:
            with self._pacing:
                self._keep_folder(training)
                self._write_figures(training)
                self._write_checkpoint(training)
            self._trouble = ""
        except OutputError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                self.notice(f"no checkpoint: {error}")

    def _write_checkpoint(self, training: Training) -> None:
        self.checkpoints.save(Checkpoint(*training.state_dict(), self._identity))

    def _save_models(self, training: Training, status: str) -> None:
        # Within an epoch, and where it diverged, the model keeps the weights of the last whole one,
        # whose figures stand beside it; a checkpoint has the others.
        is_whole = not (training.history and training.place[1])
        if status != "diverged" and is_whole:
            training.publish()
        training.conclude(status)
        training.model.save(self.folder / LAST)
        if training.publish_best():
            self.keeps_best = True
            training.conclude(status, best=True)
            training.model.save(self.folder / BEST)

    def _write_recipe(self, training: Training) -> None:
        about = f"The recipe of {self.folder.name}; lenet train --recipe takes this file."
        files.write_text(self.folder / RECIPE, recipe_text(training.recipe, about))

    def _write_seen(self, training: Training) -> None:
        """Write which images go where; data that have a name are always divided in one way."""
        is_known = is_name(self._load_arguments.get("source", ""))
        if not (is_known or (self.folder / SEEN).exists()):
            write_seen(self.folder, training.data)

    def _measure(self, training: Training) -> None:
        """Measure what the layers do, after an epoch or before the first."""
        epoch = len(training.history)
        self._signals.measure(training.model, training.data.train, training.engine, epoch)
        if self._board and training.history:
            self._board.write(training.history[-1].to_dict(), self._signals.latest)

    def _write_info(self, training: Training, status: str) -> None:
        data = training.data
        values = {
            "started": self._started,
            "resumed": self._resumed,
            "arguments": self._load_arguments,
            "source": data.source or None,
            **training.details(status, self.keeps_best),
            **{f"{name}_images": len(split) for name, split in data.splits.items()},
            "image_shape": list(data.image_shape),
            "data_hash": self._identity["data"],
            "test_hash": data.test.fingerprint() if data.test else None,
            "chance": most_frequent(data.test) if data.test else None,
            "start_hash": self._identity["start"],
            "machine": machine(),
        }
        run_folder.write_info(self.folder, values)


@dataclass(frozen=True)
class ResumedRun:
    """A run that is ready to go on."""

    training: Training  # as far as its checkpoint
    run: Run
    notes: list[str]  # sentences on what was found damaged


def resume_run(
    folder: str | os.PathLike[str],
    data: Dataset | None = None,
    *,
    threads: int | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    load_arguments: Mapping[str, Any] | None = None,
) -> ResumedRun | None:
    """Bring a training to where its newest checkpoint is, as ``lenet.resume`` does; None if it is
    finished. ``load_arguments`` are those of ``lenet.load`` that are others than before.
    """
    if run_folder.read_run(folder).info["status"] == "finished":
        return None
    run = Run.reopen(folder, checkpoint_seconds)
    try:
        record = run_folder.read_run(folder)  # once more: nobody else can change it now
        if record.info["status"] == "finished":
            run.close()
            return None
        return _resume(run, record, data, threads, load_arguments or {})
    except BaseException:
        run.close()
        raise


def _resume(
    run: Run, record: RunRecord, data: Dataset | None, threads: int | None, named: Mapping[str, Any]
) -> ResumedRun:
    info, path = record.info, record.folder / RECIPE
    if info["status"] == "diverged":
        raise UsageError(
            f"{run.folder} diverged, and would again; begin a new run with a smaller learning "
            f"rate: lenet train --recipe {path} --lr ..."
        )
    recipe = read_recipe(path)
    try:
        begun = {name: info[name] for name in ("engine", "network", "seed", "recipe")}
        hashes = {"data": info["data_hash"], "start": info.get("start_hash")}
        begun |= {"lenet": info["machine"]["lenet"], **hashes}
        arguments = {**info["arguments"], **with_absolute_paths(named)}
        _ = info["started"]
    except (LookupError, TypeError) as error:
        raise UsageError(
            f"{run.folder} was begun by a lenet that could not resume ({INFO} lacks {error}); "
            f"begin a new run with --recipe {path}."
        ) from None
    if data is None:
        data = _load(run.folder, arguments, bool(named))
    data = replace(data, name=info["dataset"])  # what a folder is called may have changed
    network = Model.load(record.start) if record.start else read_network(recipe.network)
    # PyTorch's is named by the run itself; of the others the environment may have another.
    kind, _, device = str(begun["engine"]).partition(" ")
    engine = f"{kind}:{device}" if kind == "torch" else None
    training = Training(network, data, recipe, begun["seed"], threads, engine)
    now = identity(training)
    if complaint := difference(begun, now, run.folder):
        raise UsageError(complaint)
    notes = _load_checkpoint(run, training, now)
    try:
        run._signals.resume(len(training.history), training.model.network)
    except DataError as error:  # what is shown of a training is not worth the training
        notes.append(f"{str(error).partition(';')[0]}; only later epochs will be in it.")
    run._started, run._load_arguments, run._identity = str(info["started"]), arguments, now
    run._resumed = [*(info.get("resumed") or ()), _now()]
    return ResumedRun(training, run, notes)


def _load(folder: Path, arguments: dict[str, Any], is_named_now: bool) -> Dataset:
    source = str(arguments.get("source"))
    if not arguments:
        raise UsageError(f"{folder} does not say where its data are; name them as well.")
    if not (is_named_now or is_name(source) or os.path.exists(source)):
        raise UsageError(
            f"the data of {folder} are no longer in {source}; say where they are: "
            f"{run_folder.resume_command(folder, 'PATH')}."
        )
    return load(**arguments)


def _load_checkpoint(run: Run, training: Training, now: dict[str, Any]) -> list[str]:
    """Go on from the newest checkpoint; return what was wrong with others."""
    checkpoint, complaints = run.checkpoints.newest()
    if checkpoint is not None:
        if complaint := difference(checkpoint.identity, now, run.folder):
            raise UsageError(complaint)
        try:
            training.load_state_dict(dict(checkpoint.tensors), checkpoint.progress)
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise ModelFileError(
                f"the checkpoint in {run.folder} does not fit its network ({error}); remove it, "
                "and the run begins anew."
            ) from error
    epochs, steps = training.place
    place = f"after epoch {epochs}" + f", step {steps} of the next" * bool(steps)
    place = place if epochs + steps else "at its start"
    return [f"{complaint.removesuffix('.')}; going on {place}." for complaint in complaints]


def check_seconds(seconds: float) -> None:
    """Raise a UsageError, if this cannot be the time between two checkpoints."""
    if not (isinstance(plain(seconds), int | float) and 0 <= seconds <= 1e9):
        raise UsageError(
            f"the time between checkpoints is {shown(seconds)}; it must be a number of seconds "
            "from 0 to 1e9."
        )


def _checked_path(folder: str | os.PathLike[str]) -> Path:
    """Return the path of a run's folder, which its files and its page can name."""
    run_folder.check_path(folder)
    path = Path(folder)
    if any("\ud800" <= character <= "\udfff" for character in str(path)):
        raise UsageError(
            f"the run's folder {shown(str(path))} cannot be written in UTF-8; choose another name."
        )
    return path


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir()
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte in it
        if isinstance(error, FileExistsError) and error.filename == str(path):
            if run_folder.is_unbegun(path):
                return
            raise _exists(path) from error
        raise OutputError(
            f"cannot make the run folder {path}: {reason(error)}; work in a folder that is "
            "writable and has room."
        ) from error


def _exists(path: Path) -> _ExistsError:
    what = f"{path} exists already and is never overwritten; choose another name."
    return _ExistsError(what)


def _load_writers() -> None:
    """Import what models are saved with: where that fails, no training must be lost by it."""
    try:
        import safetensors.numpy  # noqa: F401
    except (ImportError, MemoryError, OSError) as error:
        raise OutputError(
            f"what models are saved with cannot be loaded ({error}); free some memory, or install "
            "safetensors anew."
        ) from error


def most_frequent(split: Split) -> float:
    """Return the share of the class that most images are of."""
    return float(np.bincount(split.labels).max()) / len(split)


def _do_all(attempts: Iterable[Callable[[], object]]) -> None:
    """Make every attempt, then raise the last error there was."""
    last = None
    for attempt in attempts:
        try:
            attempt()
        except OutputError as error:
            last = error
    if last:
        raise last


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
