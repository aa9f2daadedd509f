"""Picture files: one, as a network wants it, or many at a time.

Three formats are read, PNG, JPEG and BMP: each further decoder is a further way in for a hostile
file. Arrays (``.npy``, IDX) are taken to be prepared already: only their channels and size are
matched.
"""

from __future__ import annotations

import errno
import io
import math
import os
import stat
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Final

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lenet.data import idx
from lenet.data.folders import Entry, Listing
from lenet.data.options import LoadOptions, Size, Stack, bounded, channels_first, middle, shaped
from lenet.data.preprocess import Images, Preprocessing, centre, has_light_border, match
from lenet.data.split import Digests, digest
from lenet.errors import DataError, PictureError, reason
from lenet.net.words import name_text

FORMATS: Final = ("PNG", "JPEG", "BMP")
MAX_BYTES: Final = 64 << 20
"""The largest file that is taken for a picture."""

_NPY_MAGIC: Final = b"\x93NUMPY"
_BATCH: Final = 32  # files
#: Each holds a whole picture, and a photograph's takes some 100 MB on its way.
_MOST_THREADS: Final = 8
#: Nobody waits long enough for fewer files to need a bar.
_LONG: Final = 500


def read_picture(path: str | os.PathLike[str]) -> Images:
    """Read a PNG, JPEG or BMP picture of any size.

    It is turned as its EXIF data says, laid on white where it is transparent, and reduced to
    8 bits per channel.

    Returns:
        (C, H, W) uint8, with C = 1 if the picture is grey, whatever its file format, else 3.

    Raises:
        PictureError: the file is missing, damaged, too large to be meant, or no picture.
    """
    try:
        with _quiet_decoders():
            return _decode_file(path)
    except _BadPictureError as error:
        raise PictureError(f"{os.fspath(path)} {error.fault}; {error.remedy}") from error


@contextmanager
def _quiet_decoders() -> Iterator[None]:
    """Silence warnings of small faults in files that can be read; for one thread at a time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _BadPictureError(Exception):
    """What is wrong with a file, as the predicate of a sentence, and what to do."""

    def __init__(self, fault: str, remedy: str = "give a PNG, JPEG or BMP file") -> None:
        super().__init__(fault)
        self.fault, self.remedy = fault, remedy


def _decode_file(path: str | os.PathLike[str]) -> Images:
    """:func:`read_picture` for any thread, within :func:`_quiet_decoders`.

    Raises:
        _BadPictureError: the file cannot be read.
    """
    smaller, intact = "make it smaller first", "give an intact picture"
    try:
        with open_regular(path) as file:
            if (size := os.fstat(file.fileno()).st_size) > MAX_BYTES:
                raise _BadPictureError(f"has {size:,} bytes, more than {MAX_BYTES:,}", smaller)
            with Image.open(file, formats=FORMATS) as picture:
                if math.prod(picture.size) > (Image.MAX_IMAGE_PIXELS or math.inf):
                    raise Image.DecompressionBombError
                return _to_array(ImageOps.exif_transpose(picture))
    except _BadPictureError:
        raise
    except UnidentifiedImageError as error:
        if kind := _other_kind(path):
            fault, remedy = f"is a {kind} file, which is not read here", "save it as a PNG file"
            raise _BadPictureError(fault, remedy) from error
        raise _BadPictureError("is not a picture that can be read") from error
    except Image.DecompressionBombError as error:
        fault = f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels"
        raise _BadPictureError(fault, smaller) from error
    except OSError as error:
        if error.errno is None:  # the decoder's own complaint, not the system's
            raise _BadPictureError("is damaged", intact) from error
        raise _BadPictureError(f"cannot be opened ({reason(error)})") from error
    except Exception as error:  # a decoder that is fed damaged bytes may raise anything
        raise _BadPictureError("is damaged", intact) from error


def _other_kind(path: str | os.PathLike[str]) -> str:
    """Return TIFF, GIF or WebP: formats whose decoders strangers' files are not fed to."""
    try:
        with open_regular(path) as file:
            start = file.read(12)
    except OSError:
        return ""
    if start[:4] == b"RIFF":
        return "WebP" if start[8:] == b"WEBP" else ""
    return {b"II*\0": "TIFF", b"MM\0*": "TIFF", b"GIF8": "GIF"}.get(start[:4], "")


