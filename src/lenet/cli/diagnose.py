"""``lenet diagnose``."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lenet.cli.output import print_json

if TYPE_CHECKING:
    from lenet.analysis.diagnosis.changes import Fix

#: The longest header that is read, in bytes; one of 50,000 tensors is a third of it.
_MAX_HEADER = 16_000_000


def run(
    net: str,
    /,
    *,
    input: str | None = None,
    weights: Path | None = None,
    fix: int | None = None,
    json: bool = False,
) -> None:
    """Whether a network fits; if not, why, and what makes it fit, each tried.

    Parameters
    ----------
    net
        A zoo name, a notation, a .json file or a saved model.
    input
        Another input, channels x height x width, such as 3x64x64.
    weights
        A .safetensors file: do its weights belong to the network, and what makes them agree?
    fix
        Print only the notation of this fix, counted from 1.
    json
        Print one JSON object instead.
    """
    from lenet.analysis.diagnosis import diagnose, reconcile
    from lenet.analysis.diagnosis.text import render_diagnosis, render_reconciliation
    from lenet.cli.networks import network_of
    from lenet.net import name_of

    diagnosis = diagnose(network_of(net), input, name_of(net))
    width = max(80, shutil.get_terminal_size((80, 24)).columns)
    if weights is None:
        fixes = diagnosis.fixes
        text, document = render_diagnosis(diagnosis, width), diagnosis.to_dict()
    else:
        found = reconcile(diagnosis.network, tensor_shapes(weights), diagnosis.name)
        fixes = found.fixes
        text, document = render_reconciliation(found, width), found.to_dict()
    if fix is not None:
        print(_chosen(fixes, fix).network)
    elif json:
        print_json(document)
    else:
        print(text)


def _chosen(fixes: Sequence[Fix], number: int) -> Fix:
    from lenet.errors import UsageError

    if not 1 <= number <= len(fixes):
        given = f"there are {len(fixes)} fixes" if len(fixes) > 1 else "there is one fix"
        raise UsageError(f"--fix is {number} and {given if fixes else 'there is nothing to fix'}.")
    return fixes[number - 1]


def tensor_shapes(path: Path) -> list[tuple[str, list[int]]]:
    """Name and shape of every tensor in a .safetensors file, in the file's order.

    Only the header is read, which holds no numbers but shapes and places.

    Raises:
        ModelFileError: the file is missing, cut or no safetensors file.
    """
    import json

    from lenet.errors import ModelFileError, reason

    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = file.read(min(size, _MAX_HEADER))
        if len(header) < size:
            raise ValueError("its header is cut, or longer than any")
        document = json.loads(header)
        entries = sorted(
            ((name, entry) for name, entry in document.items() if name != "__metadata__"),
            key=lambda item: item[1]["data_offsets"],
        )
        return [(name, _sizes(entry["shape"])) for name, entry in entries]
    except OSError as error:
        why = reason(error)
        raise ModelFileError(f"cannot read {path}: {why}; give a .safetensors file.") from error
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ModelFileError(
            f"{path} is no safetensors file: its header cannot be read; save the weights as one."
        ) from error


def _sizes(shape: object) -> list[int]:
    if not isinstance(shape, list) or not all(type(n) is int and 0 <= n < 2**63 for n in shape):
        raise ValueError("a shape is no list of sizes")
    return shape
