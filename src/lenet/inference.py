"""Using a model: what is on these pictures, and how often is it right?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lenet.data import Dataset, Split, is_name, load, load_split
from lenet.data.pictures import read_images
from lenet.metrics import Evaluation
from lenet.model import Model


@dataclass(frozen=True)
class Prediction:
    """What a model says of one image.

    Attributes:
        image: the file, with ``[index]`` behind it where the file holds several.
        classes: the names of the classes, likeliest first.
        probabilities: of each of them, in the same order; they add up to 1.
    """

    image: str
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]

    @property
    def label(self) -> str:
        """The likeliest class."""
        return self.classes[0]

    @property
    def probability(self) -> float:
        """Of the likeliest class."""
        return self.probabilities[0]

    def to_dict(self) -> dict[str, Any]:
        """The same as values for JSON."""
        return {
            "image": self.image,
            "class": self.label,
            "probability": self.probability,
            "probabilities": dict(zip(self.classes, self.probabilities, strict=True)),
        }


def predict(
    model: Model | str | os.PathLike[str], *images: str | os.PathLike[str]
) -> list[Prediction]:
    """What is on these pictures: PNG, JPEG, BMP of any size, or IDX and npy files of images.

    Raises:
        ModelFileError: the model cannot be read.
        PictureError: a file is no picture.
        DataError: an array of the wrong type or shape.
    """
    known = _model(model)
    return [found for path in images for found in _predict_file(known, path)]


def evaluate(
    model: Model | str | os.PathLike[str],
    data: Dataset | Split | str | os.PathLike[str],
    data_dir: str | os.PathLike[str] | None = None,
    *,
    everything: bool = False,
    skip_bad: bool = False,
) -> Evaluation:
    """How a model does on a data set's test part, or on a part.

    Args:
        model: a model, or the file of one.
        data: a data set or a part, a data set's name, or the path of pictures of one's own, as
            ``lenet.load`` takes it.
        data_dir: the folder that holds the IDX files already.
        everything: of a path, take the pictures that are to train on, too.
        skip_bad: of a path, leave out files that cannot be read.

    Raises:
        ModelFileError: the model cannot be read.
        DataError: the data set cannot be read, or does not suit the model.
    """
    known = _model(model)
    if not isinstance(data, Dataset | Split):
        if is_name(data):
            return known.evaluate(load(data, data_dir=data_dir))
        shape = known.network.input_shape
        data = load_split(data, known.classes, shape, everything=everything, skip_bad=skip_bad)
    return known.evaluate(data)


def _model(model: Model | str | os.PathLike[str]) -> Model:
    return model if isinstance(model, Model) else Model.load(model)


def _predict_file(model: Model, path: str | os.PathLike[str]) -> Iterator[Prediction]:
    images = read_images(path, model.preprocessing)
    name = os.fspath(path)
    for index, row in enumerate(model.predict_proba(images)):
        order = np.argsort(-row, kind="stable")
        yield Prediction(
            name if len(images) == 1 else f"{name}[{index}]",
            tuple(model.classes[i] for i in order),
            tuple(float(row[i]) for i in order),
        )
