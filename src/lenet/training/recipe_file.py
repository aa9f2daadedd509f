"""Recipes by name, and as TOML files, both ways.

The named ones are files in ``recipes/``: ``best.mnist.toml`` is the recipe ``best`` for the data
set ``mnist``, ``best.toml`` for every other.
"""

from __future__ import annotations

import json
import os
import tomllib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from lenet import files
from lenet.errors import UsageError, reason
from lenet.net.words import did_you_mean, listed, shown
from lenet.run_folder import FORMER_NAMES, with_current_names
from lenet.training.recipe import Recipe

FOLDER: Final = Path(__file__).parent / "recipes"
SUFFIX: Final = ".toml"
#: A recipe has some 500 bytes.
MAX_BYTES: Final = 100_000
#: What named recipes were called before; these names still work, and say so.
FORMER_RECIPES: Final = {"seed": "original"}

_TEXTS: Final = {field.name for field in fields(Recipe) if isinstance(field.default, str)}


def names() -> tuple[str, ...]:
    """Return the recipes' names."""
    return tuple(sorted({stem.partition(".")[0] for stem in _files()}))


def stem_of(name: str | os.PathLike[str]) -> str:
    """Return what to call a recipe: its name, or its file's without the ending."""
    text = os.fspath(name)
    is_file = text.lower().endswith(SUFFIX)
    return Path(text).name[: -len(SUFFIX)] if is_file else text.strip().lower()


def recipe(
    name: str | os.PathLike[str] | Mapping[str, Any] | Recipe = "modern",
    *,
    data: str = "",
    **changes: Any,
) -> Recipe:
    """Return a recipe by name, or from a ``.toml`` file, with some values changed.

    Args:
        name: the name, or the file's path; a recipe, or a mapping of its values, will do.
        data: the name of the data set it is for; some recipes differ.
        changes: values by name; ``None`` leaves a value as it is.

    Raises:
        UsageError: there is no such recipe or file, the file is no recipe, or a value is out of
            range.
    """
    if isinstance(name, Recipe):
        return name.replace(**changes)
    if isinstance(name, Mapping):
        return _changed(name, changes)
    is_name = isinstance(name, str | os.PathLike)
    text = os.fsdecode(name) if is_name else ""
    if text.lower().endswith(SUFFIX):
        return read_recipe(text, **changes)
    wanted = text.strip().lower()
    if wanted in FORMER_RECIPES:
        new = FORMER_RECIPES[wanted]
        warnings.warn(
            f"the recipe {wanted} is called {new} now; write {new!r}.",
            DeprecationWarning,
            stacklevel=2,
        )
        wanted = new
    if wanted not in names():
        near = did_you_mean(wanted, names())
        raise UsageError(
            f"the recipe is {shown(text if is_name else name)}{near}; it must be "
            f"{', '.join(names())} or a .toml file."
        )
    return read_recipe(_file_of(wanted, data), **changes)


def _file_of(name: str, data: str) -> Path:
    stems = _files()
    path = stems.get(f"{name}.{data.strip().lower().replace('_', '-')}", stems.get(name))
    if path is None:
        only = [stem.partition(".")[2] for stem in stems if stem.startswith(f"{name}.")]
        raise UsageError(
            f"the recipe {name} is for {listed(only)} alone; train on that, or take another recipe."
        )
    return path


def read_recipe(path: str | os.PathLike[str], **changes: Any) -> Recipe:
    """Read a recipe's TOML file; what it leaves out is the default's, ``changes`` come on top."""
    shown_path = str(path).replace("\0", "\\0")
    try:
        values = _read_toml(path)
    except (OSError, ValueError, RecursionError) as error:
        why = {
            UnicodeDecodeError: "it is no text in UTF-8",
            RecursionError: "it is no TOML: nested too deep",
            tomllib.TOMLDecodeError: f"it is no TOML: {error}",
        }.get(type(error), reason(error))
        raise UsageError(
            f"cannot read the recipe {shown_path}: {why}; give a file with lines such as lr = 0.01."
        ) from None
    try:
        return _changed(values, changes)
    except UsageError as error:
        where = "" if Path(path).parent == FOLDER else f"{shown_path}: "
        raise UsageError(f"{where}{error}") from None


def _read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    content = files.read_regular(path, MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
    return tomllib.loads(content.decode("utf-8-sig"))


def _changed(values: Mapping[str, Any], changes: Mapping[str, Any]) -> Recipe:
    """Return the recipe of all values at once: only then are two held against each other."""
    values = with_current_names(values)
    changes = with_current_names({k: v for k, v in changes.items() if v is not None})
    if isinstance(changes.get("augment"), Mapping) and isinstance(values.get("augment"), Mapping):
        changes["augment"] = {**values["augment"], **changes["augment"]}
    return Recipe.from_dict({**values, **changes})


def recipe_text(recipe: Recipe, about: str = "") -> str:
    """Return ``recipe`` as TOML, every value written out, with ``about`` as a comment on top."""
    flat, tables = [], []
    for name, value in recipe.to_dict().items():
        if isinstance(value, Mapping):
            lines = [f"{inner} = {_toml(item)}" for inner, item in value.items()]
            tables += ["", f"[{name}]", *lines]
        else:
            flat.append(f"{name} = {_toml(value)}")
    return "\n".join([*(f"# {line}" for line in about.splitlines()), *flat, *tables]) + "\n"


def read_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Read values by name from texts such as ``lr=0.02`` or ``augment.shift=1``."""
    values: dict[str, Any] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not (equals and name):
            raise UsageError(f"{shown(text)} is no setting; give a name and a value, lr=0.02.")
        table, is_text = values, name in _TEXTS
        if name.startswith("augment."):
            table, name = values.setdefault("augment", {}), name.removeprefix("augment.")
        current = FORMER_NAMES.get(name, name)
        if not isinstance(table, dict) or current in table:
            raise UsageError(f"{name} is set more than once; set it once.")
        read = value if is_text else _read_value(value)
        table[current] = with_current_names({name: read})[current]
    return values


def _files() -> dict[str, Path]:
    return {path.stem: path for path in sorted(FOLDER.glob(f"*{SUFFIX}"))}


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # JSON's escapes are TOML's too, but for one character that JSON leaves as it is.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _read_value(text: str) -> Any:
    """Read a number, ``true`` or ``false`` as TOML has it or as Python does; other text stays."""
    try:
        lower = text.strip().lower()
        values = tomllib.loads(f"value = {lower if lower in ('true', 'false') else text}")
    except (ValueError, RecursionError):
        return text
    return values["value"] if len(values) == 1 else text
