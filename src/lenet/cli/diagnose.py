"""``lenet diagnose``."""

from __future__ import annotations

import shutil
from pathlib import Path


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
    from lenet.analysis.diagnosis import Diagnosis, Reconciliation, diagnose, reconcile
    from lenet.errors import UsageError
    from lenet.writing import render

    found: Diagnosis | Reconciliation
    if weights is None:
        found = diagnose(net, input_shape=input)
    else:
        found = reconcile(net, weights, input_shape=input)
    if fix is None:
        width = max(80, shutil.get_terminal_size((80, 24)).columns)
        print(render(found, "json" if json else "text", width))
    elif 1 <= fix <= len(found.fixes):
        print(found.fixes[fix - 1].network)
    else:
        many = len(found.fixes)
        given = f"there are {many} fixes" if many > 1 else "there is one fix"
        raise UsageError(f"--fix is {fix} and {given if many else 'there is nothing to fix'}.")
