"""Training: ``recipe`` says how, ``pairing`` brings network and data together, ``loop`` does it,
``run`` writes it down.

:func:`train` is all of it in one call.
"""

from __future__ import annotations

import os

from lenet.data import Dataset
from lenet.errors import DivergenceError, UsageError
from lenet.model import Model
from lenet.net import Network, read_network
from lenet.training.loop import EpochRecord, Training, Watcher
from lenet.training.pairing import pair
from lenet.training.recipe import Recipe
from lenet.training.recipe import recipe as named_recipe
from lenet.training.run import Run, summary

__all__ = [
    "EpochRecord",
    "Recipe",
    "Run",
    "Training",
    "Watcher",
    "carry_out",
    "named_recipe",
    "pair",
    "train",
]


def train(
    network: Network | str | os.PathLike[str] = "lenet-relu",
    data: Dataset | str | os.PathLike[str] = "digits",
    recipe: Recipe | str = "modern",
    *,
    seed: int = 0,
    threads: int | None = None,
    run: str | os.PathLike[str] | None = None,
    watcher: Watcher | None = None,
    tensorboard: bool = False,
) -> Model:
    """Train a network and return the model.

    Args:
        network: a network, zoo name, notation or ``.json`` file; a network named by the zoo gets
            the input and the classes of data that are one's own.
        data: a data set, the name of one, or the path of pictures, as ``lenet.load`` takes it.
        recipe: a recipe, or the name of one.
        seed: decides the first weights and the order of the images.
        threads: how many to use; by default one a processor. The result does not depend on it.
        run: a folder to make and to write the run into; by default nothing is written.
        watcher: is told how it goes.
        tensorboard: write files for TensorBoard into ``run`` as well?

    Returns:
        The model; its ``training`` says what was done, epoch by epoch.

    Raises:
        UsageError: an argument that cannot be meant.
        ShapeError: the network does not fit.
        DataError: the data set cannot be read, or does not suit the network.
        DivergenceError: a loss was not a number; ``run`` has the weights of the epoch before.
        OutputError: the run folder cannot be written.
    """
    chosen = named_recipe(recipe) if isinstance(recipe, str) else recipe
    if not (isinstance(data, Dataset | str | os.PathLike) and isinstance(chosen, Recipe)):
        raise UsageError(
            f"data is a {type(data).__name__} and recipe a {type(chosen).__name__}; give a "
            "lenet.Dataset and a lenet.Recipe, or their names."
        )
    name = "" if isinstance(network, Network) else os.fspath(network)
    training = Training(*pair(read_network(network), name, data), chosen, seed, threads)
    return carry_out(training, None if run is None else Run(run, tensorboard), watcher)


def carry_out(training: Training, run: Run | None, watcher: Watcher | None) -> Model:
    """Train to the end, or to Ctrl-C, divergence or any other error, and write down what is there.

    What stopped it is raised again after the run is saved.
    """
    try:
        if run:
            run.start(training)
        for _ in training.epochs(watcher):
            if run:
                run.record(training)
        if run:
            run.finish(training, "finished")
    except BaseException as stop:  # whatever it is, a watcher's own too: nothing is lost
        if run and run.folder.exists():
            run.finish(training, "diverged" if isinstance(stop, DivergenceError) else "interrupted")
        raise
    training.model.training = summary(training, "finished")
    return training.model
