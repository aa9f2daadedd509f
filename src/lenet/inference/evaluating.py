"""How accurate is a model? ``lenet.evaluate``, and a table of its answers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from lenet.data import Dataset, Split, is_name, load, load_split
from lenet.data.seen import named_source, read_seen, seen_among
from lenet.errors import DataError, UsageError
from lenet.inference.rejecting import check_reject, threshold_of
from lenet.inference.table import save
from lenet.metrics import Evaluation
from lenet.model import Model
from lenet.run_folder import START, data_of, is_elsewhere, reading_of, run_of

#: What a row of an image that is left open lacks.
_OPEN: Final = ("class", "correct", "second", "second_probability")


def evaluate(
    model: Model | str | os.PathLike[str],
    data: Dataset | Split | str | os.PathLike[str] | None = None,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    everything: bool = False,
    skip_bad: bool = False,
    transpose: bool = False,
    label_from_name: str | None = None,
    group: str | None = None,
    split_seed: int | None = None,
    as_it_is: bool = False,
    reject: float = 0.0,
    coverage: float | None = None,
) -> Evaluation:
    """Find out how a model does on a data set's images to test on, or on a split.

    Args:
        model: a model, the file of one, or the folder of a run.
        data: a data set or a split, or a name or path as ``lenet.load`` takes it; by default what
            the model's run was trained on.
        data_dir: the folder that holds the IDX files already.
        everything: of a path, take the pictures that are to train on, too. Of another path than
            the model's run was trained on, all are taken that have no test split of their own.
        skip_bad: of a path, leave out files that cannot be read.
        transpose, label_from_name, group, split_seed: of a path, as in ``lenet.load``; they need
            not be said again for the data that the model's run was trained on.
        as_it_is: of a path, only bring pictures to the network's size and channels.
        reject, coverage: which images to leave open, as in ``lenet.predict``; ``answered`` says
            what is right of the others, and all else is of all images.

    Raises:
        UsageError: a value is out of range, or the model knows no threshold for ``coverage``.
        ModelFileError, DataError: the model or the data cannot be read, or do not suit each other.
    """
    check_reject(reject, coverage)
    file, model = model, model if isinstance(model, Model) else Model.load(model)
    threshold = threshold_of(model, reject, coverage)
    if data is None:
        data, known = data_of(file)
        data_dir = known if data_dir is None else data_dir
    if is_named := not isinstance(data, Dataset | Split) and is_name(data):
        data = load(data, data_dir=data_dir)
    given: dict[str, Any] = {"transpose": transpose or None, "label_from_name": label_from_name}
    given |= {"group": group, "split_seed": split_seed}
    name = ""
    if isinstance(data, Dataset | Split):
        flags = {"everything": everything, "skip_bad": skip_bad, "as_it_is": as_it_is}
        _refuse_path_options({**given, **flags})
    else:
        is_new = is_elsewhere(file, data)
        name = f"{'images' if everything or is_new else 'test images'} of {os.fspath(data)}"
        how: dict[str, Any] = reading_of(file, data)
        how |= {option: value for option, value in given.items() if value is not None}
        how["preprocessing"] = model.preprocessing.as_it_is if as_it_is else model.preprocessing
        how |= {"everything": everything, "is_new": is_new, "skip_bad": skip_bad}
        data = load_split(data, model.classes, model.network.input_shape, **how)
    found = model.evaluate(data)
    found = replace(found, data=name or found.data, reject=threshold)
    split = data.tested if isinstance(data, Dataset) else data
    record = run_of(file) if is_named else None
    # No test image of data that have a name is in the training split of any of them.
    is_apart = is_named and (record is None or named_source(record))
    return found if is_apart else _with_seen(found, split, file)


def _refuse_path_options(given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if value is not None and value is not False:
            what = f"{name} is about pictures that are read from a path, and these data are not"
            raise UsageError(f"{what}; leave it out.", parameter=name)


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
    """Write a table of each image's file or number, true class, prediction and probability, whether
    it is correct, and what is second, in the order of the data.

    Of pictures that were read for the model, it also says what was done to each; and of a run's
    model, where some were seen in its training, which: ``train`` or ``validation``. ``more`` are
    columns, a value for each image. An image that is left open has no class, and is neither correct
    nor wrong.

    Raises:
        UsageError: the name has another ending, or the evaluation has no answers.
        OutputError: the file cannot be written; an earlier one is untouched.
    """
    if evaluation.answers is None:
        raise UsageError("the evaluation has no answers for each image; call lenet.evaluate.")
    others = zip(*more.values(), strict=True) if more else repeat(())
    columns, rows = list[str](), []
    for row, cells in zip(evaluation.answers.rows(evaluation.classes), others, strict=False):
        values = _cells(row, row["probability"] < evaluation.reject)
        columns = list(values)
        rows.append([*values.values(), *cells])
    return save(path, [*columns, *more], [rows])


def _cells(row: dict[str, Any], is_open: bool) -> dict[str, Any]:
    """Return a row of the table in the order of its columns; without the classes, if left open."""
    cells = {name: row[name] for name in ("image", "label", "class", "probability")}
    cells["correct"] = int(row["label"] == row["class"])
    cells |= row
    if is_open:
        cells |= {name: "" for name in _OPEN if name in cells}
    return cells
