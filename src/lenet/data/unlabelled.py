"""Images that ask for an answer: whatever ``lenet.predict`` is given, read a batch at a time.

A picture, a folder of pictures with all below it, a list of files (a table with a column of paths,
or a text with a path in each line), or images as numbers: ``.npy``, ``.npz``, IDX, and tables of
pixels with labels or without. A ``.parquet`` file may have any of these in a column. What a file
is, its content says. A file that cannot be read does not stop the others.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice
from typing import IO, Any, Final, TypeVar

import numpy as np
from PIL import Image

from lenet.data import idx, parquet
from lenet.data.arrays import NPY_MAGIC, NPZ_MAGIC, Array, image_arrays
from lenet.data.dataset import TRAIN
from lenet.data.decoder import (
    CLOSED,
    BadPictureError,
    Picture,
    decode_bytes,
    decode_file,
    decode_image,
    read_stream,
)
from lenet.data.folders import look_at, look_into
from lenet.data.pictures import Fault
from lenet.data.pixels import read_unlabelled as read_pixel_table
from lenet.data.prepare import prepare_picture
from lenet.data.preprocess import (
    Images,
    Preprocessing,
    Size,
    channels_first,
    to_bytes,
    unrolled,
)
from lenet.data.tables import list_paths, look_at_start
from lenet.data.workers import in_order
from lenet.errors import DataError, path_text
from lenet.files import open_regular, read_start
from lenet.kinds import NUMBERS, START
from lenet.net.words import natural

BATCH: Final = 256  # images, or files that are to be some
T = TypeVar("T")
#: A picture that needs no path.
InMemory = bytes | IO[bytes] | Image.Image
_LIST_ADVICE: Final = "give a column of paths, or a path in each line"
#: Endings of what is text and may be a list of files.
_LISTS: Final = (".csv", ".tsv", ".txt", ".lst", ".list")


@dataclass(frozen=True, eq=False)
class Batch:
    """Images as a network wants them, (n, C, H, W), what to call them, and what was done."""

    names: Sequence[str]
    images: Images
    done: Sequence[str]


@dataclass(frozen=True, slots=True)
class File:
    """A file that is to be a picture: what to call it, and why it is not to be opened."""

    name: str
    path: str
    fault: str = ""
    content: Any = None  # where it is no file of its own: bytes, an open file, or Pillow's image


@dataclass(frozen=True, slots=True)
class Numbers:
    """A file of images as numbers."""

    path: str
    start: bytes


def read_unlabelled(
    sources: Iterable[str | os.PathLike[str] | File],
    preprocessing: Preprocessing,
    skip: Skip | None = None,
    read: Callable[[Iterable[File], Preprocessing], Iterable[T]] | None = None,
) -> Iterator[Batch | Fault | T]:
    """Yield the images of files and folders, in order, and what cannot be read.

    A source is a path, or what :func:`in_memory` made of a picture.

    The faults in a batch of files come before the images. After a batch, what was yielded so far
    can be skipped at another time: images and faults together. Whoever has another way to
    ``read`` files gives it.

    Raises:
        DataError: a list, a table or a file of numbers is damaged; a picture raises nothing.
    """
    left = Skip() if skip is None else skip
    found = (
        item
        for source in sources
        for item in ([source] if isinstance(source, File) else _expanded(os.fspath(source)))
    )
    for kind, group in groupby(found, type):
        if kind is File:
            files = (
                item
                for item in group
                if isinstance(item, File)
                and item.path not in left.aside
                and not left.takes(item.name)
            )
            yield from (read or read_files)(files, preprocessing)
            continue
        for item in group:
            if isinstance(item, Numbers):
                yield from _read_numbers(item, preprocessing, left)


def is_picture(source: object) -> bool:
    """Is it the bytes of a picture, an open file, or an image of Pillow's?"""
    kinds = bytes | bytearray | memoryview | Image.Image
    return isinstance(source, kinds) or callable(getattr(source, "read", None))


def in_memory(picture: Any, name: str) -> File:
    """Return such a picture as a file; if it has no name of its own, it is called ``name``."""
    if isinstance(picture, bytearray | memoryview):
        picture = bytes(picture)
    own = getattr(picture, "filename" if isinstance(picture, Image.Image) else "name", "")
    return File(own if isinstance(own, str) and own else name, "", content=picture)


class ChangedError(DataError):
    """The images that are to be skipped are no longer those of before."""


