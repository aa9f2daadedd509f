"""``recipe="auto"``: how to train on pictures of one's own, chosen by looking at them.

Data sets that have a name keep their ways: for them ``auto`` is ``modern``. For all others the
network is ``compact``, whose layers are normalised and whose last maps are averaged; what follows
from the images is its input, the size of a batch, the number of epochs, and which changes of an
image give another image of its class. Nothing depends on the machine, so that equal arguments give
equal weights everywhere. The rules were found on photographs, drawings and digits
(``docs/pictures.md``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lenet.analysis.counts import count_network
from lenet.data import NAMES, Dataset, is_name
from lenet.data.preprocess import Preprocessing, resize
from lenet.engine.augmentation import Augmentation
from lenet.errors import UsageError
from lenet.model import Model
from lenet.net import Network, Source, name_of, read_network, zoo
from lenet.net.shapes import shape_text
from lenet.net.words import listed, name_text, shown
from lenet.training.preparation import fit_network, load_for
from lenet.training.recipe import AUTO, Recipe
from lenet.writing.numbers import plural

#: The network that is trained where none is named.
NETWORK: Final = "compact"
#: The recipes that look at images of one's own, and how many times as long each takes.
_TIMES: Final = {AUTO: 1.0, "best": 4.0}
#: Multiply-adds of all images in all epochs, forwards: about half a minute on two cores.
_WORK: Final = 1.2e12
#: Steps are at most so many, and epochs between two numbers.
_STEPS: Final = 4_000
_EPOCHS: Final = (5, 200)
#: Of the side: how far an image moves, 2 pixels of 28.
_SHIFT: Final = 1 / 14
#: A training of fewer steps that sees each image fewer times learns more from smaller changes.
_SHORT: Final = 2_000
_FEW: Final = 60
#: Fewest images per step of a small data set, and how many steps an epoch shall have.
_FEWEST_IN_BATCH: Final = 8
_STEPS_PER_EPOCH: Final = 10
#: Of all epochs, where it shall be quick.
QUICK: Final = 0.25
#: Images per step, up to so many images.
_BATCHES: Final = ((32, 5_000), (64, 20_000))
_LARGEST_BATCH: Final = 128

#: The share that is set aside to calibrate by, from so many images on.
_SHARES: Final = ((0.02, 5_000), (0.05, 500))

#: Images that are looked at for symmetry, and the side of the small copies that are compared.
_LOOKED_AT: Final = 2_000
_SIDE: Final = 16
#: Of a correlation: from there on, two images are nearly the same one.
_COPIES: Final = 0.95
#: Mirrored images are as near as others: then they are the nearest in half of all cases.
_NEAREST: Final = 1 / 3
#: Of a class: fewer images that have a mirrored neighbour say nothing.
_FEWEST: Final = 10


@dataclass(frozen=True)
class Choice:
    """How to train, and why.

    Attributes:
        network: what to train: the one that was given, if one was, fitted to the images.
        source: what it was named by.
        recipe: how.
        reasons: why this network, and why images change as they do, by what they are about.
    """

    network: Network
    source: Source
    recipe: Recipe
    reasons: Mapping[str, str]

    def lines(self, recipe: Recipe | None = None, more: str = "") -> Iterator[str]:
        """Yield three lines: the network, the length, and how images change.

        ``recipe`` is what became of it, and ``more`` what else is known of the length.
        """
        made = recipe or self.recipe
        length = f"{plural(made.epochs, 'epoch')} in batches of {made.batch_size}{more}"
        yield f"network  {self.reasons['network']}"
        yield f"length   {length}"
        yield f"images   {self.reasons['images']}"

    def __str__(self) -> str:
        return "\n".join(self.lines())


def is_open(recipe: object, data: Dataset | str | os.PathLike[str]) -> bool:
    """Return whether ``recipe`` is to be chosen, once the data are read."""
    if not (isinstance(recipe, str) and recipe.strip().lower() in _TIMES):
        return False
    if isinstance(data, Dataset):
        return bool(data.source) or data.name not in NAMES
    return not is_name(data)


def choose(
    data: Dataset | str | os.PathLike[str],
    network: Source | None = None,
    recipe: str = AUTO,
    *,
    quick: bool = False,
    **values: Any,
) -> Choice:
    """Choose how to train on images of one's own, by looking at them.

    Args:
        data: a data set, or the path of pictures, as ``lenet.load`` takes it.
        network: what is to be trained; by default one that suits the images.
        recipe: ``auto``, or ``best``, which takes four times as long.
        quick: take a quarter of that time.
        values: values of the recipe that are not to be chosen, by name, such as ``epochs=10``.

    Raises:
        UsageError: the data have a name, and so have recipes of their own; or another recipe.
        DataError: the pictures cannot be read.
    """
    if not is_open(recipe, data):
        raise UsageError(
            f"the recipe is {shown(recipe)} and the data {shown(getattr(data, 'name', data))}; "
            f"give {listed(list(_TIMES), 'or')}, and images of your own: the others have recipes "
            "of their own."
        )
    if not isinstance(quick, bool):
        raise UsageError(f"quick is {shown(quick)}; it must be True or False.", parameter="quick")
    given = None if network is None else read_network(network)
    start = network if isinstance(network, Model) else given or zoo.get(NETWORK)
    if not isinstance(data, Dataset):
        data, _ = load_for(start, data)
    # A model is trained further at its own input, whatever the images are.
    chosen = start.network if isinstance(start, Model) else fit_network(start, data)
    count = len(data.train)
    batch = next((size for size, most in _BATCHES if count <= most), _LARGEST_BATCH)
    batch = suited_batch(batch, count)
    times, (fewest, most) = _TIMES[recipe.strip().lower()], _EPOCHS
    work = count * count_network(chosen).multiply_adds
    epochs = max(fewest, round(times * min(_WORK / work, _STEPS * batch / count, most)))
    made = Recipe(
        epochs=quickly(epochs) if quick else epochs,
        batch_size=batch,
        weight_decay=0.05,
        label_smoothing=0.1,
        validation_fraction=0.0 if data.validation else _set_aside(count),
    ).replace(**values)
    steps = made.epochs * count / made.batch_size
    part = min(1.0, max(steps / _SHORT, made.epochs / _FEW))
    settings, changes = _changes(data, min(chosen.input_shape[1:]), part)
    wish = values.get("augment")
    if not isinstance(wish, Augmentation):  # which says all of it
        made = made.replace(augment={**settings, **(wish or {})})
    why = "every layer is normalised, no dense layer is wide" if given is None else "as given"
    name = name_text(name_of(source := network or NETWORK)) or "the network"
    told = f"{name} on {shape_text(chosen.input_shape)}: {why}"
    return Choice(chosen, source, made, {"network": told, "images": changes})


def quickly(epochs: int) -> int:
    """Return how many epochs are a quick training, in place of so many."""
    return max(1, round(QUICK * epochs))


def _set_aside(count: int) -> float:
    """Return the share of the images that calibrate the probabilities; of few images none can."""
    return next((share for share, least in _SHARES if count >= least), 0.0)


def suited_batch(size: int, count: int) -> int:
    """Return a number of images per step: ``size``, or less where there are few images."""
    return min(size, max(count // _STEPS_PER_EPOCH, _FEWEST_IN_BATCH))


def _changes(data: Dataset, side: int, part: float) -> tuple[dict[str, Any], str]:
    """Return how images change on their way into a network of this side, and the reason.

    ``part`` is 1 in a training that is long enough for all of it.
    """
    images = data.train.images
    has_colour = images.shape[1] == 3
    settings = changes_of_place(side, part)
    what, kind = ["moved", "turned", "scaled"], "grey on an even ground"
    seen = Preprocessing.measure(images, data.image_shape, has_colours=data.has_colours)
    if has_colour or seen.polarity is None:
        settings |= changes_of_light(part, has_colour)
        what += ["lit"] + ["coloured"] * has_colour
        kind = "in colour" if has_colour else "photographs"
    mirrored = is_mirrored(images, data.train.labels)
    if mirrored:
        settings["flip"] = True
        what.append("mirrored")
    copies = "look" if mirrored else "do not look"
    told = f"{kind}; each is {listed(what)} anew in every epoch"
    return settings, f"{told}; mirrored copies {copies} like their class"


def changes_of_place(side: int, part: float = 1.0) -> dict[str, Any]:
    """Return the settings for how an image of this side moves, turns and grows."""
    shift, rotate = round(_SHIFT * side * part), round(10 * part)
    return {"shift": shift, "rotate": rotate, "scale": round(0.1 * part, 3)}


def changes_of_light(part: float = 1.0, has_colour: bool = False) -> dict[str, Any]:
    """Return the settings for how light changes, and the strength of colours where there are."""
    names = ("brightness", "contrast", "saturation")[: 3 if has_colour else 2]
    return dict.fromkeys(names, round(min(0.4, 0.8 * part), 3))


def is_mirrored(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> bool:
    """Return whether the mirror image of an image is another of its class.

    That is so if, of each image, the nearest among the others and their mirror images is a mirror
    image about as often as not, and tells the class no worse than the nearest that is none: all in
    all not worse, and of no class much worse.
    """
    if len(images) > _LOOKED_AT:
        chosen = np.linspace(0, len(images) - 1, _LOOKED_AT).astype(np.intp)
        images, labels = images[chosen], labels[chosen]
    plain = _directions(images)
    alike, mirrored = plain @ plain.T, plain @ _directions(images[..., ::-1]).T
    for products in (alike, mirrored):
        np.fill_diagonal(products, -2.0)
    known = labels[alike.argmax(axis=1)] == labels
    alike[alike > _COPIES] = -2.0  # frames of one film say little of an image's class
    is_nearer = mirrored.max(axis=1) > alike.max(axis=1)
    if is_nearer.mean() < _NEAREST:
        return False
    before = labels[alike.argmax(axis=1)] == labels
    after = labels[mirrored.argmax(axis=1)] == labels
    if after[is_nearer].mean() < before[is_nearer].mean():
        return False
    groups = (is_nearer & (labels == label) for label in np.unique(labels))
    return all(
        after[group].mean() >= known[group].mean() / 2 for group in groups if group.sum() >= _FEWEST
    )


def _directions(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (N, values) small copies, each of mean 0 per channel and length 1."""
    small = resize(np.ascontiguousarray(images), _SIDE, _SIDE).astype(np.float32)
    small -= small.mean(axis=(2, 3), keepdims=True)
    rows = small.reshape(len(small), -1)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    directions: NDArray[np.float32] = rows / np.maximum(lengths, 1e-6)
    return directions
