"""Which class are these images of? ``lenet.predict``, in memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Final, SupportsIndex, overload

import numpy as np
import numpy.typing as npt

from lenet.cluster import check_alike, map_in_order
from lenet.data.decoder import ALLOWED
from lenet.data.pictures import Fault, faults_text
from lenet.data.preprocess import Preprocessing
from lenet.data.unlabelled import (
    BATCH,
    Batch,
    File,
    InMemory,
    Skip,
    in_memory,
    is_picture,
    read_files,
    read_unlabelled,
)
from lenet.errors import PictureError, UsageError
from lenet.inference.table import save
from lenet.kinds import NUMBERS, counted
from lenet.model import Model
from lenet.net.words import shown
from lenet.version import VERSION
from lenet.writing import Result, notebook_html, render
from lenet.writing.document import Column, Document, Paragraph, Section, Table, table_of
from lenet.writing.numbers import percent, plural

_WIDE: Final = 100_000  # characters: lines are for other programs, too
_REMEDY: Final = f"give {ALLOWED} files"
#: A path, a picture in memory, a list of these, or an array of images.
Images = str | os.PathLike[str] | InMemory | Sequence[Any] | npt.NDArray[Any]
#: Of a table of answers.
COLUMNS: Final = ("image", "class", "probability", "prepared", "second", "second_probability")


@dataclass(frozen=True)
class Prediction:
    """What a model answers for one image.

    Attributes:
        image: the file, with ``[index]`` behind it where the file holds several.
        classes: the names of the classes, most probable first.
        probabilities: of each of them, in the same order; they add up to 1.
        prepared: what was done to a picture first, such as ``inverted, 600x800 to 28x21,
            centred``; empty where it went through as it was.
        is_unsure: whether the class is left open, because its probability is too low.
    """

    image: str
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    prepared: str = ""
    is_unsure: bool = False

    @property
    def label(self) -> str:
        """The predicted class; empty where it is left open."""
        return "" if self.is_unsure else self.classes[0]

    @property
    def probability(self) -> float:
        """The highest probability of a class."""
        return self.probabilities[0]

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON."""
        return {
            "image": self.image,
            "class": self.label or None,
            "probability": self.probability,
            "prepared": self.prepared,
            "probabilities": dict(zip(self.classes, self.probabilities, strict=True)),
        }

    def __str__(self) -> str:
        return str(Predictions((self,)))

    def _repr_html_(self) -> str:
        cells = tuple(map(percent, self.probabilities))
        bars = Column("", ("",) * len(cells), bars=self.probabilities)
        columns = (
            Column("class", self.classes),
            Column("probability", cells, right=True),
            bars,
        )
        notes = (f"prepared: {self.prepared}",) if self.prepared else ()
        page = Document(self.image, (Section("", (Table(columns),)),), below=notes)
        return notebook_html(page)

    def __repr__(self) -> str:
        return f"<Prediction {self}>"


class Predictions(Result, list[Prediction]):
    """One :class:`Prediction` per image, in order.

    Attributes:
        faults: the files that could not be read, each with its path and the reason.
    """

    csv_key = "predictions"

    def __init__(
        self, predictions: Iterable[Prediction] = (), faults: Iterable[Fault] = ()
    ) -> None:
        super().__init__(predictions)
        self.faults = tuple(faults)

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
        faults = [fault.to_dict() for fault in self.faults]
        return {
            "predictions": [prediction.to_dict() for prediction in self],
            **({"faults": faults} if faults else {}),
        }

    def __str__(self) -> str:
        """Write one line per image, however long the names of files are."""
        return render(self, "text", _WIDE)

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return one row per image: its predicted class, and the two that follow it.

        What was done to all of them stands below; where it differs, each row says its own.
        """
        done = {p.prepared for p in self}
        common = next(iter(done)) if len(done) == 1 else ""
        titles: tuple[str, ...] = ("image", "class", "probability", "followed by")
        rows: list[tuple[str, ...]] = [
            (p.image, p.label or "unsure", percent(p.probability), _runners_up(p)) for p in self
        ]
        if len(done) > 1:
            titles = (*titles, "prepared")
            rows = [(*row, p.prepared) for row, p in zip(rows, self, strict=True)]
        if not rows:
            return Document("", ())
        table = table_of(rows, () if form == "text" else titles)
        notes = (Paragraph(f"prepared: {common}", is_note=True),) if common else ()
        return Document("", (Section("", (table, *notes)),))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a table of image, class, probability, what was done, and what comes second.

        Raises:
            UsageError: the name ends neither in .csv nor in .parquet.
            OutputError: the file cannot be written; an earlier one is untouched.
        """
        rows = ((p.image, p.label, p.probability, p.prepared, *_second(p)) for p in self)
        return save(path, COLUMNS, [list(rows)])


