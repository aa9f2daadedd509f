"""Images in: data sets by name, pictures of one's own, and how a network wants them.

:func:`load` finds a data set; ``dataset`` says what one is, and which images are to test on. By
name: ``sources`` has the digits inside the package and downloads the others, ``idx`` reads their
files. By path, ``own`` reads what ``folders`` or ``tables`` list and ``pictures`` decodes, or
numbers (``arrays``, ``array_files``, ``pixels``), into a ``collection``, as the load options there
say. ``preprocess`` turns bytes into what a network sees.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenet.arguments import MODEL_ENDING
from lenet.data.dataset import Dataset, Split, class_table, class_weights
from lenet.data.preprocess import Preprocessing
from lenet.data.sources import NAMES, load_named, plain_name
from lenet.errors import UsageError
from lenet.kinds import foreign_kind
from lenet.net import is_model_file, zoo
from lenet.net.words import did_you_mean, listed, shown
from lenet.run_folder import INFO, is_run

if TYPE_CHECKING:
    from lenet.data.collection import Collection

__all__ = [
    "NAMES",
    "Dataset",
    "Split",
    "class_table",
    "class_weights",
    "is_name",
    "load",
    "load_split",
    "read_collection",
]

Source = str | os.PathLike[str]


def load(
    source: Source,
    *,
    data_dir: Source | None = None,
    size: int | str | Sequence[int] | None = None,
    gray: bool = False,
    rgb: bool = False,
    skip_bad: bool = False,
    transpose: bool = False,
    label_from_name: str | None = None,
    group: str | None = None,
    split_seed: int = 0,
    fit: str | None = None,
) -> Dataset:
    """Load a data set by its name, or pictures of one's own by their path.

    A path leads to a folder with a folder of pictures for each class, perhaps below ``train``,
    ``val`` and ``test``; to a ``.csv`` of path,label[,split] or of pixels; to an ``.npz`` with
    images and labels; or to IDX, ``.npy`` or ``.npz`` files of one array each. Without a split, a
    fifth of each class is kept for testing, chosen by content.

    Args:
        source: ``digits`` (inside the package), ``mnist`` or ``fashion-mnist`` (downloaded
            once), or a path.
        data_dir: the folder that holds the IDX files already; without it, the folder in the
            environment variable ``LENET_DATA``, or else the cache, which is filled by download.
        size: of pictures of one's own, one number or (height, width); by default their own, or
            their median, at most 32.
        gray: make them grey.
        rgb: make them RGB; without either, they are RGB if one has colour.
        skip_bad: leave out files that cannot be read.
        transpose: swap rows and columns of images that come as numbers, as EMNIST needs it.
        label_from_name: the pattern of the files' names in a folder without folders for classes,
            such as ``"{label}_*"`` for ``cat_0001.png``: ``{label}`` is the class, ``*`` anything
            and ``#`` a number.
        group: what belongs together and is never on two sides of a split, as the frames of one film
            or the pictures of one person: a pattern such as ``"{group}_*"`` for the files' names or
            ``"{group}/*"`` for the folder that they lie in; or the title of a column of a ``.csv``.
        split_seed: draws another fifth for testing.
        fit: how a picture of other proportions gets the size: "stretch", "pad" (whole, with the
            pixels of its edges repeated outward), "crop" (its middle) or "border" (whole, on the
            median colour of its border); by default "stretch". A model remembers it.

    Raises:
        UsageError: there is no such data set or path, or a size that is none.
        DataError: files are missing, damaged, or do not belong together.
        DownloadError: no mirror delivered a file intact.
        OutputError: the cache folder for downloads cannot be written.
    """
    name = _name(source)
    if name not in NAMES:
        how = (size, gray, rgb, skip_bad, transpose, label_from_name, group, split_seed, fit)
        collection, title = read_collection(source, *how)
        return collection.dataset(title, _path(source))
    chosen = (size is not None, gray, rgb, skip_bad, transpose, label_from_name is not None)
    if any(chosen) or group is not None or split_seed or fit is not None:
        names = "size, gray, rgb, skip_bad, transpose, label_from_name, group, split_seed and fit"
        what = f"{names} are for pictures of your own"
        advice = f"leave them out, or write ./{name} for a folder of that name"
        raise UsageError(f"{what}, and {name} is ready; {advice}.")
    return load_named(name, data_dir)


def read_collection(source: Source, *given: Any, **options: Any) -> tuple[Collection, str]:
    """Read pictures of one's own and what to call them.

    Arguments and errors are those of :func:`load`, from ``size`` on.
    """
    path = _path(source)
    # What is read by name needs no decoder of pictures.
    from lenet.data import own
    from lenet.data.collection import LoadOptions

    return own.read(path, LoadOptions.of(*given, **options)), own.title(path)


def load_split(
    source: Source,
    classes: Sequence[str],
    input_shape: tuple[int, int, int],
    *,
    everything: bool = False,
    is_new: bool = False,
    preprocessing: Preprocessing | None = None,
    skip_bad: bool = False,
    transpose: bool = False,
    label_from_name: str | None = None,
    group: str | None = None,
    split_seed: int = 0,
    fit: str | None = None,
) -> Split:
    """Load pictures of one's own to test a model on, of its shape (C, H, W): a split, or all.

    Those that ``is_new`` says the model was not trained on are all taken, unless they have a test
    part of their own.
    With its ``preprocessing`` they become what ``lenet.predict`` makes of them; without, and with
    its ``fit``, what they were when the model was trained on them.
    """
    path = _path(source)
    from lenet.data import own
    from lenet.data.collection import LoadOptions

    channels, *size = input_shape
    is_grey, is_rgb = channels == 1, channels == 3
    options = LoadOptions.of(
        *(size, is_grey, is_rgb, skip_bad, transpose, label_from_name, group, split_seed),
        fit or "border",
    )
    if preprocessing is not None:
        options = replace(options, preprocessing=preprocessing.without_scaling)
    found = own.read(path, options)
    return found.split_for(classes, everything or (is_new and found.is_divided), path)


def is_name(source: Source) -> bool:
    """Is it the name of a data set, not a path?"""
    return _name(source) in NAMES


def _name(source: Source) -> str:
    if not isinstance(source, str | os.PathLike):
        advice = f"give {listed(NAMES, 'or')}, a path, or a lenet.Dataset of your arrays"
        raise UsageError(f"the data are of type {type(source).__name__}; {advice}.")
    return plain_name(os.fsdecode(source))


def _path(source: Source) -> str:
    """Return ``source`` as a path that exists and may hold pictures."""
    text, command = os.fsdecode(source), tuple[str, ...]()
    if is_model_file(text):
        what, advice = "a saved model", f"read it with lenet.Model.load({text!r})"
        command = "train", "DATA", "--net", text
    elif os.path.isdir(text) and any(Path(text).glob(f"*/{INFO}")):
        what, advice = "a folder of runs", "name a folder, .csv or .npz of pictures"
    elif kind := os.path.isfile(text) and foreign_kind(text):
        what, advice = kind.one, "name a folder, .csv or .npz of pictures"
    elif os.path.exists(text):
        if not is_run(text):
            return text
        what, advice = "the folder of a run", f"go on with lenet.resume({text!r})"
        command = "train", "--resume", text
        if models := sorted(Path(text).glob(f"*{MODEL_ENDING}")):  # the best before the last
            advice = f"read its model with lenet.Model.load({str(models[0])!r}), or {advice}"
    elif _name(text) in zoo.names() or "|" in text:
        what, command = "a network", ("train", "--net", text)
        advice = f'train it with lenet.train({text!r}, "digits"), or use lenet.explain({text!r})'
    else:
        raise UsageError(
            f"no data set is called {text!r}{did_you_mean(_name(text), NAMES)}; choose "
            f"{listed(NAMES, 'or')}, or name a folder, .csv or .npz that exists"
        )
    raise UsageError(f"{shown(text)} is {what}, no data set", remedy=advice, command=command)
