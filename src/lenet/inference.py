"""Using a model: which class are these images of, and how accurate is it?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, SupportsIndex, overload

import numpy as np
import numpy.typing as npt

from lenet.data import Dataset, Split, is_name, load, load_split
from lenet.data.pictures import read_images
from lenet.metrics import Evaluation
from lenet.model import Model
from lenet.run_folder import reading_of
from lenet.writing import Result
from lenet.writing.document import Document, Section, table_of
from lenet.writing.numbers import percent


@dataclass(frozen=True)
class Prediction:
    """What a model answers for one image.

    Attributes:
        image: the file, with ``[index]`` behind it where the file holds several.
        classes: the names of the classes, most probable first.
        probabilities: of each of them, in the same order; they add up to 1.
    """

    image: str
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]

    @property
    def label(self) -> str:
        """The predicted class."""
        return self.classes[0]

    @property
    def probability(self) -> float:
        """The probability of the predicted class."""
        return self.probabilities[0]

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON."""
        return {
            "image": self.image,
            "class": self.label,
            "probability": self.probability,
            "probabilities": dict(zip(self.classes, self.probabilities, strict=True)),
        }

    def __str__(self) -> str:
        return str(Predictions((self,)))


class Predictions(Result, list[Prediction]):
    """One :class:`Prediction` per image, in order."""

    csv_key = "predictions"

    @overload
    def __getitem__(self, index: SupportsIndex) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> Predictions: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Prediction | Predictions:
        if isinstance(index, slice):
            return Predictions(super().__getitem__(index))
        return super().__getitem__(index)

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON."""
        return {"predictions": [prediction.to_dict() for prediction in self]}

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return one row per image: its predicted class, and the two that follow it."""
        titles = () if form == "text" else ("image", "class", "probability", "followed by")
        rows = [(p.image, p.label, percent(p.probability), _runners_up(p)) for p in self]
        return Document("", (Section("", (table_of(rows, titles),)),) if rows else ())


def predict(
    model: Model | str | os.PathLike[str],
    *images: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | npt.NDArray[Any],
) -> Predictions:
    """Predict the class of each image.

    Args:
        model: a model, or the file of one.
        images: PNG, JPEG or BMP files of any size, IDX and npy files of images, lists of such
            files, or arrays, as ``Model.scores`` takes them.

    Raises:
        ModelFileError, PictureError: the model cannot be read, or a file is no picture.
        DataError: an array is of the wrong type, shape or range.
    """
    model = model if isinstance(model, Model) else Model.load(model)
    return Predictions(p for source in images for p in _predict(model, source))


def evaluate(
    model: Model | str | os.PathLike[str],
    data: Dataset | Split | str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] | None = None,
    everything: bool = False,
    skip_bad: bool = False,
    transpose: bool = False,
    label_from_name: str | None = None,
) -> Evaluation:
    """Find out how a model does on a data set's images to test on, or on a split.

    Args:
        model: a model, or the file of one.
        data: a data set or a split, or a name or path as ``lenet.load`` takes it.
        data_dir: the folder that holds the IDX files already.
        everything: of a path, take the pictures that are to train on, too.
        skip_bad: of a path, leave out files that cannot be read.
        transpose, label_from_name: of a path, as in ``lenet.load``; they need not be said again for
            the data that the model's run was trained on.

    Raises:
        ModelFileError, DataError: the model or the data cannot be read, or do not suit each other.
    """
    file, model = model, model if isinstance(model, Model) else Model.load(model)
    if isinstance(data, Dataset | Split):
        return model.evaluate(data)
    if is_name(data):
        return model.evaluate(load(data, data_dir=data_dir))
    shape = model.network.input_shape
    given = {"transpose": transpose, "label_from_name": label_from_name}
    how = reading_of(file, data) | {name: value for name, value in given.items() if value}
    split = load_split(data, model.classes, shape, everything=everything, skip_bad=skip_bad, **how)
    name = f"{'images' if everything else 'test images'} of {os.fspath(data)}"
    return replace(model.evaluate(split), data=name)


def _predict(model: Model, source: Any) -> Iterator[Prediction]:
    if isinstance(source, list | tuple) and all(isinstance(s, str | os.PathLike) for s in source):
        for path in source:
            yield from _predict(model, path)
        return
    if isinstance(source, str | os.PathLike):
        name, images = os.fspath(source), read_images(source, model.preprocessing)
    else:
        name, images = "image", source
    probabilities = model.predict_proba(images)
    for index, row in enumerate(probabilities):
        order = np.argsort(-row, kind="stable")
        yield Prediction(
            name if len(probabilities) == 1 else f"{name}[{index}]",
            tuple(model.classes[i] for i in order),
            tuple(float(row[i]) for i in order),
        )


def _runners_up(prediction: Prediction) -> str:
    pairs = zip(prediction.classes[1:3], prediction.probabilities[1:3], strict=True)
    text = ", ".join(f"{name} {percent(share)}" for name, share in pairs)
    return f"({text})" if text else ""
