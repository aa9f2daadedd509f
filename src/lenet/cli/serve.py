"""``lenet serve``: a local page to build, train and look at networks."""

from __future__ import annotations

import sys
from typing import Any

from lenet.cli import options
from lenet.cli.options import INT, argument, flag, option, print_json, verb
from lenet.serving import PORT


@verb
@argument("runs", "Runs, or folders of runs, to show beside those in runs/.", nargs=-1)
@option("--port", "The port to listen on; 0 is any that is free.", INT, default=PORT)
@option(
    "--host",
    "The address to listen on. On any but this machine's own a token is needed, which the printed "
    "address holds.",
    default="127.0.0.1",
)
@flag("--open", "Open the page in a browser.")
@options.json
def serve(*, runs: tuple[str, ...], json: bool, **how: Any) -> None:
    """A local page to build, train and look at networks, until Ctrl-C."""
    from lenet import serving

    def tell(address: str) -> None:
        print_json({"address": address})
        sys.stdout.flush()

    for command in serving.serve(*runs, **how, callback=tell if json else None):
        print(f"{command} goes on.", file=sys.stderr if json else sys.stdout)
