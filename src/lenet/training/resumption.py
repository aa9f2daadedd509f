"""Going on with a run that was killed, stopped or cut off, to the very weights it was to reach."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lenet import files
from lenet.data import Dataset, is_name, load
from lenet.errors import DataError, ModelFileError, UsageError, reason
from lenet.net import read_network
from lenet.training.identity import difference, identity
from lenet.training.loop import Training
from lenet.training.recipe_file import read_recipe
from lenet.training.run import CHECKPOINT_SECONDS, FORMAT, INFO, RECIPE, Run

#: run.json holds a line or two an epoch.
MAX_BYTES = 100_000_000


@dataclass
class Resumed:
    """A run that is ready to go on.

    Attributes:
        training: as far as its checkpoint.
        run: its folder.
        notes: sentences on what was found damaged.
    """

    training: Training
    run: Run
    notes: list[str]


def read_info(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """What a run's ``run.json`` says.

    Raises:
        UsageError: the folder holds no run.
        DataError: the file is damaged.
    """
    path = Path(folder) / INFO
    try:
        info = json.loads(files.read_regular(path, MAX_BYTES))
        if not isinstance(info, dict) or info.get("format") != FORMAT:
            raise ValueError("it is another JSON file")
    except OSError as error:
        name, known = os.fspath(folder), Path("runs") / Path(folder).name
        near = f" (did you mean {known}?)" if (known / INFO).is_file() else ""
        raise UsageError(
            f"{name} holds no run that could be resumed: {INFO}: {reason(error)}{near}; give "
            "the folder of one."
        ) from None
    except (ValueError, RecursionError) as error:
        why = "it is no JSON" if isinstance(error, json.JSONDecodeError) else str(error)
        shown = str(path).replace("\0", "\\0")
        raise DataError(f"{shown} is not what a run wrote: {why}; begin a new run.") from None
    return info


def reopen(
    folder: str | os.PathLike[str],
    data: Dataset | None = None,
    threads: int | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    arguments: Mapping[str, Any] | None = None,
) -> Resumed | None:
    """Bring a training to where its newest checkpoint is; None if it is finished.

    Args:
        folder: the run's.
        data: what it trains on; by default it is loaded again.
        threads: how many to use; they may be others than before.
        checkpoint_seconds: between two checkpoints within an epoch.
        arguments: of ``lenet.load``, where they are others than before.

    Raises:
        UsageError: it cannot be resumed, for the reason that is said.
        DataError: the data cannot be read, or ``run.json`` is damaged.
        OutputError: the folder cannot be written to.
    """
    if read_info(folder).get("status") == "finished":
        return None
    run = Run.reopen(folder, checkpoint_seconds)
    try:
        return _reopened(run, data, threads, arguments or {})
    except BaseException:
        run.close()
        raise


def _reopened(
    run: Run, data: Dataset | None, threads: int | None, arguments: Mapping[str, Any]
) -> Resumed | None:
    info = read_info(run.folder)  # once more: nobody else can change it now
    if info.get("status") == "finished":
        run.close()
        return None
    if info.get("status") == "diverged":
        raise UsageError(
            f"{run.folder} diverged, and would again; begin a new run with a smaller learning "
            f"rate: lenet train --recipe {run.folder}/{RECIPE} --lr ..."
        )
    recipe = read_recipe(run.folder / RECIPE)
    try:
        begun = {name: info[name] for name in ("engine", "network", "seed", "recipe")}
        begun |= {"lenet": info["machine"]["lenet"], "data": info["data_hash"]}
        where = {**info["arguments"], **arguments}
        started, name = str(info["started"]), str(info["dataset"])
    except (LookupError, TypeError) as error:
        raise UsageError(
            f"{run.folder} was begun by a lenet that could not resume ({INFO} lacks {error}); "
            f"begin a new run with --recipe {run.folder}/{RECIPE}."
        ) from None
    if data is None and not where:
        raise UsageError(f"{run.folder} does not say where its data are; name them as well.")
    dataset = _load(run, where, bool(arguments)) if data is None else data
    dataset = replace(dataset, name=name)  # what a folder is called may have changed
    training = Training(
        read_network(recipe.net or begun["network"]), dataset, recipe, begun["seed"], threads
    )
    now = identity(training)
    if complaint := difference(begun, now, run.folder):
        raise UsageError(complaint)
    notes = _restore(run, training, now)
    run.take_over({**info, "started": started}, where, len(training.history))
    return Resumed(training, run, notes)


def _load(run: Run, where: dict[str, Any], named_now: bool) -> Dataset:
    source = str(where.get("source"))
    if named_now or is_name(source) or os.path.exists(source):
        return load(**where)
    raise UsageError(
        f"the data of {run.folder} are no longer in {source}; say where they are: lenet train PATH "
        f"--resume {run.folder}."
    )


def _restore(run: Run, training: Training, now: dict[str, Any]) -> list[str]:
    checkpoint, notes = run.newest_checkpoint()
    if checkpoint is not None:
        if complaint := difference(checkpoint.identity, now, run.folder):
            raise UsageError(complaint)
        try:
            training.restore(dict(checkpoint.tensors), checkpoint.progress)
        except (LookupError, TypeError, ValueError) as error:
            raise ModelFileError(
                f"the checkpoint in {run.folder} does not fit its network ({error}); remove it, "
                "and the run begins anew."
            ) from error
    epochs, steps = training.place
    place = f"after epoch {epochs}" + f", step {steps} of the next" * bool(steps)
    place = place if epochs + steps else "at its start"
    return [f"{note.removesuffix('.')}; going on {place}." for note in notes]
