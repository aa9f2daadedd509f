"""The parser's own refusals, one sentence each."""

import pytest

from lenet.cli.overview import VERBS
from lenet.cli.parser import Command, parse_and_run, read_docstring
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
        (["train", "--seed"], "--seed has no value; one that begins with a dash is given as --s"),
        (["train", "--lr", "-1e-3"], "--lr has no value; "),
        (["train", "--json=1"], "--json stands alone and takes no value; see lenet train --help."),
        (["train", "--seed", "1", "--seed=2"], "--seed is given more than once; give it once; see"),
        (["train", "--", "--json", "x"], "lenet train has no use for 'x'"),
        (["draw", "lenet", "-o"], "--output has no value"),
        (["draw", "lenet", "-x"], "lenet draw has no option '-x'; it takes --format, "),
        (["train", "--see", "1"], "lenet train has no option '--see' (did you mean '--seed'?)"),
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


def example(model: str, /, *images: str, rate: float = 0.5, given: list[str] | None = None) -> None:
    """What it does: 100 %.

    Parameters
    ----------
    model
        One thing,
        in two lines.
    images
        The rest.
    rate
        How fast.
    given
        What is known.
    """


@pytest.mark.parametrize(
    ("tokens", "call"),
    [
        (["m"], (["m"], {})),
        (["m", "--rate", "1", "a", "b"], (["m", "a", "b"], {"rate": 1.0})),
        (["--rate=-1e-3", "m", "-"], (["m", "-"], {"rate": -0.001})),
        (["m", "--", "--rate", "-x"], (["m", "--rate", "-x"], {})),
        (["--given", "a", "m", "--given", "b"], (["m"], {"given": ["a", "b"]})),
        (["m", "--rate", "x", "--help"], None),
    ],
)
def test_reading(tokens, call):
    assert Command("lenet example", example).read(tokens) == call


def test_help_shows_all_and_breaks_no_names(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    page = Command("lenet example", example).help()
    assert page.startswith(
        "Usage: lenet example MODEL IMAGES... [OPTIONS]\n\nWhat it does: 100 %.\n"
    )
    for words in ("One thing, in two lines.", "--rate NUMBER", "How fast. [default: 0.5]"):
        assert words in page
    assert max(map(len, page.splitlines())) <= 60
    monkeypatch.setenv("COLUMNS", "80")
    parse_and_run(["train", "--help"])


@pytest.mark.parametrize("verb", VERBS)
def test_every_parameter_is_described(verb):
    module = __import__(f"lenet.cli.{verb}", fromlist=["run"])
    command = Command(verb, module.run)
    about, texts = read_docstring(module.run.__doc__.replace("\n    ", "\n"))
    assert about.strip() == VERBS[verb]
    described = [one.name for one in command.arguments] + [one.keyword for one in command.options]
    assert list(texts) == described
    assert all(text[-1] in ".?" for text in texts.values())


def grouped(*, one: bool = False, two: int = 3, three: str = "") -> None:
    """What it does.

    Parameters
    ----------
    one
        First.

    Other things
    ------------
    two
        Second.
    three
        Third.
    """


def test_a_section_of_the_docstring_is_a_group_of_the_help():
    page = Command("lenet grouped", grouped).help()
    options, others = page.partition("Options:\n")[2].split("\nOther things:\n")
    assert [line.split()[0] for line in options.splitlines()] == ["--one", "-h,"]
    assert [line.split()[0] for line in others.splitlines()] == ["--two", "--three"]
    assert "Second. [default: 3]" in others
