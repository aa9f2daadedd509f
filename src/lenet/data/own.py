"""Pictures of one's own, by path: a folder, a table (``.csv``) or an array file (``.npz``).

Picture files that were decoded once are kept in the cache, so that the next start takes no time.
A cache file holds one collection: a line that says what it is, the length of a JSON header (8
bytes, little-endian), the header, all images, all labels, all digests, and as JSON all files'
paths, what was done to each, their groups and sizes, and what those to test on are near-copies of.
The header has what they must be like, a checksum, and a key made of the names, sizes and times of
the files they came from. A cache file that does not fit, or is damaged in any way, is as good as
none: it is never an error.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from functools import reduce
from io import BufferedReader
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import PIL
from PIL import features

from lenet import files
from lenet.data import array_files, arrays
from lenet.data.collection import DEFAULT_FIT, Collection, LoadOptions, by_area
from lenet.data.folders import Listing, list_by_name, list_pictures, look_into
from lenet.data.groups import grouped, is_pattern, with_groups
from lenet.data.pictures import Decoded, decode, faults_text
from lenet.data.pixels import read_pixels
from lenet.data.preprocess import read_fit
from lenet.data.sources import cache_folder
from lenet.data.tables import list_files, look_at_start
from lenet.errors import DataError, LenetError, OutputError, reason
from lenet.net.shapes import pair_text
from lenet.net.words import name_text

_DECODERS: Final = ("jpg", "zlib", "libtiff", "webp")
#: Another number for another format, or other images from the same files.
_CACHE_MAGIC: Final = b"lenet pictures 9\n"
#: Of a set's pictures with colours that are made grey; with more, all of them count as coloured.
_FEW: Final = 0.005
_MAX_HEADER: Final = 16 << 20
#: Cache files of different folders; the one that was not used for the longest time goes first.
_MOST_FILES: Final = 16
#: Seconds after which a file that is half written is nobody's any more.
_LONGEST_WRITING: Final = 3_600


def read(path: str, options: LoadOptions) -> Collection:
    """Read all that is there; picture files that were read before come out of the cache."""
    if os.path.isdir(path):
        return _read_folder(path, options)
    if options.label_from_name is not None:
        what = f"{path} is no folder, and label_from_name is for the pictures in one"
        raise DataError(f"{what}; leave it out", parameter="label_from_name")
    try:
        file = files.open_regular(path)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        advice = "give a folder, a .csv or an .npz file"
        raise DataError(f"cannot read {path}: {reason(error)}; {advice}") from error
    with file:
        is_array = array_files.is_array_file(path)
        if is_array or file.peek(2)[:2] == arrays.NPZ_MAGIC:
            _refuse_group(path, options)
        if is_array:
            return _hinted(array_files.read_beside(path, options), path, options)
        if file.peek(2)[:2] == arrays.NPZ_MAGIC:
            return _hinted(arrays.read(path, file, options), path, options)
        start = look_at_start(path, file)
        if start.has_pixels:
            _refuse_group(path, options)
            return _hinted(read_pixels(path, file, start, options), path, options)
        column = None if options.group and is_pattern(options.group) else options.group
        listing = list_files(path, file, start, column)
        listing = listing if column == options.group else with_groups(listing, options.group or "")
        return _read_listing(listing, path, options)


def _refuse_group(path: str, options: LoadOptions) -> None:
    """Refuse groups of images that are numbers, which have no names and no other columns."""
    if options.group is not None:
        what = f"{path} has images as numbers, and group is for pictures in files"
        advice = "leave it out, or give a folder, or a .csv of path,label and the group"
        raise DataError(f"{what}; {advice}", parameter="group")


def _read_folder(path: str, options: LoadOptions) -> Collection:
    root = os.path.realpath(path)
    if options.label_from_name is not None:
        named = list_by_name(root, options.label_from_name)
        return _read_listing(grouped(named, path, options.group), path, options)
    folders, names = look_into(root)
    if not folders and (collection := array_files.read_folder(path, names, options)):
        _refuse_group(path, options)
        return _hinted(collection, path, options)
    if len(folders) == 1 and not names:
        inner = os.path.join(path, folders[0])
        if any(
            array_files.is_array_file(os.path.join(inner, name)) for name in look_into(inner)[1]
        ):
            what = f"{path} holds one folder, {name_text(folders[0])}, with files of arrays in it"
            raise DataError(f"{what}; give {inner}")
    return _read_listing(grouped(list_pictures(root, path), path, options.group), path, options)


def _hinted(collection: Collection, path: str, options: LoadOptions) -> Collection:
    """Say of EMNIST that its images lie on their side, where nobody asked to turn them."""
    names = [path, *collection.notes[:1]]
    if options.transpose or not any("emnist" in name.casefold() for name in names):
        return collection
    note = "EMNIST has rows and columns of its images swapped; the option transpose sets them right"
    return replace(collection, notes=(*collection.notes, note))


def title(path: str) -> str:
    """Return what to call the data: the folder's name, or the file's without its ending.

    Of a file that is a part of a data set, only the words count that all its files have.
    """
    real = Path(os.path.realpath(path))
    name = real.name if real.is_dir() else array_files.set_name(str(real)) or real.stem
    return name[:60] if name and name.isprintable() else "pictures"


def _read_listing(listing: Listing, path: str, options: LoadOptions) -> Collection:
    if options.transpose:
        what = f"{path} has picture files, and transpose is for images that come as numbers"
        raise DataError(f"{what}; leave it out", parameter="transpose")
    key, place = _key(listing, options), None
    with suppress(OutputError):  # nowhere to keep it
        place = cache_place(f"{os.path.realpath(path)}\n{options}")
    if place is None or (collection := load_cache(place, key)) is None:
        collection = _collect(listing, decode(listing, options), options)
        if place is not None:
            save_cache(place, key, collection)
    return collection


def _key(listing: Listing, options: LoadOptions) -> str:
    """Return what is the same for the same files, as far as names, sizes and times tell."""
    decoders = [PIL.__version__, *map(str, map(features.version, _DECODERS))]
    state = hashlib.sha256()
    for part in chain([(decoders, options, listing.notes)], listing.entries):
        state.update(repr(part).encode("utf-8", "backslashreplace"))
    return state.hexdigest()


def _collect(listing: Listing, decoded: Decoded, options: LoadOptions) -> Collection:
    faults = faults_text(decoded.faults)
    if faults and not options.skip_bad:
        share = f"{len(decoded.faults):,} of {len(listing.entries):,} pictures in {listing.root}"
        advice = "mend or remove them, or leave them out with skip_bad=True"
        raise DataError(f"{share} cannot be read: {faults}; {advice}", parameter="skip_bad")
    kept = [listing.entries[index] for index in decoded.kept]
    labels = [entry.label for entry in kept]
    if lost := set(listing.classes).difference(labels):
        what = f"no picture of class {min(lost)!r} in {listing.root} can be read"
        raise DataError(f"{what}: {faults}; mend them")
    left_out = [f"left out, because they cannot be read: {faults}"] if faults else []
    found = Collection.of(
        decoded.images,
        labels,
        np.array([entry.split for entry in kept]),
        digests=decoded.digests,
        name=lambda index: kept[index].path,
        notes=[*listing.notes, *left_out, *_notes(decoded, options)],
        files=True,
        depth=decoded.depth,
        prepared=None if options.preprocessing is None else decoded.done,
        groups=None if options.group is None else [entry.group for entry in kept],
        split_seed=options.split_seed,
        sizes=decoded.sizes,
    )
    has_colours = decoded.lost > _FEW * len(kept)
    return replace(found, has_colours=has_colours, fit=options.fit or DEFAULT_FIT)


def _notes(decoded: Decoded, options: LoadOptions) -> list[str]:
    notes = []
    count, _, *size = decoded.images.shape
    ordered = by_area(decoded.sizes)
    if options.size is None and ordered != [tuple(size)]:
        sizes = " to ".join(dict.fromkeys(map(pair_text, (ordered[0], ordered[-1]))))
        become = f"become {pair_text((size[0], size[1]))}"
        notes.append(f"pictures of {sizes} {become}; the option size chooses another")
    if options.channels is None and 0 < decoded.coloured < count:
        share = f"{decoded.coloured:,} of {count:,} pictures have colour"
        notes.append(f"{share}, so all become RGB; the option gray makes all grey")
    if decoded.depth and decoded.depth < 16:
        most = (1 << decoded.depth) - 1
        notes.append(
            f"pictures of 16 bits use {decoded.depth} of them: 0 to {most:,} become 0 to 255"
        )
    return notes


def cache_place(source: str) -> Path:
    """Return the file for the pictures of ``source``, whatever tells it from others."""
    name = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return cache_folder() / "pictures" / f"{name}.pictures"


def load_cache(path: Path, key: str) -> Collection | None:
    """Return what :func:`save_cache` kept under the same key, or None."""
    try:
        with files.open_regular(path) as file:
            collection = _read_cache(file, key)
        os.utime(path)
        return collection
    except (OSError, ArithmeticError, ValueError, KeyError, TypeError, RecursionError, LenetError):
        return None


def save_cache(path: Path, key: str, collection: Collection) -> None:
    """Keep a collection, if the folder for it can be written and has room."""
    images, labels = np.ascontiguousarray(collection.images), collection.labels.astype("<i8")
    digests = collection.digests.astype("<u8")
    near = None if collection.near_copies is None else collection.near_copies.tolist()
    lists = [collection.files, collection.prepared, collection.groups, collection.sizes, near]
    texts = json.dumps(lists).encode("ascii")
    numbers = [array.view(np.uint8).data for array in (labels, digests)]
    pieces = [images.reshape(-1).data, *numbers, memoryview(texts)]
    header = {
        "key": key,
        "shape": images.shape,
        "counts": collection.counts,
        "classes": collection.classes,
        "notes": collection.notes,
        "depth": collection.depth,
        "has_colours": collection.has_colours,
        "is_divided": collection.is_divided,
        "fit": collection.fit,
        "texts": len(texts),
        "checksum": _checksum(pieces),
    }
    text = json.dumps(header).encode("ascii")
    with suppress(OSError, LenetError):
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_pieces(path, [_CACHE_MAGIC, len(text).to_bytes(8, "little"), text, *pieces])
        kept = sorted(path.parent.glob("*.pictures"), key=lambda other: other.stat().st_mtime)
        halves = path.parent.glob(".*.pictures.*")  # of processes that were killed
        old = (half for half in halves if time.time() - half.stat().st_mtime > _LONGEST_WRITING)
        for file in (*kept[:-_MOST_FILES], *old):
            file.unlink(missing_ok=True)


def _checksum(pieces: Iterable[memoryview]) -> int:
    return reduce(lambda before, piece: zlib.crc32(piece, before), pieces, 0)


def _read_cache(file: BufferedReader, key: str) -> Collection | None:
    is_ours, length = file.read(len(_CACHE_MAGIC)) == _CACHE_MAGIC, file.read(8)
    if not is_ours or (header_size := int.from_bytes(length, "little")) > _MAX_HEADER:
        return None
    header: dict[str, Any] = json.loads(file.read(header_size))
    count, channels, height, width = shape = tuple(map(int, header["shape"]))
    size = count * channels * height * width
    train, validation, test = counts = tuple(map(int, header["counts"]))
    there = os.fstat(file.fileno()).st_size - file.tell()
    text_size = int(header["texts"])
    fits = there == size + 16 * count + text_size and sum(counts) == count
    if header["key"] != key or not fits or min((*shape, text_size)) < 1 or min(counts) < 0:
        return None
    images, labels = np.empty(size, np.uint8), np.empty(count, "<i8")
    digests = np.empty(count, "<u8")
    numbers = [array.view(np.uint8).data for array in (images, labels, digests)]
    pieces = [*numbers, memoryview(bytearray(text_size))]
    for piece in pieces:
        file.readinto(piece)
    if _checksum(pieces) != header["checksum"]:
        return None
    classes, notes = (tuple(map(str, header[name])) for name in ("classes", "notes"))
    *lists, near = json.loads(bytes(pieces[-1]))
    lengths = [*((values, count) for values in lists), (near, test)]
    if any(values is not None and len(values) != length for values, length in lengths):
        return None
    paths, prepared, groups, sizes = lists
    return Collection(
        images.reshape(shape),
        labels.astype(np.int64, copy=False),
        digests.astype(np.uint64, copy=False),
        (train, validation, test),
        classes,
        notes,
        paths and tuple(map(str, paths)),
        None if header["depth"] is None else int(header["depth"]),
        prepared and tuple(tuple(map(str, done)) for done in prepared),
        groups and tuple(map(str, groups)),
        None if near is None else np.array(near, np.int64),
        sizes and tuple((int(height), int(width)) for height, width in sizes),
        bool(header["has_colours"]),
        header["fit"] and read_fit(header["fit"]),
        bool(header["is_divided"]),
    )
