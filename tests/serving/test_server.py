"""The server as a process: its socket, what strangers send to it, and its end."""

import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager

import pytest

import lenet
from lenet.errors import OutputError, UsageError
from lenet.serving import server
from refusals import refused

NET = "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10"
#: What no client of ours sends.
RAW = [
    b"",
    b"\r\n\r\n",
    b"\0" * 300,
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"GET /" + b"a" * 200_000,
    b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 100,  # the begin of TLS
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"POST /api/build HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    b"POST /api/build HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 99999999999\r\n\r\n{}",
    b"POST /api/build HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n" + b"x" * 100_000,
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
]


@contextmanager
def serving(*arguments, cwd):
    """A server in a process of its own, and what it printed first."""
    line = [sys.executable, "-m", "lenet", "serve", "--port", "0", *arguments]
    with subprocess.Popen(
        line, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
    ) as process:
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def ask(port, name, **values):
    address = f"http://127.0.0.1:{port}/api/{name}"
    request = urllib.request.Request(
        address, json.dumps(values).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def send_raw(port, content):
    """Send bytes, and return what is answered until the connection is closed or silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        answer = b""
        try:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(1 << 16):
                answer += piece
        except OSError:  # it hung up
            pass
        return answer


def test_a_server_from_its_address_to_its_end(tmp_path):
    with serving(cwd=tmp_path) as (process, first):
        pattern = r"lenet is at http://127\.0\.0\.1:(\d+)/ and ends with Ctrl-C\.\n"
        port = int(re.fullmatch(pattern, first)[1])
        for content in RAW:
            answer = send_raw(port, content)
            assert b"Traceback" not in answer
            is_socket = b"websocket" in content  # which is not made: it gets the page
            status = b"HTTP/1.1 200 OK" if is_socket else b"HTTP/1.1 4"
            assert not answer or answer.startswith(status), (content[:60], answer[:200])
        assert ask(port, "train", net=NET, values={"epochs": 100_000})["numbers"] == [1]
        while not ask(port, "news", after=0)["trainings"][0]["share"]:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert rest == "lenet train --resume runs/digits-custom-1 goes on.\n"
    assert (
        lenet.report(tmp_path / "runs" / "digits-custom-1").record.info["status"] == "interrupted"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_the_signal_of_an_end_ends_it_as_cleanly(tmp_path):
    with serving(cwd=tmp_path) as (process, _):
        process.terminate()
        rest, _ = process.communicate(timeout=60)
        assert (process.returncode, rest) == (0, "")


def test_elsewhere_the_address_has_a_token(tmp_path):
    with serving("--host", "0.0.0.0", cwd=tmp_path) as (_, first):
        port, token = re.search(r"http://[^/]+:(\d+)/\?token=(\S{32}) ", first).groups()
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask(int(port), "runs")
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with opener.open(f"http://127.0.0.1:{port}/?token={token}", timeout=30) as page:
            assert b"<title>lenet</title>" in page.read()


def test_a_connection_that_says_nothing_is_closed(tmp_path, monkeypatch):
    """Nobody may hold all of them; one that waits for the next question is no such."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(server, "_SILENCE", 0.05)
    served, told = server.Server((), "127.0.0.1", 0), queue.Queue()
    thread = threading.Thread(target=served.run, args=(False, told.put))
    thread.start()
    try:
        port = int(told.get(timeout=30).rpartition(":")[2].strip("/"))
        for content in (b"", b"GET / HTTP/1.1\r\nHost: loc"):
            with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
                connection.sendall(content)
                assert connection.recv(1) == b""
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            for _ in range(2):
                connection.sendall(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
                time.sleep(0.15)
    finally:
        served.stop()
        thread.join(30)
    assert not thread.is_alive()


def test_a_busy_port_is_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with refused(OutputError, f"port {port} of 127.0.0.1", "choose another port"):
            lenet.serve(port=port)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"port": 80}, "1,024"),
        ({"port": 70_000}, "65,535"),
        ({"port": "8000"}, "the port is '8000'"),
        ({"port": True}, "the port is True"),
        ({"host": ""}, "the host is ''"),
        ({"host": 5}, "the host is 5"),
        ({"open": 1}, "open is 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, words):
    with refused(UsageError, words):
        lenet.serve(**given)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.1", "a b", "\0", "x" * 300])
def test_an_address_of_another_machine_is_refused(host):
    with refused(OutputError, "cannot listen on"):
        lenet.serve(host=host, port=0)


def test_a_folder_without_runs_is_refused(tmp_path):
    with refused(UsageError, "is no run and holds none"):
        lenet.serve(tmp_path)


def test_without_its_packages_a_sentence_says_how_to_get_them():
    hidden = "import sys; sys.modules['uvicorn'] = None; import lenet.cli.main as m; "
    code = hidden + "sys.exit(m.main(['serve']))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert found.returncode == 1
    assert 'run pip install "lenet[web]"' in found.stderr
    assert found.stderr.count("\n") == 1


def test_a_program_gets_the_address_as_json(tmp_path):
    with serving("--json", cwd=tmp_path) as (process, first):
        lines = [first, *(process.stdout.readline() for _ in range(2))]
        assert json.loads("".join(lines))["address"].startswith("http://127.0.0.1:")
