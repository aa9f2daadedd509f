"""Pictures of one's own, by path: a folder, a table (``.csv``) or an array file (``.npz``)."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

import PIL
from PIL import features

from lenet.data import arrays, cache, pixels, tables
from lenet.data.collection import Collection
from lenet.data.decode import Decoded, decode
from lenet.data.folders import list_pictures
from lenet.data.listing import Listing
from lenet.data.pictures import open_regular
from lenet.data.wishes import Wishes
from lenet.errors import DataError

_ZIP_MAGIC: Final = b"PK"


def read(path: str, wishes: Wishes) -> Collection:
    """Read all that is there; what was read before comes out of the cache.

    Args:
        path: a folder with a folder a class (perhaps below train/, val/ and test/), a table
            that lists files or holds pixels, or an .npz file with images and labels.
        wishes: how to read it.

    Raises:
        DataError: what is there is no labelled pictures, or some cannot be read.
    """
    if os.path.isdir(path):
        return _read_listing(list_pictures(os.path.realpath(path)), path, wishes)
    try:
        file = open_regular(path)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise DataError(
            f"cannot read {path}: {reason}; give a folder, a .csv or an .npz file"
        ) from error
    with file:
        if file.peek(2)[:2] == _ZIP_MAGIC:
            return arrays.read(path, file, wishes)
        start = tables.look_at_start(path, file)
        if start.has_pixels:
            return pixels.read(path, file, start, wishes)
        return _read_listing(tables.list_files(path, file, start), path, wishes)


def title(path: str) -> str:
    """What to call the data: the folder's name, or the file's without its ending."""
    real = Path(os.path.realpath(path))
    name = real.name if real.is_dir() else real.stem
    return name[:60] if name and name.isprintable() else "pictures"


def _read_listing(listing: Listing, path: str, wishes: Wishes) -> Collection:
    kept = cache.place(f"{os.path.realpath(path)}\n{wishes}")
    key = _key(listing, wishes)
    found = cache.load(kept, key)
    if found is None:
        found = _collected(listing, decode(listing, wishes), wishes)
        cache.save(kept, key, found)
    return found


def _key(listing: Listing, wishes: Wishes) -> str:
    """Is the same for the same files, as far as their names, sizes and times tell."""
    state = hashlib.sha256()
    decoders = [PIL.__version__, *map(str, map(features.version, ("jpg", "zlib")))]
    state.update(repr((decoders, wishes, listing.notes)).encode("utf-8", "backslashreplace"))
    for entry in listing.entries:
        state.update(repr(tuple(entry)).encode("utf-8", "backslashreplace"))
    return state.hexdigest()


def _collected(listing: Listing, found: Decoded, wishes: Wishes) -> Collection:
    entries = listing.entries
    if found.faults and not wishes.skip_bad:
        raise DataError(
            f"{len(found.faults):,} of {len(entries):,} pictures in {listing.root} cannot be "
            f"read: {_first(found.faults)}; mend or remove them, or leave them out with --skip-bad"
        )
    names = [entry.path for entry, kept in zip(entries, found.kept, strict=True) if kept]
    labels = listing.labels[found.kept]
    if lost := set(range(len(listing.classes))) - set(labels.tolist()):
        raise DataError(
            f"no picture of class {listing.classes[min(lost)]!r} in {listing.root} can be read: "
            f"{_first(found.faults)}; mend them"
        )
    return Collection.of(
        found.images,
        labels,
        listing.parts[found.kept],
        listing.classes,
        digests=found.digests,
        name=lambda index: names[index],
        notes=[*listing.notes, *_notes(found, wishes)],
    )


def _notes(found: Decoded, wishes: Wishes) -> list[str]:
    notes = []
    if found.faults:
        notes.append(f"left out, for they cannot be read: {_first(found.faults)}")
    small, large = found.sizes
    target = found.images.shape[2:]
    if wishes.size is None and not small == large == target:
        span = f"{small[0]}x{small[1]}"
        if small != large:
            span += f" to {large[0]}x{large[1]}"
        notes.append(
            f"pictures of {span} become {target[0]}x{target[1]}, their proportions kept; --size "
            "says otherwise"
        )
    count = len(found.images)
    if wishes.channels is None and 0 < found.coloured < count:
        notes.append(
            f"{found.coloured:,} of {count:,} pictures have colour, so all become RGB; --gray "
            "makes all grey"
        )
    return notes


def _first(faults: tuple[str, ...]) -> str:
    return ", ".join(faults[:3]) + f" and {len(faults) - 3:,} more" * (len(faults) > 3)
