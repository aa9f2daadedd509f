"""The parser's own refusals, one sentence each."""

import pytest
from cyclopts import CycloptsError

from lenet.cli import parser
from lenet.cli.parser import parse_and_run
from lenet.errors import UsageError


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["explain", "--help"], None),
        (["evaluate"], "lenet evaluate needs a model file (MODEL); see lenet evaluate --help."),
        (["evaluate", "m"], "lenet evaluate needs a data set (DATA); see lenet evaluate --help."),
        (["predict"], "lenet predict needs a model file (MODEL); see lenet predict --help."),
        (["explain"], "lenet explain needs a "),
        (
            ["checks", "a", "b"],
            "lenet checks has no use for 'a' and 'b' and takes no more arguments; "
            "see lenet checks --help.",
        ),
        (
            ["explain", "lenet", "--jsno"],
            "lenet explain has no option '--jsno' (did you mean '--json'?); "
            "see lenet explain --help.",
        ),
        (
            ["checks", "--quiet=1"],
            "lenet checks has no option '--quiet'; it takes --json; see lenet checks --help.",
        ),
        (["train", "--seed", "1e3"], "--seed is '1e3'; it must be a whole number; see lenet tr"),
    ],
)
def test_sentences(arguments, sentence, capsys):
    if sentence is None:
        parse_and_run(arguments)
        assert "Usage" in capsys.readouterr().out
        return
    with pytest.raises(UsageError) as caught:
        parse_and_run(arguments)
    assert str(caught.value).startswith(sentence)
    assert caught.value.exit_code == 2


def test_other_errors_are_one_line(monkeypatch):
    def fail(*_arguments, **_keywords):
        raise CycloptsError(msg="a  b\nc.")

    monkeypatch.setattr(parser, "make_app", lambda _verb: fail)
    with pytest.raises(UsageError, match=r"^a b c; see lenet checks --help\.$"):
        parse_and_run(["checks"])
