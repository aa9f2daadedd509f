"""Data sets that have a name: ``digits`` inside the package, MNIST and Fashion-MNIST from outside.

``digits`` are 1,797 images of 8x8 with values 0 to 16: the test set of "Optical Recognition of
Handwritten Digits" (E. Alpaydin and C. Kaynak, 1998, https://doi.org/10.24432/C50P49, CC BY 4.0);
see ``files/ATTRIBUTION.md``. The others are looked for in the folder that was named, else the one
in ``LENET_DATA``, else the cache, which is filled by download and never holds half a file.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import numpy as np

from lenet import files
from lenet.data import idx
from lenet.data.dataset import Dataset, Numbered, Split
from lenet.data.splitting import split_by_label
from lenet.errors import DataError, DownloadError, OutputError, reason
from lenet.terminal import unguarded

TRAIN_IMAGES: Final = "train-images-idx3-ubyte"
TRAIN_LABELS: Final = "train-labels-idx1-ubyte"
TEST_IMAGES: Final = "t10k-images-idx3-ubyte"
TEST_LABELS: Final = "t10k-labels-idx1-ubyte"
MAX_BYTES: Final = 256 << 20  # from a mirror for one file, whatever it sends
TIMEOUT: Final = (10.0, 30.0)  # seconds to wait for a connection, and for the next bytes
DIGITS: Final = "digits"
TEST_DIGITS: Final = 360

_DIGIT_IMAGES: Final = "digits-images-idx3-ubyte.gz"
_DIGIT_LABELS: Final = "digits-labels-idx1-ubyte.gz"
#: The variable that names the folder for caches, and where it is below the home folder without.
_CACHES: Final = {
    "win32": ("LOCALAPPDATA", "AppData", "Local"),
    "darwin": ("", "Library", "Caches"),
    "linux": ("XDG_CACHE_HOME", ".cache"),
}
_ANSWERS: Final = {
    "ChunkedEncodingError": "broke off",
    "ConnectionError": "could not be reached",
    "ConnectTimeout": "did not answer in time",
    "ReadTimeout": "did not answer in time",
    "SSLError": "has no valid certificate",
}


@dataclass(frozen=True)
class Source:
    """Where a data set comes from."""

    name: str
    classes: tuple[str, ...]
    checksums: Mapping[str, str]  # the published MD5 of each file's .gz, by the file's name
    mirrors: tuple[str, ...]  # folders of the .gz files, ending in a slash, tried in this order


MNIST: Final = Source(
    name="mnist",
    classes=tuple("0123456789"),
    checksums={
        TRAIN_IMAGES: "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        TRAIN_LABELS: "d53e105ee54ea40749a09fcbcd1e9432",
        TEST_IMAGES: "9fb629c4189551a2d022fa330f9573f3",
        TEST_LABELS: "ec29112dd5afa0611ce80d1b7f02629c",
    },
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
)
FASHION_MNIST: Final = Source(
    name="fashion-mnist",
    classes=(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    checksums={
        TRAIN_IMAGES: "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        TRAIN_LABELS: "25c81989df183df01b3e8a0aad5dffbe",
        TEST_IMAGES: "bef4ecab320f06d8554ea6380940ec79",
        TEST_LABELS: "bb300cfdad3c16e7a12a480ee83cd310",
    },
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
)
SOURCES: dict[str, Source] = {source.name: source for source in (MNIST, FASHION_MNIST)}
NAMES: Final = (DIGITS, *SOURCES)


def plain_name(text: str) -> str:
    """Return what a person calls a data set as :data:`NAMES` has it, if it is one of them."""
    return text.strip().lower().replace("_", "-")


def load_named(name: str, data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Load one of :data:`NAMES`; MNIST is downloaded into the cache if need be."""
    if name == DIGITS:
        folder, remedy = Path(__file__).parent / "files", "install lenet again"
        digits = _read_split(folder / _DIGIT_IMAGES, folder / _DIGIT_LABELS, remedy)
        images = np.rint(digits.images * (255 / 16)).astype(np.uint8)  # from 0 to 16
        digits, chosen = Split(images, digits.labels), split_by_label(digits.labels, TEST_DIGITS)
        return _named(name, digits.chosen(~chosen), digits.chosen(chosen), MNIST.classes)
    source = SOURCES[name]
    given = os.environ.get("LENET_DATA")
    if data_dir is None and not given:
        paths = _fill_cache(source, cache_folder() / source.name)
        remedy = "delete it and run the same again to download it anew"
    else:
        title, instead = "the data folder is", "leave the folder out"
        if data_dir is None:
            title, instead = "LENET_DATA is set to", "unset LENET_DATA"
        paths = _find_given(source, Path(data_dir or given or ""), title, instead)
        remedy = "replace it by an intact copy"
    train = _read_split(paths[TRAIN_IMAGES], paths[TRAIN_LABELS], remedy)
    test = _read_split(paths[TEST_IMAGES], paths[TEST_LABELS], remedy)
    return _named(source.name, train, test, source.classes)


