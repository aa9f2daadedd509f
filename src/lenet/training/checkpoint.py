"""Checkpoints: the whole state of a training in a file that proves itself intact.

A file is a ``.safetensors`` with the tensors of :meth:`Training.state_dict` and these metadata, all
text: ``format``, ``version``, ``identity`` (what is trained, JSON), ``progress`` (how far it is,
JSON) and ``sha256`` over all the rest. Two names take turns, so that there is always the checkpoint
before the last one. If all of two trainings' identity is equal, so are their weights.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet import files
from lenet.errors import ModelFileError, reason
from lenet.net import Network
from lenet.net.words import shown
from lenet.run_folder import CHECKPOINTS, RECIPE, with_current_names
from lenet.training.loop import Training
from lenet.training.recipe import Recipe
from lenet.version import VERSION as LENET

FORMAT: Final = "lenet-checkpoint"
VERSION: Final = "1"
#: The largest network that is trained has states of a few gigabytes.
MAX_BYTES: Final = 2**36

Tensors = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training; all but the tensors are values for JSON."""

    tensors: Tensors
    progress: dict[str, Any]  # ``epochs`` and ``steps`` order checkpoints
    identity: dict[str, Any]

    @property
    def place(self) -> tuple[int, int]:
        """Whole epochs, and steps of the next."""
        return int(self.progress["epochs"]), int(self.progress["steps"])

    def to_bytes(self) -> bytes:
        """Return the file."""
        import safetensors.numpy

        metadata = {"format": FORMAT, "version": VERSION}
        metadata |= {name: json.dumps(getattr(self, name)) for name in ("identity", "progress")}
        metadata["sha256"] = _digest(metadata, self.tensors)
        return safetensors.numpy.save(dict(self.tensors), metadata)

    @classmethod
    def from_bytes(cls, content: bytes, path: Path) -> Checkpoint:
        """Read the inverse of :meth:`to_bytes`, if it is neither cut nor changed."""
        import safetensors.numpy

        try:
            header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
            metadata = dict(header["__metadata__"])
            tensors = safetensors.numpy.load(content)
            if metadata.pop("sha256") != _digest(metadata, tensors):
                raise ValueError("its checksum does not fit")
            if (metadata["format"], metadata["version"]) != (FORMAT, VERSION):
                raise ValueError("it has another format")
            values = [json.loads(metadata[name]) for name in ("progress", "identity")]
            if not all(isinstance(value, dict) for value in values):
                raise ValueError("it has another format")
            checkpoint = cls(tensors, *values)
            if checkpoint.place < (0, 0):
                raise ValueError("it counts below 0")
        except Exception as error:  # whatever a damaged file makes the readers raise
            why = str(error) if str(error).startswith("it") else "it is cut or changed"
            raise ModelFileError(f"{path} is no intact checkpoint: {why}.") from error
        return checkpoint


class Checkpoints:
    """The two files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._paths = [folder / name for name in CHECKPOINTS]
        self._next = 0

    def save(self, checkpoint: Checkpoint) -> None:
        """Write over the older of the two; both stay as they are if that fails."""
        files.write_bytes(self._paths[self._next], checkpoint.to_bytes())
        self._next = 1 - self._next

    def newest(self) -> tuple[Checkpoint | None, list[str]]:
        """Return the intact one that is further, or None; and what is wrong with the others."""
        newest, complaints = None, []
        for index, path in enumerate(self._paths):
            try:
                checkpoint = Checkpoint.from_bytes(files.read_regular(path, MAX_BYTES), path)
                if newest is None or checkpoint.place >= newest.place:
                    newest, self._next = checkpoint, 1 - index
            except FileNotFoundError:
                continue
            except ModelFileError as error:
                complaints.append(str(error))
            except OSError as error:
                complaints.append(f"cannot read {path}: {reason(error)}.")
        return newest, complaints

    def remove(self) -> None:
        """Remove both files."""
        for path in self._paths:
            with suppress(OSError):
                path.unlink()


def _digest(metadata: Mapping[str, str], tensors: Tensors) -> str:
    state = hashlib.sha256(json.dumps(sorted(metadata.items())).encode())
    for name, tensor in sorted(tensors.items()):
        state.update(f"{name} {tensor.dtype.str} {tensor.shape}".encode())
        state.update(np.ascontiguousarray(tensor).data)
    return state.hexdigest()


def identity(training: Training) -> dict[str, Any]:
    """Return what decides a training's weights; call it for a fine-tuning before its first step."""
    start = hashlib.sha256(training.model.table.tobytes()).hexdigest()
    data, engine = training.data.fingerprint(), training.engine.name
    values = identity_of(training.model.network, training.recipe, training.seed, data, engine)
    return {**values, "start": start if training.fine_tuning else None}


def identity_of(
    network: Network, recipe: Recipe, seed: int, fingerprint: str, engine: str
) -> dict[str, Any]:
    """Return what decides a training's weights, of one that begins anew."""
    return {
        "lenet": LENET,
        "engine": engine,
        "network": str(network),
        "seed": seed,
        "recipe": recipe.to_dict(),
        "data": fingerprint,
    }


#: What must be as it was, in the order in which it is told; what follows a difference.
_REMEDIES: Final = {
    "lenet": "it may reach other weights; install that version again, or begin a new run",
    "engine": "it rounds differently; go on where it was begun (LENET_ENGINE and LENET_ISA "
    "choose), or begin a new run",
    "network": "put that back, or begin a new run",
    "seed": "put that back, or begin a new run",
    "data": "bring the same images and labels back, or begin a new run",
    "start": "bring the model that it began with back, or begin a new run",
}


def difference(begun: Mapping[str, Any], now: Mapping[str, Any], folder: object) -> str | None:
    """Return why a run cannot go on: the first thing that is not as it was; None if all is."""
    for name, remedy in _REMEDIES.items():
        old, new = begun.get(name), now[name]
        if old != new:
            change = f"{name} {shown(old)} and now has {shown(new)}"
            if name in ("data", "start"):  # a hash tells nobody anything
                change = f"other {'images or labels' if name == 'data' else 'weights'}"
            return f"{folder} was begun with {change}; {remedy}."
    recipe = begun.get("recipe")
    old_recipe = with_current_names(recipe) if isinstance(recipe, Mapping) else {}
    for name, new in now["recipe"].items():
        if (old := old_recipe.get(name)) != new:
            return (
                f"{folder} was begun with {name} = {shown(old)} and its {RECIPE} now says "
                f"{shown(new)}; put that back, or begin a new run with that recipe."
            )
    return None
