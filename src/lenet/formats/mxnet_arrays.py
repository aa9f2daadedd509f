"""MXNet's ``.params``, read and written without MXNet.

Little-endian: u64 0x112, u64 0, u64 N, N arrays, u64 K, K names (u64 length, bytes); K is 0 or N.
An array of today (V2, V3): u32 magic, i32 storage type, i32 axes and i64 sizes, i32 device type and
number, i32 number type, raw data. V1 has no storage type; before that the first word is the number
of axes and the sizes are u32. MXNet 2 writes an ``.npz`` under the same name.
"""

from __future__ import annotations

import io
import math
import os
import struct
import zipfile
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.analysis.diagnosis.weights import plain_name
from lenet.data.arrays import read_header
from lenet.errors import ModelFileError, path_text
from lenet.net.words import name_text, shown
from lenet.tensor_files import MAX_TENSORS

Arrays = dict[str, npt.NDArray[Any]]

_LIST: Final = 0x112
_V1, _V2, _V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
_SPARSE: Final = {1: "row_sparse", 2: "csr"}
#: By its number in the file: what a number is, and bfloat16 as what holds its bits.
_TYPES: Final = ("f4", "f8", "f2", "u1", "i4", "i1", "i8", "?", "i2", "u2", "u4", "u8", "bf16")
_MAX_AXES: Final = 32
_LONGEST_NAME: Final = 10_000


def read_params(path: str | os.PathLike[str], content: bytes) -> tuple[Arrays, bool]:
    """Return a file's arrays by name, and whether they have names: else they are "0", "1", ...

    bfloat16 comes as float32; other arrays are views of ``content``.

    Raises:
        ModelFileError: the file is cut, damaged, sparse or something else.
    """
    try:
        if content[:2] == b"PK":
            return _read_npz(content)
        return _Reader(content).read()
    except _DamageError as error:
        raise ModelFileError(f"{path_text(path)} is no intact .params file: {error}.") from error


class _DamageError(Exception):
    """Why a file cannot be read, half a sentence."""


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content, self.place = content, 0

    def read(self) -> tuple[Arrays, bool]:
        magic = self._take("Q") if len(self.content) >= 8 else 0
        if magic != _LIST:
            raise _DamageError("it does not begin as MXNet's files do; give one that MXNet wrote")
        self._take("Q")
        count = self._count(self._take("Q"), "arrays")
        arrays = [self._array(number) for number in range(count)]
        named = self._count(self._take("Q"), "names")
        if named not in (0, count):
            raise _DamageError(f"it holds {count:,} arrays and {named:,} names")
        names = [self._name() for _ in range(named)] or [str(n) for n in range(count)]
        if self.place != len(self.content):
            raise _DamageError(f"{len(self.content) - self.place:,} bytes follow its end")
        if len(set(names)) != count:
            raise _DamageError("two of its arrays have one name")
        return dict(zip(names, arrays, strict=True)), bool(named)

    def _bytes(self, size: int) -> memoryview:
        end = self.place + size
        if end > len(self.content):
            raise _DamageError(f"it is cut: it has {len(self.content):,} bytes and needs {end:,}")
        taken = memoryview(self.content)[self.place : end]
        self.place = end
        return taken

    def _take(self, kind: str) -> int:
        return int(struct.unpack(f"<{kind}", self._bytes(struct.calcsize(kind)))[0])

    def _count(self, count: int, what: str) -> int:
        if count > MAX_TENSORS:
            raise _DamageError(f"it says that it holds {count:,} {what}, {MAX_TENSORS:,} at most")
        return count

    def _name(self) -> str:
        length = self._take("Q")
        if length > _LONGEST_NAME:
            raise _DamageError(f"a name has {length:,} bytes, {_LONGEST_NAME:,} at most")
        return bytes(self._bytes(length)).decode("utf-8", "replace")

    def _array(self, number: int) -> npt.NDArray[Any]:
        magic = self._take("I")
        if magic in (_V2, _V3):
            storage = self._take("i")
            if storage:
                kind = _SPARSE.get(storage, f"of storage type {storage}")
                raise _DamageError(
                    f"array {number} is {kind}, and only dense ones are read; "
                    "call tostype('default') on it and save it again"
                )
        axes = self._take("i") if magic in (_V1, _V2, _V3) else magic
        is_empty = axes < 0 if magic == _V3 else axes == 0
        if is_empty:  # nothing follows
            return np.empty(0, np.float32)
        if not 0 <= axes <= _MAX_AXES:
            raise _DamageError(f"array {number} has {axes:,} axes")
        shape = tuple(self._take("q" if magic in (_V1, _V2, _V3) else "I") for _ in range(axes))
        self._take("Q")  # the device that it was on
        return self._numbers(number, shape, self._take("i"))

    def _numbers(self, number: int, shape: tuple[int, ...], kind: int) -> npt.NDArray[Any]:
        if min(shape, default=0) < 0 or not 0 <= kind < len(_TYPES):
            raise _DamageError(
                f"array {number} has the shape {shown(shape)} and number type {kind}"
            )
        is_bfloat = _TYPES[kind] == "bf16"
        dtype = np.dtype("<u2" if is_bfloat else f"<{_TYPES[kind]}")
        values = np.frombuffer(self._bytes(math.prod(shape) * dtype.itemsize), dtype)
        if is_bfloat:
            values = (values.astype("<u4") << 16).view("<f4")
        try:
            return values.reshape(shape)
        except ValueError:  # no numbers, and sizes beyond what NumPy counts
            raise _DamageError(f"array {number} has the shape {shown(shape)}") from None


