"""Writing files so that a kill, a full disk or a second writer never leaves half of one.

A file is written to a temporary name in its own folder, flushed to the disk, and renamed over
the old one: a reader sees the old content or the new, nothing between.
"""

from __future__ import annotations

import errno
import glob
import os
import stat
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from lenet.errors import OutputError, reason


def write_bytes(path: str | os.PathLike[str], content: bytes, durable: bool = True) -> Path:
    """Write ``content`` to ``path``, all or nothing; see :func:`write_pieces`."""
    return write_pieces(path, (content,), durable)


def write_pieces(
    path: str | os.PathLike[str], pieces: Iterable[bytes | memoryview], durable: bool = True
) -> Path:
    """Write ``pieces`` one behind the other to ``path``, all or nothing, and return the path.

    Where it need not be ``durable`` nothing waits for the disk, which takes most of the time: it is
    whole or not there all the same when a process is killed, and may be neither after a power cut.

    What is there already and is no regular file, such as ``/dev/stdout`` or a pipe, is written to
    as it is: a rename would put a file in its place.

    Raises:
        OutputError: the folder does not exist or is not writable, or the disk is full. An
            earlier file of that name is untouched then.
    """
    target = Path(path)
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as stream:
                stream.writelines(pieces)
            return target
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise OutputError(_refusal(target, error)) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OutputError(_refusal(target, error)) from error
        raise
    if durable:
        _sync_folder(target.parent)
    return target


def write_text(path: str | os.PathLike[str], content: str, durable: bool = True) -> Path:
    """Write ``content`` as UTF-8 to ``path``; see :func:`write_pieces`."""
    return write_bytes(path, content.encode("utf-8"), durable)


def read_regular(path: str | os.PathLike[str], most: int) -> bytes:
    """The first ``most`` bytes of a file; a pipe, which may keep one waiting forever, is none.

    Raises:
        OSError, ValueError: it cannot be read, is no regular file, or no name of one.
    """
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", path)
    with open(path, "rb") as file:
        return file.read(min(found.st_size, most))  # room is made for as much as is asked for


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Take away what a process that was killed while it wrote ``path`` has left beside it.

    Only where nobody writes that file now.
    """
    target = Path(path)
    for temporary in target.parent.glob(f".{glob.escape(target.name)}.*"):
        with suppress(OSError):
            temporary.unlink()


def _refusal(target: Path, error: Exception) -> str:
    name = str(target).replace("\0", "\\0")
    why = reason(error)
    return f"cannot write {name}: {why}; choose a folder that exists, is writable and has room"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system lets a folder be opened."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some network file systems refuse; the file's own content is safe already
    finally:
        os.close(descriptor)
