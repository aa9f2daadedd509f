"""Looking inside: what every layer of a network makes of pictures.

:func:`look` makes a :class:`Look`. ``pictures`` reads what is looked at, ``unit`` and ``occlusion``
compute, ``scales`` turns numbers into colours, and ``figure``, ``layer_figure``, ``unit_figure``
and ``page`` show it all.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.engine.integers import LOW
from lenet.errors import UsageError
from lenet.looking.occlusion import occlusion as occluded
from lenet.looking.pictures import Picture, read_pictures
from lenet.looking.result import Look
from lenet.looking.unit import make_unit, read_place
from lenet.model import Model
from lenet.net.words import check_key

__all__ = ["Look", "look", "look_at"]

Numbers = npt.NDArray[Any]


def look(
    model: Model | str | os.PathLike[str],
    *images: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | npt.NDArray[Any],
    layer: str | None = None,
    unit: str | None = None,
    occlusion: bool = False,
    as_it_is: bool = False,
    data_dir: str | os.PathLike[str] | None = None,
) -> Look:
    """Show what every layer of a model makes of one to six pictures.

    Args:
        model: a model, the file of one, or the folder of a run.
        images: picture files, made like the training images first, as in ``lenet.predict``; test
            images of a data set, by index or by class, such as ``"mnist:12"`` or
            ``"fashion-mnist:coat"``; images of a file of numbers, such as ``"images.npy:3"``; lists
            of these; the bytes of a picture, an open file or an image of Pillow's; or arrays, as
            ``Model.scores`` takes them.
        layer: show this one enlarged, with its kernels, such as ``"conv0"``.
        unit: show how one number comes about: ``"conv1[3,5,7]"`` is channel 3, row 5, column 7, and
            ``"dense0[17]"`` a unit.
        occlusion: find out where each picture matters for its answer, too.
        as_it_is: only bring pictures to the network's size and channels.
        data_dir: the folder that holds the IDX files already.

    Raises:
        UsageError: there are no pictures or too many, no such layer or unit, or both are asked for.
        ModelFileError: the model cannot be read.
        PictureError: a file is no picture that can be read.
        DataError: numbers or a data set cannot be read, or do not suit the model.
    """
    model = model if isinstance(model, Model) else Model.load(model)
    if layer is not None and unit is not None:
        raise UsageError("a layer and a unit are two figures; ask for one of them.")
    if layer is not None:
        check_key(layer, model.network.names, "the network")
    place = None if unit is None else read_place(model, unit)
    if place is not None and model.integers is not None:
        what = "the model is in int8: its numbers come about in whole numbers and their units"
        raise UsageError(f"{what}; look at a unit of the model it was made of.", parameter="unit")
    found = read_pictures(model, images, as_it_is, data_dir)
    return look_at(model, found, layer=layer, place=place, occlusion=occlusion)


@np.errstate(all="ignore")  # weights of a bad training: what overflows is shown as it is
def look_at(
    model: Model,
    pictures: Sequence[Picture],
    *,
    layer: str | None = None,
    place: tuple[int, tuple[int, ...]] | None = None,
    occlusion: bool = False,
) -> Look:
    """Show pictures that are read already; ``place`` is a unit, as ``read_place`` returns it."""
    images = np.stack([picture.image for picture in pictures])
    inputs, outputs = (_run if model.integers is None else _run_integers)(model, images)
    probabilities = model.probabilities(model.scores(images))
    units = []
    if place is not None:
        index, where = place
        seen = [inputs, *outputs.values()][index]
        made = outputs[model.network.names[index]]
        units = [
            make_unit(model, index, where, x, float(y[where]))
            for x, y in zip(seen, made, strict=True)
        ]
    found = None
    if occlusion:
        answers = probabilities.argmax(axis=1).tolist()
        found = np.stack([occluded(model, *pair) for pair in zip(images, answers, strict=True)])
    return Look(model, tuple(pictures), inputs, outputs, probabilities, layer, tuple(units), found)


def _run(model: Model, images: npt.NDArray[np.uint8]) -> tuple[Numbers, dict[str, Numbers]]:
    """Return what the first layer is given, and what each layer makes of it."""
    inputs = x = model.prepare(images)
    outputs = {}
    for layer in model:
        outputs[layer.name] = x = layer(x)
    return inputs, outputs


def _run_integers(
    model: Model, images: npt.NDArray[np.uint8]
) -> tuple[Numbers, dict[str, Numbers]]:
    """Return the same of an int8 model, whole numbers from each layer's own zero on."""
    assert model.integers is not None
    zero, outputs = LOW, {}
    made = zip(model.integers.steps, model.integers.outputs(images), strict=True)
    for placed, (step, values) in zip(model.network.placed, made, strict=True):
        zero = zero if step.multiplier is None else step.zero  # a maximum keeps its zero
        outputs[placed.name] = (values - zero).reshape(len(images), *placed.output_shape)
    return images.astype(np.int64), outputs
