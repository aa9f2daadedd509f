"""Answers for any number of images, written into a table as they come."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lenet import files
from lenet.cluster import check_place
from lenet.data.pictures import Fault
from lenet.data.preprocess import Preprocessing
from lenet.data.unlabelled import ChangedError, Skip
from lenet.errors import LenetError
from lenet.inference.predicting import (
    IN_TABLE,
    Answered,
    Images,
    answers_of,
    check_count,
    columns_of,
    flattened,
    least_certain,
    refusal,
)
from lenet.inference.rejecting import check_reject, threshold_of
from lenet.inference.table import Answers, Counts, Rows, check_path, partial_of, save
from lenet.model import Model
from lenet.version import VERSION


@dataclass(frozen=True)
class Written:
    """What :func:`predict_into` wrote: the file, of how many images, and what cannot be read.

    ``unsure`` is how many images are left open.
    """

    path: Path
    images: int
    faults: tuple[Fault, ...]
    unsure: int = 0


def predict_into(
    path: str | os.PathLike[str],
    model: Model | str | os.PathLike[str],
    *images: Images,
    as_it_is: bool = False,
    probabilities: bool = False,
    reject: float = 0.0,
    coverage: float | None = None,
    top: int | None = None,
    uncertain: int | None = None,
    on: str | None = None,
    progress: Callable[[int], object] | None = None,
) -> Written:
    """Predict the class of each image, and write the answers into a table as they come.

    The memory that it takes does not depend on how many images there are. What is answered so far
    lies in ``PATH.partial``: after a kill, the same call goes on, and the table is the same to the
    byte. (Images in memory, and answers that go into a pipe, begin anew.)

    Args:
        path: the file to write, ``.csv`` or ``.parquet``, whole or not at all: image, class,
            probability, what was done, and what comes second.
        model, images, as_it_is: as in :func:`predict`. Files that cannot be read are left out.
        probabilities: add a column for each class.
        reject, coverage: as in :func:`predict`.
        top: how many classes each row names, by default two.
        uncertain: write only so many images, as in :func:`predict`; after a kill it begins anew.
        on: "ray" reads and answers picture files on a cluster, whose machines all see them.
        progress: is told how many images and files are done.

    Raises:
        PictureError: none of the files can be read.
        UsageError, ModelFileError, DataError, OutputError: as in :func:`predict` and
            ``Predictions.save``; or the images are others than before a kill.
    """
    check_reject(reject, coverage)
    check_count(top, "top", 3)
    check_count(uncertain, "uncertain", 50)
    check_place(on)
    sources = tuple(flattened(images))
    check_path(path, model, *sources)
    model = model if isinstance(model, Model) else Model.load(model)
    reject = threshold_of(model, reject, coverage)
    most = IN_TABLE if top is None else min(top, len(model.classes))
    columns = (
        columns_of(most) + tuple(f"probability_{name}" for name in model.classes) * probabilities
    )
    table = _Table(model.classes, most, probabilities, reject)
    preprocessing = model.preprocessing.as_it_is if as_it_is else model.preprocessing
    counts, asked = Counts(), _asked(model, sources, preprocessing, columns, reject)
    aside = {os.path.realpath(name) for name in (path, partial_of(path))}

    def found(skip: Skip) -> Iterator[tuple[Rows, int, list[Fault]]]:
        faults = list[Fault]()
        answers = answers_of(model, sources, preprocessing, skip, on)
        for some in answers if uncertain is None else least_certain(answers, uncertain):
            if isinstance(some, Fault):
                faults.append(some)
                continue
            yield table.rows(some), table.unsure(some), faults
            faults = []
        if faults:
            yield [], 0, faults
        skip.check()

    if asked is None or uncertain is not None or files.is_special(path):

        def rows() -> Iterator[Rows]:
            for some, unsure, faults in found(Skip(aside=aside)):
                counts.add(len(some), unsure, "", faults)
                if progress:
                    progress(counts.done)
                yield some
            if counts.faults and not counts.images:
                raise refusal(counts.faults, 0)

        target = save(path, columns, rows())
        return Written(target, counts.images, tuple(counts.faults), counts.unsure)
    return _written(Answers(path, columns, asked), found, aside, progress)


def _written(
    kept: Answers,
    found: Callable[[Skip], Iterator[tuple[Rows, int, list[Fault]]]],
    aside: Container[str],
    progress: Callable[[int], object] | None,
) -> Written:
    """Write a table of answers, from where a process before this one left it."""
    counts = kept.counts
    try:
        for some, unsure, faults in found(Skip(counts.done, counts.ends, aside)):
            kept.add(some, unsure, faults)
            if progress:
                progress(counts.done)
        if counts.faults and not counts.images:
            raise refusal(counts.faults, 0)
        target = kept.finish()
    except ChangedError as error:
        raise kept.changed() from error
    except LenetError:
        if not counts.images:  # else there may be room later, or a cluster
            kept.remove()
        raise
    finally:
        kept.close()
    return Written(target, counts.images, tuple(counts.faults), counts.unsure)


def _asked(
    model: Model,
    sources: Sequence[Any],
    preprocessing: Preprocessing,
    columns: Sequence[str],
    reject: float,
) -> Mapping[str, Any] | None:
    """Return what decides a table of answers, as values for JSON; None where that is not known."""
    if not all(isinstance(source, str | os.PathLike) for source in sources):
        return None
    return {
        "lenet": VERSION,
        "engine": model.engine().name,
        "model": hashlib.sha256(model.to_bytes()).hexdigest(),
        "images": [_state(os.fspath(source)) for source in sources],
        "preprocessing": repr(preprocessing),
        "columns": list(columns),
        "reject": reject,
    }


def _state(path: str) -> list[Any]:
    """Return what tells a file from what it is after a change; of a folder only its path."""
    try:
        real = os.path.realpath(path)
        status = os.stat(real)
    except (OSError, ValueError):  # ValueError: a zero byte in the name, or no text
        return [path]
    is_file = os.path.isfile(real)
    return [path, real, *([status.st_size, status.st_mtime_ns] if is_file else [])]


@dataclass(frozen=True)
class _Table:
    """How answers become rows of a table."""

    classes: Sequence[str]
    most: int  # classes that a row names
    has_all: bool  # a column for each class
    reject: float

    def unsure(self, found: Answered) -> int:
        """Return how many images are left open."""
        return sum(value < self.reject for value in found.probabilities.max(axis=1).tolist())

    def rows(self, found: Answered) -> Rows:
        """Return the rows of some images."""
        order = found.order[:, : self.most]
        places = np.arange(len(order))
        ranked = [
            ([self.classes[i] for i in column], found.probabilities[places, column].tolist())
            for column in order.T
        ]
        blanks = self.most - len(ranked)  # there are fewer classes
        followers = [cells for pair in ranked[1:] for cells in pair]
        followers += [[""] * len(places)] * (2 * blanks)
        columns = [found.names, *ranked[0], found.done, *followers]
        if self.has_all:
            columns += found.probabilities.T.tolist()
        rows = zip(*columns, strict=True)
        if not self.unsure(found):
            return list(rows)
        return [row if row[2] >= self.reject else self._left_open(row) for row in rows]

    def _left_open(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return a row of a table without the classes."""
        image, _, probability, prepared, *others = row
        followers = 2 * (self.most - 1)
        return image, "", probability, prepared, *[""] * followers, *others[followers:]
