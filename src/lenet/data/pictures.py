"""Foreign pictures, brought to what a network was trained on.

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
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lenet.data import idx
from lenet.data.preprocess import Images, Preprocessing, has_light_border, match, resize
from lenet.errors import DataError, PictureError

FORMATS = ("PNG", "JPEG", "BMP")
MAX_BYTES: Final = 64 << 20
"""The largest file that is taken for a picture."""

_NPY_MAGIC = b"\x93NUMPY"


def read_picture(path: str | os.PathLike[str]) -> Images:
    """Read a PNG, JPEG or BMP picture of any size.

    It is turned as its EXIF data says, laid on white where it is transparent, and reduced to
    8 bits a channel.

    Returns:
        (C, H, W) uint8, with C = 1 if the picture is grey, whatever its file format, else 3.

    Raises:
        PictureError: the file is missing, damaged, too large to be meant, or no picture.
    """
    with quiet_decoders():
        return decode_picture(path, os.fspath(path))


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Without warnings of small faults in files that can be read; for one thread at a time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def decode_picture(path: str | os.PathLike[str], name: str) -> Images:
    """:func:`read_picture` for any thread, within :func:`quiet_decoders`; errors say ``name``."""
    try:
        with open_regular(path) as file:
            if (size := os.fstat(file.fileno()).st_size) > MAX_BYTES:
                raise PictureError(
                    f"{name} has {size:,} bytes, more than {MAX_BYTES:,}; make it smaller first"
                )
            with Image.open(file, formats=FORMATS) as picture:
                if math.prod(picture.size) > (Image.MAX_IMAGE_PIXELS or math.inf):
                    raise Image.DecompressionBombError
                return _to_array(ImageOps.exif_transpose(picture))
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        if kind := _other_kind(path):
            raise PictureError(
                f"{name} is a {kind} file, which is not read here; save it as a PNG file"
            ) from error
        raise PictureError(
            f"{name} is not a picture that can be read; give a PNG, JPEG or BMP file"
        ) from error
    except Image.DecompressionBombError as error:
        raise PictureError(
            f"{name} has more than {Image.MAX_IMAGE_PIXELS:,} pixels; make it smaller first"
        ) from error
    except OSError as error:
        raise _unreadable(name, error) from error
    except Exception as error:  # a decoder that is fed damaged bytes may raise anything
        raise PictureError(f"{name} is damaged; give an intact picture") from error


def _other_kind(path: str | os.PathLike[str]) -> str:
    """TIFF, GIF or WebP, if it is one: formats whose decoders strangers' files are not fed to."""
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


def fit_picture(picture: Images, preprocessing: Preprocessing) -> Images:
    """Make a foreign picture look like the images a network was trained on.

    Channels are matched; a picture whose background is light where the training images' is dark
    (or the reverse) is inverted; then it is resized with its proportions kept and centred on its
    own background. A picture with the input's height and width stays where it is.

    Args:
        picture: (C, h, w) uint8 with C = 1 or 3, as :func:`read_picture` gives it.
        preprocessing: what the network's input is made of.

    Returns:
        (C, H, W) uint8 of the network's input shape.

    Raises:
        DataError: the channels cannot become those of the network.
    """
    channels, height, width = preprocessing.input_shape
    image: Images = match(picture[np.newaxis], (channels, *picture.shape[1:]))
    wanted = preprocessing.polarity
    if wanted is not None and bool(has_light_border(image)[0]) != (wanted == "light"):
        image = np.invert(image)
    return np.asarray(centre(image, height, width)[0])


def centre(images: Images, height: int, width: int) -> Images:
    """Resize (N, C, h, w) to (N, C, height, width): as large as fits with its proportions kept,
    in the middle, on the median of its border; the very same array if it has that size."""
    count, channels, old_height, old_width = images.shape
    if (old_height, old_width) == (height, width):
        return images
    scale = min(height / old_height, width / old_width)
    new_height = max(1, round(old_height * scale))
    new_width = max(1, round(old_width * scale))
    canvas = np.empty((count, channels, height, width), np.uint8)
    canvas[:] = _background(images)[:, :, np.newaxis, np.newaxis]
    top, left = (height - new_height) // 2, (width - new_width) // 2
    inner = resize(images, new_height, new_width)
    canvas[:, :, top : top + new_height, left : left + new_width] = inner
    return canvas


def _background(images: Images) -> Images:
    """(N, C) the median of each border of (N, C, h, w) images."""
    top, bottom = images[:, :, 0], images[:, :, -1]
    left, right = images[:, :, 1:-1, 0], images[:, :, 1:-1, -1]
    border = np.concatenate([top, bottom, left, right], axis=2)
    return np.asarray(np.median(border, axis=2), np.uint8)


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
        raise _unreadable(path, error) from error
    if start == _NPY_MAGIC:
        return preprocessing.prepare(_to_images(_read_npy(path), path))
    if len(start) > 2 and idx.looks_like_idx(start):
        return preprocessing.prepare(_to_images(idx.read(path), path))
    return fit_picture(read_picture(path), preprocessing)[np.newaxis]


def _unreadable(path: str | os.PathLike[str], error: OSError) -> PictureError:
    if error.errno is None:  # the decoder's own complaint, not the system's
        return PictureError(f"{path} is damaged; give an intact picture")
    reason = (error.strerror or str(error)).lower()
    return PictureError(f"cannot read {path}: {reason}; give a PNG, JPEG or BMP file")


def _to_array(picture: Image.Image) -> Images:
    """Any mode to (C, H, W) uint8."""
    if picture.mode.startswith("I"):  # 16 bits a pixel
        values = np.asarray(picture).clip(0, 65535).astype(np.uint32)
        return np.asarray((values + 128) // 257, np.uint8)[np.newaxis]
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        picture = Image.alpha_composite(white, layer)
    if picture.mode in ("1", "L"):
        return np.array(picture.convert("L"))[np.newaxis]
    pixels = np.array(picture.convert("RGB")).transpose(2, 0, 1)
    grey = bool((pixels[0] == pixels[1]).all() and (pixels[0] == pixels[2]).all())
    return np.ascontiguousarray(pixels[:1] if grey else pixels)


def _read_npy(path: str | os.PathLike[str]) -> Images:
    try:
        with np.errstate(over="raise"):  # of a shape too large to be true
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header may make the parser raise anything
        raise DataError(
            f"{path} is not an intact .npy array of numbers; save it anew with numpy.save"
        ) from error
    if array.dtype != np.uint8:
        raise DataError(
            f"{path} holds values of type {array.dtype}; save whole numbers from 0 to 255 as uint8"
        )
    return np.ascontiguousarray(array)


def _to_images(array: Images, path: str | os.PathLike[str]) -> Images:
    """An array in any of the accepted layouts as (N, C, H, W)."""
    shape = array.shape
    if 0 not in shape:
        if array.ndim == 2:
            return array[np.newaxis, np.newaxis]
        if array.ndim == 3 and shape[2] != 3:
            return array[:, np.newaxis]
        if array.ndim == 4 and shape[1] not in (1, 3) and shape[3] in (1, 3):
            return np.ascontiguousarray(array.transpose(0, 3, 1, 2))
        if array.ndim == 4:
            return array
    raise DataError(
        f"{path} holds an array of shape {shape}; give images as (H, W), (N, H, W), "
        "(N, C, H, W) or (N, H, W, 3), none of them 0"
    )
