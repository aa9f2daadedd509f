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

from lenet.arguments import plain
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
from lenet.inference.rejecting import check_reject, threshold_of
from lenet.inference.table import save
from lenet.kinds import NUMBERS, counted
from lenet.model import Model
from lenet.net.words import shown
from lenet.version import VERSION
from lenet.writing import Result, notebook_html, render
from lenet.writing.document import Column, Document, Paragraph, Section, Table, table_of
from lenet.writing.numbers import percent, plural

_WIDE: Final = 100_000  # characters: lines are for other programs, too
#: Images that are held besides, when the least certain are looked for.
_SOME: Final = 4_096
#: What stands in a text where the class is left open.
UNSURE: Final = "unsure"
_REMEDY: Final = f"give {ALLOWED} files"
#: What the classes that follow the first are called in a table of answers.
_RANKS: Final = (
    *("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
)
#: How many classes a line of text, and a row of a table have, unless a number is given.
_IN_TEXT: Final = 3
IN_TABLE: Final = 2
#: A path, a picture in memory, a list of these, or an array of images.
Images = str | os.PathLike[str] | InMemory | Sequence[Any] | npt.NDArray[Any]


@dataclass(frozen=True)
class Prediction:
    """What a model answers for one image.

    Attributes:
        image: the file, with ``[index]`` behind it where the file holds several.
        classes: the names of the classes, most probable first; the first ``top`` of them, if that
            was given.
        probabilities: of each of them, in the same order; of all classes, they add up to 1.
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
        top: how many classes are shown of each image, if that was given.
    """

    csv_key = "predictions"

    def __init__(
        self,
        predictions: Iterable[Prediction] = (),
        faults: Iterable[Fault] = (),
        top: int | None = None,
    ) -> None:
        super().__init__(predictions)
        self.faults = tuple(faults)
        self.top = top

    @overload
    def __getitem__(self, index: SupportsIndex) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> Predictions: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Prediction | Predictions:
        if isinstance(index, slice):
            return Predictions(super().__getitem__(index), top=self.top)
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
        """Return one row per image: its predicted class, and two that follow, or as many as asked.

        What was done to all of them stands below; where it differs, each row says its own.
        """
        done = {p.prepared for p in self}
        common = next(iter(done)) if len(done) == 1 else ""
        most = self.top or _IN_TEXT
        titles: tuple[str, ...] = ("image", "class", "probability", "followed by")
        rows: list[tuple[str, ...]] = [
            (p.image, p.label or UNSURE, percent(p.probability), _runners_up(p, most)) for p in self
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
        """Write a table of image, class, probability, what was done, and what follows.

        Raises:
            UsageError: the name ends neither in .csv nor in .parquet.
            OutputError: the file cannot be written; an earlier one is untouched.
        """
        classes = max((len(prediction.classes) for prediction in self), default=1)
        most = IN_TABLE if self.top is None else min(self.top, classes)
        rows = ((p.image, p.label, p.probability, p.prepared, *_cells(p, most)) for p in self)
        return save(path, columns_of(most), [list(rows)])


def columns_of(most: int) -> tuple[str, ...]:
    """Return the columns of a table of answers with so many classes per image."""
    ranks = [*_RANKS, *(f"{number}th" for number in range(len(_RANKS) + 2, most + 1))][: most - 1]
    followers = (column for rank in ranks for column in (rank, f"{rank}_probability"))
    return ("image", "class", "probability", "prepared", *followers)


def check_count(value: int | None, name: str, example: int) -> None:
    """Raise a UsageError, if ``value`` is neither None nor a whole number from 1 on."""
    number = plain(value)
    is_whole = isinstance(number, int) and not isinstance(number, bool)
    if value is not None and not (is_whole and value >= 1):
        what = f"{name} is {shown(value)}; it must be a whole number from 1 on"
        raise UsageError(f"{what}, such as {example}.", parameter=name)


def predict(
    model: Model | str | os.PathLike[str],
    *images: Images,
    skip_bad: bool = False,
    as_it_is: bool = False,
    reject: float = 0.0,
    coverage: float | None = None,
    top: int | None = None,
    uncertain: int | None = None,
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
        coverage: leave open what is below the probability that this share of the model's test
            images (else: of its validation images) reached, such as 0.95.
        top: how many classes to return of each image; by default all.
        uncertain: return only so many images, those whose first two classes are nearest in
            probability, the nearest first: whose labels would teach the model most.

    Raises:
        UsageError: a value is out of range, or the model knows no threshold for ``coverage``.
        ModelFileError: the model cannot be read.
        PictureError: a file is no picture that can be read; all others were tried.
        DataError: numbers are of the wrong type, shape or range, or a list cannot be read.
    """
    predictions: list[Prediction] = []
    faults: list[Fault] = []
    how: dict[str, Any] = {"as_it_is": as_it_is, "reject": reject, "coverage": coverage}
    for found in predict_each(model, *images, **how, top=top, uncertain=uncertain):
        if isinstance(found, Fault):
            faults.append(found)
        else:
            predictions.append(found)
    if faults and not (skip_bad and predictions):
        raise refusal(faults, len(predictions))
    return Predictions(predictions, faults, top)


def predict_each(
    model: Model | str | os.PathLike[str],
    *images: Images,
    as_it_is: bool = False,
    reject: float = 0.0,
    coverage: float | None = None,
    top: int | None = None,
    uncertain: int | None = None,
) -> Iterator[Prediction | Fault]:
    """Yield what :func:`predict` returns, a prediction or a fault at a time."""
    check_reject(reject, coverage)
    check_count(top, "top", 3)
    check_count(uncertain, "uncertain", 50)
    model = model if isinstance(model, Model) else Model.load(model)
    threshold = threshold_of(model, reject, coverage)
    preprocessing = model.preprocessing.as_it_is if as_it_is else model.preprocessing
    answers = answers_of(model, flattened(images), preprocessing)
    for found in answers if uncertain is None else least_certain(answers, uncertain):
        if isinstance(found, Fault):
            yield found
        else:
            yield from found.predictions(model.classes, threshold, top)


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

    @property
    def margins(self) -> npt.NDArray[np.float32]:
        """By how much the probability of each image's first class is above the second's."""
        if self.probabilities.shape[1] < 2:
            return self.probabilities[:, 0]
        two = np.partition(self.probabilities, -2, axis=1)
        margins: npt.NDArray[np.float32] = two[:, -1] - two[:, -2]
        return margins

    def chosen(self, places: npt.NDArray[np.int64]) -> Answered:
        """Return some of the images, in this order."""
        names, done = ([values[i] for i in places] for values in (self.names, self.done))
        return Answered(names, self.probabilities[places], done)

    def predictions(
        self, classes: Sequence[str], reject: float, top: int | None = None
    ) -> Iterator[Prediction]:
        order = self.order[:, :top].tolist()
        places = zip(self.names, self.probabilities.tolist(), order, strict=True)
        for (name, row, order), what in zip(places, self.done, strict=True):
            names, shares = tuple(classes[i] for i in order), tuple(row[i] for i in order)
            yield Prediction(name, names, shares, what, shares[0] < reject)


def least_certain(answers: Iterable[Answered | Fault], count: int) -> Iterator[Answered | Fault]:
    """Yield all faults, and at the end the ``count`` images of the least margin, the least first.

    No more than twice as many are held at a time, besides some.
    """
    kept, held = list[Answered](), 0
    for found in answers:
        if isinstance(found, Fault):
            yield found
            continue
        kept.append(found)
        held += len(found.names)
        if held > 2 * count + _SOME:
            kept, held = [_least(kept, count)], count
    if kept:
        yield _least(kept, count)


def _least(parts: Sequence[Answered], count: int) -> Answered:
    names = [name for part in parts for name in part.names]
    done = [what for part in parts for what in part.done]
    whole = Answered(names, np.concatenate([part.probabilities for part in parts]), done)
    return whole.chosen(np.argsort(whole.margins, kind="stable")[:count])


def answers_of(
    model: Model,
    sources: Iterable[Any],
    preprocessing: Preprocessing,
    skip: Skip | None = None,
    on: str | None = None,
) -> Iterator[Answered | Fault]:
    """Yield answers for some images at a time, in order, and a fault for each file that is none."""
    for kind, group in groupby(sources, _kind_of):
        if kind:
            # An open file stays here: no other machine can read it.
            is_here = on is None or kind is File
            read = read_files if is_here else partial(_answer_on_ray, model)
            for found in read_unlabelled(group, preprocessing, skip, read):
                yield _answered(model, found)
            continue
        for images in group:
            probabilities = model.predict_proba(images)
            count = len(probabilities)
            names = ["image"] if count == 1 else [f"image[{i}]" for i in range(count)]
            yield Answered(names, probabilities, [""] * count)


def _kind_of(source: Any) -> type | None:
    """Return ``str`` of a path, ``File`` of a picture in memory, and None of arrays."""
    if isinstance(source, File):
        return File
    return str if isinstance(source, str | os.PathLike) else None


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


def _cells(prediction: Prediction, most: int) -> list[object]:
    """Return the cells of a table for the classes that follow; empty where the first is open."""
    cells: list[object] = [""] * (2 * (most - 1))
    if not prediction.is_unsure:
        pairs = zip(prediction.classes[1:most], prediction.probabilities[1:most], strict=True)
        found = [cell for pair in pairs for cell in pair]
        cells[: len(found)] = found
    return cells


def _runners_up(prediction: Prediction, most: int) -> str:
    some = slice(0, most - 1 or 1) if prediction.is_unsure else slice(1, most)
    pairs = zip(prediction.classes[some], prediction.probabilities[some], strict=True)
    text = ", ".join(f"{name} {percent(share)}" for name, share in pairs)
    return f"({text})" if text else ""