def open_regular(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Open a file to read it; a pipe or a device, which may never end, is refused at once.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    file = open(path, "rb", buffering=0, opener=_open_at_once)  # noqa: SIM115 - given back
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is a pipe or a device, no file")
    return io.BufferedReader(file)


def _open_at_once(path: str, flags: int) -> int:
    # A pipe that nobody writes to would keep its reader waiting.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _to_array(picture: Image.Image) -> Images:
    """Turn a picture of any mode into (C, H, W) uint8."""
    if picture.mode.startswith("I"):  # 16 bits per pixel
        values = np.asarray(picture).clip(0, 65535).astype(np.uint32)
        return np.asarray((values + 128) // 257, np.uint8)[np.newaxis]
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        picture = Image.alpha_composite(white, layer)
    if picture.mode in ("1", "L"):
        return np.array(picture.convert("L"))[np.newaxis]
    pixels = np.array(picture.convert("RGB")).transpose(2, 0, 1)
    is_grey = bool((pixels == pixels[:1]).all())
    return np.ascontiguousarray(pixels[:1] if is_grey else pixels)


def fit_picture(picture: Images, preprocessing: Preprocessing) -> Images:
    """Make a picture (1 or 3, h, w) look like the images a network was trained on, (C, H, W).

    Channels are matched; a picture whose background is light where the training images' is dark
    (or the reverse) is inverted; then it is resized with its proportions kept and centred on its
    own background. A picture with the input's height and width stays where it is.

    Raises:
        DataError: the channels cannot become those of the network.
    """
    channels, height, width = preprocessing.input_shape
    image: Images = match(picture[np.newaxis], (channels, *picture.shape[1:]))
    polarity = preprocessing.polarity
    if polarity is not None and bool(has_light_border(image)[0]) != (polarity == "light"):
        image = np.invert(image)
    return np.asarray(centre(image, height, width)[0])


def read_images(path: str | os.PathLike[str], preprocessing: Preprocessing) -> Images:
    """Read one picture, or an array of images, as a network wants them.

    What the file is, its content says. A picture goes through :func:`fit_picture`. A ``.npy``
    array of uint8, or an IDX file, has the shape (H, W), (N, H, W), (N, C, H, W) or
    (N, H, W, 3), and only its channels and size are matched.

    Returns:
        (N, C, H, W) uint8 of the network's input shape.

    Raises:
        PictureError: the file is missing, or no picture.
        DataError: an array of another type or shape, or a damaged one.
    """
    try:
        with open_regular(path) as file:
            start = file.read(len(_NPY_MAGIC))
    except OSError as error:
        raise PictureError(
            f"{path} cannot be opened ({reason(error)}); give a PNG, JPEG or BMP file"
        ) from error
    if start == _NPY_MAGIC:
        return preprocessing.prepare(_to_images(_read_npy(path), path))
    if len(start) > 2 and idx.looks_like_idx(start):
        return preprocessing.prepare(_to_images(idx.read(path), path))
    return fit_picture(read_picture(path), preprocessing)[np.newaxis]


def _read_npy(path: str | os.PathLike[str]) -> Images:
    try:
        with np.errstate(over="raise"):  # of a shape too large to be true
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header may make the parser raise anything
        raise DataError(f"{path} is not an intact .npy array; save it with numpy.save") from error
    if array.dtype != np.uint8:
        raise DataError(f"{path} holds type {array.dtype}; save whole numbers 0 to 255 as uint8")
    return np.ascontiguousarray(array)


def _to_images(array: Images, path: str | os.PathLike[str]) -> Images:
    """Bring an array in any of the accepted layouts to (N, C, H, W)."""
    shape = array.shape
    if 0 in shape or not 2 <= len(shape) <= 4 or (len(shape) == 3 and shape[2] == 3):
        allowed = "(H, W), (N, H, W), (N, C, H, W) or (N, H, W, 3), none of them 0"
        raise DataError(f"{path} holds an array of shape {shape}; give images as {allowed}")
    is_last = len(shape) == 4 and shape[1] not in (1, 3) and shape[3] in (1, 3)
    return np.ascontiguousarray(channels_first(array, is_last))


@dataclass(frozen=True, eq=False)
class Decoded:
    """What a list of picture files became: N images, and a fault of each file that is none.

    Attributes:
        images: (N, C, H, W) uint8.
        kept: (N,) the index of each image's file in the list.
        digests: (N,) of the pictures as they were, before any change of size or colour.
        sizes: (N,) (height, width) as they were.
        coloured: how many of the pictures have colour.
        faults: which files could not be read and why, in half a sentence each.
    """

    images: Images
    kept: Sequence[int]
    digests: Digests
    sizes: Sequence[Size]
    coloured: int
    faults: Sequence[str]


@dataclass(frozen=True, eq=False, slots=True)
class _Picture:
    """One file's picture brought to one size, and what it was before."""

    image: Images
    digest: int
    size: Size
    coloured: bool


def decode(listing: Listing, options: LoadOptions) -> Decoded:
    """Read all files of a list.

    Where all pictures have one size, and that is nearly always so, each file is opened once.
    Pictures that differ are read again, to bring them to their median.

    Raises:
        DataError: not one of them can be read, or they would not fit into memory.
    """
    with _quiet_decoders():
        # Of the first picture that can be read; the others are tried in vain.
        tries = (_read_entry(listing.root, None, None, entry) for entry in listing.entries)
        first = next((found.size for found in tries if isinstance(found, _Picture)), (1, 1))
        decoded = _decode(listing, options.size or bounded(first), options.channels)
        if options.size is None and len(set(decoded.sizes)) > 1:
            decoded = _decode(listing, middle(decoded.sizes), options.channels)
    if not decoded.kept:
        what = f"no file in {listing.root} can be read as a picture: {decoded.faults[0]}"
        raise DataError(f"{what}; give PNG, JPEG or BMP files")
    return decoded


def _decode(listing: Listing, size: Size, channels: int | None) -> Decoded:
    """Read all files of a list to one size, in threads: decoding lets other threads run."""
    entries = listing.entries
    stack = Stack(len(entries), size, channels)
    pictures: dict[int, tuple[int, Size]] = {}  # the digest and the size by the file's index
    faults: list[str] = []
    coloured = 0
    shared: dict[Size, Size] = {}  # one object per size, not one per image
    batches = (entries[i : i + _BATCH] for i in range(0, len(entries), _BATCH))
    work = partial(_read_entry, listing.root, size, channels)
    pool = ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS))
    try:
        with _bar(len(entries)) as advance:
            read = pool.map(lambda batch: list(map(work, batch)), batches)
            for number, found in enumerate(chain.from_iterable(read)):
                advance()
                if isinstance(found, str):
                    faults.append(found)
                    continue
                stack.add(found.image)
                pictures[number] = found.digest, shared.setdefault(found.size, found.size)
                coloured += found.coloured
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    digests = np.array([digest for digest, _ in pictures.values()], np.uint64)
    sizes = [size for _, size in pictures.values()]
    return Decoded(stack.images, list(pictures), digests, sizes, coloured, faults)


def _read_entry(root: str, size: Size | None, channels: int | None, entry: Entry) -> _Picture | str:
    """Read one file and bring it to ``size``; or say in half a sentence why it cannot be read."""
    try:
        if entry.fault:
            raise _BadPictureError(entry.fault)
        picture = _decode_file(os.path.join(root, *entry.path.split("/")))
    except _BadPictureError as error:
        return f"{name_text(entry.path)} {error.fault}"
    own_channels, height, width = picture.shape
    image = shaped(picture[np.newaxis], size or (height, width), channels)
    return _Picture(image, digest(picture), (height, width), own_channels == 3)


@contextmanager
def _bar(count: int) -> Iterator[Callable[[], object]]:
    """Show a bar on stderr if a person is watching; give what moves it on by one."""
    if count < _LONG or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"reading {count:,} pictures", total=count)
        yield lambda: progress.advance(task)
