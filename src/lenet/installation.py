"""What this installation is made of and will use: the first thing to look at in a bug report."""

from __future__ import annotations

import os
from typing import Any

from lenet.data.sources import cache_folder
from lenet.engine.native import instruction_sets, processors
from lenet.errors import EngineError, OutputError, UsageError
from lenet.model import Model
from lenet.version import machine
from lenet.writing import Document, Result, Section, table_of


class Checks(Result, dict[str, Any]):
    """What an installation is made of, by name, as values for JSON; ``print`` it to read it."""

    def to_dict(self) -> dict[str, Any]:
        """Return the same as a plain dict."""
        return dict(self)

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return one row per name."""
        rows = [(name.replace("_", " "), _text(value)) for name, value in self.items()]
        return Document("", (Section("", (table_of(rows),)),))


def _text(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value or "not set")


def checks() -> Checks:
    """Return versions, machine, engine, threads and folders."""
    try:
        sets = list(instruction_sets())
    except EngineError:
        sets = []
    return Checks(
        machine(),
        engine=_engine(),
        instruction_sets=sets,
        threads=processors(),
        cache=_cache(),
        data=os.environ.get("LENET_DATA") or None,
    )


def _cache() -> str:
    """Return the folder for downloads, or why there is none."""
    try:
        return str(cache_folder())
    except OutputError as error:
        return str(error)


def _engine() -> str:
    """Return the engine that a training would get now, or why it would get none."""
    try:
        return Model("1x1x1 | dense 1").engine(threads=1).name
    except (EngineError, UsageError) as error:
        return str(error)
