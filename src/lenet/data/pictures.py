"""Foreign pictures, brought to what a network was trained on.

Three formats are read, PNG, JPEG and BMP: each further decoder is a further way in for a hostile
file. Arrays (``.npy``, IDX) are taken to be prepared already: only their channels and size are
matched.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lenet.data import idx
from lenet.data.preprocess import Images, Preprocessing, has_light_border, match, resize
from lenet.errors import DataError, PictureError

FORMATS = ("PNG", "JPEG", "BMP")

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
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of small faults in a file that can be read
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as picture:
                return _to_array(ImageOps.exif_transpose(picture))
    except UnidentifiedImageError as error:
        raise PictureError(
            f"{path} is not a picture that can be read; give a PNG, JPEG or BMP file"
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(
            f"{path} has more than {Image.MAX_IMAGE_PIXELS:,} pixels; make it smaller first"
        ) from error
    except OSError as error:
        raise _unreadable(path, error) from error
    except Exception as error:  # a decoder that is fed damaged bytes may raise anything
        raise PictureError(f"{path} is damaged; give an intact picture") from error


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
    if image.shape[2:] == (height, width):
        return np.asarray(image[0])
    return _centre(image, height, width)


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
        with Path(path).open("rb") as file:
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


def _centre(image: Images, height: int, width: int) -> Images:
    """(1, C, h, w) to (C, height, width): as large as fits, on the border's median."""
    _, channels, old_height, old_width = image.shape
    scale = min(height / old_height, width / old_width)
    new_height = max(1, round(old_height * scale))
    new_width = max(1, round(old_width * scale))
    canvas = np.empty((channels, height, width), np.uint8)
    canvas[:] = _background(image[0])[:, np.newaxis, np.newaxis]
    top, left = (height - new_height) // 2, (width - new_width) // 2
    inner = resize(image, new_height, new_width)[0]
    canvas[:, top : top + new_height, left : left + new_width] = inner
    return canvas


def _background(picture: Images) -> Images:
    """(C,) the median of the border of a (C, h, w) picture."""
    sides = [picture[:, 0], picture[:, -1], picture[:, 1:-1, 0], picture[:, 1:-1, -1]]
    return np.asarray(np.median(np.concatenate(sides, axis=1), axis=1), np.uint8)


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
