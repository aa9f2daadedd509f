"""What a person chooses of a training: values of the recipe, and how the data are loaded."""

from __future__ import annotations

import sys
from typing import Any, Final

from lenet.errors import UsageError

#: What ``lenet.load`` takes beside the data and their folder.
LOAD_OPTIONS: Final = (
    *(
        "size",
        "gray",
        "rgb",
        "skip_bad",
        "transpose",
        "label_from_name",
        "group",
        "split_seed",
        "fit",
    ),
)
#: Values of the recipe that have an option with a value.
RECIPE_OPTIONS: Final = (
    *("epochs", "batch_size", "lr", "optimizer", "schedule", "init", "weight_decay"),
)


def recipe_values(given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the name of the recipe, and the values that are given beside it."""
    from lenet.training.recipe import AUTO, checked_names, read_settings

    values = {name: given[name] for name in RECIPE_OPTIONS}
    values["class_weight"] = "balanced" if given["balance"] else None
    settings = read_settings(given["set"])
    for name, value in values.items():
        if value is not None and name in settings:
            option = "balance" if name == "class_weight" else name.replace("_", "-")
            raise UsageError(f"{name} is given by --{option} and by --set; give it once.")
    if given["recipe"] is not None:
        given["recipe"] = _current_name(given["recipe"])  # the run folder is called by it, too
    name = AUTO if given["recipe"] is None else given["recipe"]
    chosen = {option: value for option, value in values.items() if value is not None}
    return name, checked_names({**chosen, **settings})


def _current_name(name: str) -> str:
    """Return the name that the recipe has today, and say so where it is another."""
    from lenet.training.recipe import FORMER_RECIPES

    current = FORMER_RECIPES.get(name.strip().lower(), name)
    if current != name:
        say(f"the recipe {name.strip()} is called {current} now.")
    return current


def say(note: str) -> None:
    """Tell on stderr what a person should know."""
    print(f"lenet: {note}", file=sys.stderr)
