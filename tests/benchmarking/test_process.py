"""A process that answers; what becomes of one that does not."""

import pytest

from lenet.benchmarking import worker
from lenet.benchmarking.worker import Process, one_line
from lenet.errors import EngineError
from refusals import refused

SERVER = """
import os, sys, time
from lenet.benchmarking.worker import serve

def answer(request):
    if "noise" in request:
        print("printed")
        os.system("echo from below")
    if "fail" in request:
        raise ValueError(request["fail"])
    if "end" in request:
        print("last words", file=sys.stderr)
        os._exit(3)
    if "sleep" in request:
        time.sleep(60)
    return {"twice": 2 * request["number"]}

serve(answer)
"""


@pytest.fixture
def server():
    with Process("somebody", ["-c", SERVER]) as process:
        yield process


def test_questions_and_answers(server):
    assert [server.ask(number=n)["twice"] for n in (1, "ab", 2.5)] == [2, "abab", 5.0]


def test_what_is_printed_does_not_come_between(server):
    assert server.ask(number=3, noise=True) == {"twice": 6}


def test_an_error_is_an_answer_and_the_process_goes_on(server):
    with pytest.raises(EngineError, match=r"^two lines$"):
        server.ask(fail="two\n  lines")
    assert server.ask(number=1) == {"twice": 2}


def test_an_early_end_is_told_with_the_last_words(server):
    with refused(EngineError, "last words"):
        server.ask(end=True)
    with refused(EngineError, "ended early"):
        server.ask(number=1)


def test_an_end_without_words():
    with (
        Process("somebody", ["-c", "raise SystemExit(7)"]) as process,
        pytest.raises(EngineError, match="status is 7"),
    ):
        process.ask(number=1)


def test_a_busy_process_is_stopped(monkeypatch):
    monkeypatch.setattr(worker, "PATIENCE", 0.05)
    process = Process("somebody", ["-c", SERVER])
    process._questions.write('{"sleep": 1}\n')
    process.close()
    assert process._process.returncode < 0


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError(" a\n b "), "a b"),
        (MemoryError(), "MemoryError"),
        (ValueError("x" * 1000), "x" * 297 + "..."),
    ],
)
def test_one_line(error, text):
    assert one_line(error) == text
