"""Using a model: which class are these images of, and how accurate is it?"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby
from pathlib import Path
from typing import Any, Final, SupportsIndex, overload

import numpy as np
import numpy.typing as npt

from lenet import files
from lenet.data import Dataset, Split, is_name, load, load_split
from lenet.data.decoder import ALLOWED
from lenet.data.pictures import Fault, faults_text
from lenet.data.preprocess import Preprocessing
from lenet.data.unlabelled import read_unlabelled
from lenet.errors import PictureError, UsageError, path_text
from lenet.kinds import NUMBERS, counted
from lenet.metrics import Evaluation
from lenet.model import Model
from lenet.net.words import shown
from lenet.run_folder import reading_of
from lenet.writing import Result, notebook_html, render
from lenet.writing.document import Column, Document, Paragraph, Section, Table, table_of
from lenet.writing.numbers import percent, plural

_WIDE: Final = 100_000  # characters: lines are for other programs, too
_REMEDY: Final = f"give {ALLOWED} files"
#: Of a table of answers.
_COLUMNS: Final = ("image", "class", "probability", "prepared", "second", "second_probability")


@dataclass(frozen=True)
class Prediction:
    """What a model answers for one image.

    Attributes:
        image: the file, with ``[index]`` behind it where the file holds several.
        classes: the names of the classes, most probable first.
        probabilities: of each of them, in the same order; they add up to 1.
        prepared: what was done to a picture first, such as ``inverted, 600x800 to 28x21,
            centred``; empty where it went through as it was.
    """

    image: str
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    prepared: str = ""

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
        faults = [{"file": fault.path, "reason": fault.reason} for fault in self.faults]
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
            (p.image, p.label, percent(p.probability), _runners_up(p)) for p in self
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
        """Write a ``.csv`` of image, class, probability, what was done, and what comes second.

        Raises:
            UsageError: the name does not end in .csv.
            OutputError: the file cannot be written; an earlier one is untouched.
        """
        rows = ((p.image, p.label, p.probability, p.prepared, *_second(p)) for p in self)
        return _save_csv(path, _COLUMNS, [list(rows)])


@dataclass(frozen=True)
class Written:
    """What :func:`predict_into` wrote: the file, of how many images, and what cannot be read."""

    path: Path
    images: int
    faults: tuple[Fault, ...]


def predict_into(
    path: str | os.PathLike[str],
    model: Model | str | os.PathLike[str],
    *images: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | npt.NDArray[Any],
    as_it_is: bool = False,
    probabilities: bool = False,
) -> Written:
    """Predict the class of each image, and write the answers into a ``.csv`` file as they come.

    The memory that it takes does not depend on how many images there are.

    Args:
        path: the file to write, whole or not at all: image, class, probability, what was done, and
            what comes second.
        model, images, as_it_is: as in :func:`predict`. Files that cannot be read are left out.
        probabilities: add a column for each class.

    Raises:
        PictureError: none of the files can be read.
        UsageError, ModelFileError, DataError, OutputError: as in :func:`predict` and
            ``Predictions.save``.
    """
    sources = tuple(_flattened(images))
    check_answers_path(path, model, *sources)
    model = model if isinstance(model, Model) else Model.load(model)
    preprocessing = model.preprocessing.as_it_is if as_it_is else model.preprocessing
    classes, count, faults = model.classes, 0, list[Fault]()

    def rows() -> Iterator[Sequence[Sequence[object]]]:
        nonlocal count
        for found in _answers(model, sources, preprocessing):
            if isinstance(found, Fault):
                faults.append(found)
                continue
            count += len(found.names)
            yield _table(found, classes, probabilities)
        if faults and not count:
            raise refusal(faults, 0)

    columns = _COLUMNS + tuple(f"probability_{name}" for name in classes) * probabilities
    target = _save_csv(path, columns, rows())
    return Written(target, count, tuple(faults))


def _table(
    found: _Answered, classes: Sequence[str], probabilities: bool
) -> Sequence[Sequence[object]]:
    """Return the rows of a table of answers."""
    order = found.order[:, :2]
    places = np.arange(len(order))
    first, *second = (
        ([classes[i] for i in column], found.probabilities[places, column].tolist())
        for column in order.T
    )
    columns = [found.names, *first, found.done]
    columns += second[0] if second else ([""] * len(places),) * 2
    if probabilities:
        columns += found.probabilities.T.tolist()
    return list(zip(*columns, strict=True))


def predict(
    model: Model | str | os.PathLike[str],
    *images: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | npt.NDArray[Any],
    skip_bad: bool = False,
    as_it_is: bool = False,
) -> Predictions:
    """Predict the class of each image.

    A picture becomes like the training images first, and each prediction says how. Arrays are
    taken to be prepared already.

    Args:
        model: a model, the file of one, or the folder of a run.
        images: pictures of any size (PNG, JPEG, BMP, GIF, TIFF, WebP, PPM, PGM); folders of them,
            with all below; lists of files, ``.csv`` or ``.txt``; ``.npy``, ``.npz`` and IDX files
            and tables of pixels, with labels or without; lists of all these; or arrays, as
            ``Model.scores`` takes them.
        skip_bad: leave out files that cannot be read; they are in ``faults``.
        as_it_is: only bring pictures to the network's size and channels.

    Raises:
        ModelFileError: the model cannot be read.
        PictureError: a file is no picture that can be read; all others were tried.
        DataError: numbers are of the wrong type, shape or range, or a list cannot be read.
    """
    model = model if isinstance(model, Model) else Model.load(model)
    preprocessing = model.preprocessing.as_it_is if as_it_is else model.preprocessing
    predictions: list[Prediction] = []
    faults: list[Fault] = []
    for found in _answers(model, _flattened(images), preprocessing):
        if isinstance(found, Fault):
            faults.append(found)
        else:
            predictions += found.predictions(model.classes)
    if faults and not (skip_bad and predictions):
        raise refusal(faults, len(predictions))
    return Predictions(predictions, faults)


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


def evaluate(
    model: Model | str | os.PathLike[str],
    data: Dataset | Split | str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] | None = None,
    everything: bool = False,
    skip_bad: bool = False,
    transpose: bool = False,
    label_from_name: str | None = None,
    as_it_is: bool = False,
) -> Evaluation:
    """Find out how a model does on a data set's images to test on, or on a split.

    Args:
        model: a model, the file of one, or the folder of a run.
        data: a data set or a split, or a name or path as ``lenet.load`` takes it.
        data_dir: the folder that holds the IDX files already.
        everything: of a path, take the pictures that are to train on, too.
        skip_bad: of a path, leave out files that cannot be read.
        transpose, label_from_name: of a path, as in ``lenet.load``; they need not be said again for
            the data that the model's run was trained on.
        as_it_is: of a path, only bring pictures to the network's size and channels.

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
    how: dict[str, Any] = reading_of(file, data) | {
        name: value for name, value in given.items() if value
    }
    preprocessing = model.preprocessing.as_it_is if as_it_is else model.preprocessing
    how |= {"everything": everything, "skip_bad": skip_bad, "preprocessing": preprocessing}
    split = load_split(data, model.classes, shape, **how)
    name = f"{'images' if everything else 'test images'} of {os.fspath(data)}"
    return replace(model.evaluate(split), data=name)


