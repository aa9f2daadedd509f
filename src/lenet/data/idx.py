"""IDX, the file format of MNIST: four bytes, the sizes, then the values.

Two zero bytes, a type code, the number of dimensions, each size as a big-endian 32-bit integer,
then the values in C order (http://yann.lecun.com/exdb/mnist/). Files come plain or
gzip-compressed, which the content decides, never the name. What a header promises is held
against the bytes that are there before any memory is taken for it.
"""

from __future__ import annotations

import gzip
import io
import math
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import numpy as np
import numpy.typing as npt

from lenet import files
from lenet.errors import DataError, reason

GZIP_MAGIC: Final = b"\x1f\x8b"
MAX_DIMENSIONS: Final = 4
MAX_INFLATED: Final = 2**31  # bytes out of one compressed file: small images are far below
_UNSIGNED_BYTE: Final = 0x08
#: Unsigned and signed bytes, 16 and 32 bit integers, 32 and 64 bit floats, as NumPy names them.
_TYPES: Final = {_UNSIGNED_BYTE: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_INFLATION: Final = 1032  # deflate cannot make more out of one byte
_REMEDY: Final = "get an intact copy of it"


def read(path: str | os.PathLike[str], remedy: str = _REMEDY) -> npt.NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, plain or gzip-compressed."""
    return _read(path, remedy, (_UNSIGNED_BYTE,))


def read_numbers(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Read an IDX file of any type, plain or gzip-compressed."""
    return _read(path, _REMEDY, tuple(_TYPES))


def _read(path: str | os.PathLike[str], remedy: str, codes: Sequence[int]) -> npt.NDArray[Any]:
    try:
        with Path(path).open("rb") as file:
            return read_stream(file, str(path), remedy, codes)
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason(error)}; {remedy}") from error


def look(path: str | os.PathLike[str]) -> tuple[np.dtype[Any], tuple[int, ...]] | None:
    """Return the type and the sizes that an IDX file's header tells; None for other files."""
    try:
        with files.open_regular(path) as file:
            packed = file.peek(2)[:2] == GZIP_MAGIC
            stream = gzip.GzipFile(fileobj=file) if packed else file
            return _read_header(cast("BinaryIO", stream), tuple(_TYPES))
    except (OSError, EOFError, ValueError, zlib.error, _MalformedError):
        return None


def write(path: str | os.PathLike[str], array: npt.NDArray[np.uint8]) -> Path:
    """Write an array of one to four dimensions as IDX; compressed if the name ends in ``.gz``."""
    if array.dtype != np.uint8 or not 1 <= array.ndim <= MAX_DIMENSIONS or array.size == 0:
        allowed = f"uint8 with 1 to {MAX_DIMENSIONS} dimensions and at least one value"
        raise DataError(f"cannot write {array.dtype} of shape {array.shape} as IDX; give {allowed}")
    header = struct.pack(f">HBB{array.ndim}I", 0, _UNSIGNED_BYTE, array.ndim, *array.shape)
    content = header + array.tobytes()
    if Path(path).suffix == ".gz":
        content = gzip.compress(content, mtime=0)  # the same array gives the same bytes
    return files.write_bytes(path, content)


def looks_like_idx(start: bytes) -> bool:
    """Is a file that starts with these bytes (three or more) meant as IDX?"""
    return start[:2] == GZIP_MAGIC or (start[:2] == b"\0\0" and start[2] in _TYPES)


class _MalformedError(Exception):
    """What is wrong with the bytes, as the predicate of a sentence about the file."""


def read_stream(
    file: BinaryIO, where: str, remedy: str = _REMEDY, codes: Sequence[int] = (_UNSIGNED_BYTE,)
) -> npt.NDArray[Any]:
    """Read the bytes of an IDX file of one of these types; ``where`` names them in messages."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    packed = file.read(2) == GZIP_MAGIC
    file.seek(0)
    try:
        if not packed:
            return _read_array(file, size, "only {:,} are there", codes)
        most = min(size * _INFLATION, MAX_INFLATED)
        # Reading to the end holds the content against gzip's own checksum.
        with gzip.GzipFile(fileobj=file) as stream:
            return _read_array(cast("BinaryIO", stream), most, "at most {:,} can come", codes)
    except EOFError as error:
        raise DataError(f"{where} is cut short: its gzip stream has no end; {remedy}") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{where} is damaged, gzip finds: {error}; {remedy}") from error
    except _MalformedError as error:
        raise DataError(f"{where} {error}; {remedy}") from error


def _read_array(
    stream: BinaryIO, capacity: int, there: str, codes: Sequence[int]
) -> npt.NDArray[Any]:
    """Read header and values; the stream has ``capacity`` bytes at most, as ``there`` says."""
    dtype, shape = _read_header(stream, codes)
    sizes = (*shape, dtype.itemsize) if dtype.itemsize > 1 else shape
    count = math.prod(sizes)
    promise = f"its header promises {' x '.join(f'{size:,}' for size in sizes)} = {count:,} bytes"
    if not count:
        raise _MalformedError(f"is empty: {promise}")
    if count > (room := capacity - 4 - 4 * len(shape)):
        raise _MalformedError(f"is cut short or too large: {promise} and {there.format(room)}")
    values = np.empty(shape, dtype)
    present = stream.readinto(values.reshape(-1).view(np.uint8).data)  # type: ignore[attr-defined]
    if present < count:
        raise _MalformedError(f"is cut short: {promise} and only {present:,} are there")
    if stream.read(1):
        raise _MalformedError(f"is too long: {promise} and more are there")
    return values


def _read_header(stream: BinaryIO, codes: Sequence[int]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = stream.read(4)
    if len(magic) < 4:
        raise _MalformedError(f"is cut short: it has only {len(magic)} bytes")
    if magic[:2] != b"\0\0":
        raise _MalformedError(f"is not an IDX file: it starts with {magic.hex(' ')}, not 00 00 08")
    _, _, code, dimensions = magic
    if code not in codes:
        raise _MalformedError(f"holds values of type 0x{code:02x}, not 0x08 (unsigned byte)")
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise _MalformedError(f"has {dimensions} dimensions, not 1 to {MAX_DIMENSIONS}")
    sizes = stream.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise _MalformedError(f"is cut short: its header of {4 + 4 * dimensions} bytes has no end")
    return np.dtype(_TYPES[code]), struct.unpack(f">{dimensions}I", sizes)
