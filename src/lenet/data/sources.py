"""MNIST and Fashion-MNIST: found in a folder, or downloaded once and kept.

The order: the folder that was named, else the one in ``LENET_DATA``, else the cache. Only the
cache is ever written to, and it never holds a part of a file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lenet import files
from lenet.data import download, idx
from lenet.data.dataset import Dataset, Split
from lenet.errors import DataError, OutputError

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"


@dataclass(frozen=True)
class Source:
    """Where a data set comes from.

    Attributes:
        name: what it is called on the command line, and its folder in the cache.
        classes: the name of each class.
        checksums: the published MD5 of each file's archive (``.gz``), by the file's name.
        mirrors: addresses of folders that hold the archives, tried in this order.
    """

    name: str
    classes: tuple[str, ...]
    checksums: Mapping[str, str]
    mirrors: tuple[str, ...]


MNIST = Source(
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
FASHION_MNIST = Source(
    name="fashion-mnist",
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
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


def load(name: str, data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Load ``mnist`` or ``fashion-mnist``, downloading it into the cache if need be.

    Args:
        name: a key of :data:`SOURCES`.
        data_dir: a folder with the IDX files, or with a folder of that name that has them; when
            it is given, or ``LENET_DATA`` is set, nothing is downloaded.

    Raises:
        DataError: files are missing from that folder, damaged, or do not belong together.
        DownloadError: no mirror delivered a file intact.
        OutputError: the cache folder cannot be written.
    """
    source = SOURCES[name]
    given = os.environ.get("LENET_DATA")
    if data_dir is not None:
        remedy = "put the missing files there, or leave the folder out to download them"
        found = _find_given(source, Path(data_dir), "the data folder is", remedy)
    elif given:
        remedy = "put the missing files there, or unset LENET_DATA to download them"
        found = _find_given(source, Path(given), "LENET_DATA is set to", remedy)
    else:
        remedy = "delete it and run the same again to download it anew"
        return _read(source, _fill_cache(source, cache_folder() / source.name), remedy)
    return _read(source, found, "replace it by an intact copy")


def cache_folder() -> Path:
    """Where downloads are kept: ``LENET_CACHE``, else the system's folder for caches."""
    if chosen := os.environ.get("LENET_CACHE"):
        return Path(chosen)
    home = Path.home()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or home / ".cache"
    return Path(base) / "lenet"


def _read(source: Source, found: Mapping[str, Path], remedy: str) -> Dataset:
    train = _read_part(found[TRAIN_IMAGES], found[TRAIN_LABELS], remedy)
    test = _read_part(found[TEST_IMAGES], found[TEST_LABELS], remedy)
    return Dataset(source.name, train, test, source.classes)


def _read_part(images_path: Path, labels_path: Path, remedy: str) -> Split:
    images = _read_values(images_path, 3, "images", remedy)[:, np.newaxis]
    labels = _read_values(labels_path, 1, "labels", remedy).astype(np.int64)
    try:
        return Split(images, labels)
    except DataError as error:
        raise DataError(f"{images_path} and {labels_path} do not match: {error}") from error


def _read_values(path: Path, dimensions: int, what: str, remedy: str) -> npt.NDArray[np.uint8]:
    values = idx.read(path, remedy)
    if values.ndim != dimensions:
        raise DataError(
            f"{path} has {values.ndim} dimensions where {what} have {dimensions}; {remedy}"
        )
    return values


def _find_given(source: Source, folder: Path, title: str, remedy: str) -> dict[str, Path]:
    """The four files, all from one folder: files of two different sets must not mix."""
    if not folder.is_dir():
        raise DataError(
            f"{title} {folder}, which is no folder; name one that has the IDX files of "
            f"{source.name}"
        )
    candidates = [_find(source, place) for place in (folder / source.name, folder)]
    found = max(candidates, key=len)
    missing = [name for name in source.checksums if name not in found]
    if missing:
        raise DataError(
            f"{title} {folder}, but neither it nor its folder {source.name} has "
            f"{' and '.join(missing)} (plain or .gz); {remedy}"
        )
    return found


def _find(source: Source, folder: Path) -> dict[str, Path]:
    """Those of the source's files that the folder has, by their names."""
    found = {}
    for name in source.checksums:
        # Some copies in circulation have a dot before "idx" instead of a hyphen.
        spellings = (name, name.replace("-idx", ".idx"))
        paths = [folder / (spelling + end) for spelling in spellings for end in ("", ".gz")]
        if existing := [path for path in paths if path.is_file()]:
            found[name] = existing[0]
    return found


def _fill_cache(source: Source, folder: Path) -> dict[str, Path]:
    """Download what the cache does not have yet."""
    found = _find(source, folder)
    missing = [name for name in source.checksums if name not in found]
    if missing:
        _make_cache(folder)
    for name in missing:
        content = download.fetch(f"{name}.gz", source.checksums[name], source.mirrors)
        try:
            found[name] = files.write_bytes(folder / f"{name}.gz", content)
        except OutputError as error:
            raise OutputError(f"{error} (LENET_CACHE names another folder)") from error
    return found


def _make_cache(folder: Path) -> None:
    """Find out that the cache cannot be written before anything is downloaded."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(0, "permission denied")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(
            f"cannot write to the cache folder {folder}: {reason}; set LENET_CACHE to a folder "
            "that can be written, or pass a folder that holds the files already (--data-dir)"
        ) from error