def _flattened(sources: Iterable[Any]) -> Iterator[Any]:
    """Yield paths and arrays, with lists of paths taken apart."""
    for source in sources:
        is_list = isinstance(source, list | tuple)
        if is_list and all(isinstance(path, str | os.PathLike) for path in source):
            yield from source
        else:
            yield source


@dataclass(frozen=True)
class _Answered:
    """Some images, and how probable each class is for each of them, (n, classes)."""

    names: Sequence[str]
    probabilities: npt.NDArray[np.float32]
    done: Sequence[str]

    @property
    def order(self) -> npt.NDArray[np.int64]:
        """The classes of each image, most probable first."""
        return np.argsort(-self.probabilities, axis=1, kind="stable")

    def predictions(self, classes: Sequence[str]) -> Iterator[Prediction]:
        places = zip(self.names, self.probabilities.tolist(), self.order.tolist(), strict=True)
        for (name, row, order), what in zip(places, self.done, strict=True):
            yield Prediction(
                name, tuple(classes[i] for i in order), tuple(row[i] for i in order), what
            )


def _answers(
    model: Model, sources: Iterable[Any], preprocessing: Preprocessing
) -> Iterator[_Answered | Fault]:
    """Yield answers for some images at a time, in order, and a fault for each file that is none."""
    for is_path, group in groupby(sources, lambda source: isinstance(source, str | os.PathLike)):
        if is_path:
            for found in read_unlabelled(group, preprocessing):
                if isinstance(found, Fault):
                    yield found
                else:
                    yield _Answered(found.names, model.predict_proba(found.images), found.done)
            continue
        for images in group:
            probabilities = model.predict_proba(images)
            count = len(probabilities)
            names = ["image"] if count == 1 else [f"image[{i}]" for i in range(count)]
            yield _Answered(names, probabilities, [""] * count)


