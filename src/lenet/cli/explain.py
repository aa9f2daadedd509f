"""``lenet explain``."""

from __future__ import annotations

import shutil
from typing import Annotated

from cyclopts import Parameter

from lenet.cli.output import print_json

NAME = "explain"


def run(net: str, /, *, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """What a network is made of: a row a layer, totals, and what stands out.

    Parameters
    ----------
    net
        A zoo name, a notation, a .json file or a saved model.
    json
        Print one JSON object instead.
    """
    from lenet.anatomy import explain, render_text, to_dict
    from lenet.cli.networks import network_of
    from lenet.net import name_of

    report = explain(network_of(net), name_of(net))
    if json:
        print_json(to_dict(report))
    else:
        print(render_text(report, max(80, shutil.get_terminal_size((80, 24)).columns)))
