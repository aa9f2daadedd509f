"""A run as it is written down: ``run.json``, and the signals of its layers.

A run folder may come from anywhere and be of any age: what is read here is checked, what a page
can do without may be missing.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lenet.errors import DataError, LenetError, UsageError
from lenet.net import Network, parse_network
from lenet.reporting.signals import FILE, LayerSignal, from_csv

FORMAT: Final = "lenet-run"
VERSION: Final = 1
INFO: Final = "run.json"
MODEL: Final = "last.safetensors"
#: The largest run.json or signals.csv that is read, in bytes.
_LARGEST: Final = 256_000_000


@dataclass(frozen=True)
class RunRecord:
    """What a run left behind.

    Attributes:
        folder: where it lies.
        info: what run.json holds.
        signals: of every layer and epoch; may be empty.
    """

    folder: Path
    info: Mapping[str, Any]
    signals: Sequence[LayerSignal] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What it is called: its folder's name."""
        return self.folder.name or self.folder.resolve().name

    @property
    def model(self) -> Path:
        """Where its model is saved."""
        return self.folder / MODEL

    @property
    def network(self) -> Network:
        """What was trained."""
        return parse_network(self.info["network"])

    @property
    def epochs(self) -> list[dict[str, float]]:
        """A dict of numbers an epoch; null is NaN."""
        return [
            {key: math.nan if value is None else value for key, value in epoch.items()}
            for epoch in self.info["epochs"]
        ]

    @property
    def recipe(self) -> Mapping[str, Any]:
        """How it was trained, but for the seed."""
        found: Mapping[str, Any] = self.info["recipe"]
        return found

    @property
    def source(self) -> str:
        """Where its images are from, as ``lenet.load`` takes it: a name or a path."""
        source = self.info.get("source")
        return source if isinstance(source, str) and source else str(self.info["dataset"])

    @property
    def data_dir(self) -> str | None:
        """The folder of its IDX files, if one was named."""
        arguments = self.info.get("arguments")
        found = arguments.get("data_dir") if isinstance(arguments, dict) else None
        return found if isinstance(found, str) else None

    @property
    def seconds(self) -> float:
        """Of training."""
        return float(self.info["train_seconds"])


def is_run(path: str | os.PathLike[str]) -> bool:
    """Is there a run in this folder?"""
    try:
        return (Path(path) / INFO).is_file()
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        return False


def read_run(folder: str | os.PathLike[str]) -> RunRecord:
    """Read a run folder.

    Raises:
        UsageError: there is no run in it.
        DataError: its run.json is damaged, or of another format.
    """
    if not is_run(folder):
        raise UsageError(
            f"{os.fspath(folder)!r} is no run: it has no {INFO}; name a folder that lenet train "
            "wrote, such as runs/digits-lenet-relu-1."
        )
    path = Path(folder) / INFO
    try:
        info = json.loads(_read(path))
        _check(info)
    except (ValueError, RecursionError, OSError, LenetError) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0].rstrip(".")
        raise DataError(f"{path} is damaged ({reason}); give an intact run folder.") from error
    return RunRecord(Path(folder), info, _signals(Path(folder) / FILE))


def _signals(path: Path) -> list[LayerSignal]:
    """What there is; runs of before it was written, and broken files, have none."""
    try:
        return from_csv(_read(path))
    except (OSError, ValueError):
        return []


def _read(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST:,} bytes")
    return content.decode("utf-8")


def _check(info: Any) -> None:
    """Is everything there that a page needs, and of the right kind?"""
    if not isinstance(info, dict) or info.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    if info.get("version") != VERSION:
        raise ValueError(
            f"its version is {info.get('version')!r:.40} and this lenet reads {VERSION}"
        )
    for key, kind in _KINDS.items():
        if not isinstance(info.get(key), kind) or isinstance(info[key], bool):
            raise ValueError(f"its {key} is missing or of the wrong kind")
    if not all(isinstance(name, str) for name in info["classes"]):
        raise ValueError("its classes are no list of names")
    for epoch in info["epochs"]:
        if not isinstance(epoch, dict) or not all(map(_is_number, epoch.values())):
            raise ValueError("its epochs are no list of numbers by name")
        if not isinstance(epoch.get("epoch"), int):
            raise ValueError("an epoch has no number")
    if not _is_number(info["train_seconds"]):
        raise ValueError("its train_seconds is no number of seconds")
    _ = parse_network(info["network"]).placed  # raises if it does not fit


def _is_number(value: object) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 2**63
    return value is None or isinstance(value, float)


_KINDS: Final[dict[str, type | tuple[type, ...]]] = {
    "status": str,
    "network": str,
    "parameters": int,
    "dataset": str,
    "classes": list,
    "recipe": dict,
    "seed": int,
    "epochs": list,
    "train_seconds": (int, float),
    "machine": dict,
}
