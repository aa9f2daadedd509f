"""Who may ask, how much, and what every answer forbids."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from lenet.serving.app import make_app
from lenet.serving.guard import MOST_BYTES, Door, is_local
from lenet.serving.runs import Runs

TOKEN = "a-token-of-the-test"


def run(work):
    """Let a coroutine come to its end, in a thread as in ``send_all``."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


def test_every_answer_forbids_what_no_page_of_ours_does(send):
    for method, path in (("GET", "/"), ("GET", "/nothing"), ("POST", "/api/nothing"), ("PUT", "/")):
        headers = send(method, path, json={}).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8028", "127.0.0.1:9", "[::1]:8028"])
def test_this_machines_names_are_known(send, host):
    assert send("GET", "/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8028", "127.0.0.1.evil.example", "10.0.0.7", "", "[::1"]
)
def test_another_name_is_refused(send, host):
    """A stranger's name may be made to lead here: DNS rebinding."""
    answer = send("GET", "/", headers={"host": host})
    assert answer.status_code == 403
    assert "does not go by that name" in answer.json()["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "https://127.0.0.1:8028"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    ],
)
def test_another_sites_question_is_refused(send, headers):
    answer = send("POST", "/api/runs", json={}, headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.json()["error"]


def test_the_pages_own_question_is_answered(send):
    headers = {"origin": "http://127.0.0.1:8028", "sec-fetch-site": "same-origin"}
    assert send("POST", "/api/runs", json={}, headers=headers).status_code == 200


def test_a_link_from_elsewhere_opens_the_page(send):
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert send("GET", "/", headers=headers).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_form_is_no_question(send, kind):
    answer = send("POST", "/api/runs", content=b"{}", headers={"content-type": kind})
    assert answer.status_code == 415


def test_a_long_body_is_not_read(send):
    content = b'{"net":"' + b"x" * MOST_BYTES + b'"}'
    answer = send(
        "POST", "/api/build", content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
    assert f"{MOST_BYTES:,} bytes" in answer.json()["error"]


def test_a_body_without_a_length_is_counted(app):
    """It comes in pieces; the rest of them is not asked for."""
    pieces = iter([b"x" * 40_000] * 1000)
    asked = 0
    sent = []

    async def receive():
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": next(pieces), "more_body": True}

    async def send(message):
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/api/build", "query_string": b""}
    run(app({**scope, "headers": headers}, receive, send))
    assert sent[0]["status"] == 413
    assert asked == 2


@pytest.mark.parametrize("name", ["host", "origin", "content-length"])
def test_two_headers_of_one_name_are_refused(app, name):
    sent = []

    async def send(message):
        sent.append(message)

    twice = [(name.encode(), b"localhost"), (name.upper().encode(), b"localhost")]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": twice}
    run(app(scope, None, send))
    assert sent[0]["status"] == 400


def test_a_fault_of_ours_is_a_sentence(send, monkeypatch, capsys):
    def fail(_):
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(Runs, "entries", fail)
    answer = send("POST", "/api/runs", json={})
    assert answer.status_code == 500
    assert "a fault" in answer.json()["error"]
    assert (
        capsys.readouterr().err
        == "lenet: the server failed at a request (ZeroDivisionError: a fault).\n"
    )


class TestToken:
    """Where others than this machine can reach the server."""

    @pytest.fixture
    def app(self, service):
        return make_app(service, Door("0.0.0.0", TOKEN, 8028))

    def test_without_it_nothing_is_answered(self, send):
        for path in ("/", "/web/serve/app.js", "/report?run=run-0", "/?token=wrong", "/?token="):
            assert send("GET", path).status_code == 401

    @pytest.mark.parametrize(
        "cookie",
        [f"lenet-8028={TOKEN}x", f"lenet-8029={TOKEN}", "lenet-8028=", "a=\x7f;=;,", "é=1"],
    )
    def test_a_wrong_cookie_is_none(self, send, cookie):
        headers = [(b"cookie", cookie.encode("latin-1"))]
        assert send("GET", "/", headers=headers).status_code == 401

    def test_the_printed_address_lets_in(self, send):
        answer = send("GET", f"/?token={TOKEN}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        kept = {"cookie": cookie.partition(";")[0]}
        assert send("GET", "/", headers=kept).status_code == 200
        assert send("POST", "/api/runs", json={}, headers=kept).status_code == 200

    def test_a_program_may_send_it(self, send):
        headers = {"authorization": f"Bearer {TOKEN}"}
        assert send("POST", "/api/runs", json={}, headers=headers).status_code == 200

    @pytest.mark.parametrize(
        ("host", "status"),
        [("192.168.1.7:8028", 200), ("[fe80::1]:8028", 200), ("lenet.example", 200)],
    )
    def test_with_a_token_any_name_will_do(self, send, host, status):
        headers = {"authorization": f"Bearer {TOKEN}", "host": host}
        assert send("GET", "/", headers=headers).status_code == status
        assert send("GET", "/", headers={"host": host}).status_code == 401

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_a_server_that_encrypts_may_stand_before_it(self, send, scheme):
        own = {"host": "lenet.example", "origin": f"{scheme}://lenet.example"}
        headers = {"authorization": f"Bearer {TOKEN}", **own}
        assert send("POST", "/api/runs", json={}, headers=headers).status_code == 200
        other = {**headers, "origin": f"{scheme}://evil.example"}
        assert send("POST", "/api/runs", json={}, headers=other).status_code == 403

    @pytest.mark.parametrize("foreign", ['a={"x":1}', "flag", "a=1 2", "a@b=1", "path=1"])
    def test_cookies_of_other_servers_do_no_harm(self, send, foreign):
        name = Door("0.0.0.0", TOKEN, 8028).cookie
        headers = {"host": "192.168.1.7:8028", "cookie": f"{foreign}; {name}={TOKEN}"}
        assert send("GET", "/", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        *((host, True) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost")),
        *((host, False) for host in ("0.0.0.0", "::", "192.168.1.7", "example.org")),
    ],
)
def test_which_addresses_others_can_reach(host, is_ours):
    assert is_local(host) == is_ours
