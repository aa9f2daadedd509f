"""Going on with a run that was killed, stopped or cut off, to the very weights it was to reach."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lenet.data import Dataset, is_name, load
from lenet.errors import ModelFileError, UsageError
from lenet.model import Model
from lenet.net import read_network
from lenet.run_folder import INFO, RECIPE, RunRecord, read_run
from lenet.training.checkpoint import difference, identity
from lenet.training.loop import Training
from lenet.training.recipe_file import read_recipe
from lenet.training.run import CHECKPOINT_SECONDS, Run


@dataclass(frozen=True)
class ResumedRun:
    """A run that is ready to go on.

    Attributes:
        training: as far as its checkpoint.
        run: its folder.
        notes: sentences on what was found damaged.
    """

    training: Training
    run: Run
    notes: list[str]


def resume_run(
    folder: str | os.PathLike[str],
    data: Dataset | None = None,
    *,
    threads: int | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    load_arguments: Mapping[str, Any] | None = None,
) -> ResumedRun | None:
    """Bring a training to where its newest checkpoint is; None if it is finished.

    Args:
        folder: the run's.
        data: what it trains on; by default it is loaded again.
        threads: how many to use; they may be others than before.
        checkpoint_seconds: between two checkpoints within an epoch.
        load_arguments: of ``lenet.load``, where they are others than before.

    Raises:
        UsageError: it cannot be resumed, for the reason that is said.
        DataError: the data cannot be read, or ``run.json`` is damaged.
        OutputError: the folder cannot be written to.
    """
    if read_run(folder).info["status"] == "finished":
        return None
    run = Run.reopen(folder, checkpoint_seconds)
    try:
        record = read_run(folder)  # once more: nobody else can change it now
        if record.info["status"] == "finished":
            run.close()
            return None
        return _resume(run, record, data, threads, load_arguments or {})
    except BaseException:
        run.close()
        raise


def _resume(
    run: Run,
    record: RunRecord,
    data: Dataset | None,
    threads: int | None,
    load_arguments: Mapping[str, Any],
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
        begun |= {"lenet": info["machine"]["lenet"], "data": info["data_hash"]}
        begun |= {"start": info.get("start_hash")}
        arguments = {**info["arguments"], **load_arguments}
        _ = info["started"]
    except (LookupError, TypeError) as error:
        raise UsageError(
            f"{run.folder} was begun by a lenet that could not resume ({INFO} lacks {error}); "
            f"begin a new run with --recipe {path}."
        ) from None
    if data is None:
        data = _load(run.folder, arguments, bool(load_arguments))
    data = replace(data, name=info["dataset"])  # what a folder is called may have changed
    network = Model.load(record.start) if record.start else read_network(recipe.network)
    training = Training(network, data, recipe, begun["seed"], threads)
    now = identity(training)
    if complaint := difference(begun, now, run.folder):
        raise UsageError(complaint)
    notes = _load_checkpoint(run, training, now)
    run.go_on(info, arguments, now, len(training.history))
    return ResumedRun(training, run, notes)


def _load(folder: Path, arguments: dict[str, Any], is_named_now: bool) -> Dataset:
    if not arguments:
        raise UsageError(f"{folder} does not say where its data are; name them as well.")
    source = str(arguments.get("source"))
    if is_named_now or is_name(source) or os.path.exists(source):
        return load(**arguments)
    raise UsageError(
        f"the data of {folder} are no longer in {source}; say where they are: lenet train PATH "
        f"--resume {folder}."
    )


def _load_checkpoint(run: Run, training: Training, now: dict[str, Any]) -> list[str]:
    """Go on from the newest checkpoint; return what was wrong with others."""
    checkpoint, complaints = run.newest_checkpoint()
    if checkpoint is not None:
        if complaint := difference(checkpoint.identity, now, run.folder):
            raise UsageError(complaint)
        try:
            training.load_state_dict(dict(checkpoint.tensors), checkpoint.progress)
        except (LookupError, TypeError, ValueError) as error:
            raise ModelFileError(
                f"the checkpoint in {run.folder} does not fit its network ({error}); remove it, "
                "and the run begins anew."
            ) from error
    epochs, steps = training.place
    place = f"after epoch {epochs}" + f", step {steps} of the next" * bool(steps)
    place = place if epochs + steps else "at its start"
    return [f"{complaint.removesuffix('.')}; going on {place}." for complaint in complaints]