def check_reject(reject: float) -> None:
    if isinstance(reject, bool) or not isinstance(reject, int | float) or not 0 <= reject <= 1:
        what = f"reject is {shown(reject)}; it must be a probability, from 0 to 1"
        raise UsageError(f"{what}, such as 0.9.", parameter="reject")


def predict(
    model: Model | str | os.PathLike[str],
    *images: Images,
    skip_bad: bool = False,
    as_it_is: bool = False,
    reject: float = 0.0,
) -> Predictions:
    """Predict the class of each image.

    A picture becomes like the training images first, and each prediction says how. Of arrays only
    the size and the channels are brought to theirs.

    Args:
        model: a model, the file of one, or the folder of a run.
        images: pictures of any size (PNG, JPEG, BMP, GIF, TIFF, WebP, PPM, PGM); folders of them,
            with all below; lists of files, ``.csv`` or ``.txt``; ``.npy``, ``.npz`` and IDX files
            and tables of pixels, with labels or without; the bytes of a picture, an open file
            or an image of Pillow's; lists of all these; or arrays, as ``Model.scores`` takes them.
        skip_bad: leave out files that cannot be read; they are in ``faults``.
        as_it_is: only bring pictures to the network's size and channels.
        reject: leave the class open where its probability is below this.

    Raises:
        ModelFileError: the model cannot be read.
        PictureError: a file is no picture that can be read; all others were tried.
        DataError: numbers are of the wrong type, shape or range, or a list cannot be read.
    """
    predictions: list[Prediction] = []
    faults: list[Fault] = []
    for found in predict_each(model, *images, as_it_is=as_it_is, reject=reject):
        if isinstance(found, Fault):
            faults.append(found)
        else:
            predictions.append(found)
    if faults and not (skip_bad and predictions):
        raise refusal(faults, len(predictions))
    return Predictions(predictions, faults)


def predict_each(
    model: Model | str | os.PathLike[str],
    *images: Images,
    as_it_is: bool = False,
    reject: float = 0.0,
) -> Iterator[Prediction | Fault]:
    """Yield what :func:`predict` returns, a prediction or a fault at a time."""
    check_reject(reject)
    model = model if isinstance(model, Model) else Model.load(model)
    preprocessing = model.preprocessing.as_it_is if as_it_is else model.preprocessing
    for found in answers_of(model, flattened(images), preprocessing):
        if isinstance(found, Fault):
            yield found
        else:
            yield from found.predictions(model.classes, reject)


def refusal(faults: Sequence[Fault], read: int, are_named: bool = False) -> PictureError:
    """Return the error for files that cannot be read, where so many others could.

    It names some, unless they are named already.
    """
    is_numbers = all(fault.kind == NUMBERS for fault in faults)
    remedy = "give such files one by one, not their folder" if is_numbers else _REMEDY
    if len(faults) == 1 and not read:
        return PictureError(f"{faults_text(faults)}; {remedy}")
    share = f"{len(faults):,} of {plural(len(faults) + read, 'file')} cannot be read"
    kinds = counted(fault.kind for fault in faults)
    what = f"{share}: {kinds if are_named else faults_text(faults)}"
    if not read:
        return PictureError(f"{what}; {remedy}")
    return PictureError(f"{what}; leave them out with skip_bad=True", parameter="skip_bad")


