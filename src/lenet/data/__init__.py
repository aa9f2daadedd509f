"""Images in: data sets by name, pictures from files, and how a network wants them.

``load`` finds a data set, ``dataset`` says what one is, ``digits`` ships with the package,
``sources`` downloads the others, ``idx`` reads their files, ``preprocess`` turns bytes into what
a network sees, ``pictures`` brings a foreign picture to that form.
"""

from __future__ import annotations

import difflib
import os

from lenet.data import digits, sources
from lenet.data.dataset import Dataset, Part
from lenet.errors import UsageError

__all__ = ["Dataset", "Part", "load"]


def load(source: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Load a data set by its name.

    Args:
        source: ``digits`` (inside the package), ``mnist`` or ``fashion-mnist`` (downloaded once).
        data_dir: the folder that holds the IDX files already; without it, the folder in the
            environment variable ``LENET_DATA``, or else the cache, which is filled by download.

    Raises:
        UsageError: no data set has that name.
        DataError: files are missing from the folder, damaged, or do not belong together.
        DownloadError: no mirror delivered a file intact.
        OutputError: the cache folder cannot be written.
    """
    name = os.fspath(source).strip().lower().replace("_", "-")
    if name == digits.NAME:
        return digits.load()
    if name in sources.SOURCES:
        return sources.load(name, data_dir)
    names = [digits.NAME, *sources.SOURCES]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    allowed = f"{', '.join(names[:-1])} or {names[-1]}"
    raise UsageError(f"no data set is called {os.fspath(source)!r}: choose {allowed}{hint}")
