"""Downloads against a server on this machine: good ones, dead ones, lying ones."""

import hashlib
import io
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lenet.data import download
from lenet.errors import DownloadError

CONTENT = bytes(range(256)) * 1000
CHECKSUM = hashlib.md5(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """The folder in the address says how to behave."""

    def do_GET(self):
        self.server.requests.append(self.path)
        behaviour, _, _ = self.path[1:].partition("/")
        if behaviour in ("404", "503"):
            self.send_error(int(behaviour))
            return
        content = {"wrong": b"wrong", "empty": b""}.get(behaviour, CONTENT)
        self.send_response(200)
        if behaviour != "endless":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:1000] if behaviour == "cut" else content)

    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.requests = []
        running.address = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def dead():
    """The address of a port where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}/"


def test_good_mirror(server, capsys):
    mirrors = [f"{server.address}/good/", f"{server.address}/never-asked/"]
    assert download.fetch("a.gz", CHECKSUM, mirrors) == CONTENT
    assert server.requests == ["/good/a.gz"]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"downloading a.gz from {server.address.removeprefix('http://')}\n"


@pytest.mark.parametrize("first", ["404", "503", "wrong", "empty", "cut"])
def test_second_mirror_stands_in(server, first):
    mirrors = [f"{server.address}/{first}/", f"{server.address}/good/"]
    assert download.fetch("a.gz", CHECKSUM, mirrors) == CONTENT
    assert server.requests == [f"/{first}/a.gz", "/good/a.gz"]


def test_dead_mirror_is_passed_over(server, dead):
    assert download.fetch("a.gz", CHECKSUM, [dead, f"{server.address}/good/"]) == CONTENT


def test_every_mirror_fails_for_its_own_reason(server, dead):
    mirrors = [dead, *(f"{server.address}/{how}/" for how in ("404", "wrong", "cut"))]
    with pytest.raises(DownloadError) as caught:
        download.fetch("a.gz", CHECKSUM, mirrors)
    host = server.address.removeprefix("http://")
    assert str(caught.value) == (
        f"cannot download a.gz ({dead[7:-1]} could not be reached, {host} answered 404, "
        f"{host} sent 5 bytes with a wrong checksum, {host} broke off); try again later, or get "
        "the files another way and name their folder with --data-dir or LENET_DATA"
    )


def test_more_than_the_limit(server, monkeypatch):
    monkeypatch.setattr(download, "MAX_BYTES", 100_000)
    with pytest.raises(DownloadError, match="sent more than 100,000 bytes"):
        download.fetch("a.gz", CHECKSUM, [f"{server.address}/endless/"])


def test_silent_mirror_times_out(monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", (0.2, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mirror = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(DownloadError, match="did not answer in time"):
            download.fetch("a.gz", CHECKSUM, [mirror])


def test_bar_on_a_terminal(server, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    assert download.fetch("a.gz", CHECKSUM, [f"{server.address}/good/"]) == CONTENT
    assert "downloading a.gz" in terminal.getvalue()
    assert "100%" in terminal.getvalue()
