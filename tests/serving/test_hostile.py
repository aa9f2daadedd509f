"""A thousand hostile requests: each is answered in words, and no file outside is opened."""

import json
import random
import string
import sys
from pathlib import Path

import pytest

import lenet

COUNT = 1000
QUESTIONS = ("start", "build", "deduce", "train", "stop", "resume", "news", "runs", "curves")
QUESTIONS += ("advise", "compare", "look", "nothing", "../look", "")
KEYS = ("net", "start", "style", "figure", "given", "params", "activation", "data", "recipe")
KEYS += ("budget", "values", "seed", "seeds", "number", "run", "runs", "after")
SECRET = "the secret outside"
#: What an answer may be.
ANSWERS = {200, 400, 403, 404, 405, 413, 415}


def texts(outside):
    """Texts that a stranger would try."""
    return [
        *(
            "",
            " ",
            ".",
            "..",
            "\0",
            "\x1b[31m",
            "\ud800",
            "a" * 30_000,
            "<script>alert(1)</script>",
        ),
        *(str(outside), f"../{outside.name}", f"....//{outside.name}", "/etc/passwd", "/dev/zero"),
        *("file:///etc/passwd", "http://127.0.0.1:1/", "\\\\host\\share", "%2e%2e%2f", "~root"),
        *("lenet", "digits", "modern", "run-0", "1x8x8 | dense 10", "1x28x28 | conv 6 k55"),
        *(
            "9" * 5_000,
            "1x9999999x9999999 | conv 9999999 k5 | dense 10",
            "1x8x8" + "|dense 1" * 900,
        ),
        *(
            "32x32 -> 6@28x28",
            " -> ".join(["4@64x64"] * 200),
            "1x8x8 | conv 0 k0",
            "{}",
            "[[" * 999,
        ),
        *("{label}_*", "recipe.toml", f"{outside}.toml", f"{outside}.json", "nan", "1e999", "-1"),
    ]


def values(draw, tried):
    """A value of any kind."""
    kinds = [
        lambda: draw.choice(tried),
        lambda: draw.choice([0, -1, 1, 2**31, 2**63, 10**400, 1e308, -1e-308, True, False, None]),
        lambda: [draw.choice(tried) for _ in range(draw.randrange(12))],
        lambda: {draw.choice(("lr", "epochs", "network", "augment", "init")): draw.choice(tried)},
        lambda: {"lr": draw.choice((0, 1e40, -1)), "batch_size": draw.choice((0, 1, 10**9))},
    ]
    return draw.choice(kinds)()


def headers(draw, tried):
    """Headers that are mostly those of the page."""
    made = {"content-type": "application/json"}
    if draw.random() < 0.2:
        name = draw.choice(("host", "origin", "sec-fetch-site", "content-type", "cookie"))
        made[name] = draw.choice(tried)[:2000]
    return [
        (name.encode(), value.encode("utf-8", "replace").replace(b"\0", b"?"))
        for name, value in made.items()
    ]


def body(draw, tried):
    if draw.random() < 0.1:
        return bytes(draw.randrange(256) for _ in range(draw.randrange(200)))
    keys = draw.sample(KEYS, draw.randrange(6))
    return json.dumps({key: values(draw, tried) for key in keys}).encode()


def path(draw, tried):
    if draw.random() < 0.7:
        return f"/api/{draw.choice(QUESTIONS)}"
    strange = draw.choice(tried).encode("utf-8", "replace")[:500]
    quoted = "".join(f"%{byte:02x}" for byte in strange)
    plain = "".join(chr(byte) for byte in strange if chr(byte) in string.ascii_letters + "./")
    return draw.choice((f"/web/{plain}", f"/web/{quoted}", f"/{quoted}", f"/report?run={quoted}"))


@pytest.fixture
def opened():
    """The paths of files that were opened since; hooks stay, so it is switched off at the end."""
    paths, is_on = set(), True

    def hook(event, given):
        if is_on and event == "open" and isinstance(given[0], str | bytes):
            paths.add(
                Path(given[0].decode() if isinstance(given[0], bytes) else given[0]).absolute()
            )

    sys.addaudithook(hook)
    yield paths
    is_on = False


def test_a_thousand_hostile_requests(send_all, here, trainings, opened, capsys, monkeypatch):
    monkeypatch.delenv("LENET_DATA", raising=False)
    outside = here / "outside.txt"
    outside.write_text(SECRET)
    for ending in (".toml", ".json"):
        Path(f"{outside}{ending}").write_text(SECRET)
    draw, tried = random.Random(28), texts(outside)
    requests = [
        (
            draw.choice(("POST",) * 8 + ("GET", "GET", "PUT", "DELETE", "OPTIONS", "HEAD", "X")),
            path(draw, tried),
            {"content": body(draw, tried), "headers": headers(draw, tried)},
        )
        for _ in range(COUNT)
    ]
    opened.clear()
    answers = send_all(requests)
    trainings.close()
    assert len(answers) == COUNT
    for (method, address, _), answer in zip(requests, answers, strict=True):
        assert answer.status_code in ANSWERS, (method, address, answer.text[:300])
        assert "Traceback" not in answer.text
        assert SECRET not in answer.text
    assert capsys.readouterr() == ("", "")
    assert len({answer.status_code for answer in answers}) == len(ANSWERS)
    allowed = [here / "runs", Path(lenet.__file__).parent, Path(sys.base_prefix), Path(sys.prefix)]
    allowed += [Path("/proc"), Path("/sys"), Path("/dev/null")]
    strangers = [p for p in opened if not any(p.is_relative_to(place) for place in allowed)]
    assert strangers == []
    assert outside not in opened
