"""The door for text out of a file, and what every error keeps: one sentence, short, printable."""

import copy
import os
import pickle

import pytest

from lenet import errors
from lenet.errors import (
    LenetError,
    NotationError,
    ShapeError,
    path_text,
    reason,
    visible,
    visible_lines,
)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("é図😀 a\u00a0b\u3000c", "é図😀 a\u00a0b\u3000c"),
        ("\0\t\x1b[31m\x7f\x9b", r"\x00\t\x1b[31m\x7f\x9b"),
        ("a\nlenet: fake\r", r"a\nlenet: fake\r"),
        ("\u202egnp.exe\u2066", r"\u202egnp.exe\u2066"),
        ("\ud800\udcff\uffff\u2028\U000e0041", r"\ud800\udcff\uffff\u2028\U000e0041"),
    ],
)
def test_what_cannot_be_printed_is_written_out(text, seen):
    assert visible(text) == seen


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_why_a_name_is_none_is_said_in_words(name):
    with pytest.raises(ValueError, match=r"embedded|surrogates") as caught:
        os.stat(name)
    assert "in the name" in reason(caught.value)


def test_lines_are_kept_where_they_are_meant():
    assert visible_lines("a\nb\r\nc\rd\x1b\n") == "a\nb\r\nc\\rd\\x1b\n"
    assert visible("a\nb") == "a\\nb"


def test_a_long_path_is_cut():
    assert path_text("a" * 500) == "a" * 120 + "..." + "a" * 60
    assert path_text("a\0") == "a\\x00"


def test_a_message_is_one_short_line():
    message = str(LenetError("\x1b]0;owned\x07\n" + "y" * 3_000_000 + "; save it anew."))
    assert message.isprintable()
    assert len(message) < 300
    assert message.startswith(r"\x1b]0;owned\x07\nyyy")
    assert message.endswith("yyy; save it anew.")


def test_a_place_in_a_notation_stands_below():
    message = str(NotationError("a\nb", "x" * 200 + "\x1b", 200))
    sentence, text, arrow = message.split("\n")
    assert sentence == r"a\nb"
    assert text.endswith("x ")
    assert len(text) == len(arrow)


@pytest.mark.parametrize(
    "error",
    [
        LenetError("a", parameter="threads"),
        NotationError("a", "1x2", 1),
        ShapeError("a", "conv0", "b"),
        errors.MissingPackageError("a"),
        errors.UsageError("a"),
    ],
)
@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_an_error_comes_back_from_another_process(error, copied):
    again = copied(error)
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_a_long_message_keeps_what_to_do():
    message = str(LenetError("no such thing as " + "a word " * 10_000 + "; give another."))
    assert len(message) < 1_600
    assert message.startswith("no such thing as a word")
    assert message.endswith("a word ; give another.")
