"""What makes a training the training it is: if all of it is equal, so are the weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lenet.data.dataset import Dataset
from lenet.net.words import shown
from lenet.training.loop import Training
from lenet.version import VERSION

_NAMES: Final = ("lenet", "engine", "network", "seed", "data")


def identity(training: Training) -> dict[str, Any]:
    """The version, engine, network, seed, recipe, and a hash of all images and labels."""
    return {
        "lenet": VERSION,
        "engine": training.engine.name,
        "network": str(training.model.network),
        "seed": training.seed,
        "recipe": training.recipe.to_dict(),
        "data": data_hash(training.data),
    }


def data_hash(data: Dataset) -> str:
    """Return a SHA-256 of the classes, and of the images, labels and weights of every split."""
    return data.fingerprint()


def difference(begun: Mapping[str, Any], now: Mapping[str, Any], folder: object) -> str | None:
    """Why a run cannot go on: the first thing that is not as it was; None if nothing is.

    Args:
        begun: the identity it was begun with.
        now: the one it would go on with.
        folder: the run's.
    """
    name = next((name for name in _NAMES if begun.get(name) != now[name]), None)
    if name == "data":
        return (
            f"the images or labels are not those that {folder} was begun with; bring the same data "
            "back, or begin a new run."
        )
    if name == "lenet":
        return (
            f"{folder} was begun by lenet {begun.get(name)} and this is lenet {now[name]}, which "
            "may reach other weights; install that version again, or begin a new run with "
            f"--recipe {folder}/recipe.toml."
        )
    if name == "engine":
        return (
            f"{folder} was begun on the engine {begun.get(name)!r} and this is {now[name]!r}, "
            "which rounds differently; go on where it was begun (LENET_ENGINE and LENET_ISA "
            "choose), or begin a new run."
        )
    if name:
        return (
            f"{folder} was begun with the {name} {shown(begun.get(name))} and its files now say "
            f"{shown(now[name])}; put that back, or begin a new run."
        )
    recipe = begun.get("recipe")
    old = recipe if isinstance(recipe, Mapping) else {}
    for key, value in now["recipe"].items():
        if old.get(key) != value:
            return (
                f"{folder} was begun with {key} = {shown(old.get(key))} and its recipe.toml now "
                f"says {shown(value)}; put that back, or begin a new run with --recipe "
                f"{folder}/recipe.toml."
            )
    return None
