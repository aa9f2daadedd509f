"""The socket, the address to print, and a clean end.

The server runs in a thread of its own, so that Ctrl-C reaches whoever called it, be it a command
or a notebook; it is then asked to end, and the trainings are stopped and saved.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import secrets
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from lenet.errors import OutputError, path_text, reason
from lenet.serving.app import Service, make_app
from lenet.serving.guard import Door, is_local
from lenet.serving.runs import Runs
from lenet.serving.trainings import Trainings

#: Connections at a time; more are told to come again.
_MOST_CONNECTIONS: Final = 64
#: Seconds in which a request must have come, once a connection is there.
_SILENCE: Final = 10.0
#: Seconds in which answers that are under way may come to their end.
_LAST_SECONDS: Final = 3


class Server:
    """One server, from its socket to its end."""

    def __init__(self, places: Sequence[str | os.PathLike[str]], host: str, port: int) -> None:
        """Take the port, so that what is wrong is known before anything is printed."""
        self._runs = Runs(places)
        self._socket = _listen(host, port)
        self._host, self._port = host, int(self._socket.getsockname()[1])
        token = "" if is_local(host) else secrets.token_urlsafe(24)
        self._door = Door(host, token, self._port)
        self._trainings = Trainings(self._runs.root, name=self._runs.name)
        self._uvicorn = self._make()

    def _make(self) -> uvicorn.Server:
        config = uvicorn.Config(
            make_app(Service(self._runs, self._trainings), self._door),
            http=_Connection,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            log_level="critical",  # what strangers send is nobody's concern
            access_log=False,
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=_LAST_SECONDS,
        )
        return uvicorn.Server(config)

    @property
    def address(self) -> str:
        """What to open in a browser."""
        host = _reachable(self._host)
        name = f"[{host}]" if ":" in host else host
        token = f"?token={self._door.token}" if self._door.token else ""
        return f"http://{name}:{self._port}/{token}"

    def run(self, open: bool, tell: Callable[[str], object]) -> list[str]:
        """Serve until Ctrl-C, or until the process is asked to end; ``tell`` the address.

        Return the commands that go on with the trainings that were stopped.
        """
        thread = threading.Thread(target=self._serve, name="lenet serve", daemon=True)
        try:
            with _ended_by_term():
                thread.start()
                tell(self.address)
                if open:
                    webbrowser.open(self.address)
                while thread.is_alive():
                    thread.join(0.5)  # in short waits: Windows ends no long one at Ctrl-C
        except KeyboardInterrupt:
            pass
        finally:
            self.stop()
            commands = self._trainings.close()
            thread.join(2 * _LAST_SECONDS)
            self._socket.close()
        return commands

    def stop(self) -> None:
        """Ask it to end."""
        self._uvicorn.should_exit = True

    def _serve(self) -> None:
        asyncio.run(self._uvicorn.serve([self._socket]))


class _Connection(H11Protocol):  # type: ignore[misc]
    """A connection that is closed when nothing is asked on it: nobody may hold all of them."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Look at it from time to time."""
        super().connection_made(transport)
        self.loop.call_later(_SILENCE, self._look)

    def _look(self) -> None:
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if self.transport.is_closing():
            return
        if is_answering or self.timeout_keep_alive_task is not None:
            self.loop.call_later(_SILENCE, self._look)
        else:
            self.transport.close()


@contextmanager
def _ended_by_term() -> Iterator[None]:
    """Let the signal that ends a process end it as Ctrl-C does, so that trainings are saved."""
    if threading.current_thread() is not threading.main_thread() or sys.platform == "win32":
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        OutputError: the port is in use, or the address is none of this machine's.
    """
    where = f"port {port} of {path_text(host)}"
    try:
        (family, kind, _, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listening = socket.socket(family, kind)
    except (OSError, UnicodeError) as error:
        raise OutputError(
            f"cannot listen on {path_text(host)}: {reason(error)}; give 127.0.0.1, or an address "
            "of this machine."
        ) from error
    try:
        if sys.platform != "win32":  # there it would let two servers have one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_MOST_CONNECTIONS)
    except OSError as error:
        listening.close()
        raise OutputError(
            f"cannot listen on {where}: {reason(error)}; choose another port, or 0 for any that is "
            "free.",
            parameter="port",
        ) from error
    return listening


def _is_everywhere(host: str) -> bool:
    """Does it stand for all addresses, however it is written: 0, 0.0.0.0, ::?"""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
        return any(ipaddress.ip_address(address).is_unspecified for address in found)
    except (OSError, ValueError):
        return False


def _reachable(host: str) -> str:
    """Return what others call an address that stands for all of this machine's."""
    if not _is_everywhere(host):
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks which way it would go
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
