"""Training: ``recipe`` and ``recipe_file`` say how, ``loop`` does it, ``run`` writes it down.

``schedules`` are the learning rates, ``pairing`` brings network and data together, ``validation``
sets images aside, ``prepared`` checks what comes in, ``history`` is what epochs yielded,
``summary`` tells it. ``checkpoint`` is the state on the disk, ``pacing`` how often,
``lock`` holds the folder, ``interrupts`` makes Ctrl-C wait, ``identity`` and ``resumption`` go on
with a run that was cut off.

:func:`train` is all of it in one call.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from lenet.data import Dataset, load
from lenet.errors import DivergenceError, OutputError, UsageError
from lenet.model import Model
from lenet.net import Network, read_network
from lenet.training.history import EpochRecord
from lenet.training.interrupts import Interrupts
from lenet.training.loop import Training, Watcher
from lenet.training.pairing import arguments, lasting, pair
from lenet.training.recipe import Recipe
from lenet.training.recipe_file import recipe as named_recipe
from lenet.training.resumption import Resumed, read_info, reopen
from lenet.training.run import CHECKPOINT_SECONDS, Run, kept_model
from lenet.training.summary import details, summary

__all__ = [
    "CHECKPOINT_SECONDS",
    "DEFAULT_NET",
    "EpochRecord",
    "Recipe",
    "Resumed",
    "Run",
    "Training",
    "Watcher",
    "carry_out",
    "details",
    "kept_model",
    "named_recipe",
    "pair",
    "read_info",
    "reopen",
    "resume",
    "train",
]

#: What is trained if neither a person nor the recipe names a network.
DEFAULT_NET = "lenet-relu"


def train(
    network: Network | str | os.PathLike[str] | None = None,
    data: Dataset | str | os.PathLike[str] = "digits",
    recipe: Recipe | str | os.PathLike[str] = "modern",
    *,
    seed: int = 0,
    threads: int | None = None,
    run: str | os.PathLike[str] | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    watcher: Watcher | None = None,
    tensorboard: bool = False,
) -> Model:
    """Train a network and return the model.

    Args:
        network: a network, zoo name, notation or ``.json`` file; by default the recipe's, or
            lenet-relu. A network named by the zoo gets the input and the classes of data that are
            one's own.
        data: a data set, the name of one, or the path of pictures, as ``lenet.load`` takes it.
        recipe: a recipe, the name of one, or a ``.toml`` file.
        seed: decides the first weights, the order of the images, and what is dropped.
        threads: how many to use; by default one a processor. The result does not depend on it.
        run: a folder to make and to write the run into; by default nothing is written. If the
            process dies, :func:`resume` goes on.
        checkpoint_seconds: of training between two checkpoints within an epoch.
        tensorboard: write files for TensorBoard into ``run`` as well?
        watcher: is told how it goes; its ``notice``, if it has one, of checkpoints that cannot be
            written.

    Returns:
        The model; its ``training`` says what was done, epoch by epoch.

    Raises:
        UsageError: an argument that cannot be meant.
        ShapeError: the network does not fit.
        DataError: the data set cannot be read, or does not suit the network.
        DivergenceError: a loss was not a number; ``run`` has the weights of the epoch before.
        OutputError: the run folder cannot be written.
    """
    given, known = isinstance(data, Dataset), isinstance(recipe, Recipe)
    paths = (str, os.PathLike)
    if not ((given or isinstance(data, paths)) and (known or isinstance(recipe, paths))):
        raise UsageError(
            f"data is a {type(data).__name__} and recipe a {type(recipe).__name__}; give a "
            "lenet.Dataset and a lenet.Recipe, or their names."
        )
    kind = data.name if isinstance(data, Dataset) else os.fsdecode(data)
    chosen = named_recipe(recipe, data=kind)
    source = (chosen.net or DEFAULT_NET) if network is None else network
    name = "" if isinstance(source, Network) else os.fspath(source)
    described = read_network(source)
    training = Training(*pair(described, name, data), chosen, seed, threads)
    where = {} if isinstance(data, Dataset) else lasting(arguments(described, name, data))
    folder = None if run is None else Run(run, where, checkpoint_seconds, tensorboard)
    return carry_out(training, folder, watcher)


def resume(
    folder: str | os.PathLike[str],
    data: Dataset | str | os.PathLike[str] | None = None,
    *,
    threads: int | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    watcher: Watcher | None = None,
) -> Model:
    """Go on with a run that was killed or stopped; the result is that of one never stopped.

    Args:
        folder: the run's. A run that is finished is only loaded.
        data: what it trains on, if the run does not know or the data have moved.
        threads: as in :func:`train`; they may be others than before.
        checkpoint_seconds: as in :func:`train`.
        watcher: as in :func:`train`.

    Returns:
        The model, bit for bit the one that the run would have led to.

    Raises:
        UsageError: it cannot be resumed: the data, the recipe or lenet are others than before, it
            diverged, or another process trains it.
        DataError: the data set cannot be read, or ``run.json`` is damaged.
        DivergenceError, OutputError: as in :func:`train`.
    """
    dataset = data if isinstance(data, Dataset | None) else load(data)
    resumed = reopen(folder, dataset, threads, checkpoint_seconds)
    if resumed is None:
        return Model.load(kept_model(folder))
    return carry_out(resumed.training, resumed.run, watcher)


def carry_out(training: Training, run: Run | None, watcher: Watcher | None) -> Model:
    """Train to the end, or to Ctrl-C, divergence or any other error, and write down what is there.

    What stopped it is raised again after the run is saved.
    """
    try:
        if run:
            run.start(training)
        _train(training, run, watcher)
        _finish(training, run, "finished")
    except OutputError:  # all that can be written is
        raise
    except BaseException as stop:  # whatever it is, a watcher's own too: nothing is lost
        if run and run.is_begun:
            diverged = isinstance(stop, DivergenceError)
            _finish(training, run, "diverged" if diverged else "interrupted")
        raise
    finally:
        if run:
            run.discard()
    return training.model


def _train(training: Training, run: Run | None, watcher: Watcher | None) -> None:
    told = ""

    def write(step: Callable[[Training], None]) -> None:
        nonlocal told
        step(training)
        if run and run.trouble != told:
            told = run.trouble
            notice = getattr(watcher, "notice", None)
            if told and notice:
                notice(f"no checkpoint: {told}")

    with Interrupts() as interrupts:

        def pause() -> None:
            interrupts.check()
            if run:
                write(run.pause)

        for _ in training.epochs(watcher, pause):
            interrupts.check()
            if run and not training.is_done:
                write(run.record)


def _finish(training: Training, run: Run | None, status: str) -> None:
    if run:
        run.finish(training, status)
    else:
        if status != "diverged":
            training.publish()
        kept = "best" if training.publish_best() else "last"
        training.model.training = summary(training, status, kept)
