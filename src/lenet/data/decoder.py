"""One picture file as pixels: what is read, how far, and what is wrong with what cannot be.

Pillow is given a list of formats of its own: each further decoder is a further way in for a
hostile file. A large JPEG is decoded at a fraction of its size, which takes a fraction of the time;
16 bits per value are kept until it is known how many of them a set of pictures uses.
"""

from __future__ import annotations

import io
import math
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from lenet.data.preprocess import Images, Size
from lenet.errors import PictureError, path_text, reason
from lenet.files import open_regular
from lenet.kinds import EMPTY, START, UNKNOWN, Kind, kind_of

FORMATS: Final = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
ALLOWED: Final = "PNG, JPEG, BMP, GIF, TIFF, WebP, PPM or PGM"
_LONGEST_SIDE: Final = 65_535  # pixels, as JPEG has it: longer ones are no pictures
MAX_BYTES: Final = 64 << 20  # of a file that is taken for a picture

CLOSED: Final = Kind("a file that cannot be opened", "files that cannot be opened")
_TOO_LARGE: Final = Kind("a file that is too large", "files that are too large")
_MANY_PIXELS: Final = Kind("a picture of too many pixels", "pictures of too many pixels")
_DAMAGED: Final = Kind("a damaged picture", "damaged pictures")

#: What a picture of 16 bits may use of them; 8 is any other picture.
_DEPTHS: Final = (8, 10, 12, 14, 16)
#: A JPEG whose longer side is less is decoded whole: at an eighth it would be smaller than twice
#: the largest image that is made where nobody asks for another.
_DRAFTED: Final = 1024
_EIGHTH: Final = 8
_ENOUGH: Final = 2  # times the size that is wanted: what is left to do is to shrink by half or more
_MOVING: Final = ("GIF", "WEBP", "TIFF", "PNG")
#: On white, ink this light (of 255, on average) could not be seen any more.
_WHITE_INK: Final = 204
_BAND: Final = 1 << 20  # pixels of a transparent picture at a time


class BadPictureError(Exception):
    """What is wrong with a file, as the predicate of a sentence, what to do, and what it is."""

    def __init__(
        self, fault: str, remedy: str = f"give a {ALLOWED} file", kind: Kind = UNKNOWN
    ) -> None:
        super().__init__(fault)
        self.fault, self.remedy, self.kind = fault, remedy, kind


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture: its pixels, its size before they were shrunk, and what was done to it."""

    pixels: npt.NDArray[Any]  # (1 or 3, h, w), uint8, or uint16 of 16 bits
    size: Size  # as the file has it, turned upright
    done: tuple[str, ...] = ()
    thumbnail: npt.NDArray[Any] | None = field(default=None, repr=False)

    @property
    def depth(self) -> int:
        """How many bits its values use: 8, and of 16-bit pictures 8, 10, 12, 14 or 16."""
        if self.pixels.dtype == np.uint8:
            return 8
        most = int(self.pixels.max(initial=0))
        return next(depth for depth in _DEPTHS if most < 1 << depth)

    @property
    def identity(self) -> Images:
        """Return what tells it from other pictures, whatever size is wanted of it."""
        pixels = self.pixels if self.thumbnail is None else self.thumbnail
        return pixels if pixels.dtype == np.uint8 else _to_bytes(pixels, self.depth)

    def bytes_of(self, depth: int | None) -> tuple[Images, int]:
        """Return its pixels as bytes, and the bits that become them: ``depth``, or its own.

        A value of all ``depth`` bits becomes 255. None, or fewer than it uses, is its own depth.
        """
        if self.pixels.dtype == np.uint8:
            return self.pixels, 8
        used = max(depth or 0, self.depth)
        return _to_bytes(self.pixels, used), used


def _to_bytes(values: npt.NDArray[Any], depth: int) -> Images:
    """Return whole numbers of ``depth`` bits as bytes, rounded."""
    most = (1 << depth) - 1
    return np.asarray((values.astype(np.uint32) * 255 + most // 2) // most, np.uint8)


def read_picture(path: str | os.PathLike[str], wanted: Size | None = None) -> Picture:
    """Read a picture file; where a size is wanted, perhaps smaller than it is.

    It is turned as its EXIF data says, laid on white where it is transparent (white ink on black),
    and is grey, (1, H, W), where all of its pixels are. Of several frames it is the first.

    Raises:
        PictureError: it cannot be opened, is damaged, too large or no picture.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # small faults in files that can be read
            return decode_file(path, wanted)
    except BadPictureError as error:
        raise PictureError(f"{path_text(path)} {error.fault}; {error.remedy}") from error


def decode_file(path: str | os.PathLike[str], wanted: Size | None = None) -> Picture:
    """Read a picture in any thread, where warnings are silenced; see :func:`read_picture`.

    Raises:
        BadPictureError: what is wrong with the file.
        MemoryError: there is too little of it.
    """
    try:
        with open_regular(path) as file:
            return _decode_open(file, os.fstat(file.fileno()).st_size, wanted)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise BadPictureError(f"cannot be opened ({reason(error)})", kind=CLOSED) from error


