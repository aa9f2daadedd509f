"""Recipes by name, and as TOML files, both ways.

The named ones are files in ``recipes/``: ``best.mnist.toml`` is the recipe ``best`` for the data
set ``mnist``, ``best.toml`` for every other.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from lenet import files
from lenet.errors import UsageError, reason
from lenet.net.words import did_you_mean, shown
from lenet.training.recipe import Recipe

FOLDER: Final = Path(__file__).parent / "recipes"
SUFFIX: Final = ".toml"
#: A recipe has some 500 bytes.
MAX_BYTES: Final = 100_000

_TEXTS: Final = {field.name for field in fields(Recipe) if isinstance(field.default, str)}


def names() -> tuple[str, ...]:
    """The recipes that have a name."""
    return tuple(sorted({stem.partition(".")[0] for stem in _files()}))


def stem_of(name: str | os.PathLike[str]) -> str:
    """What to call the recipe that ``name`` names: that name, or its file's without the ending."""
    text = os.fspath(name)
    is_file = text.lower().endswith(SUFFIX)
    return Path(text).name[: -len(SUFFIX)] if is_file else text.strip().lower()


def recipe(
    name: str | os.PathLike[str] | Mapping[str, Any] | Recipe = "modern",
    *,
    data: str = "",
    **changes: Any,
) -> Recipe:
    """A recipe by name, or from a ``.toml`` file, with some values changed.

    Args:
        name: the name, or the file's path; a recipe, or a mapping of its values, will do.
        data: the name of the data set it is for; some recipes differ.
        changes: values by name; ``None`` leaves a value as it is.

    Raises:
        UsageError: there is no such recipe or file, the file is no recipe, or a value is out of
            range.
    """
    if isinstance(name, Recipe):
        return name.but(**changes)
    if isinstance(name, Mapping):
        return _changed(name, changes)
    is_name = isinstance(name, str | os.PathLike)
    text = os.fsdecode(name) if is_name else ""
    if text.lower().endswith(SUFFIX):
        return read_recipe(text, **changes)
    stems, wanted = _files(), text.strip().lower()
    path = stems.get(f"{wanted}.{data.strip().lower().replace('_', '-')}", stems.get(wanted))
    if path is None and wanted in names():
        only = [stem.partition(".")[2] for stem in stems if stem.startswith(f"{wanted}.")]
        raise UsageError(
            f"the recipe {wanted} is for {' and '.join(only)} alone; train on that, or take "
            "another recipe."
        )
    if path is None or wanted not in names():
        near = did_you_mean(wanted, names())
        raise UsageError(
            f"the recipe is {shown(text if is_name else name)}{near}; it must be "
            f"{', '.join(names())} or a .toml file."
        )
    return read_recipe(path, **changes)


def read_recipe(path: str | os.PathLike[str], **changes: Any) -> Recipe:
    """The recipe in a TOML file; values left out are the default's, ``changes`` come on top.

    Raises:
        UsageError: the file cannot be read, or is no recipe.
    """
    shown_path = str(path).replace("\0", "\\0")
    try:
        content = files.read_regular(path, MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UsageError(f"{shown_path} has more than {MAX_BYTES:,} bytes, so it is no recipe.")
        values = tomllib.loads(content.decode("utf-8-sig"))
    except UsageError:
        raise
    except UnicodeDecodeError:
        raise UsageError(f"{shown_path} is no text in UTF-8, so it is no recipe.") from None
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, tomllib.TOMLDecodeError | RecursionError):
            why = f"it is no TOML: {str(error) or 'nested too deep'}"
        else:  # ValueError: a zero byte in the name
            why = reason(error)
        raise UsageError(
            f"cannot read the recipe {shown_path}: {why}; give a file with lines such as lr = 0.01."
        ) from None
    try:
        return _changed(values, changes)
    except UsageError as error:
        where = "" if Path(path).parent == FOLDER else f"{shown_path}: "
        raise UsageError(f"{where}{error}") from None


def _changed(values: Mapping[str, Any], changes: Mapping[str, Any]) -> Recipe:
    """The recipe of ``values`` with ``changes`` on top: two values are only held against each other
    when all are said."""
    changes = {name: value for name, value in changes.items() if value is not None}
    if isinstance(changes.get("augment"), Mapping) and isinstance(values.get("augment"), Mapping):
        changes["augment"] = {**values["augment"], **changes["augment"]}
    return Recipe.from_dict({**values, **changes})


def recipe_text(recipe: Recipe, about: str = "") -> str:
    """``recipe`` as TOML, every value written out, with ``about`` as a comment on top."""
    flat, tables = [], []
    for name, value in recipe.to_dict().items():
        if isinstance(value, Mapping):
            lines = [f"{inner} = {_value(each)}" for inner, each in value.items()]
            tables += ["", f"[{name}]", *lines]
        else:
            flat.append(f"{name} = {_value(value)}")
    return "\n".join([*(f"# {line}" for line in about.splitlines()), *flat, *tables]) + "\n"


def read_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Values by name from texts such as ``lr=0.02`` or ``augment.shift=1``.

    Raises:
        UsageError: one that is no such text, or a name that comes twice.
    """
    found: dict[str, Any] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not (equals and name):
            raise UsageError(f"--set is {shown(text)}; give a name and a value, such as lr=0.02.")
        table = found
        if name.startswith("augment."):
            table, name = found.setdefault("augment", {}), name.removeprefix("augment.")
        if not isinstance(table, dict) or name in table:
            raise UsageError(f"{name} is set more than once; set it once.")
        table[name] = value if table is found and name in _TEXTS else _read_value(value)
    return found


def _files() -> dict[str, Path]:
    return {path.stem: path for path in sorted(FOLDER.glob(f"*{SUFFIX}"))}


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # JSON's escapes are TOML's too, but for one character that JSON leaves as it is.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _read_value(text: str) -> Any:
    """A number, ``true`` or ``false`` as TOML has it or as Python does; other text as it is."""
    try:
        lower = text.strip().lower()
        found = tomllib.loads(f"value = {lower if lower in ('true', 'false') else text}")
    except (ValueError, RecursionError):
        return text
    return found["value"] if len(found) == 1 else text
