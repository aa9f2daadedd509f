"""``lenet serve``: a local page to build, train and look at networks."""

from __future__ import annotations

from lenet.cli.options import INT, argument, flag, option, verb
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
def serve(*, runs: tuple[str, ...], port: int, host: str, open: bool) -> None:
    """A local page to build, train and look at networks, until Ctrl-C."""
    from lenet import serving

    serving.serve(*runs, port=port, host=host, open=open)