def decode_bytes(content: bytes, wanted: Size | None = None) -> Picture:
    """Read the content of a picture file as :func:`decode_file` does."""
    return _decode_open(io.BytesIO(content), len(content), wanted)


def read_stream(file: Any) -> bytes:
    """Return what is left of an open file, as far as a picture may be long.

    Raises:
        BadPictureError: it gives no bytes.
    """
    try:
        content = file.read(MAX_BYTES + 1)
    except Exception as error:  # whatever a stranger's object raises
        raise BadPictureError(f"cannot be read ({error})", kind=CLOSED) from error
    if not isinstance(content, bytes):
        fault = f"gives {type(content).__name__} instead of bytes"
        raise BadPictureError(fault, 'open it with mode "rb"', CLOSED)
    return content


def decode_image(image: Image.Image) -> Picture:
    """Return an image of Pillow's as :func:`decode_file` returns a file; it stays as it is.

    Raises:
        BadPictureError, MemoryError: as there.
    """
    try:
        done = ["the first frame"] * _is_moving(image)
        turned = ImageOps.exif_transpose(image)
        pixels, laid_on = _to_array(turned)
    except (MemoryError, BadPictureError):
        raise
    except Exception as error:  # it may yet have to be decoded
        raise BadPictureError("is damaged", "give an intact picture", _DAMAGED) from error
    if not pixels.size:
        raise BadPictureError("has no pixels")
    return Picture(pixels, (turned.height, turned.width), (*done, *laid_on))


def _decode_open(file: IO[bytes], size: int, wanted: Size | None) -> Picture:
    if size > MAX_BYTES:
        fault = f"has {size:,} bytes, more than {MAX_BYTES:,}"
        raise BadPictureError(fault, "make it smaller first", _TOO_LARGE)
    start = file.read(START)
    file.seek(0)
    return _decode(file, wanted, start)


def _decode(file: Any, wanted: Size | None, start: bytes) -> Picture:
    try:
        with Image.open(file, formats=FORMATS) as picture:
            if math.prod(picture.size) > (Image.MAX_IMAGE_PIXELS or math.inf):
                raise Image.DecompressionBombError
            if max(picture.size) > _LONGEST_SIDE:
                fault = f"has a side of more than {_LONGEST_SIDE:,} pixels"
                raise BadPictureError(fault, "make it smaller first", _MANY_PIXELS)
            return _read(file, picture, wanted)
    except (MemoryError, BadPictureError):
        raise
    except UnidentifiedImageError as error:
        raise _no_picture(start) from error
    except Image.DecompressionBombError as error:
        fault = f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels"
        remedy = "make it smaller first"
        raise BadPictureError(fault, remedy, _MANY_PIXELS) from error
    except Exception as error:  # a decoder that is fed damaged bytes may raise anything
        if "out of memory" in str(error):  # what Pillow's decoders say of it
            raise MemoryError from error
        if isinstance(error, OSError) and error.errno is not None:  # the system's own complaint
            raise
        kind = kind_of(start)
        kind = kind if "damaged" in kind.one else _DAMAGED
        raise BadPictureError("is damaged", "give an intact picture", kind) from error


def _no_picture(start: bytes) -> BadPictureError:
    kind = kind_of(start)
    what = {EMPTY: "is empty", UNKNOWN: "is not a picture that can be read"}.get(kind)
    if what is None:
        is_damaged = "damaged" in kind.one
        what = "is damaged" if is_damaged else f"is {kind.one}, no picture that can be read"
    return BadPictureError(what, kind=kind)


