"""Files: written so that nothing ever leaves half of one, and read so that no pipe is waited for.

A file is written to a temporary name in its own folder, flushed to the disk, and renamed over
the old one: a reader sees the old content or the new, nothing between.
"""

from __future__ import annotations

import errno
import glob
import io
import os
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from lenet.arguments import shown
from lenet.errors import OutputError, UsageError, path_text, reason

#: The length of a file's name, in bytes, that every file system allows.
_SHORT: Final = 64
#: Links that are followed, one after the other; as many as Linux follows.
_MOST_LINKS: Final = 40


def is_same_file(path: str | os.PathLike[str], other: object) -> bool:
    """Is there a file at ``path``, and is ``other`` a path to it, too?"""
    if not isinstance(other, str | os.PathLike):
        return False
    try:
        return os.path.isfile(path) and os.path.samefile(path, other)
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        return False


def is_special(path: str | os.PathLike[str]) -> bool:
    """Is it a pipe, a device, or an open file of this process such as /dev/stdout?"""
    if own_stream(path) is not None:
        return True
    return os.path.exists(path) and not os.path.isfile(path)


def own_stream(path: str | os.PathLike[str]) -> int | None:
    """Return the number of this process's open file that a path leads to, as /dev/stdout does."""
    place = os.fspath(path)
    for _ in range(_MOST_LINKS):
        try:
            folder, name = os.path.split(os.path.abspath(place))
            folder = os.path.realpath(folder)
            if folder == f"/proc/{os.getpid()}/fd" and name.isdecimal():
                return int(name)
            place = os.path.join(folder, os.readlink(os.path.join(folder, name)))
        except (OSError, ValueError):  # it is no link, or no name at all
            return None
    return None


def check_other_file(path: str | os.PathLike[str], *others: object) -> None:
    """Raise a UsageError, if what is to be written would be written over one of ``others``."""
    for other in others:
        if is_same_file(path, other):
            what = f"{path_text(path)} is what is read, and would be written over"
            raise UsageError(f"{what}; name another file.", parameter="output")


def write_bytes(path: str | os.PathLike[str], content: bytes, durable: bool = True) -> Path:
    """Write ``content`` to ``path``, all or nothing; see :func:`write_pieces`."""
    return write_pieces(path, (content,), durable)


def write_pieces(
    path: str | os.PathLike[str], pieces: Iterable[bytes | memoryview], durable: bool = True
) -> Path:
    """Write ``pieces`` one behind the other to ``path``, all or nothing, and return the path.

    Where it need not be ``durable`` nothing waits for the disk, which takes most of the time: it is
    whole or not there all the same when a process is killed, and may be neither after a power cut.

    A file that is there keeps its permissions. Of a link, the file that it points to is written.
    What is there already and is no regular file, such as ``/dev/stdout`` or a pipe, is written to
    as it is. An OutputError says that the folder does not exist, is not writable or has no room;
    an earlier file of that name is untouched then; a UsageError, that ``path`` is no path.
    """
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"the file to write is {shown(path)}; give its path.")
    target = Path(path)
    try:
        if is_special(target):
            number = own_stream(target)
            # Not opened anew: what was redirected with >> would be emptied.
            place = target if number is None else os.dup(number)
            with open(place, "wb") as stream:
                stream.writelines(pieces)
            return target
        real = Path(os.path.realpath(target)) if target.is_symlink() else target
        _write_and_rename(real, pieces, durable)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        what = f"cannot write {path_text(path)}: {reason(error)}"
        remedy = "choose a folder that exists, is writable and has room"
        raise OutputError(f"{what}; {remedy}") from error
    if durable:
        with suppress(OSError):  # some systems refuse; the file's own content is safe already
            folder = os.open(real.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    return target


def _write_and_rename(target: Path, pieces: Iterable[bytes | memoryview], durable: bool) -> None:
    kept = stat.S_IMODE(target.stat().st_mode) & 0o777 if target.exists() else None
    temporary = target.with_name(_temporary_start(target) + os.urandom(4).hex())
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    # The system takes off what the umask forbids: to ask for the mask would change it for a moment.
    handle = os.open(temporary, flags, 0o666 if kept is None else kept)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        if kept is not None:
            os.chmod(temporary, kept)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _temporary_start(target: Path) -> str:
    """Return how temporary names for ``target`` begin; eight letters follow.

    The whole is not longer than the target's own name, if that is a long one: it may be as long as
    the file system allows.
    """
    room = max(_SHORT, len(os.fsencode(target.name))) - 10  # for two dots and the letters
    return f".{os.fsencode(target.name)[:room].decode('utf-8', 'ignore')}."


def write_text(path: str | os.PathLike[str], content: str, durable: bool = True) -> Path:
    """Write ``content`` as UTF-8 to ``path``; see :func:`write_pieces`.

    A lone surrogate, as in a file name that is no text, is written out: ``\\udcff``.
    """
    return write_bytes(path, content.encode("utf-8", "backslashreplace"), durable)


def open_regular(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Open a file to read its bytes; a folder, a pipe or a device is an OSError at once."""
    return os.fdopen(_opened(path, os.O_RDONLY), "rb")


def open_to_change(path: str | os.PathLike[str]) -> io.BufferedRandom:
    """Open a file to read and to write its bytes, and make it if it is not there."""
    return os.fdopen(_opened(path, os.O_RDWR | os.O_CREAT), "r+b")


def _opened(path: str | os.PathLike[str], flags: int) -> int:
    # Not to wait: a pipe that nobody writes to would keep its reader for ever.
    flags |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags, 0o666)
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise OSError(errno.EINVAL, f"it is {kind}, no file", path)
    return handle


def read_regular(path: str | os.PathLike[str], most: int) -> bytes:
    """Return the bytes of a file that :func:`open_regular` opens; an OSError, if it has more than
    ``most``."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size  # room is made for as much as is asked for
        content = file.read(min(size, most + 1))
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", path)
    return content


def read_start(path: str | os.PathLike[str], count: int) -> bytes:
    """Return the first ``count`` bytes of a file that :func:`open_regular` opens, or all."""
    with open_regular(path) as file:
        return file.read(count)


def leftovers(path: str | os.PathLike[str]) -> list[Path]:
    """Return what a process that was killed while it wrote ``path`` left beside it."""
    target = Path(path)
    return list(target.parent.glob(f"{glob.escape(_temporary_start(target))}*"))


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Remove what a process that was killed while it wrote ``path``, and writes no more, left."""
    for temporary in leftovers(path):
        with suppress(OSError):
            temporary.unlink()


if sys.platform == "win32":

    def lock(file: int) -> bool:
        """Lock an open file until it is closed; return whether no other process holds it."""
        import msvcrt

        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def lock(file: int) -> bool:
        """Lock an open file until it is closed; return whether no other process holds it."""
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass  # some network file systems have no locks: then there is nothing to hold
        return True
