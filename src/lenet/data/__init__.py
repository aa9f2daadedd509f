"""Images in: data sets by name, pictures of one's own, and how a network wants them.

``load`` finds a data set, ``dataset`` says what one is, ``digits`` ships with the package,
``sources`` downloads the others, ``idx`` reads their files. What a path leads to is read by
``own``: ``folders`` and ``tables`` list picture files (``listing``, ``names``), ``decode`` reads
them (``stack``), ``pixels`` and ``arrays`` hold images themselves (``scale``); ``split`` says which
are to test on, ``collection`` is all of it in order, ``findings`` what stands out, ``cache`` keeps
it. ``wishes`` are a person's about size and colour. ``preprocess`` turns bytes into what a network
sees, ``pictures`` brings a foreign picture to that form, ``weights`` evens classes out.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence

from lenet.data import digits, sources
from lenet.data.dataset import Dataset, Split
from lenet.errors import UsageError

__all__ = ["NAMES", "Dataset", "Split", "is_name", "load", "load_split"]

NAMES = (digits.NAME, *sources.SOURCES)
"""The data sets that have a name."""

Source = str | os.PathLike[str]


def load(
    source: Source,
    data_dir: Source | None = None,
    *,
    size: int | str | Sequence[int] | None = None,
    gray: bool = False,
    rgb: bool = False,
    skip_bad: bool = False,
) -> Dataset:
    """Load a data set by its name, or pictures of one's own by their path.

    A path leads to a folder with a folder of pictures for each class, perhaps below ``train``,
    ``val`` and ``test``; to a ``.csv`` of path,label[,split] or of pixels; or to an ``.npz`` with
    images and labels. Without a split, a fifth is kept for testing, chosen by content.

    Args:
        source: ``digits`` (inside the package), ``mnist`` or ``fashion-mnist`` (downloaded
            once), or a path.
        data_dir: the folder that holds the IDX files already; without it, the folder in the
            environment variable ``LENET_DATA``, or else the cache, which is filled by download.
        size: of pictures of one's own, one number or (height, width); by default their own, or
            their median, at most 64.
        gray: make them grey.
        rgb: make them RGB; without either, they are RGB if one has colour.
        skip_bad: leave out files that cannot be read.

    Raises:
        UsageError: there is no such data set or path, or a size that is none.
        DataError: files are missing, damaged, or do not belong together.
        DownloadError: no mirror delivered a file intact.
        OutputError: the cache folder for downloads cannot be written.
    """
    name = _name(source)
    wished = size is not None or gray or rgb or skip_bad
    if name in NAMES and wished:
        raise UsageError(
            f"size, gray, rgb and skip-bad are for pictures of your own, and {name} is ready as it "
            f"is; leave them out, or write ./{name} for a folder of that name."
        )
    if name == digits.NAME:
        return digits.load()
    if name in sources.SOURCES:
        return sources.load(name, data_dir)
    path = _path(source)
    # imported here: pictures need a decoder, and what is read by name needs none
    from lenet.data import own
    from lenet.data.wishes import Wishes

    return own.read(path, Wishes.of(size, gray, rgb, skip_bad)).dataset(own.title(path), path)


def load_split(
    source: Source,
    classes: Sequence[str],
    input_shape: tuple[int, int, int],
    *,
    everything: bool = False,
    skip_bad: bool = False,
) -> Split:
    """Pictures of one's own to test a model on: the part to test on, or all.

    Args:
        source: a path, as :func:`load` takes it.
        classes: the model's, whose order the labels follow.
        input_shape: the model's (C, H, W), which the pictures are brought to.
        everything: take the pictures to train on, too.
        skip_bad: leave out files that cannot be read.

    Raises:
        UsageError: there is no such path.
        DataError: as :func:`load`, or a class that the model does not have.
    """
    path = _path(source)
    from lenet.data import own
    from lenet.data.wishes import Wishes

    channels, *size = input_shape
    wishes = Wishes.of(size, channels == 1, channels == 3, skip_bad)
    return own.read(path, wishes).part(classes, everything, path)


def is_name(source: Source) -> bool:
    """Is it the name of a data set, not a path?"""
    return _name(source) in NAMES


def _name(source: Source) -> str:
    return os.fsdecode(source).strip().lower().replace("_", "-")


def _path(source: Source) -> str:
    """``source`` as a path that exists.

    Raises:
        UsageError: nothing is there.
    """
    text = os.fsdecode(source)
    if os.path.exists(text):
        return text
    close = difflib.get_close_matches(_name(source), NAMES, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    allowed = f"{', '.join(NAMES[:-1])} or {NAMES[-1]}"
    raise UsageError(
        f"no data set is called {text!r}: choose {allowed}, or name a folder, .csv or .npz that "
        f"exists{hint}"
    )
