"""Pictures that were read once, kept so that the next start takes no time.

A file holds one collection: a line that says what it is, the length of a JSON header (8 bytes,
little-endian), the header, all images, all labels. The header has what they must be like, a
checksum, and a key made of the names, sizes and times of the files they came from: one that does
not fit, or is damaged in any way, is as good as none. Nothing here is ever an error.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

import numpy as np

from lenet import files
from lenet.data.collection import Collection
from lenet.data.pictures import open_regular
from lenet.data.sources import cache_folder
from lenet.errors import LenetError

#: Another number for another format, or other images from the same files.
_MAGIC: Final = b"lenet pictures 1\n"
_MAX_HEADER: Final = 16 << 20
#: Of different folders; the one that was not used for the longest time goes first.
_MOST_FILES: Final = 16
_PIECE: Final = 1 << 20


def place(source: str) -> Path:
    """The file that is for the pictures of ``source``, whatever tells it from others."""
    name = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return cache_folder() / "pictures" / f"{name}.pictures"


def load(path: Path, key: str) -> Collection | None:
    """What :func:`save` kept under the same key, or None."""
    try:
        with open_regular(path) as file:
            found = _read(file, key)
        os.utime(path)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, LenetError):
        return None
    return found


def save(path: Path, key: str, collection: Collection) -> None:
    """Keep a collection, if the folder for it can be written and has room."""
    images, labels = np.ascontiguousarray(collection.images), collection.labels.astype("<i8")
    pieces = [images.reshape(-1).data, labels.view(np.uint8).data]
    header = {
        "key": key,
        "shape": images.shape,
        "counts": collection.counts,
        "classes": collection.classes,
        "notes": collection.notes,
        "checksum": zlib.crc32(pieces[1], zlib.crc32(pieces[0])),
    }
    text = json.dumps(header).encode("ascii")
    with suppress(OSError, LenetError):
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_pieces(path, [_MAGIC, len(text).to_bytes(8, "little"), text, *pieces])
        _make_room(path.parent)


def _read(file: BufferedReader, key: str) -> Collection | None:
    if file.read(len(_MAGIC)) != _MAGIC:
        return None
    length = int.from_bytes(file.read(8), "little")
    if length > _MAX_HEADER:
        return None
    header: dict[str, Any] = json.loads(file.read(length))
    if header["key"] != key:
        return None
    count, channels, height, width = shape = tuple(map(int, header["shape"]))
    size = count * channels * height * width
    if os.fstat(file.fileno()).st_size != file.tell() + size + 8 * count or min(shape) < 1:
        return None
    images, labels = np.empty(size, np.uint8), np.empty(count, "<i8")
    checksum = _fill(file, labels.view(np.uint8).data, _fill(file, images.data, 0))
    if checksum != header["checksum"]:
        return None
    classes, notes = (tuple(map(str, header[name])) for name in ("classes", "notes"))
    first, second, third = map(int, header["counts"])
    if first + second + third != count or min(first, second, third) < 0:
        return None
    return Collection(
        images.reshape(shape),
        labels.astype(np.int64, copy=False),
        (first, second, third),
        classes,
        notes,
    )


def _fill(file: BufferedReader, view: memoryview, checksum: int) -> int:
    """Read as much as ``view`` holds; the checksum of all so far."""
    done = 0
    while done < len(view):
        piece = view[done : done + _PIECE]
        if file.readinto(piece) != len(piece):
            return -1
        checksum = zlib.crc32(piece, checksum)
        done += len(piece)
    return checksum


def _make_room(folder: Path) -> None:
    found = sorted(folder.glob("*.pictures"), key=lambda path: path.stat().st_mtime)
    for path in found[:-_MOST_FILES]:
        path.unlink(missing_ok=True)
