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
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from lenet import files
from lenet.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
MAX_DIMENSIONS = 4
MAX_INFLATED = 2**31
"""The most bytes taken out of one compressed file; a data set of small images is far below."""

_UNSIGNED_BYTE = 0x08
_TYPES = {
    _UNSIGNED_BYTE: "unsigned byte",
    0x09: "signed byte",
    0x0B: "16-bit integer",
    0x0C: "32-bit integer",
    0x0D: "32-bit float",
    0x0E: "64-bit float",
}
_INFLATION = 1032  # deflate cannot make more out of one byte
_PIECE = 1 << 20
_REMEDY = "get an intact copy of it"


def read(path: str | os.PathLike[str], remedy: str = _REMEDY) -> npt.NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, plain or gzip-compressed.

    Args:
        path: the file.
        remedy: what to do about a damaged file; it ends every message.

    Returns:
        An array with one to four dimensions, of the sizes in the header.

    Raises:
        DataError: the file cannot be read, or is not exactly one intact IDX array.
    """
    try:
        with Path(path).open("rb") as file:
            return _read_stream(file, str(path), remedy)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"cannot read {path}: {reason}; {remedy}") from error


def parse(content: bytes, where: str, remedy: str = _REMEDY) -> npt.NDArray[np.uint8]:
    """Read the bytes of an IDX file; ``where`` names them in messages. See :func:`read`."""
    return _read_stream(io.BytesIO(content), where, remedy)


def write(path: str | os.PathLike[str], array: npt.NDArray[np.uint8]) -> Path:
    """Write an array of one to four dimensions as IDX; compressed if the name ends in ``.gz``.

    The same array gives the same bytes: the gzip header carries no time and no name.

    Raises:
        DataError: another type than uint8, no dimension, more than four, or an empty one.
        OutputError: the file cannot be written.
    """
    if array.dtype != np.uint8 or not 1 <= array.ndim <= MAX_DIMENSIONS or array.size == 0:
        raise DataError(
            f"cannot write {array.dtype} of shape {array.shape} as IDX; "
            f"give uint8 with 1 to {MAX_DIMENSIONS} dimensions and at least one value"
        )
    header = struct.pack(f">HBB{array.ndim}I", 0, _UNSIGNED_BYTE, array.ndim, *array.shape)
    content = header + array.tobytes()
    if Path(path).suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    return files.write_bytes(path, content)


def looks_like_idx(start: bytes) -> bool:
    """Whether a file that starts with these bytes (three or more) is meant as IDX."""
    return start[:2] == GZIP_MAGIC or (start[:2] == b"\0\0" and start[2] in _TYPES)


class _MalformedError(Exception):
    """What is wrong with the bytes, as the predicate of a sentence about the file."""


class _Gunzip(io.RawIOBase):
    """The decompressed bytes of a gzip stream, never more of them than are asked for."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._inflate = zlib.decompressobj(wbits=31)
        self._pending = b""

    @property
    def complete(self) -> bool:
        """Whether the stream has come to its end, with the right checksum there."""
        return self._inflate.eof and not self._pending

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while True:
            self._pending = self._pending or self._source.read(1 << 16)
            if not self._pending:
                return 0
            if self._inflate.eof:  # a gzip file may hold several members in a row
                self._inflate = zlib.decompressobj(wbits=31)
            piece = self._inflate.decompress(self._pending, len(buffer))
            self._pending = self._inflate.unconsumed_tail or self._inflate.unused_data
            if piece:
                buffer[: len(piece)] = piece
                return len(piece)


_Stream = BinaryIO | _Gunzip


def _read_stream(file: BinaryIO, where: str, remedy: str) -> npt.NDArray[np.uint8]:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    packed = file.read(2) == GZIP_MAGIC
    file.seek(0)
    try:
        return _read_packed(_Gunzip(file), size) if packed else _read_array(file, size)
    except zlib.error as error:
        reason = str(error).rpartition(": ")[2]
        raise DataError(f"{where} is damaged: gzip finds an {reason}; {remedy}") from error
    except _MalformedError as error:
        raise DataError(f"{where} {error}; {remedy}") from error


def _read_packed(stream: _Gunzip, size: int) -> npt.NDArray[np.uint8]:
    array = _read_array(stream, min(size * _INFLATION, MAX_INFLATED))
    if not stream.complete:
        raise _MalformedError("is cut short: the end of its gzip stream is missing")
    return array


def _read_array(stream: _Stream, capacity: int) -> npt.NDArray[np.uint8]:
    """Read header and values; ``capacity`` is the most bytes the stream can possibly give."""
    shape = _read_header(stream)
    promised, room = math.prod(shape), capacity - 4 - 4 * len(shape)
    promise = f"its header promises {_product(shape)} bytes and"
    if promised > room:
        if isinstance(stream, _Gunzip):
            raise _MalformedError(f"is cut short or too large: {promise} at most {room:,} can come")
        raise _MalformedError(f"is cut short: {promise} only {room:,} are there")
    values = np.empty(promised, np.uint8)
    count = _fill(stream, values.data)
    if count < promised:
        raise _MalformedError(f"is cut short: {promise} only {count:,} are there")
    if stream.read(1):
        raise _MalformedError(f"is too long: {promise} more are there")
    return values.reshape(shape)


def _read_header(stream: _Stream) -> tuple[int, ...]:
    """The sizes of each dimension, all at least 1."""
    magic = bytearray(4)
    count = _fill(stream, memoryview(magic))
    if count < len(magic):
        raise _MalformedError(f"is cut short: it has only {count} bytes")
    if magic[:2] != b"\0\0":
        raise _MalformedError(
            f"is not an IDX file: it starts with {magic.hex(' ')}, not with 00 00 08"
        )
    _, _, code, dimensions = magic
    if code != _UNSIGNED_BYTE:
        name = _TYPES.get(code, "unknown")
        raise _MalformedError(
            f"holds values of type 0x{code:02x} ({name}), not 0x08 (unsigned byte)"
        )
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise _MalformedError(
            f"has {dimensions} dimensions where 1 to {MAX_DIMENSIONS} are allowed"
        )
    sizes = bytearray(4 * dimensions)
    if _fill(stream, memoryview(sizes)) < len(sizes):
        raise _MalformedError(f"is cut short: its header of {4 + len(sizes)} bytes is incomplete")
    shape: tuple[int, ...] = struct.unpack(f">{dimensions}I", sizes)
    if 0 in shape:
        raise _MalformedError(f"is empty: its header promises {_product(shape)} bytes")
    return shape


def _product(shape: tuple[int, ...]) -> str:
    """``(60000, 28, 28)`` as ``60,000 x 28 x 28 = 47,040,000``."""
    factors = " x ".join(f"{size:,}" for size in shape)
    return factors if len(shape) == 1 else f"{factors} = {math.prod(shape):,}"


def _fill(stream: _Stream, view: memoryview) -> int:
    """Read into ``view`` piece by piece until it is full or the stream ends; the bytes read."""
    done = 0
    while done < len(view):
        count = stream.readinto(view[done : done + _PIECE])  # type: ignore[union-attr]
        if not count:
            break
        done += count
    return done
