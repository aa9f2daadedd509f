"""A part of the training images that chooses: when to stop, and which weights to keep.

It is set aside before anything is measured or learnt, so the test part decides nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lenet.data.dataset import Dataset
from lenet.data.split import split_by_label
from lenet.errors import UsageError
from lenet.training.recipe import Recipe


def with_validation(data: Dataset, recipe: Recipe) -> Dataset:
    """``data`` with the validation part that ``recipe`` asks for.

    A part that the data have of their own is taken as it is. Otherwise every class gives its
    share, those images whose index has the smallest hash: the same in every run, whatever its seed.
    A class keeps one image to train on at least.

    Raises:
        UsageError: no image is left on one side, or the recipe needs a part that is not there.
    """
    if data.validation is not None:
        return data
    if not recipe.validation:
        needs = [name for name in ("patience", "keep") if _needs(recipe, name)]
        if needs:
            raise UsageError(
                f"{needs[0]} is {getattr(recipe, needs[0])!r} and there are no validation images "
                "to decide by; set some aside as well, such as --set validation=0.1."
            )
        return data
    labels = data.train.labels
    aside = split_by_label(labels, round(recipe.validation * len(labels)))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if aside[members].all():
            aside[members[-1]] = False
    if not aside.any():
        raise UsageError(
            f"validation is {recipe.validation:g}, which is no image of {len(labels):,} with "
            f"{len(np.unique(labels))} classes; set more aside, or none."
        )
    return replace(data, train=data.train.chosen(~aside), validation=data.train.chosen(aside))


def _needs(recipe: Recipe, name: str) -> bool:
    return bool(recipe.patience) if name == "patience" else recipe.keep == "best"
