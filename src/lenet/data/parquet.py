"""Parquet files, read some rows at a time: pictures, paths of pictures, or pixels in columns.

A column of pictures is what Hugging Face's data sets have: bytes, or a pair of bytes and a path.
Pixels are a column of lists, or a column for each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from lenet.data.arrays import Array
from lenet.data.tables import LABEL_TITLES, PATH_TITLES, plain_title
from lenet.errors import DataError, needing, path_text
from lenet.net.words import shown

#: The first bytes of a file, and what a name ends in.
MAGIC: Final = b"PAR1"
ENDING: Final = ".parquet"
#: What the images of a table are.
PICTURES: Final = "pictures"
PATHS: Final = "paths"
PIXELS: Final = "pixels"
_ROWS: Final = 256  # that are read at a time
_BYTES: Final = "bytes"  # of a pair: what the file holds,
_PATH: Final = "path"  # or where it lies
_ADVICE: Final = (
    "give a column of pictures (bytes), of paths or of lists of pixels, or a column for each pixel"
)


class Table:
    """A Parquet file, and which of its columns are the images.

    Raises:
        DataError: it is damaged, or no column is taken for images.
        MissingPackageError: pyarrow is not installed.
    """

    def __init__(self, path: str) -> None:
        with needing("pyarrow", f"to read {path_text(path)}", "parquet"):
            import pyarrow.parquet
        self._path = path
        with self._intact():
            self._file = pyarrow.parquet.ParquetFile(path)
            schema = self._file.schema_arrow
            self._fields = [
                field for field in schema if plain_title(field.name) not in LABEL_TITLES
            ]
        self.kind, self._columns = self._choose()

    def _choose(self) -> tuple[str, list[str]]:
        kinds = {field.name: _kind(field.type) for field in self._fields}
        for kind in (PICTURES, "list", PATHS):
            names = [name for name, its in kinds.items() if its == kind]
            titled = [name for name in names if plain_title(name) in PATH_TITLES]
            if len(names) == 1 or titled:
                return (PIXELS if kind == "list" else kind), (titled or names)[:1]
        numbers = [name for name, its in kinds.items() if its == "number"]
        if len(numbers) > 1:
            return PIXELS, numbers
        what = ", ".join(shown(name) for name in list(kinds)[:5]) or "none"
        raise DataError(f"{path_text(self._path)} has the columns {what}; {_ADVICE}")

    def values(self) -> Iterator[bytes | str | None]:
        """Yield the picture, or the path of it, of each row; None where there is none."""
        for batch in self._batches(_ROWS):
            for value in batch.column(0).to_pylist():
                pair = value if isinstance(value, dict) else {_BYTES: value}
                yield pair.get(_BYTES) or pair.get(_PATH)

    def pixels(self) -> Array:
        """Return the rows as an array (N, pixels)."""
        first = next(self._rows(1), None)
        if first is None:
            raise DataError(f"{path_text(self._path)} has no rows; {_ADVICE}")
        shape = (self._file.metadata.num_rows, first.shape[1])
        return Array(self._path, shape, first.dtype, self._rows)

    def _rows(self, step: int) -> Iterator[np.ndarray[Any, Any]]:
        width = None
        for batch in self._batches(step):
            with self._intact():
                rows = _numbers(batch)
            width = width or rows.shape[1]
            if rows.shape[1] != width:
                what = f"{path_text(self._path)} has rows of {width:,} and {rows.shape[1]:,} pixels"
                raise DataError(f"{what}; give images of one size")
            yield rows

    def _batches(self, size: int) -> Iterator[Any]:
        with self._intact():
            yield from self._file.iter_batches(size, columns=self._columns)

    @contextmanager
    def _intact(self) -> Iterator[None]:
        """Let a damaged file, which may make its reader raise anything, be told as such."""
        try:
            yield
        except (DataError, MemoryError, GeneratorExit):
            raise
        except Exception as error:
            why = " ".join(str(error).split())[:200].rstrip(".")
            what = f"{path_text(self._path)} is no intact Parquet file of images ({why})"
            raise DataError(f"{what}; {_ADVICE}") from error


def _kind(kind: Any) -> str:
    """Return what a column of a type may be."""
    from pyarrow import types

    if types.is_struct(kind):
        return PICTURES if kind.get_field_index(_BYTES) >= 0 else ""
    if types.is_binary(kind) or types.is_large_binary(kind):
        return PICTURES
    if types.is_string(kind) or types.is_large_string(kind):
        return PATHS
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        inner = _kind(kind.value_type)
        return "list" if inner in ("number", "list") else ""
    return "number" if types.is_integer(kind) or types.is_floating(kind) else ""


def _numbers(batch: Any) -> np.ndarray[Any, Any]:
    """Return the rows of a batch as an array (n, pixels)."""
    if batch.num_columns > 1:
        return np.stack([_values(column) for column in batch.columns], axis=1)
    values = batch.column(0)
    while hasattr(values, "flatten") and _kind(values.type) == "list":
        sizes = values.value_lengths().unique()
        if len(sizes) > 1 or values.null_count:
            raise DataError("a column has lists of different lengths; give images of one size")
        values = values.flatten()
    rows = batch.num_rows
    return _values(values).reshape(rows, -1)


def _values(values: Any) -> np.ndarray[Any, Any]:
    if values.null_count:
        raise DataError("a pixel is missing; give a number for each")
    found: np.ndarray[Any, Any] = values.to_numpy(zero_copy_only=False)
    return found
