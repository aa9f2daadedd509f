"""Likely wrong labels: what networks say that have not seen the image.

The images are dealt to folds, and each fold is asked of a network that was trained, shortly, on
the others. A label is doubted as in confident learning (C. Northcutt, L. Jiang, I. Chuang,
"Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 2021): the network is as sure
of another class as it usually is of images that have that label. Images are ranked by the
probability of their own label, the lowest first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.cleaning.material import Material
from lenet.data.dataset import Dataset, Labels, Split
from lenet.data.preprocess import Images
from lenet.net import read_network
from lenet.randomness import DEAL, SEEDS, random_bits
from lenet.trainer import DEFAULT_NETWORK
from lenet.training import Recipe, Training, named_recipe
from lenet.training.choosing import changes_of_light, changes_of_place
from lenet.training.preparation import fitted_to

#: The network is small and quick: what it gets wrong by itself is mostly far from sure.
NETWORK: Final = DEFAULT_NETWORK
#: Of an image, for how far it moves.
_SIDE: Final = 28
#: Images that a network is trained on, all epochs together, and the epochs that bounds.
_IMAGES_SEEN: Final = 600_000
_EPOCHS: Final = (8, 12)
_EPOCHS_OF_PHOTOS: Final = (8, 20)
#: Fewer images make too few steps of the usual batch; photographs always learn from a small one.
_FEW: Final = 2_000
_FEW_AT_ONCE: Final = 32
#: How much of the usual probability of a class is sure, and how many times as likely as its own
#: label another class must be for a label to be doubted. Measured: docs/clean.md.
_SURE: Final = 0.8
_TIMES: Final = 10.0

Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Doubts:
    """What N labels look like to networks that have not seen the images.

    Attributes:
        own: (N,) the probability of the label, from 0 to 1; NaN where no network knew the class.
        suspected: (N,) the class that is most likely.
        probability: (N,) of that class.
        doubted: (N,) whether the label is likely wrong.
    """

    own: Probabilities
    suspected: Labels
    probability: Probabilities
    doubted: npt.NDArray[np.bool_]

    @property
    def ranking(self) -> Labels:
        """Every image that was judged, the most doubtful first."""
        order = np.argsort(self.own, kind="stable")
        return order[: int(np.isfinite(self.own).sum())]


def recipe_for(images: Images) -> Recipe:
    """Return the recipe: by the kind of pictures, and shorter the more there are."""
    is_photo = images.shape[1] == 3
    least, most = _EPOCHS_OF_PHOTOS if is_photo else _EPOCHS
    epochs = min(most, max(least, _IMAGES_SEEN // len(images)))
    if is_photo:
        augment = changes_of_place(_SIDE) | changes_of_light(has_colour=True)
        how: dict[str, Any] = {"weight_decay": 0.05, "augment": augment}
        return Recipe(epochs=epochs, batch_size=_FEW_AT_ONCE, label_smoothing=0.1, **how)
    batch = _FEW_AT_ONCE if len(images) < _FEW else None
    return named_recipe("modern", epochs=epochs, batch_size=batch, label_smoothing=0.1)


def deal(material: Material, near: Labels, folds: int, seed: int) -> Labels:
    """Return the fold of each image, (N,) from 0 to ``folds`` - 1.

    Every class is spread over the folds. Copies, near-copies that have the same label, and images
    of one group that have, are dealt together: else a wrong label would be vouched for by its copy.

    Args:
        near: (N,) the near-copy of each image in its class, or a negative number.
    """
    groups = _groups(material, near)
    keys = random_bits(seed, DEAL, count=len(material))[groups]
    order = np.lexsort((groups, keys, material.labels))
    is_new = np.diff(groups[order], prepend=-1) != 0
    fold = np.empty(len(material), np.int64)
    fold[order] = (np.cumsum(is_new) - 1) % folds
    return fold


def _groups(material: Material, near: Labels) -> Labels:
    """Return of each image the first of those that it is dealt with."""
    count = len(material)
    kinds = np.stack([material.digests, material.labels.astype(np.uint64)])
    _, first, kind = np.unique(kinds, axis=1, return_index=True, return_inverse=True)
    links = np.arange(count), first[kind.ravel()]
    linked = np.flatnonzero(near >= 0)
    pairs = [links, (linked, near[linked]), _links_of_groups(material)]
    ones, others = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
    group = np.arange(count)
    while True:  # the lowest index flows along the links, and along what it points to
        lowest = group.copy()
        np.minimum.at(lowest, ones, group[others])
        np.minimum.at(lowest, others, group[ones])
        lowest = lowest[lowest]
        if np.array_equal(lowest, group):
            return group
        group = lowest


def _links_of_groups(material: Material) -> tuple[Labels, Labels]:
    """Return images that are in a group, and of each the first that has its group and label."""
    firsts: dict[tuple[str, int], int] = {}
    pairs = enumerate(zip(material.groups or (), material.labels.tolist(), strict=False))
    links = [(place, firsts.setdefault(pair, place)) for place, pair in pairs if pair[0]]
    ones, others = np.array(links, np.int64).reshape(-1, 2).T
    return ones, others


def find_doubts(
    material: Material,
    fold: Labels,
    seed: int,
    threads: int | None,
    progress: Callable[[float], object],
) -> Doubts:
    """Train a network for each fold, ask it, and judge every label."""
    count, classes = len(material), len(material.classes)
    probabilities = np.zeros((count, classes), np.float32)
    known = np.zeros(count, np.bool_)
    folds = np.unique(fold).tolist()
    recipe = recipe_for(material.images)
    for done, number in enumerate(folds):
        inside = fold == number
        learnt = np.unique(material.labels[~inside])
        if len(learnt) < 2:
            continue
        training = _training(material, ~inside, recipe, (seed + done) % SEEDS, threads)
        for _ in training.epochs():
            progress((done + len(training.history) / recipe.epochs) / len(folds))
        training.publish()
        probabilities[inside] = training.model.predict_proba(material.images[inside])
        known[inside] = np.isin(material.labels[inside], learnt)
    return judge(probabilities, material.labels, known)


def _training(
    material: Material,
    chosen: npt.NDArray[np.bool_],
    recipe: Recipe,
    seed: int,
    threads: int | None,
) -> Training:
    """Return a training on the images chosen; nothing is tested on the way."""
    split = Split(material.images[chosen], material.labels[chosen])
    data = Dataset("images", split, None, material.classes)
    network = fitted_to(read_network(NETWORK), data.image_shape, len(data.classes))
    return Training(network, data, recipe, seed, threads)


def judge(probabilities: Probabilities, labels: Labels, known: npt.NDArray[np.bool_]) -> Doubts:
    """Judge labels by what networks say that have not seen the images.

    Args:
        probabilities: (N, K).
        labels: (N,) the classes that the images are given as.
        known: (N,) whether the network had seen any image of the label's class.
    """
    rows = np.arange(len(labels))
    own = probabilities[rows, labels].copy()
    suspected = probabilities.argmax(axis=1)
    highest = probabilities[rows, suspected]
    counts = np.bincount(labels[known], minlength=probabilities.shape[1])
    sums = np.bincount(labels[known], own[known], minlength=len(counts))
    usual = sums / np.maximum(counts, 1)
    sure = highest >= _SURE * usual[suspected]
    doubted = known & (suspected != labels) & sure & (highest >= _TIMES * own)
    own[~known] = np.nan
    return Doubts(own, suspected, highest, doubted)
