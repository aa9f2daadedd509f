"""``lenet compare``."""

from __future__ import annotations

import shutil

from lenet.cli.output import print_json


def run(*nets: str, json: bool = False) -> None:
    """Networks side by side: what each costs, and what differs from the first.

    Parameters
    ----------
    nets
        Two or more: zoo names, notations, .json files or saved models.
    json
        Print one JSON object instead.
    """
    from lenet.anatomy.comparison import compare
    from lenet.anatomy.comparison.text import render_comparison
    from lenet.cli.networks import network_of
    from lenet.net import name_of

    comparison = compare(*map(network_of, nets), names=[name_of(net) for net in nets])
    if json:
        print_json(comparison.to_dict())
    else:
        width = max(80, shutil.get_terminal_size((80, 24)).columns)
        print(render_comparison(comparison, width))
