"""How accurate is a model? ``lenet.evaluate``, and a table of its answers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lenet.data import Dataset, Split, is_name, load, load_split
from lenet.data.seen import named_source, read_seen, seen_among
from lenet.errors import DataError, UsageError
from lenet.inference.table import save
from lenet.metrics import Evaluation
from lenet.model import Model
from lenet.run_folder import START, reading_of, run_of


def evaluate(
    model: Model | str | os.PathLike[str],
    data: Dataset | Split | str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] | None = None,
    everything: bool = False,
    skip_bad: bool = False,
    transpose: bool = False,
    label_from_name: str | None = None,
    group: str | None = None,
    split_seed: int | None = None,
    as_it_is: bool = False,
) -> Evaluation:
    """Find out how a model does on a data set's images to test on, or on a split.

    Args:
        model: a model, the file of one, or the folder of a run.
        data: a data set or a split, or a name or path as ``lenet.load`` takes it.
        data_dir: the folder that holds the IDX files already.
        everything: of a path, take the pictures that are to train on, too.
        skip_bad: of a path, leave out files that cannot be read.
        transpose, label_from_name, group, split_seed: of a path, as in ``lenet.load``; they need
            not be said again for the data that the model's run was trained on.
        as_it_is: of a path, only bring pictures to the network's size and channels.

    Raises:
        ModelFileError, DataError: the model or the data cannot be read, or do not suit each other.
    """
    file, model = model, model if isinstance(model, Model) else Model.load(model)
    if isinstance(data, Dataset | Split):
        found = model.evaluate(data)
        return _with_seen(found, data.tested if isinstance(data, Dataset) else data, file)
    if is_name(data):
        dataset = load(data, data_dir=data_dir)
        found, record = model.evaluate(dataset), run_of(file)
        # No test image of data that have a name is in the training part of any of them.
        is_new = record is None or named_source(record)
        return found if is_new else _with_seen(found, dataset.tested, file)
    shape = model.network.input_shape
    given: dict[str, Any] = {"transpose": transpose or None, "label_from_name": label_from_name}
    given |= {"group": group, "split_seed": split_seed}
    how: dict[str, Any] = reading_of(file, data) | {
        name: value for name, value in given.items() if value is not None
    }
    preprocessing = model.preprocessing.as_it_is if as_it_is else model.preprocessing
    how |= {"everything": everything, "skip_bad": skip_bad, "preprocessing": preprocessing}
    split = load_split(data, model.classes, shape, **how)
    name = f"{'images' if everything else 'test images'} of {os.fspath(data)}"
    return _with_seen(replace(model.evaluate(split), data=name), split, file)


def _with_seen(found: Evaluation, split: Split, model: object) -> Evaluation:
    """Say which images the model's run has learnt from, if that is known."""
    record = run_of(model)
    if record is None or found.answers is None or Path(str(model)).name == START:
        return found
    try:
        seen = read_seen(record)
    except DataError as error:
        what = f"nobody knows which of these images were trained on: {error}"
        return replace(found, notes=(what, *found.notes))
    if not seen:
        return found
    told = seen_among(split.known_digests(), seen)
    return replace(found, answers=replace(found.answers, seen=told))


def save_answers(
    evaluation: Evaluation,
    path: str | os.PathLike[str],
    more: Mapping[str, Sequence[object]] = MappingProxyType({}),
) -> Path:
    """Write a table of each image's file or number, true class, prediction and probability.

    Of pictures that were read for the model, it also says what was done to each; and of a run's
    model, where some were seen in its training, which: ``train`` or ``validation``. ``more`` are
    columns, a value for each image.

    Raises:
        UsageError: the name has another ending, or the evaluation has no answers.
        OutputError: the file cannot be written; an earlier one is untouched.
    """
    if evaluation.answers is None:
        raise UsageError("the evaluation has no answers for each image; call lenet.evaluate.")
    columns = ["image", "label", "class", "probability", "correct"]
    if evaluation.answers.prepared:
        columns.append("prepared")
    if any(evaluation.answers.seen or ()):
        columns.append("seen")
    others = zip(*more.values(), strict=True) if more else repeat(())
    rows = []
    for row, cells in zip(evaluation.answers.rows(evaluation.classes), others, strict=False):
        row["correct"] = int(row["label"] == row["class"])
        rows.append([*(row[column] for column in columns), *cells])
    return save(path, [*columns, *more], [rows])
