"""``lenet.serve``: a local page to build, train and look at networks.

- ``guard``: who may ask, how much, and what every answer forbids the browser
- ``files``: the page's own files, as they lie in ``lenet/web``
- ``questions``: what a request may hold, read and checked
- ``building``: a network that is typed, and all that follows from it
- ``runs``: the runs that may be shown, by name
- ``trainings``: trainings that go on beside each other while the page looks on
- ``app``: the addresses, and what answers each
- ``server``: the socket, the address to print, and a clean end
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from lenet.arguments import shown
from lenet.errors import UsageError, needing

#: Ports below are the system's own.
_LEAST_PORT: Final = 1024
_MOST_PORT: Final = 65_535
#: Where the page is, unless another port is asked for.
PORT: Final = 8028


def serve(
    *runs: str | os.PathLike[str],
    host: str = "127.0.0.1",
    port: int = PORT,
    open: bool = False,
    callback: Callable[[str], object] | None = None,
) -> list[str]:
    """Serve a page to build, train and look at networks, until Ctrl-C.

    Trainings write their runs into ``runs/``, as ``lenet train`` does, and end with the server:
    what is unfinished then can be resumed.

    Args:
        runs: folders of runs, and runs, to show beside those in ``runs/``.
        host: the address to listen on. On any but this machine's own a token is needed, which the
            address holds that is told.
        port: from 1,024 on; 0 for any that is free.
        open: whether to open the page in a browser.
        callback: is told the address when the page is there; without it the address is printed.

    Returns:
        The commands that go on with the trainings that were stopped.

    Raises:
        UsageError: no run lies in one of ``runs``, or an argument cannot be meant.
        OutputError: the address cannot be listened on, as when the port is in use.
        MissingPackageError: Starlette or uvicorn is missing; the extra ``web`` brings them.
    """
    is_port = type(port) is int and (port == 0 or _LEAST_PORT <= port <= _MOST_PORT)
    if not is_port:
        allowed = f"it must be 0, for any that is free, or {_LEAST_PORT:,} to {_MOST_PORT:,}"
        raise UsageError(f"the port is {shown(port)}; {allowed}.", parameter="port")
    if not isinstance(host, str) or not host:
        raise UsageError(f"the host is {shown(host)}; give an address such as 127.0.0.1.")
    if not isinstance(open, bool):
        raise UsageError(f"open is {shown(open)}; it must be True or False.")
    with needing("Starlette with uvicorn", "for the page", "web"):
        import starlette  # noqa: F401 - both are an extra
        import uvicorn  # noqa: F401
    from lenet.serving.server import Server

    return Server(runs, host, port).run(open, callback or _print_address)


def _print_address(address: str) -> None:
    print(f"lenet is at {address} and ends with Ctrl-C.", flush=True)
