"""Tables of answers, ``.csv`` or ``.parquet``: written as they come, and gone on with after a kill.

What is answered so far lies in ``NAME.partial`` beside the table: a line of JSON that says what was
asked, then pieces, each a line of JSON and rows as CSV. A piece that was cut off is left out. The
table is made of it at the end, whole or not at all.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final

from lenet import files
from lenet.arguments import shown
from lenet.data.parquet import ENDING as PARQUET
from lenet.data.pictures import Fault
from lenet.errors import DataError, OutputError, UsageError, needing, path_text, reason
from lenet.kinds import Kind
from lenet.run_folder import check_output

CSV: Final = ".csv"
#: What the name of what is answered so far ends in.
PARTIAL: Final = ".partial"
#: The longest line of JSON and the longest piece that are read, in bytes; a piece has no more rows
#: and faults than fit in for certain.
_LONGEST: Final = 1 << 26
_MOST_CELLS: Final = 1 << 20
_MOST_FAULTS: Final = 1_000
#: Bytes of CSV that become one group of rows of a Parquet file.
_GROUP: Final = 1 << 22
#: Columns of texts that are never left open.
_GIVEN: Final = {"image", "label", "prepared"}

Rows = Sequence[Sequence[object]]


def check_path(path: str | os.PathLike[str], *sources: object) -> None:
    """Raise a UsageError, if ``path`` is no name for a table of answers, or one of the sources."""
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"the file of answers is {shown(path)}; give its path.")
    try:
        os.fsencode(path)
    except ValueError as error:
        what = f"the file of answers is {shown(path)}, which no file can be called"
        raise UsageError(f"{what}; give another name.", parameter="output") from error
    check_output(path, *sources)
    if os.path.isdir(path):
        what = f"{path_text(path)} is a folder"
        raise UsageError(f"{what}; name a file of answers in it.", parameter="output")
    if not files.is_special(path) and not os.fspath(path).lower().endswith((CSV, PARQUET)):
        what = f"answers are written as a table and {path_text(path)} has another ending"
        raise UsageError(f"{what}; end it in {CSV} or {PARQUET}.", parameter="output")
    if os.fspath(path).lower().endswith(PARQUET):
        with needing("pyarrow", f"to write {path_text(path)}", "parquet"):
            import pyarrow  # noqa: F401 - before the work, not after it


def partial_of(path: str | os.PathLike[str]) -> Path:
    """Return where the answers for a table lie until all are there."""
    return Path(f"{os.fspath(path)}{PARTIAL}")


def save(path: str | os.PathLike[str], columns: Sequence[str], parts: Iterable[Rows]) -> Path:
    """Write a table, some rows at a time, all or nothing.

    Raises:
        UsageError: the name has another ending.
        OutputError: the file cannot be written; an earlier one is untouched.
        MissingPackageError: it is a Parquet file, and pyarrow is not installed.
    """
    check_path(path)
    return _write(path, columns, map(csv_bytes, parts))


def csv_bytes(rows: Rows) -> bytes:
    """Return rows as CSV; a file name that is no text goes out as it came in."""
    with io.StringIO(newline="") as text:
        csv.writer(text).writerows(rows)
        return text.getvalue().encode("utf-8", "surrogateescape")


def _write(path: str | os.PathLike[str], columns: Sequence[str], pieces: Iterable[bytes]) -> Path:
    whole: Iterable[bytes] = chain([csv_bytes([columns])], pieces)
    if os.fspath(path).lower().endswith(PARQUET):
        whole = _as_parquet(columns, whole)
    return files.write_pieces(path, whole)


def _as_parquet(columns: Sequence[str], pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a Parquet file of what is a table as CSV; its groups of rows are of one length."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as reader
    import pyarrow.parquet as pq

    kinds = {name: getattr(pa, _kind(name))() for name in columns}
    open_texts = [name for name in columns if _kind(name) == "string" and name not in _GIVEN]
    table = reader.open_csv(
        pa.PythonFile(_Joined(pieces), "r"),
        reader.ReadOptions(use_threads=False, block_size=_GROUP),
        reader.ParseOptions(newlines_in_values=True),
        reader.ConvertOptions(column_types=kinds, null_values=[""]),
    )
    sink = _Sink()
    with table, pq.ParquetWriter(pa.PythonFile(sink, "w"), table.schema) as writer:
        for batch in table:
            for name in open_texts:  # an answer that is not given is null
                place, values = columns.index(name), batch.column(name)
                values = pc.if_else(pc.equal(values, ""), None, values)
                batch = batch.set_column(place, table.schema.field(place), values)
            writer.write_batch(batch)
            yield sink.taken()
    yield sink.taken()


def _kind(name: str) -> str:
    """Return the type of a column."""
    if name.startswith("probability") or name.endswith("_probability"):
        return "float32"
    return {"correct": "bool_", "fold": "int32"}.get(name, "string")


class _Joined(io.RawIOBase):
    """Pieces of bytes, read as one file. What is no UTF-8 is written out: ``\\\\xff``."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces, self._left = iter(pieces), b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, if there are as many: groups of rows are as long as that."""
        parts, count = [self._left], len(self._left)
        while count < size and (piece := next(self._pieces, None)) is not None:
            parts.append(piece.decode("utf-8", "backslashreplace").encode())
            count += len(parts[-1])
        whole = b"".join(parts)
        self._left = whole[size:]
        return whole[:size]


