"""Checkpoints: the whole state of a training in a file that proves itself intact.

A file is a ``.safetensors`` with the tensors of :meth:`Training.snapshot` and these metadata, all
text: ``format`` ("lenet-checkpoint"), ``version``, ``identity`` (what is trained, JSON),
``progress`` (how far it is, JSON) and ``sha256`` over all the rest. Two names take turns, so that
there is always the checkpoint before the last one; a file is written whole or not at all.
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

FORMAT: Final = "lenet-checkpoint"
VERSION: Final = "1"
#: The largest network that is trained has states of a few gigabytes.
MAX_BYTES: Final = 2**36
NAMES: Final = ("checkpoint-1.safetensors", "checkpoint-2.safetensors")

Tensors = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training.

    Attributes:
        tensors: by name.
        progress: how far it is, as values for JSON; ``epochs`` and ``steps`` order checkpoints.
        identity: what is trained, as values for JSON.
    """

    tensors: Tensors
    progress: dict[str, Any]
    identity: dict[str, Any]

    @property
    def place(self) -> tuple[int, int]:
        """Whole epochs, and steps of the next."""
        return int(self.progress["epochs"]), int(self.progress["steps"])

    def to_bytes(self) -> bytes:
        """The file."""
        import safetensors.numpy

        metadata = {
            "format": FORMAT,
            "version": VERSION,
            "identity": json.dumps(self.identity),
            "progress": json.dumps(self.progress),
        }
        metadata["sha256"] = _digest(metadata, self.tensors)
        return safetensors.numpy.save(dict(self.tensors), metadata)

    @classmethod
    def from_bytes(cls, content: bytes, path: Path) -> Checkpoint:
        """The inverse of :meth:`to_bytes`.

        Raises:
            ModelFileError: it is cut, changed, or no checkpoint of ours.
        """
        import safetensors.numpy

        try:
            header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
            metadata = dict(header["__metadata__"])
            tensors = safetensors.numpy.load(content)
            if metadata.pop("sha256") != _digest(metadata, tensors):
                raise ValueError("its checksum does not fit")
            if (metadata["format"], metadata["version"]) != (FORMAT, VERSION):
                raise ValueError("it has another format")
            found = cls(tensors, json.loads(metadata["progress"]), json.loads(metadata["identity"]))
            assert found.place >= (0, 0)
        except Exception as error:  # whatever a damaged file makes the readers raise
            why = str(error) if str(error).startswith("it") else "it is cut or changed"
            raise ModelFileError(f"{path} is no intact checkpoint: {why}.") from error
        return found


class Checkpoints:
    """The two files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._paths = [folder / name for name in NAMES]
        self._next = 0

    def save(self, checkpoint: Checkpoint) -> None:
        """Write over the older of the two.

        Raises:
            OutputError: it cannot be written; both are as they were then.
        """
        files.write_bytes(self._paths[self._next], checkpoint.to_bytes())
        self._next = 1 - self._next

    def newest(self) -> tuple[Checkpoint | None, list[str]]:
        """The intact one that is further, if there is one; and what is wrong with the others."""
        found: list[tuple[tuple[int, int], int, Checkpoint]] = []
        complaints = []
        for index, path in enumerate(self._paths):
            try:
                checkpoint = Checkpoint.from_bytes(files.read_regular(path, MAX_BYTES), path)
            except FileNotFoundError:
                continue
            except ModelFileError as error:
                complaints.append(str(error))
            except OSError as error:
                complaints.append(f"cannot read {path}: {reason(error)}.")
            else:
                found.append((checkpoint.place, index, checkpoint))
        if not found:
            return None, complaints
        _, index, newest = max(found, key=lambda each: each[:2])
        self._next = 1 - index  # the damaged or the older one is written over
        return newest, complaints

    def remove(self) -> None:
        """Take them away."""
        for path in self._paths:
            with suppress(OSError):
                path.unlink()


def _digest(metadata: Mapping[str, str], tensors: Tensors) -> str:
    state = hashlib.sha256(json.dumps(sorted(metadata.items())).encode())
    for name, tensor in sorted(tensors.items()):
        state.update(f"{name} {tensor.dtype.str} {tensor.shape}".encode())
        state.update(np.ascontiguousarray(tensor).data)
    return state.hexdigest()
