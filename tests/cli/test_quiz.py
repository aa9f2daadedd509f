"""``lenet quiz`` from the command line: asked, answered, ended early, and printed."""

import io
import json
import os
import subprocess
import sys

import pytest

from lenet.analysis.quiz import quiz


@pytest.fixture
def ask(command, monkeypatch):
    """Runs the quiz with these lines on stdin."""

    def run(*arguments, lines=()):
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return command("quiz", *arguments)

    return run


def test_right_and_wrong_answers_with_their_reasons(ask):
    questions = quiz("lenet", questions=4, seed=5).questions
    lines = [questions[0].answer, "no idea", "", questions[2].answer, "0"]
    found = ask("lenet", "--questions", "4", "--seed", "5", lines=lines)
    assert (found.status, found.err) == (0, "")
    flat = " ".join(found.out.split())
    assert f"1. {questions[0].text}" in flat
    assert f"right, {questions[0].answer}: {questions[0].reason}." in flat
    assert f"no, it is {questions[1].answer}: {questions[1].reason}." in flat
    assert f"right, {questions[2].answer}" in flat
    assert found.out.endswith("\n2 of 4 right.\n")


def test_it_ends_where_nobody_answers_any_more(ask):
    found = ask("tiny", lines=["1"])
    assert found.status == 0
    assert found.out.endswith("\n0 of 1 right; 9 not answered.\n")


def test_a_closed_stdin_and_bytes_that_are_no_text(process):
    line = [sys.executable, "-m", "lenet", "quiz", "tiny", "--questions", "1"]
    done = subprocess.run(
        line, input=b"\xff\xfe\x00\n", capture_output=True, check=True, env=os.environ
    )
    assert b"0 of 1 right." in done.stdout
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" "$@" <&-', *line], capture_output=True, check=True, env=os.environ
    )
    assert b"0 of 0 right; 1 not answered." in done.stdout


def test_ctrl_c_ends_it_with_the_score(ask, monkeypatch):
    answers = iter(["5"])

    def typed(prompt):
        if answer := next(answers, None):
            return answer
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", typed)
    found = ask("lenet", "--questions", "3")
    assert (found.status, found.err) == (0, "")
    assert found.out.endswith(" of 1 right; 2 not answered.\n")


def test_a_worksheet_and_json(ask, here):
    found = ask("lenet", "--worksheet", "a.md", "--seed", "3")
    assert (found.status, found.out) == (0, "a.md\n")
    assert "### Key" in (here / "a.md").read_text()
    found = ask("lenet", "--json", "--questions", "2", "--input", "1x32x32")
    told = json.loads(found.out)
    assert len(told["questions"]) == 2
    assert told["network"].startswith("1x32x32 ")


def test_refusals(refused):
    refused(["quiz", "lenet", "--questions", "0"], 2, "--questions")
    refused(["quiz", "lenet", "--seed", "-1"], 2, "the seed is -1")
    refused(["quiz", "lenet", "--worksheet", "a.doc"], 2, "--worksheet", ".tex")
    refused(["quiz", "lenet", "--worksheet", "a.md", "--json"], 2, "one of them")
    refused(["quiz", "no-network"], 2, "names no network")
    refused(["quiz", "1x4x4 | conv 3 k5 | dense 3"], 2, "does not fit")
