"""Many picture files, brought to one size, on all processors."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from lenet.data.collection import LoadOptions, Stack, bounded, middle, shaped
from lenet.data.dataset import Digests, digest
from lenet.data.decoder import ALLOWED, CLOSED, BadPictureError, Picture, decode_file
from lenet.data.folders import Entry, Listing
from lenet.data.ground import has_colour
from lenet.data.prepare import prepare_picture
from lenet.data.preprocess import Images, Size
from lenet.data.sources import progress_bar
from lenet.data.workers import in_order
from lenet.errors import DataError, path_text
from lenet.kinds import Kind, counted
from lenet.net.words import name_text

_LONG: Final = 500  # nobody waits long enough for fewer files to need a bar
_NAMED: Final = 3  # of files that cannot be read


@dataclass(frozen=True)
class Fault:
    """A file that cannot be read, why not (the predicate of a sentence), and what it is."""

    path: str
    reason: str
    kind: Kind

    @property
    def name(self) -> str:
        """Its path, for a message."""
        return path_text(self.path) if self.path.isprintable() else name_text(self.path)

    def to_dict(self) -> dict[str, str]:
        """Return it as values for JSON."""
        return {"file": self.path, "reason": self.reason}

    def __str__(self) -> str:
        return f"{self.name} {self.reason}"


def faults_text(faults: Sequence[Fault]) -> str:
    """Write each of a few faults; of more, how many files there are of each kind, and some."""
    if len(faults) <= _NAMED:
        return ", ".join(map(str, faults))
    firsts: dict[Kind, Fault] = {}
    for fault in faults:
        firsts.setdefault(fault.kind, fault)
    some = list(dict.fromkeys((*firsts.values(), *faults[:_NAMED])))
    names = ", ".join(fault.name for fault in some[:_NAMED])
    return f"{counted(fault.kind for fault in faults)}: {names}, ..."


@dataclass(frozen=True, eq=False)
class Decoded:
    """What a list of picture files became: N images, and a fault of each file that is none."""

    images: Images  # (N, C, H, W)
    kept: Sequence[int]  # (N,) the index of each image's file in the list
    digests: Digests  # (N,) of the pictures as they were, before any change of size or colour
    sizes: Sequence[Size]  # (N,) as they were
    coloured: int  # how many of the pictures have colour
    faults: Sequence[Fault]
    depths: frozenset[int] = frozenset()  # the bits of 16 that pictures use which have so many
    done: Sequence[tuple[str, ...]] = ()  # (N,) what was done to each for a model
    lost: int = 0  # how many of the pictures had more than a tint of colour and are grey now

    @property
    def depth(self) -> int | None:
        """How many bits became bytes; None where no picture has 16."""
        return max(self.depths, default=None)


@dataclass(frozen=True, eq=False, slots=True)
class Prepared:
    """One file's picture brought to one size, and what it was before."""

    image: Images  # (1, C, H, W)
    digest: int
    size: Size
    coloured: bool
    depth: int | None  # the bits of 16 that it uses; None of 8
    done: tuple[str, ...]
    is_lost: bool  # it had more than a tint of colour and is grey now


def decode(listing: Listing, options: LoadOptions) -> Decoded:
    """Read all files of a list: once, or twice where sizes differ, to bring them to the median.

    Pictures of 16 bits that use more or fewer of them are read twice, too: the most that one uses
    become the whole range of all.
    """
    with warnings.catch_warnings(action="ignore"):
        # Of the first picture that can be read; the others are tried in vain.
        tries = (_open(listing.root, (1, 1), entry) for entry in listing.entries)
        first = next((found.size for found in tries if isinstance(found, Picture)), (1, 1))
        size = options.size or bounded(first)
        decoded = _decode(listing, size, None, options)
        is_free = options.size is None and len(set(decoded.sizes)) > 1
        is_uneven = options.preprocessing is None and len(decoded.depths) > 1
        if is_free or is_uneven:
            size = bounded(middle(decoded.sizes)) if is_free else size
            decoded = _decode(listing, size, decoded.depth, options)
    if not decoded.kept:
        what = f"no file in {listing.root} can be read as a picture"
        raise DataError(f"{what}: {faults_text(decoded.faults)}; give {ALLOWED} files")
    return decoded


def reading_bar(count: int) -> AbstractContextManager[Callable[..., object]]:
    """Show how far reading so many pictures is, where that takes long."""
    title = f"reading {count:,} pictures"
    return progress_bar(title, count >= _LONG, total=count, transient=True)


def _decode(listing: Listing, size: Size, depth: int | None, options: LoadOptions) -> Decoded:
    """Read all files of a list to one size."""
    entries = listing.entries
    stack = Stack(len(entries), size, options.channels)
    kept, digests, sizes = [], [], []
    faults: list[Fault] = []
    done = []
    depths: set[int | None] = set()
    coloured = lost = 0
    # One object per size and per kind of preparation, not one per image.
    shared: dict[Size, Size] = {}
    words: dict[tuple[str, ...], tuple[str, ...]] = {}
    work = partial(read_entry, listing.root, size, depth, options)
    with reading_bar(len(entries)) as update:
        for number, found in enumerate(in_order(work, entries)):
            update(advance=1)
            if isinstance(found, Fault):
                faults.append(found)
                continue
            stack.add(found.image)
            kept.append(number)
            digests.append(found.digest)
            sizes.append(shared.setdefault(found.size, found.size))
            coloured += found.coloured
            lost += found.is_lost
            depths.add(found.depth)
            done.append(words.setdefault(found.done, found.done))
    known = frozenset(depth for depth in depths if depth)
    hashes = np.array(digests, np.uint64)
    return Decoded(stack.images, kept, hashes, sizes, coloured, faults, known, done, lost)


def read_entry(
    root: str, size: Size, depth: int | None, options: LoadOptions, entry: Entry
) -> Prepared | Fault:
    """Read one file and bring it to ``size``, in any thread; or say why it cannot be read.

    For a model, ``options`` has its preprocessing: the picture becomes what that wants.
    """
    picture = _open(root, size, entry)
    if isinstance(picture, Fault):
        return picture
    done: tuple[str, ...] = ()
    is_lost = False
    if options.preprocessing is not None:
        image, done = prepare_picture(picture, options.preprocessing)
    else:
        pixels, _ = picture.bytes_of(depth)
        is_lost = options.channels == 1 and has_colour(pixels)
        image = shaped(pixels[np.newaxis], size, options, picture.size)[0]
    used = None if picture.pixels.dtype == np.uint8 else picture.depth
    is_coloured = len(picture.pixels) == 3
    identity = digest(picture.identity)
    return Prepared(image[np.newaxis], identity, picture.size, is_coloured, used, done, is_lost)


def _open(root: str, wanted: Size, entry: Entry) -> Picture | Fault:
    try:
        if entry.fault:
            raise BadPictureError(entry.fault, kind=CLOSED)
        return decode_file(os.path.join(root, *entry.path.split("/")), wanted)
    except BadPictureError as error:
        return Fault(entry.path, error.fault, error.kind)
