"""``lenet checks``."""

from __future__ import annotations

from lenet.cli.output import print_json


def run(*, json: bool = False) -> None:
    """Versions, machine, instruction set, threads and folders: for a bug report.

    Parameters
    ----------
    json
        Print one JSON object instead.
    """
    from lenet.installation import checks

    found = checks()
    if json:
        print_json(found)
        return
    for name, value in found.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        print(f"{name.replace('_', ' '):<17} {'not set' if text is None else text}")