@dataclass
class Skip:
    """How many images and files are yet to be left out, and what the last may be called.

    ``aside`` are the real paths of files that are no pictures, such as those that are written.
    """

    count: int = 0
    ends: Container[str] = ()
    aside: Container[str] = ()

    def takes(self, name: str, count: int = 1) -> bool:
        """Are so many left out, the last of them of this name?

        Raises:
            ChangedError: it is no end, or there is none here.
        """
        if not self.count:
            return False
        self.count -= count
        if self.count < 0 or (not self.count and name not in self.ends):
            raise ChangedError(f"{path_text(name)} is not what was read before.")
        return True

    def check(self) -> None:
        """Raise a ChangedError, if there were fewer."""
        if self.count:
            raise ChangedError("there are fewer images than were read before.")


def _expanded(path: str) -> Iterator[File | Numbers]:
    """Yield what a path stands for: itself, or what a folder or a list holds."""
    if os.path.isdir(path):
        file = None
        for file in _below(path):
            yield file
        if file is None:
            raise DataError(f"the folder {path_text(path)} has no files; name one with pictures")
        return
    start = _start(path)
    if start.startswith(parquet.MAGIC):
        yield from _in_parquet(path, start)
    elif _holds_numbers(start):
        yield Numbers(path, start)
    elif start and os.path.splitext(path)[1].lower() in _LISTS:
        yield from _listed(path, start)
    else:
        yield File(path, path)


def _in_parquet(path: str, start: bytes) -> Iterator[File | Numbers]:
    """Yield what a Parquet file holds: pictures, paths of pictures, or numbers."""
    table = parquet.Table(path)
    if table.kind == parquet.PIXELS:
        yield Numbers(path, start)
        return
    for row, value in enumerate(table.values()):
        name = f"{path}[{row}]"
        if value is None:
            yield File(name, path, "is empty")
        elif isinstance(value, bytes):
            yield File(name, "", content=value)
        else:
            yield _near(path, value)


def _near(path: str, text: str) -> File:
    """Return the file that a list names: from the list's folder, or from the present one."""
    near = os.path.join(os.path.dirname(path), text)
    return File(text, near if os.path.lexists(near) else text)


def _start(path: str) -> bytes:
    try:
        return read_start(path, START)
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        return b""


def _holds_numbers(start: bytes) -> bool:
    """Does a file that begins so hold images as numbers, and is no table?"""
    is_npz = start.startswith(NPZ_MAGIC) and b".npy" in start
    is_idx = len(start) > 2 and idx.looks_like_idx(start)
    return is_npz or is_idx or start.startswith((NPY_MAGIC, parquet.MAGIC))


def _below(root: str) -> Iterator[File]:
    """Yield the files of a folder and of all folders in it, in the order of their names."""
    real = os.path.realpath(root)
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        folders, files = look_into(os.path.join(real, folder))
        for name in sorted(files, key=natural):
            below = f"{folder}/{name}" if folder else name
            fault = look_at(real, below, "", TRAIN).fault
            yield File(os.path.join(root, below), os.path.join(real, below), fault)
        waiting += [
            f"{folder}/{name}" if folder else name
            for name in sorted(folders, key=natural, reverse=True)
        ]


def _listed(path: str, start: bytes) -> Iterator[File | Numbers]:
    """Yield the files that a list names; paths start from its folder, or from the present one."""
    with open_regular(path) as file:
        table = look_at_start(path, file, _LIST_ADVICE)
        if table.has_pixels:
            yield Numbers(path, start)
            return
        text = None
        for text in list_paths(path, file, table):
            yield _near(path, text)
        if text is None:
            raise DataError(f"{path_text(path)} lists no files; {_LIST_ADVICE}")


def read_files(files: Iterable[File], preprocessing: Preprocessing) -> Iterator[Batch | Fault]:
    """Yield the images of files, as :func:`read_unlabelled` does."""
    work = partial(_read_file, preprocessing)
    found = in_order(work, files)
    while some := _quietly(found):
        yield from (one for one in some if isinstance(one, Fault))
        if read := [one for one in some if not isinstance(one, Fault)]:
            names, images, done = zip(*read, strict=True)
            yield Batch(names, np.stack(images), done)


def _quietly(found: Iterator[T]) -> list[T]:
    """Return the next ones. Small faults in files that can be read are not worth a warning."""
    with warnings.catch_warnings(action="ignore"):
        return list(islice(found, BATCH))


def _read_file(preprocessing: Preprocessing, file: File) -> tuple[str, Images, str] | Fault:
    _, height, width = preprocessing.input_shape
    try:
        if file.fault:
            raise BadPictureError(file.fault, kind=CLOSED)
        image, done = prepare_picture(decoded(file, (height, width)), preprocessing)
    except BadPictureError as error:
        if not file.fault and _holds_numbers(_start(file.path)):
            return Fault(file.name, "holds images as numbers, to be given by itself", NUMBERS)
        return Fault(file.name, error.fault, error.kind)
    return file.name, image, ", ".join(done)