def _read_npz(content: bytes) -> tuple[Arrays, bool]:
    """Read what MXNet 2 writes; nothing is unpickled, and nothing larger comes out than went in."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_TENSORS:
                raise _DamageError(f"it holds {len(entries):,} arrays, {MAX_TENSORS:,} at most")
            if sum(entry.file_size for entry in entries) > 2 * len(content) + 2**20:
                raise _DamageError("it unpacks to more than twice its size")
            if not entries or not all(entry.filename.endswith(".npy") for entry in entries):
                raise _DamageError(
                    "it is a zip archive of something else; give the file that MXNet wrote"
                )
            return {_npy_name(entry): _read_npy(archive, entry) for entry in entries}, True
    except _DamageError:
        raise
    except Exception as error:  # a damaged archive may make its readers raise anything
        raise _DamageError("its archive of arrays is damaged; save it anew") from error


def _npy_name(entry: zipfile.ZipInfo) -> str:
    return entry.filename.removesuffix(".npy")


def _read_npy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> npt.NDArray[Any]:
    with archive.open(entry) as stream:
        shape, fortran, dtype = read_header(stream)
        values = np.frombuffer(stream.read(), dtype)
    return values.reshape(shape[::-1]).T if fortran else values.reshape(shape)


def write_params(arrays: Mapping[str, npt.NDArray[np.float32]]) -> bytes:
    """Return the content of a ``.params`` file, as MXNet 1 writes it (V2)."""
    parts = [struct.pack("<3Q", _LIST, 0, len(arrays))]
    for values in arrays.values():
        sizes = values.shape
        parts.append(struct.pack("<Iii", _V2, 0, len(sizes)))
        parts.append(struct.pack(f"<{len(sizes)}q3i", *sizes, 1, 0, 0))  # on the CPU, float32
        parts.append(np.ascontiguousarray(values, "<f4").tobytes())
    parts.append(struct.pack("<Q", len(arrays)))
    for name in arrays:
        encoded = name.encode("utf-8")
        parts.append(struct.pack("<Q", len(encoded)) + encoded)
    return b"".join(parts)


def plain_names(arrays: Arrays, named: bool = True) -> Arrays:
    """Return the arrays under names as PyTorch has them; see :func:`plain_name`.

    Arrays without names are taken in the order in which Gluon saves a network's.
    """
    if not named:
        return _numbered(arrays)
    found: Arrays = {}
    for name, values in arrays.items():
        plain = plain_name(name)
        if plain in found:
            raise ModelFileError(f"the file holds two arrays for {name_text(plain)}; keep one.")
        found[plain] = values
    return found


def _numbered(arrays: Arrays) -> Arrays:
    """A weight, what follows it up to the next: a bias, a normalisation, or both."""
    runs: list[list[npt.NDArray[Any]]] = []
    for values in arrays.values():
        if values.ndim > 1 or not runs:
            runs.append([])
        runs[-1].append(values)
    norm = ("weight", "bias", "running_mean", "running_var")
    found: Arrays = {}
    for number, (weight, *others) in enumerate(runs):
        found[f"{2 * number}.weight"] = weight
        if len(others) % 4:
            found[f"{2 * number}.bias"] = others.pop(0)
        names = norm if len(others) == 4 else [f"{n}" for n in range(len(others))]
        found |= {f"{2 * number + 1}.{n}": v for n, v in zip(names, others, strict=True)}
    return found
