"""The verbs' arguments and options: how they are read, shown and refused."""

import json
from pathlib import Path

import click
import pytest

from lenet.cli import options
from lenet.cli.program import program, run
from lenet.errors import UsageError
from lenet.net import zoo
from refusals import refused

VERBS = program.commands


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate"], ["'MODEL'", "see lenet evaluate --help."]),
        (["predict"], ["'MODEL'"]),
        (["predict", "m"], ["'IMAGES...'"]),
        (["explain"], ["needs a network"]),
        (["checks", "a", "b"], ["unexpected", "a b", "see lenet checks --help."]),
        (["explain", "lenet", "--jsno"], ["'--jsno'", "(did you mean '--json'?)"]),
        (["train", "--see", "1"], ["'--see'", "did you mean '--seed'"]),
        (["checks", "--quiet=1"], ["'--quiet'"]),
        (["train", "--seed"], ["'--seed' requires", "see lenet train --help."]),
        (["train", "--json=1"], ["'--json' does not take a value", "lenet train --help."]),
        (["train", "--seed", "1", "--seed=2"], ["--seed is given more than once"]),
        (["train", "--", "digits", "x"], ["unexpected", "x"]),
        (["draw", "lenet", "-o"], ["'-o' requires"]),
        (["draw"], ["'NET'"]),
        (["draw", "lenet", "-x"], ["'-x'"]),
        (["train", "--seed", "1e3"], ["--seed is '1e3'", "a whole number"]),
        (["train", "--lr", "x"], ["--lr is 'x'", "a number"]),
        (["train", "--lr", "-1e-3"], ["-0.001"]),
        (["predict", "m", ""], ["images is ''", "must be a path"]),
        (["explain", "lenet", "--units", "3"], ["--units is for --dense-versus-conv"]),
        (["look", "m", "a.png", "--theme", "dark"], ["--theme", "--output"]),
        (["diagnose", "lenet", "--fix", "1", "--json"], ["--fix", "json"]),
    ],
)
def test_misuse_is_one_sentence(arguments, words):
    with pytest.raises(UsageError) as caught:
        run(arguments)
    text = str(caught.value)
    assert all(word in text for word in words), text
    assert text.endswith(".")
    assert "\n" not in text
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("-3", -3), ("007", 7), ("9" * 40, None)])
def test_whole_numbers(text, number):
    assert options.whole_number(text) == (int(text) if number is None else number)


@pytest.mark.parametrize(
    "text", ["", "-", "1.0", "1e3", "0x1", "1_0", " 1", "+1", "--1", "²", "nan", "9" * 5000]
)
def test_anything_else_is_refused(text):
    with refused(UsageError, "must be a whole number"):
        run(["train", "--seed", text])


@options.verb
@options.argument("model", "One thing.")
@options.argument("images", "The rest.", options.PATH, nargs=-1)
@options.option("--rate", "How fast.", options.FLOAT, default=0.5)
@options.option("--output", "Where to.", options.PATH)
@options.option("--given", "What is known.", multiple=True, section="Other things")
@options.flag("--dry-run", "No.", section="Other things")
def example(**values):
    """What it does: 100 %."""
    example.values = values


@pytest.mark.parametrize(
    ("tokens", "values"),
    [
        (["m"], {"model": "m", "images": (), "rate": 0.5, "output": None, "given": ()}),
        (["m", "--rate", "1", "a", "b"], {"images": (Path("a"), Path("b")), "rate": 1.0}),
        (["--rate=-1e-3", "m", "-"], {"images": (Path("-"),), "rate": -0.001}),
        (["m", "--", "--rate", "-x"], {"images": (Path("--rate"), Path("-x"))}),
        (["--given", "a", "m", "--given", "b"], {"given": ("a", "b"), "dry_run": False}),
        (["m", "-o", "a b", "--dry-run", "--dry-run"], {"output": Path("a b"), "dry_run": True}),
    ],
)
def test_reading(tokens, values):
    example.main(tokens, standalone_mode=False)
    assert example.values | values == example.values


def test_help_has_sections():
    page = example.get_help(click.Context(example, info_name="lenet example"))
    assert "What it does: 100 %." in page
    assert "[default: 0.5]" in page
    options, others = page.partition("\nOptions:\n")[2].split("\nOther things:\n")
    assert [line.split()[0] for line in options.splitlines()] == ["--rate", "-o,", "-h,"]
    assert [line.split()[0] for line in others.splitlines()] == ["--given", "--dry-run"]


@pytest.mark.parametrize("verb", VERBS)
def test_every_parameter_is_described(verb):
    for parameter in VERBS[verb].params:
        assert parameter.help[-1] in ".?", parameter.name
    assert VERBS[verb].short_help == VERBS[verb].help


@pytest.mark.parametrize("columns", [50, 80, 300])
def test_the_help_fits_the_terminal(columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))
    run([])
    page = capsys.readouterr().out
    assert max(map(len, page.splitlines())) <= min(100, columns)
    words = " ".join(page.split())
    assert all(f"{name} {verb.help}" in words for name, verb in VERBS.items())
    assert f"a zoo name ({', '.join(zoo.names())}), a notation" in words


def test_json_is_strict_and_survives_every_terminal(capsys):
    values = {"ä": [1, float("nan"), {"b": (float("inf"), None)}], "c": "\udcff 図", "d": 0.1}
    options.print_json(values)
    printed = capsys.readouterr().out
    assert printed.isascii()
    expected = {"ä": [1, None, {"b": [None, None]}], "c": "\udcff 図", "d": 0.1}
    assert json.loads(printed, parse_constant=lambda name: pytest.fail(name)) == expected