class _Sink(io.RawIOBase):
    """What is written to it can be taken."""

    def __init__(self) -> None:
        self._parts, self._place = list[bytes](), 0

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        self._place += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        return self._place

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


@dataclass
class Counts:
    """What is answered so far."""

    images: int = 0
    unsure: int = 0
    ends: frozenset[str] = frozenset()  # what the last image or fault may be called
    faults: list[Fault] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many images and faults there were."""
        return self.images + len(self.faults)

    def add(self, images: int, unsure: int, last: str, faults: Sequence[Fault]) -> None:
        """Count some more images, of which the last is called so, and the faults before them."""
        self.images, self.unsure = self.images + images, self.unsure + unsure
        self.faults += faults
        self.ends = frozenset((last, *(fault.path for fault in faults)))


#: How many images a piece has, how many of them are unsure, what the last is called; and faults.
_Counted = tuple[int, int, str, list[Fault]]


def _counted(header: Mapping[str, Any]) -> _Counted:
    """Return what a piece counts; a ValueError, TypeError or LookupError, if it is none."""
    images, unsure, last = header["images"], header["unsure"], header["last"]
    if (type(images), type(unsure), type(last)) != (int, int, str):
        raise ValueError("no piece")
    faults = [Fault(str(p), str(why), Kind(*map(str, kind))) for p, why, kind in header["faults"]]
    return images, unsure, last, faults


class Answers:
    """A table of answers that is being written.

    Attributes:
        counts: of what is answered, a process before this one included.
    """

    def __init__(
        self, path: str | os.PathLike[str], columns: Sequence[str], asked: Mapping[str, Any]
    ) -> None:
        """Go on with what is answered already, if the same was ``asked``.

        Raises:
            OutputError: the file beside the table cannot be written.
        """
        self._path, self._columns = path, columns
        self.partial = partial_of(path)
        self.counts = Counts()
        self._first = json.dumps(dict(asked), sort_keys=True).encode() + b"\n"
        self._file = self._open()
        try:
            whole = 0
            for counted, _ in self._pieces():
                self.counts.add(*counted)
                whole = self._file.tell()
            self._file.seek(whole)
            self._file.truncate()
            if not whole:
                self._file.write(self._first)
        except OSError as error:
            self._file.close()
            raise self._refusal(error) from error

    def _open(self) -> IO[bytes]:
        """Return the file beside the table, which no other process writes."""
        try:
            while True:
                file = files.open_to_change(self.partial)
                if not files.lock(file.fileno()):
                    file.close()
                    what = f"another process writes answers into {path_text(self.partial)}"
                    raise UsageError(f"{what}; wait for it, or name another file.")
                with suppress(OSError):  # who held it may have removed it just now
                    if os.path.samestat(os.fstat(file.fileno()), os.stat(self.partial)):
                        return file
                file.close()
        except (OSError, ValueError) as error:
            raise self._refusal(error) from error

    def _pieces(self) -> Iterator[tuple[_Counted, bytes]]:
        """Yield all that is whole, if the same was asked: what to count of each piece, and rows."""
        file = self._file
        file.seek(0)
        if file.readline(_LONGEST) != self._first:
            return
        while True:
            try:
                header = json.loads(file.readline(_LONGEST))
                rows = file.read(min(header["bytes"], _LONGEST))
                counted = _counted(header)
            except (ValueError, TypeError, LookupError, RecursionError):
                return
            if len(rows) != header["bytes"] or zlib.crc32(rows) != header["check"]:
                return
            yield counted, rows

    def add(self, rows: Rows, unsure: int, faults: Sequence[Fault]) -> None:
        """Keep the rows of some images, and the files before them that are none.

        Raises:
            OutputError: the file beside the table cannot be written.
        """
        while len(faults) > _MOST_FAULTS:
            self._add([], 0, faults[:_MOST_FAULTS])
            faults = faults[_MOST_FAULTS:]
        most = max(1, _MOST_CELLS // len(self._columns))
        while len(rows) > most:
            self._add(rows[:most], unsure, faults)
            rows, unsure, faults = rows[most:], 0, []
        self._add(rows, unsure, faults)

    def _add(self, rows: Rows, unsure: int, faults: Sequence[Fault]) -> None:
        content, last = csv_bytes(rows), str(rows[-1][0]) if rows else ""
        told = [(f.path, f.reason, list(asdict(f.kind).values())) for f in faults]
        header = {
            "bytes": len(content),
            "check": zlib.crc32(content),
            "images": len(rows),
            "unsure": unsure,
            "last": last,
            "faults": told,
        }
        try:
            self._file.write(json.dumps(header).encode() + b"\n" + content)
            self._file.flush()
        except OSError as error:
            raise self._refusal(error) from error
        self.counts.add(len(rows), unsure, last, faults)

    def finish(self) -> Path:
        """Make the table, and remove what lies beside it.

        Raises:
            OutputError: the table cannot be written; an earlier one is untouched.
            MissingPackageError: it is a Parquet file, and pyarrow is not installed.
        """
        files.remove_leftovers(self._path)  # of a process that was killed here
        target = _write(self._path, self._columns, self._checked())
        self.remove()
        return target

    def _checked(self) -> Iterator[bytes]:
        """Yield the rows of all pieces; raise an OutputError, if one that was kept is not there."""
        count = 0
        for (images, *_), rows in self._pieces():
            count += images
            yield rows
        if count != self.counts.images:
            what = f"{path_text(self.partial)} was changed while answers were written into it"
            raise OutputError(f"{what}; give the same command again.")

    def remove(self) -> None:
        """Give up what is answered so far."""
        if sys.platform == "win32":  # removes no open file
            self._file.close()
        self.partial.unlink(missing_ok=True)
        self._file.close()

    def close(self) -> None:
        """Leave it to the next process."""
        self._file.close()

    def changed(self) -> DataError:
        """Return the error for images that are no longer those of before."""
        what = f"the images are not those that {path_text(self.partial)} has answers for"
        return DataError(f"{what}; remove it to begin again.")

    def _refusal(self, error: Exception) -> OutputError:
        what = f"cannot write {path_text(self.partial)}: {reason(error)}"
        return OutputError(f"{what}; choose a folder that exists, is writable and has room.")