def flattened(sources: Iterable[Any]) -> Iterator[Any]:
    """Yield paths, arrays and pictures, each of these as a ``File``, with lists of them apart."""
    single = [one for source in sources for one in _parts(source)]
    count = sum(map(is_picture, single))
    names = iter(["image"] if count == 1 else [f"image[{number}]" for number in range(count)])
    return (in_memory(one, next(names)) if is_picture(one) else one for one in single)


def _parts(source: Any) -> Sequence[Any]:
    is_list = isinstance(source, list | tuple)
    if is_list and all(isinstance(one, str | os.PathLike) or is_picture(one) for one in source):
        parts: Sequence[Any] = source
        return parts
    return [source]


@dataclass(frozen=True)
class Answered:
    """Some images, and how probable each class is for each of them, (n, classes)."""

    names: Sequence[str]
    probabilities: npt.NDArray[np.float32]
    done: Sequence[str]

    @property
    def order(self) -> npt.NDArray[np.int64]:
        """The classes of each image, most probable first."""
        return np.argsort(-self.probabilities, axis=1, kind="stable")

    def predictions(self, classes: Sequence[str], reject: float) -> Iterator[Prediction]:
        places = zip(self.names, self.probabilities.tolist(), self.order.tolist(), strict=True)
        for (name, row, order), what in zip(places, self.done, strict=True):
            names, shares = tuple(classes[i] for i in order), tuple(row[i] for i in order)
            yield Prediction(name, names, shares, what, shares[0] < reject)


def answers_of(
    model: Model,
    sources: Iterable[Any],
    preprocessing: Preprocessing,
    skip: Skip | None = None,
    on: str | None = None,
) -> Iterator[Answered | Fault]:
    """Yield answers for some images at a time, in order, and a fault for each file that is none."""
    for is_read, group in groupby(sources, lambda one: isinstance(one, str | os.PathLike | File)):
        if is_read:
            read = read_files if on is None else partial(_answer_on_ray, model)
            for found in read_unlabelled(group, preprocessing, skip, read):
                yield _answered(model, found)
            continue
        for images in group:
            probabilities = model.predict_proba(images)
            count = len(probabilities)
            names = ["image"] if count == 1 else [f"image[{i}]" for i in range(count)]
            yield Answered(names, probabilities, [""] * count)


def _answered(model: Model, found: Batch | Fault | Answered) -> Answered | Fault:
    if not isinstance(found, Batch):
        return found
    return Answered(found.names, model.predict_proba(found.images), found.done)


def _answer_on_ray(
    model: Model, files: Iterable[File], preprocessing: Preprocessing
) -> Iterator[Answered | Fault]:
    """Yield answers for files, so many at a time, which a cluster reads."""
    waiting, engine = iter(files), model.engine().name
    parts = iter(lambda: list(islice(waiting, BATCH)), [])
    shared = model, preprocessing, (VERSION, engine)
    for found in map_in_order(_answer_there, parts, shared, engine):
        yield from found


def _answer_there(
    files: Sequence[File], shared: tuple[Model, Preprocessing, tuple[str, str]]
) -> list[Answered | Fault]:
    """Answer for some files on another machine, if it reaches the same answers there."""
    model, preprocessing, version = shared
    check_alike((VERSION, model.engine().name), version)
    return [_answered(model, found) for found in read_files(files, preprocessing)]


def _second(prediction: Prediction) -> tuple[object, object]:
    if len(prediction.classes) < 2 or prediction.is_unsure:
        return "", ""
    return prediction.classes[1], prediction.probabilities[1]


def _runners_up(prediction: Prediction) -> str:
    some = slice(0, 2) if prediction.is_unsure else slice(1, 3)
    pairs = zip(prediction.classes[some], prediction.probabilities[some], strict=True)
    text = ", ".join(f"{name} {percent(share)}" for name, share in pairs)
    return f"({text})" if text else ""
