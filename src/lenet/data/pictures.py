"""Picture files: one, as a network wants it, or many at a time.

Three formats are read, PNG, JPEG and BMP: each further decoder is a further way in for a hostile
file. Arrays (``.npy``, IDX) are taken to be prepared already: only their channels and size are
matched.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Final

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lenet.data import idx
from lenet.data.collection import LoadOptions, Size, Stack, bounded, middle, shaped
from lenet.data.dataset import Digests, digest
from lenet.data.folders import Entry, Listing
from lenet.data.preprocess import (
    Images,
    Preprocessing,
    centre,
    channels_first,
    has_light_border,
    match,
    refuse_rows,
)
from lenet.data.sources import progress_bar
from lenet.errors import DataError, PictureError, path_text, reason
from lenet.files import open_regular
from lenet.net.words import name_text

FORMATS: Final = ("PNG", "JPEG", "BMP")
MAX_BYTES: Final = 64 << 20  # of a file that is taken for a picture

_NPY_MAGIC: Final = b"\x93NUMPY"
_BATCH: Final = 32  # files
_MOST_THREADS: Final = 8  # each holds a whole picture, and a photograph may take 100 MB
_LONG: Final = 500  # nobody waits long enough for fewer files to need a bar


def read_picture(path: str | os.PathLike[str]) -> Images:
    """Read a PNG, JPEG or BMP picture as (C, H, W) uint8, with C = 1 if it is grey, else 3.

    It is turned as its EXIF data says, and laid on white where it is transparent.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # small faults in files that can be read
            return _decode_file(path)
    except _BadPictureError as error:
        raise PictureError(f"{path_text(path)} {error.fault}; {error.remedy}") from error


class _BadPictureError(Exception):
    """What is wrong with a file, as the predicate of a sentence, and what to do."""

    def __init__(self, fault: str, remedy: str = "give a PNG, JPEG or BMP file") -> None:
        super().__init__(fault)
        self.fault, self.remedy = fault, remedy


def _decode_file(path: str | os.PathLike[str]) -> Images:
    """Read a picture in any thread, where warnings are silenced."""
    try:
        with open_regular(path) as file:
            if (size := os.fstat(file.fileno()).st_size) > MAX_BYTES:
                fault = f"has {size:,} bytes, more than {MAX_BYTES:,}"
                raise _BadPictureError(fault, "make it smaller first")
            with Image.open(file, formats=FORMATS) as picture:
                if math.prod(picture.size) > (Image.MAX_IMAGE_PIXELS or math.inf):
                    raise Image.DecompressionBombError
                return _to_array(ImageOps.exif_transpose(picture))
    except _BadPictureError:
        raise
    except UnidentifiedImageError as error:
        raise _unidentified(_start(path)) from error
    except Image.DecompressionBombError as error:
        fault = f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels"
        raise _BadPictureError(fault, "make it smaller first") from error
    except Exception as error:  # a decoder that is fed damaged bytes may raise anything
        if isinstance(error, OSError) and error.errno is not None:  # the system's own complaint
            raise _BadPictureError(f"cannot be opened ({reason(error)})") from error
        raise _BadPictureError("is damaged", "give an intact picture") from error


def _unidentified(start: bytes) -> _BadPictureError:
    """Name TIFF, GIF and WebP, whose decoders strangers' files are not fed to."""
    kind = {b"II*\0": "TIFF", b"MM\0*": "TIFF", b"GIF8": "GIF"}.get(start[:4])
    if start[:4] == b"RIFF" and start[8:] == b"WEBP":
        kind = "WebP"
    if kind is None:
        return _BadPictureError("is not a picture that can be read")
    return _BadPictureError(f"is a {kind} file, which is not read here", "save it as a PNG file")


def _start(path: str | os.PathLike[str]) -> bytes:
    """Return the first 12 bytes of a file; none of one that cannot be opened."""
    try:
        with open_regular(path) as file:
            return file.read(12)
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        return b""


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

    It is inverted where its background is light and theirs dark, or the reverse, and centred.
    """
    channels, height, width = preprocessing.input_shape
    image: Images = match(picture[np.newaxis], (channels, *picture.shape[1:]))
    polarity = preprocessing.polarity
    if polarity is not None and bool(has_light_border(image)[0]) != (polarity == "light"):
        image = np.invert(image)
    return np.asarray(centre(image, height, width)[0])


def read_images(path: str | os.PathLike[str], preprocessing: Preprocessing) -> Images:
    """Read a picture, or ``.npy`` or IDX images, as a network wants them: (N, C, H, W) uint8.

    What the file is, its content says.
    """
    start = _start(path)
    is_npy = start.startswith(_NPY_MAGIC)
    if is_npy or (len(start) > 2 and idx.looks_like_idx(start)):
        array = _read_npy(path) if is_npy else idx.read(path)
        refuse_rows(array.shape, preprocessing.input_shape, f"the images of {path} have")
        return preprocessing.prepare(_to_images(array, path))
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
    """What a list of picture files became: N images, and a fault of each file that is none."""

    images: Images  # (N, C, H, W)
    kept: Sequence[int]  # (N,) the index of each image's file in the list
    digests: Digests  # (N,) of the pictures as they were, before any change of size or colour
    sizes: Sequence[Size]  # (N,) as they were
    coloured: int  # how many of the pictures have colour
    faults: Sequence[str]  # which files cannot be read and why, in half a sentence each


@dataclass(frozen=True, eq=False, slots=True)
class _Picture:
    """One file's picture brought to one size, and what it was before."""

    image: Images
    digest: int
    size: Size
    coloured: bool


def decode(listing: Listing, options: LoadOptions) -> Decoded:
    """Read all files of a list: once, or twice where sizes differ, to bring them to the median."""
    with warnings.catch_warnings(action="ignore"):
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
        title, is_long = f"reading {len(entries):,} pictures", len(entries) >= _LONG
        with progress_bar(title, is_long, total=len(entries), transient=True) as update:
            read = pool.map(lambda batch: list(map(work, batch)), batches)
            for number, found in enumerate(chain.from_iterable(read)):
                update(advance=1)
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
