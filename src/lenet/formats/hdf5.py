"""The arrays of an HDF5 file, read without HDF5: what h5py writes unless it is told otherwise.

Groups are a B-tree of names with a heap; an array lies in one piece. All numbers are little-endian,
a place in the file and a length have 8 bytes. HDF5's own library is not used: a damaged file may
make it crash.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from math import prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
#: More steps are a file made to keep its reader busy.
_MAX_STEPS: Final = 200_000
_MAX_DEPTH: Final = 16
_LONGEST_NAME: Final = 255
#: Messages of an object.
_SPACE, _TYPE, _EXTERNAL, _LAYOUT, _FILTERS, _MORE, _TABLE = 1, 3, 7, 8, 11, 16, 17
#: Of a floating-point number by its bytes: the bits of its exponent.
_EXPONENTS: Final = {2: 5, 4: 8, 8: 11}


class DamageError(Exception):
    """Why a file cannot be read, half a sentence."""


def read_arrays(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a file by their paths, as views of ``content``.

    Raises:
        DamageError: the file is cut or damaged, or has what h5py writes only when it is told to.
    """
    try:
        arrays = dict(_Reader(content).read())
    except (
        struct.error,
        ValueError,
        LookupError,
        OverflowError,
    ) as error:  # past the end of the file
        raise DamageError("it is cut or damaged") from error
    if sum(array.nbytes for array in arrays.values()) > len(content):
        raise DamageError("its arrays are larger than the file")
    return arrays


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content, self.steps = content, 0
        self.seen: set[int] = set()  # where a group, a tree or a list of names begins

    def read(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        if not self.content.startswith(SIGNATURE) or self.content[8] > 1:
            raise DamageError("its layout is not the one that h5py writes by default")
        if self.content[13:15] != b"\x08\x08":
            raise DamageError("its places do not have 8 bytes")
        start = 24 if self.content[8] == 0 else 28
        (base,) = self._numbers("Q", start)
        (root,) = self._numbers("Q", start + 40)
        if base:
            raise DamageError("it does not begin at its begin")
        yield from self._object(root, "", 0)

    def _numbers(self, form: str, place: int) -> tuple[int, ...]:
        self.steps += 1
        if self.steps > _MAX_STEPS:
            raise DamageError("it has more parts than any network")
        return struct.unpack_from(f"<{form}", self.content, place)

    def _once(self, place: int, mark: bytes) -> None:
        if place in self.seen or self.content[place : place + 4] != mark:
            raise DamageError("a group of its arrays is damaged")
        self.seen.add(place)

    def _object(self, place: int, path: str, depth: int) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        messages = dict(self._messages(place))
        if messages.keys() & {_EXTERNAL, _FILTERS}:
            raise DamageError(f"its array {path!r:.60} is compressed, or lies in another file")
        if _LAYOUT in messages:
            yield path, self._array(messages, path)
        elif _TABLE in messages:
            if depth > _MAX_DEPTH or place in self.seen:
                raise DamageError("its groups go too deep, or round in a circle")
            self.seen.add(place)
            tree, heap = self._numbers("QQ", messages[_TABLE])
            if self.content[heap : heap + 4] != b"HEAP":
                raise DamageError("the names of its arrays are damaged")
            (names,) = self._numbers("Q", heap + 24)
            for name, inner in self._links(tree, names):
                yield from self._object(inner, f"{path}/{name}" if path else name, depth + 1)
        else:
            raise DamageError("it has parts that are neither groups nor arrays")

    def _messages(self, place: int) -> Iterator[tuple[int, int]]:
        """Yield what an object says of itself: the kind, and where it stands."""
        version, left, size = self._numbers("BxHxxxxI", place)
        if version != 1:
            raise DamageError("its layout is not the one that h5py writes by default")
        blocks = [(place + 16, size)]
        while blocks:
            at, size = blocks.pop()
            end = at + size
            while at < end and left:
                kind, length, flags = self._numbers("HHB", at)
                at, left = at + 8, left - 1
                if kind == _MORE:
                    blocks.append((self._numbers("QQ", at)[0], self._numbers("QQ", at)[1]))
                elif flags & 2:
                    raise DamageError("its arrays share what they say of themselves")
                else:
                    yield kind, at
                at += length

    def _links(self, tree: int, names: int) -> Iterator[tuple[str, int]]:
        """Yield the names in a group, and where what they stand for begins."""
        trees = [tree]
        while trees:
            tree = trees.pop()
            if self.content[tree : tree + 4] == b"TREE":
                self._once(tree, b"TREE")
                (used,) = self._numbers("H", tree + 6)
                trees += [self._numbers("Q", tree + 32 + 16 * i)[0] for i in range(used)]
                continue
            self._once(tree, b"SNOD")
            (count,) = self._numbers("H", tree + 6)
            for at in range(tree + 8, tree + 8 + 40 * count, 40):
                offset, inner, kind = self._numbers("QQI", at)
                if kind > 1:
                    raise DamageError("a name in it stands for another")
                yield self._name(names + offset), inner

    def _name(self, place: int) -> str:
        end = self.content.index(b"\0", place, place + _LONGEST_NAME + 1)
        return self.content[place:end].decode("utf-8", "replace")

    def _array(self, messages: dict[int, int], path: str) -> npt.NDArray[Any]:
        if not messages.keys() >= {_SPACE, _TYPE}:
            raise DamageError(f"its array {path!r:.60} says no shape or no type")
        version, rank = self._numbers("BB", messages[_SPACE])
        shape = self._numbers(f"{rank}Q", messages[_SPACE] + (8 if version == 1 else 4))
        dtype = self._dtype(messages[_TYPE], path)
        version, kind = self._numbers("BB", messages[_LAYOUT])
        if version not in (3, 4) or kind > 1:
            raise DamageError(f"its array {path!r:.60} does not lie in one piece")
        at = messages[_LAYOUT] + 4
        if kind == 1:
            (at,) = self._numbers("Q", messages[_LAYOUT] + 2)
        if not prod(shape):
            return np.empty(shape, dtype)
        return np.frombuffer(self.content, dtype, prod(shape), at).reshape(shape)

    def _dtype(self, place: int, path: str) -> np.dtype[Any]:
        kind, bits, size = self._numbers("BBxxI", place)
        order = ">" if bits & 1 else "<"
        if kind & 15 == 0 and size in (1, 2, 4, 8):
            return np.dtype(f"{order}{'i' if bits & 8 else 'u'}{size}")
        (exponent,) = self._numbers("B", place + 13)
        if kind & 15 == 1 and not bits & 64 and exponent == _EXPONENTS.get(size):
            return np.dtype(f"{order}f{size}")
        raise DamageError(f"its array {path!r:.60} holds no usual numbers")
