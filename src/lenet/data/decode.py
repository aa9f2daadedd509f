"""Picture files to one array, many at a time: decoding lets other threads run.

Where all pictures have one size, and that is nearly always so, each file is opened once. The
first look at pictures that differ only measures them; a second brings them to their median.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from lenet.data.listing import Entry, Listing
from lenet.data.pictures import decode_picture, quiet_decoders
from lenet.data.preprocess import Images
from lenet.data.split import Digests, digest
from lenet.data.stack import Stack, shaped
from lenet.data.wishes import Size, Wishes, bounded, middle
from lenet.errors import DataError, PictureError
from lenet.net.words import name_text

_BATCH: Final = 32
#: Each holds a whole picture, and a photograph's takes some 100 MB on its way.
_MOST_THREADS: Final = 8
#: Nobody waits long enough for fewer files to need a bar.
_LONG: Final = 500


@dataclass(frozen=True, eq=False)
class Decoded:
    """What a list of picture files became.

    Attributes:
        images: (N, C, H, W) uint8, of the files that could be read.
        digests: (N,) of the pictures as they were, before any change of size or colour.
        kept: (files,) which files these are.
        faults: which of the others could not be read and why, in half a sentence each.
        coloured: how many of the pictures have colour.
        sizes: the smallest and the largest (height, width) there was, by area.
    """

    images: Images
    digests: Digests
    kept: npt.NDArray[np.bool_]
    faults: tuple[str, ...]
    coloured: int
    sizes: tuple[Size, Size]


class _Seen(NamedTuple):
    """One file: its picture as it goes on the stack, if it does; what it was; what is wrong."""

    image: Images | None
    digest: int = 0
    size: Size = (0, 0)
    colour: bool = False
    fault: str = ""


def decode(listing: Listing, wishes: Wishes) -> Decoded:
    """Read all files of a list.

    Raises:
        DataError: not one of them can be read, or they would not fit into memory.
    """
    with quiet_decoders():
        first = _first_size(listing)
        look = _Look(listing, wishes.channels, wishes.size or bounded(first))
        images = look.read(None if wishes.size else first)
        if images is None:
            target = middle([size for size in look.sizes if size != (0, 0)])
            look = _Look(listing, wishes.channels, target)
            images = look.read(None)
    assert images is not None
    sizes = sorted({size for size in look.sizes if size != (0, 0)}, key=lambda s: (s[0] * s[1], s))
    return Decoded(
        images,
        look.digests[look.kept],
        look.kept,
        tuple(look.faults),
        look.coloured,
        (sizes[0], sizes[-1]),
    )


class _Look:
    """One reading of all files, and what was seen."""

    def __init__(self, listing: Listing, channels: int | None, target: Size) -> None:
        count = len(listing.entries)
        self._listing, self._channels, self._target = listing, channels, target
        self.digests = np.zeros(count, np.uint64)
        self.kept = np.zeros(count, np.bool_)
        self.sizes: list[Size] = [(0, 0)] * count
        self.faults: list[str] = []
        self.coloured = 0

    def read(self, only: Size | None) -> Images | None:
        """The images, or None if one has another size than ``only``, where that is given."""
        entries = self._listing.entries
        stack: Stack | None = Stack(len(entries), self._target, self._channels)
        known: dict[Size, Size] = {}  # one object a size, not one an image

        def see(entry: Entry) -> _Seen:
            return self._see(entry, only if stack else (0, 0))

        with _bar(len(entries)) as advance:
            for number, seen in enumerate(_in_threads(see, entries)):
                if seen.fault:
                    self.faults.append(seen.fault)
                else:
                    self.digests[number], self.kept[number] = seen.digest, True
                    self.sizes[number] = known.setdefault(seen.size, seen.size)
                    self.coloured += seen.colour
                    if seen.image is None:
                        stack = None
                    elif stack:
                        stack.put(number, seen.image)
                advance()
        return stack.take(self.kept) if stack else None

    def _see(self, entry: Entry, only: Size | None) -> _Seen:
        """Read one file; its image is made if it has the size ``only``, or any where None."""
        try:
            picture = _open(self._listing.root, entry)
        except PictureError as error:
            return _Seen(None, fault=str(error))
        channels, height, width = picture.shape
        size, image = (height, width), None
        if only in (None, size):
            image = shaped(picture[np.newaxis], self._target, self._channels)
        return _Seen(image, digest(picture), size, channels == 3)


def _open(root: str, entry: Entry) -> Images:
    """Read one file.

    Raises:
        PictureError: saying in half a sentence which file cannot be read, and why.
    """
    name = name_text(entry.path)
    if entry.fault:
        raise PictureError(f"{name} {entry.fault}")
    try:
        return decode_picture(os.path.join(root, *entry.path.split("/")), name)
    except PictureError as error:
        raise PictureError(str(error).rpartition(";")[0]) from error


def _first_size(listing: Listing) -> Size:
    """(height, width) of the first picture that can be read."""
    why = ""
    for entry in listing.entries:
        try:
            _, height, width = _open(listing.root, entry).shape
        except PictureError as error:
            why = why or str(error)
            continue
        return height, width
    raise DataError(
        f"no file in {listing.root} can be read as a picture: {why}; give PNG, JPEG or BMP files"
    )


def _in_threads(see: Callable[[Entry], _Seen], entries: Sequence[Entry]) -> Iterator[_Seen]:
    """``map`` in threads, in order, with only so much ahead as keeps them busy."""
    threads = min(os.cpu_count() or 1, _MOST_THREADS)
    batches = (entries[i : i + _BATCH] for i in range(0, len(entries), _BATCH))
    pool = ThreadPoolExecutor(threads)

    def work(batch: Sequence[Entry]) -> list[_Seen]:
        return [see(entry) for entry in batch]

    try:
        waiting: deque[Future[list[_Seen]]] = deque()
        waiting.extend(pool.submit(work, batch) for batch in islice(batches, 2 * threads))
        while waiting:
            yield from waiting.popleft().result()
            waiting.extend(pool.submit(work, batch) for batch in islice(batches, 1))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _bar(count: int) -> Iterator[Callable[[], object]]:
    """A bar on stderr if a person is watching; gives what moves it on by one."""
    if count < _LONG or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"reading {count:,} pictures", total=count)
        yield lambda: progress.advance(task)