def decoded(file: File, size: Size) -> Picture:
    """Return the picture of a file, as :func:`decode_file` does."""
    if file.content is None:
        return decode_file(file.path, size)
    if isinstance(file.content, Image.Image):
        return decode_image(file.content)
    if isinstance(file.content, bytes):
        return decode_bytes(file.content, size)
    return decode_bytes(read_stream(file.content), size)


def _read_numbers(item: Numbers, preprocessing: Preprocessing, left: Skip) -> Iterator[Batch]:
    path, start = item.path, item.start
    if start.startswith(NPY_MAGIC):
        arrays = [_open_npy(path)]
    elif start.startswith(parquet.MAGIC):
        arrays = [parquet.Table(path).pixels()]
    elif start.startswith(NPZ_MAGIC):
        arrays = image_arrays(path)
    elif idx.looks_like_idx(start):
        arrays = [Array.of(path, idx.read_numbers(path))]
    else:
        with open_regular(path) as file:
            images = read_pixel_table(path, file, look_at_start(path, file))
        yield from _batches(path, [images], len(images), preprocessing, left)
        return
    for array in arrays:
        name = path if len(arrays) == 1 else f"{path}:{array.name}"
        yield from _of_array(name, array, preprocessing, left)


def _open_npy(path: str) -> Array:
    try:
        with np.errstate(over="raise"):  # of a shape too large to be true
            return Array.of(path, np.load(path, mmap_mode="r", allow_pickle=False))
    except MemoryError:
        raise
    except Exception as error:  # a damaged header may make the parser raise anything
        what = f"{path_text(path)} is not an intact .npy array"
        raise DataError(f"{what}; save it with numpy.save") from error


def _of_array(name: str, array: Array, preprocessing: Preprocessing, left: Skip) -> Iterator[Batch]:
    """Yield the images of an array in any of the accepted layouts, a batch at a time."""
    shape, last = _layout(name, array.shape, preprocessing.input_shape)
    if array.dtype.kind not in "buif":
        what = f"{path_text(name)} holds type {array.dtype}"
        raise DataError(f"{what}; give whole numbers from 0 to 255, or floats from 0 to 1")
    unit = array.is_unit(f"{path_text(name)} has")
    is_picture = len(array.shape) == 2 and len(shape) == 3 and shape[0] == 1 != array.shape[0]
    whole = np.concatenate(list(array.pieces())) if is_picture else None
    rows = array.pieces() if whole is None else [whole]
    images = (
        to_bytes(np.ascontiguousarray(channels_first(piece.reshape(-1, *shape[1:]), last)), unit)
        for piece in rows
    )
    yield from _batches(name, images, shape[0], preprocessing, left)


def _layout(
    name: str, shape: tuple[int, ...], input_shape: tuple[int, int, int]
) -> tuple[tuple[int, ...], bool]:
    """Return an array's shape as N images, and whether their channels come last."""
    is_one = len(shape) == 3 and shape[2] == 3
    if 0 in shape or not 2 <= len(shape) <= 4 or is_one:
        allowed = "(N, pixels), (H, W), (N, H, W), (N, C, H, W) or (N, H, W, 3), none of them 0"
        raise DataError(f"{name} holds an array of shape {shape}; give images as {allowed}")
    if len(shape) == 2:
        shape = unrolled(shape, input_shape, f"the images of {name} have") or (1, *shape)
    most = Image.MAX_IMAGE_PIXELS or math.inf
    if math.prod(shape[1:]) > most:
        what = f"{name} holds images of {math.prod(shape[1:]):,} values"
        raise DataError(f"{what}; give at most {most:,} in each")
    return shape, len(shape) == 4 and shape[1] not in (1, 3) and shape[3] in (1, 3)


def _batches(
    name: str, pieces: Iterable[Images], count: int, preprocessing: Preprocessing, left: Skip
) -> Iterator[Batch]:
    """Yield images (n, C, H, W) of any size as a network wants them."""
    number = 0
    for piece in pieces:
        for start in range(0, len(piece), BATCH):
            some = piece[start : start + BATCH]
            places = range(number, number := number + len(some))
            names = [name if count == 1 else f"{name}[{place}]" for place in places]
            if left.takes(names[-1], len(some)):
                continue
            images = preprocessing.prepare(some)
            yield Batch(names, images, [""] * len(images))
