"""The runs that may be shown, by name: a name is looked up among those found, and never a path."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lenet.errors import DataError, LenetError, UsageError, path_text, reason, visible
from lenet.files import read_regular
from lenet.net import zoo_name_of
from lenet.net.words import shown
from lenet.run_folder import INFO, PAGE, ROOT, RunRecord, check_path, is_run, read_run

#: The largest page of a run that is shown, in bytes.
_LARGEST_PAGE: Final = 64_000_000


@dataclass(frozen=True)
class _Known:
    """What was read of a run, where its model is, and the file's time and size then."""

    stamp: tuple[int, int]
    entry: dict[str, Any]
    model: Path | None


class Runs:
    """The runs in some folders; what is read of them is read again when it has changed."""

    def __init__(self, places: Sequence[str | os.PathLike[str]], root: Path = Path(ROOT)) -> None:
        """Find runs in ``places``, each a run or a folder of runs, and in ``root``.

        Raises:
            UsageError: a place is neither.
            DataError: a folder cannot be read.
        """
        for place in places:
            check_path(place)
            if not any(_runs_at(Path(place))):
                raise UsageError(
                    f"{path_text(place)} is no run and holds none; name a folder that lenet train "
                    f"wrote, such as {ROOT}/digits-lenet-relu-1, or one that holds such folders."
                )
        self.root = root
        self._places = [Path(place) for place in places]
        self._known: dict[Path, _Known] = {}

    def folders(self) -> dict[str, Path]:
        """Return every run's folder by the name that the page has for it."""
        places = [self.root, *self._places]  # in its own folder a run has its short name
        found = dict.fromkeys(path for place in places for path in _runs_at(place))
        unique: dict[Path, Path] = {}
        for path in found:
            unique.setdefault(path.resolve(), path)
        names: dict[str, Path] = {}
        for path in unique.values():
            name = name_of(path)
            names[visible(str(path)) if name in names else name] = path
        return names

    def name(self, folder: Path) -> str:
        """Return the page's name of the run in a folder."""
        real = folder.resolve()
        return next((n for n, path in self.folders().items() if path.resolve() == real), "")

    def find(self, *names: str) -> list[Path]:
        """Return the folders of the runs called so.

        Raises:
            UsageError: there is none of one of these names.
        """
        folders = self.folders()
        for name in names:
            if name not in folders:
                raise UsageError(f"there is no run {shown(name)} here.")
        return [folders[name] for name in names]

    def entries(self) -> list[dict[str, Any]]:
        """Return what there is to list of each run, the newest first."""
        entries = [{"name": name, **self._entry(path)} for name, path in self.folders().items()]
        return sorted(entries, key=lambda entry: str(entry.get("started", "")), reverse=True)

    def _entry(self, path: Path) -> dict[str, Any]:
        try:
            state = (path / INFO).stat()
        except OSError:
            return {"problem": "it is gone."}
        stamp = state.st_mtime_ns, state.st_size
        known = self._known.get(path)
        if known is None or known.stamp != stamp:
            self._known[path] = known = _Known(stamp, *_read_entry(path))
        return {**known.entry, **(_beside(path, known.model) if known.model else {})}

    def page(self, name: str) -> bytes:
        """Return the page of a run, as it lies in its folder.

        Raises:
            UsageError: there is no such run, or it has no page.
        """
        (path,) = self.find(name)
        try:
            if (path / PAGE).is_symlink():
                raise OSError("it is a link")
            return read_regular(path / PAGE, _LARGEST_PAGE)
        except OSError as error:
            raise UsageError(
                f"{name} has no page ({error.strerror or error}); lenet report makes one."
            ) from error


def name_of(path: Path) -> str:
    """Return what the page calls the run in a folder."""
    return RunRecord(path, {}).name


def _runs_at(place: Path) -> Iterator[Path]:
    """Yield the run that lies at a place, or those in it."""
    if is_run(place):
        yield place
    elif os.path.isdir(place):
        try:
            yield from sorted(path for path in place.iterdir() if is_run(path))
        except OSError as error:
            raise DataError(
                f"cannot read the folder {path_text(place)}: {reason(error)}; make it readable."
            ) from error


def _beside(path: Path, model: Path) -> dict[str, Any]:
    """Return what lies beside a run's facts, and may come and go without them."""
    changed = str(model.stat().st_mtime_ns) if model.exists() else ""
    return {
        "has_model": bool(changed),
        "model_changed": changed,
        "has_page": (path / PAGE).exists(),
    }


def _read_entry(path: Path) -> tuple[dict[str, Any], Path | None]:
    try:
        record = read_run(path)
    except LenetError as error:
        return {"problem": str(error)}, None
    info = record.info
    known = ("status", "dataset", "parameters", "seed", "started")
    entry = {
        **{name: info.get(name) for name in known},
        "network": info["network"],
        "zoo": zoo_name_of(record.network),
        "accuracy": record.kept.get("test_accuracy"),
        "epochs": len(record.epochs),
        "seconds": record.seconds,
    }
    return entry, record.model