def _named(name: str, train: Split, test: Split, classes: tuple[str, ...]) -> Dataset:
    """Return a data set whose images are called by their place: ``mnist/test[12]``."""
    named = [
        replace(split, names=Numbered.of([(f"{name}/{part}", len(split))]))
        for part, split in (("train", train), ("test", test))
    ]
    return Dataset(name, named[0], named[1], classes)


def at_hand() -> tuple[str, ...]:
    """Return those of :data:`NAMES` whose files are all here: loading them downloads nothing."""
    folder = Path()
    with suppress(OutputError):
        folder = Path(os.environ.get("LENET_DATA") or cache_folder())

    def is_whole(source: Source) -> bool:
        return any(
            len(_find(source, p)) == len(source.checksums) for p in (folder / source.name, folder)
        )

    return (DIGITS, *(name for name, source in SOURCES.items() if is_whole(source)))


def cache_folder() -> Path:
    """Return where downloads are kept: ``LENET_CACHE``, else the system's folder for caches.

    Raises:
        OutputError: there is none, as in a container whose user has no home.
    """
    if chosen := os.environ.get("LENET_CACHE"):
        return Path(chosen)
    variable, *inside = _CACHES.get(sys.platform, _CACHES["linux"])
    if base := os.environ.get(variable):
        return Path(base) / "lenet"
    try:
        if os.environ.get("HOME") == "":  # which would be taken for the root of all folders
            raise RuntimeError
        return Path.home().joinpath(*inside, "lenet")
    except RuntimeError as error:
        advice = "set LENET_CACHE to a folder, or give a data_dir with the files"
        raise OutputError(
            f"this user has no home folder for a cache; {advice}", parameter="data_dir"
        ) from error


def _read_split(images_path: Path, labels_path: Path, remedy: str) -> Split:
    images, labels = idx.read(images_path, remedy), idx.read(labels_path, remedy)
    for path, array, ndim in ((images_path, images, 3), (labels_path, labels, 1)):
        if array.ndim != ndim:
            raise DataError(f"{path} has {array.ndim} dimensions and not {ndim}; {remedy}")
    try:
        return Split(images[:, np.newaxis], labels.astype(np.int64))
    except DataError as error:
        raise DataError(f"{images_path} and {labels_path} do not match: {error}") from error


def _find_given(source: Source, folder: Path, title: str, instead: str) -> dict[str, Path]:
    """Return the four files, all from one folder: files of two different sets must not mix."""
    if not os.path.isdir(folder):  # unlike Path's own, it takes a name of any length
        raise DataError(f"{title} {folder}, which is no folder; name one with IDX files")
    paths = max((_find(source, place) for place in (folder / source.name, folder)), key=len)
    missing = [name for name in source.checksums if name not in paths]
    if missing:
        lack = f"neither it nor its folder {source.name} has {' and '.join(missing)}"
        advice = f"put them there, plain or .gz, or {instead} to download them"
        raise DataError(f"{title} {folder}, but {lack}; {advice}")
    return paths


