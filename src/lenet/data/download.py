"""One file from the first mirror that has it intact.

A download is held in memory until its published checksum is right; whoever writes it to the disk
has all of it. Progress goes to stderr.
"""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from lenet.errors import DownloadError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

MAX_BYTES = 256 << 20
"""The most bytes taken from a mirror for one file, whatever it sends."""
TIMEOUT = (10.0, 30.0)
"""Seconds to wait for a connection, and for the next bytes."""


def fetch(archive: str, checksum: str, mirrors: Sequence[str]) -> bytes:
    """Download a file from the first mirror that delivers it intact.

    Args:
        archive: the file's name.
        checksum: its MD5, 32 hexadecimal digits.
        mirrors: addresses of folders that hold it, each ending in a slash.

    Raises:
        DownloadError: no mirror did; the message has each one's reason.
    """
    failures = []
    for mirror in mirrors:
        try:
            return _fetch(mirror + archive, checksum)
        except _RefusedError as error:
            failures.append(f"{urlsplit(mirror).netloc} {error}")
    raise DownloadError(
        f"cannot download {archive} ({', '.join(failures)}); try again later, or get the files "
        "another way and name their folder with --data-dir or LENET_DATA"
    )


class _RefusedError(Exception):
    """Why a mirror did not do, as the predicate of a sentence about it."""


class _Buffer(io.BytesIO):
    """Memory for a download, of limited size."""

    def write(self, chunk: Any) -> int:
        if self.tell() + len(chunk) > MAX_BYTES:
            raise _RefusedError(f"sent more than {MAX_BYTES:,} bytes")
        return super().write(chunk)


def _fetch(url: str, checksum: str) -> bytes:
    # imported here: it is slow, and needed once in a data set's life
    from pooch import HTTPDownloader

    buffer = _Buffer()
    # "identity": a server that packs or unpacks on the way would change the checksum
    headers = {"Accept-Encoding": "identity", "User-Agent": "lenet"}
    try:
        with _progress(url) as bar:
            downloader = HTTPDownloader(bar, chunk_size=1 << 16, timeout=TIMEOUT, headers=headers)
            downloader(url, buffer, None)
    except OSError as error:  # the root of everything that the HTTP library raises
        raise _RefusedError(_reason(error)) from error
    content = buffer.getvalue()
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != checksum:
        raise _RefusedError(f"sent {len(content):,} bytes with a wrong checksum")
    return content


def _reason(error: OSError) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"answered {response.status_code}"
    return {
        "ChunkedEncodingError": "broke off",
        "ConnectionError": "could not be reached",
        "ConnectTimeout": "did not answer in time",
        "ReadTimeout": "did not answer in time",
        "SSLError": "has no valid certificate",
    }.get(type(error).__name__, f"failed with {type(error).__name__}")


class _Bar:
    """A progress bar with the methods that the downloader calls."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self.total = 0

    def update(self, count: int) -> None:
        self._progress.update(self._task, advance=count, total=self.total or None)

    def reset(self) -> None:
        self._progress.update(self._task, completed=0)

    def close(self) -> None:
        self._progress.refresh()


@contextmanager
def _progress(url: str) -> Generator[_Bar | Literal[False], None, None]:
    """A bar on stderr if a person is watching, otherwise one plain line."""
    parts = urlsplit(url)
    title = f"downloading {parts.path.rpartition('/')[2]} from {parts.netloc}"
    if not sys.stderr.isatty():
        print(title, file=sys.stderr)
        yield False
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        yield _Bar(progress, progress.add_task(title, total=None))