def _second(prediction: Prediction) -> tuple[object, object]:
    if len(prediction.classes) < 2:
        return "", ""
    return prediction.classes[1], prediction.probabilities[1]


def save_answers(evaluation: Evaluation, path: str | os.PathLike[str]) -> Path:
    """Write a ``.csv`` of each image's file or number, true class, prediction and probability.

    Of pictures that were read for the model, it also says what was done to each.

    Raises:
        UsageError: the name does not end in .csv, or the evaluation has no answers.
        OutputError: the file cannot be written; an earlier one is untouched.
    """
    if evaluation.answers is None:
        raise UsageError("the evaluation has no answers for each image; call lenet.evaluate.")
    columns = ["image", "label", "class", "probability", "correct"]
    if evaluation.answers.prepared:
        columns.append("prepared")
    rows = (
        [(row | {"correct": int(row["label"] == row["class"])})[column] for column in columns]
        for row in evaluation.answers.rows(evaluation.classes)
    )
    return _save_csv(path, columns, [list(rows)])


def _save_csv(
    path: str | os.PathLike[str],
    columns: Sequence[str],
    parts: Iterable[Sequence[Sequence[object]]],
) -> Path:
    """Write a table, some rows at a time."""
    check_answers_path(path)

    def pieces() -> Iterator[bytes]:
        for rows in chain([[columns]], parts):
            with io.StringIO(newline="") as text:
                csv.writer(text).writerows(rows)
                # A file name that is no text goes out as it came in.
                yield text.getvalue().encode("utf-8", "surrogateescape")

    return files.write_pieces(path, pieces())


def check_answers_path(path: str | os.PathLike[str], *sources: object) -> None:
    """Raise a UsageError, if ``path`` is no name for a table of answers, or one of the sources."""
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"the file of answers is {shown(path)}; give its path.")
    if any(files.is_same_file(path, source) for source in sources):
        what = f"{path_text(path)} is what is to be read"
        raise UsageError(f"{what}; write the answers elsewhere.", parameter="output")
    is_special = os.path.exists(path) and not os.path.isfile(path)
    if not is_special and os.path.splitext(os.fspath(path))[1].lower() != ".csv":
        what = f"answers are written as a table and {path_text(path)} has another ending"
        raise UsageError(f"{what}; end it in .csv.", parameter="output")


def _runners_up(prediction: Prediction) -> str:
    pairs = zip(prediction.classes[1:3], prediction.probabilities[1:3], strict=True)
    text = ", ".join(f"{name} {percent(share)}" for name, share in pairs)
    return f"({text})" if text else ""