def _find(source: Source, folder: Path) -> dict[str, Path]:
    """Return those of the source's files that the folder has, by their names."""
    paths = {}
    for name in source.checksums:
        # Some copies in circulation have a dot before "idx" instead of a hyphen.
        spellings = (name, name.replace("-idx", ".idx"))
        candidates = [folder / (spelling + end) for spelling in spellings for end in ("", ".gz")]
        if existing := [path for path in candidates if path.is_file()]:
            paths[name] = existing[0]
    return paths


def _fill_cache(source: Source, folder: Path) -> dict[str, Path]:
    """Download what the cache does not have yet."""
    paths = _find(source, folder)
    for name in source.checksums:
        if name not in paths:
            _require_writable(folder)  # before anything is downloaded
            content = fetch(f"{name}.gz", source.checksums[name], source.mirrors)
            paths[name] = files.write_bytes(folder / f"{name}.gz", content)
    return paths


def _require_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(0, "permission denied")
    except OSError as error:
        what = f"cannot write to the cache folder {folder}: {reason(error)}"
        advice = "set LENET_CACHE to one that can be written, or give a data_dir with the files"
        raise OutputError(f"{what}; {advice}", parameter="data_dir") from error


def fetch(archive: str, checksum: str, mirrors: Sequence[str]) -> bytes:
    """Download the file ``archive`` from the first mirror that has it with this MD5 checksum."""
    failures = []
    for mirror in mirrors:
        try:
            return _fetch(mirror + archive, checksum)
        except _RefusedError as error:
            failures.append(f"{urlsplit(mirror).netloc} {error}")
    what = f"cannot download {archive} ({', '.join(failures)})"
    advice = "try again later, or name a folder that has the files with data_dir or LENET_DATA"
    raise DownloadError(f"{what}; {advice}", parameter="data_dir")


class _RefusedError(Exception):
    """Why a mirror did not do, as the predicate of a sentence about it."""


def _fetch(url: str, checksum: str) -> bytes:
    import requests  # slow, and needed once in a data set's life

    content = bytearray()
    # "identity": a server that packs or unpacks on the way would change the checksum
    headers = {"Accept-Encoding": "identity", "User-Agent": "lenet"}
    parts = urlsplit(url)
    title = f"downloading {parts.path.rpartition('/')[2]} from {parts.netloc}"
    if not sys.stderr.isatty():
        print(title, file=sys.stderr)
    try:
        with (
            progress_bar(title) as update,
            requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response,
        ):
            size = response.headers.get("Content-Length", "")
            if not response.ok:
                raise _RefusedError(f"answered {response.status_code}")
            for piece in response.iter_content(1 << 16):
                content += piece
                if len(content) > MAX_BYTES:
                    raise _RefusedError(f"sent more than {MAX_BYTES:,} bytes")
                update(advance=len(piece), total=int(size) if size.isdecimal() else None)
    except OSError as error:  # the root of everything that the library raises
        name = type(error).__name__
        raise _RefusedError(_ANSWERS.get(name, f"failed with {name}")) from error
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != checksum:
        raise _RefusedError(f"sent {len(content):,} bytes with a wrong checksum")
    return bytes(content)


@contextmanager
def progress_bar(
    title: str, is_wanted: bool = True, *, total: int | None = None, transient: bool = False
) -> Iterator[Callable[..., object]]:
    """Show a bar on stderr if a person is watching; give what moves it on (``advance=1``)."""
    if not (is_wanted and sys.stderr.isatty()):
        yield lambda **_: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=unguarded(sys.stderr)), transient=transient) as progress:
        yield partial(progress.update, progress.add_task(title, total=total))