def _read(file: Any, picture: Image.Image, wanted: Size | None) -> Picture:
    """Decode an opened file, and say what was done."""
    own = picture.size
    drafted = picture.format == "JPEG" and max(own) >= _DRAFTED
    scale = _draft(picture, wanted) if drafted else 1
    done = []
    if _is_moving(picture):
        done.append("the first frame")
    deep = _deep_colour(file, picture) if picture.format == "PNG" else None
    if deep is not None:
        return Picture(deep, (own[1], own[0]), tuple(done))
    ImageOps.exif_transpose(picture, in_place=True)
    width, height = own if (picture.width < picture.height) == (own[0] < own[1]) else own[::-1]
    pixels, laid_on = _to_array(picture)
    thumbnail = None
    if drafted and scale != _EIGHTH:
        file.seek(0)
        with Image.open(file, formats=("JPEG",)) as again:
            again.draft(None, (again.width // _EIGHTH, again.height // _EIGHTH))
            ImageOps.exif_transpose(again, in_place=True)
            thumbnail = _to_array(again)[0]
    return Picture(pixels, (height, width), (*done, *laid_on), thumbnail)


def _is_moving(picture: Image.Image) -> bool:
    return picture.format in _MOVING and getattr(picture, "is_animated", False)


def _draft(picture: Image.Image, wanted: Size | None) -> int:
    """Let a JPEG be decoded at a half, a quarter or an eighth, and return the divisor.

    What is left has at least twice the size that it is shrunk to within ``wanted``.
    """
    if wanted is None:
        return 1
    sides = sorted(picture.size)  # it may yet be turned
    fitted = max(max(wanted) / sides[1], min(wanted) / sides[0])
    scale = next((n for n in (_EIGHTH, 4, 2) if 1 / n >= _ENOUGH * fitted), 1)
    if scale > 1:
        picture.draft(None, (picture.width // scale, picture.height // scale))
    return scale


def _deep_colour(file: Any, picture: Image.Image) -> npt.NDArray[Any] | None:
    """Return a colour PNG of 16 bits per value, of which Pillow alone keeps the upper 8.

    The file is read twice, once for the upper byte of each value and once for the lower.
    """
    tiles: Any = getattr(picture, "tile", None)
    tile = tiles[0] if tiles else None
    mode = picture.mode
    if tile is None or mode not in ("RGB", "RGBA") or tile[3] != f"{mode};16B":
        return None
    if picture.has_transparency_data or picture.getexif().get(0x0112, 1) != 1:
        return None
    halves = []
    for order in "BL":
        file.seek(0)
        with Image.open(file, formats=("PNG",)) as half:
            again: Any = half
            # A plain tuple: before Pillow 11 that is all there is.
            again.tile = [(*again.tile[0][:3], f"{mode};16{order}")]
            halves.append(np.asarray(half).astype(np.uint16))
    pixels = (halves[0] << 8 | halves[1]).transpose(2, 0, 1)
    return _grey_if_grey(pixels)


def _to_array(picture: Image.Image) -> tuple[npt.NDArray[Any], list[str]]:
    """Turn a picture of any mode into (C, H, W), uint8 or uint16, and say what was done."""
    if picture.mode.startswith("I"):  # 16 bits per pixel
        return np.asarray(picture).clip(0, 65535).astype(np.uint16)[np.newaxis], []
    if picture.mode == "F":
        return _from_floats(np.asarray(picture)), []
    if picture.has_transparency_data:
        return _laid(_in_mode(picture, "RGBA"))
    if picture.mode in ("1", "L"):
        return np.array(_in_mode(picture, "L"))[np.newaxis], []
    return _grey_if_grey(np.asarray(_in_mode(picture, "RGB")).transpose(2, 0, 1)), []


def _in_mode(picture: Image.Image, mode: str) -> Image.Image:
    """Convert a picture; one that has the mode already is not copied, for it may be large."""
    return picture if picture.mode == mode else picture.convert(mode)


def _grey_if_grey(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    is_grey = all(bool((channel == pixels[0]).all()) for channel in pixels[1:])
    return np.ascontiguousarray(pixels[:1] if is_grey else pixels)


def _from_floats(values: npt.NDArray[Any]) -> Images:
    """Return floats from 0 to 1, or from 0 to 255, as bytes."""
    least, most = float(values.min()), float(values.max())
    if not (least >= 0 and most <= 255):
        raise BadPictureError(f"holds floats from {least:g} to {most:g}, not from 0 to 1 or 255")
    pixels = np.rint(values * (255 if most <= 1 else 1)).astype(np.uint8)
    return np.asarray(pixels[np.newaxis])


def _laid(picture: Image.Image) -> tuple[Images, list[str]]:
    """Lay an RGBA picture on white, or on black, as (C, H, W), and say so if it was on black."""
    on_black = _has_white_ink(picture)
    pixels = np.empty((3, picture.height, picture.width), np.uint8)
    for top, band in _bands(picture):
        ground = Image.new("RGBA", band.size, "black" if on_black else "white")
        laid = np.asarray(Image.alpha_composite(ground, band))[..., :3]
        pixels[:, top : top + band.height] = laid.transpose(2, 0, 1)
    return _grey_if_grey(pixels), ["laid on black"] * on_black


def _has_white_ink(picture: Image.Image) -> bool:
    """Is all that can be seen of an RGBA picture grey and so light that white would hide it?"""
    seen = light = 0
    has_hole = False
    for _, band in _bands(picture):
        pixels = np.asarray(band)
        colours, opacity = pixels[..., :3], pixels[..., 3]
        if not (colours == colours[..., :1])[opacity > 0].all():
            return False
        has_hole = has_hole or bool((opacity < 128).any())
        seen += int(opacity.sum(dtype=np.int64))
        light += int((colours[..., 0].astype(np.int64) * opacity).sum())
    return has_hole and light > _WHITE_INK * seen


def _bands(picture: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Yield parts of a picture's whole width, each with its top: it takes much memory at once."""
    height = max(1, _BAND // picture.width)
    for top in range(0, picture.height, height):
        bottom = min(top + height, picture.height)
        yield top, picture.crop((0, top, picture.width, bottom))
