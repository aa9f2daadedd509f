"""Who may ask, how much, and what every answer forbids the browser.

A page of a stranger's may make a browser ask this server. So a request must name this machine
(against a name that a stranger lets point here), must not come from another site, and where others
can reach the server it needs a token. What is wrong is answered in one sentence.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

from lenet.errors import visible

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: The largest body, in bytes: many times what the page asks with.
MOST_BYTES: Final = 64_000
#: What the page may do: run and show its own files, and ask this server.
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
#: What a run's own page may do, whoever wrote it: be looked at.
REPORT_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox"
)
_HEADERS: Final = {
    "content-security-policy": _PAGE_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")


class RefusedError(Exception):
    """A request that is not answered: the HTTP status, and why in one sentence."""

    def __init__(self, status: int, why: str) -> None:
        self.status = status
        super().__init__(why)


@dataclass(frozen=True)
class Door:
    """Where the server listens, and the token that others than this machine need."""

    host: str
    token: str = ""
    port: int = 0

    @property
    def cookie(self) -> str:
        """The name under which a browser keeps the token; browsers do not part ports."""
        return f"lenet-{self.port}"

    def check(self, scope: Scope) -> None:
        """Raise a RefusedError, if the request is not for this server or not from its page."""
        headers = _single_headers(scope["headers"])
        host = headers.get("host", "")
        if not self._is_known(_name_of(host)):
            raise RefusedError(
                403, "this server does not go by that name; open the address it printed."
            )
        # With a token, a server that encrypts may stand before this one.
        own = {f"http://{host}", *[f"https://{host}"] * bool(self.token)}
        if headers.get("origin", f"http://{host}") not in own:
            raise RefusedError(403, "the request comes from another site.")
        is_visit = scope["path"] == "/" and headers.get("sec-fetch-mode") == "navigate"
        site = headers.get("sec-fetch-site", "none")
        if site not in ("same-origin", "none") and not is_visit:
            raise RefusedError(403, "the request comes from another site.")
        if self.token and not self._has_token(headers):
            raise RefusedError(
                401, "a token is missing; open the whole address that lenet printed."
            )

    def gives_token(self, scope: Scope) -> bool:
        """Does the request's address have the token, to be kept as a cookie?"""
        values = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        return bool(self.token) and scope["path"] == "/" and any(map(self._is_token, values))

    def _is_known(self, name: str) -> bool:
        """Is it a name that this server may have?

        Without a token, another site could point a name of its own here. With one any name will do:
        a browser sends the token to none but that which it came from.
        """
        return bool(self.token) or name in (*_LOCAL, self.host.lower())

    def _has_token(self, headers: Mapping[str, str]) -> bool:
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if self._is_token(given):
            return True
        # Other servers of this machine have cookies there, too, of whatever form.
        pairs = (part.strip().partition("=") for part in headers.get("cookie", "").split(";"))
        return any(name == self.cookie and self._is_token(value) for name, _, value in pairs)

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode("utf-8", "replace"), self.token.encode())


def fault_text(error: Exception) -> str:
    """Say what a fault of ours was."""
    return visible(f"the server failed at a request ({type(error).__name__}: {error}).")


class Guard:
    """Stands before an application: checks, counts, and answers what went wrong."""

    def __init__(self, app: App, door: Door) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close"})
            return
        is_begun = False

        async def guarded(message: Message) -> None:
            nonlocal is_begun
            if message["type"] == "http.response.start":
                is_begun = True
                message["headers"] = _safe(message.get("headers", ()))
            await send(message)

        try:
            if self._door.gives_token(scope):
                await self._welcome(guarded)
                return
            self._door.check(scope)
            _check_body(scope)
            await self._app(scope, _counted(receive), guarded)
        except RefusedError as refusal:
            if not is_begun:
                await _answer(guarded, refusal.status, str(refusal))
        except Exception as error:  # a fault of ours: told to who runs the server, in a line
            print(f"lenet: {fault_text(error)}", file=sys.stderr)
            if not is_begun:
                await _answer(guarded, 500, fault_text(error))

    async def _welcome(self, send: Send) -> None:
        """Let the browser keep the token, and forget the address that holds it."""
        cookie = f"{self._door.cookie}={self._door.token}; Path=/; HttpOnly; SameSite=Lax"
        headers = [(b"location", b"/"), (b"set-cookie", cookie.encode())]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _single_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers by name. Two of one name are not chosen from: they are refused."""
    single: dict[str, str] = {}
    for name, value in headers:
        key = name.decode("latin-1").lower()
        if key in single and key in ("host", "origin", "content-length", "content-type"):
            raise RefusedError(400, f"the request has two headers called {key}.")
        single[key] = value.decode("latin-1")
    return single


def _name_of(host: str) -> str:
    """Return a Host header without its port and without the brackets of an address."""
    name, colon, port = host.rpartition(":")
    is_port = bool(colon) and port.isdecimal()
    name = name if is_port else host
    return (name[1:-1] if name[:1] == "[" and name[-1:] == "]" else name).lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_local(host: str) -> bool:
    """Can only this machine reach a server that listens on ``host``?"""
    return host.lower() in _LOCAL or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _check_body(scope: Scope) -> None:
    """Refuse a body by what is said of it, before it is read."""
    headers = _single_headers(scope["headers"])
    length = headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 12 or int(length) > MOST_BYTES:
        raise RefusedError(413, f"the request has more than {MOST_BYTES:,} bytes.")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if scope["method"] == "POST" and kind != "application/json":
        raise RefusedError(415, "the request is not of the type application/json.")


def _counted(receive: Receive) -> Receive:
    """Receive as much as is allowed; what comes in pieces has no length to look at before."""
    left = MOST_BYTES

    async def receive_counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise RefusedError(413, f"the request has more than {MOST_BYTES:,} bytes.")
        return message

    return receive_counted


def _safe(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Add what every answer forbids, unless the answer has a rule of its own."""
    given = list(headers)
    names = {name.lower() for name, _ in given}
    more = ((name.encode(), value.encode()) for name, value in _HEADERS.items())
    return given + [(name, value) for name, value in more if name not in names]


async def _answer(send: Send, status: int, why: str) -> None:
    body = json.dumps({"error": why}).encode()
    length = str(len(body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
